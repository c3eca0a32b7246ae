//! Kdump-compressed dumps, written the simplest way.

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
            Page::Held(1, zlib.finish().unwrap()),
            Page::Excluded,
            Page::Held(2, lzokay::compress::compress(&content(4)).unwrap()),
            Page::Held(4, snappy),
            Page::Absent,
            Page::Absent,
            Page::Held(
                0x20,
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
            let size = u32::try_from(data.len()).unwrap();
            bytes.extend((offset as u64).to_le_bytes());
            bytes.extend([size, *flags, 0, 0].iter().flat_map(|it| it.to_le_bytes()));
            offset += data.len();
        }
        held.iter().for_each(|(_, data)| bytes.extend(*data));
        bytes
    }

    fn headers(&self) -> Vec<u8> {
        let mut bytes = vec![0; DESCRIPTORS];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        let frames = self.pages.len() as u64;
        put(0, b"KDUMP   ");
        put(8, &self.version.to_le_bytes());
        for (i, name) in ["Linux", "host", "6.12.1-sample", "#1 SMP", self.machine]
            .iter()
            .enumerate()
        {
            put(12 + 65 * i, name.as_bytes());
        }
        put(408, &1_700_000_000u64.to_le_bytes());
        for (at, value) in [(428, 4096), (432, 2), (436, 2), (460, 3)] {
            put(at, &u32::to_le_bytes(value));
        }
        put(440, &u32::try_from(frames).unwrap().to_le_bytes());
        put(PAGE + 8, &31u32.to_le_bytes());
        if let Some(part) = &self.part {
            put(PAGE + 12, &1u32.to_le_bytes());
            for (i, frame) in [part.start, part.end].into_iter().enumerate() {
                let value = (frame as u64).to_le_bytes();
                put(PAGE + 16 + 8 * i, &value);
                put(PAGE + 80 + 8 * i, &value);
            }
        }
        let notes_at = (PAGE + 104) as u64;
        put(PAGE + 48, &notes_at.to_le_bytes());
        put(PAGE + 56, &(self.notes.len() as u64).to_le_bytes());
        put(PAGE + 96, &frames.to_le_bytes());
        put(PAGE + 104, &self.notes);
        bytes
    }
}
