//! The text that describes a volume group: sections, which hold sections and keys with values.

use super::{GroupName, Id, VolumeGroup};

/// The volume group that a text describes; `None` if the text isn't such a description.
///
/// Its keys may stand in any order, and other sections and keys are skipped.
#[must_use]
pub fn volume_group(text: &[u8]) -> Option<VolumeGroup> {
    let mut tokens = Tokens(text);
    let (mut name, mut id, mut seqno) = (None, None, None);
    let (mut is_described, mut is_known_version) = (false, false);
    let mut depth: u32 = 0;
    while let Some(token) = tokens.next() {
        let key = match token {
            Token::Plain(b"}") => {
                depth = depth.checked_sub(1)?;
                continue;
            }
            Token::Plain(word) | Token::Text(word) => word,
        };
        match (tokens.next()?, depth) {
            (Token::Plain(b"{"), 0) => {
                // There is one section that isn't in another: the group.
                let given = GroupName::try_from(String::from_utf8(key.to_vec()).ok()?).ok()?;
                name.replace(given).is_none().then_some(())?;
                depth = 1;
            }
            (Token::Plain(b"{"), _) => depth = depth.checked_add(1)?,
            (Token::Plain(b"="), _) => match (tokens.value()?, depth, key) {
                (Token::Text(value), 1, b"id") => {
                    let given = Id::shown(std::str::from_utf8(value).ok()?)?;
                    id.replace(given).is_none().then_some(())?;
                }
                (Token::Plain(value), 1, b"seqno") => {
                    let given = std::str::from_utf8(value).ok()?.parse().ok()?;
                    seqno.replace(given).is_none().then_some(())?;
                }
                (Token::Text(b"Text Format Volume Group"), 0, b"contents") => is_described = true,
                (Token::Plain(b"1"), 0, b"version") => is_known_version = true,
                _ => {}
            },
            _ => return None,
        }
    }
    let is_whole = depth == 0 && is_described && is_known_version;
    is_whole.then_some(())?;
    Some(VolumeGroup {
        name: name?,
        id: id?,
        seqno: seqno?,
    })
}

/// A part of the text.
#[derive(Clone, Copy)]
enum Token<'t> {
    /// A word, a number, or one of `{`, `}`, `[`, `]`, `=` and `,`.
    Plain(&'t [u8]),
    /// What stands in quotes, as it stands there.
    Text(&'t [u8]),
}

/// What is left of the text.
struct Tokens<'t>(&'t [u8]);

impl<'t> Iterator for Tokens<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        self.skip();
        let token = match self.0.first()? {
            b'"' => {
                self.take(1);
                let text = self.take(end_of_text(self.0));
                self.take(1);
                Token::Text(text)
            }
            byte if is_mark(*byte) => Token::Plain(self.take(1)),
            _ => {
                let ends =
                    |byte: &u8| byte.is_ascii_whitespace() || is_mark(*byte) || *byte == b'"';
                let end = self.0.iter().position(ends);
                Token::Plain(self.take(end.unwrap_or(self.0.len())))
            }
        };
        Some(token)
    }
}

impl<'t> Tokens<'t> {
    /// A value; of a list, its end.
    fn value(&mut self) -> Option<Token<'t>> {
        let mut token = self.next()?;
        if matches!(token, Token::Plain(b"[")) {
            while !matches!(token, Token::Plain(b"]")) {
                token = self.next()?;
            }
        }
        Some(token)
    }

    /// Skips white space, and comments from `#` to the end of their line. LVM ends the text with a zero byte.
    fn skip(&mut self) {
        loop {
            let is_blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
            let blank = self.0.iter().take_while(|byte| is_blank(byte)).count();
            self.take(blank);
            if self.0.first() != Some(&b'#') {
                return;
            }
            let line = self.0.iter().position(|byte| *byte == b'\n');
            self.take(line.unwrap_or(self.0.len()));
        }
    }

    /// So many bytes, or as many as there are.
    fn take(&mut self, count: usize) -> &'t [u8] {
        let (taken, rest) = self.0.split_at_checked(count).unwrap_or((self.0, &[]));
        self.0 = rest;
        taken
    }
}

fn is_mark(byte: u8) -> bool {
    matches!(byte, b'{' | b'}' | b'[' | b']' | b'=' | b',')
}

/// Where a text in quotes ends. A backslash takes the next character's meaning away.
fn end_of_text(text: &[u8]) -> usize {
    let mut is_escaped = false;
    let end = text.iter().position(|byte| {
        let ends = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        ends
    });
    end.unwrap_or(text.len())
}
