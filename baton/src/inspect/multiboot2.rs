//! Multiboot2 kernels.

use crate::output::page::Page;
use baton_formats::multiboot2::{Multiboot2, Preference};
use serde::Serialize;

/// The multiboot2 header of a kernel. Addresses are physical.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Multiboot2Info {
    /// Where the header lies in the file.
    pub header_offset: usize,
    /// Where the file goes; `None`: the ELF file says so.
    pub load: Option<LoadInfo>,
    /// Its entry point; `None`: the ELF file says so.
    pub entry: Option<u32>,
    /// Where else it may go; `None`: nowhere.
    pub relocatable: Option<RelocatableInfo>,
    /// Its modules must begin at multiples of 4096.
    pub page_aligned_modules: bool,
    /// The types of boot information tags that it wants.
    pub requests: Vec<RequestInfo>,
}

/// What is loaded, and where.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LoadInfo {
    /// The first byte of the file that is loaded.
    pub file_offset: usize,
    /// How many bytes of the file are.
    pub file_size: usize,
    /// Where it goes.
    pub address: u64,
    /// How many bytes it takes there.
    pub memory_size: u64,
}

/// Where a kernel may go.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RelocatableInfo {
    /// The lowest address.
    pub min: u32,
    /// The highest, itself included.
    pub max: u32,
    /// What its address must be a multiple of.
    pub align: u32,
    /// `none`, `low` or `high`.
    pub preference: &'static str,
}

/// A wish for information.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RequestInfo {
    /// The tag's type.
    pub tag: u32,
    /// The kernel can't do without.
    pub required: bool,
}

impl Multiboot2Info {
    /// Reads it.
    #[must_use]
    pub fn of(kernel: &Multiboot2<'_>) -> Multiboot2Info {
        Multiboot2Info {
            header_offset: kernel.header_offset(),
            load: kernel.load().map(|load| LoadInfo {
                file_offset: load.file.start,
                file_size: load.file.len(),
                address: load.memory.start,
                memory_size: load.memory.end - load.memory.start,
            }),
            entry: kernel.entry(),
            relocatable: kernel.relocatable().map(|range| RelocatableInfo {
                min: range.min,
                max: range.max,
                align: range.align,
                preference: match range.preference {
                    Preference::None => "none",
                    Preference::Low => "low",
                    Preference::High => "high",
                },
            }),
            page_aligned_modules: kernel.page_aligned_modules(),
            requests: kernel
                .requests()
                .map(|(tag, required)| RequestInfo { tag, required })
                .collect(),
        }
    }

    /// Prints it under its heading.
    pub fn show(&self, page: &mut Page) {
        page.heading("multiboot2 header");
        page.field("offset", format!("{:#x}", self.header_offset));
        let by_elf = || "as ELF headers say".to_owned();
        let load = self.load.as_ref().map(|load| {
            format!(
                "{:#x}, {} bytes of {} in memory",
                load.address, load.file_size, load.memory_size
            )
        });
        page.field("loaded at", load.unwrap_or_else(by_elf));
        let entry = self.entry.map(|at| format!("{at:#x}"));
        page.field("entry", entry.unwrap_or_else(by_elf));
        let elsewhere = self.relocatable.as_ref().map(|range| {
            format!(
                "from {:#x} to {:#x}, at a multiple of {:#x}",
                range.min, range.max, range.align
            )
        });
        page.optional("or", elsewhere);
        let tags = self.requests.iter().map(|request| {
            if request.required {
                request.tag.to_string()
            } else {
                format!("{} (optional)", request.tag)
            }
        });
        let tags: Vec<_> = tags.collect();
        page.optional("wants tags", (!tags.is_empty()).then(|| tags.join(", ")));
    }
}
