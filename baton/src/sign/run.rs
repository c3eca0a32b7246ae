//! Signs a file: in which way, and where the result goes.

use super::args::{Encoding, Existing, KindOption, SignArgs};
use super::ima::{self, attribute};
use super::place::{Place, Written};
use super::signer::{Signer, accepted};
use super::{appended, authenticode, detached, list, needed, note, offline, remove, several};
use crate::failure::sign::SignError;
use crate::failure::{Failure, Result};
use crate::input::{p7s, read};
use crate::kind::{FileKind, Role};
use baton_formats::gate_image::Formats;
use baton_formats::initrd;
use baton_formats::magic::Magic;
use baton_formats::manifest::Manifest;
use baton_verify::{Payload, Reason, SignatureKind};
use std::path::Path;

/// Carries out the command.
///
/// # Errors
/// When a file can't be read, the key isn't the certificate's, or a file isn't one that can be
/// signed so.
pub fn run(args: &SignArgs) -> Result<()> {
    if args.list {
        return several::each(&args.inputs, |input| list::show(input));
    }
    if let Some(out) = &args.digest_out {
        let input = only(args, "--digest-out")?;
        let file = read::given_or_stdin(input)?;
        let kind = checked_kind(args, input, &file)?;
        return offline::prepare(args, out, file, kind).map_err(|e| e.about(input.display()));
    }
    if args.attach.is_some() {
        only(args, "--attach")?;
    }
    let place = Place::of(args)?;
    if let Some(which) = args.remove {
        return several::each(&args.inputs, |input| {
            remove::remove(args, &place, which, input)
        });
    }
    if let Some(signature) = &args.attach {
        let signer = offline::signer(args, signature)?;
        signer.note_expiry();
        let result = several::each(&args.inputs, |input| one(args, &place, &signer, input));
        return result.map_err(|failure| offline::explained(failure, signature));
    }
    let signer = Signer::read(&args.who, args.hash.into())?;
    signer.note_expiry();
    several::each(&args.inputs, |input| one(args, &place, &signer, input))
}

/// Signs one file.
///
/// # Errors
/// When it can't be signed so.
pub fn one(args: &SignArgs, place: &Place, signer: &Signer, input: &Path) -> Result<()> {
    let file = read::given_or_stdin(input)?;
    let kind = checked_kind(args, input, &file)?;
    let named = |failure: Failure| failure.about(input.display());
    let role = FileKind::of(&file).role;
    let written = match kind {
        KindOption::Detached => Written::Beside(p7s::SUFFIX),
        KindOption::Ima => Written::Beside(ima::SUFFIX),
        _ => Written::Whole,
    };
    if args.if_needed
        && let Some(signed) = already(&file, kind, signer, input)?
    {
        return keep(args, place, input, written, &signed, signer);
    }
    let existing = Existing::from(args);
    if kind == KindOption::Ima && place.is_own(input) {
        let value = ima::sign(&file, signer).map_err(named)?;
        return attribute::set(args, input, &value, signer);
    }
    let destination = place.destination(args, input, written)?;
    let signed = sign(file, kind, signer, existing, args.format).map_err(named)?;
    destination.write_checked(&signed, || match kind {
        KindOption::Authenticode => authenticode::check(&signed, signer).map_err(named),
        // Checked as they were made.
        _ => Ok(()),
    })?;
    destination.report(format_args!(
        "{destination}: {kind} by \"{}\" ({})",
        signer.name, signer.hash
    ));
    if kind == KindOption::Detached && matches!(role, Role::Data | Role::Other(_)) {
        tell!(
            "note: {} doesn't begin like a kernel, an initrd or a manifest: it counts for the gate only if a manifest lists it",
            input.display()
        );
    }
    Ok(())
}

/// How a file is to be signed, if it may be.
fn checked_kind(args: &SignArgs, input: &Path, file: &[u8]) -> Result<KindOption> {
    let kind = args.kind.unwrap_or_else(|| default_kind(file));
    check_options(args, input, kind)?;
    check_role(file, &FileKind::of(file)).map_err(|failure| failure.about(input.display()))?;
    Ok(kind)
}

/// The one file of what is done with one alone.
fn only<'a>(args: &'a SignArgs, option: &'static str) -> Result<&'a Path> {
    match &args.inputs[..] {
        [input] => Ok(input),
        _ => Err(SignError::OnlyOne { option }.into()),
    }
}

/// What would be written, where that is there already: the file, or the signature beside it.
fn already(
    file: &[u8],
    kind: KindOption,
    signer: &Signer,
    input: &Path,
) -> Result<Option<Vec<u8>>> {
    let beside = match kind {
        KindOption::Detached if !read::is_stdin(input) => p7s::read_beside(input)?,
        KindOption::Ima if !read::is_stdin(input) => attribute::get(input)?,
        _ => None,
    };
    let is_signed = needed::is_signed(file, beside.as_deref(), kind, signer)?;
    Ok(is_signed.then(|| beside.unwrap_or_else(|| file.to_vec())))
}

/// Leaves a file that is signed as it is; where another one is wanted, that is a copy.
fn keep(
    args: &SignArgs,
    place: &Place,
    input: &Path,
    written: Written,
    signed: &[u8],
    signer: &Signer,
) -> Result<()> {
    let words = format_args!("already signed by \"{}\"", signer.name);
    if place.is_own(input) {
        say!("{}: {words}", input.display());
        return Ok(());
    }
    let destination = place.destination(args, input, written)?;
    destination.write(signed)?;
    destination.report(format_args!("{destination}: a copy, {words}"));
    Ok(())
}

/// A kernel that isn't Linux is one by a manifest alone: no signature of its own would do. Nor does one make a
/// manifest of what can't be read as one.
fn check_role(file: &[u8], what: &FileKind) -> Result<()> {
    match Payload::recognise(file, SignatureKind::Detached, Formats::default()) {
        Err(reason @ Reason::OnlyByManifest) if !initrd::recognises(file) => accepted(Err(reason)),
        _ if what.role == Role::Manifest => {
            Manifest::parse(file).map_err(SignError::Manifest)?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The file with its signature, or, if that is to be detached, the signature. All but Authenticode's are checked.
fn sign(
    mut file: Vec<u8>,
    kind: KindOption,
    signer: &Signer,
    existing: Existing,
    encoding: Encoding,
) -> Result<Vec<u8>> {
    match kind {
        // What comes after an appended signature would undo it.
        KindOption::Authenticode => {
            file.truncate(appended::without(&file, existing)?.len());
            authenticode::sign(file, signer, existing)
        }
        KindOption::Note => note::sign(appended::without(&file, existing)?, signer, existing),
        KindOption::Appended => appended::sign(&file, signer, existing),
        KindOption::Detached => detached::sign(&file, signer, encoding),
        KindOption::Ima => ima::sign(&file, signer),
    }
}

/// What a file of this format mostly gets.
#[must_use]
pub fn default_kind(file: &[u8]) -> KindOption {
    match Magic::of(file) {
        Some(Magic::Pe) => KindOption::Authenticode,
        Some(Magic::Elf) => KindOption::Appended,
        _ => KindOption::Detached,
    }
}

fn check_options(args: &SignArgs, input: &Path, kind: KindOption) -> Result<()> {
    if args.append && kind != KindOption::Authenticode {
        return Err(SignError::Append {
            path: input.to_owned(),
            kind: kind.to_string(),
        }
        .into());
    }
    if args.format == Encoding::Pem && kind != KindOption::Detached {
        return Err(SignError::PemFormat {
            path: input.to_owned(),
        }
        .into());
    }
    Ok(())
}
