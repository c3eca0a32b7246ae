//! A command line read as getopt_long(3) reads it: long options by any beginning that names one of them, short ones in
//! bundles, options after operands. What is wrong is said in the words of the C library, at the place where it is found:
//! an option that answers at once, as `--version`, does so if it comes first.

use super::options::{LONG, LongOption, Opt, SHORT};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::slice::Iter;

/// What is wrong with an option.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the words say what the fields are
pub enum Misused {
    #[error("unrecognized option '--{0}'")]
    Unknown(String),
    #[error("invalid option -- '{0}'")]
    UnknownLetter(char),
    #[error("option '--{name}' is ambiguous; possibilities:{}", listed(.possible))]
    Ambiguous {
        name: String,
        possible: Vec<&'static str>,
    },
    #[error("option '--{0}' requires an argument")]
    NoValue(&'static str),
    #[error("option requires an argument -- '{0}'")]
    NoValueOfLetter(char),
    #[error("option '--{0}' doesn't allow an argument")]
    UnwantedValue(&'static str),
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!(" '--{name}'")).collect()
}

/// An option that was given, with its value, which is empty where it takes none.
pub type GivenOption = std::result::Result<(Opt, OsString), Misused>;

/// A command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// The options, in the order in which they stand.
    pub options: Vec<GivenOption>,
    /// Everything else.
    pub operands: Vec<OsString>,
}

/// Reads the words after the program's name. `permutes`: options may come after operands, as is usual; POSIX has none
/// there.
#[must_use]
pub fn read(words: &[OsString], permutes: bool) -> Given {
    let mut given = Given::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_bytes() {
            b"--" => break,
            [b'-', b'-', long @ ..] => given.options.push(long_option(long, &mut words)),
            [b'-', letters @ ..] if !letters.is_empty() => {
                short_options(letters, &mut words, &mut given.options);
            }
            _ => {
                given.operands.push(word.clone());
                if !permutes {
                    break;
                }
            }
        }
    }
    given.operands.extend(words.cloned());
    given
}

fn long_option(text: &[u8], words: &mut Iter<'_, OsString>) -> GivenOption {
    let mut parts = text.splitn(2, |byte| *byte == b'=');
    let name = parts.next().unwrap_or_default();
    let value = parts.next();
    let option = named(name)?;
    match (option.takes_value, value) {
        (false, None) => Ok((option.opt, OsString::new())),
        (false, Some(_)) => Err(Misused::UnwantedValue(option.name)),
        (true, Some(value)) => Ok((option.opt, OsString::from_vec(value.to_vec()))),
        (true, None) => match words.next() {
            Some(value) => Ok((option.opt, value.clone())),
            None => Err(Misused::NoValue(option.name)),
        },
    }
}

/// The option of this name, or the only one whose name begins so.
fn named(name: &[u8]) -> Result<&'static LongOption, Misused> {
    if let Some(exact) = LONG.iter().find(|option| option.name.as_bytes() == name) {
        return Ok(exact);
    }
    let begins = |option: &&LongOption| {
        !option.is_for_tests && !name.is_empty() && option.name.as_bytes().starts_with(name)
    };
    let possible: Vec<&LongOption> = LONG.iter().filter(begins).collect();
    let shown = || OsStr::from_bytes(name).to_string_lossy().into_owned();
    match possible[..] {
        [] => Err(Misused::Unknown(shown())),
        [one] => Ok(one),
        _ => Err(Misused::Ambiguous {
            name: shown(),
            possible: possible.iter().map(|option| option.name).collect(),
        }),
    }
}

/// `-lps`: several in one word. One that takes a value ends it, with the rest of the word or with the next one.
fn short_options(letters: &[u8], words: &mut Iter<'_, OsString>, options: &mut Vec<GivenOption>) {
    let mut letters = letters;
    while let Some((letter, rest)) = letters.split_first() {
        letters = rest;
        let Some((_, takes_value, opt)) = SHORT.iter().find(|(known, _, _)| known == letter) else {
            options.push(Err(Misused::UnknownLetter(char::from(*letter))));
            continue;
        };
        if !takes_value {
            options.push(Ok((*opt, OsString::new())));
            continue;
        }
        let value = match rest {
            [] => words.next().cloned(),
            rest => Some(OsString::from_vec(rest.to_vec())),
        };
        let missing = Misused::NoValueOfLetter(char::from(*letter));
        options.push(value.map(|value| (*opt, value)).ok_or(missing));
        return;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(line: &str) -> Given {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        read(&words, true)
    }

    fn options(line: &str) -> Vec<GivenOption> {
        given(line).options
    }

    fn one(line: &str) -> GivenOption {
        let mut all = options(line);
        assert_eq!(all.len(), 1, "{line}");
        all.remove(0)
    }

    fn wrong(line: &str) -> String {
        one(line).unwrap_err().to_string()
    }

    #[test]
    fn a_long_option_is_known_by_any_beginning_that_names_it_alone() {
        assert_eq!(one("--app=x"), Ok((Opt::Append, "x".into())));
        assert_eq!(one("--reuse-c"), Ok((Opt::ReuseCmdline, "".into())));
        assert_eq!(one("--load"), Ok((Opt::Load, "".into())));
        assert_eq!(one("--kexec-syscall"), Ok((Opt::OldSyscall, "".into())));
        assert_eq!(
            wrong("--re"),
            "option '--re' is ambiguous; possibilities: '--reuseinitrd' '--reset-vga' '--reuse-video-type' '--reuse-cmdline' '--real-mode'"
        );
        assert!(wrong("--load-p").contains("'--load-preserve-context' '--load-panic'"));
    }

    #[test]
    fn a_value_follows_an_equals_sign_or_is_the_next_word() {
        for line in ["--type=uki", "--type uki", "-t uki", "-tuki"] {
            assert_eq!(one(line), Ok((Opt::Type, "uki".into())), "{line}");
        }
        assert_eq!(one("--append="), Ok((Opt::Append, "".into())));
        assert_eq!(one("--append=a=b"), Ok((Opt::Append, "a=b".into())));
        assert_eq!(one("--append --load"), Ok((Opt::Append, "--load".into())));
    }

    #[test]
    fn letters_come_in_bundles() {
        let all = options("-lps");
        let opts: Vec<Opt> = all.into_iter().map(|it| it.unwrap().0).collect();
        assert_eq!(opts, [Opt::Load, Opt::LoadPanic, Opt::FileSyscall]);
        assert_eq!(options("-ltuki")[1], Ok((Opt::Type, "uki".into())));
        assert_eq!(options("-lZs").len(), 3, "what follows a wrong one counts");
    }

    #[test]
    fn options_come_before_and_after_operands_and_two_hyphens_end_them() {
        let line = given("-l vmlinuz --initrd=i - -- -x --bogus");
        assert_eq!(line.options.len(), 2);
        assert_eq!(line.operands, ["vmlinuz", "-", "-x", "--bogus"]);
        let words = ["-l", "vmlinuz", "-x"].map(OsString::from);
        let posix = read(&words, false);
        assert_eq!(posix.options.len(), 1);
        assert_eq!(posix.operands, ["vmlinuz", "-x"]);
    }

    #[test]
    fn what_is_wrong_is_said_as_the_c_library_says_it() {
        assert_eq!(wrong("--bogus=1"), "unrecognized option '--bogus'");
        assert_eq!(wrong("-Z"), "invalid option -- 'Z'");
        assert_eq!(wrong("--initrd"), "option '--initrd' requires an argument");
        assert_eq!(wrong("-t"), "option requires an argument -- 't'");
        assert_eq!(
            wrong("--load=x"),
            "option '--load' doesn't allow an argument"
        );
        assert_eq!(
            wrong("--vers=x"),
            "option '--version' doesn't allow an argument"
        );
    }

    #[test]
    fn what_is_for_tests_is_known_by_its_whole_name_alone() {
        assert_eq!(one("--baton-root=x"), Ok((Opt::Root, "x".into())));
        assert_eq!(wrong("--baton=x"), "unrecognized option '--baton'");
    }
}
