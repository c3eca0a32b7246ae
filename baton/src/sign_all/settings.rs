//! What is signed, and with what: `/etc/baton/sign.toml`, which docs/signing.md describes.

use crate::failure::Result;
use crate::failure::sign::SignError;
use crate::input::read;
use crate::sign::args::{Hash, KeyArgs, KindOption};
use baton_toml::{TomlError, valid};
use serde::{Deserialize, Deserializer};
use std::path::{Path, PathBuf};

/// Where the file is if no other is named.
pub const DEFAULT: &str = "/etc/baton/sign.toml";

/// The settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub struct Settings {
    /// The private key.
    #[serde(deserialize_with = "key")]
    key: PathBuf,
    /// Its certificate.
    #[serde(default)]
    cert: Option<PathBuf>,
    /// Certificates between that and a trusted one.
    #[serde(default)]
    chain: Vec<PathBuf>,
    /// The file with the key's passphrase, or the token's PIN.
    #[serde(default)]
    passphrase_file: Option<PathBuf>,
    /// The hash to sign with.
    #[serde(default)]
    pub hash: Hash,
    /// What becomes of Authenticode signatures by others.
    #[serde(default)]
    pub existing: Others,
    /// Files that are signed where they are, as their format wants it.
    #[serde(default)]
    files: Vec<Pattern>,
    /// Files with settings of their own.
    #[serde(default)]
    file: Vec<Entry>,
}

/// Files that are signed alike.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub struct Entry {
    /// Which, with `*` and `?`.
    pub path: Pattern,
    /// Where the signature goes; as the format wants it if `None`.
    #[serde(default, rename = "as")]
    pub kind: Option<KindOption>,
    /// Where the result goes; where the file is if `None`.
    #[serde(default)]
    pub output: Option<PathBuf>,
}

/// What becomes of Authenticode signatures by others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Others {
    /// They stay, before the new one: whoever trusts a distribution goes on trusting its kernel.
    #[default]
    Append,
    /// They are dropped: the running kernel looks at the first one alone.
    Replace,
}

impl Settings {
    /// Reads a file.
    ///
    /// # Errors
    /// When it can't be read; names the line and the key of what is wrong in it.
    pub fn read(path: &Path) -> Result<Settings> {
        let text = read::given_text(path)?;
        let settings = parse(&text).map_err(|error| SignError::Config {
            path: path.to_owned(),
            why: error.to_string(),
        })?;
        Ok(settings)
    }

    /// Who signs.
    #[must_use]
    pub fn who(&self) -> KeyArgs {
        KeyArgs {
            key: Some(self.key.clone()),
            cert: self.cert.clone(),
            chain: self.chain.clone(),
            passphrase_file: self.passphrase_file.clone(),
        }
    }

    /// All that is listed.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        let plain = self.files.iter().map(|path| Entry {
            path: path.clone(),
            kind: None,
            output: None,
        });
        // What is said of one file counts before what is said of many.
        self.file.iter().cloned().chain(plain)
    }
}

fn parse(text: &str) -> std::result::Result<Settings, TomlError> {
    let settings: Settings = baton_toml::read(text)?;
    if settings.files.is_empty() && settings.file.is_empty() {
        let fix = "it lists nothing to sign; add files = [\"/boot/vmlinuz-*\"]";
        return Err(TomlError::new(fix));
    }
    Ok(settings)
}

/// A path, of which `*` and `?` may be parts. Hooks run in whatever directory.
#[derive(Debug, Clone, Deserialize)]
pub struct Pattern(#[serde(deserialize_with = "absolute")] pub String);

fn absolute<'d, D: Deserializer<'d>>(deserializer: D) -> std::result::Result<String, D::Error> {
    valid(
        deserializer,
        |path| path.starts_with('/'),
        "an absolute path",
    )
}

fn key<'d, D: Deserializer<'d>>(deserializer: D) -> std::result::Result<PathBuf, D::Error> {
    let is_key = |text: &str| text.starts_with('/') || text.starts_with("pkcs11:");
    let key = valid(deserializer, is_key, "an absolute path or a pkcs11: URI")?;
    Ok(key.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_listed_in_one_line_or_with_what_is_special_about_them() {
        let settings = parse(
            r#"
            key = "/k"
            cert = "/c"
            chain = ["/i"]
            hash = "sha384"
            existing = "replace"
            files = ["/boot/vmlinuz-*"]
            [[file]]
            path = "/usr/lib/baton/gate.unsigned"
            as = "authenticode"
            output = "/usr/lib/baton/gate.efi"
            "#,
        )
        .unwrap();
        let paths: Vec<_> = settings.entries().map(|it| it.path.0).collect();
        assert_eq!(paths, ["/usr/lib/baton/gate.unsigned", "/boot/vmlinuz-*"]);
        assert_eq!(settings.who().chain, [PathBuf::from("/i")]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, expected) in [
            ("key = \"k\"\nfiles = [\"/f\"]", "line 1: key is"),
            ("key = \"/k\"\nfiles = [\"f\"]", "an absolute path"),
            ("key = \"/k\"", "nothing to sign"),
            ("files = [\"/f\"]", "key"),
            (
                "key = \"/k\"\nfiles = [\"/f\"]\nhash = \"md5\"",
                "line 3: hash",
            ),
            (
                "key = \"/k\"\nfile = [{ path = \"/f\", kind = \"note\" }]",
                "kind",
            ),
        ] {
            let why = parse(text).unwrap_err().to_string();
            assert!(why.contains(expected), "{why}");
        }
    }
}
