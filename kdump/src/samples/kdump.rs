//! Kdump-compressed dumps, written the simplest way.

use crate::format::kdump::disk::{
    DiskDumpHeader, KdumpSubHeader, PageDescriptor, Place, SIGNATURE, flags,
};
use crate::utsname::Utsname;
use zerocopy::{FromZeros, IntoBytes};

const PAGE: usize = 4096;

/// A page of a [`KdumpSample`]: not there, left out, or with content, flags of its compression and
/// what it is compressed to.
#[derive(Clone)]
pub(crate) enum Page {
    Absent,
    Excluded,
    Held(u32, Vec<u8>),
}

/// A dump to be written.
pub(crate) struct KdumpSample {
    pub(crate) version: u32,
    pub(crate) pages: Vec<Page>,
    pub(crate) notes: Vec<u8>,
    /// The part of a split dump.
    pub(crate) part: Option<std::ops::Range<usize>>,
    /// What `uname -m` said.
    pub(crate) machine: &'static str,
}

/// Content that differs from page to page.
pub(crate) fn content(number: usize) -> Vec<u8> {
    (0..PAGE)
        .map(|it| ((it / 5 + number) % 251).to_le_bytes()[0])
        .collect()
}

/// Where the descriptors begin in [`KdumpSample::build`]'s dumps.
pub(crate) const DESCRIPTORS: usize = 5 * PAGE;

impl KdumpSample {
    /// Pages of each kind and codec.
    pub(crate) fn new() -> KdumpSample {
        use ruzstd::encoding::{CompressionLevel, compress_to_vec};
        use std::io::Write;
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(1));
        zlib.write_all(&content(2)).unwrap();
        let snappy = snap::raw::Encoder::new().compress_vec(&content(5)).unwrap();
        let pages = vec![
            Page::Absent,
            Page::Held(0, content(1)),
            Page::Held(flags::ZLIB, zlib.finish().unwrap()),
            Page::Excluded,
            Page::Held(flags::LZO, lzokay::compress::compress(&content(4)).unwrap()),
            Page::Held(flags::SNAPPY, snappy),
            Page::Absent,
            Page::Absent,
            Page::Held(
                flags::ZSTD,
                compress_to_vec(&content(8)[..], CompressionLevel::Fastest),
            ),
            Page::Held(0, content(9)),
            Page::Excluded,
        ];
        KdumpSample {
            version: 6,
            pages,
            notes: Vec::new(),
            part: None,
            machine: "x86_64",
        }
    }

    /// The dump: header, sub-header and notes, two bitmaps of a block each, descriptors, data.
    pub(crate) fn build(&self) -> Vec<u8> {
        let part = self.part.clone().unwrap_or(0..self.pages.len());
        let mut bytes = self.headers();
        let bit = |bytes: &mut Vec<u8>, at: usize, frame: usize| {
            bytes[at + frame / 8] |= 1 << (frame % 8);
        };
        for (frame, page) in self.pages.iter().enumerate() {
            if !matches!(page, Page::Absent) {
                bit(&mut bytes, 3 * PAGE, frame);
            }
            if matches!(page, Page::Held(..)) {
                bit(&mut bytes, 4 * PAGE, frame);
            }
        }
        let held: Vec<_> = self.pages[part]
            .iter()
            .filter_map(|page| match page {
                Page::Held(flags, data) => Some((*flags, data)),
                _ => None,
            })
            .collect();
        let mut offset = DESCRIPTORS + 24 * held.len();
        for (flags, data) in &held {
            let descriptor = PageDescriptor::new(offset as u64, data.len(), *flags);
            bytes.extend(descriptor.as_bytes());
            offset += data.len();
        }
        held.iter().for_each(|(_, data)| bytes.extend(*data));
        bytes
    }

    fn headers(&self) -> Vec<u8> {
        let frames = self.pages.len() as u64;
        let names = ["Linux", "host", "6.12.1-sample", "#1 SMP", self.machine, ""];
        let utsname = Utsname::from(names.map(str::to_owned));
        let header = DiskDumpHeader {
            signature: SIGNATURE,
            header_version: self.version.into(),
            utsname: utsname.to_raw(),
            tv_sec: 1_700_000_000.into(),
            block_size: 4096.into(),
            sub_hdr_size: 2.into(),
            bitmap_blocks: 2.into(),
            max_mapnr: u32::try_from(frames).unwrap().into(),
            nr_cpus: 3.into(),
            ..DiskDumpHeader::new_zeroed()
        };
        let part = self.part.as_ref().map(|it| [it.start, it.end]);
        let numbers = part.unwrap_or_default().map(|it| (it as u64).into());
        let sub_header = KdumpSubHeader {
            dump_level: 31.into(),
            split: u32::from(part.is_some()).into(),
            old_part: numbers,
            part: numbers,
            notes: Place {
                offset: (4096 + 104).into(),
                size: (self.notes.len() as u64).into(),
            },
            max_mapnr_64: frames.into(),
            ..KdumpSubHeader::new_zeroed()
        };
        let mut bytes = header.as_bytes().to_vec();
        bytes.resize(PAGE, 0);
        bytes.extend(sub_header.as_bytes());
        bytes.extend(&self.notes);
        bytes.resize(DESCRIPTORS, 0);
        bytes
    }
}
