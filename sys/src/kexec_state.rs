//! Which kernels are loaded.

use crate::{ReadError, Root, kexec_lock};
use std::io::ErrorKind;

/// The state of kexec as the kernel reports it (kernel/kexec_core.c, kernel/ksysfs.c).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KexecState {
    /// Whether a kernel is loaded for the next kexec.
    pub loaded: bool,
    /// Whether a kernel is loaded for a crash.
    pub crash_loaded: bool,
    /// The bytes reserved for a crash kernel; 0 if none are.
    pub crash_size: u64,
}

impl KexecState {
    /// Reads `/sys/kernel/kexec/NAME`, or `/sys/kernel/kexec_NAME` on older kernels; `None`
    /// if the kernel has no kexec. While a kernel is being loaded, it waits for the end of that.
    ///
    /// # Errors
    /// When a file exists and can't be read.
    pub fn read(root: &Root) -> Result<Option<KexecState>, ReadError> {
        // First, because of what it waits for: what is loaded is told as it is then. `crash_get_memory_size` of
        // kernel/crash_core.c takes the lock.
        let is_busy = |e: &ReadError| e.error.kind() == ErrorKind::ResourceBusy;
        let crash_size = kexec_lock::waiting(|| KexecState::crash_size(root), is_busy)?;
        let number = |name| KexecState::number(root, name);
        let Some(loaded) = number("loaded")? else {
            return Ok(None);
        };
        Ok(Some(KexecState {
            loaded: loaded == 1,
            crash_loaded: number("crash_loaded")? == Some(1),
            crash_size,
        }))
    }

    fn crash_size(root: &Root) -> Result<u64, ReadError> {
        let size = KexecState::number(root, "crash_size")?;
        Ok(size.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
    }

    fn number(root: &Root, name: &str) -> Result<Option<i64>, ReadError> {
        match root.read_number(&format!("sys/kernel/kexec/{name}"))? {
            Some(n) => Ok(Some(n)),
            None => root.read_number(&format!("sys/kernel/kexec_{name}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;

    #[test]
    fn new_kernels_have_a_directory() {
        let t = TestRoot::new()
            .with("sys/kernel/kexec/loaded", "0\n")
            .with("sys/kernel/kexec/crash_loaded", "1\n")
            .with("sys/kernel/kexec/crash_size", "268435456\n");
        let state = KexecState::read(&t.root()).unwrap().unwrap();
        assert!(!state.loaded);
        assert!(state.crash_loaded);
        assert_eq!(state.crash_size, 256 << 20);
    }

    #[test]
    fn old_kernels_have_files_with_a_prefix() {
        let t = TestRoot::new().with("sys/kernel/kexec_loaded", "1\n");
        let state = KexecState::read(&t.root()).unwrap().unwrap();
        assert!(state.loaded);
        assert_eq!(state.crash_size, 0);
    }

    #[test]
    fn a_kernel_without_kexec_has_neither() {
        assert_eq!(KexecState::read(&TestRoot::new().root()).unwrap(), None);
    }
}
