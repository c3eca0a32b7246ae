//! The file system that holds dumps. Paths are relative to its root.

use baton_kdump::Source;
use baton_kdump::write::{FileOutput, Output};
use baton_sys::own::OwnDirectory;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An output that can be synced.
pub trait Writable: Output {
    /// Waits until everything written is on the disk.
    ///
    /// # Errors
    /// When some of it can't be written.
    fn sync(&self) -> io::Result<()>;
}

impl Writable for FileOutput {
    fn sync(&self) -> io::Result<()> {
        self.file().sync_data()
    }
}

/// A directory into which only root can have put anything.
pub trait PrivateDirectory {
    /// The directory's entries: each name, and whether it is a regular file owned by root.
    ///
    /// # Errors
    /// The error of the file system.
    fn files(&self) -> io::Result<Vec<(String, bool)>>;

    /// Removes a file from the directory.
    ///
    /// # Errors
    /// The error of the file system.
    fn remove_file(&self, name: &str) -> io::Result<()>;

    /// Waits until removals have reached the disk.
    ///
    /// # Errors
    /// The error of the file system.
    fn sync(&self) -> io::Result<()>;
}

impl PrivateDirectory for OwnDirectory {
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
    /// Creates a directory that only root can access.
    ///
    /// # Errors
    /// `AlreadyExists`, or another error of the file system.
    fn make_directory(&self, path: &Path) -> io::Result<()>;

    /// The entries of a directory: each name, and whether it is a directory.
    ///
    /// # Errors
    /// The error of the file system.
    fn list(&self, path: &Path) -> io::Result<Vec<(String, bool)>>;

    /// Opens a directory to remove its contents. It stays the same directory even if it is renamed.
    ///
    /// # Errors
    /// `PermissionDenied` if somebody else may have put something there, or another error of the file system.
    fn open_private(&self, path: &Path) -> io::Result<Box<dyn PrivateDirectory>>;

    /// Creates a new file that only root can access.
    ///
    /// # Errors
    /// `AlreadyExists`, or another error of the file system.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Writable>>;

    /// Opens a file so that it is read from the disk rather than the page cache.
    ///
    /// # Errors
    /// The error of the file system.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn Source>>;

    /// Renames a file.
    ///
    /// # Errors
    /// The error of the file system.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// The error of the file system.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// The error of the file system.
    fn remove_directory(&self, path: &Path) -> io::Result<()>;

    /// Waits until a directory's entries are on the disk.
    ///
    /// # Errors
    /// The error of the file system.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;

    /// How many bytes can still be written.
    ///
    /// # Errors
    /// The error of the file system.
    fn free(&self) -> io::Result<u64>;
}

/// A directory as storage: the mount point of a file system, or in tests any directory.
pub struct DirectoryStorage(PathBuf);

impl DirectoryStorage {
    /// Storage whose root is this directory.
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> DirectoryStorage {
        DirectoryStorage(root.into())
    }
}

impl Storage for DirectoryStorage {
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

    fn open_private(&self, path: &Path) -> io::Result<Box<dyn PrivateDirectory>> {
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
