//! Where an ELF file's segments go.

use baton_formats::elf::Elf;
use baton_verify::Reason;

use super::Room;

/// Takes the memory of each segment where the file says that it must be.
pub(crate) fn take_stated(program: &Elf<'_>, room: &mut Room<'_>) -> Result<(), Reason> {
    // Segments may share a page, so that it is taken once.
    let range = program.physical_range();
    room.take_at(range.start, range.end.saturating_sub(range.start))
}

/// Writes the segments so far from where the file says, modulo 2⁶⁴; their memory has been taken.
pub(crate) fn write<'m>(program: &Elf<'m>, moved: u64, room: &mut Room<'m>) {
    for segment in program.segments() {
        let to = segment.paddr.wrapping_add(moved);
        room.write(to, segment.data, segment.memsz);
    }
}
