//! GRUB's command `search`: which file system it looks for, and which variable it sets to the name of that.
//!
//! Options are read as grub_arg_parse in GRUB's lib/arg.c does for this command, which takes options that it doesn't
//! know for arguments.

use super::variables::Variables;
use crate::entries::filesystem::Filesystem;

/// A search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// What it looks for.
    pub filesystem: Filesystem,
    /// The variable that it sets.
    pub sets: String,
}

/// Reads a command, with the values of variables in what it looks for; `None` if it is none of these, sets no variable, or fails for its arguments.
#[must_use]
pub fn read(command: &str, arguments: &[&str], variables: &Variables) -> Option<Search> {
    let by: fn(String) -> Filesystem = match command {
        "search" => return search(arguments, variables),
        "search.fs_uuid" => Filesystem::Uuid,
        "search.fs_label" => Filesystem::Label,
        "search.file" | "search.fs_file" => Filesystem::WithFile,
        _ => return None,
    };
    // NAME [VARIABLE [HINT…]] (grub_cmd_do_search in commands/search.c)
    let (name, sets) = (arguments.first()?, arguments.get(1)?);
    Some(Search {
        filesystem: named(by, name, variables),
        sets: (*sets).to_owned(),
    })
}

/// The file system of this name, unless that depends on what isn't known.
fn named(by: fn(String) -> Filesystem, name: &str, variables: &Variables) -> Filesystem {
    let name = variables.expand_in_script(name);
    name.map_or(Filesystem::Unsettled, by)
}

#[derive(Default)]
struct Options<'w> {
    by_file: bool,
    by_label: bool,
    by_uuid: bool,
    /// The variable, if one is set; the name is left out as often as not.
    set: Option<Option<&'w str>>,
    arguments: Vec<&'w str>,
}

fn search(words: &[&str], variables: &Variables) -> Option<Search> {
    let options = options(words)?;
    let is_no_hint = |it: &&&str| !it.starts_with("--hint-");
    let (name, sets) = match (options.arguments.iter().find(is_no_hint), options.set?) {
        (Some(name), sets) => (*name, sets.unwrap_or("root")),
        // `--set NAME`
        (None, name) => (name?, "root"),
    };
    let by: fn(String) -> Filesystem = match options {
        Options { by_label: true, .. } => Filesystem::Label,
        Options { by_uuid: true, .. } => Filesystem::Uuid,
        Options { by_file: true, .. } => Filesystem::WithFile,
        _ => return None,
    };
    Some(Search {
        filesystem: named(by, name, variables),
        sets: sets.to_owned(),
    })
}

fn options<'w>(words: &[&'w str]) -> Option<Options<'w>> {
    let mut options = Options::default();
    let mut words = words.iter().copied().peekable();
    while let Some(word) = words.next() {
        if word == "--" {
            options.arguments.extend(words);
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (long, None),
            };
            let mut value_or_next =
                || value.or_else(|| words.next_if(|next| !next.starts_with('-')));
            match name {
                "file" => options.by_file = true,
                "label" => options.by_label = true,
                "fs-uuid" => options.by_uuid = true,
                "set" => options.set = Some(value_or_next()),
                "no-floppy" | "efidisk-only" | "cryptodisk-only" | "root-dev-only" => {}
                "hint" | "hint-ieee1275" | "hint-bios" | "hint-baremetal" | "hint-efi"
                | "hint-arc" => drop(value_or_next()?),
                _ => options.arguments.push(word),
            }
            continue;
        }
        let letters = word.strip_prefix('-').unwrap_or_default();
        let is_known = |c: char| "flusnrh".contains(c);
        if letters.is_empty() || !letters.chars().all(is_known) {
            options.arguments.push(word);
            continue;
        }
        for letter in letters.chars() {
            match letter {
                'f' => options.by_file = true,
                'l' => options.by_label = true,
                'u' => options.by_uuid = true,
                's' => options.set = Some(None),
                _ => {}
            }
        }
        // The last one takes a value.
        if letters.ends_with('s') {
            options.set = Some(words.next_if(|next| next.len() < 2 || !next.starts_with('-')));
        } else if letters.ends_with('h') {
            words.next()?;
        }
    }
    Some(options)
}

#[cfg(test)]
mod tests {
    use super::super::variables::Value;
    use super::*;

    fn found(line: &str) -> Option<(Filesystem, String)> {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let (command, arguments) = words.split_first().unwrap();
        let mut variables = Variables::default();
        variables
            .set("id", Some(Value::Text("ab-1".to_owned())))
            .unwrap();
        read(command, arguments, &variables).map(|it| (it.filesystem, it.sets))
    }

    #[test]
    fn what_is_searched_for_is_read_as_grub_reads_it() {
        let uuid = || Filesystem::Uuid("ab-1".to_owned());
        let label = || Filesystem::Label("boot".to_owned());
        let file = || Filesystem::WithFile("/x".to_owned());
        for (line, filesystem, sets) in [
            (
                "search --no-floppy --fs-uuid --set=root ab-1",
                uuid(),
                "root",
            ),
            (
                "search --no-floppy --fs-uuid --set=root --hint-bios=hd0,gpt2 --hint-efi=hd0,gpt2 \
                 --hint-baremetal=ahci0,gpt2 ab-1",
                uuid(),
                "root",
            ),
            (
                "search --fs-uuid ab-1 --set --hint hd0,gpt2",
                uuid(),
                "root",
            ),
            (
                "search --fs-uuid ab-1 --set=root --hint-efi=hd0",
                uuid(),
                "root",
            ),
            (
                "search --fs-uuid --set=root ab-1 --hint-of-tomorrow=x",
                uuid(),
                "root",
            ),
            (
                "search --fs-uuid --set=root --hint-of-tomorrow=x ab-1",
                uuid(),
                "root",
            ),
            ("search --set ab-1 --fs-uuid", uuid(), "root"),
            ("search --set root --fs-uuid ab-1", uuid(), "root"),
            ("search --set=boot --fs-uuid ab-1", uuid(), "boot"),
            ("search -us boot ab-1", uuid(), "boot"),
            ("search -s -u ab-1", uuid(), "root"),
            ("search -n -u -h hd0 -s root -- ab-1", uuid(), "root"),
            ("search --label --set=root boot", label(), "root"),
            ("search -l boot -s", label(), "root"),
            ("search --file --set=root /x", file(), "root"),
            ("search.fs_uuid ab-1 root hd0,gpt2", uuid(), "root"),
            ("search --fs-uuid --set=root $id", uuid(), "root"),
            ("search.fs_uuid ${id} root", uuid(), "root"),
            (
                "search --fs-uuid --set=root $prefix",
                Filesystem::Unsettled,
                "root",
            ),
            ("search.fs_label boot root", label(), "root"),
            ("search.file /x dev", file(), "dev"),
        ] {
            assert_eq!(found(line), Some((filesystem, sets.to_owned())), "{line}");
        }
    }

    #[test]
    fn what_sets_no_variable_is_none() {
        for line in [
            "search --fs-uuid ab-1",
            "search --set=root ab-1",
            "search --fs-uuid --set",
            "search --fs-uuid --set=root --hint",
            "search.fs_uuid ab-1",
            "search.fs_uuid",
            "search",
            "linux /vmlinuz",
        ] {
            assert_eq!(found(line), None, "{line}");
        }
    }
}
