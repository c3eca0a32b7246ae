//! One file of those that are listed: whether it is signed, and how it gets to be.

use super::glob;
use super::settings::{Entry, Others, Settings};
use crate::digest::image_digest;
use crate::failure::sign::SignError;
use crate::failure::{IoError, Result};
use crate::input::{p7s, read};
use crate::sign::args::{Encoding, KindOption, SignArgs};
use crate::sign::ima::attribute;
use crate::sign::place::Place;
use crate::sign::run::{default_kind, one};
use crate::sign::{needed, signer::Signer};
use std::fmt;
use std::path::{Path, PathBuf};

/// One file, and how it is signed.
#[derive(Debug)]
pub struct Job {
    input: PathBuf,
    entry: Entry,
    settings: Settings,
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.input.display().fmt(f)
    }
}

/// Whether a signed image is of this file. Of what is no PE image that isn't told, and it is signed anew.
fn is_made_of(made: &[u8], file: &[u8]) -> bool {
    image_digest(made).is_some_and(|digest| image_digest(file) == Some(digest))
}

impl Job {
    /// All that settings list, each file once.
    ///
    /// # Errors
    /// When a directory can't be read, or several files would be written to one.
    pub fn all(settings: &Settings) -> Result<Vec<Job>> {
        let mut jobs: Vec<Job> = Vec::new();
        for entry in settings.entries() {
            let pattern = &entry.path.0;
            let found = glob::files(pattern);
            let mut found = found.map_err(|e| IoError::reading(Path::new(pattern), e))?;
            // Signatures lie beside the files that a pattern is meant for.
            found.retain(|path| {
                !path
                    .as_os_str()
                    .as_encoded_bytes()
                    .ends_with(p7s::SUFFIX.as_bytes())
            });
            if let ([_, second, ..], Some(output)) = (&found[..], &entry.output) {
                return Err(SignError::SameOutput {
                    path: second.clone(),
                    output: output.clone(),
                }
                .into());
            }
            for input in found {
                // A pattern means what isn't listed by itself.
                let is_listed = jobs.iter().any(|job| {
                    let asks_more = entry.kind.is_some() || entry.output.is_some();
                    let same = (job.entry.kind, &job.entry.output) == (entry.kind, &entry.output);
                    job.input == input && (same || !asks_more)
                });
                if !is_listed {
                    jobs.push(Job {
                        input,
                        entry: entry.clone(),
                        settings: settings.clone(),
                    });
                }
            }
        }
        // What is no part of the file is a signature of all of it, with those that are.
        jobs.sort_by_key(|job| job.entry.kind.is_some_and(|kind| !kind.is_part()));
        Ok(jobs)
    }

    /// Whether there is nothing left to do.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn is_done(&self, signer: &Signer) -> Result<bool> {
        let file = read::given(&self.input)?;
        let kind = self.kind(&file);
        match (&self.entry.output, kind) {
            (None, KindOption::Detached) => {
                // One that is broken is replaced.
                let beside = p7s::read_beside(&self.input).ok().flatten();
                needed::is_signed(&file, beside.as_deref(), kind, signer)
            }
            (None, KindOption::Ima) => {
                let value = attribute::get(&self.input)?;
                needed::is_signed(&file, value.as_deref(), kind, signer)
            }
            (None, _) => needed::is_signed(&file, None, kind, signer),
            (Some(output), KindOption::Detached | KindOption::Ima) => {
                needed::is_signed(&file, read::found(output)?.as_deref(), kind, signer)
            }
            (Some(output), _) => match read::found(output)? {
                Some(made) if is_made_of(&made, &file) => {
                    needed::is_signed(&made, None, kind, signer)
                }
                _ => Ok(false),
            },
        }
    }

    /// The file that it signs.
    #[must_use]
    pub fn input(&self) -> &Path {
        &self.input
    }

    /// Whether it makes this file another one.
    #[must_use]
    pub fn writes(&self, path: &Path) -> bool {
        match (&self.entry.output, self.entry.kind) {
            (Some(output), _) => output == path,
            (None, Some(KindOption::Detached | KindOption::Ima)) => false,
            (None, _) => self.input == path,
        }
    }

    fn kind(&self, file: &[u8]) -> KindOption {
        self.entry.kind.unwrap_or_else(|| default_kind(file))
    }

    /// Signs it.
    ///
    /// # Errors
    /// As `baton sign`.
    pub fn sign(&self, signer: &Signer) -> Result<()> {
        let kind = self.kind(&read::given(&self.input)?);
        let append = kind == KindOption::Authenticode && self.settings.existing == Others::Append;
        let args = SignArgs {
            who: self.settings.who(),
            kind: Some(kind),
            hash: self.settings.hash,
            format: Encoding::Der,
            append,
            replace: !append,
            if_needed: true,
            digest_out: None,
            attach: None,
            signed_data: None,
            list: false,
            remove: None,
            force: true,
            inputs: vec![self.input.clone()],
            in_place: self.entry.output.is_none(),
            output: self.entry.output.clone(),
        };
        one(&args, &Place::of(&args)?, signer, &self.input)
    }
}
