//! A choice for the next boot only, forgotten as the boot loader would forget it: systemd-boot deletes its variable, and
//! GRUB's script empties its own, before they start what was chosen. A kexec that starts it goes past both.

use super::find::{GRUB, LOADER, ONE_SHOT, variable};
use super::grub::variables::Variables;
use crate::failure::{Attempt, IoError, Result};
use baton_sys::{Root, efivars};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;

/// Such a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "by", content = "value", rename_all = "kebab-case")]
pub enum Once {
    /// The EFI variable LoaderEntryOneShot has this value (`bootctl set-oneshot`).
    LoaderEntryOneShot(String),
    /// `next_entry` of grubenv has this value (`grub-reboot`).
    NextEntry(String),
}

impl fmt::Display for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Once::LoaderEntryOneShot(value) => write!(f, "LoaderEntryOneShot is \"{value}\""),
            Once::NextEntry(value) => write!(f, "next_entry of grubenv is \"{value}\""),
        }
    }
}

impl Once {
    /// Forgets it, unless another one took its place since.
    ///
    /// # Errors
    /// When it can't be removed.
    pub fn forget(&self, root: &Root) -> Result<()> {
        match self {
            Once::LoaderEntryOneShot(value) => {
                if variable(root, ONE_SHOT).as_ref() == Some(value) {
                    let removed = efivars::remove(root, ONE_SHOT, LOADER);
                    let path = root.join(efivars::path(ONE_SHOT, LOADER));
                    removed.map_err(|error| IoError::new(Attempt::Remove, &path, error))?;
                }
                Ok(())
            }
            Once::NextEntry(value) => GRUB
                .iter()
                .map(|directory| format!("{directory}/grubenv"))
                .try_for_each(|path| forget_in(root, &path, value)),
        }
    }
}

/// Writes the file anew where it lies, at its length, since GRUB itself writes to the blocks that it has.
fn forget_in(root: &Root, path: &str, value: &str) -> Result<()> {
    let Some(block) = root.read(path)? else {
        return Ok(());
    };
    let Some(without) = without_next_entry(&block, value) else {
        return Ok(());
    };
    let path = root.join(path);
    let write = || -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(&path)?;
        file.write_all_at(&without, 0)?;
        file.sync_all()
    };
    write().map_err(|error| IoError::new(Attempt::Write, &path, error).into())
}

/// An environment block whose `next_entry` is nothing, as `save_env` leaves it; `None` if it isn't this value. The block
/// keeps its length, filled up with `#` (grub_envblk_set in GRUB's lib/envblk.c).
fn without_next_entry(block: &[u8], value: &str) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(block).ok()?;
    if Variables::of_environment(text).get("next_entry") != Some(value) {
        return None;
    }
    let is_it = |line: &&str| line.starts_with("next_entry=");
    let mut left: Vec<u8> = Vec::with_capacity(block.len());
    for line in text.split_inclusive('\n') {
        let line = if is_it(&line) { "next_entry=\n" } else { line };
        left.extend(line.as_bytes());
    }
    left.resize(block.len().max(left.len()), b'#');
    Some(left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::fake::Fake;

    fn block(text: &str) -> Vec<u8> {
        let mut block = format!("# GRUB Environment Block\n{text}").into_bytes();
        block.resize(1024, b'#');
        block
    }

    #[test]
    fn grubs_choice_is_emptied_and_all_else_stays() {
        let fake = Fake::new().file(
            "boot/grub/grubenv",
            block("saved_entry=0\nnext_entry=1>2\nrecordfail=1\n"),
        );
        let once = Once::NextEntry("1>2".to_owned());
        once.forget(&fake.root()).unwrap();
        let expected = block("saved_entry=0\nnext_entry=\nrecordfail=1\n");
        let written = || std::fs::read(fake.path("boot/grub/grubenv")).unwrap();
        assert_eq!(written(), expected);
        once.forget(&fake.root()).unwrap();
        assert_eq!(written(), expected);
    }

    #[test]
    fn another_choice_made_since_is_kept() {
        let other = block("next_entry=other\n");
        let fake = Fake::new().file("boot/grub2/grubenv", &other);
        let once = Once::NextEntry("1>2".to_owned());
        once.forget(&fake.root()).unwrap();
        assert_eq!(
            std::fs::read(fake.path("boot/grub2/grubenv")).unwrap(),
            other
        );
    }

    #[test]
    fn systemd_boots_choice_is_removed_with_its_variable() {
        let path = format!("sys/firmware/efi/efivars/{ONE_SHOT}-{LOADER}");
        let mut bytes = vec![7, 0, 0, 0];
        bytes.extend("a.conf\0".encode_utf16().flat_map(u16::to_le_bytes));
        let fake = Fake::new().file(&path, &bytes);
        let once = |id: &str| Once::LoaderEntryOneShot(id.to_owned());
        once("b.conf").forget(&fake.root()).unwrap();
        assert!(fake.path(&path).exists());
        once("a.conf").forget(&fake.root()).unwrap();
        assert!(!fake.path(&path).exists());
        once("a.conf").forget(&fake.root()).unwrap();
    }
}
