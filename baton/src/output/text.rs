//! Lines for people, on standard output and standard error.
//!
//! Whether they can be written must not decide what a command does: a kernel that is loaded stays loaded
//! when its report finds no reader. So printing never fails where it is called; what went wrong is kept, and
//! [`end`] makes an exit code of it.

use super::terminal;
use crate::failure::exit::Exit;
use std::borrow::Cow;
use std::fmt;
use std::io::{ErrorKind, Write};
use std::sync::{Mutex, PoisonError};

/// Prints a line on standard output, as `println!` does, but doesn't panic.
macro_rules! say {
    ($($text:tt)*) => { $crate::output::text::line(format_args!($($text)*)) };
}

/// Prints a line on standard error, as `eprintln!` does, but doesn't panic.
macro_rules! tell {
    ($($text:tt)*) => { $crate::output::text::note(format_args!($($text)*)) };
}

/// Why standard output takes no more.
static TROUBLE: Mutex<Option<std::io::Error>> = Mutex::new(None);

/// A text as a terminal may have it: names of files, and what stands in them, may hold what moves its cursor,
/// changes its colours or its title. What [`terminal::styled`] put there becomes what it stands for.
fn printable(text: &str) -> Cow<'_, str> {
    let is_shown = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    if text
        .chars()
        .all(|c| is_shown(c) && terminal::sequence(c).is_none())
    {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 3);
    for c in text.chars() {
        match terminal::sequence(c) {
            Some(sequence) => shown.push_str(sequence),
            None if is_shown(c) => shown.push(c),
            None => shown.extend(c.escape_unicode()),
        }
    }
    Cow::Owned(shown)
}

/// How many there are of something, by the word for one of it.
#[must_use]
pub fn counted(number: usize, one: &str) -> String {
    match number {
        0 => format!("no {one}s"),
        1 => format!("1 {one}"),
        many => format!("{many} {one}s"),
    }
}

/// Prints a text on standard output.
pub fn print(text: &str) {
    let mut trouble = TROUBLE.lock().unwrap_or_else(PoisonError::into_inner);
    if trouble.is_none() {
        let mut out = std::io::stdout().lock();
        let written = out.write_all(printable(text).as_bytes());
        *trouble = written.and_then(|()| out.flush()).err();
    }
}

/// Takes note of whether something was printed on standard output in another way.
pub fn written(result: std::io::Result<()>) {
    let mut trouble = TROUBLE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Err(error) = result {
        trouble.get_or_insert(error);
    }
}

/// Prints a line on standard output; what `say!` calls.
pub fn line(text: fmt::Arguments<'_>) {
    print(&format!("{text}\n"));
}

/// Prints a line on standard error; what `tell!` calls. There is nobody left to tell if that
/// fails.
pub fn note(text: fmt::Arguments<'_>) {
    let _ = std::io::stderr().write_all(format!("{}\n", printable(&text.to_string())).as_bytes());
}

/// The exit code of a command that ended with `exit`. A reader that left, as `head` does, has all that it
/// wanted; a disk that is full has not.
#[must_use]
pub fn end(exit: Exit) -> Exit {
    let trouble = TROUBLE.lock().unwrap_or_else(PoisonError::into_inner);
    match &*trouble {
        Some(error) if error.kind() != ErrorKind::BrokenPipe => {
            tell!("baton: standard output: {error}");
            match exit {
                Exit::Done => Exit::Failed,
                other => other,
            }
        }
        _ => exit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_several() {
        let warnings = [0, 1, 2].map(|number| counted(number, "warning"));
        assert_eq!(warnings, ["no warnings", "1 warning", "2 warnings"]);
    }

    #[test]
    fn what_would_steer_a_terminal_is_written_out() {
        assert_eq!(printable("a\tb\n\u{e9}\u{2713}"), "a\tb\n\u{e9}\u{2713}");
        let steers = "\u{1b}[2Jx\r\u{7}\u{9b}1m";
        assert_eq!(printable(steers), r"\u{1b}[2Jx\u{d}\u{7}\u{9b}1m");
        let styled = terminal::styled(terminal::Style::Bad, "x\u{1b}");
        assert_eq!(printable(&styled), r"x\u{1b}");
    }
}
