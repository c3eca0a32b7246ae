//! The PCI devices, as `/sys/bus/pci/devices` shows them (Documentation/ABI/testing/sysfs-bus-pci).

use crate::Root;
use crate::file::names_in;

/// What a device says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PciDevice {
    /// Where it is, as `0000:00:1f.6`.
    pub address: String,
    /// Its maker.
    pub vendor: u16,
    /// What it is, by its maker's numbers.
    pub device: u16,
    /// Who built it into something.
    pub subsystem_vendor: u16,
    /// Class, subclass and programming interface.
    pub class: u32,
}

/// All devices; none where `/sys` isn't mounted. One that doesn't say what it is is left out.
#[must_use]
pub fn devices(root: &Root) -> Vec<PciDevice> {
    let directory = "sys/bus/pci/devices";
    let names = names_in(&root.join(directory));
    let device = |address: String| {
        let number = |name: &str| {
            let text = root
                .read_text(&format!("{directory}/{address}/{name}"))
                .ok()??;
            u32::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok()
        };
        let half = |name: &str| u16::try_from(number(name)?).ok();
        Some(PciDevice {
            vendor: half("vendor")?,
            device: half("device")?,
            subsystem_vendor: half("subsystem_vendor").unwrap_or(0),
            class: number("class").unwrap_or(0),
            address,
        })
    };
    names.into_iter().filter_map(device).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;

    #[test]
    fn devices_are_read_and_what_says_nothing_is_left_out() {
        let at = |name: &str| format!("sys/bus/pci/devices/{name}");
        let root = TestRoot::new()
            .with(&at("0000:00:1f.6/vendor"), "0x8086\n")
            .with(&at("0000:00:1f.6/device"), "0x15b7\n")
            .with(&at("0000:00:1f.6/subsystem_vendor"), "0x103c\n")
            .with(&at("0000:00:1f.6/class"), "0x020000\n")
            .with(&at("0000:00:02.0/vendor"), "0x10000\n");
        let found = devices(&root.root());
        assert_eq!(
            found,
            [PciDevice {
                address: "0000:00:1f.6".to_owned(),
                vendor: 0x8086,
                device: 0x15b7,
                subsystem_vendor: 0x103c,
                class: 0x02_0000,
            }]
        );
        assert!(devices(&TestRoot::new().root()).is_empty());
    }
}
