//! `kexec`: the same program by the name of kexec-tools', with its command line, exit codes and messages.
//!
//! ```text
//! words ─ getopt ─▶ request ─ plan ─▶ steps ─ run ─▶ load, unload, exec: as the subcommands
//! ```
//!
//! docs/kexec-compat.md says where it differs and why; `cargo xtask vm --filter kexec-compat` holds that in virtual
//! machines, beside kexec-tools.

pub mod getopt;
pub mod help;
pub mod options;
pub mod plan;
pub mod request;
pub mod run;
pub mod wrong;

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// What the program must be called.
pub const NAME: &str = "kexec";

/// Whether the program was called so: by the last part of the first of its words.
#[must_use]
pub fn is_called(words: &[OsString]) -> bool {
    let name = words.first().map(Path::new).and_then(Path::file_name);
    name == Some(OsStr::new(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_called_by_its_name_wherever_it_lies() {
        for (name, is_so) in [
            ("kexec", true),
            ("/sbin/kexec", true),
            ("./kexec", true),
            ("baton", false),
            ("/kexec/baton", false),
            ("kexec2", false),
        ] {
            assert_eq!(is_called(&[name.into()]), is_so, "{name}");
        }
        assert!(!is_called(&[]));
    }
}
