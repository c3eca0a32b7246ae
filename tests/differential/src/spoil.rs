//! Ways to spoil an image.

use super::image::{at, base, get32, put, put16, put32};

/// Signed images, to be spoilt.
pub struct Signed {
    /// [`base`], signed by sbsign with the trusted key.
    pub once: Vec<u8>,
    /// The same, signed with another key first.
    pub untrusted_first: Vec<u8>,
    /// The same, signed with another key after it.
    pub untrusted_last: Vec<u8>,
    /// Another image, signed with the trusted key.
    pub other: Vec<u8>,
}

/// As much as a field of 32 bits can say.
pub const FOUR_GIB: usize = u32::MAX as usize;

/// [`base`] with a change.
pub fn with(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut image = base();
    change(&mut image);
    image
}

/// The same with another number of 16 bits.
pub fn with16(offset: usize, value: usize) -> Vec<u8> {
    with(|image| put16(image, offset, value))
}

/// The same with another number of 32 bits.
pub fn with32(offset: usize, value: usize) -> Vec<u8> {
    with32s([(offset, value)])
}

/// The same with several.
pub fn with32s<const N: usize>(fields: [(usize, usize); N]) -> Vec<u8> {
    with(|image| put32s(image, fields))
}

/// Writes numbers of 32 bits at their offsets.
pub fn put32s<const N: usize>(image: &mut [u8], fields: [(usize, usize); N]) {
    for (offset, value) in fields {
        put32(image, offset, value);
    }
}

/// A field of a section's header.
pub fn section(index: usize, field: usize) -> usize {
    at::SECTIONS[index] + field
}

/// [`base`] with the headers of its first two sections in each other's place.
pub fn sections_swapped() -> Vec<u8> {
    with(|image| {
        let [first, second, third] = at::SECTIONS;
        let header = image[first..second].to_vec();
        image.copy_within(second..third, first);
        put(image, second, &header);
    })
}

/// [`base`] with a last section that has no bytes, and a place for them.
pub fn empty_section_at(offset: usize) -> Vec<u8> {
    with(|image| {
        put(image, at::SECTIONS[2], b".bss\0");
        let fields = [(at::RAW_OFFSET, offset), (at::RAW_SIZE, 0)];
        put32s(
            image,
            fields.map(|(field, value)| (section(2, field), value)),
        );
    })
}

/// A signed image with a change; the second argument is where its table begins.
pub fn spoilt(signed: &[u8], change: impl FnOnce(&mut Vec<u8>, usize)) -> Vec<u8> {
    let mut image = signed.to_vec();
    let table = get32(&image, at::CERTIFICATE_DIRECTORY);
    change(&mut image, table);
    image
}

impl Signed {
    /// Where the table of the image that is signed once begins.
    pub fn table(&self) -> usize {
        get32(&self.once, at::CERTIFICATE_DIRECTORY)
    }

    /// That image, with a change.
    pub fn with(&self, change: impl FnOnce(&mut Vec<u8>, usize)) -> Vec<u8> {
        spoilt(&self.once, change)
    }

    /// The same, where the table's size is to be changed, too.
    pub fn resized(&self, change: impl FnOnce(&mut Vec<u8>, usize)) -> Vec<u8> {
        self.with(|image, table| {
            change(image, table);
            let size = image.len() - table;
            put32(image, at::CERTIFICATE_SIZE, size);
        })
    }

    /// The same with the table of the other image.
    pub fn with_others_signature(&self) -> Vec<u8> {
        let others = get32(&self.other, at::CERTIFICATE_DIRECTORY);
        self.resized(|image, table| {
            image.truncate(table);
            image.extend(&self.other[others..]);
        })
    }

    /// The same with a table that begins elsewhere.
    pub fn with_table_from(&self, begins: usize) -> Vec<u8> {
        self.with(|image, _| {
            let size = image.len() - begins;
            let fields = [
                (at::CERTIFICATE_DIRECTORY, begins),
                (at::CERTIFICATE_SIZE, size),
            ];
            put32s(image, fields);
        })
    }

    /// The same with bytes before the table.
    pub fn with_table_after<const N: usize>(&self, bytes: [u8; N]) -> Vec<u8> {
        self.with(|image, table| {
            image.splice(table..table, bytes);
            put32(image, at::CERTIFICATE_DIRECTORY, table + N);
        })
    }

    /// The same with bytes after the signature, in the table's one entry.
    pub fn with_entry_longer<const N: usize>(&self, bytes: [u8; N]) -> Vec<u8> {
        self.resized(|image, table| {
            image.extend(bytes);
            let length = image.len() - table;
            put32(image, table, length);
        })
    }
}
