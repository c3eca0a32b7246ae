//! The beginning and the end: page tables and descriptors, the jump, faults and panics. What lies between is
//! `sequence`.

use core::cell::{OnceCell, UnsafeCell};
use core::convert::Infallible;
use core::fmt;
use core::panic::PanicInfo;
use core::slice;

use baton_formats::gate_image::LEN;
use baton_formats::policy::{OnRefusal, RefusalAction};
use baton_verify::{Component, Reason, Refusal};

use super::clock::Clock;
use super::console;
use super::cpu::{self, timestamp};
use super::descriptors;
use super::enter::{self, Control};
use super::framebuffer::Framebuffer;
use super::physical::{POOL, Physical};
use super::reset::reset;
use super::stopwatch;
use crate::arch::Hardware;
use crate::arch::x86_64::convert::Entry;
use crate::arch::x86_64::paging::Table;
use crate::arch::x86_64::screen::Screen;
use crate::arch::x86_64::{BootPlan, Cpu, X86_64};
use crate::memory::PhysicalMemory;
use crate::plan::Range;
use crate::run::Stopwatch;
use crate::sequence::{self, Own};

struct Pool(UnsafeCell<[Table; POOL]>);

// SAFETY: only `gate_start` takes a reference, once; there is one processor.
unsafe impl Sync for Pool {}

static POOL_MEMORY: Pool = Pool(UnsafeCell::new([Table::EMPTY; POOL]));

unsafe extern "C" {
    static __image_start: u8;
    static gate_info: u8;
    static __stub_end: u8;
    static __bss_start: u8;
    static __bss_end: u8;
    static __stack_guard: u8;
}

/// How much RAM is mapped at a time: what one page table holds, or one large page.
const STEP: u64 = 1 << 30;

/// Called by `head.s` with the address of boot_params and the control registers to restore.
#[unsafe(no_mangle)]
extern "C" fn gate_start(boot_params: u64, cr0: u64, cr4: u64) -> ! {
    descriptors::install();
    // SAFETY: the first and only reference to the pool.
    let pool = unsafe { &mut *POOL_MEMORY.0.get() };
    let pc = match Pc::new(pool, Control { cr0, cr4 }) {
        Ok(pc) => pc,
        Err(reason) => {
            let refusal = Refusal::new(Component::BootParams, reason);
            console::line(format_args!("REFUSED: {refusal}"));
            finish(OnRefusal::default())
        }
    };
    let own = Own {
        info: info(),
        added: added(),
    };
    match sequence::run(&pc, boot_params, &own) {}
}

/// The machine, as far as the gate uses it.
struct Pc<'a> {
    memory: Physical<'a>,
    control: Control,
    clock: OnceCell<Clock>,
}

impl<'a> Pc<'a> {
    /// With page tables of the gate's own in use.
    fn new(pool: &'a mut [Table; POOL], control: Control) -> Result<Self, Reason> {
        let memory = Physical::new(pool).map_err(|_| Reason::BadBootParams("no page tables"))?;
        map_image(&memory)?;
        // SAFETY: the image with its stack is mapped; everything else is mapped as it is read.
        unsafe { memory.activate() };
        Ok(Self {
            memory,
            control,
            clock: OnceCell::new(),
        })
    }

    fn clock(&self) -> Clock {
        *self.clock.get_or_init(Clock::calibrate)
    }
}

impl PhysicalMemory for Pc<'_> {
    fn read(&self, address: u64, length: u64) -> Option<&[u8]> {
        self.memory.read(address, length)
    }
}

impl Hardware for Pc<'_> {
    type Arch = X86_64;

    type End = Infallible;

    const STOPWATCH: Stopwatch = Stopwatch {
        now: timestamp,
        observer: stopwatch::observe,
    };

    fn gate_extent(&self) -> Range {
        extent()
    }

    fn cpu(&self) -> Cpu {
        Cpu {
            five_levels: cpu::uses_five_levels(),
        }
    }

    /// From the bottom as far as the pool of page tables goes.
    fn reach(&self, from: u64, to: u64) -> u64 {
        let mut mapped = from;
        while mapped < to {
            let next = to.min((mapped | (STEP - 1)).saturating_add(1));
            if self.memory.map(mapped, next).is_err() {
                break;
            }
            mapped = next;
        }
        mapped
    }

    fn open_consoles(&self, command_line: &[u8]) {
        console::open_serial(command_line);
    }

    fn open_screen(&self, screen: &Screen, extent: Range) {
        if cfg!(feature = "screen") && self.memory.map(extent.start, extent.end).is_ok() {
            // SAFETY: just mapped, and no memory: nothing that Rust code uses lies there.
            console::set_framebuffer(unsafe { Framebuffer::new(screen) });
        }
    }

    fn say(&self, line: fmt::Arguments<'_>) {
        console::line(line);
    }

    fn between(&self, from: u64, to: u64) -> impl fmt::Display {
        self.clock().between(from, to)
    }

    fn hashing(&self) -> impl fmt::Display {
        self.clock().between(0, stopwatch::hashing())
    }

    fn start(&self, plan: &BootPlan<'_>) -> Result<Infallible, Reason> {
        let before = timestamp();
        for write in &plan.writes {
            // The first page may be in no memory map, and so not be mapped yet.
            self.memory
                .map(write.to, write.to.saturating_add(write.size))
                .map_err(|_| Reason::BadMemoryMap("what is free can't be mapped"))?;
            // SAFETY: the planner chose the target in RAM that nothing borrowed lies in, and which is
            // mapped; boot_params were read before, and the plan has its own copy of them.
            unsafe { enter::carry_out(write) };
        }
        console::line(format_args!(
            "copied in {}; starting the kernel at {:#x}",
            self.between(before, timestamp()),
            match plan.entry {
                Entry::Long { address, .. } => address,
                Entry::Protected { address, .. } => u64::from(address),
            }
        ));
        // SAFETY: `plan` could only be made from a verified kernel, which has been written to where it
        // is entered.
        unsafe { enter::enter(plan.entry, self.control) }
    }

    fn stop(&self, after: OnRefusal) -> Infallible {
        finish(after)
    }
}

/// The info block, which only `baton gate build` writes to.
fn info() -> &'static [u8; LEN] {
    // SAFETY: it lies in the image, in a section of its own that nothing writes to.
    unsafe { &*(&raw const gate_info).cast() }
}

/// What was added to the stub, and the signature: from the stub's end to where .bss begins.
fn added() -> &'static [u8] {
    let start = &raw const __stub_end;
    let length = (&raw const __bss_start) as usize - start as usize;
    // SAFETY: the old kernel reserved `init_size` bytes for the image, which these are part of, and
    // nothing writes here: all that is written to lies in the stub's .data before, or in .bss after.
    unsafe { slice::from_raw_parts(start, length) }
}

fn extent() -> Range {
    Range {
        start: (&raw const gate_info) as u64,
        end: (&raw const __bss_end) as u64,
    }
}

fn map_image(memory: &Physical<'_>) -> Result<(), Reason> {
    let extent = extent();
    let guard = (&raw const __stack_guard) as u64;
    memory
        .map(extent.start, extent.end)
        .and_then(|()| memory.guard(guard))
        .map_err(|_| Reason::BadBootParams("the gate was loaded where it can't be mapped"))
}

fn finish(after: OnRefusal) -> ! {
    match after.action {
        RefusalAction::Halt => {
            console::line(format_args!("halted; switch the machine off or reset it"));
            cpu::halt()
        }
        RefusalAction::Reset => {
            let clock = Clock::calibrate();
            console::line(format_args!("resetting in {} s", after.delay_seconds));
            clock.wait_ms(u64::from(after.delay_seconds) * 1000);
            reset(clock)
        }
    }
}

/// An exception's frame as `head.s` leaves it: vector, error code, and what the processor pushed.
#[repr(C)]
struct Frame {
    vector: u64,
    code: u64,
    rip: u64,
    cs: u64,
    flags: u64,
    rsp: u64,
}

/// Says where in the linked program it happened, so that its symbols can be looked up.
#[unsafe(no_mangle)]
extern "C" fn gate_fault(frame: &Frame, cr2: u64) -> ! {
    console::line(format_args!(
        "FAULT: exception {} (code {:#x}) at gate+{:#x}, address {cr2:#x}, stack {:#x}; nothing was started",
        frame.vector,
        frame.code,
        frame.rip.wrapping_sub(&raw const __image_start as u64),
        frame.rsp,
    ));
    finish(Default::default())
}

#[panic_handler]
fn panicked(info: &PanicInfo<'_>) -> ! {
    console::line(format_args!("PANIC: {info}; nothing was started"));
    finish(Default::default())
}
