//! Flattened device trees (Devicetree Specification v0.4, chapter 5): what the kernels of arm64, riscv64 and others
//! are told of their machine. Integers are big-endian.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | magic, 0xd00dfeed |
//! | 4 | 4 | length of everything |
//! | 8 | 4 | offset of the structure block |
//! | 12 | 4 | offset of the strings block |
//! | 16 | 4 | offset of the memory reservation block |
//! | 20 | 4 | version, 17 |
//! | 24 | 4 | the oldest version whose readers can read it, 16 |
//! | 28 | 4 | the boot processor's ID |
//! | 32 | 4 | length of the strings block |
//! | 36 | 4 | length of the structure block |
//!
//! [`DeviceTree::parse`] walks the whole structure once, so that nothing that is read of it afterwards can be
//! malformed. The crates that read device trees leave parts of this to whoever reads a node, and some of them panic
//! there.

mod error;

pub use error::DeviceTreeError;

use crate::reader::{array_at, slice};

/// The length of the header.
pub const HEADER_LEN: usize = 40;

/// How deep nodes may lie in each other. Linux takes 64 (FDT_MAX_DEPTH in drivers/of/fdt.c).
pub const MAX_DEPTH: usize = 64;

const MAGIC: u32 = 0xd00d_feed;
const VERSION: u32 = 17;

/// Tokens of the structure block (5.4.1).
mod token {
    pub const BEGIN_NODE: u32 = 1;
    pub const END_NODE: u32 = 2;
    pub const PROP: u32 = 3;
    pub const NOP: u32 = 4;
    pub const END: u32 = 9;
}

/// A device tree that was checked.
#[derive(Clone, Copy, Debug)]
pub struct DeviceTree<'a> {
    bytes: &'a [u8],
    reservations: &'a [u8],
    structure: Structure<'a>,
    /// Where the root's first token is in the structure.
    root: usize,
    boot_cpu: u32,
}

/// The blocks that nodes are read from.
#[derive(Clone, Copy, Debug)]
struct Structure<'a> {
    bytes: &'a [u8],
    strings: &'a [u8],
}

/// A node of a tree.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    structure: Structure<'a>,
    name: &'a [u8],
    /// Where its first token is.
    body: usize,
}

/// A property of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Its value.
    pub value: &'a [u8],
}

/// What stands at a place of the structure, and where the next token is.
enum Token<'a> {
    Begin(&'a [u8]),
    End,
    Property(Property<'a>),
    Nothing,
    Last,
}

/// The length of a tree that begins so, by its header, for whoever has to find its end.
#[must_use]
pub fn stated_len(header: &[u8]) -> Option<u32> {
    (word(header, 0)? == MAGIC).then(|| word(header, 4))?
}

impl<'a> DeviceTree<'a> {
    /// Reads the tree at the beginning of `bytes`; what follows it doesn't matter.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DeviceTreeError> {
        let cut_off = DeviceTreeError::CutOff;
        let header: [u8; HEADER_LEN] = array_at(bytes, 0).ok_or(cut_off("header"))?;
        let field = |at| word(&header, at).ok_or(cut_off("header"));
        if field(0)? != MAGIC {
            return Err(DeviceTreeError::Magic);
        }
        let bytes = slice(bytes, 0, u64::from(field(4)?)).ok_or(cut_off("end"))?;
        let (version, oldest) = (field(20)?, field(24)?);
        if version < VERSION || oldest > VERSION {
            return Err(DeviceTreeError::Version(version));
        }
        let structure = Structure {
            bytes: block(bytes, field(8)?, field(36)?, 4, "structure block")?,
            strings: block(bytes, field(12)?, field(32)?, 1, "strings block")?,
        };
        let (start, name) = (field(16)?, "reservation block");
        // Its length is stated nowhere: an entry of zeros ends it.
        let rest = field(4)?.checked_sub(start).ok_or(cut_off(name))?;
        Ok(Self {
            bytes,
            reservations: until_zeros(block(bytes, start, rest, 8, name)?)?,
            structure,
            root: structure.check()?,
            boot_cpu: field(28)?,
        })
    }

    /// All bytes of it.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Memory that nobody may use: addresses and lengths in bytes.
    pub fn reservations(&self) -> impl Iterator<Item = (u64, u64)> + use<'a> {
        let (entries, _) = self.reservations.as_chunks::<16>();
        entries.iter().map(|entry| {
            let half = |at| array_at(entry, at).map_or(0, u64::from_be_bytes);
            (half(0), half(8))
        })
    }

    /// The ID of the processor that boots.
    #[must_use]
    pub fn boot_cpu(&self) -> u32 {
        self.boot_cpu
    }

    /// The node that all others lie in.
    #[must_use]
    pub fn root(&self) -> Node<'a> {
        Node {
            structure: self.structure,
            name: &[],
            body: self.root,
        }
    }
}

/// The bytes of a block, which begins at a multiple of so many.
fn block<'a>(
    bytes: &'a [u8],
    offset: u32,
    length: u32,
    multiple: u32,
    name: &'static str,
) -> Result<&'a [u8], DeviceTreeError> {
    if !offset.is_multiple_of(multiple) {
        return Err(DeviceTreeError::Alignment(name));
    }
    slice(bytes, offset.into(), length.into()).ok_or(DeviceTreeError::CutOff(name))
}

/// The entries before the one of zeros, which must be there.
fn until_zeros(bytes: &[u8]) -> Result<&[u8], DeviceTreeError> {
    let (entries, _) = bytes.as_chunks::<16>();
    let count = entries.iter().position(|entry| *entry == [0; 16]);
    count
        .and_then(|count| bytes.get(..count.checked_mul(16)?))
        .ok_or(DeviceTreeError::CutOff("reservation block"))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_be_bytes)
}

/// The bytes up to a NUL at `at`, and where what follows them is.
fn string(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = bytes.get(at..)?;
    let length = rest.iter().position(|byte| *byte == 0)?;
    Some((rest.get(..length)?, at.checked_add(length)?.checked_add(1)?))
}

impl<'a> Structure<'a> {
    /// Checks that all of it is one node, and gives where that one's first token is.
    fn check(&self) -> Result<usize, DeviceTreeError> {
        let (mut at, mut depth, mut root) = (0, 0_usize, None);
        // Properties come before nodes (5.4.2): what libfdt finds of later ones, others don't.
        let mut takes_properties = false;
        loop {
            let (token, next) = self.token(at)?;
            let misplaced = Err(DeviceTreeError::Token(at));
            match token {
                Token::Nothing => {}
                // There is one root, whose name is empty (5.4.1).
                Token::Begin(name) if depth == 0 => {
                    if root.replace(next).is_some() || !name.is_empty() {
                        return misplaced;
                    }
                    (depth, takes_properties) = (1, true);
                }
                Token::Begin(name) => {
                    if name.is_empty() {
                        return Err(DeviceTreeError::Name(at));
                    }
                    if depth >= MAX_DEPTH {
                        return Err(DeviceTreeError::TooDeep);
                    }
                    (depth, takes_properties) = (depth.saturating_add(1), true);
                }
                Token::End if depth > 0 => {
                    (depth, takes_properties) = (depth.saturating_sub(1), false);
                }
                Token::Property(_) if depth > 0 && takes_properties => {}
                Token::Last if depth == 0 => return root.ok_or(DeviceTreeError::Token(at)),
                Token::End | Token::Property(_) | Token::Last => return misplaced,
            }
            at = next;
        }
    }

    /// What stands at `at`, and where the next token is.
    fn token(&self, at: usize) -> Result<(Token<'a>, usize), DeviceTreeError> {
        let bad = DeviceTreeError::Token(at);
        let kind = word(self.bytes, at).ok_or(bad)?;
        let next = at.checked_add(4).ok_or(bad)?;
        let (token, end) = match kind {
            token::BEGIN_NODE => {
                let name = string(self.bytes, next).ok_or(DeviceTreeError::Name(at))?;
                (Token::Begin(name.0), name.1)
            }
            token::END_NODE => (Token::End, next),
            token::PROP => {
                let (property, end) = self.property(next).ok_or(DeviceTreeError::Name(at))?;
                (Token::Property(property), end)
            }
            token::NOP => (Token::Nothing, next),
            token::END => (Token::Last, next),
            _ => return Err(bad),
        };
        Ok((token, end.checked_next_multiple_of(4).ok_or(bad)?))
    }

    /// A property's length, its name's offset among the strings, and its value (5.4.1).
    fn property(&self, at: usize) -> Option<(Property<'a>, usize)> {
        let length = usize::try_from(word(self.bytes, at)?).ok()?;
        let name_at = usize::try_from(word(self.bytes, at.checked_add(4)?)?).ok()?;
        let start = at.checked_add(8)?;
        let end = start.checked_add(length)?;
        let value = self.bytes.get(start..end)?;
        let (name, _) = string(self.strings, name_at)?;
        (!name.is_empty()).then_some((Property { name, value }, end))
    }
}

impl<'a> Node<'a> {
    /// Its name, with the address of its unit.
    #[must_use]
    pub fn name(&self) -> &'a [u8] {
        self.name
    }

    /// Its properties.
    pub fn properties(&self) -> impl Iterator<Item = Property<'a>> + use<'a> {
        let (structure, mut at) = (self.structure, self.body);
        core::iter::from_fn(move || {
            loop {
                let (token, next) = structure.token(at).ok()?;
                at = next;
                match token {
                    Token::Property(property) => return Some(property),
                    Token::Nothing => {}
                    Token::Begin(_) | Token::End | Token::Last => return None,
                }
            }
        })
        .fuse()
    }

    /// The nodes in it.
    pub fn children(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let (structure, mut at, mut depth) = (self.structure, self.body, 0_usize);
        core::iter::from_fn(move || {
            loop {
                let (token, next) = structure.token(at).ok()?;
                at = next;
                match token {
                    Token::Begin(name) => {
                        depth = depth.saturating_add(1);
                        if depth == 1 {
                            let body = next;
                            return Some(Node {
                                structure,
                                name,
                                body,
                            });
                        }
                    }
                    // The last is that of the node itself.
                    Token::End => depth = depth.checked_sub(1)?,
                    Token::Property(_) | Token::Nothing => {}
                    Token::Last => return None,
                }
            }
        })
        .fuse()
    }

    /// The value of the property of this name.
    ///
    /// # Errors
    /// `Twice`.
    pub fn property(&self, name: &'static str) -> Result<Option<&'a [u8]>, DeviceTreeError> {
        let named = self.properties().filter(|it| it.name == name.as_bytes());
        only(named, name).map(|found| found.map(|it| it.value))
    }

    /// The node of this name in it.
    ///
    /// # Errors
    /// `Twice`.
    pub fn child(&self, name: &'static str) -> Result<Option<Node<'a>>, DeviceTreeError> {
        only(
            self.children().filter(|it| it.name == name.as_bytes()),
            name,
        )
    }

    /// The number of the property of this name, which has 4 bytes.
    ///
    /// # Errors
    /// `Twice` or `Length`.
    pub fn u32(&self, name: &'static str) -> Result<Option<u32>, DeviceTreeError> {
        let parse = |value: &[u8]| value.try_into().map(u32::from_be_bytes);
        let found = self.property(name)?.map(parse).transpose();
        found.map_err(|_| DeviceTreeError::Length(name))
    }

    /// The number of the property of this name, which has 8 bytes.
    ///
    /// # Errors
    /// `Twice` or `Length`.
    pub fn u64(&self, name: &'static str) -> Result<Option<u64>, DeviceTreeError> {
        let parse = |value: &[u8]| value.try_into().map(u64::from_be_bytes);
        let found = self.property(name)?.map(parse).transpose();
        found.map_err(|_| DeviceTreeError::Length(name))
    }

    /// The addresses and lengths in the property of this name; `cells` is how many of 4 bytes each has
    /// ([`Cells::of`]).
    ///
    /// # Errors
    /// `Twice`, or `Length` where the value isn't made of whole pairs.
    pub fn ranges(
        &self,
        name: &'static str,
        cells: Cells,
    ) -> Result<impl Iterator<Item = (u64, u64)> + use<'a>, DeviceTreeError> {
        let value = self.property(name)?.unwrap_or_default();
        if !value.len().is_multiple_of(cells.pair()) {
            return Err(DeviceTreeError::Length(name));
        }
        let pairs = value.chunks_exact(cells.pair());
        Ok(pairs.filter_map(move |pair| {
            let (address, size) = pair.split_at_checked(cells.address_len())?;
            Some((number(address), number(size)))
        }))
    }
}

/// How many cells of 4 bytes the addresses and lengths of a node's children have, one or two each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cells {
    address: usize,
    size: usize,
}

impl Cells {
    /// As a node says it (2.3.5); two and one where it doesn't.
    ///
    /// # Errors
    /// `Length`, if there are more or none, or what [`Node::u32`] gives.
    pub fn of(node: &Node<'_>) -> Result<Self, DeviceTreeError> {
        let count = |name, default| match node.u32(name)? {
            None => Ok(default),
            Some(1) => Ok(1),
            Some(2) => Ok(2),
            Some(_) => Err(DeviceTreeError::Length(name)),
        };
        Ok(Self {
            address: count("#address-cells", 2)?,
            size: count("#size-cells", 1)?,
        })
    }

    fn address_len(self) -> usize {
        self.address.saturating_mul(4)
    }

    fn pair(self) -> usize {
        self.address.saturating_add(self.size).saturating_mul(4)
    }
}

/// A number of at most 8 bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |all, byte| (all << 8) | u64::from(*byte))
}

fn only<T>(
    mut found: impl Iterator<Item = T>,
    name: &'static str,
) -> Result<Option<T>, DeviceTreeError> {
    let first = found.next();
    match found.next() {
        None => Ok(first),
        Some(_) => Err(DeviceTreeError::Twice(name)),
    }
}

#[cfg(test)]
mod tests;
