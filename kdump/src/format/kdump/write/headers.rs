//! What of a kdump-compressed dump comes before its pages: headers, notes, bitmaps.

use super::layout::Layout;
use crate::bits::{Bits, REGION_BYTES};
use crate::format::kdump::disk::DESCRIPTOR;
use crate::format::kdump::write::Subject;
use crate::write::WriteResult;
use crate::write::output::{Output, clear};

/// The part of a dump that is written before pages are chosen.
pub(crate) struct Front<'a> {
    pub subject: &'a Subject<'a>,
    pub output: &'a dyn Output,
    pub(super) layout: Layout,
    /// Whether the header says from the beginning that the dump is whole.
    whole: bool,
}

impl<'a> Front<'a> {
    /// Writes headers and notes of a dump of this level, that isn't whole unless `whole` says so. Over old bytes,
    /// the header comes after all else.
    pub(crate) fn write(
        subject: &'a Subject<'a>,
        output: &'a dyn Output,
        level: u8,
        whole: bool,
    ) -> WriteResult<Front<'a>> {
        let layout = Layout::new(
            subject.regions.page_size(),
            subject.regions.end(),
            subject.notes.len() as u64,
        )?;
        let front = Front {
            subject,
            output,
            layout,
            whole,
        };
        if output.begins_empty() {
            front.write_header()?;
        } else {
            // Nobody must take what an old dump left for pages of this one.
            clear(output, 0, front.layout.block)?;
        }
        front.write_notes(level)?;
        // Where there is no memory, no bitmap is written.
        clear(output, front.layout.bitmap1, 2 * front.layout.bitmap)?;
        Ok(front)
    }

    fn write_header(&self) -> WriteResult<()> {
        let subject = self.subject;
        let bytes = self
            .layout
            .header(subject.identity, subject.compression, self.whole);
        Ok(self.output.write_at(0, &bytes)?)
    }

    fn write_notes(&self, level: u8) -> WriteResult<()> {
        let subject = self.subject;
        let mut bytes = self.sub_header(level);
        bytes.extend(subject.notes);
        self.output.write_at(self.layout.block, &bytes)?;
        let end = self.layout.block + bytes.len() as u64;
        Ok(clear(self.output, end, self.layout.bitmap1 - end)?)
    }

    fn sub_header(&self, level: u8) -> Vec<u8> {
        let subject = self.subject;
        self.layout.sub_header(
            subject.identity,
            level,
            subject.notes.len() as u64,
            subject.vmcoreinfo.clone(),
        )
    }

    /// Makes room for the descriptors of so many pages; from now on there is a dump.
    pub(super) fn finish(&self, pages: u64) -> WriteResult<()> {
        let length = pages * DESCRIPTOR;
        clear(self.output, self.layout.descriptors, length)?;
        if !self.output.begins_empty() {
            self.write_header()?;
        }
        Ok(())
    }

    /// Says in the sub-header that the level is another.
    pub(crate) fn change_level(&self, level: u8) -> WriteResult<()> {
        let bytes = self.sub_header(level);
        Ok(self.output.write_at(self.layout.block, &bytes)?)
    }

    /// Writes a region's bitmaps: what is memory, what is dumped of it.
    pub(crate) fn write_bitmaps(
        &self,
        region: usize,
        present: &Bits,
        chosen: &Bits,
    ) -> WriteResult<()> {
        let offset = self.place(region);
        self.output
            .write_at(self.layout.bitmap1 + offset, &present.to_bytes())?;
        self.output
            .write_at(self.layout.bitmap2 + offset, &chosen.to_bytes())?;
        Ok(())
    }

    /// What [`write_bitmaps`](Front::write_bitmaps) was told to be dumped; `None` of a stream.
    pub(crate) fn chosen(&self, region: usize) -> WriteResult<Option<Bits>> {
        let mut bytes = [0; REGION_BYTES];
        let offset = self.layout.bitmap2 + self.place(region);
        let known = self.output.read_back(offset, &mut bytes)?;
        Ok(known.then(|| Bits::from_bytes(&bytes)))
    }

    /// A region's place in a bitmap.
    fn place(&self, region: usize) -> u64 {
        self.subject.regions.first_page(region) / 8
    }
}
