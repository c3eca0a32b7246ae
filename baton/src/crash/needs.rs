//! Which modules the capture kernel needs for its targets.
//!
//! What the running kernel uses is asked for by name: each device on the way to the disk says which module its
//! driver is from. A kernel of another version may call that otherwise, and then what the device says of
//! itself (`modalias`) leads to the module.

use crate::failure::problem::Problem;
use baton_sys::Root;
use baton_sys::block::{self, BlockDevice, Driver};
use baton_sys::config::KernelConfig;
use baton_sys::file::names_in;
use baton_sys::modules::{Index, Resolver};
use baton_sys::watchdog::IPMI;
use std::path::Path;

/// The modules of one kernel that targets need, as they are added.
#[derive(Debug)]
pub struct Needs<'i> {
    index: &'i Index,
    same_kernel: bool,
    config: Option<KernelConfig>,
    resolver: Resolver<'i>,
}

impl<'i> Needs<'i> {
    /// No modules yet. `same_kernel` says that the capture kernel is the running one.
    #[must_use]
    pub fn new(index: &'i Index, same_kernel: bool) -> Needs<'i> {
        Needs {
            index,
            same_kernel,
            config: None,
            resolver: Resolver::new(index),
        }
    }

    /// With what the kernel is built with, as far as that can be read.
    #[must_use]
    pub fn with_config(self, config: Option<KernelConfig>) -> Needs<'i> {
        Needs { config, ..self }
    }

    /// Checks that the kernel is built with an option, as far as that can be told.
    ///
    /// # Errors
    /// When it is built without.
    pub fn option(&self, option: &str, purpose: &str) -> Result<(), Problem> {
        match &self.config {
            Some(config) if !config.is_set(option) => Err(Problem::MissingOption {
                release: self.index.version.clone(),
                option: option.to_owned(),
                purpose: purpose.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Adds what `require` adds, all or nothing.
    ///
    /// # Errors
    /// Names the first that is missing, and what needs it.
    pub fn all_or_nothing(
        &mut self,
        require: impl FnOnce(&mut Needs<'i>) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let before = self.resolver.clone();
        let added = require(self);
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
    /// log, it goes there. The memory of `ramoops` isn't on a capture's command line.
    pub fn pstore(&mut self, root: &Root) {
        let backend = root.read_text("sys/module/pstore/parameters/backend");
        let backend = backend.ok().flatten().unwrap_or_default();
        if !matches!(backend.trim(), "" | "(null)" | "ramoops") {
            self.resolver.add(backend.trim());
        }
    }

    /// Adds the module of a watchdog's driver. `device` is its device's directory.
    ///
    /// # Errors
    /// When it is missing.
    pub fn watchdog(&mut self, device: &Path, identity: &str) -> Result<(), Problem> {
        // A device that another driver makes, as lpc_ich and i2c-i801 do iTCO's, needs that driver, too.
        self.with_parents(device, &format!("to feed the watchdog {identity}"))
    }

    /// Adds the modules of a network card's drivers: of its device, and of what connects it to the wire (the PHY).
    ///
    /// # Errors
    /// When one is missing.
    pub fn network_card(&mut self, root: &Root, interface: &str) -> Result<(), Problem> {
        let purpose = format!("for the network card {interface}");
        let place = root.join("sys/class/net").join(interface);
        let phy = place.join("phydev");
        if phy.exists() {
            self.driver(&phy, &purpose)?;
        }
        self.with_parents(&place.join("device"), &purpose)
    }

    /// Adds the modules of the drivers of a device and of those that it is behind, these first.
    fn with_parents(&mut self, device: &Path, purpose: &str) -> Result<(), Problem> {
        let device = std::fs::canonicalize(device).unwrap_or_else(|_| device.to_owned());
        let mut way: Vec<_> = device.ancestors().collect();
        way.reverse();
        way.into_iter().try_for_each(|it| self.driver(it, purpose))
    }

    /// Adds the modules of watchdogs' drivers that are in use, as they are while a watchdog is open: for one that doesn't
    /// say which device it is. Where none is a module, its driver is built in.
    ///
    /// # Errors
    /// When one is missing.
    pub fn open_watchdogs(&mut self, root: &Root, identity: &str) -> Result<(), Problem> {
        let purpose = format!("to feed the watchdog {identity}");
        let index = self.index;
        let is_driver = |module: &String| {
            let file = index.file(module);
            file.is_some_and(|file| file.iter().any(|part| part == "watchdog"))
        };
        let mut modules = baton_sys::module::in_use(root)
            .into_iter()
            .filter(is_driver);
        modules.try_for_each(|module| self.must(&module, &purpose))
    }

    /// Adds what IPMI's watchdog needs: its module, and those through which the running kernel reaches the controller.
    ///
    /// # Errors
    /// When one is missing.
    pub fn ipmi_watchdog(&mut self, root: &Root) -> Result<(), Problem> {
        let purpose = "to feed IPMI's watchdog";
        // A controller may be behind another device, as ipmi_ssif's is behind an adapter of I2C.
        let controllers = root.join("sys/class/ipmi");
        for name in names_in(&controllers) {
            self.with_parents(&controllers.join(name).join("device"), purpose)?;
        }
        for interface in ["ipmi_si", "ipmi_ssif", "ipmi_powernv"] {
            if root.exists(&format!("sys/module/{interface}/initstate")) {
                self.must(interface, purpose)?;
            }
        }
        self.must(IPMI, purpose)
    }

    /// The names of all, in the order in which they are loaded.
    #[must_use]
    pub fn into_order(self) -> Vec<String> {
        self.resolver.into_order()
    }

    /// Adds the modules through which a device is reached.
    ///
    /// # Errors
    /// Names the first that is missing.
    pub fn device(&mut self, device: &BlockDevice) -> Result<(), Problem> {
        for above in device.ancestors() {
            self.driver(&above, &format!("to reach {}", device.name))?;
        }
        // What tells the paths to some arrays of disks apart that can be used (drivers/scsi/scsi_dh.c).
        let handler = device.disk().attribute("device/dh_state");
        match handler.as_deref() {
            None | Some("" | "detached") => Ok(()),
            Some(handler) => {
                self.add(&format!("scsi_dh_{handler}"));
                Ok(())
            }
        }
    }

    /// Adds a module by its name or an alias if the kernel has it; returns whether it does.
    pub fn add(&mut self, module: &str) -> bool {
        self.resolver.add(module)
    }

    /// Adds a module by its name or an alias. `purpose` says for what it is needed.
    ///
    /// # Errors
    /// When it is missing.
    pub fn must(&mut self, wanted: &str, purpose: &str) -> Result<(), Problem> {
        if self.add(wanted) {
            Ok(())
        } else {
            Err(Problem::MissingModule {
                release: self.index.version.clone(),
                wanted: wanted.to_owned(),
                purpose: purpose.to_owned(),
            })
        }
    }

    /// A device that no driver is bound to isn't needed: buses and bridges are there without one.
    fn driver(&mut self, device: &Path, purpose: &str) -> Result<(), Problem> {
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
                if found {
                    Ok(())
                } else {
                    self.must(&module, purpose)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
