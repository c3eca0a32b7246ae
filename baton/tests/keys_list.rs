//! `baton keys list` and `show` on machines that are described in a directory.

mod common;

use baton_verify::Certificate;
use common::loading::Machine;
use common::{Owner, Said, WriteFile, baton, certificate, owners, signature_list, temp_dir, tool};
use std::ffi::OsStr;
use std::path::PathBuf;

const IMAGE_SECURITY: &str = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";

fn root(machine: &Machine) -> PathBuf {
    machine.directory.path().join("root")
}

fn variable(lists: &[u8]) -> Vec<u8> {
    [&[7, 0, 0, 0], lists].concat()
}

fn on(machine: &Machine, words: &[&dyn AsRef<OsStr>]) -> Said {
    let root = root(machine);
    let mut args: Vec<&dyn AsRef<OsStr>> = vec![&"keys"];
    args.extend(words);
    args.extend::<[&dyn AsRef<OsStr>; 2]>([&"--root", &root]);
    baton(&args)
}

fn listed(machine: &Machine) -> serde_json::Value {
    let said = on(machine, &[&"list", &"--json", &"--gate", &machine.gate]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    said.json()
}

fn id(owner: &Owner) -> String {
    let der = owner.der();
    Certificate::parse(&der).unwrap().key_id().to_string()
}

fn entry<'j>(list: &'j serde_json::Value, owner: &Owner) -> &'j serde_json::Value {
    let id = id(owner);
    let entries = list["trusted"].as_array().unwrap();
    entries.iter().find(|it| it["id"] == id).unwrap()
}

#[test]
fn each_certificate_is_listed_once_with_all_its_places_and_what_it_counts_for() {
    let o = owners();
    let machine = Machine::locked_down()
        .with_mok(&o.rsa)
        .with_gate(&o.p256, &o.rsa);
    machine.set(
        &format!("sys/firmware/efi/efivars/db-{IMAGE_SECURITY}"),
        variable(&signature_list(&[o.leaf.der()])),
    );
    let list = listed(&machine);
    for (owner, places, counts) in [
        (&o.rsa, vec!["MokListRT", ".machine"], [true, true, true]),
        (&o.p256, vec!["gate"], [false, true, false]),
        // No keyring has it: the kernel doesn't know it.
        (&o.leaf, vec!["db"], [false, false, true]),
    ] {
        let entry = entry(&list, owner);
        assert_eq!(entry["places"], serde_json::json!(places), "{}", owner.name);
        let [kernel, gate, shim] = counts;
        let expected = serde_json::json!({"kernel": kernel, "gate": gate, "shim": shim});
        assert_eq!(entry["counts_for"], expected, "{}", owner.name);
    }
    assert_eq!(list["trusted"].as_array().unwrap().len(), 3);
    let said = on(&machine, &[&"list", &"--gate", &machine.gate]);
    let line = said
        .out
        .lines()
        .find(|it| it.contains("RSA owner"))
        .unwrap();
    assert!(line.contains("kernel, gate, shim"), "{line}");
    assert!(line.contains("MokListRT, .machine"), "{line}");
}

#[test]
fn a_key_that_only_a_keyring_has_is_listed_by_its_id() {
    let o = owners();
    let machine = Machine::locked_down()
        .with_keyring_entry(&o.p256)
        .with_gate(&o.rsa, &o.rsa);
    let list = listed(&machine);
    let entry = entry(&list, &o.p256);
    assert!(entry["certificate"].is_null());
    assert_eq!(entry["counts_for"]["kernel"], true);
    let said = on(&machine, &[&"show", &id(&o.p256)]);
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("only its ID is known"), "{}", said.err);
}

#[test]
fn what_is_revoked_counts_for_nothing_and_is_told() {
    let o = owners();
    let machine = Machine::locked_down()
        .with_mok(&o.rsa)
        .with_gate(&o.p256, &o.rsa);
    let revoked = signature_list(&[o.rsa.der()]);
    machine.set("sys/firmware/efi/mok-variables/MokListXRT", &revoked);
    let list = listed(&machine);
    let entry = entry(&list, &o.rsa);
    assert_eq!(entry["revoked_by"], "MokListXRT");
    assert_eq!(
        entry["counts_for"],
        serde_json::json!({"kernel": false, "gate": false, "shim": false})
    );
    assert_eq!(list["refused"][0]["list"], "MokListXRT");
    assert_eq!(list["refused"][0]["certificates"][0], "RSA owner");
    let said = on(&machine, &[&"show", &o.rsa.cert]);
    assert!(said.out.contains("revoked by MokListXRT"), "{}", said.out);
}

#[test]
fn an_empty_machine_keyring_is_told_with_its_cure() {
    let o = owners();
    let machine = Machine::locked_down()
        .with_mok(&o.rsa)
        .with_gate(&o.p256, &o.rsa);
    machine.set("keyctl/00000010", "");
    let list = listed(&machine);
    let finding = &list["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["level"]),
        (&"empty-machine-keyring".into(), &"problem".into())
    );
    let cure = finding["mend"].as_str().unwrap();
    assert!(cure.starts_with("mokutil --trust-mok"), "{cure}");
    // Told to trust it already: the kernel has no such keyring.
    machine.set("sys/firmware/efi/mok-variables/MokListTrustedRT", [1]);
    let cure = listed(&machine)["findings"][0]["mend"].to_string();
    assert!(cure.contains("CONFIG_INTEGRITY_MACHINE_KEYRING"), "{cure}");
}

#[test]
fn weak_expired_and_modules_keys_are_told() {
    let o = owners();
    let directory = temp_dir();
    let rsa = ["-newkey", "rsa:2048"];
    let modules = [
        "-addext",
        "extendedKeyUsage=codeSigning,1.3.6.1.4.1.2312.16.1.2",
    ];
    let made = |name, options: &[&str]| certificate(&directory, name, options);
    for (owner, code, words) in [
        (
            made("small", &["-newkey", "rsa:1024"]),
            "weak-key",
            "RSA of 1024 bits",
        ),
        (
            made("sha1", &["-newkey", "rsa:2048", "-sha1"]),
            "weak-key",
            "SHA-1",
        ),
        (
            made("modules", &[&rsa[..], &modules].concat()),
            "modules-only",
            "kernel modules only",
        ),
        (expired(&directory), "expired", "judge no dates"),
    ] {
        let machine = Machine::locked_down()
            .with_mok(&owner)
            .with_gate(&o.p256, &o.rsa);
        let findings = listed(&machine)["findings"].clone();
        let found = findings
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["code"] == code);
        let found = found.unwrap_or_else(|| panic!("{code}: {findings}"));
        assert!(found["text"].as_str().unwrap().contains(words), "{found}");
    }
}

/// One whose days are over: `openssl req` takes none that are negative.
fn expired(directory: &tempfile::TempDir) -> Owner {
    let owner = certificate(directory, "expired", &["-newkey", "rsa:2048"]);
    let request = directory.path().join("expired.csr");
    let key = &owner.key;
    let said = tool(
        "openssl",
        &[
            &"req",
            &"-new",
            &"-key",
            key,
            &"-subj",
            &"/CN=expired",
            &"-out",
            &request,
        ],
    );
    assert_eq!(said.code, 0, "{}", said.err);
    let der = owner.cert.with_extension("der");
    let said = tool(
        "openssl",
        &[
            &"x509",
            &"-req",
            &"-in",
            &request,
            &"-signkey",
            key,
            &"-days",
            &"-1",
            &"-outform",
            &"DER",
            &"-out",
            &der,
        ],
    );
    assert_eq!(said.code, 0, "{}", said.err);
    owner
}

#[test]
fn a_certificate_is_shown_from_a_file_of_any_form_and_by_its_id() {
    let o = owners();
    let directory = temp_dir();
    let machine = Machine::locked_down()
        .with_mok(&o.rsa)
        .with_gate(&o.p256, &o.rsa);
    let (p7b, pem) = (
        directory.path().join("c.p7b"),
        directory.path().join("c.pem"),
    );
    for (out, form) in [(&p7b, "DER"), (&pem, "PEM")] {
        let said = tool(
            "openssl",
            &[
                &"crl2pkcs7",
                &"-nocrl",
                &"-certfile",
                &o.rsa.cert,
                &"-outform",
                &form,
                &"-out",
                out,
            ],
        );
        assert_eq!(said.code, 0, "{}", said.err);
    }
    let der = o.rsa.cert.with_extension("der");
    let id = id(&o.rsa);
    let long: Vec<String> = id
        .as_bytes()
        .chunks(2)
        .map(|it| String::from_utf8_lossy(it).into_owned())
        .collect();
    let colons = long.join(":").to_uppercase();
    let forms: [&dyn AsRef<OsStr>; 6] = [&o.rsa.cert, &der, &p7b, &pem, &&id[..8], &colons];
    for form in forms {
        let said = on(&machine, &[&"show", &form, &"--json"]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        let shown = said.json()["certificates"][0].clone();
        assert_eq!(shown["key_id"], id);
        assert_eq!(
            shown["places"],
            serde_json::json!(["MokListRT", ".machine"])
        );
        assert_eq!(shown["may_vouch_for"]["shim"], "accepts");
    }
    // The digest that a policy knows the key by.
    let said = on(&machine, &[&"show", &o.rsa.cert, &"--json"]);
    let json = said.json();
    let digest = json["certificates"][0]["key_sha256"].as_str().unwrap();
    let policy =
        format!("preset = \"stock\"\n[[key]]\nkey-sha256 = \"{digest}\"\nmay = [\"kernel\"]\n");
    let said = baton(&[&"policy", &"check", &directory.write("policy.toml", policy)]);
    assert_eq!(said.code, 0, "{}", said.err);
}
