//! Writes the small ELF kernel to standard output, with room for a signature of so many bytes in
//! its note, for `tests/fixtures/detached/regenerate` to sign.

use std::io::Write;

#[path = "../tests/support/small_elf.rs"]
#[allow(dead_code, missing_docs, clippy::cast_possible_truncation)]
mod small_elf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let room = std::env::args().nth(1).ok_or("usage: small_elf ROOM")?;
    std::io::stdout().write_all(&small_elf::small_elf(room.parse()?))?;
    Ok(())
}
