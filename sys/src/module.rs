//! Kernel modules.

use std::io;
use std::path::Path;

/// `MODULE_INIT_COMPRESSED_FILE` of include/uapi/linux/module.h, known since Linux 5.17.
const COMPRESSED: i32 = 4;

/// Loads the module in this file, unless it is loaded already.
///
/// # Errors
/// The error of finit_module(2), such as `ENOENT` for an unknown symbol (which the kernel's log names),
/// `EKEYREJECTED` for an untrusted signature, or `ENOEXEC` for a module of another kernel.
pub fn load(path: &Path) -> io::Result<()> {
    let file = crate::file::open_regular(path)?;
    match rustix::system::finit_module(&file, c"", flags(path)) {
        Err(rustix::io::Errno::EXIST) => Ok(()),
        result => Ok(result?),
    }
}

fn flags(path: &Path) -> i32 {
    let compressed = ["gz", "xz", "zst"];
    let extension = path.extension().unwrap_or_default();
    if compressed.iter().any(|it| *it == extension) {
        COMPRESSED
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_modules_are_distinguished_by_their_names() {
        for name in ["a.ko.gz", "/lib/a.ko.xz", "a.ko.zst"] {
            assert_eq!(flags(Path::new(name)), COMPRESSED, "{name}");
        }
        for name in ["a.ko", "/x.zst/a.ko", "xz"] {
            assert_eq!(flags(Path::new(name)), 0, "{name}");
        }
    }
}
