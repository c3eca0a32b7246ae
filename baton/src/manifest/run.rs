//! Writes the text of a manifest, which counts once it is signed.

use super::args::ManifestArgs;
use crate::digest::sha256;
use crate::failure::Result;
use crate::failure::input::InputError;
use crate::input::p7s;
use crate::input::read;
use crate::kind::FileKind;
use crate::output::file::{self, Access, Destination, Existing};
use baton_formats::manifest::{CommandLine, Entry, FIRST_LINE, Line, LineProblem, Manifest};
use std::path::Path;

/// Carries out the command.
///
/// # Errors
/// When a file can't be read, or what is to be listed can't be.
pub fn run(args: &ManifestArgs) -> Result<()> {
    let path = args.output();
    file::is_no_input(path, args.kernel.iter().chain(&args.initrd))?;
    let destination = Destination::new(path, Access::Public, Existing::with(args.force))?;
    let text = text(args)?;
    let manifest = Manifest::parse(text.as_bytes()).map_err(|error| InputError::Manifest {
        destination: destination.to_string(),
        error,
    })?;
    destination.write(text.as_bytes())?;
    report(&destination, path, &manifest);
    Ok(())
}

fn text(args: &ManifestArgs) -> Result<String> {
    let mut lines = vec![FIRST_LINE.to_owned()];
    if let Some(name) = &args.name {
        lines.push(line("--name", &Line::Name(name))?);
    }
    if let Some(path) = &args.kernel {
        lines.push(Line::Kernel(kernel(path)?).to_string());
    }
    for path in &args.initrd {
        lines.push(Line::Initrd(initrd(path)?).to_string());
    }
    if let Some(text) = &args.cmdline {
        let rule = Line::CommandLine(CommandLine::Exact(text));
        lines.push(line("--cmdline", &rule)?);
    }
    if let Some(text) = &args.cmdline_prefix {
        let rule = Line::CommandLine(CommandLine::Prefix(text));
        lines.push(line("--cmdline-prefix", &rule)?);
    }
    Ok(lines.join("\n") + "\n")
}

/// A line that is read as what it was meant to be.
fn line(option: &'static str, line: &Line<'_>) -> Result<String> {
    let text = line.to_string();
    match Line::parse(&text) {
        Ok(read) if read == *line => Ok(text),
        Ok(_) | Err(LineProblem::Text | LineProblem::Unknown) => {
            Err(InputError::ManifestText { option }.into())
        }
        Err(problem) => Err(InputError::ManifestLine { option, problem }.into()),
    }
}

/// Whoever lists something else than a kernel as one finds out when it is refused, or here.
fn kernel(path: &Path) -> Result<Entry> {
    let bytes = read::given(path)?;
    let kind = FileKind::of(&bytes);
    if !kind.can_be_started() && !bytes.is_empty() {
        tell!(
            "note: {} is {}, and not a kernel that can be started here",
            path.display(),
            kind.name
        );
    }
    entry(path, &bytes)
}

fn initrd(path: &Path) -> Result<Entry> {
    entry(path, &read::given(path)?)
}

/// A whole file by its digest.
fn entry(path: &Path, bytes: &[u8]) -> Result<Entry> {
    match bytes.len() as u64 {
        0 => Err(InputError::Empty {
            path: path.to_owned(),
            advice: "leave it out",
        }
        .into()),
        length => Ok(Entry {
            digest: sha256([bytes]),
            length,
        }),
    }
}

fn report(destination: &Destination, path: &Path, manifest: &Manifest<'_>) {
    let kernel = manifest.kernel().map(|_| "a kernel".to_owned());
    let initrds = match manifest.initrds().count() {
        0 => None,
        1 => Some("an initrd".to_owned()),
        n => Some(format!("{n} initrds")),
    };
    let line = manifest.command_line().map(|rule| match rule {
        CommandLine::Exact(_) => "a command line".to_owned(),
        CommandLine::Prefix(_) => "how a command line begins".to_owned(),
    });
    let listed: Vec<_> = [kernel, initrds, line].into_iter().flatten().collect();
    destination.report(format_args!("{destination}: lists {}", listed.join(", ")));
    let signature = p7s::beside(path);
    if !destination.is_stdout() && signature.exists() {
        destination.report(format_args!(
        "  {} is the signature of what was here before; sign it again with `baton sign --replace`",
        signature.display()
    ))
    } else {
        destination.report(format_args!(
            "  it has no effect until it is signed (`baton sign`)"
        ))
    }
}
