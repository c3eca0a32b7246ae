//! What is left of a private key in memory once it was used.

mod common;

use baton_cli::sign::key::SigningKey;
use common::owners;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;

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
    for path in [&o.rsa.key, &der] {
        drop(SigningKey::read(path).unwrap());
    }
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
