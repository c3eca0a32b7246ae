//! Memory for a crash kernel: what is reserved, and where this machine's boot loader is told to reserve some.

use crate::crash::estimate::CrashMemory;
use crate::finding::RESTART;
use baton_sys::{ReadError, Root};
use std::path::Path;

/// The size that most machines can do with (docs/crash.md).
pub const SIZE: &str = "256M";

/// Who makes the command line of the next boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandLineOwner {
    /// GRUB, by the snippets in /etc/default/grub.d (Debian and Ubuntu).
    Grub,
    /// kernel-install, by /etc/kernel/cmdline.
    KernelInstall,
    /// grubby, which changes the entries themselves (Fedora).
    Grubby,
    /// Not known.
    Unknown,
}

/// Where GRUB's settings may be added to.
pub const GRUB_SETTINGS: &str = "etc/default/grub.d";
/// The snippet that is written for GRUB.
pub const SNIPPET: &str = "etc/default/grub.d/baton-crashkernel.cfg";
/// kernel-install's command line.
pub const CMDLINE: &str = "etc/kernel/cmdline";

/// What is reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// How much; `None` where /sys doesn't say.
    pub memory: Option<CrashMemory>,
    /// The running kernel's parameters.
    pub parameters: Vec<String>,
    /// Where the boot loader is told to reserve some from the next boot on.
    pub configured: Option<String>,
    /// Who makes the command line.
    pub owner: CommandLineOwner,
}

impl Reservation {
    /// Looks for it.
    ///
    /// # Errors
    /// When something that is there can't be read.
    pub fn read(root: &Root, reserved: Option<u64>) -> Result<Reservation, ReadError> {
        let line = root.read_text("proc/cmdline")?.unwrap_or_default();
        let words = line.split_whitespace();
        let parameters = words.filter(|it| it.starts_with("crashkernel="));
        let memory = reserved.map(|reserved| CrashMemory::read(root, reserved));
        Ok(Reservation {
            memory: memory.transpose()?,
            parameters: parameters.map(str::to_owned).collect(),
            configured: configured(root)?,
            owner: owner(root),
        })
    }
}

/// The ends of parameters that only add to another's memory (parse_crashkernel of kernel/crash_reserve.c).
const ADDED: [&str; 2] = [LENT, ",low"];

/// The end of a parameter whose memory programs use until a crash.
const LENT: &str = ",cma";

impl Reservation {
    /// Whether memory is asked for in addition to some, and none is asked for to which it would be added.
    #[must_use]
    pub fn is_added_to_nothing(&self) -> bool {
        let is_added = |it: &String| ADDED.iter().any(|end| it.ends_with(end));
        !self.parameters.is_empty() && self.parameters.iter().all(is_added)
    }

    /// The parameter that asks for memory which programs use until a crash, where there is none.
    #[must_use]
    pub fn lent_in_vain(&self) -> Option<&str> {
        let lent = self.memory.map(|memory| memory.lent);
        let mut parameters = self.parameters.iter();
        let asked = parameters.find(|it| it.ends_with(LENT))?;
        (lent == Some(0)).then_some(asked)
    }
}

/// What grub-mkconfig writes of its settings.
const GRUB_MENU: &str = "boot/grub/grub.cfg";

/// A file in which the next boot's command line reserves memory.
fn configured(root: &Root) -> Result<Option<String>, ReadError> {
    // GRUB goes by the menu that was made of the settings, and that may have failed.
    if owner(root) == CommandLineOwner::Grub
        && let Ok(Some(menu)) = root.read_text(GRUB_MENU)
        && !menu.contains("crashkernel=")
    {
        return Ok(None);
    }
    let snippets = baton_sys::file::names_in(&root.join("etc/default/grub.d"));
    let snippets = snippets.iter().filter(|name| name.ends_with(".cfg"));
    let mut files: Vec<String> = snippets
        .map(|name| format!("etc/default/grub.d/{name}"))
        .collect();
    files.extend(["etc/default/grub".to_owned(), CMDLINE.to_owned()]);
    for file in files {
        let text = root.read_text(&file)?.unwrap_or_default();
        let mut lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'));
        if lines.any(|line| line.contains("crashkernel=")) {
            return Ok(Some(format!("/{file}")));
        }
    }
    Ok(None)
}

fn owner(root: &Root) -> CommandLineOwner {
    if root.exists("usr/sbin/update-grub") {
        CommandLineOwner::Grub
    } else if root.exists(CMDLINE) {
        CommandLineOwner::KernelInstall
    } else if root.exists("usr/sbin/grubby") || root.exists("usr/bin/grubby") {
        CommandLineOwner::Grubby
    } else {
        CommandLineOwner::Unknown
    }
}

impl CommandLineOwner {
    /// How so much memory is reserved from the next boot on.
    #[must_use]
    pub fn advice(self, size: &str) -> String {
        match self {
            CommandLineOwner::Grub | CommandLineOwner::KernelInstall => {
                format!("baton setup --crashkernel {size}, and {RESTART}")
            }
            CommandLineOwner::Grubby => {
                format!("grubby --update-kernel=ALL --args=crashkernel={size}, and {RESTART}")
            }
            CommandLineOwner::Unknown => {
                format!(
                    "add crashkernel={size} to the kernel's command line in the boot loader's configuration, and {RESTART}"
                )
            }
        }
    }

    /// What makes a change count, after the file was written.
    #[must_use]
    pub fn refresh(self) -> Option<&'static [&'static str]> {
        match self {
            CommandLineOwner::Grub => Some(&["update-grub"]),
            CommandLineOwner::KernelInstall => Some(&["kernel-install", "add-all"]),
            CommandLineOwner::Grubby | CommandLineOwner::Unknown => None,
        }
    }

    /// The file that is written.
    #[must_use]
    pub fn file(self) -> Option<&'static Path> {
        match self {
            CommandLineOwner::Grub => Some(Path::new(SNIPPET)),
            CommandLineOwner::KernelInstall => Some(Path::new(CMDLINE)),
            CommandLineOwner::Grubby | CommandLineOwner::Unknown => None,
        }
    }
}
