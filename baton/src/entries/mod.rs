//! What this machine's boot loaders could start: the entries that `baton load` can load by name.
//!
//! ```text
//! loader/entries/*.conf ─ bls ──┐
//! EFI/Linux/*.efi ─────── uki ──┤
//! grub.cfg ───────────── grub ──┼─▶ find ─ order ─ default ─▶ entries
//! /boot/vmlinuz-* ────── plain ─┘
//! ```
//!
//! The parsers take text or bytes and are pure; `find`, `place`, `current` and `once` alone look at the machine. An entry that can't be
//! loaded is listed with its reason.

pub mod args;
pub mod bls;
pub mod current;
pub mod default;
pub mod filesystem;
pub mod find;
pub mod grub;
pub mod once;
pub mod order;
pub mod place;
pub mod plain;
pub mod run;
pub mod text;
pub mod uki;

#[cfg(test)]
mod tests;

use once::Once;
use order::Rank;
use serde::Serialize;
use std::path::PathBuf;

/// Where an entry is from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A file in `loader/entries` (type 1 of the Boot Loader Specification).
    #[default]
    Bls,
    /// A UKI in `EFI/Linux` (type 2).
    Uki,
    /// GRUB's menu.
    Grub,
    /// A kernel in `/boot` that nothing else names.
    Plain,
}

/// What can be started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Entry {
    /// What it is called.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// The kernel's version, as far as it is known.
    pub version: Option<String>,
    /// Where it is from.
    pub kind: Kind,
    /// The file that says so.
    pub source: PathBuf,
    /// The kernel; `None` if the entry names none, or not one of this machine's.
    pub kernel: Option<PathBuf>,
    /// The initrds, in their order.
    pub initrds: Vec<PathBuf>,
    /// The command line; `None`: as the UKI says.
    pub cmdline: Option<String>,
    /// Whether the kernel is a UKI.
    pub is_uki: bool,
    /// The number of a UKI's profile.
    pub profile: u32,
    /// How many more times its boot loader tries it; `None` if that isn't counted.
    pub tries_left: Option<u32>,
    /// Whether this machine boots it if nobody chooses.
    pub is_default: bool,
    /// Whether it is what is running, as far as that can be told.
    pub is_running: bool,
    /// Whether its boot loader passes over it: it is for another machine, or its kernel isn't there.
    #[serde(skip)]
    pub is_passed_over: bool,
    /// Why it can't be loaded.
    pub problem: Option<String>,
    /// Other names that it goes by: GRUB's title and path.
    #[serde(skip)]
    pub aliases: Vec<String>,
    /// What its place is determined by.
    #[serde(skip)]
    pub rank: Rank,
    /// Its position in GRUB's menu: of an entry of `grub.cfg` among those there, of one of `loader/entries` that GRUB
    /// reads among these.
    #[serde(skip)]
    pub in_menu: Option<usize>,
}

impl Entry {
    /// Whether it goes by this name: its ID, with or without the ending that systemd counts to it and GRUB doesn't, or
    /// another name. Capitals don't matter, as to boot loaders that read a FAT file system.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        let is_name = |it: &str| it.eq_ignore_ascii_case(name);
        let stem = self
            .id
            .strip_suffix(bls::SUFFIX)
            .filter(|_| self.kind == Kind::Bls);
        is_name(&self.id) || stem.is_some_and(is_name) || self.aliases.iter().any(|it| is_name(it))
    }
}

/// What grub-mkconfig has the IDs of other systems' entries begin with (30_os-prober).
const OF_OTHER_SYSTEM: &str = "osprober-";

impl Entry {
    fn is_of_same_system(&self, other: &Entry) -> bool {
        let by_specification = |entry: &Entry| matches!(entry.kind, Kind::Bls | Kind::Uki);
        let is_other = |entry: &Entry| entry.id.starts_with(OF_OTHER_SYSTEM);
        let machine = |entry: &Entry| entry.rank.machine_id.clone();
        (self.kind == other.kind || by_specification(self) && by_specification(other))
            && is_other(self) == is_other(other)
            && match (machine(self), machine(other)) {
                (Some(own), Some(others)) => own == others,
                _ => true,
            }
    }
}

/// All entries, the default first, and then in the order of boot loaders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Entries {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Why it can't be told which one is the default.
    pub default_problem: Option<String>,
    /// The choice for the next boot only by which the default is what it is.
    pub once: Option<Once>,
    /// How many of the others boot loaders list before the default.
    #[serde(skip)]
    pub before_default: usize,
    /// What of their files can't be read.
    pub notes: Vec<String>,
}

impl Entries {
    /// The one that goes by this name, of several the first.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Entry> {
        let exact = self.entries.iter().find(|entry| entry.id == name);
        exact.or_else(|| self.entries.iter().find(|entry| entry.is_called(name)))
    }

    /// The default; `None` if there is none.
    #[must_use]
    pub fn default_entry(&self) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.is_default)
    }

    /// What may take the default's place if that doesn't come up: entries of the same system by the same boot loader, first
    /// those that it lists after the default, since these are older.
    pub fn in_place_of_default(&self) -> impl Iterator<Item = &Entry> {
        let default = self.default_entry();
        let others = self.entries.get(1..).unwrap_or_default();
        let (before, after) = others
            .split_at_checked(self.before_default)
            .unwrap_or((others, &[]));
        after.iter().chain(before).filter(move |other| {
            default.is_some_and(|default| default.is_of_same_system(other))
                && other.problem.is_none()
                && other.tries_left != Some(0)
        })
    }

    /// What all are called.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.entries.iter().map(|entry| entry.id.clone()).collect()
    }
}
