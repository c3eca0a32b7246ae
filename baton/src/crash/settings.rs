//! What the machine's owner says about crash dumps: `/etc/baton/crash.toml`, which docs/crash.md describes.
//!
//! Most values are of the capture program's own types. What differs from its configuration is what isn't known before
//! the capture is made: where the targets lie, and which modules they need.

use super::target::{Mounted, NamedLog, NamedTarget};
use crate::failure::Result;
use crate::failure::problem::Problem;
use crate::input::read;
use baton_capture::cluster::Interval;
use baton_capture::config::{Deadline, Keep, ProgressTimeout};
use baton_capture::dump::Dump;
use baton_capture::system::Finally;
use baton_sys::Root;
use baton_toml::{Number, not_empty, valid};
use serde::{Deserialize, Deserializer};
use std::path::{Path, PathBuf};

/// Where the file is if no other is named, without the leading slash.
pub const DEFAULT: &str = "etc/baton/crash.toml";

/// The settings. Those that the file doesn't name are as by default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// The time that the whole capture may take.
    pub deadline: Deadline,
    /// The time that it may take without progress.
    pub progress_timeout: ProgressTimeout,
    /// The final action.
    pub finally: Finally,
    /// Whether the dump is read back before the final action.
    pub read_back: bool,
    /// How many dumps a directory keeps.
    pub keep: Keep,
    /// Which memory is dumped, and how.
    pub dump: Dump,
    /// The capture kernel.
    pub kernel: Kernel,
    /// The targets, in the order in which they are tried.
    #[serde(deserialize_with = "targets")]
    pub target: Vec<NamedTarget>,
    /// The nodes of a cluster that wait to be told of a capture.
    pub fence_kdump: Option<FenceKdump>,
    /// Where the kernel log goes if no target takes it; `None`: where it is likely to be safe.
    pub log: Option<NamedLog>,
}

/// The capture kernel.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Kernel {
    /// The kernel's image; the running kernel's if `None`.
    #[serde(deserialize_with = "image")]
    pub image: Option<PathBuf>,
    /// How many processors the kernel uses; more than 64 would take memory for nothing.
    pub cpus: Number<1, 64>,
    /// Parameters after all others on the kernel's command line.
    #[serde(deserialize_with = "parameters")]
    pub parameters: Vec<String>,
    /// Modules besides those that the targets need.
    pub modules: Vec<String>,
}

/// The nodes of a cluster that wait to be told of a capture, by the agent fence_kdump.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct FenceKdump {
    /// Their names or addresses; this machine may be among them.
    #[serde(deserialize_with = "nodes")]
    pub nodes: Vec<String>,
    /// The port that their agents listen at.
    #[serde(default = "fence_kdump_port")]
    pub port: Number<1, 65535>,
    /// The time between two messages.
    #[serde(default = "fence_kdump_interval")]
    pub interval: Interval,
}

/// The agent's own default.
fn fence_kdump_port() -> Number<1, 65535> {
    Number::literal::<7410>()
}

/// The agent waits for 60 s by default, and the first messages are lost where a card's link takes its time.
fn fence_kdump_interval() -> Interval {
    Interval::literal::<5>()
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            deadline: Deadline::literal::<21600>(),
            progress_timeout: ProgressTimeout::literal::<300>(),
            finally: Finally::Reboot,
            read_back: true,
            keep: Keep::literal::<3>(),
            dump: Dump::default(),
            kernel: Kernel::default(),
            target: vec![NamedTarget::Mounted(Mounted::default())],
            fence_kdump: None,
            log: None,
        }
    }
}

impl Default for Kernel {
    fn default() -> Kernel {
        Kernel {
            image: None,
            cpus: Number::literal::<1>(),
            parameters: Vec::new(),
            modules: Vec::new(),
        }
    }
}

/// Settings, and where they are from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The settings.
    pub settings: Settings,
    /// The file that they are from; `None` if there is none, so that all is as by default.
    pub path: Option<PathBuf>,
}

impl Source {
    /// Reads a file, or the one at the default place if there is one.
    ///
    /// # Errors
    /// When it can't be read; names the line and the key of what is wrong in it.
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
        let settings = parse(&text).map_err(|error| Problem::Settings {
            path: path.clone(),
            why: error.to_string(),
        })?;
        Ok(Source {
            settings,
            path: Some(path),
        })
    }
}

/// Reads the settings from a text.
///
/// # Errors
/// Names the line and the key, what is wrong with the value, and the fix.
pub fn parse(text: &str) -> baton_toml::Result<Settings> {
    baton_toml::read(text)
}

fn image<'d, D: Deserializer<'d>>(
    deserializer: D,
) -> std::result::Result<Option<PathBuf>, D::Error> {
    let is_absolute = |path: &str| path.starts_with('/');
    let path = valid(deserializer, is_absolute, "an absolute path")?;
    Ok(Some(path.into()))
}

fn parameters<'d, D: Deserializer<'d>>(
    deserializer: D,
) -> std::result::Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    struct Parameter(#[serde(deserialize_with = "parameter")] String);

    let parameters = Vec::<Parameter>::deserialize(deserializer)?;
    Ok(parameters.into_iter().map(|it| it.0).collect())
}

fn parameter<'d, D: Deserializer<'d>>(deserializer: D) -> std::result::Result<String, D::Error> {
    let recognises =
        |text: &str| !text.is_empty() && text != "--" && !text.contains(char::is_control);
    let what = "one kernel parameter, such as \"console=ttyS0\"";
    valid(deserializer, recognises, what)
}

fn targets<'d, D: Deserializer<'d>>(
    deserializer: D,
) -> std::result::Result<Vec<NamedTarget>, D::Error> {
    not_empty(deserializer, "name one, or leave it out to use /var/crash")
}

fn nodes<'d, D: Deserializer<'d>>(deserializer: D) -> std::result::Result<Vec<String>, D::Error> {
    not_empty(deserializer, "name a node, or leave the table out")
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_kdump::encode::Compression;

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
            progress-timeout = 90
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
        assert_eq!(settings.dump.compression, Compression::None);
        assert_eq!(settings.kernel.cpus.get(), 2);
        assert_eq!(settings.target.len(), 3);
    }

    #[test]
    fn what_is_wrong_is_reported_in_one_sentence_with_its_line() {
        for (text, sentence) in [
            (
                "x = 1",
                "line 1: unknown key \"x\"; known here: deadline, progress-timeout, finally, read-back, keep, dump, kernel, target, fence-kdump, log",
            ),
            (
                "keep = \"all\"",
                "line 1: keep is \"all\"; it must be a number from 1 to 4294967295",
            ),
            (
                "deadline = -1",
                "line 1: deadline is -1; it must be a number from 10 to 86400",
            ),
            (
                "finally = \"sleep\"",
                "line 1: finally is \"sleep\"; it must be \"reboot\" or \"halt\" or \"poweroff\"",
            ),
            (
                "read-back = 1",
                "line 1: read-back is 1; it must be true or false",
            ),
            (
                "[dump]\nlevel = 32",
                "line 2: dump.level: 32: no such dump level; it is a number from 0 to 31",
            ),
            (
                "[dump]\ncodec = 1",
                "line 2: unknown key \"dump.codec\"; known here: level, on-doubt, format, compression",
            ),
            (
                "[dump]\non-doubt = \"guess\"",
                "line 2: dump.on-doubt is \"guess\"; it must be \"keep\" or \"drop\" or \"log-only\"",
            ),
            ("dump = 1", "line 1: dump is 1; it must be a table"),
            (
                "dump = [31, \"elf\"]",
                "line 1: dump is [31, \"elf\"]; it must be a table",
            ),
            (
                "[dump]\nlevel = 256",
                "line 2: dump.level is 256; it must be a number from 0 to 255",
            ),
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
                "line 2: kernel.parameters[0] is \"--\"; it must be one kernel parameter, such as \"console=ttyS0\"",
            ),
            (
                "target = []",
                "line 1: target: the list is empty; name one, or leave it out to use /var/crash",
            ),
            (
                "[[target]]\ndirectory = \"/x\"",
                "line 1: \"target[0].kind\" is missing",
            ),
            (
                "[[target]]\nkind = \"nfs\"",
                "line 2: target[0].kind is \"nfs\"; it must be \"mounted\" or \"filesystem\" or \"raw\"",
            ),
            (
                "[[target]]\nkind = \"mounted\"\ndirectory = \"var\"",
                "line 3: target[0].directory: \"var\" is relative; give an absolute path such as /var/crash",
            ),
            (
                "[[target]]\nkind = \"raw\"",
                "line 1: \"target[0].device\" is missing",
            ),
            (
                "[[target]]\nkind = \"raw\"\ndevice = \"/dev/x\"\ndirectory = \"/\"",
                "line 4: unknown key \"target[0].directory\"; known here: device",
            ),
            (
                "deadline = ",
                "line 1: not TOML: string values must be quoted, expected literal string",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), sentence);
        }
    }
}
