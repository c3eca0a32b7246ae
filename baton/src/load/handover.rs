//! Putting a handover together: a sealed memfd that nobody can change any more.

use crate::failure::{Failure, Result};
use crate::load::input::Initrd;
use baton_formats::handover::{FLAG_CRASH, Kind, Layout, MAGIC};
use baton_formats::pe::Pe;
use baton_sys::memfd::{Draft, Sealed};
use sha2::{Digest, Sha256};
use std::io;

/// Writes the kernel and the initrds into a handover. Each input is copied once; the digests are of the
/// copies, so that a file that changes meanwhile can't disagree with its record.
///
/// # Errors
/// When there are too many records, one is empty, or memory runs out.
pub fn build(kernel: &[u8], initrds: &[Initrd], crash: bool) -> Result<Sealed> {
    let flags = if crash { FLAG_CRASH } else { 0 };
    let mut records = vec![(Kind::Kernel, kernel.len() as u64, [0; 32])];
    records.extend(initrds.iter().map(|i| (Kind::Initrd, i.len, [0; 32])));
    let layout = plan(&records, flags)?;

    let mut draft = Draft::create("baton-handover").map_err(|e| memory(&e))?;
    draft.set_len(layout.total_len()).map_err(|e| memory(&e))?;
    let offset = |index| layout.offset(index).unwrap_or(0);
    draft.write_at(kernel, offset(0)).map_err(|e| memory(&e))?;
    for (i, initrd) in initrds.iter().enumerate() {
        draft
            .copy_at(&initrd.file, initrd.len, offset(i + 1))
            .map_err(|e| Failure::io(&initrd.path, &e))?;
    }
    let digests = {
        let map = draft.map().map_err(|e| memory(&e))?;
        let places: Vec<(u64, u64)> = records
            .iter()
            .enumerate()
            .map(|(i, (_, len, _))| (offset(i), *len))
            .collect();
        digests(&map, &places)
    };
    for (record, digest) in records.iter_mut().zip(digests) {
        record.2 = digest;
    }
    let header = plan(&records, flags)?.header_page();
    draft.write_at(&header, 0).map_err(|e| memory(&e))?;
    draft.seal().map_err(|e| memory(&e))
}

/// Whether a file is a handover that was made before.
#[must_use]
pub fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Takes a handover that was made before, as it is: the verdict on it comes later, and is the gate's.
///
/// # Errors
/// When memory runs out.
pub fn adopt(bytes: &[u8]) -> Result<Sealed> {
    let mut draft = Draft::create("baton-handover").map_err(|e| memory(&e))?;
    draft.write_at(bytes, 0).map_err(|e| memory(&e))?;
    draft.seal().map_err(|e| memory(&e))
}

fn plan(records: &[(Kind, u64, [u8; 32])], flags: u32) -> Result<Layout> {
    Layout::plan(records, flags).map_err(|e| {
        Failure::new(
            crate::exit::Exit::Malformed,
            "handover-layout",
            format!("the handover can't be made: {e}"),
        )
    })
}

fn memory(error: &io::Error) -> Failure {
    Failure::new(
        crate::exit::Exit::NoRoom,
        "memfd",
        format!("the handover can't be written to memory: {error}; free some memory"),
    )
}

/// The digest of each record, the kernel's first, each in a thread of its own: hashing is what a load
/// spends its time on.
fn digests(handover: &[u8], places: &[(u64, u64)]) -> Vec<[u8; 32]> {
    let bytes = |&(offset, len): &(u64, u64)| {
        baton_formats::reader::slice(handover, offset, len).unwrap_or_default()
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = places
            .iter()
            .enumerate()
            .map(|(i, place)| {
                let bytes = bytes(place);
                scope.spawn(move || {
                    if i == 0 {
                        kernel_digest(bytes)
                    } else {
                        Sha256::digest(bytes).into()
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|t| t.join().unwrap_or_default())
            .collect()
    })
}

/// The Authenticode digest by which a kernel's record is judged; of what is no PE image, the plain one,
/// since it will be refused anyway.
fn kernel_digest(image: &[u8]) -> [u8; 32] {
    let Ok(pe) = Pe::parse(image) else {
        return Sha256::digest(image).into();
    };
    let mut hash = Sha256::new();
    pe.digest_parts().for_each(|part| hash.update(part));
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::input::tests::initrd;
    use baton_formats::handover::Handover;

    #[test]
    fn what_is_written_is_what_is_read() {
        let big = vec![7; 10_000];
        let sealed = build(b"kernel", &[initrd(b"one"), initrd(&big)], true).unwrap();
        let map = sealed.map().unwrap();
        let handover = Handover::parse(&map).unwrap();
        assert!(handover.is_crash());
        assert_eq!(handover.kernel().bytes, b"kernel");
        let initrds: Vec<_> = handover.initrds().collect();
        assert_eq!(initrds[0].bytes, b"one");
        assert_eq!(initrds[1].bytes, big);
        let digest: [u8; 32] = Sha256::digest(&big).into();
        assert_eq!(initrds[1].digest, digest);
    }

    #[test]
    fn an_empty_initrd_and_too_many_are_refused() {
        let empty = build(b"kernel", &[initrd(b"")], false).unwrap_err();
        assert_eq!(empty.exit, crate::exit::Exit::Malformed);
        let many: Vec<Initrd> = (0..16).map(|_| initrd(b"x")).collect();
        assert!(build(b"kernel", &many, false).is_err());
    }
}
