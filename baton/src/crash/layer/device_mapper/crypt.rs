//! Encrypted volumes (dm-crypt) of LUKS, whose key the kernel keeps for a capture.

use crate::crash::needs::Needs;
use crate::crash::probe;
use crate::failure::problem::Problem;
use baton_capture::layer::device_mapper::{Cipher, Key, KeyKind};
use baton_capture::probe::luks::LuksId;
use baton_sys::block::BlockDevice;
use baton_sys::{ReadError, Root, crash_keys};
use std::io;

/// Why an encrypted volume can't be set up after a crash, and what helps.
pub type Refusal = (String, &'static str);

/// The identifier in the header on a volume's device. `uuid` is the volume's own, as cryptsetup makes it
/// (dm_prepare_uuid of lib/libdevmapper.c): `CRYPT-LUKS2-IDENTIFIER-NAME`, the identifier without its dashes.
pub fn header(root: &Root, device: &BlockDevice, uuid: &str) -> Result<LuksId, Refusal> {
    let name = &device.name;
    let Some(found) = probe::luks(root, device) else {
        let why = format!("{name} can't be read to find its LUKS header");
        return Err((why, "check the disk"));
    };
    let own = uuid.split('-').nth(2).unwrap_or_default();
    match found {
        Some(id) if id.as_str().replace('-', "") == own => Ok(id),
        _ => {
            let why = format!(
                "its LUKS header isn't on {name}, and so nothing shows after a crash whether it was made anew"
            );
            Err((why, NO_HEADER))
        }
    }
}

/// The key of the volume with this identifier, as the capture will find it. It is the one of this size that has the
/// identifier in its name.
pub fn key(root: &Root, luks: &LuksId, size: u32) -> Result<Result<Key, Refusal>, ReadError> {
    let mut keys = crash_keys::all(root)?;
    keys.retain(|key| {
        key.size == size && key.description.to_ascii_lowercase().contains(luks.as_str())
    });
    keys.sort_by(|one, other| one.description.cmp(&other.description));
    let mut last = None;
    for key in keys {
        match crash_keys::check(root, &key.description) {
            Ok(()) => return Ok(kept(key.description, size)),
            Err(error) => last = Some((key.description, error)),
        }
    }
    Ok(Err((missing(luks, last), LINK)))
}

fn kept(description: String, size: u32) -> Result<Key, Refusal> {
    Ok(Key {
        size,
        kind: KeyKind::User,
        description: description
            .try_into()
            .map_err(|error| (format!("{error}"), LINK))?,
    })
}

fn missing(luks: &LuksId, last: Option<(String, io::Error)>) -> String {
    match last {
        None => format!(
            "its key isn't there for the kernel to keep: no key of the type logon has {luks} in its name"
        ),
        Some((key, error)) => format!("its key {key} can't be used: {error}"),
    }
}

/// Adds the modules that decrypt.
pub fn require(cipher: &Cipher, volume: &str, needs: &mut Needs<'_>) -> Result<(), Problem> {
    let purpose = format!("to decrypt {volume}");
    needs.option("CRASH_DM_CRYPT", &purpose)?;
    needs.must("dm_crypt", &purpose)?;
    // The kernel would call modprobe for these, which isn't in the initramfs: what restores the keys, and what algorithms
    // are made of.
    for module in ["configfs", "cryptomgr", "crypto-ecb"] {
        needs.add(module);
    }
    for algorithm in cipher.algorithms() {
        let alias = format!("crypto-{algorithm}");
        if NO_ALGORITHMS.contains(&algorithm) {
            continue;
        }
        needs.must(&alias, &purpose)?;
    }
    Ok(())
}

/// What makes initial vectors without an algorithm of its own (crypt_ctr_ivmode of drivers/md/dm-crypt.c).
const NO_ALGORITHMS: [&str; 10] = [
    "plain",
    "plain64",
    "plain64be",
    "benbi",
    "null",
    "eboiv",
    "elephant",
    "lmk",
    "tcw",
    "random",
];

pub const NO_KERNEL: &str = "run a kernel of 6.16 or later that is built with CONFIG_CRASH_DM_CRYPT and has configfs mounted, or name a target that isn't encrypted, or at least a place for the kernel log ([log] in crash.toml; by default /boot/crash, where /boot is a file system of its own)";
pub const NO_KEY: &str = "make it a LUKS volume, or name a target that isn't encrypted";
const NO_HEADER: &str = "lay the header on the device itself, or name another target";
const LINK: &str = "with cryptsetup 2.7 or later, link it by `cryptsetup open --test-passphrase --link-vk-to-keyring @u::%logon:cryptsetup:UUID DEVICE`, or, with systemd 256 or later, at each start by the option link-volume-key=@u::%logon:cryptsetup:UUID in /etc/crypttab";

#[cfg(test)]
mod tests;
