//! What the machine's owner says about loads: `/etc/baton/load.toml`, which docs/load.md describes.

use super::args::{LoadOptions, Via};
use crate::failure::Result;
use crate::failure::load::LoadError;
use crate::input::read;
use baton_sys::Root;
use baton_toml::{must_be, valid};
use serde::{Deserialize, Deserializer};
use std::path::{Path, PathBuf};

/// Where the file is if no other is named, without the leading slash.
pub const DEFAULT: &str = "etc/baton/load.toml";

/// The settings. What the file doesn't name is as by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// The load route.
    #[serde(deserialize_with = "via")]
    pub via: Option<Via>,
    /// The gate.
    #[serde(deserialize_with = "file")]
    pub gate: Option<PathBuf>,
    /// The entry that is loaded if none is named.
    #[serde(deserialize_with = "name")]
    pub entry: Option<String>,
    /// The profile of UKIs.
    #[serde(deserialize_with = "name")]
    pub profile: Option<String>,
    /// Addons of UKIs.
    #[serde(deserialize_with = "files")]
    pub addon: Vec<PathBuf>,
    /// Parameters after all others on the command line of an entry.
    #[serde(deserialize_with = "parameters")]
    pub parameters: Vec<String>,
    /// Whether `baton exec` starts what is loaded although a device is known not to survive that.
    pub ignore_quirks: bool,
}

impl Settings {
    /// Reads a file, or the one at the default place if there is one.
    ///
    /// # Errors
    /// When it can't be read; names the line and the key of what is wrong in it.
    pub fn read(root: &Root, path: Option<&Path>) -> Result<Settings> {
        let (path, text) = match path {
            Some(path) => (path.to_owned(), read::given_text(path)?),
            None => match root.read_text(DEFAULT)? {
                Some(text) => (Path::new("/").join(DEFAULT), text),
                None => return Ok(Settings::default()),
            },
        };
        Ok(parse(&text).map_err(|error| LoadError::Settings {
            path,
            why: error.to_string(),
        })?)
    }
}

impl Settings {
    /// The options of a load, with the settings of the way to load where no option says so.
    #[must_use]
    pub fn complete(&self, options: &LoadOptions) -> LoadOptions {
        let mut options = options.clone();
        options.via = options.via.or(self.via);
        options.gate = options.gate.or_else(|| self.gate.clone());
        options
    }
}

/// Reads the settings from a text.
///
/// # Errors
/// Names the line and the key, what is wrong with the value, and the fix.
pub fn parse(text: &str) -> baton_toml::Result<Settings> {
    baton_toml::read(text)
}

type Read<'d, T, D> = std::result::Result<T, <D as Deserializer<'d>>::Error>;

fn via<'d, D: Deserializer<'d>>(deserializer: D) -> Read<'d, Option<Via>, D> {
    let text = String::deserialize(deserializer)?;
    match text.as_str() {
        "auto" => Ok(Some(Via::Auto)),
        "kernel" => Ok(Some(Via::Kernel)),
        "gate" => Ok(Some(Via::Gate)),
        _ => Err(must_be("\"auto\" or \"kernel\" or \"gate\"")),
    }
}

fn absolute<'d, D: Deserializer<'d>>(deserializer: D) -> Read<'d, PathBuf, D> {
    let is_absolute = |path: &str| path.starts_with('/');
    Ok(valid(deserializer, is_absolute, "an absolute path")?.into())
}

fn file<'d, D: Deserializer<'d>>(deserializer: D) -> Read<'d, Option<PathBuf>, D> {
    absolute(deserializer).map(Some)
}

fn files<'d, D: Deserializer<'d>>(deserializer: D) -> Read<'d, Vec<PathBuf>, D> {
    #[derive(Deserialize)]
    struct File(#[serde(deserialize_with = "absolute")] PathBuf);

    let files = Vec::<File>::deserialize(deserializer)?;
    Ok(files.into_iter().map(|it| it.0).collect())
}

fn name<'d, D: Deserializer<'d>>(deserializer: D) -> Read<'d, Option<String>, D> {
    let is_name = |text: &str| !text.is_empty();
    valid(deserializer, is_name, "a name").map(Some)
}

fn parameters<'d, D: Deserializer<'d>>(deserializer: D) -> Read<'d, Vec<String>, D> {
    #[derive(Deserialize)]
    struct Parameter(#[serde(deserialize_with = "parameter")] String);

    let parameters = Vec::<Parameter>::deserialize(deserializer)?;
    Ok(parameters.into_iter().map(|it| it.0).collect())
}

fn parameter<'d, D: Deserializer<'d>>(deserializer: D) -> Read<'d, String, D> {
    let is_one = |text: &str| !text.is_empty() && text != "--" && !text.contains(char::is_control);
    let what = "one kernel parameter, such as \"console=ttyS0\"";
    valid(deserializer, is_one, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_is_the_default() {
        assert_eq!(parse("").unwrap(), Settings::default());
    }

    #[test]
    fn everything_can_be_said() {
        let settings = parse(
            r#"
            via = "gate"
            gate = "/var/lib/baton/gate.efi"
            entry = "debian.conf"
            profile = "main"
            addon = ["/boot/addon.efi"]
            parameters = ["console=ttyS0", "quiet"]
            ignore-quirks = true
            "#,
        )
        .unwrap();
        assert_eq!(settings.via, Some(Via::Gate));
        assert_eq!(settings.parameters, ["console=ttyS0", "quiet"]);
        assert_eq!(settings.addon, [Path::new("/boot/addon.efi")]);
    }

    #[test]
    fn what_is_wrong_is_reported_in_one_sentence_with_its_line() {
        for (text, sentence) in [
            (
                "x = 1",
                "line 1: unknown key \"x\"; known here: via, gate, entry, profile, addon, parameters, ignore-quirks",
            ),
            (
                "via = \"grub\"",
                "line 1: via is \"grub\"; it must be \"auto\" or \"kernel\" or \"gate\"",
            ),
            (
                "ignore-quirks = 1",
                "line 1: ignore-quirks is 1; it must be true or false",
            ),
            (
                "gate = \"gate.efi\"",
                "line 1: gate is \"gate.efi\"; it must be an absolute path",
            ),
            ("entry = \"\"", "line 1: entry is \"\"; it must be a name"),
            (
                "addon = [\"a.efi\"]",
                "line 1: addon[0] is \"a.efi\"; it must be an absolute path",
            ),
            (
                "\nparameters = [\"--\"]",
                "line 2: parameters[0] is \"--\"; it must be one kernel parameter, such as \"console=ttyS0\"",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), sentence);
        }
    }
}
