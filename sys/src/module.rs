//! Kernel modules.

use crate::Root;
use crate::file::names_in;
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

/// The names of the modules that something uses, as an open device or another module.
#[must_use]
pub fn in_use(root: &Root) -> Vec<String> {
    let is_used = |module: &String| {
        let users = root.read_number(&format!("sys/module/{module}/refcnt"));
        users.is_ok_and(|users| users.is_some_and(|users| users > 0))
    };
    let all = names_in(&root.join("sys/module")).into_iter();
    all.filter(is_used).collect()
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
    use crate::testroot::TestRoot;

    #[test]
    fn a_module_is_in_use_while_something_uses_it() {
        let root = TestRoot::new()
            .with("sys/module/i6300esb/refcnt", "1\n")
            .with("sys/module/hpwdt/refcnt", "0\n")
            .with("sys/module/builtin/parameters/x", "1\n");
        assert_eq!(in_use(&root.root()), ["i6300esb"]);
    }

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
