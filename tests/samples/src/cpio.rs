//! cpio archives, put together byte by byte.

/// S_IFREG of include/uapi/linux/stat.h, and permissions.
const FILE: u32 = 0o100_644;

/// The header of a file of so many bytes with a name of so many.
pub fn header(name_size: u32, file_size: u32) -> Vec<u8> {
    let fields = [1, FILE, 0, 0, 1, 0, file_size, 0, 0, 0, 0, name_size, 0];
    let digits: String = fields.iter().map(|field| format!("{field:08x}")).collect();
    format!("070701{digits}").into_bytes()
}

/// A file's entry.
pub fn file(name: &str, contents: &[u8]) -> Vec<u8> {
    let mut entry = header(name.len() as u32 + 1, contents.len() as u32);
    entry.extend(name.bytes().chain([0]));
    entry.resize(entry.len().next_multiple_of(4), 0);
    entry.extend(contents);
    entry.resize(entry.len().next_multiple_of(4), 0);
    entry
}

/// What archives end with.
pub fn trailer() -> Vec<u8> {
    file("TRAILER!!!", b"")
}
