//! A machine's screen: taken through QEMU's monitor, and read back with the font it was drawn with.

use fs_err as fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// How the gate draws: glyphs of 8 × 8, each pixel two high, from a margin on.
const GLYPH: usize = 8;
const LINE: usize = 16;
const MARGIN: usize = 16;

/// QEMU's monitor of one machine. The socket's path must be short, so it isn't in the run's directory, but in one
/// of its own, which goes with it.
pub struct Monitor(TempDir);

impl Monitor {
    /// A place for a machine's monitor.
    pub fn new() -> Result<Monitor> {
        Ok(Monitor(tempfile::tempdir()?))
    }

    fn socket(&self) -> PathBuf {
        self.0.path().join("monitor")
    }

    /// QEMU's argument for it.
    pub fn argument(&self) -> String {
        format!("unix:{},server=on,wait=off", self.socket().display())
    }

    /// Takes a picture of the screen (PPM) into `file`.
    pub fn take_picture(&self, file: &Path) -> Result<()> {
        self.tell(&format!("screendump {}", file.display()))
    }

    /// Gives a command, and waits until it is done.
    pub fn tell(&self, command: &str) -> Result<()> {
        let mut stream = UnixStream::connect(self.socket()).context("QEMU's monitor")?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        writeln!(stream, "{command}")?;
        // The second prompt comes when the command is done.
        let mut said = Vec::new();
        while said.windows(6).filter(|window| window == b"(qemu)").count() < 2 {
            let mut chunk = [0; 512];
            let count = stream
                .read(&mut chunk)
                .context("QEMU's monitor says nothing")?;
            ensure!(count > 0, "QEMU's monitor closed");
            said.extend_from_slice(&chunk[..count]);
        }
        Ok(())
    }
}

/// The lines of text on a picture, up to the first empty one.
pub fn read(file: &Path) -> Result<Vec<String>> {
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    let picture = Picture::parse(&bytes).context("QEMU's picture isn't a PPM")?;
    let rows = (MARGIN..picture.height.saturating_sub(LINE)).step_by(LINE);
    Ok(rows
        .map(|y| picture.line(y))
        .take_while(|line| !line.is_empty())
        .collect())
}

struct Picture<'a> {
    width: usize,
    height: usize,
    pixels: &'a [u8],
}

impl<'a> Picture<'a> {
    /// `P6`, width, height, 255, then three bytes a pixel (netpbm's ppm(5)).
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut fields = bytes.splitn(4, |byte| byte.is_ascii_whitespace());
        let magic = fields.next()?;
        let mut number = || std::str::from_utf8(fields.next()?).ok()?.parse().ok();
        let (width, height) = (number()?, number()?);
        let rest = fields.next()?;
        let pixels = rest.get(4..)?; // "255\n"
        (magic == b"P6" && pixels.len() == width * height * 3).then_some(Picture {
            width,
            height,
            pixels,
        })
    }

    fn is_lit(&self, x: usize, y: usize) -> bool {
        self.pixels
            .get((y * self.width + x) * 3)
            .is_some_and(|red| *red > 127)
    }

    fn line(&self, y: usize) -> String {
        let columns = (MARGIN..self.width.saturating_sub(MARGIN)).step_by(GLYPH);
        columns
            .map(|x| self.character(x, y))
            .collect::<String>()
            .trim_end()
            .to_owned()
    }

    fn character(&self, x: usize, y: usize) -> char {
        let row = |n: usize| {
            (0..GLYPH).fold(0u8, |bits, i| {
                bits | u8::from(self.is_lit(x + i, y + 2 * n)) << i
            })
        };
        let drawn: Vec<u8> = (0..GLYPH).map(row).collect();
        let known = (b' '..=b'~')
            .find(|code| font8x8::legacy::BASIC_LEGACY[usize::from(*code)] == drawn[..]);
        known.map_or('\u{fffd}', char::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_was_drawn() {
        let (width, height) = (64, 64);
        let mut pixels = vec![0; width * height * 3];
        for (n, code) in b"Hi".iter().enumerate() {
            for (row, bits) in font8x8::legacy::BASIC_LEGACY[usize::from(*code)]
                .iter()
                .enumerate()
            {
                for x in (0..8).filter(|x| bits >> x & 1 == 1) {
                    for y in [2 * row, 2 * row + 1] {
                        let at = ((MARGIN + y) * width + MARGIN + 8 * n + x) * 3;
                        pixels[at..at + 3].fill(255);
                    }
                }
            }
        }
        let mut file = b"P6\n64 64\n255\n".to_vec();
        file.extend(pixels);
        let picture = Picture::parse(&file).unwrap();
        assert_eq!(picture.line(MARGIN), "Hi");
        assert_eq!(picture.line(MARGIN + LINE), "");
    }
}
