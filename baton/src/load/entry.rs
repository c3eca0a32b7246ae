//! Loading an entry of this machine's boot loaders: what it says goes with its kernel, as far as no option says
//! otherwise.

use super::args::LoadOptions;
use super::run::{self, Loaded, Origin};
use super::settings::Settings;
use crate::boot_count::record::COUNT;
use crate::boot_count::state::State;
use crate::digest::sha256;
use crate::entries::{Entries, Entry, find};
use crate::failure::load::LoadError;
use crate::failure::{Cause, Failure, Result};
use crate::input::{cmdline, read};
use baton_sys::{Root, hex};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Loads the entry that is named, or that the settings name, or else the default.
///
/// # Errors
/// Why it would be refused, or was.
pub fn load(named: Option<&str>, settings: &Settings, options: &LoadOptions) -> Result<Loaded> {
    if options.saved_state.is_some() {
        return Err(LoadError::EntriesOfSavedState.into());
    }
    let root = run::root(options)?;
    let found = find::entries(&root)?;
    let wanted = named.or(settings.entry.as_deref());
    let counts = COUNT.read(&root);
    let mut notes: Vec<String> = counts
        .as_ref()
        .err()
        .map(ToString::to_string)
        .into_iter()
        .collect();
    // A count that can't be read must not keep a machine from its next kernel.
    let counts = counts.ok().flatten().unwrap_or_default();
    let first = choose(&found, wanted)?;
    let once = found.once.clone().filter(|_| wanted.is_none());
    let (entry, kernel, options) = match candidate(&root, &counts, first, settings, options) {
        // What was chosen for this one boot isn't replaced: the boot loader may still start it.
        Err(failure) if wanted.is_none() && once.is_none() && is_given_up(&failure) => {
            notes.push(failure.to_string());
            let mut others = found.in_place_of_default();
            let next = others.find_map(|it| candidate(&root, &counts, it, settings, options).ok());
            next.ok_or(failure)?
        }
        other => other?,
    };
    notes.extend(once.as_ref().map(|once| {
        format!(
            "the entry is chosen for one boot ({once}), which is forgotten when `baton exec` or baton-boot-count.service starts it"
        )
    }));
    let origin = Origin {
        entry: Some(entry.id.clone()),
        once,
        is_named: named.is_some(),
    };
    let mut loaded = run::load_from(&kernel, &options, false, origin)?;
    loaded.notes.extend(notes);
    Ok(loaded)
}

fn is_given_up(failure: &Failure) -> bool {
    matches!(*failure.cause, Cause::Load(LoadError::GivenUp { .. }))
}

/// An entry with what goes with it, if its kernel isn't given up.
fn candidate<'e>(
    root: &Root,
    counts: &State,
    entry: &'e Entry,
    settings: &Settings,
    options: &LoadOptions,
) -> Result<(&'e Entry, PathBuf, LoadOptions)> {
    let (kernel, options) = of_entry(root, entry, settings, options)?;
    if counts.gives_up_any() {
        let bytes = read::given(&kernel)?;
        if let Some(counted) = counts.given_up(&hex::encode(sha256([&bytes[..]]))) {
            return Err(LoadError::GivenUp {
                id: entry.id.clone(),
                attempts: counted.attempts,
                counted_as: counted.name.clone(),
            }
            .into());
        }
    }
    Ok((entry, kernel, options))
}

fn choose<'e>(
    found: &'e Entries,
    named: Option<&str>,
) -> std::result::Result<&'e Entry, LoadError> {
    match named {
        Some(wanted) => found.named(wanted).ok_or_else(|| LoadError::NoSuchEntry {
            wanted: wanted.to_owned(),
            known: found.ids(),
        }),
        None => match &found.default_problem {
            Some(why) => Err(LoadError::NoDefault { why: why.clone() }),
            None => found.default_entry().ok_or(LoadError::NoEntry),
        },
    }
}

/// The kernel of an entry, and what goes with it: options come first, then the entry, then the settings.
fn of_entry(
    root: &Root,
    entry: &Entry,
    settings: &Settings,
    options: &LoadOptions,
) -> Result<(PathBuf, LoadOptions)> {
    let bad = |why: &str| LoadError::BadEntry {
        id: entry.id.clone(),
        why: why.to_owned(),
    };
    if let Some(why) = &entry.problem {
        return Err(bad(why).into());
    }
    let kernel = entry
        .kernel
        .as_deref()
        .ok_or_else(|| bad("it names no kernel"))?;
    let on_machine = |path: &Path| root.join(path.strip_prefix("/").unwrap_or(path));
    let mut options = options.clone();
    let with = &mut options.with;
    if with.initrd.is_empty() {
        with.initrd = entry.initrds.iter().map(|it| on_machine(it)).collect();
    }
    if entry.is_uki {
        let own = (entry.profile != 0).then(|| entry.profile.to_string());
        with.profile = with
            .profile
            .take()
            .or(own)
            .or_else(|| settings.profile.clone());
        if with.addon.is_empty() {
            with.addon.clone_from(&settings.addon);
        }
    }
    if with.cmdline.is_none() && !options.reuse_cmdline {
        with.cmdline = command_line(entry, settings)?;
    }
    Ok((on_machine(kernel), options))
}

fn command_line(
    entry: &Entry,
    settings: &Settings,
) -> std::result::Result<Option<OsString>, LoadError> {
    match &entry.cmdline {
        Some(line) => {
            let line = cmdline::append(line.as_bytes(), &settings.parameters);
            Ok(Some(OsString::from_vec(line)))
        }
        None if settings.parameters.is_empty() => Ok(None),
        None => Err(LoadError::ParametersOfUki {
            id: entry.id.clone(),
        }),
    }
}
