//! Copies of /proc/vmcore as a machine would have them that has so much memory, of which a quarter is
//! the kernel's, a quarter its programs' and half of it free: sparse files, in which only the kernel's
//! pages take room.
//!
//! Physical memory begins at 0 and has no gaps. It is made of sections of 128 MiB, all of them alike, so
//! that twice the memory is twice of everything. A section is made of blocks of 4 MiB, the largest that
//! the buddy allocator has: one of the kernel's, one of programs', two free, and so on. Each section's
//! first 2 MiB are its `struct page`s (as with CONFIG_MHP_MEMMAP_ON_MEMORY), which vmemmap maps in order.
//! What the kernel says of itself follows those of the first section: `kernel`.
//!
//! Machines of TiB are mostly free: of their sections only the first is such, and all blocks of all others are free. These
//! have one set of `struct page`s together, in the first section, which vmemmap maps as often as there are sections; so
//! the file takes as little room as that of one section, and whoever reads it reads as much as on a real machine.

mod elf;
mod kernel;
mod log;
mod pages;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

pub use self::log::MESSAGE;
use self::pages::{BLOCK, Use};

/// PAGE_SIZE.
const PAGE: u64 = 4096;
/// What SECTION_SIZE_BITS of x86-64 makes (arch/x86/include/asm/sparsemem.h).
const SECTION: u64 = 1 << 27;

/// The file, which goes when this does.
pub struct Vmcore {
    path: PathBuf,
    /// How much memory the machine had.
    memory: u64,
    /// How many sections, from the first on, aren't free.
    used: u64,
}

impl Vmcore {
    /// Writes it, of as many whole sections as `memory` bytes have.
    pub fn write(path: &Path, memory: u64) -> Result<Vmcore> {
        Vmcore::with(path, memory / SECTION, memory / SECTION)
    }

    /// The same of a machine of which only the first section isn't free, with up to 32 TiB.
    pub fn write_mostly_free(path: &Path, memory: u64) -> Result<Vmcore> {
        Vmcore::with(path, memory / SECTION, 1)
    }

    fn with(path: &Path, sections: u64, used: u64) -> Result<Vmcore> {
        let most = kernel::MAX_SECTIONS;
        ensure!(sections <= most, "{sections} sections, of at most {most}");
        let vmcore = Vmcore {
            path: path.to_path_buf(),
            memory: sections * SECTION,
            used,
        };
        let file = File::options()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(path);
        file.and_then(|file| vmcore.fill(&file, sections))
            .with_context(|| path.display().to_string())?;
        Ok(vmcore)
    }

    /// Waits until the disk has it: later, that would be in the way of what is measured.
    pub fn settle(&self) -> Result<()> {
        let file = File::open(&self.path);
        file.and_then(|file| file.sync_all())
            .with_context(|| self.path.display().to_string())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many pages the machine had.
    pub fn pages(&self) -> u64 {
        self.memory / PAGE
    }

    /// How many of them were the kernel's.
    pub fn kernel_pages(&self) -> u64 {
        self.used * pages::blocks_of(Use::Kernel) * (BLOCK / PAGE)
    }

    fn fill(&self, file: &File, sections: u64) -> std::io::Result<()> {
        let front = elf::front(&kernel::notes(), self.memory);
        file.set_len(front.len() as u64 + self.memory)?;
        file.write_all_at(&front, 0)?;
        let put =
            |address: u64, bytes: &[u8]| file.write_all_at(bytes, front.len() as u64 + address);
        let structs = pages::structs();
        let data = pages::data();
        for section in 0..self.used {
            let start = section * SECTION;
            for block in pages::blocks().filter(|block| pages::used_for(*block) == Use::Kernel) {
                put(start + block * BLOCK, &data)?;
            }
            put(start, &structs)?;
        }
        if self.used < sections {
            put(kernel::FREE_STRUCTS, &pages::free_structs())?;
        }
        for (address, bytes) in kernel::contents(sections, self.used) {
            put(address, &bytes)?;
        }
        Ok(())
    }
}

impl Drop for Vmcore {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests;
