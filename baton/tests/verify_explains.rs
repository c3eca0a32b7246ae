//! What `baton verify` says beside its verdict: who else would accept the image, and why not.

mod common;

use common::loading::Machine;
use common::signing::flip;
use common::{Owner, Said, WriteFile, baton, kernel_image, owners, put, sign, signature_list};
use serde_json::Value;
use std::path::Path;

const IMAGE_SECURITY: &str = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";
const GLOBAL: &str = "8be4df61-93ca-11d2-aa0d-00e098032b8c";

/// The verdict on a machine's kernel, on that machine.
fn verify(machine: &Machine, more: &[&dyn AsRef<std::ffi::OsStr>]) -> Said {
    let root = machine.directory.path().join("root");
    let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> =
        vec![&"verify", &"--json", &"--root", &root, &machine.kernel];
    args.extend(more);
    baton(&args)
}

fn answer(machine: &Machine, judge: &str) -> Value {
    verify(machine, &[]).json()["answers"][judge].clone()
}

/// Under Secure Boot, where the kernel says what is wrong.
fn under_secure_boot() -> Machine {
    let machine = Machine::locked_down().with_mok(&owners().rsa);
    let variable = format!("sys/firmware/efi/efivars/SecureBoot-{GLOBAL}");
    machine.set(&variable, [6, 0, 0, 0, 1]);
    machine.set("sys/kernel/security/ima/policy", "");
    machine
}

/// The errno that is foretold for a kernel that was changed, perhaps signed, and changed again.
fn foretold(
    before: impl Fn(&mut Vec<u8>),
    signers: &[&Owner],
    after: impl Fn(&mut Vec<u8>),
) -> Value {
    let machine = under_secure_boot();
    let change = |by: &dyn Fn(&mut Vec<u8>)| {
        let mut image = std::fs::read(&machine.kernel).unwrap();
        by(&mut image);
        std::fs::write(&machine.kernel, image).unwrap();
    };
    change(&before);
    signers
        .iter()
        .for_each(|signer| sign(&machine.kernel, signer));
    change(&after);
    answer(&machine, "kernel")["errno"].clone()
}

fn nothing(_: &mut Vec<u8>) {}

#[test]
fn the_kernels_error_is_foretold_by_what_is_wrong() {
    let (rsa, other) = (&owners().rsa, &owners().leaf);
    let middle = |image: &mut Vec<u8>| {
        let middle = image.len() / 2;
        image[middle] ^= 1;
    };
    let table = |image: &[u8]| {
        let at = image[0x58 + 144..0x58 + 148].try_into().unwrap();
        usize::try_from(u32::from_le_bytes(at)).unwrap()
    };
    let in_table = |offset: usize, byte: u8| {
        move |image: &mut Vec<u8>| {
            let at = table(image) + offset;
            image[at] = byte;
        }
    };
    let header = |at: usize, byte: u8| move |image: &mut Vec<u8>| image[at] = byte;
    // cmdline_size
    let short = |image: &mut Vec<u8>| put(image, 0x238, &[0x10, 0, 0, 0]);
    for (expected, errno) in [
        (Value::Null, foretold(nothing, &[rsa], nothing)),
        (Value::Null, foretold(nothing, &[other], nothing)), // its CA is the MOK
        ("ENODATA".into(), foretold(nothing, &[], nothing)),
        ("EKEYREJECTED".into(), foretold(nothing, &[rsa], middle)),
        (
            "ENOKEY".into(),
            foretold(nothing, &[&owners().p256], middle),
        ),
        ("ENOTSUPP".into(), foretold(nothing, &[rsa], in_table(4, 1))),
        ("ENOTSUPP".into(), foretold(nothing, &[rsa], in_table(6, 1))),
        (
            "ELIBBAD".into(),
            foretold(nothing, &[rsa], in_table(8, 0x31)),
        ),
        (
            "EMSGSIZE".into(),
            foretold(nothing, &[rsa], in_table(9, 0x83)),
        ),
        (
            "ENOEXEC".into(),
            foretold(header(0x207, 1), &[rsa], nothing),
        ),
        (
            "ENOEXEC".into(),
            foretold(header(0x236, 1), &[rsa], nothing),
        ),
        (
            "ENOEXEC".into(),
            foretold(nothing, &[], |image| image.truncate(1000)),
        ),
        (
            "EINVAL".into(),
            foretold(nothing, &[], |image| image.clear()),
        ),
        // What is asked after the signature.
        ("EINVAL".into(), foretold(short, &[rsa], nothing)),
        ("ENODATA".into(), foretold(short, &[], nothing)),
    ] {
        assert_eq!(expected, errno);
    }
}

#[test]
fn the_first_signature_alone_counts_for_the_kernel_and_all_for_shim() {
    let machine = under_secure_boot();
    sign(&machine.kernel, &owners().p256);
    sign(&machine.kernel, &owners().rsa);
    let json = verify(&machine, &[]).json();
    let kernel = &json["answers"]["kernel"];
    assert_eq!(
        (&kernel["answer"], &kernel["errno"]),
        (&"refuses".into(), &"ENOKEY".into())
    );
    let shim = &json["answers"]["shim"];
    assert_eq!(
        (&shim["answer"], &shim["list"]),
        (&"starts".into(), &"MokListRT".into())
    );
    assert_eq!(json["answers"]["gate"]["answer"], "boots");
    let details = json["signature_details"].as_array().unwrap();
    let looked_at: Vec<usize> = details
        .iter()
        .map(|detail| detail["looked_at_by"].as_array().unwrap().len())
        .collect();
    assert_eq!(looked_at, [3, 2]);
    assert_eq!(json["signatures"], 2);
}

#[test]
fn a_chain_is_shown_with_who_trusts_each_certificate() {
    let machine = under_secure_boot();
    sign(&machine.kernel, &owners().leaf);
    let json = verify(&machine, &[]).json();
    let links = &json["signature_details"][0]["links"];
    assert_eq!(links[0]["subject"], "Leaf");
    assert_eq!(links[1]["subject"], "RSA owner");
    assert_eq!(
        links[1]["trusted_by"],
        serde_json::json!(["MokListRT", ".machine"])
    );
    let kernel = &json["answers"]["kernel"];
    assert_eq!(kernel["keyring"], ".machine");
    assert!(
        kernel["by"]
            .as_str()
            .unwrap()
            .contains("vouched for by \"RSA owner\"")
    );
}

#[test]
fn lockdown_alone_hides_the_error_and_a_lenient_kernel_tells_what_it_would_be() {
    let hiding = Machine::locked_down().with_mok(&owners().rsa);
    let kernel = answer(&hiding, "kernel");
    assert_eq!(
        (&kernel["errno"], &kernel["errno_number"]),
        (&"EPERM".into(), &1.into())
    );
    assert_eq!(kernel["signature_errno"], "ENODATA");
    let lenient = Machine::not_locked_down().with_mok(&owners().rsa);
    let kernel = answer(&lenient, "kernel");
    assert_eq!(
        (&kernel["answer"], &kernel["errno"]),
        (&"loads".into(), &Value::Null)
    );
    assert_eq!(kernel["signature_errno"], "ENODATA");
}

#[test]
fn what_is_revoked_is_refused_by_who_looks_and_baton_says_so_where_the_kernel_does_not() {
    let machine = under_secure_boot();
    sign(&machine.kernel, &owners().rsa);
    let digest = verify(&machine, &[]).json()["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let digest: Vec<u8> = (0..32)
        .map(|i| u8::from_str_radix(&digest[2 * i..2 * i + 2], 16).unwrap())
        .collect();
    let mut list = baton_formats::siglist::SHA256_GUID.to_vec();
    for field in [28 + 48_u32, 0, 48] {
        list.extend(field.to_le_bytes());
    }
    list.extend([[0; 16].to_vec(), digest].concat());
    let dbx = format!("sys/firmware/efi/efivars/dbx-{IMAGE_SECURITY}");
    machine.set(&dbx, [&[7, 0, 0, 0][..], &list].concat());
    let json = verify(&machine, &[]).json();
    let kernel = &json["answers"]["kernel"];
    assert_eq!(kernel["answer"], "loads");
    let refuses = kernel["baton_refuses"].as_str().unwrap();
    assert!(refuses.contains("revoked"), "{refuses}");
    let shim = &json["answers"]["shim"];
    assert_eq!(
        (&shim["reason"], &shim["answer"]),
        (&"revoked-image".into(), &"refuses".into())
    );
}

#[test]
fn a_kernel_that_may_load_nothing_says_so_of_every_image() {
    let machine = under_secure_boot();
    sign(&machine.kernel, &owners().rsa);
    machine.set("proc/sys/kernel/kexec_load_disabled", "1\n");
    assert_eq!(answer(&machine, "kernel")["errno"], "EPERM");
}

#[test]
fn people_are_told_what_the_error_is_and_what_mends_it() {
    let machine = under_secure_boot();
    sign(&machine.kernel, &owners().p256);
    let root = machine.directory.path().join("root");
    let said = baton(&[&"verify", &"--root", &root, &machine.kernel]);
    assert_eq!(said.code, 3);
    for expected in [
        "vmlinuz: refused\n",
        "1. authenticode, SHA-256 (the kernel, shim and the gate look at it)",
        "the kernel: refuses it with ENOKEY: no key",
        "mokutil --import",
        "shim:       refuses it: no certificate in db or MokListRT",
        "the gate:   refuses it: signed by \"P-256 owner\"",
    ] {
        assert!(said.out.contains(expected), "{expected}: {}", said.out);
    }
    assert!(said.err.starts_with("baton: "), "{}", said.err);
}

#[test]
fn nobody_else_is_asked_where_nobody_asked_about_a_machine() {
    let machine = under_secure_boot();
    sign(&machine.kernel, &owners().rsa);
    let cert = &owners().rsa.cert;
    let by_certificate = baton(&[&"verify", &"--json", &"--cert", cert, &machine.kernel]);
    assert_eq!(by_certificate.json()["answers"], Value::Null);
    assert_eq!(by_certificate.json()["accepted"], true);
    let signature_only = verify(&machine, &[&"--signature-only"]);
    assert_eq!(signature_only.json()["answers"], Value::Null);
}

/// GUIDs as they lie in memory: of the UEFI specification's own variables, and of shim's.
const EFI_GLOBAL_VARIABLE: [u8; 16] = [
    0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0, 0xe0, 0x98, 0x03, 0x2b, 0x8c,
];
const SHIM_LOCK: [u8; 16] = [
    0x50, 0xab, 0x5d, 0x60, 0x46, 0xe0, 0x00, 0x43, 0xab, 0xb6, 0x3d, 0xd8, 0x10, 0xdd, 0x8b, 0x23,
];

/// EDK2's variable store with MokList, db and a platform key.
fn variable_store(directory: &impl WriteFile, mok: &Owner, vendor: [u8; 16]) -> std::path::PathBuf {
    let variable = |name: &str, vendor: [u8; 16], data: &[u8]| {
        let utf16: Vec<u8> = name
            .encode_utf16()
            .chain([0])
            .flat_map(u16::to_le_bytes)
            .collect();
        let mut bytes = vec![0xaa, 0x55, 0x3f, 0];
        bytes.extend(7_u32.to_le_bytes());
        bytes.extend([0; 28]);
        for len in [utf16.len(), data.len()] {
            bytes.extend(u32::try_from(len).unwrap().to_le_bytes());
        }
        bytes.extend(vendor);
        bytes.extend([utf16, data.to_vec()].concat());
        bytes.resize(bytes.len().next_multiple_of(4), 0xff);
        bytes
    };
    let variables = [
        variable("PK", EFI_GLOBAL_VARIABLE, b"a key"),
        variable("MokList", vendor, &signature_list(&[mok.der()])),
    ]
    .concat();
    let mut file = vec![0; 72 + 28];
    put(&mut file, 40, b"_FVH");
    put(&mut file, 48, &[72]);
    put(
        &mut file,
        72,
        &[
            0x78, 0x2c, 0xf3, 0xaa, 0x7b, 0x94, 0x9a, 0x43, 0xa1, 0x80, 0x2e, 0x14, 0x4e, 0xc3,
            0x77, 0x92,
        ],
    );
    let size = u32::try_from(28 + variables.len()).unwrap();
    put(&mut file, 72 + 16, &size.to_le_bytes());
    put(&mut file, 72 + 20, &[0x5a, 0xfe]);
    directory.write("VARS.fd", [file, variables].concat())
}

fn against(image: &Path, files: &[&Path]) -> Said {
    let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"verify", &"--json", &image];
    for file in files {
        args.extend::<[&dyn AsRef<std::ffi::OsStr>; 2]>([&"--against", file]);
    }
    baton(&args)
}

#[test]
fn an_image_is_judged_against_certificates_stores_and_saved_states_told_by_their_contents() {
    let directory = common::temp_dir();
    let (rsa, other) = (&owners().rsa, &owners().p256);
    let image = directory.write("vmlinuz", kernel_image(0x3000));
    sign(&image, rsa);
    let by_certificate = against(&image, &[&rsa.cert]);
    assert_eq!(by_certificate.code, 0, "{}", by_certificate.out);
    assert_eq!(by_certificate.json()["answers"], Value::Null);
    assert_eq!(against(&image, &[&other.cert]).code, 3);

    let others = variable_store(&directory, rsa, EFI_GLOBAL_VARIABLE);
    assert_eq!(against(&image, &[&others]).code, 3, "not shim's");
    let store = variable_store(&directory, rsa, SHIM_LOCK);
    let by_store = against(&image, &[&store]);
    assert_eq!(by_store.code, 0, "{}", by_store.out);
    let json = by_store.json();
    assert_eq!(json["signed_by"]["anchor_source"], "mok-list");
    assert_eq!(json["answers"]["shim"]["list"], "MokListRT");
    assert_eq!(json["answers"]["kernel"]["answer"], "loads");
    let strange = variable_store(&directory, other, SHIM_LOCK);
    let json = against(&image, &[&strange]).json();
    // Each may have a certificate of its own.
    for judge in ["shim", "gate", "kernel"] {
        assert_eq!(json["answers"][judge]["answer"], "unknown", "{judge}");
    }
    // Both together: the certificate stands for shim's own.
    let both = against(&image, &[&strange, &rsa.cert]);
    assert_eq!(both.code, 0);
    assert_eq!(both.json()["answers"]["shim"]["list"], "--against");

    let state = "{\"baton-machine\": 1, \"files\": {}}";
    let state = directory.write("state.json", state);
    assert_eq!(against(&image, &[&state]).code, 3);
    let others = variable_store(&directory, rsa, EFI_GLOBAL_VARIABLE);
    assert_eq!(against(&image, &[&others]).code, 3, "not shim's");
    let store = variable_store(&directory, rsa, SHIM_LOCK);
    let said = against(&image, &[&state, &store]);
    assert_eq!(said.code, 0, "{}", said.out);
}

#[test]
fn what_a_variable_store_cannot_say_is_not_taken_for_a_no() {
    let directory = common::temp_dir();
    let image = directory.write("vmlinuz", kernel_image(0x3000));
    sign(&image, &owners().rsa);
    // The second one names no shim at all, which may be there all the same.
    for vendor in [SHIM_LOCK, EFI_GLOBAL_VARIABLE] {
        let store = variable_store(&directory, &owners().p256, vendor);
        let said = baton(&[&"verify", &image, &"--against", &store]);
        assert_eq!(said.code, 3, "{}", said.out);
        let unknown = "that isn't known: shim's own certificate isn't in a variable store";
        for judge in ["  shim:       ", "  the gate:   "] {
            let line = format!("{judge}{unknown}");
            assert!(said.out.contains(&line), "{line}: {}", said.out);
        }
        assert!(
            said.err.contains("That isn't sure: shim's own"),
            "{}",
            said.err
        );
    }
    // A certificate beside the store stands for shim's own: then nothing is left open.
    for vendor in [SHIM_LOCK, EFI_GLOBAL_VARIABLE] {
        let store = variable_store(&directory, &owners().p256, vendor);
        let said = baton(&[
            &"verify",
            &image,
            &"--against",
            &store,
            &"--against",
            &owners().p384.cert,
        ]);
        assert_eq!(said.code, 3, "{}", said.out);
        for line in ["  shim:       refuses it: ", "  the gate:   refuses it: "] {
            assert!(said.out.contains(line), "{line}: {}", said.out);
        }
        assert!(!said.err.contains("That isn't sure"), "{}", said.err);
        let json = against(&image, &[&store, &owners().p384.cert]).json();
        for judge in ["shim", "gate"] {
            let answer = &json["answers"][judge];
            assert_eq!(answer["answer"], "refuses", "{judge}");
            assert_eq!(answer["reason"], "unknown-signer", "{judge}");
        }
    }
    // What is altered is refused, whoever is trusted.
    flip(&image, 0x2000);
    let store = variable_store(&directory, &owners().p256, SHIM_LOCK);
    let json = against(&image, &[&store]).json();
    assert_eq!(json["answers"]["shim"]["reason"], "bad-signature");
    assert_eq!(json["answers"]["gate"]["answer"], "refuses");
}

#[test]
fn what_nothing_can_be_judged_by_is_named_with_what_can() {
    let directory = common::temp_dir();
    let image = directory.write("vmlinuz", kernel_image(0x3000));
    let store = std::fs::read(variable_store(&directory, &owners().rsa, SHIM_LOCK)).unwrap();
    for (name, bytes, code, expected) in [
        (
            "text",
            &b"hello"[..],
            4,
            "give a certificate, a firmware's variable store",
        ),
        ("empty", b"", 4, "give a certificate"),
        ("cut", &store[..store.len() - 1], 4, "ends too early"),
        (
            "state",
            b"{\"baton-machine\": 2, \"files\": {}}",
            4,
            "version 2",
        ),
        ("json", b"{\"key\": 1}", 4, "not a saved state"),
    ] {
        let file = directory.write(name, bytes);
        let said = against(&image, &[&file]);
        assert_eq!(said.code, code, "{name}: {}", said.out);
        let message = said.json()["error"]["message"].to_string();
        assert!(
            message.contains(expected) && message.contains(name),
            "{message}"
        );
    }
    let missing = directory.path().join("missing");
    assert_eq!(against(&image, &[&missing]).code, 1);
    let root = directory.path();
    let said = baton(&[&"verify", &image, &"--against", &image, &"--root", &root]);
    assert_eq!(said.code, 2, "{}", said.err);
}

#[test]
fn an_altered_image_is_told_from_one_of_an_unknown_signer() {
    let machine = under_secure_boot();
    sign(&machine.kernel, &owners().rsa);
    flip(&machine.kernel, 0x2000);
    let json = verify(&machine, &[]).json();
    let problem = json["signature_details"][0]["problem"].as_str().unwrap();
    assert!(problem.contains("altered"), "{problem}");
    assert_eq!(json["answers"]["kernel"]["errno"], "EKEYREJECTED");
    assert_eq!(json["answers"]["shim"]["reason"], "bad-signature");
}
