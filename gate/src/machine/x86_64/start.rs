//! The sequence: page tables, console, arguments, verdict, copy, jump.

use core::cell::UnsafeCell;
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
use crate::arguments::{Arguments, command_line};
use crate::convert::{BootPlan, Entry};
use crate::firmware::Firmware;
use crate::image::Image;
use crate::memory::PhysicalMemory;
use crate::paging::Table;
use crate::plan::Range;
use crate::run::{Prepared, Stopwatch, prepare};
use crate::screen;

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

/// What goes wrong before there is a policy is treated as the default policy would.
type Failure = (Refusal, OnRefusal);

/// Called by `head.s` with the address of boot_params and the control registers to restore.
#[unsafe(no_mangle)]
extern "C" fn gate_start(boot_params: u64, cr0: u64, cr4: u64) -> ! {
    descriptors::install();
    // SAFETY: the first and only reference to the pool.
    let pool = unsafe { &mut *POOL_MEMORY.0.get() };
    match hand_over(boot_params, pool, Control { cr0, cr4 }) {
        Ok(never) => match never {},
        Err((refusal, after)) => refuse(&refusal, after),
    }
}

fn hand_over(
    address: u64,
    pool: &mut [Table; POOL],
    control: Control,
) -> Result<core::convert::Infallible, Failure> {
    let early = |reason| {
        (
            Refusal {
                component: Component::BootParams,
                reason,
            },
            Default::default(),
        )
    };
    let memory = Physical::new(pool).map_err(|_| early(Reason::BadBootParams("no page tables")))?;
    map_image(&memory).map_err(early)?;
    // SAFETY: the image with its stack is mapped; everything else is mapped as it is read.
    unsafe { memory.activate() };

    open_serial(&memory, address).map_err(early)?;
    let mut arguments = Arguments::read(&memory, address).map_err(early)?;
    arguments.five_level = cpu::uses_five_levels();
    let firmware = Firmware::read(&memory, &arguments, extent());
    if let Ok(firmware) = &firmware {
        open_screen(&memory, &arguments, firmware);
    }
    // After what must be read, so that it can't use up the page tables before.
    arguments.reach_ram(|from, to| map_gigabytes(&memory, from, to));
    let clock = Clock::calibrate();

    let image = Image::read(info(), added(), extent()).map_err(|reason| {
        (
            Refusal {
                component: Component::Gate,
                reason,
            },
            Default::default(),
        )
    })?;
    console::line(format_args!(
        "version {}, {} KiB handed over",
        env!("CARGO_PKG_VERSION"),
        arguments.handover.len() / 1024
    ));
    let watch = Stopwatch {
        now: timestamp,
        observer: stopwatch::observe,
    };
    let prepared = firmware
        .and_then(|firmware| prepare(&memory, &image, &arguments, &firmware, &watch))
        .map_err(|refusal| (refusal, image.policy.refusal))?;
    report(&prepared, clock);
    start(&memory, &prepared.plan, clock, control).map_err(|reason| {
        (
            Refusal::new(Component::Memory, reason),
            image.policy.refusal,
        )
    })
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

/// Maps a range from its bottom as far as the pool goes: its end, or where that is.
fn map_gigabytes(memory: &Physical<'_>, from: u64, to: u64) -> u64 {
    let mut mapped = from;
    while mapped < to {
        let next = to.min((mapped | (STEP - 1)).saturating_add(1));
        if memory.map(mapped, next).is_err() {
            break;
        }
        mapped = next;
    }
    mapped
}

fn boot_params<'m>(memory: &'m Physical<'_>, address: u64) -> Result<&'m [u8; 4096], Reason> {
    memory
        .array(address)
        .ok_or(Reason::BadBootParams("boot_params can't be read"))
}

/// From here on something can be said.
fn open_serial(memory: &Physical<'_>, address: u64) -> Result<(), Reason> {
    if let Ok(cmdline) = command_line(memory, boot_params(memory, address)?) {
        console::open_serial(cmdline);
    }
    Ok(())
}

/// From here on it can be seen on the screen, too: not before it is known what that may not lie over.
fn open_screen(memory: &Physical<'_>, arguments: &Arguments<'_>, firmware: &Firmware<'_>) {
    if !cfg!(feature = "screen") {
        return;
    }
    if let Some((screen, range)) = screen::usable(arguments, firmware, extent())
        && memory.map(range.start, range.end).is_ok()
    {
        // SAFETY: just mapped, and no memory: nothing that Rust code uses lies there.
        console::set_framebuffer(unsafe { Framebuffer::new(&screen) });
    }
}

fn report(prepared: &Prepared<'_>, clock: Clock) {
    let kernel = &prepared.plan.kernel;
    let (format, release) = prepared.kernel;
    console::line(format_args!(
        "kernel {} ({format}) verified by {}",
        release.unwrap_or("of unknown version"),
        kernel.signer()
    ));
    let initrds = &prepared.initrds;
    console::line(format_args!(
        "{} initrd(s), {} KiB, intact, {} of them signed",
        initrds.count,
        initrds.bytes / 1024,
        initrds.signed
    ));
    match prepared.policy {
        "" => console::line(format_args!("the policy allows it")),
        name => console::line(format_args!("the policy \"{name}\" allows it")),
    }
    let (from, to) = prepared.verified;
    console::line(format_args!(
        "verified in {}, of it {} for digests",
        clock.between(from, to),
        clock.between(0, stopwatch::hashing()),
    ));
}

/// Writes the kernel with its arguments to memory, and jumps.
fn start(
    memory: &Physical<'_>,
    plan: &BootPlan<'_>,
    clock: Clock,
    control: Control,
) -> Result<core::convert::Infallible, Reason> {
    let before = timestamp();
    for write in &plan.writes {
        // The first page may be in no memory map, and so not be mapped yet.
        memory
            .map(write.to, write.to.saturating_add(write.size))
            .map_err(|_| Reason::BadMemoryMap("what is free can't be mapped"))?;
        // SAFETY: the planner chose the target in RAM that nothing borrowed lies in, and which is
        // mapped; boot_params were read before, and the plan has its own copy of them.
        unsafe { enter::carry_out(write) };
    }
    console::line(format_args!(
        "copied in {}; starting the kernel at {:#x}",
        clock.between(before, timestamp()),
        match plan.entry {
            Entry::Long { address, .. } => address,
            Entry::Protected { address, .. } => u64::from(address),
        }
    ));
    // SAFETY: `plan` could only be made from a verified kernel, which has been written to where it
    // is entered.
    unsafe { enter::enter(plan.entry, control) }
}

fn refuse(refusal: &Refusal, after: OnRefusal) -> ! {
    console::line(format_args!("REFUSED: {refusal}"));
    finish(after)
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
