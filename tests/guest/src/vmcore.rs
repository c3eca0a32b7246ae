//! Reads `/proc/vmcore`: headers first, then every page, looking for canary pages.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use anyhow::{Context, Result, ensure};
use baton_guest::event::Vmcore;

use crate::canary::{self, Seen};

/// Elf64_Ehdr and Elf64_Phdr are of these sizes (elf.h).
const HEADER: usize = 64;
const SEGMENT: usize = 56;
const PT_LOAD: u32 = 1;
const PAGE: usize = 4096;

/// A program header, as far as it is of interest.
struct Segment {
    kind: u32,
    offset: u64,
    /// Physical.
    address: u64,
    size: u64,
}

/// Reads all of the dump at `path`.
pub fn scan(path: &str) -> Result<Vmcore> {
    let mut file = File::open(path).with_context(|| path.to_owned())?;
    let size = file.metadata()?.len();
    let segments = segments(&mut file)?;
    let loads = || segments.iter().filter(|s| s.kind == PT_LOAD);
    let mut report = Vmcore {
        size,
        end_of_segments: segments
            .iter()
            .map(|s| s.offset + s.size)
            .max()
            .unwrap_or(0),
        memory: loads().map(|s| s.size).sum(),
        ..Vmcore::default()
    };
    let mut seen = Bits::default();
    for segment in loads() {
        scan_segment(&mut file, segment, &mut seen, &mut report)?;
    }
    Ok(report)
}

fn segments(file: &mut File) -> Result<Vec<Segment>> {
    let mut header = [0; HEADER];
    file.read_exact(&mut header)?;
    ensure!(
        header.starts_with(b"\x7fELF\x02\x01\x01"),
        "not a little-endian 64-bit ELF file"
    );
    // e_type 4 is ET_CORE, e_machine 62 is EM_X86_64.
    ensure!(
        u16_at(&header, 16)? == 4 && u16_at(&header, 18)? == 62,
        "not a core file of x86-64"
    );
    ensure!(
        usize::from(u16_at(&header, 54)?) == SEGMENT,
        "program headers of an odd size"
    );
    file.seek(SeekFrom::Start(u64_at(&header, 32)?))?;
    let mut found = Vec::new();
    for _ in 0..u16_at(&header, 56)? {
        let mut entry = [0; SEGMENT];
        file.read_exact(&mut entry)?;
        found.push(Segment {
            kind: u32_at(&entry, 0)?,
            offset: u64_at(&entry, 8)?,
            address: u64_at(&entry, 24)?,
            size: u64_at(&entry, 32)?,
        });
    }
    Ok(found)
}

fn scan_segment(
    file: &mut File,
    segment: &Segment,
    seen: &mut Bits,
    report: &mut Vmcore,
) -> Result<()> {
    file.seek(SeekFrom::Start(segment.offset))?;
    let mut left = segment.size;
    let mut buffer = vec![0; 1 << 20];
    while left > 0 {
        let now = usize::try_from(left.min(buffer.len() as u64))?;
        let chunk = &mut buffer[..now];
        file.read_exact(chunk)
            .with_context(|| format!("reading at {:#x}", segment.offset + segment.size - left))?;
        let begin = segment.address + segment.size - left;
        for (address, page) in (begin..).step_by(PAGE).zip(chunk.chunks_exact(PAGE)) {
            match canary::judge(address, page) {
                Seen::Other => {}
                Seen::Damaged(damage) => {
                    report.damaged += 1;
                    report.damage.get_or_insert(damage);
                }
                Seen::Intact(number) if seen.insert(number) => report.intact += 1,
                Seen::Intact(_) => report.repeated += 1,
            }
        }
        left -= now as u64;
    }
    Ok(())
}

/// A set of page numbers. Damage can't make it grow: numbers of intact pages only go in.
#[derive(Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn insert(&mut self, number: u64) -> bool {
        let Ok(word) = usize::try_from(number / 64) else {
            return false;
        };
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        let bit = 1 << (number % 64);
        let new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        new
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16> {
    Ok(u16::from_le_bytes(
        bytes.get(at..at + 2).context("short")?.try_into()?,
    ))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32> {
    Ok(u32::from_le_bytes(
        bytes.get(at..at + 4).context("short")?.try_into()?,
    ))
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64> {
    Ok(u64::from_le_bytes(
        bytes.get(at..at + 8).context("short")?.try_into()?,
    ))
}
