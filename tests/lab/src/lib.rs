//! Makes the machines that Baton is tested and measured on, and what they run.
//!
//! Each of these uses only what stands above it:
//!
//! | module | what it does |
//! |---|---|
//! | [`exec`], [`programs`] | run other programs; build ours |
//! | [`fetch`] | fetch by package name, into a cache: firmware, kernels, tools, peers |
//! | [`keys`] | the keys that things are signed with, and the firmware's variable stores |
//! | [`machine`] | what a machine is, and how it is looked at from outside |
//! | [`image`] | disks and archives, written without root |
//! | [`payload`] | the disk with all that guests load, and the steps by which they do |
//! | [`setup`] | all of these, made ready once |
//! | [`vm`] | a machine, run to its end, and what can be said of the run |
//! | [`debian`] | an installed Debian, and the machine that it runs on |

pub mod debian;
pub mod exec;
pub mod fetch;
pub mod image;
pub mod keys;
pub mod machine;
pub mod payload;
pub mod programs;
pub mod setup;
pub mod vm;

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use fs_err as fs;

    /// The modules as the table above orders them.
    const ORDER: [&str; 10] = [
        "exec", "programs", "fetch", "keys", "machine", "image", "payload", "setup", "vm", "debian",
    ];

    fn files(directory: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(directory)
            .unwrap()
            .map(|it| it.unwrap().path());
        entries
            .flat_map(|path| {
                if path.is_dir() {
                    files(&path)
                } else {
                    vec![path]
                }
            })
            .collect()
    }

    #[test]
    fn a_module_uses_only_what_stands_above_it() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let place = |name: &str| ORDER.iter().position(|known| *known == name);
        for file in files(&sources) {
            let below = file.strip_prefix(&sources).unwrap().with_extension("");
            let own = below.iter().next().unwrap().to_str().unwrap();
            let Some(own) = place(own) else { continue };
            let text = fs::read_to_string(&file).unwrap();
            for used in text.split("crate::").skip(1) {
                // `use crate::{exec, keys};` names several.
                let group = used.strip_prefix('{').and_then(|it| it.split('}').next());
                let names = group.unwrap_or(used).split(',').map(str::trim);
                for name in names.take(if group.is_some() { usize::MAX } else { 1 }) {
                    let name = name.split(|c: char| !c.is_alphanumeric()).next();
                    let used = place(name.unwrap_or_default());
                    assert!(used <= Some(own), "{} uses {name:?}", file.display());
                }
            }
        }
    }
}
