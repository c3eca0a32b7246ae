//! A machine that is about to be handed over: what user space chose, what the gate is made of, and what
//! firmware and the running kernel left.

use baton_formats::boot_params::SECURE_BOOT_ENABLED;
use baton_formats::gate_image::{FILE_OFFSET, Formats, GateInfo, LEN};
use baton_formats::handover::{PlannedRecord, RecordKind};
use baton_formats::policy::Policy;
use baton_samples::build::{Build, authenticode, sha256, sign, signer};
use baton_samples::forge::{Cert, Forge};
use baton_samples::machine::{Memory, RAM_END};
use baton_samples::small_image::{set_text_len, small_image};
use baton_verify::Machine;

/// What the kernel puts before a crash kernel's command line, as long as it can be (setup_cmdline in
/// arch/x86/kernel/kexec-bzimage64.c), which is what `baton crash load` counts with.
pub const BY_THE_KERNEL: &[u8] = b"elfcorehdr=0x0000000020000000 dmcryptkeys=0xffffffffffffffff ";

/// Where that says that the dump's headers are, at the start of what was reserved for a crash.
pub const DUMP: u64 = 0x2000_0000;

/// The map of a crash: the first MiB, what is firmware's, and what was reserved, less the headers
/// (crash_setup_memmap_entries in arch/x86/kernel/crash.c).
pub const CRASH_MAP: [(u64, u64, u32); 3] = [
    (0x1000, 0x9_e000, 1),
    (0x7f00_0000, 0x10_0000, 2),
    (DUMP + 0x1000, RAM_END - DUMP - 0x1000, 1),
];

/// How they begin: ELF of 64 bits, of a core.
pub fn dump_header() -> Vec<u8> {
    let mut header = b"\x7fELF\x02\x01\x01".to_vec();
    header.resize(64, 0);
    header[16] = 4;
    header
}

/// What shim left.
#[derive(Clone, Default)]
pub struct Shim {
    pub list: Vec<u8>,
    pub revoked: Vec<u8>,
    /// The copy of the firmware's dbx; empty if there is none.
    pub dbx: Vec<u8>,
    pub sbat_level: Option<Vec<u8>>,
}

/// The signed parts of the gate.
#[derive(Clone, Default)]
pub struct Gate {
    pub keys: Vec<u8>,
    pub policy: Vec<u8>,
    pub dbx: Vec<u8>,
    pub sbat: Vec<u8>,
    /// The kernel formats that it was built with.
    pub formats: Formats,
}

/// Everything. An attack changes some of it.
pub struct Scene {
    /// The handover's records.
    pub build: Build,
    /// The command line, as user space chose it.
    pub line: Vec<u8>,
    /// Whether the running kernel has crashed.
    pub crash: bool,
    pub gate: Gate,
    /// None on a machine without EFI.
    pub shim: Option<Shim>,
    /// Whether the running kernel insists on signatures; otherwise it starts any gate.
    pub locked_down: bool,
    /// What the running kernel was told of Secure Boot (`secure_boot` of its boot_params).
    pub secure_boot: u8,
    /// Whether the running kernel uses EFI's runtime services; otherwise it passes nothing of EFI on.
    pub runtime_services: bool,
    /// The firmware's dbx, which the running kernel takes certificates from, and nothing else.
    pub firmware_dbx: Vec<u8>,
    /// Whom the running kernel trusts to sign gates.
    pub keyring: Vec<Cert>,
    /// What is done to the bytes of the handover, before anybody judges it.
    pub on_blob: Vec<fn(&mut Vec<u8>)>,
    /// What is done to the gate's file once it is built.
    pub on_gate: Vec<fn(&mut Vec<u8>)>,
    /// What is done to memory when everything is loaded.
    pub on_memory: Vec<fn(&mut Memory)>,
    /// Up to where the gate's page tables reach.
    pub reach: u64,
}

impl Scene {
    pub fn of(build: Build) -> Self {
        Self {
            build,
            line: b"root=/dev/vda1 console=ttyS0".to_vec(),
            crash: false,
            gate: Gate {
                keys: Cert::ca(1, 1).der(),
                ..Gate::default()
            },
            shim: None,
            locked_down: false,
            secure_boot: SECURE_BOOT_ENABLED,
            runtime_services: true,
            firmware_dbx: vec![],
            keyring: vec![],
            on_blob: vec![],
            on_gate: vec![],
            on_memory: vec![],
            reach: u64::MAX,
        }
    }

    /// The handover's bytes.
    pub fn handover(&self) -> Vec<u8> {
        let mut blob = self.build.blob();
        self.on_blob.iter().for_each(|change| change(&mut blob));
        blob
    }

    /// What the gate is told of the machine.
    pub fn told(&self) -> Machine {
        Machine {
            secure_boot: self.runtime_services && self.secure_boot == SECURE_BOOT_ENABLED,
            efi: self.runtime_services && self.shim.is_some(),
            crash: None,
        }
    }

    /// The command line as the gate gets it.
    pub fn whole_line(&self) -> Vec<u8> {
        let before = if self.crash { BY_THE_KERNEL } else { b"" };
        [before, &self.line].concat()
    }

    /// The gate's file.
    pub fn gate_file(&self) -> Vec<u8> {
        let parts = baton_cli::gate::image::Parts {
            keys: self.gate.keys.clone(),
            policy: self.gate.policy.clone(),
            sbat: self.gate.sbat.clone(),
            dbx: self.gate.dbx.clone(),
        };
        let mut file = baton_cli::gate::image::assemble(&stub(self.gate.formats), &parts)
            .expect("the parts fit the stub");
        self.on_gate.iter().for_each(|change| change(&mut file));
        file
    }

    /// The gate's info block, and what was added to its stub, which knows its own length.
    pub fn gate_parts(&self) -> ([u8; LEN], Vec<u8>) {
        let file = self.gate_file();
        let info: &[u8; LEN] = file[FILE_OFFSET..].first_chunk().expect("a block");
        let stub_len = GateInfo::parse(info).map_or(0x3000, |info| info.stub_len as usize);
        (*info, file[stub_len..].to_vec())
    }

    /// What the gate goes by; the stock policy where it can't be read, which the gate itself refuses.
    pub fn policy(&self) -> Policy<'_> {
        match &self.gate.policy[..] {
            [] => Policy::stock(),
            bytes => Policy::parse(bytes).unwrap_or(Policy::stock()),
        }
    }

    pub fn kernel(&mut self) -> &mut Vec<u8> {
        &mut self.build.records[0].1
    }

    /// Puts other bytes in place of the kernel's, with this digest for them.
    pub fn put_kernel(&mut self, bytes: Vec<u8>, digest: [u8; 32]) {
        self.put(0, bytes, digest);
    }

    /// Puts other bytes in place of a record's, with this digest for them.
    pub fn put(&mut self, record: usize, bytes: Vec<u8>, digest: [u8; 32]) {
        let (part, old) = &mut self.build.records[record];
        part.length = bytes.len() as u64;
        part.digest = digest;
        *old = bytes;
    }

    /// Changes a record's bytes, and its digest to fit them, as whoever writes the handover can.
    pub fn change(&mut self, record: usize, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.build.records[record].1.clone();
        change(&mut bytes);
        let digest = match self.build.records[record].0.kind {
            RecordKind::Kernel | RecordKind::Addon
                if baton_formats::pe::Pe::parse(&bytes).is_ok() =>
            {
                authenticode(&bytes)
            }
            _ => sha256(&bytes),
        };
        self.put(record, bytes, digest);
    }

    /// Adds a record in front of the one of this number.
    pub fn insert(&mut self, at: usize, kind: RecordKind, bytes: &[u8], subject: usize) {
        let part = PlannedRecord {
            kind,
            length: bytes.len() as u64,
            digest: sha256(bytes),
            subject,
        };
        self.build.records.insert(at, (part, bytes.to_vec()));
    }

    pub fn shim(&mut self) -> &mut Shim {
        self.shim.as_mut().expect("a machine with shim")
    }
}

/// The stub of a gate that doesn't run: a PE and bzImage hybrid with an info block.
fn stub(formats: Formats) -> Vec<u8> {
    const STUB_LEN: usize = 0x3000;
    let mut stub = small_image();
    stub.resize(STUB_LEN, 0);
    set_text_len(&mut stub);
    stub[0x1f1] = 7; // setup_sects: the block begins the protected-mode part
    stub[0x236] = 0x7f; // xloadflags
    stub[0x238..0x23c].copy_from_slice(&2047_u32.to_le_bytes()); // cmdline_size
    let info = GateInfo {
        stub_len: STUB_LEN as u32,
        keys: Default::default(),
        policy: Default::default(),
        sbat: Default::default(),
        dbx: Default::default(),
        limit: 0x10_0000,
        formats,
        identity: [0; 32],
    };
    let block = info.to_bytes();
    stub[FILE_OFFSET..FILE_OFFSET + block.len()].copy_from_slice(&block);
    stub
}

/// An image with a right signature by this signer, whose other certificates go along.
pub fn signed_image_by(image: Vec<u8>, signer: &Cert, carried: &[&Cert]) -> Vec<u8> {
    let mut forge = Forge::new(signer).carrying(carried);
    forge.content =
        baton_samples::forge::indirect_data(baton_samples::forge::SHA256, &authenticode(&image));
    forge.image = image;
    forge.build()
}

pub fn signed_image(image: Vec<u8>) -> Vec<u8> {
    signed_image_by(image, &signer(), &[])
}

/// A signature after the end, as scripts/sign-file of Linux puts it there.
pub fn appended(file: &[u8]) -> Vec<u8> {
    with_appended(file, &sign(file))
}

/// The same with any signature.
pub fn with_appended(file: &[u8], signature: &[u8]) -> Vec<u8> {
    let trailer = baton_formats::module_signature::trailer(signature.len() as u32);
    [file, signature, &trailer].concat()
}
