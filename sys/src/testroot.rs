//! A root directory for tests, removed when dropped.

use crate::Root;
use std::path::PathBuf;
use tempfile::TempDir;

pub struct TestRoot(TempDir);

impl TestRoot {
    pub fn new() -> TestRoot {
        TestRoot(tempfile::tempdir().unwrap())
    }

    pub fn with(self, path: &str, bytes: impl AsRef<[u8]>) -> TestRoot {
        std::fs::write(self.place(path), bytes).unwrap();
        self
    }

    pub fn link(self, path: &str, to: &str) -> TestRoot {
        std::os::unix::fs::symlink(to, self.place(path)).unwrap();
        self
    }

    /// Where a path lies, in a directory that is there.
    fn place(&self, path: &str) -> PathBuf {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    pub fn root(&self) -> Root {
        Root::at(self.0.path())
    }
}
