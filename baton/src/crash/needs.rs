//! Which modules the kernel that captures needs for its targets.
//!
//! What the running kernel uses is asked for by name: each device on the way to the disk says which module its
//! driver is from. A kernel of another version may call that otherwise, and then what the device says of
//! itself (`modalias`) leads to the module.

use super::problem::Problem;
use super::target::Target;
use baton_capture::config;
use baton_sys::Root;
use baton_sys::block::{self, Driver};
use baton_sys::modules::{Index, Resolver};
use std::path::Path;

/// What vfat asks for to convert names: code page and character set, by the defaults of the kernel's
/// configuration (CONFIG_FAT_DEFAULT_CODEPAGE and _IOCHARSET) that are common. load_nls would call
/// modprobe for them, which isn't there.
const NAMES_OF_VFAT: [&str; 4] = ["nls_cp437", "nls_iso8859_1", "nls_ascii", "nls_utf8"];

/// The modules of one kernel that targets need, as they are added.
#[derive(Debug)]
pub struct Needs<'i> {
    index: &'i Index,
    same_kernel: bool,
    resolver: Resolver<'i>,
}

impl<'i> Needs<'i> {
    /// None yet; `same_kernel` if the kernel that captures is the one that is running.
    #[must_use]
    pub fn new(index: &'i Index, same_kernel: bool) -> Needs<'i> {
        Needs {
            index,
            same_kernel,
            resolver: Resolver::new(index),
        }
    }

    /// Adds what a target needs, all or nothing.
    ///
    /// # Errors
    /// Names the first that is missing, and what needs it.
    pub fn target(&mut self, target: &Target) -> Result<(), Problem> {
        let before = self.resolver.clone();
        let added = self.add(target);
        if added.is_err() {
            self.resolver = before;
        }
        added
    }

    /// Adds a module that is asked for by its name or an alias.
    ///
    /// # Errors
    /// When it is missing.
    pub fn named(&mut self, module: &str) -> Result<(), Problem> {
        self.must(module, "as kernel.modules says")
    }

    /// Adds the module of pstore's backend, where one is in use and is a module: if no target takes the kernel
    /// log, it goes there. What `ramoops` is told of its memory isn't on a capture's command line.
    pub fn pstore(&mut self, root: &Root) {
        let backend = root.read_text("sys/module/pstore/parameters/backend");
        let backend = backend.ok().flatten().unwrap_or_default();
        if !matches!(backend.trim(), "" | "(null)" | "ramoops") {
            self.resolver.add(backend.trim());
        }
    }

    /// The names of all, in the order in which they are loaded.
    #[must_use]
    pub fn into_order(self) -> Vec<String> {
        self.resolver.into_order()
    }

    fn add(&mut self, target: &Target) -> Result<(), Problem> {
        for device in target.device.ancestors() {
            self.device(&device, &target.device.name)?;
        }
        match &target.filesystem {
            Some(filesystem) => self.filesystem(filesystem, &target.told),
            None => Ok(()),
        }
    }

    fn must(&mut self, wanted: &str, purpose: &str) -> Result<(), Problem> {
        match self.resolver.add(wanted) {
            true => Ok(()),
            false => Err(Problem::MissingModule {
                release: self.index.version.clone(),
                wanted: wanted.to_owned(),
                purpose: purpose.to_owned(),
            }),
        }
    }

    /// A device that no driver is bound to isn't needed: buses and bridges are there without one.
    fn device(&mut self, device: &Path, disk: &str) -> Result<(), Problem> {
        let Some(Driver { module, .. }) = block::driver(device) else {
            return Ok(());
        };
        let alias = block::modalias(device);
        match (module, alias) {
            (None, _) if self.same_kernel => Ok(()),
            // Another kernel may have it as a module. If it has none, it may be built in there, too.
            (None, alias) => {
                let _ = alias.is_some_and(|alias| self.resolver.add(&alias));
                Ok(())
            }
            (Some(module), alias) => {
                let found = self.resolver.add(&module)
                    || alias.is_some_and(|alias| self.resolver.add(&alias));
                match found {
                    true => Ok(()),
                    false => self.must(&module, &format!("to reach {disk}")),
                }
            }
        }
    }

    fn filesystem(&mut self, filesystem: &str, told: &config::Target) -> Result<(), Problem> {
        let purpose = format!("for the file system {filesystem}");
        // MODULE_ALIAS_FS of include/linux/fs.h
        if !self.resolver.add(&format!("fs-{filesystem}")) {
            self.must(filesystem, &purpose)?;
        }
        if filesystem != "vfat" {
            return Ok(());
        }
        for names in NAMES_OF_VFAT {
            self.resolver.add(names);
        }
        let config::Target::Filesystem { options, .. } = told else {
            return Ok(());
        };
        for option in options.split(',') {
            match option.split_once('=') {
                Some(("codepage", page)) => self.must(&format!("nls_cp{page}"), &purpose)?,
                Some(("iocharset", set)) => self.must(&format!("nls_{set}"), &purpose)?,
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "needs_tests.rs"]
mod tests;
