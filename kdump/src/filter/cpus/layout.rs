//! Where CPUs have their pages: by the kernel's symbols, and its BTF.

use super::CpusError;
use crate::address_space::KernelMemory;
use crate::btf::{Btf, Structure};
use crate::kallsyms;
use crate::vmcoreinfo::VmcoreInfo;

/// No architecture has a larger NR_CPUS (NR_CPUS_RANGE_END of Kconfig).
const MAX_CPUS: u32 = 8192;
/// NR_PCP_LISTS is at most this, and so is PAGEVEC_SIZE.
const MAX_LENGTH: u32 = 256;
/// What a structure of a CPU is at most, in bytes.
const MAX_SIZE: u32 = 1 << 16;

/// What the walks need.
#[derive(Debug)]
pub(super) struct CpuLayout {
    /// How far each CPU's data are from where its pointers lead.
    pub offsets: Vec<u64>,
    /// `zone.per_cpu_pageset`.
    pub pageset: u64,
    /// `per_cpu_pages.count`, and where its lists are, and how many.
    pub count: u32,
    pub lists: u32,
    pub length: u32,
    pub batches: Option<Batches>,
}

/// `struct cpu_fbatches`.
#[derive(Debug)]
pub(super) struct Batches {
    /// Where the CPUs have it.
    pub address: u64,
    /// Where each `struct folio_batch` in it is.
    pub each: Vec<u32>,
    /// `folio_batch.nr` and `folios`, and how many there can be.
    pub count: u32,
    pub folios: u32,
    pub most: u32,
}

impl CpuLayout {
    pub(super) fn find(
        kernel: &KernelMemory<'_>,
        info: &VmcoreInfo,
    ) -> Result<CpuLayout, CpusError> {
        let names = [
            "__start_BTF",
            "__stop_BTF",
            "__per_cpu_offset",
            "nr_cpu_ids",
            "cpu_fbatches",
        ];
        let [start, stop, offsets, cpus, batches] = kallsyms::find(kernel, info, names)?;
        let need = |address: Option<u64>, name| address.ok_or(CpusError::NoSymbol(name));
        let offsets = need(offsets, "__per_cpu_offset")?;
        let cpus = kernel.u32(need(cpus, "nr_cpu_ids")?)?;
        if cpus == 0 || cpus > MAX_CPUS {
            return Err(CpusError::Odd("number of processors"));
        }
        let range = kernel.range(need(start, "__start_BTF")?..need(stop, "__stop_BTF")?);
        let btf = Btf::open(&range)?;
        let structures = btf.structures(
            &["zone", "per_cpu_pages", "cpu_fbatches", "folio_batch"],
            &["per_cpu_pageset", "count", "lists", "nr", "folios"],
        )?;
        let zone = structure(&structures, "zone", &["per_cpu_pageset"])?;
        let pages = structure(&structures, "per_cpu_pages", &["count", "lists"])?;
        let batch = structure(&structures, "folio_batch", &["nr", "folios"]).ok();
        let lists = of(pages, "lists");
        let folios = batch.map(|batch| of(batch, "folios"));
        let arrays = [Some(lists.1), folios.map(|it| it.1)];
        let arrays = btf.arrays(&arrays.into_iter().flatten().collect::<Vec<_>>())?;
        let length = |id: u32| {
            let array = arrays.iter().find(|it| it.id == id);
            array.map_or(0, |it| it.length)
        };
        let found = CpuLayout {
            offsets: (0..u64::from(cpus))
                .map(|cpu| kernel.u64(offsets.wrapping_add(8 * cpu)))
                .collect::<Result<_, _>>()?,
            pageset: of(zone, "per_cpu_pageset").0.into(),
            count: of(pages, "count").0,
            lists: lists.0,
            length: length(lists.1),
            batches: batch.zip(batches).and_then(|(batch, address)| {
                let all = structure(&structures, "cpu_fbatches", &[]).ok()?;
                let each = all.members.iter().filter(|it| it.kind == batch.id);
                Some(Batches {
                    address,
                    each: each
                        .map(|it| it.offset)
                        .filter(|at| *at < MAX_SIZE)
                        .collect(),
                    count: of(batch, "nr").0,
                    folios: of(batch, "folios").0,
                    most: folios.map_or(0, |it| length(it.1)).min(MAX_LENGTH),
                })
            }),
        };
        let too_large = found.lists > MAX_SIZE || found.count > MAX_SIZE;
        if too_large || found.length == 0 || found.length > MAX_LENGTH {
            return Err(CpusError::Odd("struct per_cpu_pages"));
        }
        Ok(found)
    }
}

/// The structure of this name that has these members: others may have the name, too.
fn structure<'a>(
    all: &'a [Structure],
    name: &'static str,
    members: &[&str],
) -> Result<&'a Structure, CpusError> {
    let has = |it: &Structure| members.iter().all(|name| it.member(name).is_some());
    let mut found = all.iter().filter(|it| it.name == name && has(it));
    found.next().ok_or(CpusError::NoStructure(name))
}

/// Where a member is, and of what type.
fn of(structure: &Structure, name: &str) -> (u32, u32) {
    let member = structure.member(name);
    member.map_or((0, 0), |it| (it.offset, it.kind))
}
