//! Handovers of any records.

use std::sync::OnceLock;

use baton_formats::gate_image::Isa;
use baton_formats::handover::{FLAG_CRASH, Layout, PlannedRecord, RecordKind};
use baton_verify::{
    Component, Decision, HashAlgorithm, Machine, Refusal, Trust, decide, decide_draft,
};

use super::forge::{Cert, Forge};
use super::forge_detached::ForgeDetached;
use super::small_image::{architecture, small_image};

/// Whom the trusted authority vouches for.
pub fn signer() -> Cert {
    Cert::leaf(2, 1)
}

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = HashAlgorithm::Sha256.hash([bytes]);
    digest.as_bytes().try_into().expect("32 bytes")
}

pub fn authenticode(image: &[u8]) -> [u8; 32] {
    let pe = baton_formats::pe::Pe::parse(image).expect("an image");
    let digest = HashAlgorithm::Sha256.hash(pe.digest_parts());
    digest.as_bytes().try_into().expect("32 bytes")
}

/// The small kernel, signed.
pub fn signed_kernel() -> Vec<u8> {
    static KERNELS: [OnceLock<Vec<u8>>; 2] = [OnceLock::new(), OnceLock::new()];
    // Tests of both architectures run beside each other.
    let [of_x86, of_arm64] = &KERNELS;
    let kernel = match architecture() {
        Isa::X86_64 => of_x86,
        Isa::Arm64 => of_arm64,
    };
    kernel.get_or_init(|| Forge::new(&signer()).build()).clone()
}

/// The certificate of the authority that vouches for [`signer`].
pub fn authority() -> Vec<u8> {
    Cert::ca(1, 1).der()
}

/// A detached signature.
pub fn sign(content: &[u8]) -> Vec<u8> {
    ForgeDetached::new(content, &signer()).build()
}

/// A handover to be: records, and whether it is for a crash.
#[derive(Clone, Default)]
pub struct Build {
    pub records: Vec<(PlannedRecord, Vec<u8>)>,
    pub flags: u32,
    pub profile: u32,
}

impl Build {
    pub fn kernel(bytes: &[u8], digest: [u8; 32]) -> Self {
        Self::default().with(RecordKind::Kernel, bytes, digest, 0)
    }

    /// Unsigned in itself.
    pub fn bare() -> Self {
        Self::kernel(&small_image(), sha256(&small_image()))
    }

    /// With an Authenticode signature.
    pub fn signed() -> Self {
        let image = Forge::new(&signer()).build();
        Self::kernel(&image, authenticode(&image))
    }

    pub fn with(
        mut self,
        kind: RecordKind,
        bytes: &[u8],
        digest: [u8; 32],
        subject: usize,
    ) -> Self {
        let length = bytes.len() as u64;
        let part = PlannedRecord {
            kind,
            length,
            digest,
            subject,
        };
        self.records.push((part, bytes.to_vec()));
        self
    }

    pub fn initrd(self, bytes: &[u8]) -> Self {
        self.with(RecordKind::Initrd, bytes, sha256(bytes), 0)
    }

    pub fn manifest(self, text: &str) -> Self {
        self.with(
            RecordKind::Manifest,
            text.as_bytes(),
            sha256(text.as_bytes()),
            0,
        )
    }

    /// A signature of `content`, said to be of the record of this number.
    pub fn signature(self, subject: usize, content: &[u8]) -> Self {
        let signature = sign(content);
        self.with(
            RecordKind::Signature,
            &signature,
            sha256(&signature),
            subject,
        )
    }

    /// A manifest with its right signature.
    pub fn signed_manifest(self, text: &str) -> Self {
        let index = self.records.len();
        self.manifest(text).signature(index, text.as_bytes())
    }

    /// An addon, whose digest is its Authenticode digest.
    pub fn addon(self, image: &[u8]) -> Self {
        self.with(RecordKind::Addon, image, authenticode(image), 0)
    }

    pub fn crash(mut self) -> Self {
        self.flags = FLAG_CRASH;
        self
    }

    pub fn blob(&self) -> Vec<u8> {
        let parts: Vec<_> = self.records.iter().map(|(part, _)| *part).collect();
        let layout = Layout::plan(&parts, self.flags)
            .expect("fits")
            .with_profile(self.profile);
        let mut blob = layout.header_page().to_vec();
        for (index, (_, bytes)) in self.records.iter().enumerate() {
            let offset = layout.offset(index).expect("there");
            blob.resize(usize::try_from(offset).expect("small"), 0);
            blob.extend(bytes);
        }
        blob.resize(usize::try_from(layout.total_len()).expect("small"), 0);
        blob
    }
}

fn trust(key: &[u8]) -> Trust<'_> {
    Trust::new().add_keys(key).expect("well-formed")
}

/// What is decided, trusting [`signer`]'s authority.
pub fn judge<T>(
    build: &Build,
    command_line: &[u8],
    see: impl FnOnce(Decision<'_>) -> T,
) -> Result<T, Refusal> {
    decide(
        &build.blob(),
        command_line,
        Machine::SECURE,
        &trust(&authority()),
    )
    .map(see)
}

/// What is decided about a draft, trusting the same.
pub fn judge_draft<T>(
    build: &Build,
    command_line: &[u8],
    see: impl FnOnce(Decision<'_>) -> T,
) -> Result<T, Refusal> {
    decide_draft(
        &build.blob(),
        command_line,
        Machine::SECURE,
        &trust(&authority()),
    )
    .map(see)
}

/// What is refused, and the reason's code.
pub fn refusal(build: &Build, command_line: &[u8]) -> (Component, &'static str) {
    let refusal = judge(build, command_line, |_| ()).unwrap_err();
    assert!(!refusal.to_string().contains('\n'));
    (refusal.component, refusal.reason.code())
}

/// A manifest's line about a file.
pub fn line(what: &str, bytes: &[u8]) -> String {
    let digest: String = sha256(bytes).iter().map(|b| format!("{b:02x}")).collect();
    format!("{what} sha256 {digest} {}\n", bytes.len())
}

/// A manifest of these lines.
pub fn manifest(lines: &[String]) -> String {
    format!("baton-manifest 1\n{}", lines.concat())
}
