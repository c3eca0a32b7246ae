//! What a person should know of the keys of a machine.

use super::inventory::{Inventory, Listed, Place};
use crate::calendar;
use crate::certificate::known::SHIM_CAS;
use crate::finding::{Area, Finding, RESTART};

/// What there is to say of whom a machine trusts, at this time.
#[must_use]
pub fn of(inventory: &Inventory, now: u64) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in &inventory.malformed {
        findings.push(Finding::problem(
            Area::Keys,
            "malformed-list",
            format!("{name} is malformed: the gate refuses everything as long as it is"),
        ));
    }
    findings.extend(mok_outside_machine(inventory));
    findings.extend(inventory.trusted.iter().filter_map(revoked));
    findings.extend(inventory.trusted.iter().filter_map(weak));
    findings.extend(inventory.trusted.iter().filter_map(for_modules));
    findings.extend(inventory.trusted.iter().filter_map(|it| expired(it, now)));
    findings.extend(without_2023(inventory));
    findings
}

fn in_keyring(listed: &Listed) -> Option<&str> {
    listed.places.iter().find_map(|place| match place {
        Place::Keyring(name) => Some(&name[..]),
        _ => None,
    })
}

/// MOKs that the kernel didn't put into `.machine` (add_to_machine_keyring in
/// security/integrity/platform_certs/machine_keyring.c), or into no keyring at all.
fn mok_outside_machine(inventory: &Inventory) -> Option<Finding> {
    let machine = Place::Keyring(".machine".to_owned());
    let enrolled: Vec<&Listed> = inventory.at(&Place::MokList).collect();
    if enrolled.is_empty()
        || !inventory.keyrings_readable
        || inventory.at(&machine).next().is_some()
    {
        return None;
    }
    let nowhere = enrolled.iter().all(|it| in_keyring(it).is_none());
    let cure = format!("mokutil --trust-mok; {RESTART}, and confirm it in MokManager");
    Some(if nowhere {
        let why = "MOKs are enrolled, and the kernel has none of them in its keyrings (.machine is empty): it starts \
                   nothing that they signed";
        Finding::problem(Area::Keys, "empty-machine-keyring", why).mended_by(if inventory.mok_trusted {
            "use a kernel with CONFIG_INTEGRITY_MACHINE_KEYRING or CONFIG_INTEGRITY_PLATFORM_KEYRING".to_owned()
        } else {
            cure
        })
    } else {
        let why = "MOKs are enrolled, and .machine is empty: kexec accepts them by .platform, but modules that they \
                   signed aren't loaded";
        let finding = Finding::warning(Area::Keys, "empty-machine-keyring", why);
        if inventory.mok_trusted {
            finding
        } else {
            finding.mended_by(cure)
        }
    })
}

fn revoked(listed: &Listed) -> Option<Finding> {
    let list = listed.revoked_by?;
    Some(Finding::warning(
        Area::Keys,
        "revoked",
        format!(
            "\"{}\" ({}) is revoked by {list}",
            listed.name,
            listed.places()
        ),
    ))
}

fn weak(listed: &Listed) -> Option<Finding> {
    let weakness = listed.certificate.as_ref()?.weakness()?;
    // Nobody can replace what the firmware came with, or what is revoked anyway.
    let own = listed.places.contains(&Place::MokList) || listed.places.contains(&Place::Gate);
    let finding = Finding::warning(
        Area::Keys,
        "weak-key",
        format!(
            "\"{}\" ({}) is weak: {weakness}",
            listed.name,
            listed.places()
        ),
    );
    Some(if own {
        finding.mended_by("baton keys new, enroll the new key, sign anew, and delete the old one (`mokutil --delete`)")
    } else {
        finding
    })
}

fn for_modules(listed: &Listed) -> Option<Finding> {
    let details = listed.certificate.as_ref()?;
    let modules = details
        .extended_key_usage
        .iter()
        .any(|it| it == "Linux kernel modules");
    modules.then(|| {
        Finding::warning(
            Area::Keys,
            "modules-only",
            format!(
                "\"{}\" ({}) is for kernel modules only: what it signs is never booted",
                listed.name,
                listed.places()
            ),
        )
    })
}

fn expired(listed: &Listed, now: u64) -> Option<Finding> {
    let details = listed.certificate.as_ref()?;
    let expiry = details.expiry.filter(|_| details.is_expired(now))?;
    let meaning = match listed.known {
        Some(known) => known.meaning,
        None => "kernel, shim and gate judge no dates, so it counts as before",
    };
    Some(Finding::warning(
        Area::Keys,
        "expired",
        format!(
            "\"{}\" ({}) expired on {}: {meaning}",
            listed.name,
            listed.places(),
            calendar::day(expiry)
        ),
    ))
}

/// A firmware that knows Microsoft's older CA for shims and not the newer one.
fn without_2023(inventory: &Inventory) -> Option<Finding> {
    let mut names = inventory
        .at(&Place::Db)
        .filter_map(|it| Some(it.known?.name));
    let [old, new] = SHIM_CAS;
    let all: Vec<&str> = names.by_ref().collect();
    (all.contains(&old) && !all.contains(&new)).then(|| {
        Finding::warning(
            Area::Keys,
            "no-2023-ca",
            format!("db has \"{old}\" and not \"{new}\": newer shims, which the latter alone vouches for, won't start here"),
        )
        .mended_by("fwupdmgr update (it adds the newer certificate to db), or the firmware's setup")
    })
}
