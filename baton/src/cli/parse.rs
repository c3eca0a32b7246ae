//! The command line, parsed: with the exit codes in the help of every command, and with errors and help
//! printed as everything else is.

use super::Cli;
use crate::failure::exit::{self, Exit};
use crate::failure::{Cause, Failure};
use crate::output::{failure, text};
use clap::error::ErrorKind;
use clap::{Command, CommandFactory, Error, FromArgMatches};
use std::ffi::OsString;

/// The whole of it, as the parser knows it.
#[must_use]
pub fn command() -> Command {
    with_exit_codes(Cli::command())
}

fn with_exit_codes(command: Command) -> Command {
    let help = match command.get_after_help() {
        Some(own) => format!("{own}\n\n{}", exit::help()),
        None => exit::help(),
    };
    command.after_help(help).mut_subcommands(with_exit_codes)
}

/// Parses it. What isn't a command to be carried out is answered here.
///
/// # Errors
/// What the program ends with.
pub fn parse(args: &[OsString]) -> Result<Cli, Exit> {
    let parsed = command().try_get_matches_from(args);
    let parsed = parsed.and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.map_err(|error| answer(&error, args))
}

fn answer(error: &Error, args: &[OsString]) -> Exit {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        text::written(error.print());
        return text::end(Exit::Done);
    }
    let json = args.iter().take_while(|it| *it != "--");
    if json.into_iter().any(|it| it == "--json") {
        let text = error.render().to_string();
        failure::print(&Failure::from(Cause::Arguments(first(&text))), true);
    } else {
        // Standard error: there is nobody left to tell.
        let _ = error.print();
    }
    text::end(Exit::Usage)
}

/// What is wrong, on one line, without how it would be right.
fn first(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let lines = text.lines().take_while(|line| !line.is_empty());
    let words = lines.flat_map(str::split_whitespace);
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    /// All commands, with those below them.
    fn all(command: Command) -> Vec<Command> {
        let below = command.get_subcommands().cloned().flat_map(all);
        let below: Vec<_> = below.collect();
        std::iter::once(command).chain(below).collect()
    }

    #[test]
    fn the_help_of_every_command_tells_the_exit_codes() {
        let commands = all(command());
        assert!(commands.len() > 20);
        for mut command in commands {
            for help in [command.render_help(), command.render_long_help()] {
                let help = help.to_string();
                for (exit, _, meaning) in exit::TABLE {
                    // Long lines are wrapped: the beginning must be there.
                    let start: String = meaning.chars().take(30).collect();
                    let line = format!("  {:<2} {start}", exit.code());
                    assert_eq!(help.matches(&line).count(), 1, "{help}");
                }
            }
        }
    }

    #[test]
    fn the_help_shows_a_policy() {
        let lines = crate::policy::args::POLICY_HELP
            .lines()
            .filter_map(|it| it.strip_prefix("  "));
        let example: String = lines.map(|line| format!("{line}\n")).collect();
        assert!(example.contains("preset"), "{example}");
        let read = crate::policy::source::read(&example, std::path::Path::new(""));
        assert!(read.is_ok(), "{example}{read:?}");
    }

    #[test]
    fn a_command_line_is_given_or_reused_and_not_both() {
        let parse = |args: &[&str]| command().try_get_matches_from(args);
        assert!(
            parse(&[
                "baton",
                "load",
                "k",
                "--cmdline",
                "-x",
                "--initrd",
                "a",
                "--initrd",
                "b"
            ])
            .is_ok()
        );
        assert!(parse(&["baton", "load", "k", "--cmdline", "x", "--reuse-cmdline"]).is_err());
        assert!(parse(&["baton", "crash", "load", "k", "--via", "gate"]).is_ok());
    }
}
