//! `--remove`: a file without a signature, or without any.

use super::args::{SignArgs, Which};
use super::place::{Place, Written};
use super::{certificate_table, note_room};
use crate::failure::sign::SignError;
use crate::failure::{Attempt, Failure, IoError, Result};
use crate::input::{p7s, read};
use crate::output::text::counted;
use baton_formats::elf::Elf;
use baton_formats::module_signature;
use baton_formats::pe::Pe;
use std::path::Path;

/// Where a signature is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spot {
    Appended,
    Note,
    /// The entry of this index in the certificate table.
    Authenticode(usize),
    /// Beside the file.
    Beside,
}

/// Removes them from one file.
///
/// # Errors
/// When there is no such signature, or another one covers it.
pub fn remove(args: &SignArgs, place: &Place, which: Which, input: &Path) -> Result<()> {
    let file = read::given_or_stdin(input)?;
    let spots = spots(&file, input)?;
    let chosen = match which {
        Which::All => spots.clone(),
        Which::Number(number) => match spots.get(number - 1) {
            Some(spot) => vec![*spot],
            None => {
                let count = spots.len();
                let error = SignError::NoSuchSignature { number, count };
                return Err(Failure::from(error).about(input.display()));
            }
        },
    };
    let own = place.is_own(input);
    if !own && chosen == [Spot::Beside] {
        let path = p7s::beside(input);
        return Err(SignError::Beside { path }.into());
    }
    let inside: Vec<Spot> = chosen
        .iter()
        .copied()
        .filter(|it| *it != Spot::Beside)
        .collect();
    if !own || !inside.is_empty() {
        let result = without(file, &spots, &inside).map_err(|e| e.about(input.display()))?;
        let destination = place.destination(args, input, Written::Whole)?;
        destination.write(&result)?;
        destination.report(format_args!(
            "{destination}: {} removed",
            counted(inside.len(), "signature")
        ));
    }
    if own && chosen.contains(&Spot::Beside) {
        let path = p7s::beside(input);
        std::fs::remove_file(&path).map_err(|e| IoError::new(Attempt::Remove, &path, e))?;
        say!("{}: removed", path.display());
    } else if own && inside.is_empty() {
        say!("{}: no signature", input.display());
    }
    Ok(())
}

/// Every signature, in the order of `--list`.
fn spots(file: &[u8], input: &Path) -> Result<Vec<Spot>> {
    let mut spots = Vec::new();
    let mut image = file;
    if let Ok(Some(appended)) = module_signature::split(file) {
        spots.push(Spot::Appended);
        image = appended.data;
    }
    if Elf::parse(image).is_ok_and(|elf| elf.signature().is_some()) {
        spots.push(Spot::Note);
    }
    if let Ok(pe) = Pe::parse(image) {
        spots.extend((0..pe.certificates().count()).map(Spot::Authenticode));
    }
    if !read::is_stdin(input) && p7s::read_beside(input)?.is_some() {
        spots.push(Spot::Beside);
    }
    Ok(spots)
}

/// The file without those that are chosen.
fn without(mut file: Vec<u8>, spots: &[Spot], chosen: &[Spot]) -> Result<Vec<u8>> {
    let is_appended = spots.contains(&Spot::Appended);
    if chosen.is_empty() {
        return Ok(file);
    }
    if is_appended && !chosen.contains(&Spot::Appended) {
        return Err(SignError::UnderAppended.into());
    }
    if let Ok(Some(appended)) = module_signature::split(&file) {
        let length = appended.data.len();
        file.truncate(length);
    }
    if chosen.contains(&Spot::Note) {
        file = note_room::without_signature(&file)?;
    }
    let entries: Vec<usize> = chosen.iter().filter_map(|it| it.entry()).collect();
    if entries.is_empty() {
        Ok(file)
    } else {
        certificate_table::without(file, &entries)
    }
}

impl Spot {
    fn entry(self) -> Option<usize> {
        match self {
            Spot::Authenticode(index) => Some(index),
            _ => None,
        }
    }
}
