//! What the stories of machines have in common whose root file system moves to other storage.

use anyhow::Result;
use baton_lab::debian::machine::SPARES;

use super::console::{Console, Said};

/// What is chosen for MokManager.
const PASSWORD: &str = "bcdfghjk";

/// Where the root file system goes.
pub struct Place {
    /// Debian's packages that make it.
    pub packages: &'static [&'static str],
    /// The commands that do, with two disks that nothing is on, `$FIRST` and `$SECOND`.
    pub made_by: &'static [&'static str],
    /// The device.
    pub root: &'static str,
}

/// A system moves its root file system, and reboots. /boot stays where GRUB finds it, and is bound to its place.
pub fn moves(console: &mut Console, place: &Place) -> Result<()> {
    let Place {
        packages,
        made_by,
        root,
    } = place;
    console.chapter("A system that moves its root file system");
    console.boots()?;
    console.runs("cd /mnt && apt-get -qq update")?;
    console.runs(&format!("apt-get -y install {}", packages.join(" ")))?;
    for (name, serial) in ["FIRST", "SECOND"].into_iter().zip(SPARES) {
        console.runs(&format!(
            "{name}=$(readlink -f /dev/disk/by-id/nvme-*_{serial})"
        ))?;
    }
    for command in *made_by {
        console.runs(command)?;
    }
    console.runs(&format!("mkfs.ext4 -q {root} && mount {root} /media"))?;
    // The initrd brings the programs along that set it up, from here on.
    console.runs("update-initramfs -u")?;
    console.runs("cp -ax /. /media && mkdir /media/old")?;
    let lines = format!("{root} / ext4 defaults 0 1\\n/old/boot /boot none bind 0 0\\n");
    console.runs(&format!(
        "sed -i -e 's, / ext4 , /old ext4 ,' -e '1i {lines}' /media/etc/fstab && cat /media/etc/fstab"
    ))?;
    console.runs(&format!(
        "sed -i 's,root=UUID=[^ ]*,root={root},' /boot/grub/grub.cfg"
    ))?;
    console.runs("umount /media")?;
    console.leaves_by("reboot")
}

/// Baton is installed and set up, the machine's key is enrolled, and the machine boots again.
pub fn sets_up(console: &mut Console) -> Result<()> {
    console.chapter("Baton, and memory for a crash kernel");
    console.runs("cd /mnt && apt-get -qq update && apt-get -y install ./baton.deb")?;
    let answers = [
        ("input password: ", PASSWORD),
        ("input password again: ", PASSWORD),
    ];
    console.answers("baton setup --yes --crashkernel", &answers)?;
    console.leaves_by("baton exec --real-reboot")?;
    console.confirms_key(PASSWORD)
}

/// The machine panics, and boots again: what was said until then.
pub fn captures_a_crash(console: &mut Console) -> Result<Said> {
    console.chapter("A panic");
    console.leaves_by("echo c > /proc/sysrq-trigger")?;
    console.boots()?.says("baton-capture: the dump is complete")
}

/// The dump is there, and is complete.
pub fn reads_the_dump(console: &mut Console) -> Result<()> {
    console
        .runs("baton dump info /var/crash")?
        .says("sysrq triggered crash")?
        .says("complete       yes")?;
    console.runs("baton dump check /var/crash")?;
    Ok(())
}
