//! A file system that dumps are kept in. Paths are relative to its root.

use baton_kdump::Source;
use baton_kdump::write::{FileOutput, Output};
use baton_sys::own::OwnDirectory;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is written at offsets, and can be made sure of.
pub trait Writable: Output {
    /// Waits until all that was written is on the disk.
    ///
    /// # Errors
    /// When some of it can't be.
    fn sync(&self) -> io::Result<()>;
}

impl Writable for FileOutput {
    fn sync(&self) -> io::Result<()> {
        self.file().sync_data()
    }
}

/// A directory that nobody but root can have put anything into.
pub trait Own {
    /// The names in it, with whether each is a plain file of root's.
    ///
    /// # Errors
    /// What the file system says.
    fn files(&self) -> io::Result<Vec<(String, bool)>>;

    /// Removes a file that is in it.
    ///
    /// # Errors
    /// What the file system says.
    fn remove_file(&self, name: &str) -> io::Result<()>;

    /// Waits until what was removed is gone from the disk, too.
    ///
    /// # Errors
    /// What the file system says.
    fn sync(&self) -> io::Result<()>;
}

impl Own for OwnDirectory {
    fn files(&self) -> io::Result<Vec<(String, bool)>> {
        let entries = self.entries()?.into_iter();
        Ok(entries.map(|it| (it.name, it.is_own_file)).collect())
    }

    fn remove_file(&self, name: &str) -> io::Result<()> {
        OwnDirectory::remove_file(self, name)
    }

    fn sync(&self) -> io::Result<()> {
        OwnDirectory::sync(self)
    }
}

/// A file system.
pub trait Storage {
    /// Makes a directory, for root alone.
    ///
    /// # Errors
    /// `AlreadyExists`, and what the file system says.
    fn make_directory(&self, path: &Path) -> io::Result<()>;

    /// The names in a directory, with whether each is a directory.
    ///
    /// # Errors
    /// What the file system says.
    fn list(&self, path: &Path) -> io::Result<Vec<(String, bool)>>;

    /// Opens a directory to remove what is in it; it stays the same whatever happens to its name.
    ///
    /// # Errors
    /// `PermissionDenied` where somebody else may have put something there; what the file system says.
    fn own(&self, path: &Path) -> io::Result<Box<dyn Own>>;

    /// Makes a file that wasn't there, for root alone.
    ///
    /// # Errors
    /// `AlreadyExists`, and what the file system says.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Writable>>;

    /// Opens a file so that it is read from the disk, and not from memory.
    ///
    /// # Errors
    /// What the file system says.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn Source>>;

    /// Renames a file.
    ///
    /// # Errors
    /// What the file system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the file system says.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// What the file system says.
    fn remove_directory(&self, path: &Path) -> io::Result<()>;

    /// Waits until the names in a directory are on the disk.
    ///
    /// # Errors
    /// What the file system says.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;

    /// How many bytes can still be written.
    ///
    /// # Errors
    /// What the file system says.
    fn free(&self) -> io::Result<u64>;
}

/// What is mounted at a directory, or any directory.
pub struct Folder(PathBuf);

impl Folder {
    /// Whose root is here.
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Folder {
        Folder(root.into())
    }
}

impl Storage for Folder {
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(self.0.join(path))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(String, bool)>> {
        let entries = std::fs::read_dir(self.0.join(path))?.map(|entry| {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            Ok((name, entry.file_type()?.is_dir()))
        });
        entries.collect()
    }

    fn own(&self, path: &Path) -> io::Result<Box<dyn Own>> {
        Ok(Box::new(OwnDirectory::open(&self.0.join(path))?))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Writable>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.0.join(path))?;
        Ok(Box::new(FileOutput::new(file)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn Source>> {
        let file = File::open(self.0.join(path))?;
        baton_sys::cache::forget(&file)?;
        Ok(Arc::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(self.0.join(from), self.0.join(to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(self.0.join(path))
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir(self.0.join(path))
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(self.0.join(path))?.sync_all()
    }

    fn free(&self) -> io::Result<u64> {
        baton_sys::space::free(&self.0)
    }
}
