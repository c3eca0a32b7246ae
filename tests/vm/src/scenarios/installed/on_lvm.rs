//! A machine whose root file system is on a logical volume, as many distributions install it: dumps go there.

use anyhow::Result;
use baton_lab::debian::VOLUMES;

use super::console::Console;
use super::moved::{self, Place};

const VOLUME: Place = Place {
    packages: &[VOLUMES],
    made_by: &[
        "pvcreate -y $FIRST && vgcreate vg0 $FIRST",
        "lvcreate -y -L 2500M -n root vg0",
    ],
    root: "/dev/mapper/vg0-root",
};

/// The whole of it.
pub fn tell(console: &mut Console) -> Result<()> {
    moved::moves(console, &VOLUME)?;
    console.boots()?;
    moved::sets_up(console)?;
    console.boots()?;
    console
        .runs("baton crash status")?
        .says("captured      yes")?
        .says("vg0-root is linear on ")?
        .says("in the volume group vg0")?;
    changes_the_group(console)?;
    moved::captures_a_crash(console)?.says("vg0-root is set up")?;
    moved::reads_the_dump(console)?;
    console.leaves_by("poweroff")?;
    console.goes_off()
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
