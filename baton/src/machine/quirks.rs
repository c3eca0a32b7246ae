//! Devices that are known not to survive a kexec: only the firmware brings them up again.
//!
//! A row needs a public report that a restart through the firmware mends what a kexec breaks. It says what was seen there,
//! on one machine or several: other machines with the device may be fine, and their owners say so once
//! (`ignore-quirks` in load.toml).

use crate::failure::Result;
use crate::failure::exec::ExecError;
use baton_sys::Root;
use baton_sys::pci::{self, PciDevice};

/// A device that needs the firmware.
#[derive(Debug, PartialEq, Eq)]
pub struct Quirk {
    /// What people call it.
    pub name: &'static str,
    vendor: u16,
    /// None: every one of the class.
    devices: &'static [u16],
    /// Class and subclass.
    class: Option<u16>,
    subsystem_vendor: Option<u16>,
    /// What was seen after a kexec.
    pub effect: &'static str,
    /// Who saw it.
    pub reference: &'static str,
}

const INTEL: u16 = 0x8086;
const HEWLETT_PACKARD: u16 = 0x103c;
const ETHERNET: u16 = 0x0200;

/// All of them.
pub const QUIRKS: &[Quirk] = &[
    Quirk {
        name: "Intel graphics of Meteor Lake",
        vendor: INTEL,
        // INTEL_MTL_IDS of include/drm/intel/pciids.h
        devices: &[0x7d40, 0x7d45, 0x7d55, 0x7d60, 0x7dd5],
        class: None,
        subsystem_vendor: None,
        effect: "its driver (i915) doesn't load after a kexec",
        reference: "https://github.com/onedr0p/home-ops/pull/8568",
    },
    Quirk {
        name: "Intel graphics of Jasper Lake (N5105)",
        vendor: INTEL,
        // INTEL_JSL_IDS of include/drm/intel/pciids.h
        devices: &[0x4e51, 0x4e55, 0x4e57, 0x4e61, 0x4e71],
        class: None,
        subsystem_vendor: None,
        effect: "a machine with it hung at every kexec, with a black screen",
        reference: "https://github.com/coreos/fedora-coreos-tracker/issues/2071",
    },
    Quirk {
        name: "Intel network controller in an HP desktop",
        vendor: INTEL,
        devices: &[
            // Those of the I219-LM in Linux's e1000e (drivers/net/ethernet/intel/e1000e/hw.h).
            0x156f, 0x15b7, 0x15b9, 0x15bb, 0x15bd, 0x15df, 0x15e1, 0x15e3, 0x0d4c, 0x0d4e, 0x0d53,
            0x1a1c, 0x1a1e,
        ],
        class: Some(ETHERNET),
        subsystem_vendor: Some(HEWLETT_PACKARD),
        effect: "it gets no answers from the network after a kexec",
        reference: "https://github.com/siderolabs/talos/issues/8751, https://github.com/siderolabs/talos/issues/9100",
    },
];

impl Quirk {
    fn is_of(&self, device: &PciDevice) -> bool {
        self.vendor == device.vendor
            && (self.devices.is_empty() || self.devices.contains(&device.device))
            && self
                .class
                .is_none_or(|class| device.class >> 8 == u32::from(class))
            && self
                .subsystem_vendor
                .is_none_or(|it| it == device.subsystem_vendor)
    }
}

/// The first device that needs the firmware, and why.
#[must_use]
pub fn find(devices: &[PciDevice]) -> Option<(&PciDevice, &'static Quirk)> {
    devices.iter().find_map(|device| {
        let quirk = QUIRKS.iter().find(|quirk| quirk.is_of(device))?;
        Some((device, quirk))
    })
}

/// Refuses where a device is known not to survive a kexec: once the machine is going down, a warning reaches nobody.
///
/// # Errors
/// The first such device.
pub fn check(root: &Root) -> Result<()> {
    match find(&pci::devices(root)) {
        None => Ok(()),
        Some((device, quirk)) => Err(ExecError::Quirk {
            address: device.address.clone(),
            name: quirk.name,
            effect: quirk.effect,
            reference: quirk.reference,
        }
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(vendor: u16, device: u16, subsystem_vendor: u16, class: u32) -> PciDevice {
        PciDevice {
            address: "0000:00:02.0".to_owned(),
            vendor,
            device,
            subsystem_vendor,
            class,
        }
    }

    #[test]
    fn devices_are_known_by_their_numbers_and_by_who_built_them_in() {
        for (it, name) in [
            (
                device(INTEL, 0x7d45, 0x17aa, 0x03_0000),
                Some("Meteor Lake"),
            ),
            (device(INTEL, 0x4e61, 0, 0x03_0000), Some("Jasper Lake")),
            (
                device(INTEL, 0x15b7, HEWLETT_PACKARD, 0x02_0000),
                Some("HP desktop"),
            ),
            (device(INTEL, 0x15b7, 0x1028, 0x02_0000), None),
            (device(INTEL, 0x15b7, HEWLETT_PACKARD, 0x03_0000), None),
            (device(0x10de, 0x7d45, 0, 0x03_0000), None),
            (device(INTEL, 0x7d46, 0, 0x03_0000), None),
        ] {
            let devices = [device(0x1af4, 0x1042, 0, 0x01_0000), it.clone()];
            let found = find(&devices).map(|(_, quirk)| quirk.name);
            match name {
                None => assert_eq!(found, None, "{it:?}"),
                Some(name) => assert!(found.unwrap().contains(name), "{it:?}"),
            }
        }
    }

    #[test]
    fn every_row_says_what_was_seen_and_where_that_is_reported() {
        for quirk in QUIRKS {
            assert!(quirk.reference.starts_with("https://"), "{quirk:?}");
            assert!(!quirk.effect.is_empty() && !quirk.name.is_empty());
            assert!(
                !quirk.devices.is_empty() || quirk.class.is_some(),
                "{quirk:?}"
            );
        }
    }
}
