//! Baton on Debian as it is installed: what its administrator types, from the packages to their removal, and what is to be
//! seen there. They take minutes, so that the long matrix alone has them.

mod console;
mod drop_in;
mod moved;
mod on_array;
mod on_luks;
mod on_lvm;
mod story;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use baton_guest::script::Script;
use baton_lab::debian::{Installed, RELEASES, Release, machine, medium};
use baton_lab::fetch::cache::Cache;
use baton_lab::setup::Lab;
use baton_lab::vm::terminal::Terminal;

use crate::scenario::Scenario;
use console::Console;

/// What is typed, and what must be seen.
type Story = fn(&mut Console) -> Result<()>;

/// Enough for a busy host that emulates.
const LIMIT: u64 = 5400;

pub fn all() -> Vec<Scenario> {
    let lived_with = RELEASES
        .iter()
        .map(|release| told("guest", *release, story::tell));
    lived_with
        .chain([
            told("drop-in", RELEASES[0], drop_in::tell),
            told("on-lvm", RELEASES[0], on_lvm::tell),
            told("on-lvm", RELEASES[1], on_lvm::tell),
            told("on-array", RELEASES[1], on_array::tell),
            told("on-luks", RELEASES[1], on_luks::tell),
        ])
        .collect()
}

/// A story that is told at the console of a release's machine.
fn told(what: &str, release: Release, story: Story) -> Scenario {
    let name = format!("{what}-{}", release.name);
    Scenario::new(name, Script::default(), |_| Ok(()))
        .within(LIMIT)
        .typed(move |lab, directory, limit| tell(story, release, lab, directory, limit))
        .only_in_full()
}

fn tell(
    story: Story,
    release: Release,
    lab: &Lab,
    directory: &Path,
    limit: Duration,
) -> Result<()> {
    let cache = Cache::open()?;
    let system = Installed::make(&cache, release, lab.kvm)?;
    let packages = medium::packages(&cache, &baton_xtask::root()?)?;
    let medium = medium::make(&packages, &system.later, directory)?;
    let machine = machine::under_secure_boot(&lab.packages, &system, &medium, directory, lab.kvm)?;
    let mut console = Console::new(Terminal::start(machine, directory, limit)?);
    let told = story(&mut console);
    // The transcript is of use above all where the story ended early.
    console.keep(directory)?;
    told
}
