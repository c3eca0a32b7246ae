//! What the documentation shows can be typed: its commands, policies and configurations.

mod common;

use baton_cli::cli::parse;
use baton_cli::{crash, load, policy};
use clap::error::ErrorKind;
use common::{WriteFile, owners, temp_dir};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every document, by its path.
fn documents() -> Vec<(PathBuf, String)> {
    let named = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(|it| root().join(it));
    let docs = fs::read_dir(root().join("docs")).unwrap();
    let docs = docs.map(|it| it.unwrap().path());
    let all = named.into_iter().chain(docs);
    let all = all.filter(|path| path.extension().is_some_and(|it| it == "md"));
    all.map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect()
}

/// Its code blocks, fenced or indented.
fn blocks(text: &str) -> Vec<String> {
    let (mut blocks, mut block, mut fenced) = (Vec::new(), String::new(), false);
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
            blocks.push(std::mem::take(&mut block));
        } else if fenced {
            block += &format!("{line}\n");
        } else if let Some(line) = line.strip_prefix("    ") {
            block += &format!("{line}\n");
        } else if line.is_empty() && !block.is_empty() {
            block.push('\n');
        } else {
            blocks.push(std::mem::take(&mut block));
        }
    }
    blocks.push(block);
    blocks.retain(|it| !it.trim().is_empty());
    blocks
}

/// The code among its sentences.
fn spans(text: &str) -> Vec<String> {
    let prose: Vec<&str> = text
        .split("\n```")
        .step_by(2)
        .flat_map(str::lines)
        .filter(|line| !line.starts_with("    "))
        .collect();
    let prose = prose.join(" ");
    prose
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The commands of a line as a shell has them, each as its words.
fn commands(line: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words, mut word) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut begun) = (false, false);
    for character in line.chars().chain([' ', ';']) {
        match character {
            '"' => {
                quoted = !quoted;
                begun = true;
            }
            '#' if !quoted && !begun => break,
            ' ' | ';' | '|' | '&' | '<' | '>' if !quoted => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
                if character != ' ' {
                    commands.push(std::mem::take(&mut words));
                }
            }
            _ => {
                word.push(character);
                begun = true;
            }
        }
    }
    commands.push(words);
    commands.retain(|words| words.first().is_some_and(|it| it == "baton"));
    commands
}

fn parsed(words: &[String]) -> Result<(), clap::Error> {
    parse::command().try_get_matches_from(words).map(drop)
}

#[test]
fn every_command_of_a_code_block_is_one() {
    let mut count = 0;
    for (path, text) in documents() {
        for block in blocks(&text) {
            for words in block.lines().flat_map(commands) {
                count += 1;
                let result = parsed(&words);
                assert!(result.is_ok(), "{}: {words:?}: {result:?}", path.display());
            }
        }
    }
    assert!(count > 30, "{count} commands");
}

#[test]
fn a_command_in_a_sentence_has_no_option_that_there_is_not() {
    let mut count = 0;
    for (path, text) in documents() {
        for span in spans(&text) {
            // What is left out, and a choice among commands.
            if !span.starts_with("baton ") || span.contains(['…', '|']) {
                continue;
            }
            for words in commands(&span) {
                count += 1;
                let unknown = parsed(&words).err().filter(|error| {
                    let kind = error.kind();
                    kind == ErrorKind::UnknownArgument || kind == ErrorKind::InvalidSubcommand
                });
                assert!(
                    unknown.is_none(),
                    "{}: {words:?}: {unknown:?}",
                    path.display()
                );
            }
        }
    }
    assert!(count > 30, "{count} commands");
}

#[test]
fn an_option_that_there_is_not_is_found() {
    let wrong = commands("baton load k --no-such && true");
    assert_eq!(wrong.len(), 1);
    assert!(parsed(&wrong[0]).is_err());
    let right = commands("x; baton load k --cmdline \"a b; c\" # --no-such");
    assert_eq!(right[0][4], "a b; c");
    assert!(parsed(&right[0]).is_ok());
}

#[test]
fn every_policy_that_is_shown_is_one() {
    // With the certificates that one of them names.
    let (directory, o) = (temp_dir(), owners());
    for (name, owner) in [("release.pem", &o.rsa), ("dracut.pem", &o.p256)] {
        directory.write(name, fs::read(&owner.cert).unwrap());
    }
    let text = fs::read_to_string(root().join("docs/policy.md")).unwrap();
    let blocks: Vec<_> = blocks(&text)
        .into_iter()
        .filter(|it| it.contains(" = "))
        .collect();
    assert!(blocks.len() > 5);
    for block in blocks {
        let read = policy::source::read(&block, &directory.path().join(""));
        assert!(read.is_ok(), "{block}\n{read:?}");
    }
}

#[test]
fn every_configuration_that_is_shown_is_one() {
    let text = fs::read_to_string(root().join("docs/crash.md")).unwrap();
    let blocks: Vec<_> = blocks(&text)
        .into_iter()
        .filter(|it| it.contains(" = "))
        .collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        let read = crash::settings::parse(&block);
        assert!(read.is_ok(), "{block}\n{read:?}");
    }
}

#[test]
fn a_setting_in_a_sentence_is_one() {
    let directory = temp_dir();
    let mut count = 0;
    for (path, text) in documents() {
        for span in spans(&text) {
            // A whole one, with the tables that it stands in.
            let key = span.split_once(" = ").map(|(key, _)| key);
            let whole =
                |key: &str| key.contains('.') && !key.contains(|c: char| "[{ \"".contains(c));
            if !key.is_some_and(whole) || span.contains('…') {
                continue;
            }
            count += 1;
            let as_policy = policy::source::read(&span, &directory.path().join(""));
            let as_settings = crash::settings::parse(&span);
            let as_load = load::settings::parse(&span);
            assert!(
                as_policy.is_ok() || as_settings.is_ok() || as_load.is_ok(),
                "{}: {span}: {as_policy:?}, {as_settings:?}, {as_load:?}",
                path.display()
            );
        }
    }
    assert!(count > 0);
}

/// The words in quotes behind `before` in a source, without its tests.
fn quoted_behind(before: &str, source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or(source);
    let behind = code.split(before).skip(1);
    let word = |rest: &str| {
        let (between, rest) = rest.split_once('"')?;
        let is_near = between
            .chars()
            .all(|c| c.is_alphanumeric() || ", ".contains(c));
        let (word, _) = rest.split_once('"')?;
        is_near.then(|| word.to_owned())
    };
    behind.filter_map(word).collect()
}

#[test]
fn every_reason_that_programs_are_given_is_documented() {
    let text = fs::read_to_string(root().join("docs/json.md")).unwrap();
    let documented: Vec<String> = text.split('`').skip(1).step_by(2).map(Into::into).collect();
    let mut words = Vec::new();
    let source = fs::read_to_string(root().join("verify/src/reason/code.rs")).unwrap();
    words.extend(quoted_behind("=> ", &source));
    for entry in fs::read_dir(root().join("baton/src/failure")).unwrap() {
        let source = fs::read_to_string(entry.unwrap().path()).unwrap();
        words.extend(quoted_behind("(Exit::", &source));
    }
    assert!(words.len() > 120, "{words:?}");
    let is_missing = |word: &&String| !documented.contains(word) && *word != "done";
    let missing: Vec<_> = words.iter().filter(is_missing).collect();
    assert_eq!(missing, Vec::<&String>::new());
}

#[test]
fn every_exit_code_is_documented_with_its_word() {
    let text = fs::read_to_string(root().join("docs/json.md")).unwrap();
    for (exit, word, _) in baton_cli::failure::exit::TABLE.iter().skip(1) {
        let row = format!("| {} | `{word}` |", exit.code());
        assert!(text.contains(&row), "{row}");
    }
}
