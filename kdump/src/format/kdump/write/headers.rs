//! What of a kdump-compressed dump comes before its pages: headers, notes, bitmaps.

use super::layout::{Layout, status};
use crate::bits::{Bits, REGION_BYTES};
use crate::format::kdump::disk::DESCRIPTOR;
use crate::write::output::clear;
use crate::write::{Job, WriteResult};
use std::ops::Range;

/// The part of a dump that is written before pages.
pub(crate) struct Headers<'a> {
    job: &'a Job<'a>,
    pub(super) layout: Layout,
    /// Whether the header says from the beginning that the dump is whole.
    whole: bool,
    /// Of a part of a split dump, the numbers of its pages, once they are known.
    part: Option<Range<u64>>,
}

impl<'a> Headers<'a> {
    /// Writes headers and notes of a dump of this level, that isn't whole unless `whole` says so. Over old bytes,
    /// the header comes after all else.
    pub(super) fn write(job: &'a Job<'a>, level: u8, whole: bool) -> WriteResult<Headers<'a>> {
        let layout = Layout::new(
            job.regions.page_size(),
            job.regions.end(),
            job.crash.notes.len() as u64,
        )?;
        let headers = Headers {
            job,
            layout,
            whole,
            part: None,
        };
        let layout = &headers.layout;
        if job.output.begins_empty() {
            headers.write_header()?;
        } else {
            // Nobody must take what an old dump left for pages of this one.
            clear(job.output, 0, layout.block)?;
        }
        headers.write_notes(level)?;
        // Where there is no memory, no bitmap is written.
        clear(job.output, layout.bitmap1, 2 * layout.bitmap)?;
        Ok(headers)
    }

    /// What is written.
    pub(super) fn job(&self) -> &'a Job<'a> {
        self.job
    }

    fn write_header(&self) -> WriteResult<()> {
        let status = status(self.job.options);
        let bytes = self.layout.header(&self.job.identity, status, self.whole);
        Ok(self.job.output.write_at(0, &bytes)?)
    }

    fn write_notes(&self, level: u8) -> WriteResult<()> {
        let mut bytes = self.sub_header(level);
        bytes.extend(self.job.crash.notes);
        self.job.output.write_at(self.layout.block, &bytes)?;
        let end = self.layout.block + bytes.len() as u64;
        Ok(clear(self.job.output, end, self.layout.bitmap1 - end)?)
    }

    fn sub_header(&self, level: u8) -> Vec<u8> {
        let job = self.job;
        let notes = job.crash.notes.len() as u64;
        let vmcoreinfo = job.vmcoreinfo.clone();
        self.layout
            .sub_header(&job.identity, level, notes, vmcoreinfo, self.part.clone())
    }

    /// Makes room for the descriptors of so many pages; from now on there is a dump.
    pub(super) fn finish(&self, pages: u64) -> WriteResult<()> {
        let length = pages * DESCRIPTOR;
        clear(self.job.output, self.layout.descriptors, length)?;
        if !self.job.output.begins_empty() {
            self.write_header()?;
        }
        Ok(())
    }

    /// Says in the sub-header which pages this part of a split dump has.
    pub(super) fn set_part(&mut self, level: u8, part: Range<u64>) -> WriteResult<()> {
        self.part = Some(part);
        self.change_level(level)
    }

    /// Says in the sub-header that the level is another.
    pub(super) fn change_level(&self, level: u8) -> WriteResult<()> {
        let bytes = self.sub_header(level);
        Ok(self.job.output.write_over_at(self.layout.block, &bytes)?)
    }

    /// Writes a region's bitmaps: what is memory, what is dumped of it.
    pub(super) fn write_bitmaps(
        &self,
        region: usize,
        present: &Bits,
        chosen: &Bits,
    ) -> WriteResult<()> {
        let offset = self.place(region);
        self.job
            .output
            .write_over_at(self.layout.bitmap1 + offset, &present.to_bytes())?;
        self.job
            .output
            .write_over_at(self.layout.bitmap2 + offset, &chosen.to_bytes())?;
        Ok(())
    }

    /// What [`write_bitmaps`](Headers::write_bitmaps) wrote as dumped; `None` of a stream.
    pub(super) fn chosen(&self, region: usize) -> WriteResult<Option<Bits>> {
        let mut bytes = [0; REGION_BYTES];
        let offset = self.layout.bitmap2 + self.place(region);
        let known = self.job.output.read_back(offset, &mut bytes)?;
        Ok(known.then(|| Bits::from_bytes(&bytes)))
    }

    /// A region's place in a bitmap.
    fn place(&self, region: usize) -> u64 {
        self.job.regions.first_page(region) / 8
    }
}
