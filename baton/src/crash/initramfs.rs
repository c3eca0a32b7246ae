//! The initramfs of a capture: the program, its configuration, modules, and nothing else.
//!
//! It isn't compressed: that would take time while the machine is down, and a decompressor that the kernel
//! may be built without (CONFIG_RD_*). The archive is in memory until it is unpacked, which counts where very
//! little is reserved.

use super::cpio::Archive;
use crate::failure::problem::Problem;
use baton_capture::config;

/// Where modules lie in it.
const MODULES: &str = "lib/modules";

/// The directories that the program mounts on at once (a target's it makes itself), and those that entries lie in.
const DIRECTORIES: [&str; 7] = ["dev", "etc", "etc/baton", "lib", MODULES, "proc", "sys"];

/// A module as it is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// Its bytes, decompressed.
    pub bytes: Vec<u8>,
}

/// The path of a module in the initramfs.
#[must_use]
pub fn module_path(name: &str) -> String {
    format!("/{MODULES}/{name}.ko")
}

/// Puts it together.
///
/// # Errors
/// When a file is too large for the format.
pub fn build(program: &[u8], configuration: &str, modules: &[Module]) -> Result<Vec<u8>, Problem> {
    let mut archive = Archive::default();
    for directory in DIRECTORIES {
        archive.directory(directory);
    }
    // The numbers of Documentation/admin-guide/devices.txt. The kernel opens the console for init before
    // init could make one.
    archive.character_device("dev/console", (5, 1));
    archive.character_device("dev/null", (1, 3));
    archive.file("init", 0o755, program)?;
    let path = config::PATH.trim_start_matches('/');
    archive.file(path, 0o600, configuration.as_bytes())?;
    for module in modules {
        let path = module_path(&module.name);
        archive.file(path.trim_start_matches('/'), 0o600, &module.bytes)?;
    }
    Ok(archive.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::cpio::entries;

    #[test]
    fn every_entry_lies_in_a_directory_that_came_before_it() {
        let module = Module {
            name: "ext4".into(),
            bytes: b"\x7fELF".to_vec(),
        };
        let entries = entries(&build(b"program", "keep = 1", &[module]).unwrap());
        let mut directories = vec![String::new()];
        for (path, mode, _, _) in &entries {
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            assert!(directories.iter().any(|it| it == parent), "{path}");
            if mode & 0o170_000 == 0o040_000 {
                directories.push(path.clone());
            }
        }
        let contents = |wanted: &str| {
            let found = entries
                .iter()
                .find(|(path, ..)| format!("/{path}") == wanted);
            found.unwrap_or_else(|| panic!("no {wanted}")).3.clone()
        };
        assert_eq!(contents("/init"), b"program");
        assert_eq!(contents(config::PATH), b"keep = 1");
        assert_eq!(contents(&module_path("ext4")), b"\x7fELF");
    }
}
