//! The key with which this machine's owner signs the gate.

use crate::certificate::details::Details;
use crate::failure::Result;
use crate::input::read;
use crate::keys::args::DIRECTORY;
use crate::keys::new::KeyFiles;
use baton_sys::Root;
use baton_verify::Certificate;
use std::path::{Path, PathBuf};

/// A key that lies where `baton keys new` puts it.
#[derive(Debug, Clone)]
pub struct OwnKey {
    /// Its files.
    pub files: KeyFiles,
    /// Its certificate in DER.
    pub der: Vec<u8>,
    /// What that says.
    pub details: Details,
}

impl OwnKey {
    /// Looks for one.
    ///
    /// # Errors
    /// When there is one that can't be read.
    pub fn read(root: &Root) -> Result<Option<OwnKey>> {
        OwnKey::below(&root.join(DIRECTORY.trim_start_matches('/')))
    }

    /// A file of a key that isn't whole.
    #[must_use]
    pub fn stray(root: &Root) -> Option<PathBuf> {
        let files = KeyFiles::below(&root.join(DIRECTORY.trim_start_matches('/')));
        let mut files = [files.key, files.certificate, files.der].into_iter();
        files.find(|it| it.symlink_metadata().is_ok())
    }

    /// Looks for one in a directory.
    ///
    /// # Errors
    /// When there is one that can't be read.
    pub fn below(directory: &Path) -> Result<Option<OwnKey>> {
        let files = KeyFiles::below(directory);
        let der =
            read::found(&files.der)?.filter(|_| files.key.exists() && files.certificate.exists());
        let own = der.and_then(|der| {
            let details = Details::of(&Certificate::parse(&der).ok()?);
            Some(OwnKey {
                files,
                der,
                details,
            })
        });
        Ok(own)
    }
}
