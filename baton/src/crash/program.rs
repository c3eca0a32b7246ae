//! The capture program: the only one in the initramfs, so that it must need no other file.

use crate::arch;
use crate::failure::problem::Problem;
use crate::failure::{IoError, Result};
use baton_formats::elf::{Class, Elf, ElfError};
use baton_sys::file;
use std::io::ErrorKind;
use std::path::Path;

/// Reads it, and sees that it could start.
///
/// # Errors
/// When it isn't there, or isn't a static program for this machine.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let bytes = match file::read_given(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let path = path.to_owned();
            return Err(Problem::NoProgram { path }.into());
        }
        Err(e) => return Err(IoError::reading(path, e).into()),
    };
    match check(&bytes) {
        Ok(()) => Ok(bytes),
        Err(why) => Err(Problem::NotStatic {
            path: path.to_owned(),
            why,
        }
        .into()),
    }
}

/// A kernel and a program without a linker have the same layout.
fn check(bytes: &[u8]) -> std::result::Result<(), String> {
    let needs_linker = "it isn't linked statically, and there is no linker in the initramfs";
    let elf = Elf::parse(bytes).map_err(|e| match e {
        ElfError::Interpreter => needs_linker.to_owned(),
        e => e.to_string(),
    })?;
    if elf.class() != Class::Elf64 {
        return Err(format!("it isn't for {}", arch::NAME));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::fake::static_program;

    #[test]
    fn a_static_program_is_taken() {
        check(&static_program()).unwrap();
    }

    #[test]
    fn one_that_needs_a_linker_is_not() {
        let own = std::env::current_exe().unwrap();
        let failure = read(&own).unwrap_err();
        assert!(
            failure.to_string().contains("isn't linked statically"),
            "{failure}"
        );
    }

    #[test]
    fn nor_one_that_is_cut_off_or_of_another_machine() {
        let program = static_program();
        for len in 0..program.len() {
            assert!(check(program.get(..len).unwrap()).is_err(), "at {len}");
        }
        let mut arm = program;
        // e_machine
        *arm.get_mut(18).unwrap() = 183;
        assert!(check(&arm).is_err());
        assert!(check(b"#!/bin/sh\n").is_err());
    }

    #[test]
    fn a_missing_one_is_reported_with_the_way_to_get_it() {
        let failure = read(Path::new("/no/such/capture")).unwrap_err();
        assert!(
            failure.to_string().contains("cargo xtask capture"),
            "{failure}"
        );
    }
}
