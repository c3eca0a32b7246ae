//! Records as people read them.

use super::{Log, Record};
use std::fmt::{self, Write};

/// The highest bit of a caller's ID: it is a CPU, since no task was running
/// (printk_caller_id, kernel/printk/printk.c).
const CPU: u32 = 1 << 31;

/// A log as `dmesg` shows it, and makedumpfile's `--dump-dmesg`: lines of a message after its first are
/// indented. What could command a terminal is escaped (`\x1b`), and where messages are lost, it says so
/// as the kernel's own consoles do.
pub struct Text<'a> {
    log: &'a Log<'a>,
    callers: bool,
}

impl<'a> Text<'a> {
    /// The text of all records.
    #[must_use]
    pub fn new(log: &'a Log<'a>) -> Text<'a> {
        Text {
            log,
            callers: false,
        }
    }

    /// Also says who logged each record: `[      T1]` of a thread, `[      C0]` of a CPU.
    #[must_use]
    pub fn with_callers(self, callers: bool) -> Text<'a> {
        Text { callers, ..self }
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut records = self.log.records();
        for record in records.by_ref() {
            lost(f, record.lost_before)?;
            record.write(f, self.callers)?;
            f.write_char('\n')?;
        }
        lost(f, records.lost())
    }
}

fn lost(f: &mut fmt::Formatter<'_>, count: u64) -> fmt::Result {
    match count {
        0 => Ok(()),
        _ => writeln!(f, "** {count} printk messages dropped **"),
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, false)
    }
}

impl Record {
    fn write(&self, f: &mut fmt::Formatter<'_>, caller: bool) -> fmt::Result {
        let micros = self.time / 1000;
        let mut prefix = format!("[{:5}.{:06}] ", micros / 1_000_000, micros % 1_000_000);
        if caller {
            write!(prefix, "[{:>8}] ", self.caller())?;
        }
        f.write_str(&prefix)?;
        for (i, line) in self.text.split(|byte| *byte == b'\n').enumerate() {
            if i > 0 {
                write!(f, "\n{:1$}", "", prefix.len())?;
            }
            escaped(f, line)?;
        }
        Ok(())
    }

    /// Who logged it, as the kernel writes it: `T1` of a thread, `C0` of a CPU.
    #[must_use]
    pub fn caller(&self) -> String {
        let kind = if self.caller & CPU == 0 { 'T' } else { 'C' };
        format!("{kind}{}", self.caller & !CPU)
    }

    /// The text as it can be shown: what could command a terminal is escaped.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut shown = String::new();
        for (i, line) in self.text.split(|byte| *byte == b'\n').enumerate() {
            if i > 0 {
                shown.push('\n');
            }
            // Writing to a String doesn't fail.
            let _ = escaped(&mut shown, line);
        }
        shown
    }
}

fn escaped(f: &mut impl Write, line: &[u8]) -> fmt::Result {
    for chunk in line.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() && character != '\t' {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    write!(f, "\\x{byte:02x}")?;
                }
            } else {
                f.write_char(character)?;
            }
        }
        for byte in chunk.invalid() {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}
