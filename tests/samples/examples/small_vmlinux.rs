//! Writes Linux as a small ELF kernel to standard output, with room for a signature of so many bytes in
//! its note or without such a note (0), for `verify/tests/fixtures/detached/regenerate` to sign.

use std::io::Write;

use baton_samples::other_formats::{vmlinux, vmlinux_with_room};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let room = std::env::args().nth(1).ok_or("usage: small_vmlinux ROOM")?;
    let file = match room.parse()? {
        0 => vmlinux(),
        room => vmlinux_with_room(room),
    };
    std::io::stdout().write_all(&file)?;
    Ok(())
}
