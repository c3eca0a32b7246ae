//! The words of GRUB's language: quotes, backslashes, comments, and where a command ends.
//!
//! What a dollar means depends on where it stands, so a word's text keeps three kinds apart: `$`, [`QUOTED_VARIABLE`] and
//! [`DOLLAR`]. Unicode has the latter two for a program's own use; who writes them into a file gets a dollar.

/// A dollar that begins a variable between double quotes, whose value stays one word.
pub const QUOTED_VARIABLE: char = '\u{fdd1}';
/// A dollar that begins no variable: after a backslash, or between single quotes.
pub const DOLLAR: char = '\u{fdd0}';

/// A text of a word as people read it.
#[must_use]
pub fn shown(text: &str) -> String {
    text.replace([DOLLAR, QUOTED_VARIABLE], "$")
}

/// A word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    /// What it says, without quotes, with the three kinds of dollars.
    pub text: String,
    /// Whether any of it was quoted.
    pub is_quoted: bool,
}

impl Word {
    /// Whether it is this brace: a quoted one is none.
    #[must_use]
    pub fn is_brace(&self, brace: &str) -> bool {
        !self.is_quoted && self.text == brace
    }

    /// What it is as a word of the language: nothing, if it was quoted.
    #[must_use]
    pub fn keyword(&self) -> &str {
        if self.is_quoted { "" } else { &self.text }
    }
}

/// A text, word by word.
pub struct Words<'t> {
    rest: &'t str,
}

impl<'t> Words<'t> {
    /// All of a text.
    #[must_use]
    pub fn of(text: &'t str) -> Self {
        Words { rest: text }
    }

    /// The words of the next command; `None` at the end.
    ///
    /// # Errors
    /// When the text ends inside of a word.
    pub fn command(&mut self) -> Result<Option<Vec<Word>>, String> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let mut command = Vec::new();
        let mut word: Option<Word> = None;
        let mut chars = self.rest.char_indices();
        let mut end = self.rest.len();
        while let Some((at, c)) = chars.next() {
            match c {
                '\n' | ';' => {
                    end = at + 1;
                    break;
                }
                '#' if word.is_none() => {
                    // Up to the end of the line, which ends the command.
                    for (_, c) in chars.by_ref() {
                        if c == '\n' {
                            break;
                        }
                    }
                    end = chars.offset();
                    break;
                }
                c if c.is_whitespace() => command.extend(word.take()),
                '\'' | '"' => quote(c, &mut chars, word.get_or_insert_default())?,
                '\\' => match chars.next() {
                    None => return Err("it ends after a backslash".to_owned()),
                    Some((_, '\n')) => {}
                    Some((_, c)) => word.get_or_insert_default().text.push(literal(c)),
                },
                c => word.get_or_insert_default().text.push(c),
            }
            if word.is_none() && is_brace_of_block(&command) {
                end = chars.offset();
                break;
            }
        }
        command.extend(word);
        self.rest = self.rest.get(end..).unwrap_or_default();
        Ok(Some(command))
    }
}

/// Whether the command ends here, at a brace: one that opens a block may follow any command (parser.y of GRUB).
#[must_use]
pub fn is_brace_of_block(command: &[Word]) -> bool {
    match command {
        [only] => only.is_brace("{") || only.is_brace("}"),
        [.., last] => last.is_brace("{"),
        [] => false,
    }
}

/// What stands up to the closing quote; between double quotes, a backslash counts before some characters alone.
fn quote(
    quote: char,
    chars: &mut std::str::CharIndices<'_>,
    word: &mut Word,
) -> Result<(), String> {
    word.is_quoted = true;
    while let Some((_, c)) = chars.next() {
        match c {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => match chars.next() {
                Some((_, escaped @ ('"' | '\\' | '$'))) => word.text.push(literal(escaped)),
                Some((_, '\n')) => {}
                Some((_, other)) => word.text.extend(['\\', other]),
                None => break,
            },
            '$' if quote == '"' => word.text.push(QUOTED_VARIABLE),
            c => word.text.push(literal(c)),
        }
    }
    Err("it ends inside of quotes".to_owned())
}

/// A character that means nothing but itself.
fn literal(c: char) -> char {
    if c == '$' { DOLLAR } else { c }
}
