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
    match room {
        0 => elf_with(&[]),
        _ => elf_with(&signature_note(room)),
    }
}

/// With these notes, if there are any.
pub fn elf_with(notes: &[u8]) -> Vec<u8> {
    let mut file = vec![0; NOTE];
    file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    put(&mut file, 0x10, &[2, 0, 62, 0, 1]); // ET_EXEC, EM_X86_64, version 1
    put(&mut file, 0x18, &0x10_0000_u64.to_le_bytes()); // entry
    put(&mut file, 0x20, &64_u64.to_le_bytes()); // program headers
    put(&mut file, 0x34, &[64, 0, 56, 0]);
    put(&mut file, 0x38, &[if notes.is_empty() { 1 } else { 2 }]);
    put_header(&mut file, 0x40, 1, CODE, 0x10_0000, NOTE - CODE);
    for (index, byte) in file[CODE..NOTE].iter_mut().enumerate() {
        *byte = (index % 251) as u8;
    }
    if !notes.is_empty() {
        put_header(&mut file, 0x78, 4, NOTE, 0, notes.len());
        file.extend(notes);
    }
    file
}

/// The same with a signature in its note, and before that was put there.
pub fn signed_elf(sign: impl Fn(&[u8]) -> Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    signed_elf_of(small_elf, sign)
}

/// What `build` makes with room for a signature in its first note, with one in it and without.
///
/// Lengths of ECDSA signatures vary with the content, so the last byte of code is varied until
/// the signature fits its room.
pub fn signed_elf_of(
    build: impl Fn(usize) -> Vec<u8>,
    sign: impl Fn(&[u8]) -> Vec<u8>,
) -> (Vec<u8>, Vec<u8>) {
    let room = sign(b"").len();
    for last in 0..=255 {
        let mut unsigned = build(room);
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

/// Room for a signature.
pub fn signature_note(room: usize) -> Vec<u8> {
    note(b"Baton\0", 1, &vec![0; room])
}

/// A note; its name ends with a NUL.
pub fn note(name: &[u8], kind: u32, descriptor: &[u8]) -> Vec<u8> {
    let mut note = (name.len() as u32).to_le_bytes().to_vec();
    note.extend((descriptor.len() as u32).to_le_bytes());
    note.extend(kind.to_le_bytes());
    for part in [name, descriptor] {
        note.extend(part);
        note.resize(note.len().next_multiple_of(4), 0);
    }
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
