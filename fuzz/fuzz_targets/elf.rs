//! An accepted ELF file's segments lie in the file and apart in memory, and what its signature is
//! over is the whole file.
#![no_main]

use baton_formats::elf::Elf;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let core = Elf::core_class(file);
    let Ok(elf) = Elf::parse(file) else { return };
    assert!(Elf::recognises(file) && core.is_none());
    let segments: Vec<_> = elf.segments().collect();
    assert!(!segments.is_empty() && segments.len() <= 64);
    let range = elf.physical_range();
    for (index, segment) in segments.iter().enumerate() {
        assert!(segment.data.len() as u64 <= segment.memsz);
        let end = segment.paddr + segment.memsz;
        assert!(range.start <= segment.paddr && end <= range.end);
        for other in &segments[index + 1..] {
            assert!(end <= other.paddr || other.paddr + other.memsz <= segment.paddr);
        }
    }
    let in_memory = |address| {
        segments
            .iter()
            .any(|s| (s.paddr..s.paddr + s.memsz).contains(&address))
    };
    assert!(in_memory(elf.entry()));
    assert!(elf.pvh_entry().is_none_or(in_memory));
    if let Some(parts) = elf.signed_parts() {
        let note = elf.signature_note().unwrap();
        assert_eq!(elf.signature().unwrap(), &file[note.clone()]);
        let signed: Vec<u8> = parts.flatten().copied().collect();
        let mut zeroed = file.to_vec();
        zeroed[note].fill(0);
        assert!(signed == zeroed);
    }
});
