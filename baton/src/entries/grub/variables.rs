//! GRUB's variables: those of its environment block, and those that `grub.cfg` sets.

use super::words::{DOLLAR, QUOTED_VARIABLE};
use crate::entries::filesystem::Filesystem;
use std::collections::BTreeMap;

/// The longest text with the values of variables in it; a command line has 4 KiB at most where Linux takes the most.
const MAX_EXPANDED: usize = 64 << 10;
/// The longest value that `grub.cfg` sets.
const MAX_VALUE: usize = 4 << 10;
/// How many variables there may be.
const MAX_VARIABLES: usize = 4096;

/// What a variable is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// To this text.
    Text(String),
    /// To the name that GRUB has for this file system.
    Filesystem(Filesystem),
    /// To something that conditions decide, or that isn't known here.
    Unsettled,
}

/// The variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, Value>);

/// Variables that GRUB sets itself (its manual, "Special environment variables"), so that they are something although
/// nobody sets them; `?` is what the last command returned, and digits are a function's arguments.
const OF_GRUB: [&str; 24] = [
    "biosnum",
    "chosen",
    "cmdpath",
    "config_directory",
    "config_file",
    "debug",
    "fallback",
    "fw_path",
    "gfxmode",
    "gfxpayload",
    "grub_cpu",
    "grub_platform",
    "lang",
    "locale_dir",
    "lockdown",
    "match",
    "package_version",
    "prefix",
    "pxe_default_server",
    "root",
    "shim_lock",
    "superusers",
    "theme",
    "timeout",
];

impl Variables {
    /// Reads an environment block (`grubenv`): lines `NAME=VALUE`, filled up with `#`.
    #[must_use]
    pub fn of_environment(text: &str) -> Variables {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.split_once('='));
        Variables(
            pairs
                .map(|(name, value)| (name.to_owned(), Value::Text(unescape(value))))
                .collect(),
        )
    }

    /// A variable's text; `None` if it isn't set, or to nothing, or to no text that is known.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        match self.0.get(name) {
            Some(Value::Text(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// What it is set to; `None` if it isn't set.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Sets it, or removes it.
    ///
    /// # Errors
    /// When there are too many.
    pub fn set(&mut self, name: &str, value: Option<Value>) -> Result<(), String> {
        let Some(value) = value else {
            self.0.remove(name);
            return Ok(());
        };
        if self.0.len() >= MAX_VARIABLES && !self.0.contains_key(name) {
            return Err(format!("it sets more than {MAX_VARIABLES} variables"));
        }
        let value = match value {
            Value::Text(text) if text.len() > MAX_VALUE => Value::Unsettled,
            value => value,
        };
        self.0.insert(name.to_owned(), value);
        Ok(())
    }

    /// What a text is as the value of a variable. That of another variable stays what it is; of several words that it
    /// brings, `set` takes the first.
    #[must_use]
    pub fn value_of(&self, text: &str) -> Value {
        if let (Some(name), "") = variable_or_disk(text)
            && let Some(value @ Value::Filesystem(_)) = self.0.get(name)
        {
            return value.clone();
        }
        let expanded = self.expand_with(text, Spaces::Split, |name| self.text_of(name));
        let first = expanded.map(|it| it.words().next().unwrap_or_default());
        first.map_or(Value::Unsettled, Value::Text)
    }

    /// The file system that a variable names.
    #[must_use]
    pub fn filesystem(&self, name: &str) -> Filesystem {
        match self.0.get(name) {
            None if name == "root" => Filesystem::OfMenu,
            None | Some(Value::Unsettled) => Filesystem::Unsettled,
            Some(Value::Filesystem(filesystem)) => filesystem.clone(),
            Some(Value::Text(disk)) => {
                let disk = disk.trim_start_matches('(').trim_end_matches(')');
                Filesystem::Disk(disk.to_owned())
            }
        }
    }

    /// A text of an entry with the values of the variables in it. As in GRUB, those that aren't set are nothing.
    ///
    /// # Errors
    /// When one isn't known that matters: without `$kernelopts`, a kernel doesn't find its root.
    pub fn expand(&self, text: &str) -> Result<String, String> {
        // blscfg has GRUB read it as a script, to which spaces around a value mean nothing.
        let text_of = |name: &str| self.text_of_entry(name).map(str::trim);
        let expanded = self.expand_with(text, Spaces::Kept, text_of)?;
        Ok(expanded.last.trim().to_owned())
    }

    /// The words that a word of an entry's command becomes: a variable outside of quotes brings as many as its value has.
    ///
    /// # Errors
    /// As [`Variables::expand`].
    pub fn words(&self, word: &str) -> Result<impl Iterator<Item = String>, String> {
        let expanded = self.expand_with(word, Spaces::Split, |name| self.text_of_entry(name))?;
        Ok(expanded.words())
    }

    /// The same of a text in a script, where it doesn't matter what is left out.
    ///
    /// # Errors
    /// When a variable isn't known.
    pub fn expand_in_script(&self, text: &str) -> Result<String, String> {
        let expanded = self.expand_with(text, Spaces::Kept, |name| self.text_of(name))?;
        Ok(expanded.last.trim().to_owned())
    }

    fn expand_with<'v>(
        &self,
        text: &str,
        spaces: Spaces,
        text_of: impl Fn(&str) -> Result<&'v str, String>,
    ) -> Result<Expanded, String> {
        let mut expanded = Expanded::default();
        let mut rest = text;
        while let Some(at) = rest.find(['$', QUOTED_VARIABLE, DOLLAR]) {
            let (before, from) = rest.split_at_checked(at).unwrap_or_default();
            expanded.push(before);
            let (name, after) = variable(from);
            match name {
                None => expanded.push("$"),
                Some(name) if spaces == Spaces::Split && from.starts_with('$') => {
                    expanded.push_words(text_of(name)?);
                }
                Some(name) => expanded.push(text_of(name)?),
            }
            if expanded.len > MAX_EXPANDED {
                return Err("its variables make a longer text than any kernel takes".to_owned());
            }
            rest = after;
        }
        expanded.push(rest);
        Ok(expanded)
    }

    fn text_of_entry(&self, name: &str) -> Result<&str, String> {
        match self.text_of(name)? {
            "" if name == "kernelopts" => {
                Err("its command line is $kernelopts, which isn't set in grubenv".to_owned())
            }
            text => Ok(text),
        }
    }

    fn text_of(&self, name: &str) -> Result<&str, String> {
        match self.0.get(name) {
            Some(Value::Text(text)) => Ok(text),
            // What every GRUB since 2.00 can do.
            None if name.starts_with("feature_") => Ok("y"),
            None if is_of_grub(name) => Err(format!("it depends on GRUB's own variable ${name}")),
            None => Ok(""),
            Some(Value::Filesystem(_)) => Err(format!(
                "it names a disk as GRUB does, which Linux doesn't know: ${name}"
            )),
            Some(Value::Unsettled) => Err(format!(
                "it depends on ${name}, which conditions in grub.cfg decide"
            )),
        }
    }
}

/// What spaces in the value of a variable do that stands outside of quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spaces {
    /// They belong to the text.
    Kept,
    /// They end a word.
    Split,
}

/// A text with the values of variables in it, word by word.
#[derive(Default)]
struct Expanded {
    /// The words before the last one.
    before: Vec<String>,
    last: String,
    /// Bytes, of all words.
    len: usize,
}

impl Expanded {
    fn push(&mut self, text: &str) {
        self.last.push_str(text);
        self.len = self.len.saturating_add(text.len());
    }

    /// A value that belongs to the last word up to its first space, but for those that it begins with
    /// (grub_script_argv_split_append of GRUB's script/argv.c).
    fn push_words(&mut self, value: &str) {
        let is_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r');
        let mut rest = value.trim_start_matches(is_space);
        loop {
            let end = rest.find(is_space).unwrap_or(rest.len());
            let (word, after) = rest.split_at_checked(end).unwrap_or_default();
            self.push(word);
            rest = after.trim_start_matches(is_space);
            if rest.is_empty() {
                return;
            }
            self.before.push(std::mem::take(&mut self.last));
        }
    }

    fn words(self) -> impl Iterator<Item = String> {
        self.before.into_iter().chain([self.last])
    }
}

/// Whether GRUB sets it by itself.
fn is_of_grub(name: &str) -> bool {
    let is_special = !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_prefix = ["net_", "color_", "menu_color_"]
        .iter()
        .any(|prefix| name.starts_with(prefix));
    is_special || is_prefix || OF_GRUB.contains(&name)
}

/// The variable that stands at the beginning of a text, alone or as the name of a disk, and what follows.
#[must_use]
pub fn variable_or_disk(text: &str) -> (Option<&str>, &str) {
    let is_variable = |text: &str| text.starts_with(['$', QUOTED_VARIABLE]);
    let Some(inside) = text.strip_prefix('(') else {
        return if is_variable(text) {
            variable(text)
        } else {
            (None, text)
        };
    };
    if !is_variable(inside) {
        return (None, text);
    }
    let (name, rest) = variable(inside);
    match rest.strip_prefix(')') {
        Some(rest) => (name, rest),
        None => (None, text),
    }
}

/// The name of the variable that a text begins with, after a dollar, and what follows it.
fn variable(text: &str) -> (Option<&str>, &str) {
    let mut chars = text.chars();
    let dollar = chars.next();
    let after = chars.as_str();
    if dollar == Some(DOLLAR) {
        return (None, after);
    }
    if let Some((name, rest)) = after.strip_prefix('{').and_then(|it| it.split_once('}')) {
        return (Some(name), rest);
    }
    // `$?`, `$@`, `$#`
    if let (Some(name @ ("?" | "@" | "#")), rest) = (after.get(..1), after.get(1..)) {
        return (Some(name), rest.unwrap_or_default());
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = after.find(|c| !is_name(c)).unwrap_or(after.len());
    match after.split_at_checked(end) {
        Some((name, rest)) if !name.is_empty() => (Some(name), rest),
        _ => (None, after),
    }
}

fn unescape(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        text.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Option<Value> {
        Some(Value::Text(text.to_owned()))
    }

    #[test]
    fn variables_are_expanded_as_grub_does() {
        let mut variables =
            Variables::of_environment("# GRUB Environment Block\na=1\nempty=\nb=x\\\\y\n####");
        variables.set("c", text("3")).unwrap();
        for (text, expanded) in [
            ("", ""),
            ("$a", "1"),
            ("${a}b $c", "1b 3"),
            ("x $unknown y", "x  y"),
            ("x$feature_menuentry_id", "xy"),
            ("$b", "x\\y"),
            ("5$ $$a", "5$ $1"),
            ("${a", "${a"),
            ("$", "$"),
            ("é$a$", "é1$"),
        ] {
            assert_eq!(variables.expand(text).as_deref(), Ok(expanded), "{text}");
        }
        assert_eq!(variables.get("empty"), None);
    }

    #[test]
    fn what_is_not_known_is_not_taken_for_nothing() {
        let mut variables = Variables::default();
        variables.set("maybe", Some(Value::Unsettled)).unwrap();
        let disk = Value::Filesystem(Filesystem::Uuid("1".to_owned()));
        variables.set("disk", Some(disk.clone())).unwrap();
        for (text, words) in [
            ("$kernelopts", "isn't set in grubenv"),
            ("a $maybe", "conditions in grub.cfg"),
            ("$prefix/vmlinuz", "GRUB's own variable $prefix"),
            ("$1", "GRUB's own variable $1"),
            ("$disk", "names a disk"),
        ] {
            let why = variables.expand(text).unwrap_err();
            assert!(why.contains(words), "{text}: {why}");
        }
        assert_eq!(variables.value_of("($disk)"), disk);
        assert_eq!(variables.value_of("${disk}"), disk);
        assert_eq!(variables.value_of("($disk)/x"), Value::Unsettled);
    }

    #[test]
    fn a_variable_names_a_file_system_by_what_was_found_or_as_grub_does() {
        let mut variables = Variables::default();
        assert_eq!(variables.filesystem("root"), Filesystem::OfMenu);
        assert_eq!(variables.filesystem("boot"), Filesystem::Unsettled);
        variables.set("root", text("(hd0,gpt2)")).unwrap();
        let disk = Filesystem::Disk("hd0,gpt2".to_owned());
        assert_eq!(variables.filesystem("root"), disk);
    }

    #[test]
    fn what_variables_hold_is_bounded() {
        let mut variables = Variables::default();
        variables.set("a", text(&"x".repeat(MAX_VALUE))).unwrap();
        assert!(variables.expand(&"$a".repeat(17)).is_err());
        variables
            .set("a", text(&"x".repeat(MAX_VALUE + 1)))
            .unwrap();
        assert_eq!(variables.value("a"), Some(&Value::Unsettled));
        let all: Result<(), String> =
            (0..=MAX_VARIABLES).try_for_each(|it| variables.set(&it.to_string(), text("")));
        assert!(all.unwrap_err().contains("4096 variables"));
    }
}
