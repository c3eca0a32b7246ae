//! `baton gate build`: what it makes, and what it refuses.

mod common;

use baton_formats::gate_image::GateInfo;
use baton_formats::pe::Pe;
use baton_formats::policy::{Policy, RefusalAction};
use baton_formats::reader::{u16_at, u32_at};
use baton_formats::siglist::SignatureLists;
use common::{
    Said, WriteFile, baton, gate_stub, kernel_image, owners, sign, signature_list, temp_dir,
};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const SBAT: &str = "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\nbaton.gate,1,Baton,baton-gate,1,https://example.org\n";
const LIMIT: u32 = 0x10_0000;

/// A directory with a stub, a policy and SBAT metadata.
struct Bench {
    directory: TempDir,
    stub: PathBuf,
    policy: PathBuf,
    sbat: PathBuf,
    out: PathBuf,
}

impl Bench {
    fn new() -> Bench {
        Bench::with_stub(&gate_stub(LIMIT))
    }

    fn with_stub(stub: &[u8]) -> Bench {
        let directory = temp_dir();
        Bench {
            stub: directory.write("stub", stub),
            policy: directory.write("policy.toml", "[refusal]\naction = \"halt\"\ndelay = 3\n"),
            sbat: directory.write("sbat.csv", SBAT),
            out: directory.path().join("gate.efi"),
            directory,
        }
    }

    fn build(&self, more: &[&dyn AsRef<std::ffi::OsStr>]) -> Said {
        let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![
            &"gate", &"build", &"--stub", &self.stub, &"--out", &self.out,
        ];
        args.extend(more);
        baton(&args)
    }

    fn build_whole(&self) -> Vec<u8> {
        let o = owners();
        let said = self.build(&[
            &"--cert",
            &o.rsa.cert,
            &"--cert",
            &o.p256.cert,
            &"--policy",
            &self.policy,
            &"--sbat",
            &self.sbat,
        ]);
        assert_eq!(said.code, 0, "{}", said.err);
        std::fs::read(&self.out).unwrap()
    }

    fn refused(&self, code: i32, more: &[&dyn AsRef<std::ffi::OsStr>], part: &str) {
        let said = self.build(more);
        assert_eq!(said.code, code, "{}", said.err);
        assert!(said.err.contains(part), "{}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
        assert!(!self.out.exists(), "nothing is written");
    }
}

#[test]
fn the_parts_are_found_by_the_info_block_and_as_sections() {
    let gate = Bench::new().build_whole();
    let info = GateInfo::from_image(&gate).unwrap();
    let o = owners();
    assert_eq!(
        info.keys(&gate).unwrap(),
        [o.rsa.der(), o.p256.der()].concat()
    );
    assert_eq!(info.sbat(&gate).unwrap(), SBAT.as_bytes());
    let policy = Policy::parse(info.policy(&gate).unwrap()).unwrap();
    assert_eq!(policy.refusal.action, RefusalAction::Halt);
    assert_eq!(policy.refusal.delay_seconds, 3);

    let pe = Pe::parse(&gate).unwrap();
    for name in [".keys", ".policy", ".sbat"] {
        let section = pe.section(name).unwrap();
        assert_eq!(section.virtual_address, section.raw_offset, "{name}");
        assert!(section.raw_offset.is_multiple_of(4096), "{name}");
    }
    assert_eq!(
        pe.section(".keys").unwrap().data(),
        info.keys(&gate).unwrap()
    );
}

#[test]
fn the_headers_say_how_large_it_became() {
    let gate = Bench::new().build_whole();
    let pe = Pe::parse(&gate).unwrap();
    let at = pe.offsets();
    let len = u32::try_from(gate.len()).unwrap();
    assert_eq!(gate.len() % 4096, 0);
    assert_eq!(pe.size_of_image(), len);
    assert_eq!(u16_at(&gate, at.coff_header + 2), Some(4));
    assert_eq!(u32_at(&gate, at.optional_header + 8), Some(len - 0x3000));
    assert_eq!(u32_at(&gate, at.checksum), Some(0));
    assert_eq!(u32_at(&gate, 0x1f4), Some((len - 0x1000).div_ceil(16)));
}

#[test]
fn the_same_input_gives_the_same_gate() {
    assert_eq!(Bench::new().build_whole(), Bench::new().build_whole());
}

#[test]
fn what_is_not_given_is_not_there_but_the_gates_own_generation_and_the_stock_policy() {
    let bench = Bench::new();
    assert_eq!(bench.build(&[]).code, 0);
    let gate = std::fs::read(&bench.out).unwrap();
    let info = GateInfo::from_image(&gate).unwrap();
    assert!(info.keys.is_absent());
    assert_eq!(
        info.policy(&gate).unwrap(),
        Policy::stock().as_bytes(),
        "what is there can be named by its digest"
    );
    let sbat = str::from_utf8(info.sbat(&gate).unwrap()).unwrap();
    assert!(sbat.contains("\nbaton.gate,1,"), "{sbat}");
}

#[test]
fn a_built_gate_can_be_signed_and_verifies() {
    let bench = Bench::new();
    bench.build_whole();
    let owner = &owners().rsa;
    sign(&bench.out, owner);
    let said = baton(&[&"verify", &bench.out, &"--cert", &owner.cert]);
    assert_eq!(said.code, 0, "{}", said.err);
}

#[test]
fn certificates_are_taken_in_der_too() {
    let bench = Bench::new();
    let der = bench.directory.write("cert.der", owners().p384.der());
    assert_eq!(bench.build(&[&"--cert", &der]).code, 0);
    let gate = std::fs::read(&bench.out).unwrap();
    let info = GateInfo::from_image(&gate).unwrap();
    assert_eq!(info.keys(&gate).unwrap(), owners().p384.der());
}

#[test]
fn what_is_no_certificate_is_refused() {
    let bench = Bench::new();
    bench.refused(4, &[&"--cert", &bench.sbat], "not a certificate");
    bench.refused(4, &[&"--cert", &owners().rsa.key], "PRIVATE KEY");
    bench.refused(
        1,
        &[&"--cert", &bench.directory.path().join("missing")],
        "missing",
    );
}

#[test]
fn a_certificate_given_twice_is_refused() {
    let cert = &owners().rsa.cert;
    Bench::new().refused(2, &[&"--cert", cert, &"--cert", cert], "given twice");
}

#[test]
fn an_unknown_key_of_the_policy_is_named() {
    let bench = Bench::new();
    let policy = bench.directory.write("bad.toml", "[refusal]\nwait = 1\n");
    bench.refused(4, &[&"--policy", &policy], "\"refusal.wait\"");
}

#[test]
fn broken_sbat_metadata_is_refused() {
    let bench = Bench::new();
    bench.refused(4, &[&"--sbat", &bench.policy], "not SBAT metadata");
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

#[test]
fn updates_of_dbx_are_taken_as_they_are_published() {
    let bench = Bench::new();
    let (hashes, certificate) = (fixture("dbx-hashes.auth"), fixture("dbx-certificate.auth"));
    let said = bench.build(&[&"--dbx", &hashes, &"--dbx", &certificate]);
    assert_eq!(said.code, 0, "{}", said.err);
    let lines: Vec<_> = said.out.lines().collect();
    assert!(
        lines[0].ends_with("dbx-hashes.auth revokes digests of images: 2"),
        "{}",
        said.out
    );
    assert!(
        lines[1].ends_with("revokes certificates: 1"),
        "{}",
        said.out
    );

    let gate = std::fs::read(&bench.out).unwrap();
    let info = GateInfo::from_image(&gate).unwrap();
    let lists: Vec<_> = SignatureLists::new(info.dbx(&gate).unwrap())
        .flat_map(|list| list.unwrap().signatures())
        .collect();
    assert_eq!(lists[0].data, [0x11; 32]);
    assert_eq!(lists[1].data, [0x22; 32]);
    assert_eq!(
        lists[2].data,
        std::fs::read(fixture("revoked.der")).unwrap()
    );
    let pe = Pe::parse(&gate).unwrap();
    assert_eq!(pe.section(".dbx").unwrap().data(), info.dbx(&gate).unwrap());
}

/// efitools writes both from the same list.
#[test]
fn an_update_and_its_signature_list_alone_make_the_same_gate() {
    let made_of = |name: &str| {
        let bench = Bench::new();
        assert_eq!(bench.build(&[&"--dbx", &fixture(name)]).code, 0);
        std::fs::read(&bench.out).unwrap()
    };
    let update = made_of("dbx-certificate.auth");
    assert_eq!(update, made_of("dbx-certificate.esl"));
    assert_ne!(update, made_of("dbx-hashes.auth"));
}

#[test]
fn a_gate_refuses_what_was_built_into_it() {
    let bench = Bench::new();
    let owner = &owners().rsa;
    let kernel = bench.directory.write("kernel", kernel_image(0x3000));
    sign(&kernel, owner);
    let judged = |bench: &Bench, dbx: &[u8]| {
        let list = bench.directory.write("dbx.esl", dbx);
        let said = bench.build(&[&"--force", &"--cert", &owner.cert, &"--dbx", &list]);
        assert_eq!(said.code, 0, "{}", said.err);
        baton(&[&"verify", &kernel, &"--gate", &bench.out])
    };
    let harmless = signature_list(&[owners().p384.der()]);
    assert_eq!(judged(&bench, &harmless).code, 0);
    let said = judged(&bench, &signature_list(&[owner.der()]));
    assert_eq!(said.code, 3, "{}", said.err);
    assert!(said.err.contains("is revoked"), "{}", said.err);
}

#[test]
fn a_malformed_dbx_is_refused_by_its_name() {
    let bench = Bench::new();
    let update = std::fs::read(fixture("dbx-hashes.auth")).unwrap();
    for len in [0, 15, 16, 30, 40, 600, update.len() - 1] {
        let cut = bench.directory.write("cut.auth", &update[..len]);
        bench.refused(4, &[&"--dbx", &cut], "cut.auth: neither");
    }
    bench.refused(4, &[&"--dbx", &owners().rsa.cert], "as it is published");
    bench.refused(
        1,
        &[&"--dbx", &bench.directory.path().join("missing")],
        "missing",
    );
    let owner = owners().rsa.der();
    let lists = signature_list(&[owner.clone(), owner[1..].to_vec()]);
    let list = bench.directory.write("dbx.esl", &lists);
    let said = "dbx.esl: certificate 1 in it would revoke nothing: ";
    bench.refused(4, &[&"--dbx", &list], said);
}

#[test]
fn all_five_sections_fit_before_the_setup_header() {
    let bench = Bench::new();
    let owner = &owners().rsa;
    let dbx = fixture("dbx-hashes.auth");
    let said = bench.build(&[
        &"--cert",
        &owner.cert,
        &"--policy",
        &bench.policy,
        &"--dbx",
        &dbx,
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
    sign(&bench.out, owner);
    let said = baton(&[&"inspect", &bench.out]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("digests of images: 2"), "{}", said.out);
}

#[test]
fn only_a_stub_is_built_upon() {
    Bench::with_stub(&kernel_image(0x3000)).refused(4, &[], "not the stub of a gate");
    Bench::with_stub(b"nothing").refused(4, &[], "not the stub of a gate");
    let mut longer = gate_stub(LIMIT);
    longer.extend([0; 4096]);
    Bench::with_stub(&longer).refused(4, &[], "not the stub of a gate");

    let built = Bench::new().build_whole();
    Bench::with_stub(&built).refused(4, &[], "built already");
    let signed = Bench::new();
    sign(&signed.stub, &owners().rsa);
    signed.refused(4, &[], "signed already");
}

#[test]
fn what_does_not_fit_before_the_gates_memory_is_refused() {
    // Room for the signature is kept: 64 KiB.
    let bench = Bench::with_stub(&gate_stub(0x1_5000));
    bench.refused(7, &[&"--cert", &owners().rsa.cert], "doesn't fit");
    let bench = Bench::with_stub(&gate_stub(0x1_6000));
    assert_eq!(bench.build(&[&"--cert", &owners().rsa.cert]).code, 0);
}

#[test]
fn a_gate_is_not_signed_beyond_the_memory_it_works_in() {
    let directory = temp_dir();
    let stub = directory.write("stub", gate_stub(0x3000));
    let owner = &owners().rsa;
    let said = baton(&[&"sign", &"--key", &owner.key, &"--cert", &owner.cert, &stub]);
    assert_eq!(said.code, 7);
    assert!(said.err.contains("fewer certificates"), "{}", said.err);
}
