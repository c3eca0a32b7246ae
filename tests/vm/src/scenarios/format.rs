//! What the gate boots and the kernel alone doesn't: formats of kernels, and ways to vouch for them.

use anyhow::Result;
use baton_guest::script::{Expect, Step};
use baton_lab::machine::{self, Boot};
use baton_lab::vm::{Run, judge};

/// A kernel of some format, and who vouches for it how.
pub struct Format {
    /// As scenarios call it.
    pub name: &'static str,
    /// What `baton load` is told. `@` stands for the directory, `*` for the kernel's label.
    arguments: &'static str,
    /// What runs in the end.
    pub next: Next,
    /// How the name begins of whoever vouches for it.
    by: &'static str,
    /// The error number by which the running kernel itself refuses the same file.
    errno: i32,
    /// The machine's firmware and boot loader.
    pub boot: Boot,
}

/// What a format boots.
#[derive(Clone, Copy)]
pub enum Next {
    /// Linux, with the command line in the image, and these initrds.
    LinuxWithCmdline(&'static [&'static str]),
    /// Linux, with the command line that is given, and these initrds.
    Linux(&'static [&'static str]),
    /// A program that never ends.
    Other {
        /// What it is given, which lets the gate and it speak on the serial port.
        cmdline: &'static str,
        /// What it says when it runs. One that says something else before has said the rest by then.
        says: &'static [&'static str],
        /// Whether it runs at any address. What doesn't can't run where a crash leaves room.
        relocatable: bool,
    },
}

/// ENOEXEC, ENODATA, ENOKEY (include/uapi/asm-generic).
const NO_SUCH_FORMAT: i32 = 8;
const NO_SIGNATURE: i32 = 61;
const NO_SUCH_KEY: i32 = 126;

const MOK: &str = "Baton test MOK";

/// All there are.
pub const FORMATS: &[Format] = &[
    Format {
        name: "uki",
        arguments: "@/uki/*.efi",
        next: Next::LinuxWithCmdline(&["marker-main"]),
        by: MOK,
        errno: NO_SUCH_FORMAT,
        boot: Boot::Shim,
    },
    elf(
        "elf-appended",
        "@/elf/*.appended --initrd /payload/kernels/*/initrd.img",
    ),
    elf(
        "elf-note",
        "@/elf/*.note --initrd /payload/kernels/*/initrd.img",
    ),
    elf(
        "elf-detached",
        "@/elf/*.detached --initrd /payload/kernels/*/initrd.img",
    ),
    Format {
        name: "manifest",
        arguments: "@/manifest/* --manifest @/manifest/*.manifest \
                    --initrd /payload/kernels/*/initrd.img --initrd /payload/initrds/extra.img",
        next: Next::Linux(&["marker-extra", "marker-main"]),
        by: MOK,
        errno: NO_SIGNATURE,
        boot: Boot::Shim,
    },
    Format {
        name: "gate-key",
        arguments: "@/kernels/*/vmlinuz \
                    --initrd /payload/kernels/*/initrd.img --initrd /payload/initrds/extra.img",
        next: Next::Linux(&["marker-extra", "marker-main"]),
        by: "Debian Secure Boot Signer",
        errno: NO_SUCH_KEY,
        // Without shim nobody gives the running kernel the authority that Debian's kernels are signed by.
        boot: Boot::DbKey,
    },
    Format {
        name: "memtest",
        arguments: "@/manifest/memtest --manifest @/manifest/memtest.manifest",
        next: Next::Other {
            // Measuring caches and looking for sensors takes minutes where processors are emulated.
            cmdline: "console=ttyS0,115200 nobench nosm nosmp",
            says: &["Memtest86+ v"],
            relocatable: false,
        },
        by: MOK,
        errno: NO_SUCH_FORMAT,
        boot: Boot::Shim,
    },
    Format {
        name: "xen",
        arguments: "@/manifest/xen --manifest @/manifest/xen.manifest",
        next: Next::Other {
            // There is no BIOS that real mode could call.
            cmdline: "console=ttyS0 no-real-mode console=com1 com1=115200,8n1",
            says: &[
                "(XEN) Video information",
                "(XEN) Bootloader: baton-gate",
                "(XEN) Xen version",
            ],
            relocatable: true,
        },
        by: MOK,
        errno: NO_SUCH_FORMAT,
        boot: Boot::Shim,
    },
];

const fn elf(name: &'static str, arguments: &'static str) -> Format {
    Format {
        name,
        arguments,
        next: Next::Linux(&["marker-main"]),
        by: MOK,
        errno: NO_SUCH_FORMAT,
        boot: Boot::Shim,
    }
}

impl Format {
    /// `baton load` or `baton crash load` of the files in `directory`, of the kernel called `label`. Neither
    /// the format nor the way to the next kernel is said.
    pub fn load(&self, command: &str, directory: &str, label: &str) -> Step {
        load(
            command,
            self.gate(),
            &filled(self.arguments, directory, label),
            self.next.cmdline(),
        )
    }

    /// The image alone.
    pub fn image(&self, directory: &str, label: &str) -> String {
        let image = self.arguments.split(' ').next().unwrap_or_default();
        filled(image, directory, label)
    }

    fn gate(&self) -> &'static str {
        match self.boot {
            Boot::Shim => "mok",
            Boot::DbKey => "db",
            Boot::Bios => "anywhere",
        }
    }

    /// The running kernel takes the image neither from stock kexec (which has no such options for what
    /// isn't Linux) nor by the system call itself.
    pub fn refused_by_the_kernel(&self, label: &str, crash: bool) -> Vec<Step> {
        let image = self.image("/payload", label);
        let way = if crash { "-p" } else { "-l" };
        let initrd = format!("/payload/kernels/{label}/initrd.img");
        let cmdline = self.next.cmdline().unwrap_or_default();
        let kexec = format!("/payload/bin/kexec -s {way} {image} --initrd={initrd}");
        let kexec =
            Step::run_expecting(&kexec, Expect::Failure).and(format!("--command-line={cmdline}"));
        let by_itself = Step::FileLoad {
            kernel: image,
            initrd,
            cmdline,
            crash,
            errno: Some(self.errno),
        };
        match self.next {
            Next::Other { .. } => vec![by_itself],
            _ => vec![kexec, by_itself],
        }
    }

    /// What holds after every kexec of this format.
    pub fn arrived(&self, run: &Run, label: &str) -> Result<()> {
        match self.next {
            Next::Other { says, .. } => {
                judge::stopped_after(run, 1)?;
                says.iter()
                    .try_for_each(|text| judge::console_says(run, text))?;
            }
            Next::LinuxWithCmdline(markers) | Next::Linux(markers) => {
                judge::done(run, 2)?;
                judge::locked_down(run, 2)?;
                judge::kernel(run, 2, label)?;
                judge::markers(run, 2, markers)?;
                judge::chain_says(run, 2, self.by)?;
            }
        }
        judge::console_says(run, &format!("verified by \"{}", self.by))
    }
}

impl Next {
    /// What `baton load` is given as the command line.
    fn cmdline(self) -> Option<String> {
        match self {
            Next::LinuxWithCmdline(_) => None,
            Next::Linux(_) => Some(machine::cmdline(2)),
            Next::Other { cmdline, .. } => Some(cmdline.into()),
        }
    }
}

/// `baton load` with these arguments.
pub fn load(command: &str, gate: &str, arguments: &str, cmdline: Option<String>) -> Step {
    let step = Step::run(&format!(
        "/payload/bin/baton {command} {arguments} --gate /payload/gate/{gate}.efi"
    ));
    match cmdline {
        Some(text) => step.and("--cmdline").and(text),
        None => step,
    }
}

/// An arguments' pattern with its directory and label.
pub fn filled(pattern: &str, directory: &str, label: &str) -> String {
    pattern.replace('@', directory).replace('*', label)
}
