//! A virtual machine, described; and how it is looked at from outside.

pub mod console;
pub mod kvm;
pub mod screen;

use std::net::Ipv4Addr;

/// How the machine comes to its first kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boot {
    /// Secure Boot with Microsoft's keys: shim, then GRUB. A machine owner's key is enrolled.
    Shim,
    /// Secure Boot with one key in `db`, ours: systemd-boot. There is no shim.
    DbKey,
    /// No EFI: the firmware's own loader.
    Bios,
}

/// What the owner of a machine with shim has enrolled there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A key.
    Usual,
    /// A key; and has revoked the UKI of the main kernel.
    Revoking,
    /// Also a key that `baton keys new` made.
    OwnKey,
    /// The keys of the images whose verdict is foretold.
    OfJudged,
}

/// How a disk is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bus {
    /// Built into these kernels.
    Nvme,
    /// A module in these kernels.
    VirtioBlk,
    /// Modules, which 6.1 for virtual machines doesn't have.
    Ahci,
    /// Modules.
    VirtioScsi,
    /// The same, by two paths.
    TwoPaths,
}

/// A disk for crash dumps, which keeps what is written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// How it is connected.
    pub bus: Bus,
    /// `ext4`, `xfs`, `btrfs`, `vfat`; `raw`: one partition; `blank`: nothing.
    pub format: &'static str,
    /// Its size in MiB.
    pub size_mib: u64,
}

/// Something that happens to a running machine.
#[derive(Debug, Clone, Copy)]
pub struct Mishap {
    /// When the console has said this.
    pub when: &'static str,
    /// What QEMU's monitor is told then.
    pub command: &'static str,
}

/// What the machine has.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Firmware and boot loader.
    pub boot: Boot,
    /// Label of the first kernel.
    pub kernel: String,
    /// RAM in MiB.
    pub memory_mib: u64,
    /// More than 512 GiB of RAM in the memory map. Its kernels must be told to use `memory_mib` of it.
    pub vast: bool,
    /// Processors.
    pub cpus: u32,
    /// What its owner has enrolled in shim's lists.
    pub owner: Owner,
    /// 5-level paging.
    pub five_level: bool,
    /// A watchdog, an Intel 6300ESB, which resets the machine unless it is fed.
    pub watchdog: bool,
    /// A network that nobody else is in but QEMU ([`ROUTER`]). What is sent there is kept.
    pub network: bool,
    /// A display. A picture is taken of it when the gate says that it resets.
    pub display: bool,
    /// What happens to it from outside.
    pub mishap: Option<Mishap>,
    /// Disks for crash dumps; their serial numbers are `baton-target-0`, `-1`, …
    pub targets: Vec<Target>,
    /// What the first kernel's command line has besides [`CMDLINE`].
    pub cmdline: String,
}

/// What every kernel gets: words on the serial port, and a reset after a panic. `quiet` because a
/// serial line is slow. `no_timer_check` because a busy host can keep an emulated timer from ticking
/// for as long as the kernel looks for a tick, which it panics without.
pub const CMDLINE: &str = "console=ttyS0 quiet loglevel=3 panic=5 no_timer_check";

/// QEMU's address in a machine's network, which is 10.0.2.0/24, and leads nowhere.
pub const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);

impl Machine {
    /// A usual machine: shim, 1 GiB, one processor.
    pub fn new(kernel: &str) -> Machine {
        Machine {
            boot: Boot::Shim,
            kernel: kernel.to_owned(),
            memory_mib: 1024,
            vast: false,
            cpus: 1,
            owner: Owner::Usual,
            five_level: false,
            watchdog: false,
            network: false,
            display: false,
            mishap: None,
            targets: Vec::new(),
            cmdline: String::new(),
        }
    }

    /// The first kernel's command line.
    pub fn first_cmdline(&self) -> String {
        let extra = if self.cmdline.is_empty() {
            String::new()
        } else {
            format!(" {}", self.cmdline)
        };
        format!("{}{extra}", cmdline(1))
    }
}

/// The command line of the kernel of this stage.
pub fn cmdline(stage: usize) -> String {
    format!("{CMDLINE} {}{stage}", baton_guest::script::STAGE)
}
