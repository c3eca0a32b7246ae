//! Signs a file: in which way, and where the result goes.

use super::args::{Encoding, Existing, KindOption, SignArgs};
use super::signer::{Signer, accepted};
use super::{appended, authenticode, detached, note};
use crate::failure::output::OutputError;
use crate::failure::sign::SignError;
use crate::failure::{Cause, Failure, Result};
use crate::input::p7s;
use crate::input::read;
use crate::kind::{FileKind, Role};
use crate::output::file::{self, Access, Destination};
use baton_formats::gate_image::Formats;
use baton_formats::initrd;
use baton_formats::magic::Magic;
use baton_formats::manifest::Manifest;
use baton_verify::{Payload, Reason, SignatureKind};
use std::os::unix::fs::FileTypeExt;

/// Carries out the command.
///
/// # Errors
/// When a file can't be read, the key isn't the certificate's, or the image isn't one that can be
/// signed so.
pub fn run(args: &SignArgs) -> Result<()> {
    check_place(args)?;
    let signer = Signer::read(args)?;
    let file = read::given(&args.input)?;
    let what = FileKind::of(&file);
    let kind = args.kind.unwrap_or_else(|| default_kind(&file));
    check_options(args, kind)?;
    let named = |failure: Failure| failure.about(args.input.display());
    check_role(&file, &what).map_err(named)?;
    let existing = Existing::from(args);
    let destination = destination(args, kind)?;
    let role = what.role;
    let signed = sign(file, kind, &signer, existing, args.format).map_err(named)?;
    destination.write(&signed)?;
    destination.report(format_args!(
        "{destination}: {} by \"{}\" ({})",
        kind.signature_kind(),
        signer.name,
        signer.hash
    ));
    if kind == KindOption::Detached && matches!(role, Role::Data | Role::Other(_)) {
        tell!(
            "note: {} doesn't begin like a kernel, an initrd or a manifest: it counts for the gate only if a manifest lists it",
            args.input.display()
        );
    }
    Ok(())
}

/// What comes from a pipe can't be replaced, and nothing lies beside it.
fn check_place(args: &SignArgs) -> Result<()> {
    let input = &args.input;
    let is_pipe = std::fs::metadata(input).is_ok_and(|it| it.file_type().is_fifo());
    if is_pipe && args.output().is_none() {
        Err(SignError::Pipe {
            path: input.clone(),
        }
        .into())
    } else {
        Ok(())
    }
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

/// The file with its signature, or, if that is to be detached, the signature.
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
    }
}

/// What a file of this format mostly gets.
fn default_kind(file: &[u8]) -> KindOption {
    match Magic::of(file) {
        Some(Magic::Pe) => KindOption::Authenticode,
        Some(Magic::Elf) => KindOption::Appended,
        _ => KindOption::Detached,
    }
}

fn check_options(args: &SignArgs, kind: KindOption) -> Result<()> {
    if args.append && kind != KindOption::Authenticode {
        return Err(SignError::Append {
            path: args.input.clone(),
            signature_kind: kind.signature_kind(),
        }
        .into());
    }
    if args.format == Encoding::Pem && kind != KindOption::Detached {
        return Err(SignError::PemFormat {
            path: args.input.clone(),
        }
        .into());
    }
    Ok(())
}

/// Where the result goes. IN is replaced where nothing else is named; a detached signature that is there counts
/// as the image's.
fn destination(args: &SignArgs, kind: KindOption) -> Result<Destination> {
    let detached = kind == KindOption::Detached;
    let output = match args.output() {
        Some(output) => output.to_owned(),
        None if detached => p7s::beside(&args.input),
        None => args.input.clone(),
    };
    let in_place = output == args.input && !detached;
    let replaces = args.force || (detached && args.replace);
    let existing = file::Existing::with(in_place || replaces);
    let read = [&args.key, &args.cert].into_iter().chain(&args.chain);
    let whole = detached.then_some(&args.input);
    file::is_no_input(&output, read.chain(whole))?;
    Destination::new(&output, Access::Like(&args.input), existing)
        .map_err(|failure| advised(failure, detached, args))
}

/// Naming two files to sign, as by a shell pattern, is a common slip: the second is taken for OUT.
fn advised(failure: Failure, detached: bool, args: &SignArgs) -> Failure {
    let remark = match (detached, args.output()) {
        (true, None) => "--replace puts the new signature in its place",
        (_, Some(_)) => "one file is signed at a time",
        (false, None) => return failure,
    };
    match *failure.cause {
        Cause::Output(OutputError::Exists { .. }) => failure.remarked(remark),
        _ => failure,
    }
}
