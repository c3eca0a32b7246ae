//! What is chosen of what was signed: a UKI's profile, and the command line that goes with it.

use crate::failure::Result;
use crate::failure::load::LoadError;
use baton_formats::handover::Handover;
use baton_formats::manifest::{CommandLine, Manifest};
use baton_formats::pe::Pe;
use baton_formats::uki::{Addon, Arguments, Uki};
use baton_verify::{as_uki, signed_command_line};

/// The kernel as a UKI, if it is one. Nothing is verified yet: what can't be read is none here, and is
/// refused later in the gate's words.
#[must_use]
pub fn uki(kernel: &[u8]) -> Option<Uki<'_>> {
    as_uki(kernel).ok().flatten()
}

/// The number of the profile that was asked for, by number or by ID.
///
/// # Errors
/// When there is no such profile.
pub fn profile(wanted: Option<&str>, uki: Option<&Uki<'_>>) -> Result<u32> {
    let Some(wanted) = wanted else {
        return Ok(0);
    };
    if let Ok(number) = wanted.parse() {
        return Ok(number);
    }
    let ids: Vec<Option<&str>> = uki
        .into_iter()
        .flat_map(Uki::profiles)
        .map(|it| it.id())
        .collect();
    let found = ids.iter().position(|id| *id == Some(wanted));
    let found = found.and_then(|n| u32::try_from(n).ok());
    Ok(found.ok_or_else(|| LoadError::NoSuchProfile {
        wanted: wanted.to_owned(),
        there: if ids.is_empty() {
            "the kernel is no UKI; leave --profile out".to_owned()
        } else {
            format!("there are {}", named(&ids))
        },
    })?)
}

/// Profiles by their numbers, and by their IDs where they have one.
fn named(ids: &[Option<&str>]) -> String {
    let name = |(number, id): (usize, &Option<&str>)| match id {
        Some(id) => format!("{number} (\"{id}\")"),
        None => format!("{number} (without an ID)"),
    };
    let names: Vec<String> = ids.iter().enumerate().map(name).collect();
    names.join(", ")
}

/// The parts of a load, or of a saved handover, that may set the command line.
#[derive(Debug, Default)]
pub struct CommandLineSources<'a> {
    /// The kernel.
    pub kernel: &'a [u8],
    /// The profile, if it is a UKI.
    pub profile: u32,
    /// Addons for it.
    pub addons: Vec<&'a [u8]>,
    /// A manifest.
    pub manifest: Option<&'a [u8]>,
}

impl<'a> From<&Handover<'a>> for CommandLineSources<'a> {
    fn from(handover: &Handover<'a>) -> Self {
        CommandLineSources {
            kernel: handover.kernel().bytes,
            profile: handover.profile(),
            addons: handover.addons().map(|addon| addon.bytes).collect(),
            manifest: handover.manifest().map(|manifest| manifest.bytes),
        }
    }
}

impl CommandLineSources<'_> {
    /// The command line that a UKI with its addons, or else a manifest, says is to be used: where
    /// one says how it must begin or end, only that.
    #[must_use]
    pub fn command_line(&self) -> Option<String> {
        let number = usize::try_from(self.profile).ok()?;
        let own = uki(self.kernel).and_then(|uki| uki.profile(number));
        let mut arguments: Vec<Arguments<'_>> = own.map(|own| own.arguments).into_iter().collect();
        arguments.extend(self.addons.iter().filter_map(|addon| of_addon(addon)));
        signed_command_line(&arguments).or_else(|| of_manifest(self.manifest?))
    }
}

fn of_addon(bytes: &[u8]) -> Option<Arguments<'_>> {
    let pe = Pe::parse(bytes).ok()?;
    Some(Addon::parse(&pe).ok()?.arguments)
}

fn of_manifest(text: &[u8]) -> Option<String> {
    let manifest = Manifest::parse(text).ok()?;
    let (CommandLine::Exact(line) | CommandLine::Prefix(line)) = manifest.command_line()?;
    Some(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_told_by_number_also_those_that_have_no_id() {
        assert_eq!(
            named(&[None, Some("factory")]),
            "0 (without an ID), 1 (\"factory\")"
        );
    }

    #[test]
    fn a_profile_is_chosen_by_number_whatever_the_kernel_is() {
        assert_eq!(profile(None, None).unwrap(), 0);
        assert_eq!(profile(Some("3"), None).unwrap(), 3);
        let why = profile(Some("rescue"), None).unwrap_err().to_string();
        assert!(why.contains("no UKI"), "{why}");
    }

    #[test]
    fn a_manifest_says_what_the_command_line_is_where_nobody_else_does() {
        let line = |text: &str| {
            let manifest = Some(text.as_bytes());
            let sources = CommandLineSources {
                manifest,
                ..CommandLineSources::default()
            };
            sources.command_line()
        };
        let digest = "ab".repeat(32);
        let manifest = |rule: &str| format!("baton-manifest 1\nkernel sha256 {digest} 7\n{rule}");
        assert_eq!(line(&manifest("cmdline quiet\n")).as_deref(), Some("quiet"));
        assert_eq!(line(&manifest("cmdline\n")).as_deref(), Some(""));
        assert_eq!(
            line(&manifest("cmdline-prefix ro\n")).as_deref(),
            Some("ro")
        );
        assert_eq!(line(&manifest("")), None);
        assert_eq!(line("no manifest"), None);
    }
}
