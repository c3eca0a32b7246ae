//! A machine whose root file system is on a logical volume, as many distributions install it: dumps go there.

use anyhow::Result;
use baton_lab::debian::{VOLUMES, machine::SPARE};

use super::console::Console;

/// What is chosen for MokManager.
const PASSWORD: &str = "bcdfghjk";

/// The volume with the root file system.
const ROOT: &str = "/dev/mapper/vg0-root";

/// The whole of it.
pub fn tell(console: &mut Console) -> Result<()> {
    moves_to_a_volume(console)?;
    sets_up(console)?;
    changes_the_group(console)?;
    captures_a_crash(console)?;
    console.leaves_by("poweroff")?;
    console.goes_off()
}

/// /boot stays where GRUB finds it, and is bound to its place.
fn moves_to_a_volume(console: &mut Console) -> Result<()> {
    console.chapter("A system that moves to a logical volume");
    console.boots()?;
    console.runs("cd /mnt && apt-get -qq update")?;
    console.runs(&format!("apt-get -y install {VOLUMES}"))?;
    let disk = console.runs(&format!("readlink -f /dev/disk/by-id/nvme-*_{SPARE}"))?;
    let disk = disk.line();
    console.runs(&format!("pvcreate -y {disk} && vgcreate vg0 {disk}"))?;
    console.runs("lvcreate -y -L 2500M -n root vg0")?;
    console.runs(&format!("mkfs.ext4 -q {ROOT} && mount {ROOT} /media"))?;
    // The initrd brings LVM's programs along from here on.
    console.runs("update-initramfs -u")?;
    console.runs("cp -ax /. /media && mkdir /media/old")?;
    let lines = format!("{ROOT} / ext4 defaults 0 1\\n/old/boot /boot none bind 0 0\\n");
    console.runs(&format!(
        "sed -i -e 's, / ext4 , /old ext4 ,' -e '1i {lines}' /media/etc/fstab && cat /media/etc/fstab"
    ))?;
    console.runs(&format!(
        "sed -i 's,root=UUID=[^ ]*,root={ROOT},' /boot/grub/grub.cfg"
    ))?;
    console.runs("umount /media")?;
    console.leaves_by("reboot")?;
    console.boots()?;
    console.runs("findmnt -no SOURCE /")?.is(ROOT).map(drop)
}

fn sets_up(console: &mut Console) -> Result<()> {
    console.chapter("Baton, and memory for a crash kernel");
    console.runs("cd /mnt && apt-get -qq update && apt-get -y install ./baton.deb")?;
    let answers = [
        ("input password: ", PASSWORD),
        ("input password again: ", PASSWORD),
    ];
    console.answers("baton setup --yes --crashkernel", &answers)?;
    console.leaves_by("baton exec --real-reboot")?;
    console.confirms_key(PASSWORD)?;
    console.boots()?;
    console.runs("findmnt -no SOURCE /")?.is(ROOT)?;
    console
        .runs("baton crash status")?
        .says("captured      yes")?
        .says("vg0-root is linear on ")?
        .says("in the volume group vg0")?;
    Ok(())
}

/// udev loads a capture again that knows the group as it is now.
fn changes_the_group(console: &mut Console) -> Result<()> {
    console.chapter("A volume is added");
    console.runs("lvcreate -y -L 16M -n other vg0")?;
    console.runs(
        "udevadm settle; for try in $(seq 60); do baton crash status >/dev/null && break; sleep 1; done; baton crash status",
    )?
    .says("captured      yes")?;
    console.runs("vgs --noheadings -o seqno vg0")?;
    console.runs("journalctl -u baton-crash.service --no-pager | tail -n 20")?;
    Ok(())
}

fn captures_a_crash(console: &mut Console) -> Result<()> {
    console.chapter("A panic");
    console.leaves_by("echo c > /proc/sysrq-trigger")?;
    console
        .boots()?
        .says("vg0-root is set up")?
        .says("baton-capture: the dump is complete")?;
    console
        .runs("baton dump info /var/crash")?
        .says("sysrq triggered crash")?
        .says("complete       yes")?;
    console.runs("baton dump check /var/crash")?;
    Ok(())
}
