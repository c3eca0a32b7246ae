//! A machine whose root file system is on two disks that mirror each other: dumps go there, also after one is gone.

use anyhow::Result;
use baton_lab::debian::ARRAYS;

use super::console::Console;
use super::moved::{self, Place};

const ARRAY: Place = Place {
    packages: &[ARRAYS],
    made_by: &[
        "yes | mdadm --create /dev/md0 --level=1 --raid-devices=2 --homehost=any --assume-clean $FIRST $SECOND",
        "mdadm --detail --scan >> /etc/mdadm/mdadm.conf && cat /etc/mdadm/mdadm.conf",
    ],
    root: "/dev/md0",
};

/// The whole of it.
pub fn tell(console: &mut Console) -> Result<()> {
    moved::moves(console, &ARRAY)?;
    console.boots()?;
    moved::sets_up(console)?;
    console.boots()?;
    console
        .runs("baton crash status")?
        .says("captured      yes")?
        .says("md0 is raid1 on ")?;
    loses_a_disk(console)?;
    moved::captures_a_crash(console)?
        .says("the array md0 goes without ")?
        .says("md0 is set up")?;
    moved::reads_the_dump(console)?;
    console.leaves_by("poweroff")?;
    console.goes_off()
}

/// The kernel tells nobody, so that nothing is loaded again; what is loaded goes without the disk.
fn loses_a_disk(console: &mut Console) -> Result<()> {
    console.chapter("A disk fails");
    console.runs(
        "disk=$(readlink -f /dev/disk/by-id/nvme-*_spare-1); mdadm /dev/md0 --fail $disk --remove $disk",
    )?;
    console
        .ends_with(10, "baton crash status", &[])?
        .says("of which 1 more are missing (degraded)")?
        .says("what is loaded is out of date: array md0")?;
    Ok(())
}
