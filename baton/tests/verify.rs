//! `baton verify` beyond single signatures: what lies beside an image, and handovers.

mod common;

use baton_formats::handover::{Layout, RecordKind};
use baton_formats::pe::Pe;
use baton_verify::HashAlgorithm;
use common::{
    Owner, Said, WriteFile, baton, gate_stub, kernel_image, owners, put, sign, signature_list,
    temp_dir,
};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn verify(image: &Path, owner: &Owner) -> Said {
    baton(&[&"verify", &"--json", &"--cert", &owner.cert, &image])
}

fn sign_beside(image: &Path, owner: &Owner) {
    let said = baton(&[
        &"sign",
        &"--as",
        &"detached",
        &"--key",
        &owner.key,
        &"--cert",
        &owner.cert,
        &image,
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
}

/// A handover with nothing but a kernel.
fn handover(directory: &TempDir, kernel: &[u8]) -> PathBuf {
    let pe = Pe::parse(kernel).unwrap();
    let digest = HashAlgorithm::Sha256.hash(pe.digest_parts());
    let digest = digest.as_bytes().try_into().unwrap();
    let layout = Layout::plan(&[(RecordKind::Kernel, kernel.len() as u64, digest)], 0).unwrap();
    let mut blob = vec![0; usize::try_from(layout.total_len()).unwrap()];
    put(&mut blob, 0, &layout.header_page());
    put(
        &mut blob,
        usize::try_from(layout.offset(0).unwrap()).unwrap(),
        kernel,
    );
    directory.write("saved.handover", blob)
}

#[test]
fn says_in_which_way_an_image_is_vouched_for() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    let image = directory.write("image", kernel_image(0x3000));
    sign_beside(&image, owner);
    let json = verify(&image, owner).json();
    assert_eq!(json["accepted"], true);
    assert_eq!(json["signature_kind"], "detached");
    assert_eq!(json["signatures"], 1);
    assert_eq!(json["signed_by"]["subject"], "RSA owner");
    let said = baton(&[&"verify", &"--cert", &owner.cert, &image]);
    assert!(
        said.out.contains("by:        detached signature"),
        "{}",
        said.out
    );
}

#[test]
fn a_signature_that_is_not_needed_must_be_right_too_and_is_named() {
    let directory = temp_dir();
    let o = owners();
    let image = directory.write("image", kernel_image(0x3000));
    sign(&image, &o.rsa);
    assert_eq!(verify(&image, &o.rsa).code, 0);
    sign_beside(&image, &o.p256);
    let said = verify(&image, &o.rsa);
    assert_eq!(said.code, 3, "as the gate has it");
    let message = said.json()["error"]["message"].to_string();
    assert!(
        message.contains("image.p7s refused: signed by"),
        "{message}"
    );
}

#[test]
fn a_signature_beside_that_is_no_signature_is_named() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    let image = directory.write("image", kernel_image(0x3000));
    directory.write("image.p7s", std::fs::read(&owner.cert).unwrap());
    let said = verify(&image, owner);
    assert_eq!(said.code, 4);
    let message = said.json()["error"]["message"].to_string();
    assert!(
        message.contains("image.p7s") && message.contains("CERTIFICATE"),
        "{message}"
    );
}

#[test]
fn a_handover_is_judged_as_the_gate_judges_it() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    let kernel = directory.write("kernel", kernel_image(0x3000));
    sign(&kernel, owner);
    let kernel = std::fs::read(kernel).unwrap();
    let saved = handover(&directory, &kernel);
    let said = verify(&saved, owner);
    assert_eq!(said.code, 0, "{}", said.out);
    assert_eq!(said.json()["signature_kind"], "authenticode");

    let long = "x".repeat(3000);
    let said = baton(&[
        &"verify",
        &saved,
        &"--json",
        &"--cert",
        &owner.cert,
        &"--cmdline",
        &long,
    ]);
    assert_eq!(said.json()["error"]["reason"], "command-line-too-long");

    let mut blob = std::fs::read(&saved).unwrap();
    let middle = 4096 + kernel.len() / 2;
    blob[middle] ^= 1;
    std::fs::write(&saved, blob).unwrap();
    let said = verify(&saved, owner);
    assert_eq!(said.code, 3);
    let message = said.json()["error"]["message"].to_string();
    assert!(
        message.contains("saved.handover: kernel refused"),
        "{message}"
    );
}

/// A PE image with these sections, in place of those of a kernel image that is `len` bytes long.
fn application(section: &[u8], content: &[u8]) -> Vec<u8> {
    let mut image = kernel_image(0x3000);
    put(&mut image, 0x1f1, &[0; 0x80]); // no setup header
    put(&mut image, 0x58 + 160, &[0; 8]);
    put(&mut image, 0x58 + 160, section);
    put(&mut image, 0x1000, content);
    image
}

fn systemd_boot() -> Vec<u8> {
    application(b".sdmagic", b"#### LoaderInfo: systemd-boot 257 ####")
}

#[test]
fn what_is_well_signed_and_cannot_be_started_is_told_apart() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    let image = directory.write("bootx64.efi", systemd_boot());
    sign(&image, owner);
    let said = verify(&image, owner);
    assert_eq!(said.code, 4, "{}", said.out);
    let json = said.json();
    assert_eq!(json["accepted"], false);
    assert_eq!(json["startable"], false);
    assert_eq!(json["signature"], "good");
    assert_eq!(json["signed_by"]["subject"], "RSA owner");
    assert_eq!(json["kind"], "systemd-boot, a boot loader");
    assert_eq!(json["error"]["reason"], "not-a-kernel");
    let said = baton(&[&"verify", &"--cert", &owner.cert, &image]);
    assert!(
        said.err
            .contains("is systemd-boot, a boot loader, and not a kernel")
            && said
                .err
                .contains("its signature is good: signed by \"RSA owner\""),
        "{}",
        said.err
    );
    let said = baton(&[
        &"verify",
        &"--signature-only",
        &"--cert",
        &owner.cert,
        &image,
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("signature alone"), "{}", said.out);
    assert!(said.out.contains("not to be started"), "{}", said.out);

    let foreign = &owners().p256;
    let json = verify(&image, foreign).json();
    assert_eq!(json["signature"], "refused");
    let said = baton(&[
        &"verify",
        &"--signature-only",
        &"--cert",
        &foreign.cert,
        &image,
    ]);
    assert_eq!(said.code, 3, "{}", said.out);
    let unsigned = directory.write("unsigned.efi", systemd_boot());
    assert_eq!(verify(&unsigned, owner).json()["signature"], "none");
}

#[test]
fn a_kernel_that_is_accepted_can_be_started() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    let image = directory.write("image", kernel_image(0x3000));
    sign(&image, owner);
    let json = verify(&image, owner).json();
    assert_eq!(
        (&json["accepted"], &json["startable"]),
        (&true.into(), &true.into())
    );
    assert_eq!(json["signature"], "good");
}

#[test]
fn a_signed_addon_is_accepted_as_one_and_cannot_be_started() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    let image = directory.write("debug.addon.efi", application(b".cmdline", b"debug\0"));
    put_section_size(&image, 6);
    sign(&image, owner);
    let json = verify(&image, owner).json();
    assert_eq!(json["accepted"], true, "{json}");
    assert_eq!(json["startable"], false);
    let said = baton(&[
        &"verify",
        &"--cert",
        &owner.cert,
        &image,
        &"--cmdline",
        &"x",
    ]);
    assert_eq!(said.code, 4, "it was asked as a kernel: {}", said.err);
    assert!(said.err.contains("with --addon"), "{}", said.err);
}

/// The section's virtual size, behind which its data ends.
fn put_section_size(image: &Path, size: u32) {
    let mut bytes = std::fs::read(image).unwrap();
    put(&mut bytes, 0x58 + 160 + 8, &size.to_le_bytes());
    std::fs::write(image, bytes).unwrap();
}

#[test]
fn data_with_a_signature_beside_it_is_judged_by_that() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    let data = directory.write("d.bin", b"whatever it is");
    assert_eq!(verify(&data, owner).code, 4, "nothing vouches for it");
    sign_beside(&data, owner);
    let said = verify(&data, owner);
    assert_eq!(said.code, 0, "{}", said.out);
    assert_eq!(said.json()["startable"], false);
    assert_eq!(verify(&data, &owners().p256).code, 3);
}

#[test]
fn an_initrd_is_judged_by_its_signature() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    let initrd = directory.write("initrd", b"07070100000000");
    let said = verify(&initrd, owner);
    assert_eq!((said.code, &said.json()["signature"]), (3, &"none".into()));
    sign_beside(&initrd, owner);
    let said = baton(&[&"verify", &"--cert", &owner.cert, &initrd]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("as:        initrd"), "{}", said.out);
}

/// A gate with this policy, which trusts `owner`.
fn gate(directory: &TempDir, policy: &str, owner: &Owner) -> PathBuf {
    let (stub, out) = (
        directory.write("stub", gate_stub(0x10_0000)),
        directory.path().join("gate.efi"),
    );
    let said = baton(&[
        &"gate",
        &"build",
        &"--force",
        &"--stub",
        &stub,
        &"--cert",
        &owner.cert,
        &"--policy",
        &policy,
        &"--out",
        &out,
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
    out
}

#[test]
fn a_kernel_is_judged_by_the_gates_policy_with_all_that_goes_with_it() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    let root = directory.path().join("no-machine");
    std::fs::create_dir(&root).unwrap();
    let kernel = directory.write("vmlinuz", kernel_image(0x3000));
    let initrd = directory.write("initrd", b"07070100000000");
    sign(&kernel, owner);
    let judged = |policy: &str, more: &[&dyn AsRef<std::ffi::OsStr>]| {
        let gate = gate(&directory, policy, owner);
        let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![
            &"verify", &kernel, &"--json", &"--gate", &gate, &"--root", &root,
        ];
        args.extend(more);
        baton(&args)
    };
    let reason = |said: &Said| {
        said.json()["error"]["reason"]
            .as_str()
            .unwrap_or("")
            .to_owned()
    };

    assert_eq!(judged("stock", &[]).code, 0);
    let said = judged("sealed", &[]);
    assert_eq!((said.code, reason(&said)), (3, "not-accepted".into()));

    let said = judged("stock", &[&"--cmdline", &"quiet lsm=yama"]);
    assert_eq!((said.code, reason(&said)), (3, "parameter-denied".into()));

    let said = judged("stock", &[&"--initrd", &initrd]);
    assert_eq!(said.code, 0, "{}", said.out);
    assert_eq!(said.json()["parts"][1]["signature_kind"], "unsigned");
    let said = judged("signed-initrd", &[&"--initrd", &initrd]);
    assert_eq!((said.code, reason(&said)), (3, "not-accepted".into()));
    let message = said.json()["error"]["message"].to_string();
    assert!(message.contains("/initrd refused: "), "{message}");
    sign_beside(&initrd, owner);
    let said = judged("signed-initrd", &[&"--initrd", &initrd]);
    assert_eq!(said.code, 0, "{}", said.out);
}

/// A policy of its own in a file.
fn policy(directory: &TempDir, text: &str) -> String {
    let path = directory.write("policy.toml", text);
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_part_alone_is_judged_by_what_the_gates_policy_accepts() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    let root = directory.path().join("no-machine");
    std::fs::create_dir(&root).unwrap();
    let kernel = directory.write("vmlinuz", kernel_image(0x3000));
    let initrd = directory.write("initrd", b"07070100000000");
    let manifest = directory.path().join("manifest");
    let said = baton(&[
        &"manifest",
        &"--kernel",
        &kernel,
        &"--initrd",
        &initrd,
        &"-o",
        &manifest,
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
    sign_beside(&manifest, owner);
    let addon = |name: &str, line: &[u8]| {
        let image = directory.write(name, application(b".cmdline", line));
        put_section_size(&image, u32::try_from(line.len()).unwrap());
        sign(&image, owner);
        image
    };
    let (debug, denied) = (
        addon("debug.addon.efi", b"debug\0"),
        addon("lsm.addon.efi", b"lsm=yama\0"),
    );
    let judged = |text: &str, file: &Path, more: &[&dyn AsRef<std::ffi::OsStr>]| {
        let gate = gate(&directory, &policy(&directory, text), owner);
        let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![
            &"verify", &file, &"--json", &"--gate", &gate, &"--root", &root,
        ];
        args.extend(more);
        let said = baton(&args);
        let reason = said.json()["error"]["reason"].as_str().map(str::to_owned);
        (said.code, reason.unwrap_or_default())
    };
    let refused = |reason: &str| (3, reason.to_owned());
    let accepted = (0, String::new());

    let listed: [&dyn AsRef<std::ffi::OsStr>; 2] = [&"--manifest", &manifest];
    let no_list = "initrd.accept = ['detached']";
    assert_eq!(judged("", &initrd, &listed), accepted);
    assert_eq!(judged(no_list, &initrd, &listed), refused("not-accepted"));

    let nothing_listed = "preset = 'none'\nkernel.accept = ['uki']";
    assert_eq!(judged(no_list, &manifest, &[]), accepted);
    assert_eq!(
        judged(nothing_listed, &manifest, &[]),
        refused("not-accepted")
    );

    let no_uki = "kernel.accept = ['manifest']";
    assert_eq!(judged("", &debug, &[]), accepted);
    assert_eq!(judged(no_uki, &debug, &[]), refused("not-accepted"));
    assert_eq!(judged("", &denied, &[]), refused("parameter-denied"));
}

#[test]
fn what_is_no_gate_is_named() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    let kernel = directory.write("vmlinuz", kernel_image(0x3000));
    sign(&kernel, owner);
    let boot = directory.write("bootx64.efi", systemd_boot());
    let said = baton(&[&"verify", &kernel, &"--gate", &boot]);
    assert_eq!(said.code, 4);
    assert!(
        said.err
            .contains("bootx64.efi: it is systemd-boot, a boot loader, and not a gate"),
        "{}",
        said.err
    );
}

#[test]
fn a_crash_load_is_judged_by_the_rules_for_one() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    let policy = directory.write(
        "p.toml",
        "[crash.cmdline]\nrules = [{ deny = \"quiet\" }]\n",
    );
    let gate = gate(&directory, policy.to_str().unwrap(), owner);
    let kernel = directory.write("vmlinuz", kernel_image(0x3000));
    sign(&kernel, owner);
    let root = directory.path().join("no-machine");
    std::fs::create_dir(&root).unwrap();
    let judged = |more: &[&dyn AsRef<std::ffi::OsStr>]| {
        let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![
            &"verify",
            &kernel,
            &"--gate",
            &gate,
            &"--root",
            &root,
            &"--cmdline",
            &"quiet",
        ];
        args.extend(more);
        baton(&args).code
    };
    assert_eq!(judged(&[]), 0);
    assert_eq!(judged(&[&"--crash"]), 3);
}

#[test]
fn a_machine_that_is_described_below_a_directory_is_judged_by() {
    let directory = temp_dir();
    let o = owners();
    let kernel = directory.write("vmlinuz", kernel_image(0x3000));
    sign(&kernel, &o.rsa);
    let shim = "root/sys/firmware/efi/mok-variables";
    directory.write(&format!("{shim}/MokListRT"), signature_list(&[o.rsa.der()]));
    directory.write("root/sys/firmware/efi/runtime-map/0/type", "0x5\n");
    let root = directory.path().join("root");
    let judged = || baton(&[&"verify", &kernel, &"--root", &root]);
    let secure_boot = |on: u8| {
        let variable = "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
        let path = format!("root/sys/firmware/efi/efivars/{variable}");
        directory.write(&path, [6, 0, 0, 0, on]);
    };
    secure_boot(0);
    let said = judged();
    assert_eq!(said.code, 3, "the gate wants it on: {}", said.out);
    assert!(said.err.contains("Secure Boot"), "{}", said.err);
    secure_boot(1);
    assert_eq!(judged().code, 0, "{}", judged().err);
    let by_its_key = baton(&[&"verify", &kernel, &"--root", &root, &"--cert", &o.rsa.cert]);
    assert_eq!(by_its_key.code, 0, "{}", by_its_key.err);
    directory.write(
        &format!("{shim}/MokListXRT"),
        signature_list(&[o.rsa.der()]),
    );
    let said = judged();
    assert_eq!(said.code, 3);
    assert!(said.err.contains("revoked by MokListXRT"), "{}", said.err);
}
