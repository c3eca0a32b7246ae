//! The architectures that Linux crashes on: what each has that others have not. Which one counts follows from the
//! dump alone, so that a dump of any is read on any.
//!
//! | what | where |
//! |---|---|
//! | its values | `ARCHITECTURE` in its module, and a row of `ALL` |
//! | how its kernel translates addresses | a module `paging`, which implements [`Paging`] |
//! | its number and its name | `machine` |
//!
//! All else of this crate is the same for each.

mod aarch64;
mod machine;
mod paging;
mod x86_64;

pub use machine::Machine;
pub(crate) use machine::UNNAMED;
pub use paging::{AddressError, Translated};
pub(crate) use paging::{NewPaging, Paging};

const ALL: [&Architecture; 2] = [&x86_64::ARCHITECTURE, &aarch64::ARCHITECTURE];

/// What is known of an architecture.
pub(crate) struct Architecture {
    /// Which it is.
    pub machine: Machine,
    /// Which of the registers in `pr_reg` of `struct elf_prstatus` (include/linux/elfcore.h) these are.
    pub registers: Registers,
    /// `sizeof(struct elf_prstatus)`.
    pub prstatus_len: usize,
    /// THREAD_SIZE, in bytes.
    pub stack_len: u64,
    /// What VMCOREINFO has of its kernels alone.
    pub its_own: &'static [&'static str],
    /// What of VMCOREINFO says where its top page tables are, besides what every kernel says.
    pub top_tables: &'static [&'static str],
    /// What of VMCOREINFO is `phys_base` in a kdump-compressed dump.
    pub phys_base: Option<&'static str>,
    /// How lines of its kernels' logs begin that lead to a panic.
    pub panic_causes: &'static [&'static str],
    /// Its page tables, as VMCOREINFO describes them; `None` where they aren't known here.
    pub paging: Option<NewPaging>,
}

/// Registers of a CPU, by their number.
pub(crate) struct Registers {
    pub instruction: usize,
    pub stack: usize,
    pub frame: usize,
}

impl Machine {
    /// What is known of its architecture.
    pub(crate) fn architecture(self) -> Option<&'static Architecture> {
        find(|it| it.machine == self)
    }
}

/// The architecture of which this holds.
pub(crate) fn find(holds: impl Fn(&Architecture) -> bool) -> Option<&'static Architecture> {
    ALL.into_iter().find(|it| holds(it))
}

/// How lines begin that lead to a panic, on any architecture.
pub(crate) fn panic_causes() -> impl Iterator<Item = &'static str> {
    ALL.into_iter().flat_map(|it| it.panic_causes).copied()
}

/// The machines whose page tables are known, by name.
pub(crate) fn translated() -> String {
    let known = ALL.into_iter().filter(|it| it.paging.is_some());
    let names: Vec<String> = known.map(|it| it.machine.to_string()).collect();
    names.join(" and ")
}
