//! The tags of a header.

use super::Multiboot2Error;
use crate::reader::{OutOfBounds, Reader, u32_at};

const END: u16 = 0;
pub(super) const REQUESTS: u16 = 1;
pub(super) const ADDRESS: u16 = 2;
pub(super) const ENTRY: u16 = 3;
pub(super) const CONSOLE: u16 = 4;
pub(super) const FRAMEBUFFER: u16 = 5;
pub(super) const PAGE_ALIGNED: u16 = 6;
pub(super) const EFI_I386_ENTRY: u16 = 8;
pub(super) const EFI_AMD64_ENTRY: u16 = 9;
pub(super) const RELOCATABLE: u16 = 10;

const OPTIONAL: u16 = 1;
const HEADER_LEN: usize = 8;
const ALIGNMENT: usize = 8;

/// Where a kernel that may go anywhere likes best to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preference {
    /// 0: anywhere.
    None,
    /// 1: as low as possible.
    Low,
    /// 2: as high as possible.
    High,
}

/// Where a kernel may go, in physical memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relocatable {
    /// The lowest address.
    pub min: u32,
    /// The highest address that it may take, itself included.
    pub max: u32,
    /// A power of two that its address must be a multiple of.
    pub align: u32,
    /// Where in there it likes best to go.
    pub preference: Preference,
}

/// Tag 2. All are physical addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct AddressTag {
    /// The address of the header.
    pub header: u32,
    /// The address of what is loaded; all ones: loading begins with the file's start.
    pub load: u32,
    /// The address of its end; 0: it ends with the file.
    pub load_end: u32,
    /// The address of the end of the zeros after that; 0: there are none.
    pub bss_end: u32,
}

/// A tag, without its header.
#[derive(Clone, Copy)]
pub(super) struct Tag<'a> {
    pub kind: u16,
    pub data: &'a [u8],
    flags: u16,
}

impl<'a> Tag<'a> {
    pub fn is_optional(&self) -> bool {
        self.flags & OPTIONAL != 0
    }

    pub fn empty(&self) -> Result<(), Multiboot2Error> {
        self.fields::<0>().map(|_| ())
    }

    pub fn entry(&self) -> Result<u32, Multiboot2Error> {
        self.fields().map(|[entry]| entry)
    }

    pub fn address(&self) -> Result<AddressTag, Multiboot2Error> {
        let [header, load, load_end, bss_end] = self.fields()?;
        Ok(AddressTag {
            header,
            load,
            load_end,
            bss_end,
        })
    }

    pub fn relocatable(&self) -> Result<Relocatable, Multiboot2Error> {
        let [min, max, align, preference] = self.fields()?;
        let wrong = Multiboot2Error::Tag(self.kind);
        let preference = match preference {
            0 => Preference::None,
            1 => Preference::Low,
            2 => Preference::High,
            _ => return Err(wrong),
        };
        if !(align.is_power_of_two() && min <= max) {
            Err(wrong)
        } else {
            Ok(Relocatable {
                min,
                max,
                align,
                preference,
            })
        }
    }

    pub fn requests(self) -> impl Iterator<Item = (u32, bool)> + use<'a> {
        let data = if self.kind == REQUESTS {
            self.data
        } else {
            &[]
        };
        let fields = data.chunks_exact(4).filter_map(|field| u32_at(field, 0));
        fields.map(move |kind| (kind, !self.is_optional()))
    }

    /// The data as exactly so many fields.
    fn fields<const N: usize>(&self) -> Result<[u32; N], Multiboot2Error> {
        let wrong = Multiboot2Error::Tag(self.kind);
        if Some(self.data.len()) != N.checked_mul(4) {
            return Err(wrong);
        }
        let mut fields = [0; N];
        for (field, bytes) in fields.iter_mut().zip(self.data.chunks_exact(4)) {
            *field = u32_at(bytes, 0).ok_or(wrong)?;
        }
        Ok(fields)
    }
}

/// The tags before the last one, in order. The last one must be there, and nothing after it. Ends
/// after the first error.
pub(super) struct Tags<'a> {
    rest: Reader<'a>,
    ended: bool,
}

impl<'a> Tags<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Tags {
            rest: Reader::new(bytes),
            ended: false,
        }
    }

    /// The next tag; `None` for the last one.
    fn read(&mut self) -> Result<Option<Tag<'a>>, Multiboot2Error> {
        let truncated = |_: OutOfBounds| Multiboot2Error::Truncated;
        let aligned = self.rest.position().next_multiple_of(ALIGNMENT);
        let padding = aligned.saturating_sub(self.rest.position());
        self.rest.skip(padding).map_err(truncated)?;
        let kind = self.rest.u16().map_err(truncated)?;
        let flags = self.rest.u16().map_err(truncated)?;
        let size = self.rest.u32().map_err(truncated)?;
        let len = usize::try_from(size)
            .ok()
            .and_then(|size| size.checked_sub(HEADER_LEN))
            .ok_or(Multiboot2Error::Tag(kind))?;
        let data = self.rest.take(len).map_err(truncated)?;
        if kind != END {
            return Ok(Some(Tag { kind, data, flags }));
        }
        if data.is_empty() && self.rest.is_empty() {
            Ok(None)
        } else {
            Err(Multiboot2Error::TrailingBytes)
        }
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Result<Tag<'a>, Multiboot2Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let tag = self.read();
        self.ended = !matches!(tag, Ok(Some(_)));
        tag.transpose()
    }
}
