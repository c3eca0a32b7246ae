//! The terminal that standard output goes to, and the one that a person sits at.

use crate::signals;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use zeroize::Zeroizing;

/// How many columns it has; `None` where standard output is no terminal, or one that doesn't say.
#[must_use]
pub fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Whether standard output is a terminal.
#[must_use]
pub fn is_output() -> bool {
    std::io::stdout().is_terminal()
}

/// Asks a person for a secret at the terminal that this process belongs to, whatever standard input and output are; what is
/// typed isn't shown.
///
/// # Errors
/// `NotFound` or ENXIO where there is no terminal; `Interrupted` where Ctrl-C or Ctrl-D was typed.
pub fn ask_secret(prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut terminal = File::options().read(true).write(true).open("/dev/tty")?;
    let before = tcgetattr(&terminal)?;
    let mut silent = before.clone();
    // Not by lines, so that Ctrl-C comes as a byte, and what was typed of the secret is wiped.
    silent.local_modes &= !(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
    // Others' signals, as `kill` sends them, must not leave the terminal silent.
    let (other, after) = (terminal.try_clone()?, before.clone());
    let _restored = signals::before_end(move || {
        let _ = tcsetattr(&other, OptionalActions::Flush, &after);
    })?;
    tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
    // Only now: whoever sees the prompt may type.
    let prompted = terminal.write_all(prompt.as_bytes());
    let secret = prompted.and_then(|()| read_secret(&mut terminal));
    tcsetattr(&terminal, OptionalActions::Flush, &before)?;
    terminal.write_all(b"\n")?;
    secret
}

/// The longest secret: room for it is there from the start, as what grows leaves copies behind.
const MAX_SECRET: usize = 1024;

/// Reads up to the end of a line, as a terminal would. What was typed is wiped, however this ends.
fn read_secret(from: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut secret = Zeroizing::new(Vec::with_capacity(MAX_SECRET));
    loop {
        let mut byte = [0];
        from.read_exact(&mut byte)?;
        match byte[0] {
            b'\n' | b'\r' => return Ok(secret),
            // Ctrl-C, Ctrl-D
            3 | 4 => return Err(io::ErrorKind::Interrupted.into()),
            // Backspace and delete, Ctrl-U
            8 | 127 => drop(secret.pop()),
            21 => secret.clear(),
            other if secret.len() < MAX_SECRET => secret.push(other),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;
    use std::os::unix::fs::FileExt;

    /// How much is typed.
    const TYPED: usize = 1000;
    const PAGE: usize = 4096;

    /// Types what lies nowhere in memory before.
    struct Typist {
        number: usize,
        typed: usize,
    }

    impl Read for Typist {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            if self.typed == TYPED {
                return Ok(0);
            }
            to[0] = letter(self.number, self.typed);
            self.typed += 1;
            Ok(1)
        }
    }

    fn letter(number: usize, at: usize) -> u8 {
        let n = u8::try_from((at * at / 7 + at * number) % 90);
        b'!' + n.unwrap()
    }

    /// Whether what a typist typed is left in what this process can write to, after something was done.
    fn is_left(number: usize, done: impl Fn(Typist)) -> bool {
        let (mut page, mut list) = (vec![0; PAGE], vec![0; 1 << 20]);
        let memory = File::open("/proc/self/mem").unwrap();
        let mut maps = File::open("/proc/self/maps").unwrap();
        // From here on nothing may ask for memory: it would get what was given back.
        done(Typist { number, typed: 0 });
        let mut end = 0;
        while let Some(read) = Some(maps.read(&mut list[end..]).unwrap()).filter(|it| *it > 0) {
            end += read;
        }
        let list = std::str::from_utf8(&list[..end]).unwrap();
        let mut found = false;
        for line in list.lines().filter(|it| it.contains(" rw-p ")) {
            let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
            let address = |text| usize::from_str_radix(text, 16).unwrap();
            for at in (address(start)..address(end)).step_by(PAGE) {
                let is_read = memory.read_exact_at(&mut page, at as u64).is_ok();
                found |= is_read && holds(&page, number);
            }
        }
        found
    }

    /// Whether a page holds one of two parts, of which another page's beginning can cut one alone.
    fn holds(page: &[u8], number: usize) -> bool {
        let is_part = |part: &[u8], from: usize| {
            let mut all = part.iter().enumerate();
            all.all(|(n, byte)| *byte == letter(number, from + n))
        };
        page.windows(64)
            .any(|part| is_part(part, 200) || is_part(part, 700))
    }

    #[test]
    fn what_was_typed_is_wiped_where_no_secret_comes_of_it() {
        assert!(!is_left(3, |mut typist| {
            assert!(read_secret(&mut typist).is_err());
        }));
        assert!(!is_left(4, |typist| {
            let secret = read_secret(&mut typist.chain(&b"\n"[..])).unwrap();
            assert_eq!(secret.len(), TYPED);
        }));
        let is_seen = is_left(5, |mut typist| {
            let mut plain = Vec::with_capacity(MAX_SECRET);
            typist.read_to_end(&mut plain).unwrap();
            black_box(plain);
        });
        assert!(is_seen, "what isn't wiped is left, and found");
    }

    #[test]
    fn a_secret_is_typed_with_mistakes() {
        for (typed, expected) in [
            (&b"abc\n"[..], Some(&b"abc"[..])),
            (b"abx\x7fc\r", Some(b"abc")),
            (b"wrong\x15abc\n", Some(b"abc")),
            (b"\x08\n", Some(b"")),
            (b"abc\x03", None),
            (b"abc", None),
        ] {
            let read = read_secret(&mut &typed[..]).ok();
            let read = read.as_ref().map(|it| it.as_slice());
            assert_eq!(read, expected, "{typed:?}");
        }
        let long = [&[b'x'; 2 * MAX_SECRET][..], b"\n"].concat();
        assert_eq!(read_secret(&mut &long[..]).unwrap().len(), MAX_SECRET);
    }
}
