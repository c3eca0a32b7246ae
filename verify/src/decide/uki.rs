//! UKIs and their addons: what is signed together with a kernel, and what that says of the rest.

use alloc::string::String;

use baton_formats::gate_image::Format;
use baton_formats::handover::Record;
use baton_formats::pe::Pe;
use baton_formats::policy::Purpose;
use baton_formats::uki::{Addon, Arguments, Uki};
use baton_formats::verdict::SignatureKind;

use crate::decide::payload::{Payload, as_uki};
use crate::decide::records::check_module;
use crate::display::printable;
use crate::policy::command_line;
use crate::policy::revoked::{check_bytes, check_revoked};
use crate::policy::sbat::check_sbat;
use crate::policy::scope::Use;
use crate::policy::trust::Trust;
use crate::reason::Reason;
use crate::signature::image::verify_image_for;
use crate::signature::verified::Verified;

/// A kernel image taken apart.
pub(crate) struct Opened<'a> {
    pub payload: Payload<'a>,
    /// What came with it, if it is a UKI.
    pub arguments: Option<Arguments<'a>>,
}

/// The verified kernel image as a UKI, whose file is `file`; `None` if it is none.
pub(crate) fn find<'a>(kernel: &Verified<'a>, file: &'a [u8]) -> Result<Option<Uki<'a>>, Reason> {
    match kernel.signature_kind() {
        // Its header tells where the certificate table is, so that it isn't a PE image without.
        SignatureKind::Authenticode | SignatureKind::ListedDigest => as_uki(file),
        _ => as_uki(kernel.bytes()),
    }
}

/// Takes a verified kernel image apart: of a UKI the profile of this number, whose kernel may have
/// SBAT metadata of its own, which must satisfy `trust` as the image's do.
#[inline(never)] // Smaller code: the caller's frame stays short.
pub(crate) fn open<'a>(
    kernel: &Verified<'a>,
    uki: Option<Uki<'a>>,
    profile: u32,
    trust: &Trust<'_>,
) -> Result<Opened<'a>, Reason> {
    let count = uki.map_or(1, |uki| uki.profile_count());
    let number = usize::try_from(profile).unwrap_or(usize::MAX);
    if number >= count {
        return Err(Reason::NoSuchProfile { profile, count });
    }
    let chosen = uki.and_then(|uki| uki.profile(number));
    // Only what the signature is about: a bzImage can't reach into the certificate table.
    let linux = chosen.map_or(kernel.bytes(), |profile| profile.linux);
    if chosen.is_some() {
        check_inner(linux, trust)?;
    }
    if let Some(profile) = chosen {
        check_arguments(&profile.arguments, trust)?;
    }
    let formats = trust.formats();
    let payload = Payload::recognise(linux, kernel.signature_kind(), formats)?;
    let needed = match (&chosen, &payload) {
        (Some(_), _) => Some(Format::Uki),
        (None, Payload::BzImage(_)) => Some(Format::BzImage),
        // `recognise` has asked for all others.
        (None, _) => None,
    };
    if let Some(format) = needed.filter(|format| !formats.has(*format)) {
        return Err(Reason::NotBuiltIn(format));
    }
    if let Some(profile) = chosen.filter(|_| !payload.is_linux()) {
        for (what, part) in [
            ("microcode", profile.arguments.ucode),
            ("initrd", profile.arguments.initrd),
        ] {
            // It is a module to another kernel.
            check_module(part.unwrap_or_default(), trust).map_err(|reason| inside(what, reason))?;
        }
    }
    Ok(Opened {
        payload,
        arguments: chosen.map(|profile| profile.arguments),
    })
}

/// Refuses a kernel within a signed image if it is revoked by itself. What begins as a PE image must be
/// one, as outside, so that nothing of it goes unseen. Zeros may follow: a section is as long as a
/// multiple of the file's alignment, and doesn't always say how much of that is the kernel.
fn check_inner(kernel: &[u8], trust: &Trust<'_>) -> Result<(), Reason> {
    let file = if Pe::recognises(kernel) {
        Pe::without_padding(kernel).map_err(Reason::BadImage)?
    } else {
        kernel
    };
    check_sbat(file, trust)?;
    let zeros = kernel.iter().rev().take_while(|byte| **byte == 0).count();
    // A signature after the file's end is looked for at the very end.
    let data = kernel.len().saturating_sub(zeros);
    let (data, _) = kernel.split_at_checked(data).unwrap_or((kernel, &[]));
    let mut judged = None;
    for bytes in [kernel, file, data] {
        if judged.replace(bytes.len()) != Some(bytes.len()) {
            check_revoked(bytes, trust).map_err(|reason| inside("kernel", reason))?;
        }
    }
    Ok(())
}

/// Refuses what comes with a kernel if it is revoked by itself.
fn check_arguments(arguments: &Arguments<'_>, trust: &Trust<'_>) -> Result<(), Reason> {
    for (what, part) in [
        ("microcode", arguments.ucode),
        ("initrd", arguments.initrd),
        ("device tree", arguments.dtb),
    ] {
        check_bytes(part.unwrap_or_default(), trust).map_err(|reason| inside(what, reason))?;
    }
    Ok(())
}

/// A reason that is about a part of an image.
fn inside(what: &'static str, reason: Reason) -> Reason {
    match reason {
        Reason::RevokedImage { list } => Reason::RevokedInside { what, list },
        other => other,
    }
}

/// Judges an addon for the UKI that has these arguments.
pub(crate) fn check_addon<'a>(
    record: &Record<'a>,
    uki: Option<&Arguments<'_>>,
    trust: &Trust<'_>,
) -> Result<(Verified<'a>, Arguments<'a>), Reason> {
    let uki = uki.ok_or(Reason::AddonWithoutUki)?;
    let (image, arguments) = verify_addon(record.bytes, trust)?;
    if !record.has_digest(&image.digest()) {
        return Err(Reason::RecordAltered);
    }
    match arguments.uname {
        Some(uname) if uki.uname != Some(uname) => Err(Reason::AddonForAnother {
            uname: printable(uname.bytes()),
        }),
        _ => Ok((image, arguments)),
    }
}

/// Judges an addon by its signature and its form; whether it fits a UKI is another matter.
///
/// # Errors
/// Why it is none that any UKI may be given.
#[inline(never)] // Smaller code: the caller's frame stays short.
pub fn verify_addon<'a>(
    bytes: &'a [u8],
    trust: &Trust<'_>,
) -> Result<(Verified<'a>, Arguments<'a>), Reason> {
    let image = verify_image_for(bytes, trust, &Use::of(Purpose::Addon))?;
    let pe = Pe::parse(bytes).map_err(Reason::BadImage)?;
    let arguments = Addon::parse(&pe).map_err(Reason::BadUki)?.arguments;
    check_arguments(&arguments, trust)?;
    Ok((image, arguments))
}

/// The command line that a UKI and its addons make together, given in their order: what they say,
/// one after another, separated by single spaces. `None` if none of them says anything.
#[must_use]
pub fn signed_command_line(arguments: &[Arguments<'_>]) -> Option<String> {
    let mut whole: Option<String> = None;
    for line in arguments.iter().filter_map(|one| one.cmdline) {
        let whole = whole.get_or_insert_default();
        if !whole.is_empty() && !line.is_empty() {
            whole.push(' ');
        }
        whole.extend(line.chars());
    }
    whole
}

/// Checks the command line by what a UKI, the first of `arguments`, and its addons say.
///
/// If the UKI has a command line, it must be exactly what they say together, as systemd-stub would
/// make it under Secure Boot. If addons alone say something, it must end with that, and nothing that
/// user space put before may make another thing of it than the kernel's own parameters.
pub(crate) fn check_command_line(line: &[u8], arguments: &[Arguments<'_>]) -> Result<(), Reason> {
    let Some(signed) = signed_command_line(arguments) else {
        return Ok(());
    };
    let exact = arguments.first().is_some_and(|uki| uki.cmdline.is_some());
    let before = line.strip_suffix(signed.as_bytes());
    match before {
        Some(_) if signed.is_empty() && !exact => Ok(()),
        Some([]) => Ok(()),
        // Without the space, which a backslash before it would make a part of the value.
        Some([before @ .., b' ']) if !exact => {
            if command_line::leaves_open(before) {
                Err(Reason::AddonsSwallowed)
            } else {
                Ok(())
            }
        }
        _ => Err(Reason::CommandLineNotOfUki { exact }),
    }
}
