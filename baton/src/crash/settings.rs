//! What the machine's owner says about crash dumps: `/etc/baton/crash.toml`, which docs/crash.md describes.
//!
//! Only the shape is read here. What deadlines, dump levels and codecs there are is known to the capture
//! program, whose code judges what this is compiled to.

use super::problem::Problem;
use crate::failure::Result;
use crate::read;
use baton_capture::config::{Dump, Finally};
use baton_sys::Root;
use baton_toml::{self as table, Item, Table};
use std::path::{Path, PathBuf};

/// Where it lies when nothing else is said, without the leading slash.
pub const DEFAULT: &str = "etc/baton/crash.toml";

/// The most processors that a capture is given: more would take memory for nothing.
const MOST_CPUS: u64 = 64;

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Seconds for everything.
    pub deadline: u32,
    /// What follows.
    pub finally: Finally,
    /// Whether what was written is read once more.
    pub read_back: bool,
    /// How many dumps a directory keeps.
    pub keep: u32,
    /// What is written, and how.
    pub dump: Dump,
    /// The kernel that captures.
    pub kernel: Kernel,
    /// Where to, in the order in which they are tried.
    pub targets: Vec<Wanted>,
}

/// The kernel that captures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// Its image; the running one's if `None`.
    pub image: Option<PathBuf>,
    /// How many processors it uses.
    pub cpus: u32,
    /// Parameters after all others on its command line.
    pub parameters: Vec<String>,
    /// Modules besides those that the targets need.
    pub modules: Vec<String>,
}

/// A place for dumps, as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A directory that is mounted now.
    Mounted {
        /// Its path here.
        directory: String,
    },
    /// A directory of a file system that need not be mounted.
    Filesystem {
        /// `UUID=…` and the like, or a path.
        device: String,
        /// Its type, if it is said.
        filesystem: Option<String>,
        /// Mount options.
        options: String,
        /// From the file system's root.
        directory: String,
    },
    /// A partition.
    Raw {
        /// `PARTUUID=…` and the like, or a path.
        device: String,
    },
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Wanted::Mounted { directory } => write!(f, "target {directory}"),
            Wanted::Filesystem {
                device, directory, ..
            } => write!(f, "target {directory} of {device}"),
            Wanted::Raw { device } => write!(f, "raw target {device}"),
        }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            deadline: 1800,
            finally: Finally::Reboot,
            read_back: true,
            keep: 3,
            dump: Dump {
                level: 31,
                format: "kdump".into(),
                compression: "zstd".into(),
            },
            kernel: Kernel {
                image: None,
                cpus: 1,
                parameters: Vec::new(),
                modules: Vec::new(),
            },
            targets: vec![Wanted::Mounted {
                directory: "/var/crash".into(),
            }],
        }
    }
}

/// Settings, and where they are from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// They themselves.
    pub settings: Settings,
    /// Their file; `None` where there is none, and all is as by default.
    pub path: Option<PathBuf>,
}

impl Source {
    /// Reads a file, or the one at the default place if there is one.
    ///
    /// # Errors
    /// When it can't be read; names line and key of what is wrong in it.
    pub fn read(root: &Root, path: Option<&Path>) -> Result<Source> {
        let (path, text) = match path {
            Some(path) => (path.to_owned(), read::given_text(path)?),
            None => match root.read_text(DEFAULT)? {
                Some(text) => (Path::new("/").join(DEFAULT), text),
                None => {
                    return Ok(Source {
                        settings: Settings::default(),
                        path: None,
                    });
                }
            },
        };
        let settings = parse(&text).map_err(|problem| Problem::Settings {
            path: path.clone(),
            why: problem.to_string(),
        })?;
        Ok(Source {
            settings,
            path: Some(path),
        })
    }
}

/// Reads the text; what it doesn't say is as by default.
///
/// # Errors
/// Names line and key.
pub fn parse(text: &str) -> table::Result<Settings> {
    let parsed = table::parse(text)?;
    let root = Table::root(text, &parsed);
    root.check_keys(&[
        "deadline",
        "finally",
        "read-back",
        "keep",
        "dump",
        "kernel",
        "target",
    ])?;
    let mut settings = Settings::default();
    set(&root, "deadline", &mut settings.deadline, number)?;
    set(&root, "finally", &mut settings.finally, finally)?;
    set(&root, "read-back", &mut settings.read_back, Item::boolean)?;
    set(&root, "keep", &mut settings.keep, number)?;
    if let Some(table) = root.table("dump")? {
        dump(&table, &mut settings.dump)?;
    }
    if let Some(table) = root.table("kernel")? {
        kernel(&table, &mut settings.kernel)?;
    }
    if let Some(item) = root.get("target") {
        settings.targets = item
            .list()?
            .iter()
            .map(target)
            .collect::<table::Result<_>>()?;
        if settings.targets.is_empty() {
            return Err(item.problem("is empty; name one, or leave it out to use /var/crash"));
        }
    }
    Ok(settings)
}

/// Puts what a key holds into its place, if it is there.
fn set<'t, T>(
    table: &Table<'t>,
    key: &str,
    place: &mut T,
    read: impl Fn(&Item<'t>) -> table::Result<T>,
) -> table::Result<()> {
    if let Some(item) = table.get(key) {
        *place = read(&item)?;
    }
    Ok(())
}

fn number(item: &Item<'_>) -> table::Result<u32> {
    let number = item.number(0, u32::MAX.into())?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

fn text(item: &Item<'_>) -> table::Result<String> {
    item.text().map(str::to_owned)
}

fn finally(item: &Item<'_>) -> table::Result<Finally> {
    item.word(&[
        ("reboot", Finally::Reboot),
        ("halt", Finally::Halt),
        ("poweroff", Finally::Poweroff),
    ])
}

fn dump(table: &Table<'_>, dump: &mut Dump) -> table::Result<()> {
    table.check_keys(&["level", "format", "compression"])?;
    set(table, "level", &mut dump.level, |item| {
        let level = item.number(0, 31)?;
        Ok(u8::try_from(level).unwrap_or(31))
    })?;
    set(table, "format", &mut dump.format, text)?;
    if dump.format == "elf" {
        // ELF has no compression; without a word about it there is none.
        dump.compression = "none".into();
    }
    set(table, "compression", &mut dump.compression, text)
}

fn kernel(table: &Table<'_>, kernel: &mut Kernel) -> table::Result<()> {
    table.check_keys(&["image", "cpus", "parameters", "modules"])?;
    set(table, "image", &mut kernel.image, |item| {
        let path = Path::new(item.text()?);
        match path.is_absolute() {
            true => Ok(Some(path.to_owned())),
            false => Err(item.must_be("an absolute path")),
        }
    })?;
    set(table, "cpus", &mut kernel.cpus, |item| {
        Ok(u32::try_from(item.number(1, MOST_CPUS)?).unwrap_or(1))
    })?;
    set(table, "parameters", &mut kernel.parameters, parameters)?;
    set(table, "modules", &mut kernel.modules, Item::texts)
}

fn parameters(item: &Item<'_>) -> table::Result<Vec<String>> {
    for parameter in item.list()? {
        let text = parameter.text()?;
        if text.is_empty() || text == "--" || text.contains(|c: char| c.is_control()) {
            return Err(parameter.must_be("one kernel parameter, such as \"console=ttyS0\""));
        }
    }
    item.texts()
}

fn target(item: &Item<'_>) -> table::Result<Wanted> {
    let table = item.table()?;
    let kind = table.require("kind")?;
    let of = |key: &str| table.require(key).and_then(|item| text(&item));
    match kind.text()? {
        "mounted" => {
            table.check_keys(&["kind", "directory"])?;
            Ok(Wanted::Mounted {
                directory: of("directory")?,
            })
        }
        "filesystem" => {
            table.check_keys(&["kind", "device", "filesystem", "options", "directory"])?;
            let given = |key: &str| table.get(key).map(|item| text(&item)).transpose();
            Ok(Wanted::Filesystem {
                device: of("device")?,
                filesystem: given("filesystem")?,
                options: given("options")?.unwrap_or_default(),
                directory: of("directory")?,
            })
        }
        "raw" => {
            table.check_keys(&["kind", "device"])?;
            Ok(Wanted::Raw {
                device: of("device")?,
            })
        }
        _ => Err(kind.must_be("\"mounted\", \"filesystem\" or \"raw\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_is_the_default() {
        assert_eq!(parse("").unwrap(), Settings::default());
        assert_eq!(parse("[dump]\n[kernel]\n").unwrap(), Settings::default());
    }

    #[test]
    fn everything_can_be_said() {
        let settings = parse(
            r#"
            deadline = 60
            finally = "poweroff"
            read-back = false
            keep = 1
            [dump]
            level = 1
            format = "elf"
            [kernel]
            image = "/boot/vmlinuz"
            cpus = 2
            parameters = ["console=ttyS0"]
            modules = ["iTCO_wdt"]
            [[target]]
            kind = "mounted"
            directory = "/srv"
            [[target]]
            kind = "filesystem"
            device = "UUID=1"
            options = "noatime"
            directory = "/"
            [[target]]
            kind = "raw"
            device = "PARTUUID=2"
            "#,
        )
        .unwrap();
        assert_eq!(settings.finally, Finally::Poweroff);
        assert_eq!(settings.dump.compression, "none");
        assert_eq!(settings.kernel.cpus, 2);
        assert_eq!(settings.targets.len(), 3);
    }

    #[test]
    fn what_is_wrong_is_told_in_one_sentence_with_its_line() {
        for (text, sentence) in [
            ("x = 1", "line 1: unknown key \"x\"; known here: deadline"),
            (
                "keep = \"all\"",
                "line 1: keep is \"all\"; it must be a number",
            ),
            (
                "deadline = -1",
                "line 1: deadline is -1; it must be a number",
            ),
            (
                "finally = \"sleep\"",
                "line 1: finally is \"sleep\"; it must be \"reboot\"",
            ),
            (
                "read-back = 1",
                "line 1: read-back is 1; it must be true or false",
            ),
            (
                "[dump]\nlevel = 32",
                "line 2: dump.level is 32; it must be a number from 0 to 31",
            ),
            ("[dump]\ncodec = 1", "line 2: unknown key \"dump.codec\""),
            ("dump = 1", "line 1: dump is 1; it must be a table"),
            (
                "[kernel]\nimage = \"vmlinuz\"",
                "line 2: kernel.image is \"vmlinuz\"; it must be an absolute path",
            ),
            (
                "[kernel]\ncpus = 0",
                "line 2: kernel.cpus is 0; it must be a number from 1 to 64",
            ),
            (
                "[kernel]\nparameters = [\"--\"]",
                "line 2: kernel.parameters[0] is \"--\"; it must be one kernel parameter",
            ),
            ("target = []", "line 1: target is empty; name one"),
            (
                "[[target]]\ndirectory = \"/x\"",
                "line 1: \"target[0].kind\" is missing",
            ),
            (
                "[[target]]\nkind = \"nfs\"",
                "line 2: target[0].kind is \"nfs\"; it must be \"mounted\"",
            ),
            (
                "[[target]]\nkind = \"raw\"",
                "line 1: \"target[0].device\" is missing",
            ),
            (
                "[[target]]\nkind = \"raw\"\ndevice = \"/dev/x\"\ndirectory = \"/\"",
                "line 4: unknown key \"target[0].directory\"",
            ),
            ("deadline = ", "line 1: not TOML"),
        ] {
            let problem = parse(text).unwrap_err().to_string();
            assert!(problem.starts_with(sentence), "{problem}");
            assert_eq!(problem.lines().count(), 1, "{problem}");
        }
    }
}
