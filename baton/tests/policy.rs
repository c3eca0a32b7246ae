//! `baton policy` and what `gate build` and `inspect` do with a policy.

mod common;

use common::{Said, WriteFile, baton, gate_stub, owners, temp_dir};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const LIMIT: u32 = 0x10_0000;
const FLEET: &str = "name = \"fleet\"\npreset = \"signed-initrd\"\n[refusal]\naction = \"halt\"\n[cmdline]\nforce = [\"panic=10\"]\nrules = [{ deny = \"quiet\" }]\n[crash.cmdline]\nunlisted = \"deny\"\n";

fn policy(command: &str, name: &dyn AsRef<std::ffi::OsStr>) -> Said {
    baton(&[&"policy", &command, name])
}

fn good(said: Said) -> String {
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    said.out
}

/// A gate with this policy.
fn gate(directory: &TempDir, policy: &dyn AsRef<std::ffi::OsStr>) -> PathBuf {
    let stub = directory.write("stub", gate_stub(LIMIT));
    let out = directory.path().join("gate.efi");
    let said = baton(&[
        &"gate",
        &"build",
        &"--stub",
        &stub,
        &"--force",
        &"--output",
        &out,
        &"--policy",
        policy,
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
    out
}

fn digest(said: &str) -> String {
    let at = said.find("SHA-256 ").unwrap() + 8;
    said[at..at + 64].to_owned()
}

#[test]
fn check_says_ok_with_name_and_digest() {
    let directory = temp_dir();
    let said = good(policy("check", &directory.write("p.toml", FLEET)));
    assert!(said.starts_with("ok: \"fleet\", "), "{said}");
    let same = good(policy(
        "check",
        &directory.write("q.toml", format!("{FLEET}\n# a comment")),
    ));
    assert_eq!(
        digest(&said),
        digest(&same),
        "what is the same has one digest"
    );
    let other = good(policy("check", &"stock"));
    assert!(other.starts_with("ok: \"stock\", "), "{other}");
    assert_ne!(digest(&said), digest(&other));
    let nameless = directory.write("n.toml", "refusal.delay = 1");
    assert!(good(policy("check", &nameless)).starts_with("ok: a policy without a name, "));
}

#[test]
fn check_warns_of_what_is_odd() {
    let directory = temp_dir();
    let text = "[cmdline]\nrules = [{ allow = \"*\" }, { deny = \"init\" }]";
    let said = policy("check", &directory.write("p.toml", text));
    assert_eq!(said.code, 0);
    assert!(said.out.starts_with("ok: "), "{}", said.out);
    assert!(
        said.err
            .contains("p.toml: warning: cmdline.rules[1] can never match"),
        "{}",
        said.err
    );
    assert!(
        said.err
            .contains("warning: it is weaker than stock: \"elfcorehdr\""),
        "{}",
        said.err
    );
}

#[test]
fn what_is_no_policy_is_refused_with_file_and_line() {
    let directory = temp_dir();
    for (text, part) in [
        (
            &b"\n[refusal]\nwait = 1"[..],
            "p.toml: line 3: unknown key \"refusal.wait\"",
        ),
        (b"\xff\xfe", "neither TOML nor a gate"),
        (
            b"[cmdline]\nforce = [\"lsm=x\"]",
            "which a rule of the same policy denies",
        ),
    ] {
        let path = directory.write("p.toml", text);
        for command in ["check", "show", "explain"] {
            let said = policy(command, &path);
            assert_eq!((said.code, said.out.as_str()), (4, ""), "{}", said.err);
            assert!(said.err.contains(part), "{}", said.err);
            assert_eq!(said.err.lines().count(), 1);
        }
    }
    let missing = policy("show", &"sealde");
    assert_eq!(missing.code, 1);
    assert!(
        missing
            .err
            .contains("presets are stock, signed-initrd, sealed"),
        "{}",
        missing.err
    );
    let image = directory.write("x.efi", common::kernel_image(0x3000));
    assert!(policy("show", &image).err.contains(", and not a gate"));
    let compact = directory.write("p.bin", b"BPOL\x01\0");
    assert!(policy("show", &compact).err.contains("version is 1"));
}

#[test]
fn show_gives_the_whole_policy_which_is_the_same_again() {
    let directory = temp_dir();
    let fleet = directory.write("p.toml", FLEET);
    let gate = gate(&directory, &fleet);
    let shown = good(policy("show", &fleet));
    assert_eq!(
        good(policy("show", &gate)),
        shown,
        "from the gate as from the file"
    );
    let again = directory.write("again.toml", &shown);
    assert_eq!(good(policy("show", &again)), shown);
    assert_eq!(
        digest(&good(policy("check", &again))),
        digest(&good(policy("check", &fleet)))
    );
    for part in [
        "name = \"fleet\"",
        "{ deny = \"rdinit\" }",
        "[crash.cmdline]\nunlisted = \"deny\"",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
    let bare = directory.write("bare.efi", gate_stub(LIMIT));
    assert_eq!(good(policy("show", &bare)), good(policy("show", &"stock")));
}

#[test]
fn show_speaks_json() {
    let said = baton(&[&"policy", &"show", &"--json", &"sealed"]);
    let value = said.json();
    assert_eq!(
        (&value["name"], &value["preset"]),
        (&"sealed".into(), &"sealed".into())
    );
    assert_eq!(value["policy"]["kernel"]["accept"][0], "uki");
    let said = baton(&[&"policy", &"show", &"--json", &"missing"]);
    assert_eq!(said.json()["error"]["code"], "failed");
}

/// The lines of a table, with one space between its columns.
fn squeezed(text: &str) -> Vec<String> {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(words).collect()
}

#[test]
fn explain_shows_what_counts_in_tables() {
    let said = squeezed(&good(policy("explain", &"sealed")));
    assert!(
        said[0].starts_with("policy \"sealed\", SHA-256 "),
        "{}",
        said[0]
    );
    for line in [
        "normal and crash loads",
        "Secure Boot must be on",
        "refusal resets the machine after 10 seconds",
        "kernel an Authenticode signature on a UKI",
        "a signed manifest",
        "other kernel a signed manifest that lists it and all its modules",
        "initrd part of a UKI",
        "required one initrd, unless a UKI or a manifest says what goes with the kernel",
        "command line that of a UKI",
        "what a signed manifest says it must be",
        "also allowed parameters that no rule is about",
        "1 deny elfcorehdr any value or none",
        "6 allow lsm a list that has \"lockdown\" in it",
    ] {
        assert!(said.contains(&line.to_owned()), "{line}\n{said:#?}");
    }
}

#[test]
fn explain_shows_normal_and_crash_loads_beside_each_other() {
    let directory = temp_dir();
    let fleet = directory.write("p.toml", FLEET);
    let said = squeezed(&good(policy("explain", &fleet)));
    for line in [
        "normal loads crash loads",
        "also allowed parameters that no rule is about nothing",
        "parameters (the first rule that matches counts)",
    ] {
        assert!(said.contains(&line.to_owned()), "{line}\n{said:#?}");
    }
    let said = baton(&[&"policy", &"explain", &"--crash", &fleet]);
    assert_eq!(said.code, 2, "{}", said.err);
}

#[test]
fn diff_says_what_another_policy_accepts_more_or_less() {
    let said = good(baton(&[&"policy", &"diff", &"stock", &"signed-initrd"]));
    for line in [
        "initrd, normal and crash loads\n  - unsigned (stricter)\n",
        "required, normal and crash loads\n  + one initrd, ",
        "also allowed, normal and crash loads\n  - arguments of init, after -- (stricter)\n",
        "parameters, normal and crash loads\n  + denies \"rdinit\", with any value or none\n",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    let back = baton(&[&"policy", &"diff", &"--json", &"signed-initrd", &"stock"]).json();
    assert_eq!(back["same"], false);
    assert_eq!(
        back["changes"][0],
        serde_json::json!({
            "loads": "all",
            "about": "initrd",
            "removed": [],
            "added": [{"text": "unsigned", "effect": "looser"}],
        })
    );
}

#[test]
fn diff_tells_load_types_apart_where_a_policy_does() {
    let directory = temp_dir();
    let fleet = directory.write(
        "p.toml",
        "preset = \"sealed\"\n[crash.cmdline]\nunlisted = \"deny\"\n",
    );
    let found = baton(&[&"policy", &"diff", &"--json", &"sealed", &fleet]).json();
    let changes = found["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{found}");
    assert_eq!(changes[0]["loads"], "crash");
    assert_eq!(changes[0]["removed"][0]["effect"], "stricter");
}

#[test]
fn a_policy_is_the_same_as_itself_in_another_form() {
    let directory = temp_dir();
    let text = good(policy("show", &"sealed"));
    let written = directory.write("p.toml", &text);
    let said = good(baton(&[&"policy", &"diff", &"sealed", &written]));
    assert_eq!(said, "no difference\n");
}

#[test]
fn a_key_is_called_by_the_name_in_its_certificate() {
    let directory = temp_dir();
    let certificate = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/revoked.der");
    let text = format!(
        "preset = \"sealed\"\n[[key]]\ncertificate = {:?}\nmay = [\"initrd\"]\n",
        certificate.display().to_string()
    );
    let written = directory.write("p.toml", &text);
    let bare = good(policy("explain", &written));
    let named = good(baton(&[
        &"policy",
        &"explain",
        &"--cert",
        &certificate,
        &written,
    ]));
    let line = |text: &str| {
        let lines = text.lines();
        let found = lines.rev().find(|line| line.ends_with("initrds"));
        found.unwrap().to_owned()
    };
    assert!(line(&bare).starts_with("  SHA-256 "), "{bare}");
    assert!(line(&named).starts_with("  \""), "{named}");
}

fn explained(line: &str, more: &[&dyn AsRef<std::ffi::OsStr>], name: &Path) -> Said {
    let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> =
        vec![&"policy", &"explain", &name, &"--cmdline", &line];
    args.extend(more);
    baton(&args)
}

#[test]
fn explain_says_which_rule_decides_about_each_parameter() {
    let stock = Path::new("stock");
    let said = explained("ro lsm=lockdown,yama -- 3", &[], stock);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert_eq!(
        said.out,
        "  allowed        ro: no rule covers it\n  \
         allowed        lsm=lockdown,yama: rule 6 allows \"lsm\" with a list that has \"lockdown\" in it\n  \
         allowed        --: no rule covers it\n  \
         allowed        3: it goes to init\n"
    );
    let said = explained("quiet lsm=yama", &[], stock);
    assert_eq!((said.code, said.err.as_str()), (3, ""), "as a refusal ends");
    assert!(
        said.out
            .contains("denied         lsm=yama: rule 7 denies \"lsm\", with any value or none"),
        "{}",
        said.out
    );
}

#[test]
fn explain_says_where_no_command_line_of_user_space_is_accepted() {
    let said = explained("quiet", &[], Path::new("sealed"));
    assert_eq!(
        (said.code, said.err.as_str()),
        (3, ""),
        "as the gate refuses it"
    );
    assert!(
        said.out
            .contains("denied         the line as a whole: the policy doesn't accept it unsigned")
            && said.out.contains("allowed        quiet: no rule covers it"),
        "{}",
        said.out
    );
}

#[test]
fn explain_knows_forced_parameters_and_crash_loads() {
    let directory = temp_dir();
    let fleet = directory.write("p.toml", FLEET);
    let said = explained("panic=10", &[], &fleet);
    assert_eq!(said.code, 0, "{}", said.out);
    let said = explained("panic=0", &[], &fleet);
    assert_eq!(said.code, 3);
    assert!(
        said.out
            .contains("denied         panic=0: the policy forces another value"),
        "{}",
        said.out
    );
    assert_eq!(explained("ro", &[], &fleet).code, 0);
    let said = explained("ro", &[&"--crash"], &fleet);
    assert_eq!(said.code, 3);
    assert!(
        said.out.contains("denied         ro: no rule covers it"),
        "{}",
        said.out
    );
}

#[test]
fn a_key_is_named_by_its_certificate_beside_the_policy() {
    let directory = temp_dir();
    let owner = &owners().p256;
    directory.write("keys/release.pem", std::fs::read(&owner.cert).unwrap());
    let text = "[[key]]\ncertificate = \"keys/release.pem\"\nmay = [\"initrd\"]\n";
    let said = good(policy("show", &directory.write("p.toml", text)));
    // What openssl says of the same key.
    let key = directory.path().join("key.der");
    let openssl = common::tool(
        "openssl",
        &[
            &"pkey",
            &"-in",
            &owner.key,
            &"-pubout",
            &"-outform",
            &"DER",
            &"-out",
            &key,
        ],
    );
    assert_eq!(openssl.code, 0, "{}", openssl.err);
    let sum = common::tool("sha256sum", &[&key]).out;
    assert!(
        said.contains(&format!("key-sha256 = \"{}\"", &sum[..64])),
        "{said}"
    );

    let rsa = std::fs::read_to_string(&owners().rsa.cert).unwrap();
    let both = format!("{rsa}{}", std::fs::read_to_string(&owner.cert).unwrap());
    directory.write("keys/release.pem", both);
    let said = policy("check", &directory.path().join("p.toml"));
    assert!(
        said.err
            .contains("line 2: key[0].certificate can't be used"),
        "{}",
        said.err
    );
    assert!(
        said.err
            .contains("holds 2 certificates; give a file with one"),
        "{}",
        said.err
    );
    directory.write("keys/release.pem", "nothing");
    let said = policy("check", &directory.path().join("p.toml"));
    assert!(said.err.contains("not a certificate"), "{}", said.err);
}

#[test]
fn inspect_shows_the_main_points_of_a_gates_policy() {
    let directory = temp_dir();
    let fleet = directory.write("p.toml", FLEET);
    let of_fleet = gate(&directory, &fleet);
    let value = baton(&[&"inspect", &"--json", &of_fleet]).json();
    let policy_info = &value["gate"]["policy"];
    assert_eq!(policy_info["name"], "fleet");
    assert_eq!(
        policy_info["sha256"],
        digest(&good(policy("check", &fleet)))
    );
    assert_eq!(policy_info["preset"], serde_json::Value::Null);
    assert_eq!(
        policy_info["normal"]["initrd"],
        serde_json::json!(["detached", "manifest"])
    );
    assert_eq!(policy_info["normal"]["forced"], "panic=10");
    let said = good(baton(&[&"inspect", &of_fleet]));
    for part in [
        "policy         \"fleet\"\n",
        "after a refusal: halt in 10 s",
        "initrd: detached, manifest, or from a UKI",
        "crash loads:",
        "forced: panic=10",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    let of_preset = gate(&directory, &"sealed");
    let said = good(baton(&[&"inspect", &of_preset]));
    assert!(
        said.contains("policy         the preset sealed\n"),
        "{said}"
    );
    assert!(!said.contains("crash loads:"), "{said}");
}

#[test]
fn a_gate_has_a_policy_even_if_none_is_given() {
    let directory = temp_dir();
    let stub = directory.write("stub", gate_stub(LIMIT));
    let out = directory.path().join("gate.efi");
    let said = baton(&[&"gate", &"build", &"--stub", &stub, &"--out", &out]);
    assert_eq!(said.code, 0, "{}", said.err);
    let value = baton(&[&"inspect", &"--json", &out]).json();
    assert_eq!(value["gate"]["policy"]["preset"], "stock");
    assert_eq!(value["gate"]["policy"]["is_default"], true);
}
