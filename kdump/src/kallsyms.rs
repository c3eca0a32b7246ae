//! Where a kernel has its symbols, by the table that it keeps of them (kernel/kallsyms.c, scripts/kallsyms.c).
//!
//! VMCOREINFO says where the table's parts are since 6.0. It is read once, from its beginning to its end: it has several
//! MiB, and only what was asked for is kept.

use crate::address_space::{AddressError, KernelMemory};
use crate::bytes::u16_at;
use crate::pieces::Pieces;
use crate::vmcoreinfo::{VmcoreInfo, VmcoreInfoError};
use std::io;
use std::ops::Range;

/// More than any kernel has.
const MAX_SYMBOLS: u32 = 1 << 24;
const MAX_NAMES: u64 = 1 << 28;
/// 256 tokens, each with a zero after it; none is longer than a name (KSYM_NAME_LEN).
const MAX_TOKENS: usize = 1 << 16;
const TOKENS: usize = 256;
/// KSYM_NAME_LEN, and the letter of its type.
const MAX_NAME: usize = 513;
/// What VMCOREINFO says the address of, too.
const KNOWN: &str = "_stext";

/// Why symbols can't be found.
#[derive(Debug, thiserror::Error)]
pub enum KallsymsError {
    /// VMCOREINFO doesn't say where the table is.
    #[error(transparent)]
    VmcoreInfo(#[from] VmcoreInfoError),
    /// It can't be read.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The names can't be read.
    #[error("the crashed kernel's table of symbols can't be read: {0}")]
    Unreadable(#[from] io::Error),
    /// Something in it can't be.
    #[error("the crashed kernel's table of symbols has an implausible {0}")]
    Odd(&'static str),
}

type Result<T> = std::result::Result<T, KallsymsError>;

/// The addresses of these symbols, in this order; `None` where there is no such symbol.
///
/// # Errors
/// When the table can't be found or read, or contradicts what VMCOREINFO says of `_stext`.
pub fn find<const N: usize>(
    kernel: &KernelMemory<'_>,
    info: &VmcoreInfo,
    names: [&str; N],
) -> Result<[Option<u64>; N]> {
    let numbers = numbers(kernel, info, &names)?;
    let offsets = info.symbol("kallsyms_offsets")?;
    let entry = |number: u32| -> Result<(u64, i32)> {
        let at = offsets.wrapping_add(4 * u64::from(number));
        Ok((at, kernel.u32(at)?.cast_signed()))
    };
    let base = match info.symbol("kallsyms_relative_base") {
        Err(VmcoreInfoError::Missing(_)) => None,
        at => Some(kernel.u64(at?)?),
    };
    let known = info.symbol(KNOWN)?;
    let (at, offset) = entry(numbers.known)?;
    let way = Way::ALL
        .into_iter()
        .find(|way| way.address(base, at, offset) == Some(known))
        .ok_or(KallsymsError::Odd("address of _stext"))?;
    let mut found = [None; N];
    for (found, number) in found.iter_mut().zip(numbers.wanted) {
        if let Some(number) = number {
            let (at, offset) = entry(number)?;
            *found = way.address(base, at, offset);
        }
    }
    Ok(found)
}

/// How an address follows from an entry.
#[derive(Clone, Copy)]
enum Way {
    /// Offsets from before the base, and absolute addresses of what each CPU has (up to 6.14, KALLSYMS_ABSOLUTE_PERCPU).
    BeforeBase,
    /// Offsets from the base.
    Base,
    /// Offsets from the entry (since 7.0, where there is no base).
    Entry,
}

impl Way {
    const ALL: [Way; 3] = [Way::BeforeBase, Way::Base, Way::Entry];

    fn address(self, base: Option<u64>, at: u64, offset: i32) -> Option<u64> {
        let far = i64::from(offset).cast_unsigned();
        Some(match (self, base) {
            (Way::BeforeBase, Some(_)) if offset >= 0 => far,
            (Way::BeforeBase, Some(base)) => base.wrapping_sub(1).wrapping_sub(far),
            (Way::Base, Some(base)) => base.wrapping_add(u64::from(offset.cast_unsigned())),
            (Way::Entry, None) => at.wrapping_add(far),
            _ => return None,
        })
    }
}

/// Which symbols these are: their places in the table.
struct Numbers<const N: usize> {
    known: u32,
    wanted: [Option<u32>; N],
}

fn numbers<const N: usize>(
    kernel: &KernelMemory<'_>,
    info: &VmcoreInfo,
    names: &[&str; N],
) -> Result<Numbers<N>> {
    let count = kernel.u32(info.symbol("kallsyms_num_syms")?)?;
    if count > MAX_SYMBOLS {
        return Err(KallsymsError::Odd("number of symbols"));
    }
    let tokens = Tokens::read(kernel, info)?;
    let start = info.symbol("kallsyms_names")?;
    // They end before what comes after them.
    let tables = ["kallsyms_token_table", "kallsyms_offsets"].map(|it| info.symbol(it));
    let ends = tables.into_iter().flatten().filter(|end| *end > start);
    let end = ends
        .min()
        .unwrap_or(u64::MAX)
        .min(start.saturating_add(MAX_NAMES));
    let range = kernel.range(start..end);
    let mut pieces = Pieces::new(&range, 0, end - start)?;
    let mut found = [None; N];
    let mut known = None;
    let mut name = Vec::new();
    let mut lengths = vec![KNOWN.len()];
    lengths.extend(names.iter().map(|it| it.len()));
    for number in 0..count {
        let encoded = encoded(&mut pieces)?;
        // The first letter is its type. Few are as long as one of these, and the others needn't be put together.
        let length = tokens.length(encoded).wrapping_sub(1);
        if !lengths.contains(&length) {
            continue;
        }
        tokens.expand(encoded, &mut name);
        let Some((_, name)) = name.split_first() else {
            continue;
        };
        if name == KNOWN.as_bytes() {
            known.get_or_insert(number);
        }
        for (found, wanted) in found.iter_mut().zip(names) {
            if found.is_none() && name == wanted.as_bytes() {
                *found = Some(number);
            }
        }
    }
    Ok(Numbers {
        known: known.ok_or(KallsymsError::Odd("list of names"))?,
        wanted: found,
    })
}

/// What the bytes of names stand for.
struct Tokens {
    table: Vec<u8>,
    places: [Range<usize>; TOKENS],
}

impl Tokens {
    fn read(kernel: &KernelMemory<'_>, info: &VmcoreInfo) -> Result<Tokens> {
        let mut index = [0; 2 * TOKENS];
        kernel.read(info.symbol("kallsyms_token_index")?, &mut index)?;
        let starts =
            std::array::from_fn(|token| usize::from(u16_at(&index, 2 * token).unwrap_or_default()));
        // The last one ends as all do.
        let length = starts.iter().max().map_or(0, |last| last + MAX_NAME);
        let mut table = vec![0; length.min(MAX_TOKENS)];
        kernel.read(info.symbol("kallsyms_token_table")?, &mut table)?;
        let places = starts.map(|start| {
            let rest = table.get(start..).unwrap_or_default();
            let length = rest.iter().position(|byte| *byte == 0);
            start..start + length.unwrap_or(rest.len())
        });
        Ok(Tokens { table, places })
    }

    fn place(&self, token: u8) -> Range<usize> {
        self.places
            .get(usize::from(token))
            .cloned()
            .unwrap_or_default()
    }

    /// How long a name is.
    fn length(&self, encoded: &[u8]) -> usize {
        encoded.iter().map(|token| self.place(*token).len()).sum()
    }

    /// Puts a name together.
    fn expand(&self, encoded: &[u8], name: &mut Vec<u8>) {
        name.clear();
        for token in encoded {
            name.extend(self.table.get(self.place(*token)).unwrap_or_default());
        }
    }
}

/// Reads the next name.
fn encoded<'a>(pieces: &'a mut Pieces<'_>) -> Result<&'a [u8]> {
    let byte = |pieces: &mut Pieces<'_>| -> Result<usize> {
        Ok(pieces.take(1)?.first().copied().map_or(0, usize::from))
    };
    let mut length = byte(pieces)?;
    if length & 0x80 != 0 {
        // Since 6.1: seven bits, and then the rest.
        length = length & 0x7f | byte(pieces)? << 7;
    }
    Ok(pieces.take(length)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Memory, Unreadable};
    use crate::samples::cpus::{COUNT_OF_SYMBOLS, INDEX, NAMES, OFFSETS, SYMBOLS, TOKENS};
    use crate::samples::pages::{IMAGE, PageSample, Release};

    fn look(sample: &PageSample) -> Result<[Option<u64>; 2]> {
        let info = sample.info();
        let kernel = KernelMemory::new(sample, sample.machine(), &info).unwrap();
        find(&kernel, &info, ["nr_cpu_ids", "nothing"])
    }

    /// A machine of which some memory can't be read.
    struct Without<'a>(&'a PageSample, Range<u64>);

    impl Memory for Without<'_> {
        fn read(&self, address: u64, buffer: &mut [u8]) -> std::result::Result<(), Unreadable> {
            let end = address + buffer.len() as u64;
            if address < self.1.end && self.1.start < end {
                return Err(Unreadable::Absent(self.1.start.max(address)));
            }
            self.0.read(address, buffer)
        }

        fn ranges(&self) -> &[Range<u64>] {
            self.0.ranges()
        }
    }

    #[test]
    fn a_part_that_is_cut_off_at_any_length_is_an_error_until_nothing_that_counts_is_missing() {
        for release in [Release::V6_6, Release::V6_12, Release::V7_1] {
            let sample = PageSample::new(release, 1);
            let whole = look(&sample).unwrap();
            let info = sample.info();
            let parts = [NAMES, TOKENS, INDEX, OFFSETS, SYMBOLS.end];
            for part in parts.windows(2) {
                let mut errors = 0;
                for cut in part[0]..=part[1] {
                    let memory = Without(&sample, cut..part[1]);
                    let kernel = KernelMemory::new(&memory, sample.machine(), &info).unwrap();
                    match find(&kernel, &info, ["nr_cpu_ids", "nothing"]) {
                        Ok(found) => assert_eq!(found, whole, "{release:?}, {cut:#x}"),
                        // Once there is enough of it, there is not too little of more.
                        Err(_) => {
                            assert_eq!(errors, cut - part[0], "{release:?}, {cut:#x}");
                            errors += 1;
                        }
                    }
                }
                assert!(errors > 0 && errors <= part[1] - part[0], "{release:?}");
            }
        }
    }

    #[test]
    fn vmcoreinfo_that_is_cut_off_at_any_length_is_an_error_or_enough() {
        let sample = PageSample::new(Release::V6_12, 1);
        let whole = look(&sample).unwrap();
        for length in 0..sample.text.len() {
            let info = VmcoreInfo::parse(&sample.text.as_bytes()[..length]);
            let Ok(kernel) = KernelMemory::new(&sample, sample.machine(), &info) else {
                continue;
            };
            // An address that is cut off is another address.
            if let Ok(found) = find(&kernel, &info, ["nr_cpu_ids", "nothing"]) {
                assert_eq!(found, whole, "{length}");
            }
        }
    }

    #[test]
    fn symbols_are_found_in_each_form_of_the_table() {
        for release in Release::ALL {
            let [found, nothing] = look(&PageSample::new(release, 1)).unwrap();
            assert!(found.is_some_and(|it| it > IMAGE), "{release:?}");
            assert_eq!(nothing, None, "{release:?}");
        }
    }

    #[test]
    fn addresses_that_contradict_vmcoreinfo_are_refused() {
        let mut sample = PageSample::new(Release::V6_12, 1);
        sample.text = sample.text.replace("SYMBOL(_stext)=f", "SYMBOL(_stext)=e");
        let error = look(&sample).unwrap_err().to_string();
        assert!(error.ends_with("implausible address of _stext"), "{error}");
    }

    #[test]
    fn a_table_that_is_cut_off_or_nonsense_is_an_error_or_an_answer() {
        for (at, bytes) in [
            (COUNT_OF_SYMBOLS, [0xff; 4]),
            (COUNT_OF_SYMBOLS, [0xff, 0xff, 0xff, 0]),
            (COUNT_OF_SYMBOLS, [0; 4]),
            (NAMES, [0xff; 4]),
            (NAMES, [0; 4]),
            (INDEX + 2 * u64::from(b'_'), [0xff; 4]),
            (TOKENS, [b'x'; 4]),
            (OFFSETS, [0x7f; 4]),
        ] {
            let mut sample = PageSample::new(Release::V6_12, 1);
            sample.bytes(at, &bytes);
            let found = look(&sample);
            assert!(found.is_err() || at == TOKENS, "{at:#x}: {found:?}");
        }
        // Every symbol's first byte, which is its length, in turn.
        for at in 0..80 {
            let mut sample = PageSample::new(Release::V6_12, 1);
            sample.bytes(NAMES + at, &[0xfe]);
            let _ = look(&sample);
        }
    }
}
