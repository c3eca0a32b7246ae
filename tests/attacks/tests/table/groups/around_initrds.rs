//! Parameters by which something else runs than the initrd that was signed.

use baton_attacks::Group;
use baton_verify::Component;

use crate::bases::must_be_signed;
use crate::case::{Case, Cases};

/// Denied parameters: the name; the command line.
macro_rules! denied {
    ($all:ident; $($name:literal: $line:literal;)*) => {$(
        $all.refused(
            $name,
            must_be_signed,
            |it| it.line = Vec::from($line),
            Component::CommandLine,
            "parameter-denied",
        );
    )*};
}

pub fn cases() -> Vec<Case> {
    let mut all = Cases::of(Group::CommandLine);
    denied! { all;
        "the signed initrd unpacked to a tmpfs of 4 KiB, so that the init of root= runs":
            b"root=/dev/sda2 rootfstype=ext4,tmpfs initramfs_options=size=4k";
        "the same by a tmpfs that ends at half of little memory":
            b"mem=256M root=/dev/sda2 rootfstype=ext4,tmpfs";
        "the same by a name that has tmpfs in it, which is all that Linux looks for":
            b"mem=256M root=/dev/sda2 rootfstype=notmpfs";
        "a shell in the initrd by dracut's older name for it":
            b"rdbreak=cmdline";
        "a root shell as a unit that is wanted besides":
            b"rd.systemd.wants=debug-shell.service";
        "the same as the unit in the place of the target":
            b"systemd.unit=debug-shell.service";
        "parameters that dracut asks for on the console":
            b"rd.cmdline=ask";
        "another command line for systemd, in its environment":
            b"SYSTEMD_PROC_CMDLINE=systemd.debug_shell";
        "a variable of systemd's by a parameter":
            b"systemd.setenv=SYSTEMD_SULOGIN_FORCE=1";
        "a file system over the initrd's units":
            b"rd.systemd.mount-extra=/dev/sda2:/etc/systemd:ext4:ro";
        "an option of systemd's among the parameters":
            b"quiet --crash-shell";
    }
    refused! { all;
        "an option of systemd's behind --":
            must_be_signed, |it| it.line = b"quiet -- --unit=debug-shell.service".to_vec()
                => Component::CommandLine, "parameter-for-init";
    }
    all.made
}
