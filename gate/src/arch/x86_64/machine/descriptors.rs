//! The segment and interrupt descriptors: every exception prints and resets, none hangs silently.

use core::arch::asm;
use core::cell::UnsafeCell;

// Flat 64-bit segments at the selectors of the 64-bit boot protocol: __BOOT_CS 0x10, __BOOT_DS 0x18.
const CODE: u64 = 0x00af_9b00_0000_ffff;
const DATA: u64 = 0x00cf_9300_0000_ffff;
const CODE_SELECTOR: u16 = 0x10;
const TASK_SELECTOR: u16 = 0x20;
const NMI: usize = 2;
/// Bytes of one stub in `head.s`.
const STUB: usize = 16;

/// Intel SDM volume 3, figure 9-11: 64-bit TSS. Only IST1 is used.
#[repr(C, packed)]
struct TaskState {
    reserved: u32,
    stacks: [u64; 3],
    reserved2: u64,
    interrupt_stacks: [u64; 7],
    reserved3: [u16; 5],
    io_map: u16,
}

#[repr(C, align(16))]
struct Descriptors {
    gdt: [u64; 6],
    idt: [[u64; 2]; 32],
    task: TaskState,
}

struct Shared(UnsafeCell<Descriptors>);

// SAFETY: written once by `install`, before anything else looks at it; there is one processor.
unsafe impl Sync for Shared {}

static DESCRIPTORS: Shared = Shared(UnsafeCell::new(Descriptors {
    gdt: [0; 6],
    idt: [[0; 2]; 32],
    task: TaskState {
        reserved: 0,
        stacks: [0; 3],
        reserved2: 0,
        interrupt_stacks: [0; 7],
        reserved3: [0; 5],
        io_map: size_of::<TaskState>() as u16,
    },
}));

unsafe extern "C" {
    static fault_stubs: u8;
    static ignore_interrupt: u8;
    static __fault_stack_top: u8;
}

#[repr(C, packed)]
struct Pointer {
    limit: u16,
    base: u64,
}

/// Loads the gate's own descriptor tables.
pub fn install() {
    let tables = DESCRIPTORS.0.get();
    // SAFETY: the only reference there ever is to the static; called once, at the start.
    let tables = unsafe { &mut *tables };
    tables.task.interrupt_stacks[0] = (&raw const __fault_stack_top) as u64;
    let task = (&raw const tables.task) as u64;
    let [low, high] = task_descriptor(task);
    tables.gdt = [0, 0, CODE, DATA, low, high];
    let stubs = (&raw const fault_stubs) as usize;
    for (vector, entry) in tables.idt.iter_mut().enumerate() {
        *entry = gate_descriptor(stubs + vector * STUB);
    }
    tables.idt[NMI] = gate_descriptor((&raw const ignore_interrupt) as usize);
    let gdt = Pointer {
        limit: size_of_val(&tables.gdt) as u16 - 1,
        base: tables.gdt.as_ptr() as u64,
    };
    let idt = Pointer {
        limit: size_of_val(&tables.idt) as u16 - 1,
        base: tables.idt.as_ptr() as u64,
    };
    // SAFETY: the tables are static and complete; the far return reloads CS with the new table's
    // 64-bit code segment, at the instruction that follows it.
    unsafe {
        asm!(
            "lgdt [{gdt}]",
            "lidt [{idt}]",
            "push {code}",
            "lea {next}, [rip + 2f]",
            "push {next}",
            "retfq",
            "2:",
            "mov ds, {data:x}", "mov es, {data:x}", "mov ss, {data:x}",
            "mov fs, {zero:x}", "mov gs, {zero:x}",
            "ltr {task:x}",
            gdt = in(reg) &gdt,
            idt = in(reg) &idt,
            code = const CODE_SELECTOR as i32,
            next = out(reg) _,
            data = in(reg) 0x18u16,
            zero = in(reg) 0u16,
            task = in(reg) TASK_SELECTOR,
        );
    }
}

/// An available 64-bit TSS (type 9), Intel SDM volume 3, figure 9-4.
fn task_descriptor(base: u64) -> [u64; 2] {
    let limit = size_of::<TaskState>() as u64 - 1;
    let low = limit | (base & 0xff_ffff) << 16 | 0x89 << 40 | (base >> 24 & 0xff) << 56;
    [low, base >> 32]
}

/// An interrupt gate (type 14) on IST1, Intel SDM volume 3, figure 7-8.
fn gate_descriptor(handler: usize) -> [u64; 2] {
    let handler = handler as u64;
    let low = handler & 0xffff
        | u64::from(CODE_SELECTOR) << 16
        | 1 << 32
        | 0x8e << 40
        | (handler >> 16 & 0xffff) << 48;
    [low, handler >> 32]
}
