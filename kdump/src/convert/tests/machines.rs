//! Dumps of machines of every kind.

use super::kept::Kept;
use super::*;
use std::path::Path;
use std::sync::Arc;

#[test]
fn what_is_written_of_any_machine_can_be_read_again_or_is_not_written() {
    let sample = machine();
    let of = |machine, format| {
        let crash = Crash {
            memory: &sample,
            machine,
            segments: &[],
            notes: &[],
            seconds: 77,
            whole: true,
        };
        let kept = Kept::new(0, true);
        let options = Options {
            format,
            ..options("zstd", 0, 1)
        };
        convert(&crash, &kept, &options, &Unobserved).map(|_| kept.file())
    };
    let read = |bytes: Vec<u8>| Dump::from_source(Path::new("x"), Arc::new(bytes)).unwrap();
    // EM_PPC64, EM_S390, EM_RISCV, EM_386 of uapi/linux/elf-em.h, and one that nobody named, as QEMU's may be.
    for number in [62, 183, 21, 243, 0] {
        let machine = Machine::of_elf(number);
        let dump = read(of(machine, Format::Kdump).unwrap());
        // Without a name and notes it is taken for the one that has pages of this size.
        let expected = if number == 0 {
            Machine::X86_64
        } else {
            machine
        };
        assert_eq!(dump.machine(), expected);
    }
    for number in [3, 22] {
        let machine = Machine::of_elf(number);
        let error = of(machine, Format::Kdump).unwrap_err();
        assert!(
            matches!(error, WriteError::Machine(it) if it == machine),
            "{error}"
        );
        assert_eq!(read(of(machine, Format::Elf).unwrap()).machine(), machine);
    }
}
