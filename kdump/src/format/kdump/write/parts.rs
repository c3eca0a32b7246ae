//! A dump that is split among several files, as `makedumpfile --split` writes it: each has all headers and both bitmaps,
//! and of the chosen pages those from one number to another, about as many as any other.

use super::headers::Headers;
use super::ranks::Ranks;
use super::{UNIT, Writer};
use crate::bits::REGION;
use crate::convert::Choice;
use crate::write::{Job, WriteResult};
use std::ops::Range;
use std::sync::Arc;

// A part begins with a unit of work, since crash counts the pages of a part from its first one on in words of 64
// (`read_dump_header` of its diskdump.c).
const _: () = assert!(UNIT.is_multiple_of(64));

/// Begins a file for each job, of which the first has its headers and bitmaps already.
pub(crate) fn begin_parts<'a>(
    jobs: &'a [Job<'a>],
    choice: &'a Choice<'a>,
    (first, counts): (Headers<'a>, Vec<u32>),
) -> WriteResult<Vec<Writer<'a>>> {
    let ranks = Arc::new(Ranks::new(counts));
    let level = choice.level(first.job().options.level).into();
    let mut headers = Vec::new();
    for job in jobs.iter().skip(1) {
        headers.push(Headers::write(job, level, false)?);
    }
    copy_bitmaps(&first, &headers)?;
    let starts = starts(&first, &ranks, jobs.len() as u64)?;
    headers.insert(0, first);
    let mut writers = Vec::new();
    for (part, (job, mut headers)) in jobs.iter().zip(headers).enumerate() {
        let end_of_all = (job.regions.end(), ranks.total());
        let start = starts.get(part).copied().unwrap_or(end_of_all);
        let end = starts.get(part + 1).copied().unwrap_or(end_of_all);
        let pages = start.0..end.0;
        headers.set_part(level, pages.clone())?;
        let ranks = Arc::clone(&ranks);
        let indices = start.1..end.1;
        writers.push(Writer::with(job, choice, headers, ranks, pages, indices)?);
    }
    Ok(writers)
}

/// Writes what was chosen to the other files, too.
fn copy_bitmaps(first: &Headers<'_>, others: &[Headers<'_>]) -> WriteResult<()> {
    let regions = first.job().regions;
    for region in 0..regions.count() {
        let present = regions.present(region);
        let chosen = first.chosen(region)?.unwrap_or_default();
        for headers in others {
            headers.write_bitmaps(region, &present, &chosen)?;
        }
    }
    Ok(())
}

/// Where each part begins: the number of a page, and how many chosen ones come before it.
fn starts(headers: &Headers<'_>, ranks: &Ranks, parts: u64) -> WriteResult<Vec<(u64, u64)>> {
    let mut starts = vec![(0, 0)];
    for part in 1..parts {
        // In 128 bits, no product is too large.
        let index = u128::from(ranks.total()) * u128::from(part) / u128::from(parts);
        let index = u64::try_from(index).unwrap_or(u64::MAX);
        starts.push(unit_of(headers, ranks, index)?);
    }
    Ok(starts)
}

/// Where the unit of work begins in which the chosen page with this index is.
fn unit_of(headers: &Headers<'_>, ranks: &Ranks, index: u64) -> WriteResult<(u64, u64)> {
    let regions = headers.job().regions;
    let region = ranks.region_of(index);
    if region >= regions.count() {
        return Ok((regions.end(), ranks.total()));
    }
    let chosen = headers.chosen(region)?.unwrap_or_default();
    let mut before = ranks.before(region);
    let mut unit: Range<usize> = 0..UNIT;
    while unit.end < REGION {
        let pages = u64::from(chosen.count_in(unit.clone()));
        if before + pages > index {
            break;
        }
        before += pages;
        unit = unit.end..unit.end + UNIT;
    }
    Ok((regions.first_page(region) + unit.start as u64, before))
}
