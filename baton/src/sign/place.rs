//! Where results go: over the file that was signed, beside it, into a file that is named or into a directory.

use super::args::SignArgs;
use crate::failure::sign::SignError;
use crate::failure::{Cause, Failure, Result, output::OutputError};
use crate::input::{p7s, read};
use crate::output::file::{self, Access, Destination, Existing};
use std::collections::HashSet;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// Where the results of all files go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Over each file, or beside it.
    Own,
    /// Into this one.
    File(PathBuf),
    /// Into this directory, under each file's name.
    Directory(PathBuf),
}

/// What is written of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The whole file.
    Whole,
    /// A signature that is none of its parts, into a file beside it whose name ends so.
    Beside(&'static str),
}

impl Place {
    /// Where the command line says, before anything is read.
    ///
    /// # Errors
    /// When several files would be written to one, or what comes from a pipe to where it comes from.
    pub fn of(args: &SignArgs) -> Result<Place> {
        let place = match (&args.output, &args.inputs[..]) {
            (Some(output), _) if output.is_dir() => Place::Directory(output.clone()),
            (Some(output), [_]) => Place::File(output.clone()),
            (Some(output), _) => {
                return Err(SignError::NoDirectoryForSeveral {
                    path: output.clone(),
                }
                .into());
            }
            (None, [first, second, ..]) if !args.in_place => {
                return Err(SignError::Several {
                    first: first.clone(),
                    second: second.clone(),
                    is_output: !second.exists(),
                }
                .into());
            }
            (None, [one]) if read::is_stdin(one) && !args.in_place => Place::File(one.clone()),
            (None, _) => Place::Own,
        };
        place.check(&args.inputs)?;
        Ok(place)
    }

    fn check(&self, inputs: &[PathBuf]) -> Result<()> {
        match self {
            Place::File(_) => {}
            Place::Own => {
                if let Some(path) = inputs.iter().find(|path| is_pipe(path)) {
                    let path = path.clone();
                    return Err(SignError::Pipe { path }.into());
                }
            }
            Place::Directory(directory) => {
                let mut names = HashSet::new();
                for path in inputs {
                    let name = path.file_name().filter(|_| !read::is_stdin(path));
                    let name = name.ok_or_else(|| SignError::Nameless { path: path.clone() })?;
                    if !names.insert(name) {
                        return Err(SignError::SameName {
                            path: path.clone(),
                            directory: directory.clone(),
                        }
                        .into());
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether the result takes the file's own place.
    #[must_use]
    pub fn is_own(&self, input: &Path) -> bool {
        match self {
            Place::Own => true,
            Place::File(path) => path == input && !read::is_stdin(input),
            Place::Directory(_) => false,
        }
    }

    /// Where the result of one file goes. A detached signature that is there counts as the file's: it is replaced with
    /// `--replace`.
    ///
    /// # Errors
    /// When something is there that isn't to be replaced, or that is read.
    pub fn destination(
        &self,
        args: &SignArgs,
        input: &Path,
        written: Written,
    ) -> Result<Destination> {
        let detached = written != Written::Whole;
        let named = |path: &Path| match written {
            Written::Whole => path.to_owned(),
            Written::Beside(suffix) => p7s::with_suffix(path, suffix),
        };
        let output = match self {
            Place::Own => named(input),
            Place::File(path) => path.clone(),
            Place::Directory(directory) => {
                named(&directory.join(input.file_name().unwrap_or_default()))
            }
        };
        let own = self.is_own(input) && !detached;
        let existing = Existing::with(own || args.force || (detached && args.replace));
        let who = &args.who;
        let read = who.key.iter().chain(&who.cert).chain(&who.chain);
        let read = read.chain(&who.passphrase_file);
        let others = args
            .inputs
            .iter()
            .filter(|it| !own || it.as_path() != input);
        file::is_no_input(&output, read.chain(others))?;
        let access = if read::is_stdin(input) {
            Access::Public
        } else {
            Access::Like(input)
        };
        Destination::new(&output, access, existing).map_err(|failure| advised(failure, detached))
    }
}

fn advised(failure: Failure, detached: bool) -> Failure {
    match *failure.cause {
        Cause::Output(OutputError::Exists { .. }) if detached => {
            failure.remarked("--replace puts the new signature in its place")
        }
        _ => failure,
    }
}

/// What comes from a pipe can't be replaced, and nothing lies beside it.
fn is_pipe(path: &Path) -> bool {
    let fifo = std::fs::metadata(path).is_ok_and(|it| it.file_type().is_fifo());
    fifo || read::is_stdin(path)
}
