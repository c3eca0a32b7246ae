//! What a machine says on its serial port, taken apart: lines, and the guest's events among them.

use std::time::Duration;

use baton_guest::event::{Event, Line, PREFIX};

/// A console line, and when it came.
#[derive(Debug, Clone)]
pub struct Said {
    /// Time since the machine was switched on, as seen from outside.
    pub at: Duration,
    /// The line, without control characters.
    pub text: String,
}

/// An event, and when it came.
#[derive(Debug, Clone)]
pub struct Happened {
    /// Time since the machine was switched on, as seen from outside.
    pub at: Duration,
    /// The guest's line.
    pub line: Line,
}

/// All that was said.
#[derive(Debug, Default)]
pub struct Transcript {
    /// Every line.
    pub lines: Vec<Said>,
    /// Lines of the guest.
    pub events: Vec<Happened>,
    pending: Vec<u8>,
}

impl Transcript {
    /// Takes what came.
    pub fn take(&mut self, at: Duration, bytes: &[u8], watch: &mut dyn FnMut(Duration, &str)) {
        for byte in bytes {
            if matches!(byte, b'\n' | b'\r') {
                self.end_line(at, watch);
            } else {
                self.pending.push(*byte);
            }
        }
    }

    /// There is no more.
    pub fn finish(&mut self, at: Duration, watch: &mut dyn FnMut(Duration, &str)) {
        self.end_line(at, watch);
    }

    fn end_line(&mut self, at: Duration, watch: &mut dyn FnMut(Duration, &str)) {
        let text = plain(&String::from_utf8_lossy(&std::mem::take(&mut self.pending)));
        if text.is_empty() {
            return;
        }
        watch(at, &text);
        let json = text
            .find(PREFIX)
            .and_then(|from| text.get(from + PREFIX.len()..));
        if let Some(line) = json.and_then(|json| serde_json::from_str(json).ok()) {
            self.events.push(Happened { at, line });
        }
        self.lines.push(Said { at, text });
    }

    /// Events of a stage.
    pub fn stage(&self, stage: usize) -> impl Iterator<Item = &Event> {
        self.events
            .iter()
            .filter(move |h| h.line.stage == stage)
            .map(|h| &h.line.event)
    }

    /// Every line with its time, for people.
    pub fn to_text(&self) -> String {
        self.lines
            .iter()
            .map(|said| format!("{:8.2} {}\n", said.at.as_secs_f64(), said.text))
            .collect()
    }

    /// Whether any line holds this text, the one that hasn't ended yet included: programs that draw a
    /// screen never end any.
    pub fn says(&self, text: &str) -> bool {
        let pending = || plain(&String::from_utf8_lossy(&self.pending));
        self.lines.iter().any(|said| said.text.contains(text)) || pending().contains(text)
    }
}

/// A line without the firmware's cursor movements and control characters.
fn plain(line: &str) -> String {
    let bytes = Plain::default().take(line.as_bytes());
    let text = String::from_utf8_lossy(&bytes);
    text.replace(char::is_control, "").trim().to_owned()
}

/// Takes control sequences (ECMA-48) out of what a terminal is sent, however it is cut into pieces.
#[derive(Debug, Default)]
pub struct Plain(Within);

/// What the last byte belonged to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Within {
    /// Text.
    #[default]
    Text,
    /// ESC, of which the next byte says what it begins.
    Escape,
    /// A control sequence: parameters, and a final byte.
    Sequence,
    /// A command string, up to BEL or ESC and a backslash.
    Command,
}

impl Plain {
    /// What is left of the next piece: text, and single control characters.
    pub fn take(&mut self, piece: &[u8]) -> Vec<u8> {
        piece
            .iter()
            .copied()
            .filter(|it| self.is_text(*it))
            .collect()
    }

    fn is_text(&mut self, byte: u8) -> bool {
        let was = self.0;
        self.0 = match (was, byte) {
            (_, 0x1b) => Within::Escape,
            (Within::Escape, b'[') => Within::Sequence,
            // Bytes that others follow: ESC ( B.
            (Within::Escape, 0x20..=0x2f) => Within::Escape,
            // OSC, DCS, SOS, PM, APC.
            (Within::Escape, b']' | b'P' | b'X' | b'^' | b'_') => Within::Command,
            (Within::Sequence, 0x40..=0x7e) | (Within::Command, 0x07) | (Within::Escape, _) => {
                Within::Text
            }
            _ => was,
        };
        (was, self.0) == (Within::Text, Within::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript(bytes: &[u8]) -> Transcript {
        let mut transcript = Transcript::default();
        for chunk in bytes.chunks(3) {
            transcript.take(Duration::ZERO, chunk, &mut |_, _| {});
        }
        transcript.finish(Duration::ZERO, &mut |_, _| {});
        transcript
    }

    #[test]
    fn events_are_found_behind_kernel_messages_and_cursor_movements() {
        let t = transcript(b"\x1b[2J\x1b[01;01Hhello\r\n\n[ 1.0] x @baton {\"stage\":2,\"uptime_ms\":5,\"event\":\"up\"}\n");
        assert_eq!(t.lines[0].text, "hello");
        assert!(matches!(t.stage(2).next(), Some(Event::Up)));
        assert_eq!(t.stage(1).count(), 0);
    }

    #[test]
    fn a_line_that_never_ends_is_heard() {
        let mut t = Transcript::default();
        t.take(Duration::ZERO, b"\x1b[1;1H\x1b[7m  Hello", &mut |_, _| {});
        assert!(t.says("Hello") && t.lines.is_empty());
    }

    #[test]
    fn control_sequences_are_left_out_wherever_they_are_cut() {
        let sent = b"\x1b]3008;start=1\x1b\\a\x1b[01;31mb\x1b(Bc\r\n";
        for size in 1..sent.len() {
            let mut plain = Plain::default();
            let text: Vec<u8> = sent.chunks(size).flat_map(|it| plain.take(it)).collect();
            assert_eq!(text, b"abc\r\n", "in pieces of {size}");
        }
    }

    #[test]
    fn a_line_cut_short_is_no_event() {
        assert!(transcript(b"@baton {\"stage\":2,\"upt").events.is_empty());
    }
}
