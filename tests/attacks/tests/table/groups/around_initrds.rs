//! Parameters by which something else runs than the initrd that was signed.

use baton_attacks::Group;
use baton_verify::Component;

use crate::bases::must_be_signed;
use crate::case::{Case, Cases};

macro_rules! denied {
    ($all:ident, $name:literal, $line:literal) => {
        $all.refused(
            $name,
            must_be_signed,
            |it| it.line = Vec::from($line),
            Component::CommandLine,
            "parameter-denied",
        );
    };
}

pub fn cases() -> Vec<Case> {
    let mut all = Cases::of(Group::CommandLine);
    denied!(
        all,
        "the signed initrd unpacked to a tmpfs of 4 KiB, so that the init of root= runs",
        b"root=/dev/sda2 rootfstype=ext4,tmpfs initramfs_options=size=4k"
    );
    denied!(
        all,
        "the same by a tmpfs that ends at half of little memory",
        b"mem=256M root=/dev/sda2 rootfstype=ext4,tmpfs"
    );
    denied!(
        all,
        "the same by a name that has tmpfs in it, which is all that Linux looks for",
        b"mem=256M root=/dev/sda2 rootfstype=notmpfs"
    );
    all.made
}
