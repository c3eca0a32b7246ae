//! What Baton knows of the machine it runs on: plain values, read once.

pub mod algorithms;
pub mod quirks;
pub mod running_kernel;
pub mod saved_state;

use crate::arch::running;
use crate::failure::Result;
use algorithms::Algorithms;
use baton_sys::config::KernelConfig;
use baton_sys::kexec_state::KexecState;
use baton_sys::keyring::{self, Keyrings};
use baton_sys::limits::{self, Limits};
use baton_sys::lockdown::{self, Lockdown};
use baton_sys::mok::MokTable;
use baton_sys::{ReadError, Root, Shown, arch, caps, efivars, memory};
use baton_verify::{Lists, RevocationSource, SbatSource, Trust, TrustError};
use std::ops::Range;

/// What a load depends on, but for keys.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    /// What of the kernel's accounts could be looked at.
    pub shown: Shown,
    /// This process has `CAP_SYS_BOOT`, or the machine is described without its capabilities.
    pub may_boot: bool,
    /// What is loaded; `None` where the kernel has no kexec, or that isn't known.
    pub state: Option<KexecState>,
    /// Of a machine that is described: nothing is told of its kexec.
    pub kexec_unknown: bool,
    /// The sysctls.
    pub limits: Limits,
    /// `None` where the kernel doesn't say.
    pub lockdown: Option<Lockdown>,
    /// Booted by EFI.
    pub efi: bool,
    /// `None` where the firmware has no Secure Boot, or its variables aren't shown.
    pub secure_boot: Option<bool>,
    /// What the kernel tells the next one of Secure Boot and EFI.
    pub stated: baton_verify::Machine,
    /// Why the kernel insists on a signature; `None` where it doesn't.
    pub enforced_by: Option<&'static str>,
    /// Where the kernel insists, it says only EPERM of what isn't well signed, and not what is wrong.
    pub hides_errno: bool,
    /// What its signatures can be made of.
    pub algorithms: Algorithms,
    /// Bytes of RAM.
    pub memory: Option<u64>,
    /// The largest file that its kernel reads for kexec, in bytes.
    pub largest_file: Option<u64>,
    /// The kernel uses EFI's runtime services; those for real time don't, unless they are told to.
    pub runtime_services: bool,
    /// Page tables have five levels.
    pub five_level: bool,
    /// Where memory is reserved for a crash kernel, as physical addresses; none if that isn't shown.
    pub crash_regions: Vec<Range<u64>>,
}

impl Machine {
    /// Asks the system.
    ///
    /// # Errors
    /// When something that is there can't be read.
    pub fn read(root: &Root) -> Result<Machine> {
        let lockdown = lockdown::read(root)?;
        let secure_boot = efivars::secure_boot(root)?;
        // The configuration is a help where it is readable, and not needed.
        let config = KernelConfig::of_running(root).ok().flatten();
        Ok(Machine {
            shown: root.shown(),
            may_boot: caps::may_boot(root)? || is_unknown(root, &[STATUS]),
            state: KexecState::read(root)?,
            kexec_unknown: is_unknown(root, &KEXEC),
            limits: Limits::read(root)?,
            lockdown,
            efi: efivars::is_efi(root),
            secure_boot,
            stated: stated(root, secure_boot)?,
            enforced_by: enforced_by(lockdown, secure_boot, config.as_ref()),
            hides_errno: hides_errno(root, lockdown, secure_boot, config.as_ref()),
            algorithms: Algorithms::read(root)?,
            memory: memory::total(root)?,
            largest_file: Some(limits::largest_file(root)?),
            runtime_services: efivars::has_runtime_services(root),
            five_level: arch::five_level_paging(root)?,
            crash_regions: memory::crash_regions(root)?,
        })
    }
}

/// What tells of this process's capabilities.
const STATUS: &str = "proc/self/status";

/// What tells of kexec, of newer kernels and of older ones (see [`KexecState::read`]).
const KEXEC: [&str; 4] = [
    "sys/kernel/kexec",
    "sys/kernel/kexec_loaded",
    "sys/kernel/kexec_crash_loaded",
    "sys/kernel/kexec_crash_size",
];

/// What tells of EFI and of Secure Boot.
const EFI: [&str; 2] = ["sys/firmware/efi", running::DIRECTORY];

/// Whether this is the description of another machine, in which none of these files is.
fn is_unknown(root: &Root, files: &[&str]) -> bool {
    root.is_description() && !files.iter().any(|file| root.exists(file))
}

impl Machine {
    /// What to do about a key that isn't trusted, where enrolling it wouldn't help: the lists that shim and
    /// the firmware left are read through EFI's runtime services (load_uefi_certs in
    /// security/integrity/platform_certs/load_uefi.c), and passed on with them.
    #[must_use]
    pub fn why_no_mok(&self) -> Option<&'static str> {
        (self.efi && !self.runtime_services).then_some(
            "EFI runtime services are off in this kernel, as in real-time kernels (PREEMPT_RT) and with efi=noruntime, so it knows no MOKs and passes none on: boot it with efi=runtime",
        )
    }

    /// Whether the kernel insists on a signature; `None` where that can't be told.
    #[must_use]
    pub fn enforces_signatures(&self) -> Option<bool> {
        let can_tell = self.lockdown.is_some() || self.shown.security;
        match self.enforced_by {
            Some(_) => Some(true),
            None => can_tell.then_some(false),
        }
    }
}

/// What the kernel tells the next one: what it was told itself, or nothing if it passes nothing of EFI on. Where it
/// doesn't show what it was told, the firmware's variable says the same, unless shim was told to verify nothing. Of
/// another machine whose description says neither it is taken that Secure Boot started it.
///
/// # Errors
/// When what it was told can't be read.
pub fn stated(
    root: &Root,
    variable: Option<bool>,
) -> std::result::Result<baton_verify::Machine, ReadError> {
    if is_unknown(root, &EFI) {
        return Ok(baton_verify::Machine::SECURE);
    }
    if !arch::passes_efi_on(root) {
        return Ok(baton_verify::Machine::default());
    }
    let told = running::told(root)?;
    Ok(told.unwrap_or_else(|| baton_verify::Machine {
        secure_boot: variable.unwrap_or(!root.is_system()),
        efi: true,
        crash: None,
    }))
}

/// kimage_validate_signature of kernel/kexec_file.c tolerates a bad signature unless one of these holds.
fn enforced_by(
    lockdown: Option<Lockdown>,
    secure_boot: Option<bool>,
    config: Option<&KernelConfig>,
) -> Option<&'static str> {
    let set = |name| config.is_some_and(|c| c.is_set(name));
    if lockdown.is_some_and(|l| l > Lockdown::None) {
        Some("lockdown")
    } else if set("KEXEC_SIG_FORCE") {
        Some("CONFIG_KEXEC_SIG_FORCE")
    } else if secure_boot == Some(true) && set("IMA_ARCH_POLICY") && set("KEXEC_SIG") {
        // set_kexec_sig_enforced in security/integrity/ima/ima_efi.c
        Some("IMA under Secure Boot")
    } else if secure_boot == Some(true) && lockdown.is_none() {
        // Distributions lock down under Secure Boot; without securityfs that can't be seen, and taking
        // a locked-down kernel for a lenient one would promise what it then refuses.
        Some("Secure Boot, as far as can be told without /sys/kernel/security")
    } else {
        None
    }
}

/// Whether lockdown alone makes the kernel insist: kimage_validate_signature returns EPERM then, and otherwise what the
/// verification returned. IMA's policy for the architecture, which set_kexec_sig_enforced goes with
/// (security/integrity/ima/ima_efi.c), is taken to be on under Secure Boot wherever there is IMA, unless the kernel's
/// configuration says that it isn't: distributions that lock down have it.
fn hides_errno(
    root: &Root,
    lockdown: Option<Lockdown>,
    secure_boot: Option<bool>,
    config: Option<&KernelConfig>,
) -> bool {
    let by_configuration = |name| config.map(|config| config.is_set(name));
    let has_ima = || root.exists("sys/kernel/security/ima");
    let has_policy = || by_configuration("IMA_ARCH_POLICY").unwrap_or_else(has_ima);
    let insists = by_configuration("KEXEC_SIG_FORCE") == Some(true)
        || (secure_boot == Some(true) && has_policy());
    lockdown.is_some_and(|lockdown| lockdown > Lockdown::None) && !insists
}

/// The keys this machine has, for the two who judge.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// What the kernel's keyrings hold.
    pub keyrings: Keyrings,
    /// The firmware's `db`, as signature lists.
    pub db: Vec<u8>,
    /// The firmware's `dbx`, likewise.
    pub dbx: Vec<u8>,
    /// What shim left.
    pub mok: MokTable,
}

impl Keys {
    /// Asks the system.
    ///
    /// # Errors
    /// When something that is there can't be read: only root may read shim's table.
    pub fn read(root: &Root) -> Result<Keys> {
        Ok(Keys {
            keyrings: keyring::read(root)?,
            db: efivars::db(root)?.unwrap_or_default(),
            dbx: efivars::dbx(root)?.unwrap_or_default(),
            mok: MokTable::read(root)?,
        })
    }

    /// What a gate with these lists would trust: them, and shim's lists, if the kernel passes the way to
    /// them on.
    ///
    /// # Errors
    /// When a list is malformed: the gate would refuse everything.
    pub fn gate_trust<'a>(&'a self, gate: Lists<'a>) -> std::result::Result<Trust<'a>, TrustError> {
        let seen = |list: &'a Option<Vec<u8>>| list.as_deref().filter(|_| self.mok.passed_on);
        Trust::of(&Lists {
            mok_list: seen(&self.mok.list).unwrap_or_default(),
            mok_revocations: seen(&self.mok.revoked).unwrap_or_default(),
            dbx: seen(&self.mok.dbx).unwrap_or_default(),
            sbat_level: seen(&self.mok.sbat_level),
            ..gate
        })
    }

    /// `trust` that refuses all that this machine's owner and its firmware have revoked.
    ///
    /// # Errors
    /// When a list is malformed.
    pub fn refuse_revoked<'a>(
        &'a self,
        trust: Trust<'a>,
    ) -> std::result::Result<Trust<'a>, TrustError> {
        let revoked = self.mok.revoked.as_deref().unwrap_or_default();
        // The variable may have been updated since shim copied it, or not be there to read.
        let dbx = if self.dbx.is_empty() {
            self.mok.dbx.as_deref().unwrap_or_default()
        } else {
            &self.dbx
        };
        let trust = trust
            .add_revocations(revoked, RevocationSource::MokListX)?
            .add_revocations(dbx, RevocationSource::Firmware)?;
        match &self.mok.sbat_level {
            Some(level) => trust.add_sbat_level(level, SbatSource::Machine),
            None => Ok(trust),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lockdown_enforces_signatures() {
        assert_eq!(
            enforced_by(Some(Lockdown::Integrity), None, None),
            Some("lockdown")
        );
        assert_eq!(enforced_by(Some(Lockdown::None), Some(true), None), None);
    }

    #[test]
    fn so_do_the_kernels_configuration_and_ima() {
        let force = KernelConfig::new("CONFIG_KEXEC_SIG_FORCE=y\n");
        assert!(enforced_by(None, None, Some(&force)).is_some());
        let ima = KernelConfig::new("CONFIG_IMA_ARCH_POLICY=y\nCONFIG_KEXEC_SIG=y\n");
        assert!(enforced_by(None, Some(true), Some(&ima)).is_some());
        assert!(enforced_by(None, Some(false), Some(&ima)).is_none());
    }

    #[test]
    fn secure_boot_counts_where_lockdown_is_not_shown() {
        assert!(enforced_by(None, Some(true), None).is_some());
        assert!(enforced_by(None, None, None).is_none());
    }
}
