//! The smallest ELF kernel: one segment of code, and room for a signature note.
//!
//! | file offset | |
//! |---|---|
//! | 0x000 | ELF header, two program headers |
//! | 0x100 | code |
//! | 0x180 | the note `Baton`, if there is one |

const CODE: usize = 0x100;
const NOTE: usize = 0x180;
/// Where the note's descriptor begins: after its header and its name.
pub const DESCRIPTOR: usize = NOTE + 12 + 8;

/// With a note whose descriptor is so many zeros; without a note if there are none.
pub fn small_elf(room: usize) -> Vec<u8> {
    let mut file = vec![0; NOTE];
    file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    put(&mut file, 0x10, &[2, 0, 62, 0, 1]); // ET_EXEC, EM_X86_64, version 1
    put(&mut file, 0x18, &0x10_0000_u64.to_le_bytes()); // entry
    put(&mut file, 0x20, &64_u64.to_le_bytes()); // program headers
    put(&mut file, 0x34, &[64, 0, 56, 0]);
    put(&mut file, 0x38, &[if room == 0 { 1 } else { 2 }]);
    put_header(&mut file, 0x40, 1, CODE, 0x10_0000, NOTE - CODE);
    for (index, byte) in file[CODE..NOTE].iter_mut().enumerate() {
        *byte = (index % 251) as u8;
    }
    if room > 0 {
        let note = note(room);
        put_header(&mut file, 0x78, 4, NOTE, 0, note.len());
        file.extend(note);
    }
    file
}

/// The same with a signature in its note, and before that was put there.
///
/// Lengths of ECDSA signatures vary with the content, so the last byte of code is varied until
/// the signature fits its room.
pub fn signed_elf(sign: impl Fn(&[u8]) -> Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    let room = sign(b"").len();
    for last in 0..=255 {
        let mut unsigned = small_elf(room);
        unsigned[NOTE - 1] = last;
        let signature = sign(&unsigned);
        if signature.len() == room {
            let mut signed = unsigned.clone();
            put(&mut signed, DESCRIPTOR, &signature);
            return (signed, unsigned);
        }
    }
    panic!("no signature fits its room");
}

fn note(room: usize) -> Vec<u8> {
    let mut note = Vec::new();
    note.extend(6_u32.to_le_bytes());
    note.extend((room as u32).to_le_bytes());
    note.extend(1_u32.to_le_bytes());
    note.extend(b"Baton\0\0\0");
    note.resize((20 + room).next_multiple_of(4), 0);
    note
}

fn put_header(file: &mut [u8], at: usize, kind: u8, offset: usize, address: u64, len: usize) {
    put(file, at, &[kind, 0, 0, 0, 5]);
    put(file, at + 8, &(offset as u64).to_le_bytes());
    put(file, at + 16, &address.to_le_bytes());
    put(file, at + 24, &address.to_le_bytes());
    put(file, at + 32, &(len as u64).to_le_bytes());
    put(file, at + 40, &(len as u64).to_le_bytes());
    put(file, at + 48, &4_u64.to_le_bytes());
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}
