//! A policy as it is given: a preset, TOML, the compact form, or a gate with one.

use super::model::Policy;
use super::source::{self, PolicySource};
use super::{compact, preset};
use crate::digest::sha256;
use crate::failure::Result;
use crate::failure::gate::GateError;
use crate::failure::input::InputError;
use crate::input::read;
use crate::verdict::own::not_a_gate;
use baton_formats::gate_image::GateInfo;
use baton_formats::pe::Pe;
use baton_formats::policy::{MAGIC, Policy as Compact};
use baton_sys::hex;
use std::path::Path;

/// The compact form of a preset, or of a TOML file's policy.
///
/// # Errors
/// When it can't be read, or isn't a policy.
pub fn compiled(name: &Path) -> Result<Vec<u8>> {
    match preset_text(name) {
        Some(text) => compile(text, name).map(|(_, bytes)| bytes),
        None => {
            let bytes = read_file(name)?;
            compile(utf8(&bytes, name)?, name).map(|(_, bytes)| bytes)
        }
    }
}

/// SHA-256 of a compact policy, in hexadecimal: what tells policies apart.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    hex::encode(sha256([bytes]))
}

pub(super) fn compile(text: &str, name: &Path) -> Result<(PolicySource, Vec<u8>)> {
    let wrong = |why: &dyn std::fmt::Display| bad_policy(name, why);
    let directory = name.parent().unwrap_or(Path::new(""));
    let source = source::read(text, directory).map_err(|problem| wrong(&problem))?;
    let bytes = compact::write(&source.policy).map_err(|why| wrong(&why))?;
    let parsed = Compact::parse(&bytes).map_err(|why| wrong(&why))?;
    source::check_forced(&parsed).map_err(|problem| wrong(&problem))?;
    Ok((source, bytes))
}

pub(super) fn bad_policy(name: &Path, why: &dyn std::fmt::Display) -> InputError {
    InputError::Policy {
        path: name.to_owned(),
        why: why.to_string(),
    }
}

pub(super) fn preset_text(name: &Path) -> Option<&'static str> {
    preset::text(name.to_str()?)
}

pub(super) fn read_file(path: &Path) -> Result<Vec<u8>> {
    read::given(path).map_err(|failure| {
        let bare = path.components().count() == 1;
        if bare && !path.exists() {
            failure.remarked(format!("presets are {}", preset::NAMES.join(", ")))
        } else {
            failure
        }
    })
}

pub(super) fn utf8<'b>(bytes: &'b [u8], path: &Path) -> Result<&'b str> {
    let wrong = |_| {
        let why = "neither TOML nor a gate; give a policy's TOML, a gate, or a preset's name";
        bad_policy(path, &why)
    };
    Ok(std::str::from_utf8(bytes).map_err(wrong)?)
}

/// The compact form of a preset's, a file's, or a gate's policy.
pub(super) fn compact_of(name: &Path) -> Result<Vec<u8>> {
    if preset_text(name).is_some() {
        return compiled(name);
    }
    let bytes = read_file(name)?;
    if bytes.starts_with(&MAGIC) {
        return Ok(bytes);
    }
    if Pe::recognises(&bytes) {
        of_gate(&bytes, name)
    } else {
        compile(utf8(&bytes, name)?, name).map(|(_, bytes)| bytes)
    }
}

fn of_gate(image: &[u8], name: &Path) -> Result<Vec<u8>> {
    let info = GateInfo::from_image(image);
    let policy = info.and_then(|info| info.policy(image).map(<[u8]>::to_vec));
    let policy = policy.map_err(|e| GateError::NotAGate {
        path: name.to_owned(),
        why: not_a_gate(image, &e),
    })?;
    if policy.is_empty() {
        Ok(Compact::stock().as_bytes().to_vec())
    } else {
        Ok(policy)
    }
}

/// The parts of a compact policy from there.
pub(super) fn parts(bytes: &[u8], name: &Path) -> Result<Policy> {
    let parsed = parse(bytes, name)?;
    Ok(compact::read(&parsed).map_err(|why| bad_policy(name, &why))?)
}

pub(super) fn parse<'b>(bytes: &'b [u8], name: &Path) -> Result<Compact<'b>> {
    let parsed = Compact::parse(bytes);
    Ok(parsed.map_err(|e| bad_policy(name, &e))?)
}
