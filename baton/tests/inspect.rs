//! `baton inspect`: what it says of each format, and that nothing makes it panic.

mod common;

use baton_cli::inspect::hashing::Hashing;
use baton_cli::inspect::report::Report;
use baton_cli::output::page::Page;
use common::{Said, WriteFile, baton, gate_stub, kernel_image, owners, put, sign, temp_dir};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/golden")
        .join(name)
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../verify/tests/fixtures")
        .join(name)
}

fn inspect(path: &Path) -> Said {
    baton(&[&"inspect", &path])
}

fn text(path: &Path) -> String {
    let said = inspect(path);
    assert_eq!(said.code, 0, "{}: {}", path.display(), said.err);
    said.out
}

fn json(path: &Path) -> Value {
    let said = baton(&[&"inspect", &"--json", &path]);
    assert_eq!(said.code, 0, "{}: {}", path.display(), said.err);
    said.json()
}

/// Checks that text has these lines, however they are spaced.
fn assert_lines(text: &str, lines: &[&str]) {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let said: Vec<_> = text.lines().map(words).collect();
    for line in lines {
        assert!(said.contains(&words(line)), "no line {line:?} in\n{text}");
    }
}

#[test]
fn a_signed_image_shows_its_signature_and_whether_it_fits() {
    let directory = temp_dir();
    let o = owners();
    let image = directory.write("image", kernel_image(0x3000));
    sign(&image, &o.rsa);
    let value = json(&image);
    let signature = &value["signatures"][0];
    assert_eq!(value["format"], "bzimage");
    assert_eq!(signature["signature_kind"], "authenticode");
    assert_eq!(signature["signer"], "RSA owner");
    assert_eq!(signature["matches"], true);
    assert_eq!(signature["digest"], value["pe"]["authenticode_sha256"]);
    assert_eq!(signature["certificates"][0]["key"], "RSA 2048");
    assert_eq!(signature["certificates"][0]["ca"], true);
    assert_lines(
        &text(&image),
        &["signed by RSA owner (authenticode)", "is for these bytes"],
    );
    let mut bytes = std::fs::read(&image).unwrap();
    bytes[0x2000] ^= 1;
    let altered = directory.write("altered", bytes);
    assert_eq!(json(&altered)["signatures"][0]["matches"], false);
    assert_lines(&text(&altered), &["is NOT for these bytes"]);
}

#[test]
fn every_digest_is_that_of_other_tools() {
    let directory = temp_dir();
    let image = directory.write("image", kernel_image(0x3001));
    sign(&image, &owners().rsa);
    let value = baton(&[&"inspect", &"--digests", &"--json", &image]).json();
    let sum = common::tool("sha256sum", &[&image]).out;
    assert_eq!(value["sha256"], sum[..64]);
    let theirs = common::tool("osslsigncode", &[&"verify", &"-in", &image]).out;
    let digest = value["pe"]["authenticode_sha256"].as_str().unwrap();
    assert!(theirs.to_lowercase().contains(digest), "{theirs}");
}

#[test]
fn nothing_is_hashed_but_what_signatures_are_compared_with_unless_digests_are_asked_for() {
    let directory = temp_dir();
    let image = directory.write("image", kernel_image(0x3000));
    sign(&image, &owners().rsa);
    let value = json(&image);
    assert_eq!(value.get("sha256"), None);
    assert_eq!(value["pe"]["sections"][0].get("sha256"), None);
    assert!(value["pe"]["authenticode_sha256"].is_string());
    assert!(!text(&image).contains("  sha256"));
    let said = baton(&[&"inspect", &"--digests", &image]);
    assert!(said.out.contains("  sha256"), "{}", said.out);
    let value = baton(&[&"inspect", &"--digests", &"--json", &image]).json();
    assert!(value["pe"]["sections"][0]["sha256"].is_string());
}

#[test]
fn chains_and_several_signatures_are_shown_in_order() {
    let signatures = json(&fixture("sbsign-twice.efi"))["signatures"].clone();
    assert_eq!(signatures.as_array().unwrap().len(), 2);
    let chain = json(&fixture("osslsigncode-chain.efi"));
    let certificates = chain["signatures"][0]["certificates"].as_array().unwrap();
    assert!(certificates.len() >= 2);
    let issuers: Vec<_> = certificates.iter().map(|c| &c["issuer"]).collect();
    let signer = &chain["signatures"][0]["signer"];
    let of_signer = certificates
        .iter()
        .find(|c| &c["subject"] == signer)
        .unwrap();
    assert_eq!(of_signer["ca"], false);
    assert!(issuers.iter().any(|issuer| **issuer == of_signer["issuer"]));
}

#[test]
fn a_signature_that_cannot_be_read_is_a_problem_and_the_rest_is_shown() {
    let value = json(&fixture("osslsigncode-sha1.efi"));
    let problem = value["signatures"][0]["problem"].as_str().unwrap();
    assert!(problem.contains("SHA-256"), "{problem}");
    assert!(!value["pe"]["sections"].as_array().unwrap().is_empty());
    let value = json(&fixture("sbsign-rsa1024.efi"));
    let certificate = &value["signatures"][0]["certificates"][0];
    assert_eq!(certificate["key"], "RSA 1024");
    assert!(
        certificate["key_problem"]
            .as_str()
            .unwrap()
            .contains("1024 bits")
    );
}

#[test]
fn a_setup_header_is_shown_with_the_names_of_the_boot_protocol() {
    let directory = temp_dir();
    let value = json(&directory.write("image", kernel_image(0x3000)));
    let header = &value["bzimage"];
    assert_eq!(header["protocol"], "2.15");
    assert_eq!(header["init_size"], 0x40_0000);
    assert_eq!(header["pref_address"], 0x100_0000);
    assert_eq!(header["cmdline_size"], 2047);
    assert_eq!(header["xloadflags"][0], "KERNEL_64");
    assert_eq!(header["xloadflags"][1], "CAN_BE_LOADED_ABOVE_4G");
    assert_eq!(value["signatures"], Value::Array(vec![]));
    assert_lines(
        &text(&directory.path().join("image")),
        &["signed by nobody"],
    );
}

#[test]
fn a_uki_shows_its_profiles() {
    let value = json(&golden("uki.efi"));
    assert_eq!(value["format"], "uki");
    let profiles = value["uki"]["profiles"].as_array().unwrap();
    assert_eq!(profiles.len(), 3);
    assert_eq!(profiles[0]["number"], 0);
    assert!(
        profiles
            .iter()
            .all(|p| p["kernel"]["size"].as_u64() > Some(0))
    );
    assert!(profiles.iter().any(|p| p["id"].is_string()));
    assert!(profiles.iter().any(|p| p["cmdline"].is_string()));
    assert!(value["sbat"][0]["component"].is_string());
    let text = text(&golden("uki.efi"));
    let id = profiles[1]["id"].as_str().unwrap();
    assert_lines(&text, &[&format!("profile 1 ({id})")]);
}

#[test]
fn an_addon_shows_what_it_adds() {
    let value = json(&golden("addon.efi"));
    assert_eq!(value["format"], "addon");
    let line = value["addon"]["cmdline"].as_str().unwrap();
    assert_lines(
        &text(&golden("addon.efi")),
        &["adds", &format!("cmdline {line}")],
    );
}

#[test]
fn an_elf_kernel_shows_segments_notes_and_entries() {
    let value = json(&golden("kernel.elf"));
    assert_eq!(value["format"], "elf");
    let elf = &value["elf"];
    assert_eq!(elf["kind"], "executable");
    assert_eq!(elf["entry"], 0x100_0010);
    assert_eq!(elf["pvh_entry"], 0x100_0020);
    assert_eq!(elf["segments"].as_array().unwrap().len(), 4);
    assert_eq!(elf["notes"][1]["name"], "Baton");
    assert_eq!(value["signatures"][0]["signature_kind"], "note");
    assert!(
        value["signatures"][0]["problem"].is_string(),
        "it signs nothing"
    );
}

#[test]
fn a_multiboot2_kernel_shows_where_it_goes() {
    let value = json(&golden("multiboot2.bin"));
    assert_eq!(value["format"], "multiboot2");
    assert!(value["multiboot2"]["load"]["address"].is_u64());
    assert_lines(&text(&golden("multiboot2.bin")), &["multiboot2 header"]);
}

#[test]
fn a_handover_shows_its_records_and_what_is_in_them() {
    let value = json(&golden("handover-signed.bin"));
    assert_eq!(value["format"], "handover");
    let records = value["handover"]["records"].as_array().unwrap();
    let kinds: Vec<_> = records
        .iter()
        .map(|r| r["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds[..3], ["kernel", "initrd", "initrd"]);
    assert!(kinds.contains(&"manifest") && kinds.contains(&"signature"));
    assert_eq!(records[0]["image"]["format"], "bzimage");
    assert_eq!(records[0]["digest_of"], Value::Null, "its digests are none");
    let signature = records.iter().find(|r| r["kind"] == "signature").unwrap();
    assert_eq!(signature["subject"], 0);
    let text = text(&golden("handover-signed.bin"));
    assert!(text.contains("is of nothing here: refused"), "{text}");
}

#[test]
fn a_manifest_shows_what_it_lists() {
    let value = json(&golden("manifest.txt"));
    assert_eq!(value["format"], "manifest");
    assert_eq!(
        value["manifest"]["kernel"]["sha256"]
            .as_str()
            .unwrap()
            .len(),
        64
    );
    assert!(!value["manifest"]["initrds"].as_array().unwrap().is_empty());
}

#[test]
fn a_gate_shows_whom_it_trusts_and_what_it_does() {
    let directory = temp_dir();
    let o = owners();
    let stub = directory.write("stub", gate_stub(0x10_0000));
    let (gate, policy) = (
        directory.path().join("gate"),
        directory.write("policy", "[refusal]\ndelay = 3\n"),
    );
    let said = baton(&[
        &"gate",
        &"build",
        &"--stub",
        &stub,
        &"--cert",
        &o.p256.cert,
        &"--cert",
        &o.rsa.cert,
        &"--policy",
        &policy,
        &"--out",
        &gate,
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
    let value = json(&gate);
    assert_eq!(value["format"], "gate");
    assert_eq!(value["gate"]["certificates"][0]["key"], "ECDSA P-256");
    assert_eq!(value["gate"]["certificates"][1]["subject"], "RSA owner");
    assert_eq!(value["gate"]["policy"]["refusal_delay_seconds"], 3);
    assert_eq!(value["gate"]["policy"]["is_default"], false);
    assert_eq!(value["sbat"][1]["component"], "baton.gate");
    assert!(value["gate"].get("built_without").is_none());
}

#[test]
fn a_gate_with_fewer_formats_shows_what_it_is_built_without() {
    let directory = temp_dir();
    let mut stub = gate_stub(0x10_0000);
    // The bits of ELF and PVH in the info block.
    put(&mut stub, 0x1034, &[0b1100]);
    let stub = directory.write("stub", stub);
    let value = json(&stub);
    assert_eq!(value["gate"]["built_without"][0], "ELF");
    let said = baton(&[&"inspect", &stub]);
    assert!(said.out.contains("ELF, PVH"), "{}", said.out);
}

#[test]
fn a_detached_signature_is_shown_with_its_file_and_by_itself() {
    let directory = temp_dir();
    let owner = &owners().p384;
    let file = directory.write("initrd", b"no image");
    assert_eq!(inspect(&file).code, 4, "nothing can be said of it");
    let said = baton(&[&"sign", &"--key", &owner.key, &"--cert", &owner.cert, &file]);
    assert_eq!(said.code, 0, "{}", said.err);
    let value = json(&file);
    assert_eq!(value["format"], "data");
    assert_eq!(value["signatures"][0]["matches"], true);
    assert!(
        value["signatures"][0]["file"]
            .as_str()
            .unwrap()
            .ends_with("initrd.p7s")
    );
    let signature = directory.path().join("initrd.p7s");
    let value = json(&signature);
    assert_eq!(value["format"], "signature");
    assert_eq!(value["signatures"][0]["matches"], true);
    assert_eq!(
        value["signatures"][0]["certificates"][0]["key"],
        "ECDSA P-384"
    );
    std::fs::remove_file(&file).unwrap();
    let value = json(&signature);
    assert_eq!(value["signatures"][0]["matches"], Value::Null);
    assert_lines(&text(&signature), &["the bytes it is for aren't here"]);
}

#[test]
fn a_module_shows_who_signed_it_though_it_is_no_kernel() {
    let value = json(&fixture("detached/module-rsa.cms"));
    assert_eq!(value["signatures"][0]["digest"], Value::Null);
    let signer = value["signatures"][0]["signer"].as_str().unwrap();
    assert!(
        signer.contains("number") && signer.contains("Baton detached rsa"),
        "{signer}"
    );
}

#[test]
fn a_certificate_is_shown_too() {
    let value = json(&owners().leaf.cert);
    assert_eq!(value["format"], "certificate");
    assert_eq!(value["certificates"][0]["issuer"], "RSA owner");
}

#[test]
fn what_a_file_says_cannot_drive_the_terminal() {
    let mut bytes = std::fs::read(golden("uki.efi")).unwrap();
    let at = bytes.windows(5).position(|w| w == b".sbat").unwrap();
    put(&mut bytes, at, b"\x1b[2J");
    let directory = temp_dir();
    let said = inspect(&directory.write("uki", bytes));
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("\\u{1b}[2J"), "{}", said.out);
    assert!(!said.out.contains('\x1b'));
}

#[test]
fn what_is_not_understood_is_malformed_and_says_why() {
    let directory = temp_dir();
    for (bytes, why) in [
        (&b"\x1f\x8b\x08 a compressed kernel"[..], "gzip"),
        (b"nothing known", "no format that Baton knows"),
        (b"MZ", "the file ends inside"),
        (b"\x7fELF", "too few"),
        (b"BATON\0HO", "less than its header"),
        (b"baton-manifest 2\n", "first line"),
    ] {
        let file = directory.write("file", bytes);
        let said = inspect(&file);
        assert_eq!(said.code, 4, "{why}: {}", said.out);
        assert!(said.err.contains(why), "{why}: {}", said.err);
        let said = baton(&[&"inspect", &"--json", &file]);
        assert_eq!(said.json()["error"]["code"], "malformed");
    }
}

/// Every file of a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).collect()
}

fn show(bytes: &[u8]) {
    let report = Report::of(bytes, Hashing::Everything);
    let mut page = Page::default();
    report.show(&mut page, "file");
    assert!(page.text().contains("sha256"));
    serde_json::to_string(&report).unwrap();
}

#[test]
fn no_file_cut_short_or_damaged_makes_it_panic() {
    let mut shown = 0;
    for directory in [golden(""), fixture(""), fixture("detached")] {
        for path in files(&directory) {
            let bytes = std::fs::read(&path).unwrap();
            // Every length of the small ones; enough of the others.
            let step = 1 + bytes.len() / 1024;
            for len in (0..bytes.len()).step_by(step) {
                show(&bytes[..len]);
            }
            for at in (0..bytes.len()).step_by(step * 3) {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0xff;
                show(&damaged);
            }
            shown += 1;
        }
    }
    assert!(shown > 40, "{shown} files");
}
