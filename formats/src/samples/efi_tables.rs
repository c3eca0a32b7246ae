//! Tables that the array of EFI's configuration tables leads to, each as firmware or Linux's EFI stub makes it.

use crate::efi::{Guid, Table};

/// What it is called, its GUID as it stands in memory, what it is, and all of its bytes.
pub type Sample = (&'static str, Guid, Table, Vec<u8>);

fn words(fields: &[u32]) -> Vec<u8> {
    fields.iter().flat_map(|it| it.to_le_bytes()).collect()
}

fn longs(fields: &[u64]) -> Vec<u8> {
    fields.iter().flat_map(|it| it.to_le_bytes()).collect()
}

fn padded(mut bytes: Vec<u8>, len: usize) -> Vec<u8> {
    bytes.resize(len, 0x5a);
    bytes
}

/// ACPI's root pointer of revision 2: both checksums are right.
fn root_pointer() -> Vec<u8> {
    let mut bytes = b"RSD PTR \0BATON \x02".to_vec();
    bytes.extend(words(&[0x7f00_1000, 36]));
    bytes.extend([0; 12]);
    for (at, len) in [(8, 20), (32, 36)] {
        let sum = bytes[..len]
            .iter()
            .fold(0_u8, |sum, it| sum.wrapping_add(*it));
        bytes[at] = bytes[at].wrapping_sub(sum);
    }
    bytes
}

/// A log whose first event names SHA-256, with the padding that Linux counts.
fn tpm_log() -> Vec<u8> {
    let mut log = words(&[0, 3]);
    log.extend([0; 20]);
    log.extend(words(&[33]));
    log.extend(b"Spec ID Event03\0");
    log.extend(words(&[0]));
    log.extend([0, 2, 0, 2]);
    log.extend(words(&[1]));
    log.extend([0x0b, 0, 32, 0, 0]);
    let size = u32::try_from(log.len()).unwrap();
    [words(&[size, 0]), vec![2], log, vec![0; 3]].concat()
}

/// Two events, one with a digest of SHA-1 and one of SHA-256.
fn final_events() -> Vec<u8> {
    let mut events = longs(&[1, 2]);
    for (algorithm, len) in [(0x04_u16, 20), (0x0b, 32)] {
        events.extend(words(&[5, 0x8000_0007, 1]));
        events.extend(algorithm.to_le_bytes());
        events.resize(events.len() + len, 0xd1);
        events.extend(words(&[4]));
        events.extend(b"Exit");
    }
    events
}

/// Those whose length follows from what they say.
pub fn all() -> Vec<Sample> {
    let sample = |name, first: u32, rest: [u8; 12], table, bytes| {
        let mut guid = [0; 16];
        guid[..4].copy_from_slice(&first.to_le_bytes());
        guid[4..].copy_from_slice(&rest);
        (name, guid, table, bytes)
    };
    vec![
        sample(
            "root-pointer",
            0x8868_e871,
            [
                0xf1, 0xe4, 0xd3, 0x11, 0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81,
            ],
            Table::Acpi,
            root_pointer(),
        ),
        sample(
            "esrt",
            0xb122_a263,
            [
                0x61, 0x36, 0x68, 0x4f, 0x99, 0x29, 0x78, 0xf8, 0xb0, 0xd6, 0x21, 0x80,
            ],
            Table::Esrt,
            padded([words(&[2, 2]), longs(&[1])].concat(), 16 + 2 * 40),
        ),
        sample(
            "memory-attributes",
            0xdcfa_911d,
            [
                0xeb, 0x26, 0x9f, 0x46, 0xa2, 0x20, 0x38, 0xb7, 0xdc, 0x46, 0x12, 0x20,
            ],
            Table::MemoryAttributes,
            padded(words(&[2, 3, 48, 0]), 16 + 3 * 48),
        ),
        sample(
            "random-seed",
            0x1ce1_e5bc,
            [
                0xeb, 0x7c, 0xf2, 0x42, 0x81, 0xe5, 0x8a, 0xad, 0xf1, 0x80, 0xf5, 0x7b,
            ],
            Table::RandomSeed,
            padded(words(&[64]), 68),
        ),
        sample(
            "tpm-log",
            0xb779_9cb0,
            [
                0xa2, 0xec, 0x43, 0x49, 0x96, 0x67, 0x1f, 0xae, 0x07, 0xb7, 0x47, 0xfa,
            ],
            Table::TpmLog,
            tpm_log(),
        ),
        sample(
            "final-events",
            0x1e2e_d096,
            [
                0xe2, 0x30, 0x54, 0x42, 0xbd, 0x89, 0x86, 0x3b, 0xbe, 0xf8, 0x23, 0x25,
            ],
            Table::FinalEvents,
            final_events(),
        ),
        sample(
            "reserved",
            0x888e_b0c6,
            [
                0xde, 0x8e, 0xf5, 0x4f, 0xa8, 0xf0, 0x9a, 0xee, 0x5c, 0xb9, 0x77, 0xc2,
            ],
            Table::MemReserve,
            [words(&[2, 1]), longs(&[0, 0x3b00_0000, 0x1000, 0, 0])].concat(),
        ),
        sample(
            "unaccepted",
            0xd5d1_de3c,
            [
                0x5c, 0x10, 0xf9, 0x44, 0x9e, 0xa9, 0xbc, 0xef, 0x98, 0x12, 0x00, 0x31,
            ],
            Table::Unaccepted,
            padded([words(&[1, 0x20_0000]), longs(&[0, 16])].concat(), 40),
        ),
    ]
}
