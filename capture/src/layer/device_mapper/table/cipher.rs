//! How a range is encrypted (Documentation/admin-guide/device-mapper/dm-crypt.rst), without its key: that is in a keyring,
//! and only called by its name here.

use std::fmt;
use std::str::FromStr;

/// How a range is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cipher {
    /// The cipher, its mode and how initial vectors are made, such as `aes-xts-plain64`.
    pub name: String,
    /// The key.
    pub key: Key,
    /// What is added to a sector's number to make its initial vector.
    pub iv_offset: u64,
    /// Further words.
    pub options: Vec<String>,
}

/// A key in a keyring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its length in bytes.
    pub size: u32,
    /// Its type.
    pub kind: KeyKind,
    /// Its name.
    pub description: Description,
}

/// The types of keys that both user space and the kernel can put into a keyring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// One that user space can't read.
    Logon,
    /// One that it can read, as the kernel makes them after a crash (add_key_to_keyring of kernel/crash_dump_dm_crypt.c).
    User,
}

/// The name of a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Description(String);

/// Why an encrypted range can't be set up. None has a key in it, or anything that could be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CipherError {
    /// The key is in the table itself.
    #[error(
        "its key is in its table and in no keyring, so that the kernel can't keep it for a capture"
    )]
    PlainKey,
    /// The key is of a type that the kernel doesn't keep.
    #[error(
        "its key is of a type that the kernel doesn't keep for a capture, which does so with those of the type logon"
    )]
    KeyKind,
    /// The key's name is too long, or has characters that tables have no room for.
    #[error(
        "the name of its key isn't one of up to {LONGEST} letters, digits and other visible characters"
    )]
    Description,
    /// It has an option that isn't known here.
    #[error("it is encrypted with an option that a capture doesn't know")]
    Option,
    /// Its parameters aren't written as they must be.
    #[error("the parameters of its encryption make no sense")]
    Form,
}

/// The longest name that the kernel keeps whole (KEY_DESC_MAX_LEN of kernel/crash_dump_dm_crypt.c, with a zero byte).
const LONGEST: usize = 127;

impl Description {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Description {
    type Error = CipherError;

    fn try_from(text: String) -> Result<Description, CipherError> {
        // A table is split at spaces, except after a backslash (dm_split_args of drivers/md/dm-table.c).
        let is_allowed = |c: char| c.is_ascii_graphic() && c != '\\';
        if (1..=LONGEST).contains(&text.len()) && text.chars().all(is_allowed) {
            Ok(Description(text))
        } else {
            Err(CipherError::Description)
        }
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl KeyKind {
    fn name(self) -> &'static str {
        match self {
            KeyKind::Logon => "logon",
            KeyKind::User => "user",
        }
    }
}

impl FromStr for Key {
    type Err = CipherError;

    /// A key as tables name it: `:SIZE:TYPE:DESCRIPTION`.
    fn from_str(text: &str) -> Result<Key, CipherError> {
        let named = text.strip_prefix(':').ok_or(CipherError::PlainKey)?;
        let (size, named) = named.split_once(':').ok_or(CipherError::Form)?;
        let (kind, description) = named.split_once(':').ok_or(CipherError::Form)?;
        let mut kinds = [KeyKind::Logon, KeyKind::User].into_iter();
        let kind = kinds.find(|it| it.name() == kind);
        let size = super::number(size).and_then(|size| u32::try_from(size).ok());
        Ok(Key {
            size: size.ok_or(CipherError::Form)?,
            kind: kind.ok_or(CipherError::KeyKind)?,
            description: description.to_owned().try_into()?,
        })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (size, kind) = (self.size, self.kind.name());
        write!(f, ":{size}:{kind}:{}", self.description)
    }
}

impl Cipher {
    /// What `words` say, but for the device and the place there: `NAME KEY IV_OFFSET … [COUNT OPTION…]`.
    ///
    /// # Errors
    /// When they aren't written so, or the key can't be kept.
    pub fn parse(
        name: &str,
        key: &str,
        iv_offset: &str,
        options: &[&str],
    ) -> Result<Cipher, CipherError> {
        // First, so that whatever may be a key is judged alone.
        let key = key.parse()?;
        let options = match options {
            [] => &[],
            [count, options @ ..] if super::number(count) == Some(options.len() as u64) => options,
            _ => return Err(CipherError::Form),
        };
        if !options.iter().all(|option| is_known(option)) {
            return Err(CipherError::Option);
        }
        Ok(Cipher {
            name: name.to_owned(),
            key,
            iv_offset: super::number(iv_offset).ok_or(CipherError::Form)?,
            options: options.iter().map(|it| (*it).to_owned()).collect(),
        })
    }

    /// The names of the kernel's algorithms that it needs: of the cipher and its mode, and of what makes initial vectors.
    /// Names of which there is no algorithm of its own (`plain64`) are among them.
    pub fn algorithms(&self) -> impl Iterator<Item = &str> {
        let name = self.name.strip_prefix("capi:").unwrap_or(&self.name);
        let words = name.split(['-', ':', '(', ')', ',']);
        words.filter(|word| !word.is_empty())
    }
}

/// The options of crypt_ctr_optional (drivers/md/dm-crypt.c), except those of authenticated encryption, which needs a
/// volume of dm-integrity below.
fn is_known(option: &str) -> bool {
    const KNOWN: [&str; 7] = [
        "allow_discards",
        "same_cpu_crypt",
        "high_priority",
        "submit_from_crypt_cpus",
        "no_read_workqueue",
        "no_write_workqueue",
        "iv_large_sectors",
    ];
    let size = option.strip_prefix("sector_size:");
    KNOWN.contains(&option) || size.is_some_and(|size| super::number(size).is_some())
}
