//! Writing a file whole or not at all.

use crate::failure::{Failure, Result};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Writes a new file beside `path` and renames it to `path`, so that a reader sees the old bytes or the
/// new ones. The mode is `path`'s own, or that of `like` where `path` is new.
///
/// # Errors
/// When the folder can't be written to; nothing is left behind.
pub fn replace(path: &Path, bytes: &[u8], like: Option<&Path>) -> Result<()> {
    let mode = [Some(path), like]
        .into_iter()
        .flatten()
        .find_map(|p| fs::metadata(p).ok())
        .map_or(0o644, |m| m.permissions().mode() & 0o7777);
    let (temporary, file) = create_beside(path)?;
    let result = write(file, bytes, mode)
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|e| Failure::io(path, &e));
    if result.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    result
}

/// A new file of mode 0600 beside another, for what is too large to be held in memory. It goes away unless
/// it is [kept](Temporary::keep).
pub struct Temporary {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    kept: bool,
}

impl Temporary {
    /// Makes it.
    ///
    /// # Errors
    /// When the folder can't be written to.
    pub fn beside(path: &Path) -> Result<Temporary> {
        let (temporary, file) = create_beside(path)?;
        Ok(Temporary {
            file,
            temporary,
            path: path.to_path_buf(),
            kept: false,
        })
    }

    /// The file, to be written and read.
    ///
    /// # Errors
    /// When there can't be more open files.
    pub fn file(&self) -> std::io::Result<File> {
        self.file.try_clone()
    }

    /// Gives it its name, once it is on the disk.
    ///
    /// # Errors
    /// When the disk fails; nothing is left behind.
    pub fn keep(mut self) -> Result<()> {
        let folder = match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        self.file
            .sync_all()
            .and_then(|()| fs::rename(&self.temporary, &self.path))
            .map_err(|e| Failure::io(&self.path, &e))?;
        self.kept = true;
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|e| Failure::io(folder, &e))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

fn write(mut file: File, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    file.write_all(bytes)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()
}

/// Makes a file of a name that isn't taken; `create_new` follows no link that someone else put there.
fn create_beside(path: &Path) -> Result<(PathBuf, File)> {
    let name = path.file_name().map_or_else(
        || {
            Err(Failure::failed(format!(
                "{}: not the name of a file",
                path.display()
            )))
        },
        |name| Ok(name.to_string_lossy().into_owned()),
    )?;
    for attempt in 0..100 {
        let temporary = path.with_file_name(format!(".{name}.{}.{attempt}", std::process::id()));
        match OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)
        {
            Ok(file) => return Ok((temporary, file)),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(Failure::io(path, &e)),
        }
    }
    Err(Failure::failed(format!(
        "{}: a hundred temporary files lie beside it; remove .{name}.*",
        path.display()
    )))
}
