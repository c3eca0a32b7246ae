//! What a verdict depends on besides bytes: what the running kernel says of the machine.

use baton_formats::cmdline::CrashLine;
use baton_formats::policy::Policy;

use crate::decide::arch::x86::loses_efi;
use crate::decide::manifest::VerifiedManifest;
use crate::decide::payload::Payload;
use crate::reason::Reason;

/// What the running kernel tells the next one of the machine; nothing by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Machine {
    /// Whether it says that Secure Boot is on.
    pub secure_boot: bool,
    /// Whether it says where EFI's tables are.
    pub efi: bool,
    /// Whether this is a crash, where the command line isn't what tells.
    pub crash: Option<bool>,
}

impl Machine {
    /// A machine started under Secure Boot, whose kernel reports that.
    pub const SECURE: Self = Self {
        secure_boot: true,
        efi: true,
        crash: None,
    };

    /// Whether this is a crash: on x86 that is told by what the kernel puts before the command line.
    pub(crate) fn is_crash(self, command_line: &[u8]) -> bool {
        self.crash
            .unwrap_or_else(|| CrashLine::is_claimed_by(command_line))
    }

    /// The part of a command line that user space chose: in a crash, what follows what the kernel put there.
    pub(crate) fn chosen(self, command_line: &[u8]) -> &[u8] {
        let told_there = self.crash.is_none();
        let line = CrashLine::split(command_line).filter(|_| told_there);
        line.map_or(command_line, |line| line.chosen)
    }

    /// Checks that Secure Boot is on, if the policy asks for that.
    ///
    /// A kernel without EFI's runtime services (`efi=noruntime`, `noefi`) passes on neither this nor
    /// shim's lists (`setup_efi_state` in arch/x86/kernel/kexec-bzimage64.c), so that the next kernel
    /// wouldn't be locked down, and the gate wouldn't know what is revoked.
    pub(crate) fn check(self, policy: &Policy<'_>) -> Result<(), Reason> {
        if policy.require_secure_boot && !self.secure_boot {
            Err(Reason::SecureBootNotOn)
        } else {
            Ok(())
        }
    }

    /// Checks that a kernel is told of EFI where the machine has it. A bzImage that states that it can't be
    /// started by kexec under EFI is told nothing of it: it would find none of shim's lists and pass
    /// nothing on. Whoever lists it in a manifest wants it so.
    pub(crate) fn check_kernel(
        self,
        payload: &Payload<'_>,
        manifest: Option<&VerifiedManifest<'_>>,
    ) -> Result<(), Reason> {
        let listed = manifest.is_some_and(|it| it.manifest().kernel().is_some());
        if self.efi && !listed && loses_efi(payload) {
            Err(Reason::LosesEfi)
        } else {
            Ok(())
        }
    }
}
