//! What is left of a private key in memory once it was used.

mod common;

use baton_cli::sign::key::SigningKey;
use baton_cli::sign::key::open::open;
use baton_cli::sign::key::passphrase::Passphrase;
use common::{Owner, owners};
use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::PathBuf;
use zeroize::Zeroizing;

/// What there is room for of this process' memory.
const ROOM: usize = 64 << 20;

/// All that this process can write to: heap, arenas, stacks. Room for it is there before the key is: what is given back
/// keeps its contents until somebody asks for memory.
struct Memory {
    process: File,
    maps: File,
    list: Vec<u8>,
    bytes: Vec<u8>,
    len: usize,
}

impl Memory {
    fn with_room() -> Memory {
        Memory {
            process: File::open("/proc/self/mem").unwrap(),
            maps: File::open("/proc/self/maps").unwrap(),
            list: vec![0; 1 << 20],
            bytes: vec![0; ROOM],
            len: 0,
        }
    }

    /// Copies it, and asks for no memory.
    fn take(&mut self) {
        let mut end = 0;
        loop {
            let read = self.maps.read(&mut self.list[end..]).unwrap();
            if read == 0 {
                break;
            }
            end += read;
        }
        let list = std::str::from_utf8(&self.list[..end]).unwrap();
        let own = self.bytes.as_ptr().addr();
        for line in list.lines().filter(|it| it.contains(" rw-p ")) {
            let (range, _) = line.split_once(' ').unwrap();
            let (start, end) = range.split_once('-').unwrap();
            let number = |text| usize::from_str_radix(text, 16).unwrap();
            for page in (number(start)..number(end)).step_by(4096) {
                if (own - 4096..own + ROOM).contains(&page) {
                    continue;
                }
                let room = &mut self.bytes[self.len..self.len + 4096];
                if self.process.read_exact_at(room, page as u64).is_ok() {
                    self.len += 4096;
                }
            }
        }
    }
}

fn holds(memory: &[u8], needle: &[u8]) -> bool {
    memory.windows(needle.len()).any(|it| it == needle)
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
    // As long as the key's file, and read by nobody else in this process.
    let other = o.rsa.key.with_extension("key.other");
    let noise = (0..1700_u32).map(|n| (n * n / 7 % 251) as u8);
    // What is found of it must be what reading the file leaves.
    let noise: Zeroizing<Vec<u8>> = Zeroizing::new(noise.collect());
    fs::write(&other, &*noise).unwrap();
    drop(noise);
    let passphrase = Passphrase {
        file: Some(encrypted.with_extension("passphrase")),
    };
    let read = |path: &PathBuf| drop(SigningKey::read(path).unwrap());
    let open = || drop(open(&encrypted, &passphrase).unwrap());
    let not_wiped = || drop(fs::read(&other).unwrap());
    // Each by itself, since what comes after may take the same memory.
    let taken = |name: &str, what: &dyn Fn()| {
        let mut memory = Memory::with_room();
        what();
        memory.take();
        let path = encrypted.with_extension(name);
        fs::write(&path, &memory.bytes[..memory.len]).unwrap();
        path
    };
    let wiped = [
        taken("pem.memory", &|| read(&o.rsa.key)),
        taken("der.memory", &|| read(&der)),
        taken("encrypted.memory", &open),
    ];
    let left = taken("other.memory", &not_wiped);
    // Read only now: the memory would hold these.
    let pem = fs::read_to_string(&o.rsa.key).unwrap();
    let lines: Vec<&str> = pem.lines().collect();
    let der = fs::read(&der).unwrap();
    let other = fs::read(&other).unwrap();
    let middle = |bytes: &[u8]| bytes[bytes.len() / 2..bytes.len() / 2 + 96].to_vec();
    for path in &wiped {
        let memory = fs::read(path).unwrap();
        for (what, needle) in [
            ("the file's text", lines[10..12].join("\n").into_bytes()),
            ("its base64", lines[10..12].concat().into_bytes()),
            ("its DER", middle(&der)),
        ] {
            let name = path.display();
            assert!(!holds(&memory, &needle), "{what} is left: {name}");
        }
    }
    let left = fs::read(left).unwrap();
    let is_seen = holds(&left, &middle(&other));
    assert!(is_seen, "what isn't wiped is left, and found");
}
