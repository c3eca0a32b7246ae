//! Unified kernel images, as ukify makes them of Debian's kernels.

use fs_err as fs;
use std::process::Command;

use anyhow::Result;

use super::making::Making;
use crate::fetch::extras::Extras;
use crate::fetch::packages::{Kernel, MAIN};
use crate::{exec, machine};

/// `ID=` of the second profile.
pub const PROFILE: &str = "other";
/// What the second profile's command line has besides.
pub const PROFILE_CMDLINE: &str = "baton.profile=other";
/// What the addon adds to the command line.
pub const ADDON_CMDLINE: &str = "baton.addon=1";

/// Adds `uki/LABEL.efi`, `uki/profiles.efi` and `uki/cmdline.addon.efi`.
pub(super) fn add(making: &Making) -> Result<()> {
    let directory = making.directory("uki")?;
    let Making {
        packages, extras, ..
    } = making;
    let write = |ukify: &mut Command, name: &str| -> Result<()> {
        let bare = directory.join(name).with_extension("bare");
        exec::run(ukify.arg("--output").arg(&bare))?;
        making
            .signer
            .sign("authenticode", &bare, &directory.join(name))?;
        Ok(fs::remove_file(bare)?)
    };
    for kernel in &packages.kernels {
        write(&mut of(making, kernel), &format!("{}.efi", kernel.label))?;
    }
    let other = directory.join("other.profile");
    exec::run(
        arguments_alone(
            extras,
            &format!("{} {PROFILE_CMDLINE}", machine::cmdline(2)),
        )
        .args([
            "--profile",
            &format!("ID={PROFILE}\nTITLE=Another command line"),
        ])
        .arg("--output")
        .arg(&other),
    )?;
    let mut profiles = of(making, packages.kernel(MAIN)?);
    profiles.args(["--profile", "ID=main\nTITLE=As usual", "--join-profile"]);
    write(profiles.arg(&other), "profiles.efi")?;
    fs::remove_file(other)?;
    write(
        &mut arguments_alone(extras, ADDON_CMDLINE),
        "cmdline.addon.efi",
    )
}

/// A kernel with our initrd for it, and the command line of stage 2.
fn of(making: &Making, kernel: &Kernel) -> Command {
    let extras = making.extras;
    let mut ukify = extras.ukify();
    ukify.arg("build").arg("--stub").arg(extras.uki_stub());
    ukify.arg("--linux").arg(&kernel.image);
    ukify.arg("--initrd").arg(making.initrd(kernel));
    ukify.args([
        "--cmdline",
        &machine::cmdline(2),
        "--uname",
        &kernel.release,
    ]);
    ukify.args(["--os-release", "ID=baton-test\nNAME=\"Baton test\"\n"]);
    ukify
}

/// No kernel, only a command line.
fn arguments_alone(extras: &Extras, cmdline: &str) -> Command {
    let mut ukify = extras.ukify();
    ukify.arg("build").arg("--stub").arg(extras.addon_stub());
    ukify.args(["--cmdline", cmdline]);
    ukify
}
