//! What only a terminal is shown: colours, trees, bars, tables that fit.
//!
//! Colours are markers in the text until it is printed, when they become the terminal's sequences or nothing: what comes
//! from a file can't bring sequences of its own ([`super::text`] writes those out), and who puts a text together need
//! not know where it goes.

use baton_sys::terminal;
use clap::ValueEnum;
use std::sync::OnceLock;

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)] // every command's help would list what is said here
pub enum Color {
    // On a terminal, unless NO_COLOR is set.
    Auto,
    // Even where standard output is no terminal.
    Always,
    Never,
}

/// What a text looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As it should be.
    Good,
    /// Worth a look.
    Warning,
    /// Not as it should be.
    Bad,
    /// Less important than the rest.
    Faint,
    /// More important.
    Strong,
}

/// The markers: noncharacters, which Unicode keeps for what programs do within themselves (section 23.7), and
/// the sequences that they become (ECMA-48, SGR).
const MARKERS: [(char, Option<Style>, &str); 6] = [
    ('\u{fdd0}', None, "\x1b[0m"),
    ('\u{fdd1}', Some(Style::Good), "\x1b[32m"),
    ('\u{fdd2}', Some(Style::Warning), "\x1b[33m"),
    ('\u{fdd3}', Some(Style::Bad), "\x1b[31m"),
    ('\u{fdd4}', Some(Style::Faint), "\x1b[2m"),
    ('\u{fdd5}', Some(Style::Strong), "\x1b[1m"),
];

const END: char = MARKERS[0].0;

/// Whether what is printed on standard output has colours.
static COLOURS: OnceLock<bool> = OnceLock::new();

/// Decides whether there are colours, by the command line and, where that leaves it open, by NO_COLOR and by where
/// standard output goes.
pub fn choose(color: Color) {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let chosen = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => !unwanted && terminal::is_output(),
    };
    // There is one command line, and so one choice.
    let _ = COLOURS.set(chosen);
}

/// Whether a person looks at standard output, so that a picture says more than what a script can read.
#[must_use]
pub fn is_watched() -> bool {
    terminal::is_output()
}

/// How many columns there are; `None`: as many as a line needs.
#[must_use]
pub fn columns() -> Option<usize> {
    terminal::columns()
}

/// A text in this style.
#[must_use]
pub fn styled(style: Style, text: &str) -> String {
    let marker = MARKERS.iter().find(|(_, known, _)| *known == Some(style));
    match marker {
        Some((marker, ..)) => format!("{marker}{text}{END}"),
        None => text.to_owned(),
    }
}

/// The sequence that a marker becomes; `None` of any other character.
pub(super) fn sequence(character: char) -> Option<&'static str> {
    let (.., sequence) = MARKERS.iter().find(|(marker, ..)| *marker == character)?;
    Some(if COLOURS.get() == Some(&true) {
        sequence
    } else {
        ""
    })
}

/// How many columns a text takes, without its markers.
#[must_use]
pub fn width(text: &str) -> usize {
    let is_marker = |c: char| MARKERS.iter().any(|(marker, ..)| *marker == c);
    text.chars().filter(|c| !is_marker(*c)).count()
}

/// A bar of this many columns, filled by how much of the whole a part is; full where it is more.
#[must_use]
pub fn bar(part: u64, whole: u64, columns: usize) -> String {
    let columns = columns as u64;
    let filled = match whole {
        0 => 0,
        whole => (u128::from(part) * u128::from(columns)).div_ceil(u128::from(whole)),
    };
    let filled = u64::try_from(filled).unwrap_or(columns).min(columns);
    let times = |what: &str, count: u64| what.repeat(usize::try_from(count).unwrap_or(0));
    format!("[{}{}]", times("#", filled), times("-", columns - filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_filled_by_the_part_and_never_over_its_end() {
        for (part, whole, expected) in [
            (0, 10, "[----]"),
            (1, 10, "[#---]"),
            (5, 10, "[##--]"),
            (10, 10, "[####]"),
            (11, 10, "[####]"),
            (u64::MAX, 1, "[####]"),
            (1, 0, "[----]"),
        ] {
            assert_eq!(bar(part, whole, 4), expected, "{part} of {whole}");
        }
    }

    #[test]
    fn a_style_takes_no_room() {
        let text = styled(Style::Good, "on");
        assert_eq!((width(&text), width("on")), (2, 2));
    }

    #[test]
    fn without_a_choice_there_are_no_colours() {
        assert_eq!(sequence(END), Some(""));
        assert_eq!(sequence('a'), None);
    }
}
