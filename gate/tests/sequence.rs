//! The whole sequence, on a machine that does what a real one does to bytes.

use std::cell::RefCell;
use std::fmt;

use baton_formats::policy::{OnRefusal, RefusalAction};
use baton_gate::arch::Hardware;
use baton_gate::arch::x86_64::convert::Entry;
use baton_gate::arch::x86_64::screen::Screen;
use baton_gate::arch::x86_64::{BootPlan, Cpu, X86_64};
use baton_gate::memory::PhysicalMemory;
use baton_gate::plan::Range;
use baton_gate::run::Stopwatch;
use baton_gate::sequence::{self, Own};
use baton_samples::build::{authority, signed_kernel};
use baton_samples::machine::*;
use baton_verify::Reason;

/// How a sequence ended.
#[derive(Debug, PartialEq)]
enum End {
    Entered(Entry),
    Stopped(OnRefusal),
}

/// A machine made of bytes, and what was done to it.
struct Mock {
    memory: Memory,
    can_write: bool,
    consoles: RefCell<Option<Vec<u8>>>,
    screen: RefCell<Option<Range>>,
    said: RefCell<Vec<String>>,
    written: RefCell<Vec<u64>>,
}

impl PhysicalMemory for Mock {
    fn read(&self, address: u64, length: u64) -> Option<&[u8]> {
        self.memory.read(address, length)
    }
}

impl Hardware for Mock {
    type Arch = X86_64;
    type End = End;

    const STOPWATCH: Stopwatch = Stopwatch {
        now: || 7,
        observer: |_| {},
    };

    fn gate_extent(&self) -> Range {
        gate_extent()
    }

    fn cpu(&self) -> Cpu {
        Cpu::default()
    }

    fn reach(&self, _: u64, to: u64) -> u64 {
        to
    }

    fn open_consoles(&self, command_line: &[u8]) {
        *self.consoles.borrow_mut() = Some(command_line.to_vec());
    }

    fn open_screen(&self, _: &Screen, extent: Range) {
        *self.screen.borrow_mut() = Some(extent);
    }

    fn say(&self, line: fmt::Arguments<'_>) {
        self.said.borrow_mut().push(line.to_string());
    }

    fn between(&self, from: u64, to: u64) -> impl fmt::Display {
        to - from
    }

    fn hashing(&self) -> impl fmt::Display {
        0
    }

    fn start(&self, plan: &BootPlan<'_>) -> Result<End, Reason> {
        if !self.can_write {
            return Err(Reason::BadMemoryMap("nothing can be written"));
        }
        let mut written = self.written.borrow_mut();
        written.extend(plan.writes.iter().map(|write| write.to));
        Ok(End::Entered(plan.entry))
    }

    fn stop(&self, after: OnRefusal) -> End {
        End::Stopped(after)
    }
}

fn mock(memory: Memory) -> Mock {
    Mock {
        memory,
        can_write: true,
        consoles: RefCell::default(),
        screen: RefCell::default(),
        said: RefCell::default(),
        written: RefCell::default(),
    }
}

fn good() -> Memory {
    machine(handover(&signed_kernel(), &[b"an initrd"]), "console=ttyS0")
}

impl Mock {
    fn run(&self, keys: &[u8]) -> End {
        let (info, added) = built_gate(keys, &[]);
        let own = Own {
            info: &info,
            added: &added,
        };
        sequence::run(self, BOOT_PARAMS, &own)
    }

    fn last_said(&self) -> String {
        self.said.borrow().last().cloned().unwrap_or_default()
    }
}

#[test]
fn a_signed_kernel_is_reported_written_and_entered() {
    let mut memory = good();
    add_screen(&mut memory, 0x8000_0000);
    let mock = mock(memory);
    let End::Entered(Entry::Long { address, .. }) = mock.run(&authority()) else {
        panic!("it is entered: {:?}", mock.said);
    };
    let written = mock.written.borrow();
    assert!(written.contains(&(address - 0x200)), "its code lies there");
    assert_eq!(
        mock.consoles.borrow().as_deref(),
        Some(&b"console=ttyS0"[..])
    );
    let screen = mock.screen.borrow().map(|extent| extent.start);
    assert_eq!(screen, Some(0x8000_0000));
    let said = mock.said.borrow();
    for (line, begins) in said.iter().zip([
        "version ",
        "kernel ",
        "initrds: 1, 0 KiB, intact, 0 of them signed",
        "the policy \"stock\" allows it",
        "verified in 0, of it 0 for digests",
    ]) {
        assert!(line.starts_with(begins), "{line}");
    }
    assert_eq!(said.len(), 5);
}

#[test]
fn what_is_refused_is_said_and_ends_as_the_policy_says_and_nothing_is_written() {
    let mock = mock(good());
    assert_eq!(mock.run(&[]), End::Stopped(OnRefusal::default()));
    assert_eq!(OnRefusal::default().action, RefusalAction::Reset);
    let last = mock.last_said();
    assert!(
        last.starts_with("REFUSED: kernel refused: signed by "),
        "{last}"
    );
    assert!(mock.written.borrow().is_empty());
}

#[test]
fn without_boot_params_nothing_is_opened_and_the_refusal_is_about_them() {
    let mock = mock(Memory::default());
    assert_eq!(mock.run(&authority()), End::Stopped(OnRefusal::default()));
    assert!(mock.consoles.borrow().is_none());
    let last = mock.last_said();
    assert!(last.contains("boot_params can't be read"), "{last}");
}

#[test]
fn a_damaged_image_of_the_gate_itself_is_refused() {
    let mock = mock(good());
    let (info, added) = ([0; _], Vec::new());
    let own = Own {
        info: &info,
        added: &added,
    };
    let end = sequence::run(&mock, BOOT_PARAMS, &own);
    assert_eq!(end, End::Stopped(OnRefusal::default()));
    let last = mock.last_said();
    assert!(last.contains("its info block is malformed"), "{last}");
}

#[test]
fn what_cannot_be_written_is_refused_as_the_memorys_fault() {
    let mut mock = mock(good());
    mock.can_write = false;
    assert_eq!(mock.run(&authority()), End::Stopped(OnRefusal::default()));
    let last = mock.last_said();
    assert!(last.starts_with("REFUSED: memory refused: "), "{last}");
}
