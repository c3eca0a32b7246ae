//! ELF kernels.

use super::hashing::Hashing;
use crate::output::page::Page;
use baton_formats::elf::{Class, Elf, ElfKind, Note, PT_LOAD, PT_NOTE, Segment};
use baton_sys::hex;
use serde::Serialize;

/// What Linux prints first (init/version-timestamp.c).
const LINUX_BANNER: &[u8] = b"Linux version ";
/// The longest release looked for.
const MAX_RELEASE: usize = 64;
/// The longest descriptor of a note that is shown, in bytes.
const MAX_VALUE: usize = 32;

/// What is in an ELF kernel. Addresses are physical unless they are called virtual.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ElfInfo {
    /// The size of its addresses: 32 or 64.
    pub bits: u8,
    /// `executable` or `relocatable`.
    pub kind: &'static str,
    /// The release of the Linux that it is; `None`: it isn't.
    pub linux_version: Option<String>,
    /// Its entry point.
    pub entry: u64,
    /// The entry point as the header states it.
    pub stated_entry: u64,
    /// The 32-bit entry point for virtual machines.
    pub pvh_entry: Option<u64>,
    /// Its segments, in the order of the program headers.
    pub segments: Vec<SegmentInfo>,
    /// Its notes, in their order.
    pub notes: Vec<NoteInfo>,
}

/// A segment.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SegmentInfo {
    /// Its kind, by name where it is known.
    pub kind: String,
    /// Where its data begins in the file.
    pub offset: u64,
    /// The length of its data.
    pub size: usize,
    /// Where it goes.
    pub physical_address: u64,
    /// Its virtual address.
    pub virtual_address: u64,
    /// How many bytes it takes in memory.
    pub memory_size: u64,
    /// `r`, `w` and `x`, or `-` in their place.
    pub flags: String,
    /// The SHA-256 of its data, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// A note.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NoteInfo {
    /// Its owner.
    pub name: String,
    /// Its type.
    pub kind: u32,
    /// The length of what it holds.
    pub size: usize,
    /// What it holds, in hexadecimal, if that is short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What it holds, if that is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl ElfInfo {
    /// Reads it; `file` is what it was parsed from.
    #[must_use]
    pub fn of(elf: &Elf<'_>, file: &[u8], hashing: Hashing) -> ElfInfo {
        ElfInfo {
            bits: match elf.class() {
                Class::Elf32 => 32,
                Class::Elf64 => 64,
            },
            kind: match elf.kind() {
                ElfKind::Executable => "executable",
                ElfKind::Relocatable => "relocatable",
            },
            linux_version: linux_version(file),
            entry: elf.entry(),
            stated_entry: elf.stated_entry(),
            pvh_entry: elf.pvh_entry(),
            segments: elf
                .all_segments()
                .map(|s| SegmentInfo::of(&s, hashing))
                .collect(),
            notes: elf.notes().map(|note| NoteInfo::of(&note)).collect(),
        }
    }

    /// Prints it under its headings.
    pub fn show(&self, page: &mut Page) {
        page.heading("ELF");
        page.field("kind", format!("{}, {} bits", self.kind, self.bits));
        page.field("entry", format!("{:#x}", self.entry));
        page.optional("PVH entry", self.pvh_entry.map(|at| format!("{at:#x}")));
        page.heading("segments");
        let rows: Vec<_> = self.segments.iter().map(SegmentInfo::row).collect();
        let names = [
            "kind", "flags", "offset", "size", "address", "memory", "sha256",
        ];
        page.table(&names, &rows);
        if !self.notes.is_empty() {
            page.heading("notes");
            let rows: Vec<_> = self.notes.iter().map(NoteInfo::row).collect();
            page.table(&["name", "kind", "size", "value"], &rows);
        }
    }
}

impl SegmentInfo {
    fn of(segment: &Segment<'_>, hashing: Hashing) -> SegmentInfo {
        SegmentInfo {
            kind: kind(segment.kind),
            offset: segment.offset,
            size: segment.data.len(),
            physical_address: segment.paddr,
            virtual_address: segment.vaddr,
            memory_size: segment.memsz,
            flags: flags(segment.flags),
            sha256: hashing.digest(segment.data),
        }
    }

    fn row(&self) -> Vec<String> {
        let mut row = vec![
            self.kind.clone(),
            self.flags.clone(),
            format!("{:#x}", self.offset),
            self.size.to_string(),
            format!("{:#x}", self.physical_address),
            self.memory_size.to_string(),
        ];
        row.extend(self.sha256.clone());
        row
    }
}

impl NoteInfo {
    fn of(note: &Note<'_>) -> NoteInfo {
        let short = note.descriptor.len() <= MAX_VALUE;
        NoteInfo {
            name: String::from_utf8_lossy(note.name).into_owned(),
            kind: note.kind,
            size: note.descriptor.len(),
            value: short.then(|| hex::encode(note.descriptor)),
            text: text(note.descriptor),
        }
    }

    fn row(&self) -> Vec<String> {
        let value = self.text.clone().or_else(|| self.value.clone());
        vec![
            self.name.clone(),
            self.kind.to_string(),
            self.size.to_string(),
            value.unwrap_or_else(|| "…".into()),
        ]
    }
}

/// Text of three characters at least; a number may look like less.
fn text(descriptor: &[u8]) -> Option<String> {
    let text = descriptor.strip_suffix(&[0]).unwrap_or(descriptor);
    let printable = |byte: &u8| *byte == b' ' || byte.is_ascii_graphic();
    let is_text = (3..=MAX_RELEASE).contains(&text.len()) && text.iter().all(printable);
    is_text.then(|| String::from_utf8_lossy(text).into_owned())
}

/// include/uapi/linux/elf.h
fn kind(number: u32) -> String {
    match number {
        PT_LOAD => "LOAD".into(),
        PT_NOTE => "NOTE".into(),
        0 => "NULL".into(),
        2 => "DYNAMIC".into(),
        6 => "PHDR".into(),
        7 => "TLS".into(),
        0x6474_e550 => "GNU_EH_FRAME".into(),
        0x6474_e551 => "GNU_STACK".into(),
        0x6474_e552 => "GNU_RELRO".into(),
        0x6474_e553 => "GNU_PROPERTY".into(),
        other => format!("{other:#x}"),
    }
}

fn flags(flags: u32) -> String {
    let letters = [(4, 'r'), (2, 'w'), (1, 'x')];
    letters
        .iter()
        .map(|(bit, letter)| if flags & bit != 0 { *letter } else { '-' })
        .collect()
}

/// The release in Linux's banner, which is data of the kernel.
fn linux_version(file: &[u8]) -> Option<String> {
    let mut rest = file;
    loop {
        let mut windows = rest.windows(LINUX_BANNER.len());
        let at = windows.position(|window| window == LINUX_BANNER)?;
        rest = rest.get(at + LINUX_BANNER.len()..)?;
        // One may be a format string, as "Linux version %s".
        if let Some(release) = release(rest) {
            return Some(release);
        }
    }
}

fn release(text: &[u8]) -> Option<String> {
    let text = text.get(..MAX_RELEASE).unwrap_or(text);
    let end = text.iter().position(|byte| !byte.is_ascii_graphic())?;
    let release = std::str::from_utf8(text.get(..end)?).ok()?;
    let begins_so = release.starts_with(|first: char| first.is_ascii_digit());
    begins_so.then(|| release.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_found_after_a_format_string() {
        let file = b"..Linux version %s (%s)\0Linux version 6.12.1-x (gcc)";
        assert_eq!(linux_version(file).as_deref(), Some("6.12.1-x"));
        assert_eq!(linux_version(b"Linux version "), None);
        assert_eq!(linux_version(b"Linux version 6.1"), None, "cut off");
    }
}
