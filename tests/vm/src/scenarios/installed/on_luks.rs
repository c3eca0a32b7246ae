//! A machine whose root file system is encrypted, on a logical volume, with Debian's kernel, which keeps no keys for a
//! capture: that is said when the capture is loaded, and the kernel log goes to /boot.

use anyhow::Result;
use baton_lab::debian::{ENCRYPTION, VOLUMES};

use super::console::Console;
use super::moved::{self, Place};

const PASSPHRASE: &str = "correct horse";

const ENCRYPTED: Place = Place {
    packages: &[VOLUMES, ENCRYPTION],
    made_by: &[
        "pvcreate -y $FIRST && vgcreate vg0 $FIRST && lvcreate -y -L 2600M -n crypt vg0",
        "printf 'correct horse' > /run/passphrase",
        "cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 /dev/vg0/crypt /run/passphrase",
        "cryptsetup open --key-file /run/passphrase /dev/vg0/crypt root_crypt",
        "echo root_crypt UUID=$(cryptsetup luksUUID /dev/vg0/crypt) none luks,initramfs > /etc/crypttab",
    ],
    root: "/dev/mapper/root_crypt",
};

/// The whole of it.
pub fn tell(console: &mut Console) -> Result<()> {
    moved::moves(console, &ENCRYPTED)?;
    is_unlocked(console)?;
    moved::sets_up(console)?;
    is_unlocked(console)?;
    is_told(console)?;
    console.chapter("A panic");
    console.leaves_by("echo c > /proc/sysrq-trigger")?;
    is_unlocked(console)?;
    console
        .runs("cat /boot/crash/*/dmesg.txt")?
        .says("sysrq triggered crash")?;
    console.leaves_by("poweroff")?;
    console.goes_off()
}

fn is_unlocked(console: &mut Console) -> Result<()> {
    console.unlocks("Please unlock disk root_crypt", PASSPHRASE)?;
    console.boots()?;
    console
        .runs("findmnt -no SOURCE /")?
        .is(ENCRYPTED.root)
        .map(drop)
}

/// What can't be captured, why, and what is.
fn is_told(console: &mut Console) -> Result<()> {
    console.chapter("What a crash would leave");
    console
        .ends_with(10, "baton crash status", &[])?
        .says("encrypted")?
        .says("/boot/crash")?;
    Ok(())
}
