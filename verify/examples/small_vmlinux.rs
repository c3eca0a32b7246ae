//! Writes Linux as a small ELF kernel to standard output, with room for a signature of so many bytes in
//! its note or without such a note (0), for `tests/fixtures/detached/regenerate` to sign.

use std::io::Write;

#[path = "../tests/support/other_formats.rs"]
#[allow(dead_code, missing_docs, clippy::cast_possible_truncation)]
mod other_formats;
#[path = "../tests/support/small_elf.rs"]
#[allow(dead_code, missing_docs, clippy::cast_possible_truncation)]
mod small_elf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let room = std::env::args().nth(1).ok_or("usage: small_vmlinux ROOM")?;
    let file = match room.parse()? {
        0 => other_formats::vmlinux(),
        room => other_formats::vmlinux_with_room(room),
    };
    std::io::stdout().write_all(&file)?;
    Ok(())
}
