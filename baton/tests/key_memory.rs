//! What is left of a private key in memory once it was used.

mod common;

use baton_cli::sign::key::SigningKey;
use baton_cli::sign::key::open::open;
use baton_cli::sign::key::passphrase::Passphrase;
use common::{Owner, owners};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::PathBuf;

/// All that this process can write to: heap, arenas, stacks.
fn memory() -> Vec<Vec<u8>> {
    let memory = File::open("/proc/self/mem").unwrap();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mut all = Vec::new();
    for line in maps.lines().filter(|it| it.contains(" rw-p ")) {
        let (range, _) = line.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let number = |text| usize::from_str_radix(text, 16).unwrap();
        let mut bytes = vec![0; number(end) - number(start)];
        if memory
            .read_exact_at(&mut bytes, number(start) as u64)
            .is_ok()
        {
            all.push(bytes);
        }
    }
    all
}

fn holds(memory: &[Vec<u8>], needle: &[u8]) -> bool {
    let found = |bytes: &Vec<u8>| bytes.windows(needle.len()).any(|it| it == needle);
    memory.iter().any(found)
}

/// The key, encrypted, and its passphrase in a file beside it.
fn encrypted(owner: &Owner) -> PathBuf {
    let path = owner.key.with_extension("key.encrypted");
    let passphrase = path.with_extension("passphrase");
    fs::write(&passphrase, "hunter2\n").unwrap();
    fs::set_permissions(&passphrase, Permissions::from_mode(0o600)).unwrap();
    let made = common::tool(
        "openssl",
        &[
            &"pkcs8",
            &"-topk8",
            &"-passout",
            &"pass:hunter2",
            &"-in",
            &owner.key,
            &"-out",
            &path,
        ],
    );
    assert_eq!(made.code, 0, "{}", made.err);
    path
}

#[test]
fn nothing_is_left_of_a_key_that_was_used() {
    let o = owners();
    let der = o.rsa.key.with_extension("key.der");
    let made = common::tool(
        "openssl",
        &[
            &"pkcs8",
            &"-topk8",
            &"-nocrypt",
            &"-outform",
            &"DER",
            &"-in",
            &o.rsa.key,
            &"-out",
            &der,
        ],
    );
    assert_eq!(made.code, 0, "{}", made.err);
    let encrypted = encrypted(&o.rsa);
    for path in [&o.rsa.key, &der] {
        drop(SigningKey::read(path).unwrap());
    }
    let passphrase = Passphrase {
        file: Some(encrypted.with_extension("passphrase")),
    };
    drop(open(&encrypted, &passphrase).unwrap());
    let memory = memory();
    // Read only now: the memory would hold these.
    let pem = fs::read_to_string(&o.rsa.key).unwrap();
    let lines: Vec<&str> = pem.lines().collect();
    let der = fs::read(&der).unwrap();
    let middle = der.len() / 2;
    for (what, needle) in [
        ("the file's text", lines[10..12].join("\n").into_bytes()),
        ("its base64", lines[10..12].concat().into_bytes()),
        ("its DER", der[middle..middle + 96].to_vec()),
    ] {
        assert!(!holds(&memory, &needle), "{what} is left in memory");
        // What is looked for is found where it is.
        assert!(holds(&[[b"x", &needle[..], b"y"].concat()], &needle));
    }
}
