//! Which memory an ELF core has bytes of.

use crate::bits::{Bits, REGION};
use crate::filter::Scanned;
use crate::regions::Regions;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Fewer pages than these are written although they are left out: each hole costs a program header
/// (PFN_EXCLUDED of makedumpfile.h).
const LEAST_HOLE: u64 = 256;

/// What is done with pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Held,
    Out,
    /// Not even read.
    Forbidden,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    pages: Range<u64>,
    kind: Kind,
}

/// A PT_LOAD: pages that the file has, and those after them that it has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Load {
    pub held: Range<u64>,
    /// The page after the last.
    pub end: u64,
    /// Where it is in the file.
    pub offset: u64,
}

impl Load {
    /// Where a page is in the file.
    pub(super) fn place(&self, page: u64, page_size: u64) -> u64 {
        self.offset + (page - self.held.start) * page_size
    }
}

/// What is known of each region.
pub(crate) struct Loads {
    regions: Mutex<Vec<Vec<Piece>>>,
    first_pages: Vec<u64>,
}

impl Loads {
    pub(crate) fn new(regions: &Regions) -> Loads {
        let first_pages: Vec<u64> = (0..regions.count())
            .map(|it| regions.first_page(it))
            .collect();
        Loads {
            regions: Mutex::new(vec![Vec::new(); first_pages.len()]),
            first_pages,
        }
    }

    /// Takes in a region; what was known of it is forgotten.
    pub(crate) fn add(&self, region: usize, present: &Bits, scanned: &Scanned) {
        let first = self.first_pages.get(region).copied().unwrap_or(0);
        let mut pieces = Vec::new();
        for run in present.runs(0..REGION) {
            let mut next = run.start;
            for chosen in scanned.chosen.runs(run.clone()) {
                left_out(first, next..chosen.start, &scanned.forbidden, &mut pieces);
                next = chosen.end;
                push(&mut pieces, first, chosen, Kind::Held);
            }
            left_out(first, next..run.end, &scanned.forbidden, &mut pieces);
        }
        let pieces = closed(pieces);
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(region) = regions.get_mut(region) {
            *region = pieces;
        }
    }

    /// What becomes of all of them.
    pub(super) fn finish(self) -> Vec<Load> {
        let regions = self
            .regions
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let mut loads: Vec<Load> = Vec::new();
        for piece in closed(regions.into_iter().flatten().collect()) {
            let goes_on = |load: &&mut Load| load.end == piece.pages.start;
            match (piece.kind, loads.last_mut().filter(goes_on)) {
                (Kind::Out | Kind::Forbidden, Some(load)) => load.end = piece.pages.end,
                (Kind::Held, _) => loads.push(Load {
                    end: piece.pages.end,
                    held: piece.pages,
                    offset: 0,
                }),
                (Kind::Out | Kind::Forbidden, None) => loads.push(Load {
                    held: piece.pages.start..piece.pages.start,
                    end: piece.pages.end,
                    offset: 0,
                }),
            }
        }
        loads
    }
}

/// Parts pages that are left out by whether they must not be read.
fn left_out(first: u64, pages: Range<usize>, forbidden: &Bits, pieces: &mut Vec<Piece>) {
    let mut next = pages.start;
    for run in forbidden.runs(pages.clone()) {
        push(pieces, first, next..run.start, Kind::Out);
        next = run.end;
        push(pieces, first, run, Kind::Forbidden);
    }
    push(pieces, first, next..pages.end, Kind::Out);
}

fn push(pieces: &mut Vec<Piece>, first: u64, pages: Range<usize>, kind: Kind) {
    if !pages.is_empty() {
        let pages = first + pages.start as u64..first + pages.end as u64;
        pieces.push(Piece { pages, kind });
    }
}

/// Closes the small holes between held pieces, and joins what touches.
fn closed(mut pieces: Vec<Piece>) -> Vec<Piece> {
    pieces = joined(pieces);
    for index in 1..pieces.len().saturating_sub(1) {
        let (before, rest) = pieces.split_at_mut(index);
        if let ([.., before], [piece, after, ..]) = (before, rest) {
            let held = |it: &Piece| it.kind == Kind::Held;
            let touches =
                before.pages.end == piece.pages.start && piece.pages.end == after.pages.start;
            let small = piece.pages.end - piece.pages.start < LEAST_HOLE;
            if piece.kind == Kind::Out && held(before) && held(after) && touches && small {
                piece.kind = Kind::Held;
            }
        }
    }
    joined(pieces)
}

fn joined(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut joined: Vec<Piece> = Vec::with_capacity(pieces.len().min(1 << 16));
    for piece in pieces {
        match joined.last_mut() {
            Some(last) if last.kind == piece.kind && last.pages.end == piece.pages.start => {
                last.pages.end = piece.pages.end;
            }
            _ => joined.push(piece),
        }
    }
    joined.shrink_to_fit();
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(chosen: &[Range<usize>], forbidden: &[Range<usize>]) -> Scanned {
        let mut scanned = Scanned::default();
        chosen
            .iter()
            .for_each(|it| scanned.chosen.insert(it.clone()));
        forbidden
            .iter()
            .for_each(|it| scanned.forbidden.insert(it.clone()));
        scanned
    }

    fn loads(memory: &[Range<u64>], scanned: &[Scanned]) -> Vec<(Range<u64>, u64)> {
        let regions = Regions::new(memory, 4096).unwrap();
        let loads = Loads::new(&regions);
        for (region, scanned) in scanned.iter().enumerate() {
            loads.add(region, &regions.present(region), scanned);
        }
        let loads = loads.finish().into_iter();
        loads.map(|load| (load.held, load.end)).collect()
    }

    #[test]
    fn only_large_holes_are_left_out() {
        let scanned = scanned(&[0..100, 355..400, 656..1000], &[]);
        let found = loads(&[0..1000 * 4096], &[scanned]);
        assert_eq!(found, [(0..400, 656), (656..1000, 1000)]);
    }

    #[test]
    fn what_must_not_be_read_is_a_hole_however_small() {
        let scanned = scanned(&[0..100, 110..200], &[105..106]);
        let found = loads(&[0..200 * 4096], &[scanned]);
        assert_eq!(found, [(0..100, 110), (110..200, 200)]);
    }

    #[test]
    fn memory_that_begins_left_out_has_no_bytes() {
        let found = loads(&[0..1000 * 4096], &[scanned(&[500..1000], &[])]);
        assert_eq!(found, [(0..0, 500), (500..1000, 1000)]);
    }

    #[test]
    fn holes_and_pieces_go_on_from_region_to_region() {
        let end = REGION as u64 + 500;
        let memory = [0..end * 4096];
        let whole = [scanned(&[0..REGION], &[]), scanned(&[0..500], &[])];
        assert_eq!(loads(&memory, &whole), [(0..end, end)]);
        let small = [scanned(&[0..REGION - 100], &[]), scanned(&[100..500], &[])];
        assert_eq!(loads(&memory, &small), [(0..end, end)]);
        let large = [scanned(&[0..REGION - 100], &[]), scanned(&[200..500], &[])];
        let first = REGION as u64;
        let expected = [(0..first - 100, first + 200), (first + 200..end, end)];
        assert_eq!(loads(&memory, &large), expected);
    }

    #[test]
    fn memory_apart_is_never_joined() {
        let found = loads(
            &[0..10 * 4096, 20 * 4096..30 * 4096],
            &[scanned(&[0..10, 20..30], &[])],
        );
        assert_eq!(found, [(0..10, 10), (20..30, 30)]);
    }
}
