//! What follows from the facts: what is good, to be watched, or in the way.

use super::facts::Facts;
use super::gate::{GateFact, Installed};
use super::reservation::{Reservation, SIZE};
use super::units::Unit;
use crate::calendar;
use crate::crash::status::About;
use crate::failure::exit::Exit;
use crate::failure::load::LoadError;
use crate::finding::{Area, Finding, Level, RESTART};
use crate::keys::advice;
use crate::keys::request::Enrollment;
use crate::load::plan::{self, Request};
use crate::verdict::kernel::KernelVerdict;
use std::borrow::Cow;

/// All findings, at this time.
#[must_use]
pub fn of(facts: &Facts, now: u64) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(permission(facts));
    findings.extend(no_mok(facts));
    findings.extend(gate(facts, now));
    findings.push(next(facts));
    findings.extend(facts.loads_at_reboot.map(|what| {
        let text = format!(
            "{what}: kexec-tools loads a kernel of its own at reboot, in the place of Baton's"
        );
        Finding::warning(Area::Load, "kexec-tools", text)
            .mended_by("set LOAD_KEXEC=false in /etc/default/kexec")
    }));
    let units = facts.load_units.iter();
    findings.extend(units.filter_map(|it| unit(facts, it, Area::Load)));
    findings.extend(advice::of(&facts.inventory, now));
    findings.extend(reservation(facts));
    findings.extend(unit(facts, &facts.crash_unit, Area::Crash));
    findings.extend(crash(facts));
    findings
}

/// Whether none of them is in the way.
#[must_use]
pub fn is_ready(findings: &[Finding]) -> bool {
    findings.iter().all(|it| it.level != Level::Problem)
}

/// What stands against any load.
fn permission(facts: &Facts) -> Option<Finding> {
    let request = Request {
        crash: false,
        cmdline_len: 0,
        free: None,
    };
    let obstacle = plan::check_machine(&facts.machine, request).err()?;
    let (code, mend) = match obstacle {
        LoadError::NoCapability => ("no-capability", "run as root"),
        LoadError::NoKexec => ("no-kexec", "boot a kernel with CONFIG_KEXEC_FILE"),
        LoadError::Disabled => (
            "load-disabled",
            "grep -r kexec_load_disabled /etc/sysctl.conf /etc/sysctl.d /usr/lib/sysctl.d; remove it there, and reboot",
        ),
        _ => (
            "load-limit",
            "grep -r kexec_load_limit /etc/sysctl.conf /etc/sysctl.d /usr/lib/sysctl.d; remove it there, and reboot",
        ),
    };
    Some(Finding::problem(Area::Load, code, obstacle.to_string()).mended_by(mend))
}

/// A kernel that knows no MOKs, as those for real time.
fn no_mok(facts: &Facts) -> Option<Finding> {
    let why = facts.machine.why_no_mok()?;
    let finding = match facts.machine.enforced_by {
        Some(_) => Finding::problem,
        None => Finding::warning,
    };
    Some(
        finding(Area::Load, "no-runtime-services", why)
            .mended_by("boot with efi=runtime on the command line"),
    )
}

/// Whether a gate is needed here: for direct kexec alone none is.
fn gate(facts: &Facts, now: u64) -> Vec<Finding> {
    let enforced = facts.machine.enforced_by.is_some();
    match &facts.gate {
        GateFact::Missing if enforced => vec![
            Finding::warning(
                Area::Load,
                "no-gate",
                "no gate is installed: only what the running kernel accepts itself can be loaded, and no UKI",
            )
            .mended_by("baton setup"),
        ],
        GateFact::Missing => vec![Finding::ok(
            Area::Load,
            "no-gate",
            "no gate is installed, and none is needed: nothing enforces signatures here",
        )],
        GateFact::Unreadable { why, .. } => {
            vec![Finding::problem(Area::Load, "bad-gate", why.clone()).mended_by("baton setup")]
        }
        GateFact::Installed(gate) => installed(facts, gate, now),
    }
}

fn installed(facts: &Facts, gate: &Installed, now: u64) -> Vec<Finding> {
    let path = gate.path.display();
    let enforced = facts.machine.enforced_by.is_some();
    let mut findings = vec![match &gate.verdict {
        KernelVerdict::Vouches { by } => Finding::ok(
            Area::Load,
            "gate",
            format!("the gate {path} is signed by {by}"),
        ),
        KernelVerdict::Unknown => Finding::warning(
            Area::Load,
            "gate-not-known",
            format!("whether the kernel accepts the gate {path} isn't known here"),
        )
        .mended_by("run as root"),
        KernelVerdict::Refuses(reason) => {
            let finding = if enforced {
                Finding::problem
            } else {
                Finding::warning
            };
            finding(
                Area::Load,
                "gate-refused",
                format!("the kernel won't start the gate {path}: {reason}"),
            )
            .mended_by(mend_of_gate(facts, gate))
        }
    }];
    if gate.is_outdated {
        findings.push(
            Finding::warning(
                Area::Load,
                "gate-outdated",
                format!("the gate {path} is from another release than /usr/lib/baton/gate.stub"),
            )
            .mended_by("baton setup (it builds and signs the gate anew)"),
        );
    }
    if let Some(details) = gate.details.as_ref().filter(|it| it.is_expired(now)) {
        let day = details.expiry.map(calendar::day).unwrap_or_default();
        findings.push(Finding::warning(
            Area::Load,
            "gate-certificate-expired",
            format!("the certificate of the gate's signer expired on {day}; kernel, shim and gate judge no dates"),
        ));
    }
    if gate.wants_secure_boot && !facts.machine.stated.secure_boot {
        let text = format!(
            "the gate {path} boots nothing here: its policy requires Secure Boot, and that is off"
        );
        let finding = if enforced {
            Finding::problem
        } else {
            Finding::warning
        };
        findings.push(
            finding(Area::Load, "gate-wants-secure-boot", text)
                .mended_by("turn Secure Boot on, or build a gate with require-secure-boot = false in its policy"),
        );
    }
    findings
}

/// By why it is refused, and how far its signer's enrollment is.
fn mend_of_gate(facts: &Facts, gate: &Installed) -> Cow<'static, str> {
    if gate.revoked().is_some() {
        return "install a newer release of Baton, then baton setup (it builds and signs the gate anew)".into();
    }
    if facts.machine.why_no_mok().is_some() {
        return "boot with efi=runtime on the command line".into();
    }
    match gate.signer.as_deref().map(|der| facts.enrollment(der)) {
        None => "baton setup (it signs the gate)".into(),
        Some(Enrollment::No) => "baton setup (it has shim ask for the key at the next boot)".into(),
        Some(Enrollment::Requested) => {
            format!("{RESTART}, and confirm the key in MokManager").into()
        }
        Some(Enrollment::Done) => "baton keys list (it says what is wrong with the key)".into(),
    }
}

/// What boots by default, through `baton load`'s own verdict.
fn next(facts: &Facts) -> Finding {
    match &facts.next {
        Ok(what) => Finding::ok(
            Area::Load,
            "next-kernel",
            format!("`baton load` would load {what}"),
        ),
        Err(failure) => {
            let text = format!("`baton load` would load nothing: {failure}");
            // What was found before says more, and what mends it.
            let finding = match failure.exit() {
                Exit::Untrusted | Exit::NotPermitted | Exit::Unsupported | Exit::Malformed => {
                    Finding::problem
                }
                _ => Finding::warning,
            };
            finding(Area::Load, "next-kernel", text)
                .mended_by("baton entries; baton load --dry-run KERNEL")
        }
    }
}

fn unit(facts: &Facts, unit: &Unit, area: Area) -> Option<Finding> {
    // Without systemd, or without the package, nothing is expected of units.
    if !facts.systemd || !unit.is_expected() {
        return None;
    }
    let name = unit.name;
    Some(if unit.is_enabled {
        Finding::ok(area, "unit", format!("{name} is enabled"))
    } else {
        Finding::warning(area, "unit-disabled", format!("{name} isn't enabled"))
            .mended_by(format!("systemctl enable {name}"))
    })
}

fn reservation(facts: &Facts) -> Vec<Finding> {
    let reservation = &facts.reservation;
    let Some(memory) = reservation.memory else {
        return Vec::new();
    };
    if memory.reserved == 0 {
        return vec![unreserved(reservation)];
    }
    let text = format!("memory for a crash kernel: {}", memory.describe());
    let mut findings = vec![Finding::ok(Area::Crash, "crash-memory", text)];
    findings.extend(reservation.lent_in_vain().map(|parameter| {
        let text = format!(
            "{parameter} is on the command line, and the kernel shows no memory that it set aside by that: Linux 6.17 and newer do, with CONFIG_CMA"
        );
        Finding::warning(Area::Crash, "no-lent-crash-memory", text)
            .mended_by("dmesg | grep -i crashkernel")
    }));
    findings
}

/// That no memory is reserved.
fn unreserved(reservation: &Reservation) -> Finding {
    let advice = reservation.owner.advice(SIZE);
    let asked = reservation.parameters.join(" ");
    match &reservation.configured {
        _ if reservation.is_added_to_nothing() => Finding::problem(
            Area::Crash,
            "no-crash-memory",
            format!(
                "no memory is reserved for a crash kernel: {asked} only adds to what another crashkernel= reserves"
            ),
        )
        .mended_by(advice),
        _ if !asked.is_empty() => Finding::problem(
            Area::Crash,
            "no-crash-memory",
            format!(
                "no memory is reserved for a crash kernel, though {asked} asks for it: it didn't fit"
            ),
        )
        .mended_by(format!("dmesg | grep -i crashkernel; {advice}")),
        Some(file) => Finding::problem(
            Area::Crash,
            "crash-memory-at-next-boot",
            format!("no memory is reserved for a crash kernel yet; {file} asks for it"),
        )
        .mended_by(RESTART),
        None => Finding::problem(
            Area::Crash,
            "no-crash-memory",
            "no memory is reserved for a crash kernel",
        )
        .mended_by(advice),
    }
}

/// `baton crash status`, but for what was said of memory already.
fn crash(facts: &Facts) -> Vec<Finding> {
    let crash = &facts.crash;
    let problems = crash.problems.iter();
    let problems = problems.filter(|it| it.about != About::Memory);
    let mut findings: Vec<Finding> = problems
        .map(|it| {
            let finding = Finding::problem(Area::Crash, "capture", it.text.clone());
            match it.about {
                About::Failure => finding.mended_by("baton crash status"),
                // It says itself what mends it.
                _ => finding,
            }
        })
        .collect();
    findings.extend(crash.notes.iter().map(|it| {
        let code = match it.about {
            About::OtherOwner => "other-owner",
            _ => "capture-note",
        };
        Finding::warning(Area::Crash, code, it.text.clone())
    }));
    if crash.verdict.is_none() {
        findings.push(Finding::ok(
            Area::Crash,
            "captured",
            "a crash now would be captured as configured",
        ));
    }
    findings
}
