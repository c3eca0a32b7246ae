//! The situation that a plan is made for, from the facts.

use super::plan::{Gate, Key, Memory, Situation};
use crate::failure::load::LoadError;
use crate::failure::sign::SignError;
use crate::failure::{Cause, Result};
use crate::keys::given;
use crate::keys::request;
use crate::load::plan::{self, Request};
use crate::readiness::facts::Facts;
use crate::readiness::gate::{GateFact, OWN};
use crate::readiness::reservation::SIZE;
use crate::readiness::units::Unit;
use baton_verify::{Certificate, Trust};
use std::path::Path;

/// The situation, with this certificate if one was named.
///
/// # Errors
/// When the certificate can't be read.
pub fn of(facts: &Facts, named: Option<&Path>) -> Result<Situation> {
    let der = match (named, &facts.own_key) {
        (Some(path), _) => given::certificates(path)?.into_iter().next(),
        (None, Some(own)) => Some(own.der.clone()),
        (None, None) => None,
    };
    let units = || facts.load_units.iter().chain([&facts.crash_unit]);
    let with = |is: fn(&Unit) -> bool| {
        let units = units().filter(|it| facts.systemd && it.is_expected() && is(it));
        units.map(|it| it.name).collect()
    };
    let efi = facts.machine.efi;
    Ok(Situation {
        enforced: facts.machine.enforced_by.is_some(),
        no_mokmanager: request::check(efi, &facts.inventory)
            .err()
            .map(|it| it.to_string()),
        no_mok: facts.machine.why_no_mok(),
        key: key(facts, der.as_deref())?,
        gate: gate(facts, der.as_deref()),
        has_stub: facts.has_stub,
        disabled_units: with(|it| !it.is_enabled),
        enabled_units: with(|it| it.is_enabled),
        memory: memory(facts),
        no_load: no_load(facts),
        is_loaded: facts.machine.state.is_some_and(|it| it.loaded),
    })
}

/// What stands against any load, or that there is nothing to load by default.
fn no_load(facts: &Facts) -> Option<String> {
    let request = Request {
        crash: false,
        cmdline_len: 0,
        free: None,
    };
    if let Err(obstacle) = plan::check_machine(&facts.machine, request) {
        return Some(obstacle.to_string());
    }
    match facts.next.as_ref().map_err(|failure| &*failure.cause) {
        Err(Cause::Load(none @ LoadError::NoEntry)) => Some(none.to_string()),
        _ => None,
    }
}

fn key(facts: &Facts, der: Option<&[u8]>) -> Result<Key> {
    let Some(der) = der else {
        let stray = facts.stray_key.as_ref();
        return Ok(stray.map_or(Key::Missing, |it| Key::Incomplete(it.display().to_string())));
    };
    let certificate = Certificate::parse(der).map_err(SignError::Certificate)?;
    let refusing = facts.keys.refuse_revoked(Trust::new())?;
    Ok(Key::Present {
        name: certificate.subject_name(),
        enrollment: facts.enrollment(der),
        is_accepted: facts.kernel_accepts(der),
        revoked_by: refusing.revokes(&certificate),
    })
}

fn gate(facts: &Facts, der: Option<&[u8]>) -> Gate {
    match &facts.gate {
        GateFact::Missing => Gate::Missing,
        GateFact::Unreadable { .. } => Gate::Unreadable,
        GateFact::Installed(gate) => Gate::Present {
            path: gate.path.display().to_string(),
            is_accepted: gate.is_accepted(),
            // A distribution builds and signs its own.
            is_outdated: gate.is_outdated && gate.path.ends_with(OWN.trim_start_matches('/')),
            revoked: gate.revoked().map(ToString::to_string),
            by_key: der.is_some() && gate.signer.as_deref() == der,
        },
    }
}

fn memory(facts: &Facts) -> Memory {
    let reservation = &facts.reservation;
    let reserved = reservation.memory.map(|memory| memory.reserved);
    match (reserved, &reservation.configured) {
        (None, _) => Memory::Unknown,
        (Some(0), Some(file)) if reservation.parameters.is_empty() => {
            Memory::AtNextBoot(file.clone())
        }
        (Some(0), _) => Memory::None {
            can_write: reservation.owner.file().is_some(),
            advice: reservation.owner.advice(SIZE),
        },
        (Some(bytes), _) => Memory::Reserved(bytes),
    }
}
