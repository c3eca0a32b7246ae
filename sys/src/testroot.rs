//! A root directory for tests, removed when dropped.

use crate::Root;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

pub struct TestRoot {
    dir: PathBuf,
}

impl TestRoot {
    pub fn new() -> TestRoot {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let dir = std::env::temp_dir().join(format!(
            "baton-sys-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        ));
        std::fs::create_dir_all(&dir).unwrap();
        TestRoot { dir }
    }

    pub fn with(self, path: &str, bytes: impl AsRef<[u8]>) -> TestRoot {
        let path = self.dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    pub fn link(self, path: &str, to: &str) -> TestRoot {
        let path = self.dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(to, path).unwrap();
        self
    }

    pub fn root(&self) -> Root {
        Root::at(&self.dir)
    }
}

impl Drop for TestRoot {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
