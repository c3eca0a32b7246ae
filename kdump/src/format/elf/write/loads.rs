//! Which memory an ELF core has bytes of.

use crate::bits::{Bits, REGION};
use crate::filter::Scanned;
use crate::regions::Regions;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Fewer pages than these are written as zeros although they are left out: each hole costs a program header
/// (PFN_EXCLUDED of makedumpfile.h, which writes what is in them).
const MIN_HOLE: u64 = 256;

/// Of more pieces than these, the small ones that a filtered source lacks are written as zeros, too: not every
/// reader knows PN_XNUM.
const MAX_PIECES: usize = 1 << 16;

/// What is done with pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Held,
    Out,
    /// The source itself hasn't it.
    Lacking,
    /// Not even read, or lost.
    Forbidden,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    pages: Range<u64>,
    kind: Kind,
    /// Some of what is held is left out.
    is_filled: bool,
}

/// A PT_LOAD: pages that the file has, and those after them that it has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Load {
    pub held: Range<u64>,
    /// The page after the last.
    pub end: u64,
    /// Where it is in the file.
    pub offset: u64,
    /// Some of what is held is left out: of these pages the file has zeros.
    pub is_filled: bool,
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
        let mut never = scanned.forbidden.clone();
        let lost = scanned.lost.runs(0..REGION);
        lost.for_each(|run| never.insert(run));
        let out = Out {
            first,
            never,
            lacking: &scanned.lacking,
        };
        let mut pieces = Vec::new();
        for run in present.runs(0..REGION) {
            let mut next = run.start;
            for chosen in scanned.chosen.runs(run.clone()) {
                out.add(next..chosen.start, &mut pieces);
                next = chosen.end;
                push(&mut pieces, first, chosen, Kind::Held);
            }
            out.add(next..run.end, &mut pieces);
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
        let mut pieces = closed(regions.into_iter().flatten().collect());
        if pieces.len() > MAX_PIECES {
            for piece in pieces.iter_mut().filter(|it| it.kind == Kind::Lacking) {
                piece.kind = Kind::Out;
            }
            pieces = closed(pieces);
        }
        loads(pieces)
    }
}

fn loads(pieces: Vec<Piece>) -> Vec<Load> {
    let mut loads: Vec<Load> = Vec::new();
    for piece in pieces {
        let goes_on = |load: &&mut Load| load.end == piece.pages.start;
        match (piece.kind, loads.last_mut().filter(goes_on)) {
            (Kind::Held, _) => loads.push(Load {
                end: piece.pages.end,
                held: piece.pages,
                offset: 0,
                is_filled: piece.is_filled,
            }),
            (_, Some(load)) => load.end = piece.pages.end,
            (_, None) => loads.push(Load {
                held: piece.pages.start..piece.pages.start,
                end: piece.pages.end,
                offset: 0,
                is_filled: false,
            }),
        }
    }
    loads
}

/// Pages of a region that are left out.
struct Out<'a> {
    /// The region's first page.
    first: u64,
    /// Pages that aren't read at all.
    never: Bits,
    lacking: &'a Bits,
}

impl Out<'_> {
    /// Parts them by why they are left out.
    fn add(&self, pages: Range<usize>, pieces: &mut Vec<Piece>) {
        let mut next = pages.start;
        for run in self.never.runs(pages.clone()) {
            self.add_unread(next..run.start, pieces);
            next = run.end;
            push(pieces, self.first, run, Kind::Forbidden);
        }
        self.add_unread(next..pages.end, pieces);
    }

    fn add_unread(&self, pages: Range<usize>, pieces: &mut Vec<Piece>) {
        let mut next = pages.start;
        for run in self.lacking.runs(pages.clone()) {
            push(pieces, self.first, next..run.start, Kind::Out);
            next = run.end;
            push(pieces, self.first, run, Kind::Lacking);
        }
        push(pieces, self.first, next..pages.end, Kind::Out);
    }
}

fn push(pieces: &mut Vec<Piece>, first: u64, pages: Range<usize>, kind: Kind) {
    if !pages.is_empty() {
        let pages = first + pages.start as u64..first + pages.end as u64;
        pieces.push(Piece {
            pages,
            kind,
            is_filled: false,
        });
    }
}

/// Fills the small holes between held pieces, and joins what touches.
fn closed(mut pieces: Vec<Piece>) -> Vec<Piece> {
    pieces = joined(pieces);
    for index in 1..pieces.len().saturating_sub(1) {
        let (before, rest) = pieces.split_at_mut(index);
        if let ([.., before], [piece, after, ..]) = (before, rest) {
            let held = |it: &Piece| it.kind == Kind::Held;
            let touches =
                before.pages.end == piece.pages.start && piece.pages.end == after.pages.start;
            let small = piece.pages.end - piece.pages.start < MIN_HOLE;
            if piece.kind == Kind::Out && held(before) && held(after) && touches && small {
                piece.kind = Kind::Held;
                piece.is_filled = true;
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
                last.is_filled |= piece.is_filled;
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
    fn what_the_source_lost_or_lacks_is_a_hole_however_small() {
        let mut scanned = scanned(&[0..100, 110..200, 201..300], &[]);
        scanned.lost.insert(100..110);
        scanned.lacking.insert(200..201);
        let found = loads(&[0..300 * 4096], &[scanned]);
        assert_eq!(found, [(0..100, 110), (110..200, 201), (201..300, 300)]);
    }

    #[test]
    fn of_too_many_holes_those_that_the_source_lacks_are_closed() {
        let regions: Vec<Scanned> = (0..5)
            .map(|_| {
                let mut scanned = Scanned::default();
                for page in (0..REGION).step_by(2) {
                    scanned.chosen.insert(page..page + 1);
                    scanned.lacking.insert(page + 1..page + 2);
                }
                scanned.lost.insert(1..2);
                scanned
            })
            .collect();
        let found = loads(&[0..(5 * REGION as u64) * 4096], &regions);
        // A hole for what is lost in each, and one for what is lacking at the end.
        assert_eq!(found.len(), 1 + 5);
        assert_eq!(found[0], (0..1, 2));
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
