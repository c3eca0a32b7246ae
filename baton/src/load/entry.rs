//! Loading an entry of this machine's boot loaders: what it says goes with its kernel, as far as no option says
//! otherwise.

use super::args::LoadOptions;
use super::run::{self, Loaded};
use super::settings::Settings;
use crate::entries::{Entries, Entry, find};
use crate::failure::Result;
use crate::failure::load::LoadError;
use crate::input::cmdline;
use baton_sys::Root;
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
    let entry = choose(&found, named.or(settings.entry.as_deref()))?;
    let (kernel, options) = of_entry(&root, entry, settings, options)?;
    let loaded = run::load_named(&kernel, &options, false)?;
    Ok(Loaded {
        entry: Some(entry.id.clone()),
        ..loaded
    })
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
        None => found.default_entry().ok_or(LoadError::NoEntry),
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
