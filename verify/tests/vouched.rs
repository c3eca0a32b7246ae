//! Handovers with detached signatures and manifests: everything signed must be as it was signed.
#![allow(missing_docs)]

mod support;

use baton_formats::handover::{FLAG_CRASH, Kind, Layout, Part};
use baton_verify::{Component, Decision, HashAlgorithm, Refusal, Trust, Vouched, Way, decide};
use support::flips::accepted_flips;
use support::forge::{Cert, Forge};
use support::forge_detached::ForgeDetached;
use support::small_elf::signed_elf;
use support::small_image::small_image;

fn signer() -> Cert {
    Cert::leaf(2, 1)
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = HashAlgorithm::Sha256.hash([bytes]);
    digest.as_bytes().try_into().expect("32 bytes")
}

fn authenticode(image: &[u8]) -> [u8; 32] {
    let pe = baton_formats::pe::Pe::parse(image).expect("an image");
    let digest = HashAlgorithm::Sha256.hash(pe.digest_parts());
    digest.as_bytes().try_into().expect("32 bytes")
}

fn sign(content: &[u8]) -> Vec<u8> {
    ForgeDetached::new(content, &signer()).build()
}

/// A handover to be: records, and whether it is for a crash.
#[derive(Clone, Default)]
struct Build {
    records: Vec<(Part, Vec<u8>)>,
    flags: u32,
}

impl Build {
    fn kernel(bytes: &[u8], digest: [u8; 32]) -> Self {
        Self::default().with(Kind::Kernel, bytes, digest, 0)
    }

    /// Unsigned in itself.
    fn bare() -> Self {
        Self::kernel(&small_image(), sha256(&small_image()))
    }

    /// With an Authenticode signature.
    fn signed() -> Self {
        let image = Forge::new(&signer()).build();
        Self::kernel(&image, authenticode(&image))
    }

    fn with(mut self, kind: Kind, bytes: &[u8], digest: [u8; 32], subject: usize) -> Self {
        let length = bytes.len() as u64;
        let part = Part {
            kind,
            length,
            digest,
            subject,
        };
        self.records.push((part, bytes.to_vec()));
        self
    }

    fn initrd(self, bytes: &[u8]) -> Self {
        self.with(Kind::Initrd, bytes, sha256(bytes), 0)
    }

    fn manifest(self, text: &str) -> Self {
        self.with(Kind::Manifest, text.as_bytes(), sha256(text.as_bytes()), 0)
    }

    /// A signature of `content`, said to be of the record of this number.
    fn signature(self, subject: usize, content: &[u8]) -> Self {
        let signature = sign(content);
        self.with(Kind::Signature, &signature, sha256(&signature), subject)
    }

    /// A manifest with its right signature.
    fn signed_manifest(self, text: &str) -> Self {
        let index = self.records.len();
        self.manifest(text).signature(index, text.as_bytes())
    }

    fn crash(mut self) -> Self {
        self.flags = FLAG_CRASH;
        self
    }

    fn blob(&self) -> Vec<u8> {
        let parts: Vec<_> = self.records.iter().map(|(part, _)| *part).collect();
        let layout = Layout::plan(&parts, self.flags).expect("fits");
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

fn line(what: &str, bytes: &[u8]) -> String {
    let digest: String = sha256(bytes).iter().map(|b| format!("{b:02x}")).collect();
    format!("{what} sha256 {digest} {}\n", bytes.len())
}

fn manifest(lines: &[String]) -> String {
    format!("baton-manifest 1\n{}", lines.concat())
}

/// Of the unsigned kernel and two initrds.
fn full_manifest() -> String {
    manifest(&[
        line("kernel", &small_image()),
        line("initrd", b"first"),
        line("initrd", b"second"),
        "cmdline quiet\n".to_string(),
    ])
}

fn full() -> Build {
    Build::bare()
        .initrd(b"first")
        .initrd(b"second")
        .signed_manifest(&full_manifest())
}

fn judge<T>(
    build: &Build,
    command_line: &[u8],
    see: impl FnOnce(Decision<'_>) -> T,
) -> Result<T, Refusal> {
    let key = Cert::ca(1, 1).der();
    let trust = Trust::new().add_keys(&key).expect("well-formed");
    decide(&build.blob(), command_line, &trust).map(see)
}

fn refusal(build: &Build, command_line: &[u8]) -> (Component, &'static str) {
    let refusal = judge(build, command_line, |_| ()).unwrap_err();
    assert!(!refusal.to_string().contains('\n'));
    (refusal.component, refusal.reason.code())
}

#[test]
fn a_manifest_vouches_for_an_unsigned_kernel_and_two_initrds() {
    judge(&full(), b"quiet", |decision| {
        assert_eq!(decision.kernel.way(), Way::Manifest);
        let signer = decision.manifest.expect("there").signer().clone();
        assert_eq!(signer.subject, "key 2");
        let expected = vec![Vouched::Manifest(signer.clone()); 2];
        assert_eq!(decision.initrds_vouched, expected);
        assert_eq!(decision.initrd_count, 2);
    })
    .expect("accepted");
}

#[test]
fn detached_signatures_vouch_for_a_kernel_and_an_initrd() {
    let build = Build::bare()
        .initrd(b"first")
        .initrd(b"second")
        .signature(0, &small_image())
        .signature(2, b"second");
    judge(&build, b"", |decision| {
        assert_eq!(decision.kernel.way(), Way::Detached);
        let signer = decision.kernel.signer().clone();
        let expected = [Vouched::Unsigned, Vouched::Detached(signer)];
        assert_eq!(decision.initrds_vouched, expected);
        assert!(decision.manifest.is_none());
    })
    .expect("accepted");
}

#[test]
fn refuses_a_signature_of_something_else_even_where_none_is_needed() {
    let kernel = Build::signed().signature(0, b"other");
    assert_eq!(
        refusal(&kernel, b""),
        (Component::Kernel, "digest-mismatch")
    );
    let initrd = Build::signed().initrd(b"first").signature(1, b"other");
    assert_eq!(
        refusal(&initrd, b""),
        (Component::Initrd(0), "digest-mismatch")
    );
}

#[test]
fn refuses_a_damaged_signature_and_a_damaged_manifest() {
    let signature = sign(b"first");
    let damaged =
        Build::signed()
            .initrd(b"first")
            .with(Kind::Signature, &signature, sha256(b"another"), 1);
    assert_eq!(
        refusal(&damaged, b""),
        (Component::Signature(2), "record-altered")
    );
    let text = full_manifest();
    let damaged = Build::bare()
        .with(Kind::Manifest, text.as_bytes(), sha256(b"another"), 0)
        .signature(1, text.as_bytes());
    assert_eq!(
        refusal(&damaged, b"quiet"),
        (Component::Manifest, "record-altered")
    );
}

#[test]
fn refuses_a_manifest_without_a_trusted_signature() {
    let text = full_manifest();
    let unsigned = Build::bare().manifest(&text);
    assert_eq!(
        refusal(&unsigned, b"quiet"),
        (Component::Manifest, "unsigned")
    );
    let transplanted = Build::bare().manifest(&text).signature(1, b"other");
    assert_eq!(
        refusal(&transplanted, b"quiet"),
        (Component::Manifest, "digest-mismatch")
    );
}

#[test]
fn refuses_initrds_that_the_manifest_does_not_list_so() {
    let of = |initrds: &[&[u8]]| {
        let build = Build::bare();
        let build = initrds
            .iter()
            .fold(build, |build, bytes| build.initrd(bytes));
        refusal(&build.signed_manifest(&full_manifest()), b"quiet")
    };
    let initrd = Component::Initrd;
    assert_eq!(of(&[b"second", b"first"]), (initrd(0), "not-in-manifest"));
    assert_eq!(of(&[b"first", b"other"]), (initrd(1), "not-in-manifest"));
    assert_eq!(
        of(&[b"first", b"second", b"third"]),
        (initrd(2), "not-in-manifest")
    );
    assert_eq!(of(&[b"first"]), (initrd(1), "missing-initrd"));
    assert_eq!(of(&[]), (initrd(0), "missing-initrd"));
}

#[test]
fn refuses_another_kernel_than_the_manifests_even_if_signed_itself() {
    let text = manifest(&[line("kernel", &small_image())]);
    let build = Build::signed().signed_manifest(&text);
    assert_eq!(refusal(&build, b""), (Component::Kernel, "not-in-manifest"));
    // Of one that lists none, the kernel may be any.
    let text = manifest(&[line("initrd", b"first")]);
    let build = Build::signed().initrd(b"first").signed_manifest(&text);
    let way = judge(&build, b"", |decision| decision.kernel.way());
    assert_eq!(way, Ok(Way::Authenticode));
}

#[test]
fn refuses_a_command_line_that_the_manifest_does_not_allow() {
    for wrong in [&b""[..], b"quiet debug", b"debug quiet", b"quiet "] {
        assert_eq!(
            refusal(&full(), wrong),
            (Component::CommandLine, "command-line-not-in-manifest")
        );
    }
}

#[test]
fn only_the_running_kernels_parameters_may_precede_the_manifests_command_line() {
    let crash = full().crash();
    for right in [
        &b"elfcorehdr=0x1f000 quiet"[..],
        b"elfcorehdr=0x1f000 dmcryptkeys=0x20000 quiet",
    ] {
        assert_eq!(judge(&crash, right, |decision| decision.crash), Ok(true));
    }
    for wrong in [
        &b"elfcorehdr=0x1f000 elfcorehdr=0x1f000 quiet"[..],
        b"elfcorehdr=0x1f000 dmcryptkeys=0x20000 debug quiet",
        b"elfcorehdr=0x1f000, quiet",
        b"elfcorehdr=quiet",
        b"elfcorehdr=0x1f000",
    ] {
        assert_eq!(
            refusal(&crash, wrong),
            (Component::CommandLine, "command-line-not-in-manifest")
        );
    }
    assert_eq!(
        refusal(&full(), b"dmcryptkeys=0x20000 quiet"),
        (Component::CommandLine, "command-line-not-in-manifest")
    );
}

#[test]
fn refuses_another_digest_in_the_handover_than_that_of_what_was_signed() {
    // The Authenticode digest isn't what the manifest lists.
    let image = small_image();
    let build = Build::kernel(&image, authenticode(&image))
        .signed_manifest(&manifest(&[line("kernel", &image)]));
    assert_eq!(
        refusal(&build, b""),
        (Component::Kernel, "handover-digest-mismatch")
    );
}

#[test]
fn refuses_a_file_signed_in_an_elf_note_as_a_bzimage() {
    let (file, unsigned) =
        signed_elf(|content| ForgeDetached::module(content, &Cert::ca(1, 1)).build());
    let build = Build::kernel(&file, sha256(&unsigned));
    assert_eq!(refusal(&build, b""), (Component::Kernel, "bad-kernel"));
}

#[test]
fn refuses_every_flip_of_a_header_page_with_signatures_and_a_manifest() {
    let blob = full().blob();
    let key = Cert::ca(1, 1).der();
    let trust = Trust::new().add_keys(&key).expect("well-formed");
    assert!(decide(&blob, b"quiet", &trust).is_ok());
    let accepted = accepted_flips(&blob, 0..4096, |flipped| {
        decide(flipped, b"quiet", &trust).is_ok()
    });
    assert_eq!(accepted, []);
}

#[test]
fn refuses_every_truncation_of_a_handover_with_a_manifest() {
    let blob = full().blob();
    let key = Cert::ca(1, 1).der();
    let trust = Trust::new().add_keys(&key).expect("well-formed");
    for len in 0..blob.len() {
        assert!(decide(&blob[..len], b"quiet", &trust).is_err(), "{len}");
    }
}
