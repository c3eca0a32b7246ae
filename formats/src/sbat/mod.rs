//! SBAT: revocation by generation. An image says of which components it is made, and of which
//! generation each is; a level says the lowest generation of a component that may still run.
//!
//! Both are lines of fields with commas between them:
//!
//! | | fields of a row | first row |
//! |---|---|---|
//! | an image's section `.sbat` | component, generation, vendor, package, version, URL | `sbat,1,…` |
//! | a level, as in `SbatLevelRT` | component, generation | `sbat,1`, or `sbat,1,DATE` |
//!
//! An image is revoked if one of its components is in the level with a higher generation. What the
//! level doesn't list passes, and so does what only the level lists. A component that an image
//! states twice counts with its lowest generation, one that a level states twice with its highest.
//!
//! Read strictly, since a number that is read as something else revokes nothing, or everything:
//!
//! - It is UTF-8 of at most [`MAX_LEN`] bytes, without control characters; a byte order mark may come
//!   first, and zeros may follow, as padding, with nothing after them but such and line ends (shim stops
//!   at the first zero, so that what follows would hide from it). Rows end with LF, CR or both, the last
//!   one may end without. Empty rows mean nothing, as to shim.
//! - The first row is about `sbat`, of generation 1: the version of the format.
//! - A component's name is printable ASCII without a space. A generation is decimal, from 1 to
//!   2^32 − 1, without leading zeros. (shim's `atoi` takes what isn't a number for 0, and it keeps
//!   16 bits of the rest: `verify_single_entry` in its sbat.c.) A date is decimal, too, and longer.
//! - No field is empty, and none is missing. Further ones aren't looked at, as in shim: there are
//!   no quotes in this format, so that a vendor's name with a comma makes two fields.
//!
//! Sources: SBAT.md, sbat.c, csv.c and include/sbat.h in shim.

mod error;

#[cfg(test)]
mod tests;

pub use error::{RowProblem, SbatError};

/// The most bytes that are read, without the zeros that follow. What is in use has some hundred.
pub const MAX_LEN: usize = 16 << 10;

/// What UTF-8 text may begin with, and means nothing (`is_utf8_bom` in shim's include/str.h).
const BYTE_ORDER_MARK: char = '\u{feff}';
/// What rows end with (`parse_csv_data` in shim's csv.c).
const ROW_ENDS: [char; 2] = ['\r', '\n'];

/// The component of the first row: SBAT itself.
const FORMAT: &str = "sbat";
/// The version of the format, its generation.
const FORMAT_GENERATION: u32 = 1;
/// How many fields a row has in an image, and in a level (`SBAT_SECTION_COLUMNS` and
/// `SBAT_VAR_REQUIRED_COLUMNS` in shim's include/sbat.h).
const IMAGE_FIELDS: usize = 6;
const LEVEL_FIELDS: usize = 2;

/// A component, and its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Component<'a> {
    /// What it is called: printable ASCII, such as `grub.debian`.
    pub name: &'a str,
    /// The generation, at least 1.
    pub generation: u32,
    /// The fields after these, with the commas between them.
    pub rest: Option<&'a str>,
}

/// What an image says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sbat<'a> {
    text: &'a str,
}

/// What is asked of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SbatLevel<'a> {
    text: &'a str,
}

/// What an image is revoked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revoked<'a> {
    /// The component.
    pub name: &'a str,
    /// The generation that the image states.
    pub generation: u32,
    /// The lowest generation that the level lets pass.
    pub minimum: u32,
}

impl<'a> Sbat<'a> {
    /// Checks the contents of a section `.sbat`.
    ///
    /// # Errors
    /// If they aren't as the module says.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, SbatError> {
        let text = check(bytes, IMAGE_FIELDS)?;
        Ok(Sbat { text })
    }

    /// What it is made of, `sbat` included, in order.
    pub fn components(&self) -> Components<'a> {
        components(self.text, IMAGE_FIELDS)
    }

    /// The generation of a component, the lowest if it is stated twice; `None` if it isn't stated.
    pub fn generation(&self, name: &str) -> Option<u32> {
        let named = self.components().filter(|it| it.name == name);
        named.map(|component| component.generation).min()
    }

    /// The first component of a generation that `level` doesn't let pass.
    pub fn revoked_by(&self, level: &SbatLevel<'_>) -> Option<Revoked<'a>> {
        for component in self.components() {
            // Nothing is below what isn't listed.
            let minimum = level.minimum(component.name).unwrap_or(0);
            if component.generation < minimum {
                return Some(Revoked {
                    name: component.name,
                    generation: component.generation,
                    minimum,
                });
            }
        }
        None
    }
}

impl<'a> SbatLevel<'a> {
    /// Checks a level.
    ///
    /// # Errors
    /// If it isn't as the module says.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, SbatError> {
        let text = check(bytes, LEVEL_FIELDS)?;
        let level = SbatLevel { text };
        if level.date().is_none_or(is_number) {
            Ok(level)
        } else {
            Err(SbatError::Date)
        }
    }

    /// What it lists, `sbat` included, in order.
    pub fn components(&self) -> Components<'a> {
        components(self.text, LEVEL_FIELDS)
    }

    /// When it was made, such as `2025051000`, if it says so.
    pub fn date(&self) -> Option<&'a str> {
        let rest = self.components().next()?.rest?;
        rest.split(',').next()
    }

    /// The lowest generation of a component that passes; `None` if any does.
    pub fn minimum(&self, name: &str) -> Option<u32> {
        let mut highest = None;
        for component in self.components() {
            if component.name == name {
                highest = highest.max(Some(component.generation));
            }
        }
        highest
    }
}

/// The text, if all of its rows have at least so many fields, and all else is right.
fn check(bytes: &[u8], fields: usize) -> Result<&str, SbatError> {
    let bytes = without_padding(bytes);
    if bytes.len() > MAX_LEN {
        return Err(SbatError::TooLong(bytes.len()));
    }
    let text = core::str::from_utf8(bytes).map_err(|_| SbatError::NotText)?;
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    for (number, row) in rows(text) {
        read(row, fields).map_err(|problem| SbatError::Row { number, problem })?;
    }
    let first = components(text, fields).next();
    let is_known = |it: Component<'_>| (it.name, it.generation) == (FORMAT, FORMAT_GENERATION);
    if first.is_some_and(is_known) {
        Ok(text)
    } else {
        Err(SbatError::FirstRow)
    }
}

/// All before the zeros, if these are padding: otherwise they are in a row, which is refused.
fn without_padding(bytes: &[u8]) -> &[u8] {
    let zero = bytes.iter().position(|byte| *byte == 0);
    let parts = bytes.split_at_checked(zero.unwrap_or(bytes.len()));
    match parts {
        Some((text, rest)) if rest.iter().all(|byte| matches!(byte, 0 | b'\r' | b'\n')) => text,
        _ => bytes,
    }
}

/// The rows that mean something, with their numbers, from 1.
fn rows(text: &str) -> Rows<'_> {
    Rows {
        rest: text,
        number: 0,
    }
}

#[derive(Clone)]
struct Rows<'a> {
    rest: &'a str,
    number: usize,
}

impl<'a> Iterator for Rows<'a> {
    type Item = (usize, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let (row, rest) = split_row(self.rest);
            self.rest = rest;
            self.number = self.number.saturating_add(1);
            if !row.is_empty() {
                return Some((self.number, row));
            }
        }
        None
    }
}

/// The first row, without its end, and what follows that.
fn split_row(text: &str) -> (&str, &str) {
    let Some((row, rest)) = text.split_once(ROW_ENDS) else {
        return (text, "");
    };
    let is_cr = text.as_bytes().get(row.len()) == Some(&b'\r');
    match rest.strip_prefix('\n') {
        Some(rest) if is_cr => (row, rest),
        _ => (row, rest),
    }
}

/// The components in text that has been checked.
fn components(text: &str, fields: usize) -> Components<'_> {
    Components {
        rows: rows(text),
        fields,
    }
}

/// Iterates over the [`Component`]s of an image or a level.
#[derive(Clone)]
pub struct Components<'a> {
    rows: Rows<'a>,
    fields: usize,
}

impl<'a> Iterator for Components<'a> {
    type Item = Component<'a>;

    fn next(&mut self) -> Option<Component<'a>> {
        let (_, row) = self.rows.next()?;
        read(row, self.fields).ok()
    }
}

fn read(row: &str, fields: usize) -> Result<Component<'_>, RowProblem> {
    if row.contains(char::is_control) {
        return Err(RowProblem::ControlCharacter);
    }
    let mut filled = 0_usize;
    for field in row.split(',').take(fields) {
        if !field.is_empty() {
            filled = filled.saturating_add(1);
        }
    }
    if filled < fields {
        return Err(RowProblem::Fields(fields));
    }
    let mut parts = row.splitn(3, ',');
    let (name, generation) = (parts.next(), parts.next());
    Ok(Component {
        name: name.filter(|it| is_name(it)).ok_or(RowProblem::Name)?,
        generation: generation.and_then(number).ok_or(RowProblem::Generation)?,
        rest: parts.next(),
    })
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A number without sign and without leading zeros, so not 0 either.
fn number(text: &str) -> Option<u32> {
    if is_number(text) {
        text.parse().ok()
    } else {
        None
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}
