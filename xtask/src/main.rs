//! `cargo xtask`: builds what is installed, and starts the crates that test and measure it. See
//! ARCHITECTURE.md.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use baton_xtask::gate::{self, FORMATS, Formats};
use baton_xtask::{capture, cargo, deb, exit_code, install, root};

/// What other crates do: the command, the crate's package, and what it is for.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    (
        "setup",
        "baton-vm",
        "Fetch what virtual machines are made of, and missing tools (as root)",
    ),
    ("vm", "baton-vm", "Run the scenarios in virtual machines"),
    (
        "demo",
        "baton-vm",
        "Show a kexec through the gate, step by step",
    ),
    (
        "differential",
        "baton-differential",
        "Compare digests and verdicts with sbverify's and osslsigncode's",
    ),
    (
        "bench",
        "baton-benches",
        "Time Baton against openssl, kexec-tools and makedumpfile",
    ),
    (
        "figures",
        "baton-benches",
        "Show the size of the gate and of the code that must be trusted",
    ),
    (
        "code",
        "baton-benches",
        "Count a checkout's lines of code, crate by crate, and its import circles",
    ),
];

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
enum Errand {
    Help,
    /// From the sources in this directory, if not from those that this program is from; with these formats.
    Gate(Option<PathBuf>, Formats),
    Capture,
    /// Below this directory.
    Install(PathBuf),
    Deb,
    /// By this package, with these arguments.
    Elsewhere(&'static str, Vec<OsString>),
}

fn main() -> ExitCode {
    let errand = match read(std::env::args_os().skip(1).collect()) {
        Ok(errand) => errand,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    exit_code(run(errand))
}

/// Reads the command line.
fn read(arguments: Vec<OsString>) -> Result<Errand> {
    let words: Vec<_> = arguments.iter().map(|it| it.to_string_lossy()).collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let elsewhere = |name: &str| ELSEWHERE.iter().find(|(known, _, _)| *known == name);
    match words.as_slice() {
        [] | ["help" | "-h" | "--help", ..] => Ok(Errand::Help),
        ["gate" | "capture" | "install" | "deb", "-h" | "--help"] => Ok(Errand::Help),
        ["gate", options @ ..] => gate_of(options, &arguments),
        ["capture"] => Ok(Errand::Capture),
        ["install", "--destdir", _] => Ok(Errand::Install(PathBuf::from(&arguments[2]))),
        ["install", ..] => {
            bail!("install takes --destdir DIR (/ for this system), and nothing else")
        }
        ["deb"] => Ok(Errand::Deb),
        [name @ ("capture" | "deb"), ..] => bail!("{name} takes no arguments"),
        [name, ..] => match elsewhere(name) {
            Some((_, package, _)) => Ok(Errand::Elsewhere(package, arguments)),
            None => bail!("there is no command {name}: see cargo xtask help"),
        },
    }
}

/// The gate by its options, which are the arguments behind its name.
fn gate_of(options: &[&str], arguments: &[OsString]) -> Result<Errand> {
    let (mut from, mut formats) = (None, Formats::all());
    for (pair, given) in options.chunks(2).zip(arguments[1..].chunks(2)) {
        match pair {
            ["--root", _] => from = Some(PathBuf::from(&given[1])),
            ["--formats", list] => formats = Formats::parse(list)?,
            _ => bail!("gate takes --root DIR and --formats LIST, and nothing else"),
        }
    }
    Ok(Errand::Gate(from, formats))
}

fn run(errand: Errand) -> Result<()> {
    match errand {
        Errand::Help => print!("{}", help()),
        Errand::Gate(from, formats) => {
            let root = from.map_or_else(root, Ok)?;
            let stub = gate::build_with(&root, &formats, &root.join("target/gate"))?;
            println!("{}\n{}", stub.image.display(), stub.program.display());
        }
        Errand::Capture => println!("{}", capture::build(&root()?)?.display()),
        Errand::Install(to) => install::install(&root()?, &to)?,
        Errand::Deb => {
            for package in deb::build(&root()?)? {
                println!("{}", package.display());
            }
        }
        Errand::Elsewhere(package, arguments) => {
            // It takes this one's place, so that signals and exit codes are its own.
            let error = Command::new(cargo())
                .args(["run", "--quiet", "--locked", "--package", package, "--"])
                .args(arguments)
                .exec();
            return Err(error).context("can't start cargo");
        }
    }
    Ok(())
}

fn help() -> String {
    let mut text = format!(
        "Usage: cargo xtask COMMAND\n\n\
         To install Baton:\n  \
         gate               Build the gate's stub into target/gate\n  \
         \x20    --root DIR        of the sources there\n  \
         \x20    --formats LIST    with some formats alone, of {}\n  \
         capture            Build the capture program into target/capture\n  \
         install            Build everything and install it\n  \
         \x20    --destdir DIR     below DIR\n  \
         deb                Build Debian packages into target/deb (needs debhelper)\n\n\
         To test and measure it (each has --help):\n",
        FORMATS.join(",")
    );
    for (name, _, what) in ELSEWHERE {
        text += &format!("  {name:<18} {what}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Errand> {
        super::read(words.split_whitespace().map(Into::into).collect())
    }

    #[test]
    fn the_gate_is_built_from_these_sources_or_from_named_ones() {
        let all = Formats::all;
        assert_eq!(read("gate").unwrap(), Errand::Gate(None, all()));
        assert_eq!(
            read("gate --root /a").unwrap(),
            Errand::Gate(Some("/a".into()), all())
        );
    }

    #[test]
    fn the_gate_is_built_with_all_formats_or_with_named_ones() {
        let some = Formats::parse("uki,bzimage").unwrap();
        assert_ne!(some, Formats::all());
        for words in [
            "gate --formats uki,bzimage --root /a",
            "gate --root /a --formats uki,bzimage",
        ] {
            let expected = Errand::Gate(Some("/a".into()), some.clone());
            assert_eq!(read(words).unwrap(), expected);
        }
    }

    #[test]
    fn what_another_crate_does_is_passed_on_with_its_name_and_all_arguments() {
        let arguments = ["vm", "--filter", "gate", "--help"]
            .map(OsString::from)
            .into();
        assert_eq!(
            read("vm --filter gate --help").unwrap(),
            Errand::Elsewhere("baton-vm", arguments)
        );
    }

    #[test]
    fn what_nobody_does_is_refused_in_a_line_that_names_it() {
        for (words, named) in [
            ("gates", "there is no command gates"),
            ("gate --root", "--root DIR"),
            ("gate --formats", "--formats LIST"),
            (
                "gate --formats uki,zimage",
                "no format \"zimage\": use some of bzimage,uki",
            ),
            ("gate --formats screen", "boots nothing"),
            ("gate x", "--root DIR"),
            ("capture x", "capture takes no arguments"),
            ("deb x", "deb takes no arguments"),
            ("install", "--destdir DIR"),
            ("install --destdir", "--destdir DIR"),
            ("install --prefix /", "--destdir DIR"),
        ] {
            let said = read(words).unwrap_err().to_string();
            assert!(
                said.contains(named) && !said.contains('\n'),
                "{words}: {said}"
            );
        }
    }

    #[test]
    fn help_names_every_command() {
        for words in ["", "help", "--help", "gate --help", "capture -h"] {
            assert_eq!(read(words).unwrap(), Errand::Help, "{words}");
        }
        let text = help();
        for name in ["gate", "capture", "install", "deb"]
            .iter()
            .chain(ELSEWHERE.iter().map(|(name, _, _)| name))
        {
            assert!(text.contains(&format!("\n  {name} ")), "{name}");
        }
    }
}
