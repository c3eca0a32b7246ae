//! A dump, filtered and written anew: what `baton dump convert` does with files, and what the capture
//! program does with the memory of the kernel that crashed.

mod choice;
mod priority;
mod structs;
mod summary;

pub(crate) use choice::Choice;
pub(crate) use priority::PriorityPages;
pub use structs::PageStructs;
pub use summary::{Pages, Summary, Times};

use crate::address_space::KernelMemory;
use crate::arch::Machine;
use crate::encode::Compression;
use crate::filter::{Filter, Level, OnDoubt, Wanted};
use crate::format::elf::{self, Segment};
use crate::format::kdump::{self, write::Identity};
use crate::memory::Memory;
use crate::note::CrashNotes;
use crate::regions::Regions;
use crate::utsname::{RawUtsname, Utsname};
use crate::vmcoreinfo::VmcoreInfo;
use crate::write::{DumpWriter, Job, Observer, Output, Phase, Tally, WriteError};
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// The format that is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// kdump-compressed, version 6.
    #[default]
    Kdump,
    /// An ELF core. Its pages aren't compressed.
    Elf,
}

/// How a dump is written.
#[derive(Debug, Clone)]
pub struct Options {
    /// The format.
    pub format: Format,
    /// How pages are compressed; nothing to an ELF core.
    pub compression: Compression,
    /// What is left out.
    pub level: Level,
    /// What becomes of pages of which it can't be told whether the level leaves them out.
    pub on_doubt: OnDoubt,
    /// Which page structures are dumped; all of them to an ELF core.
    pub page_structs: PageStructs,
    /// How many threads share the work.
    pub threads: NonZeroUsize,
    /// How many bytes are written between checkpoints.
    pub checkpoint: u64,
}

impl Options {
    /// Whether page structures that describe nothing that is dumped are left out.
    pub(crate) fn leaves_out_structs(&self) -> bool {
        // Zeros are in every dump. An ELF dump may have zeros in place of what is left out, which would be wrong structures.
        self.page_structs == PageStructs::OfDumped
            && self.format == Format::Kdump
            && u8::from(self.level) & !1 != 0
    }
}

/// What crashed.
#[derive(Clone, Copy)]
pub struct Crash<'a> {
    /// Its memory.
    pub memory: &'a dyn Memory,
    /// Its kind.
    pub machine: Machine,
    /// The program headers of an ELF dump; none of others.
    pub segments: &'a [Segment],
    /// The notes of its dump, as they stand there.
    pub notes: &'a [u8],
    /// When the dump was taken, in seconds since 1970.
    pub seconds: u64,
    /// Whether all of it is there. If not, what is written says that it is incomplete.
    pub whole: bool,
}

/// Where pages can't be told apart, they have this size.
const USUAL_PAGE: u64 = 4096;

/// Writes a dump of `crash` to `output`. While it is written, the dump is marked as incomplete; what
/// was written when it breaks off can be read. Pages that are lost are left out, and the mark stays.
///
/// # Errors
/// When the output fails, an observer breaks it off, or there is no memory. Whatever is wrong with the
/// crashed kernel's own data makes the dump larger, and stands in the summary.
pub fn convert(
    crash: &Crash<'_>,
    output: &dyn Output,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Summary, WriteError> {
    convert_to(crash, &[output], options, observer)
}

/// Does the same, but splits the dump among several files, each of which has about as many of its pages as any other.
/// The summary is that of all of them together.
///
/// # Errors
/// As [`convert`]; and when the format isn't kdump-compressed, or an output is a stream.
pub fn convert_split(
    crash: &Crash<'_>,
    outputs: &[&dyn Output],
    options: &Options,
    observer: &dyn Observer,
) -> Result<Summary, WriteError> {
    if outputs.is_empty() || outputs.iter().any(|it| !it.can_rewrite()) {
        return Err(WriteError::SplitStream);
    }
    convert_to(crash, outputs, options, observer)
}

fn convert_to(
    crash: &Crash<'_>,
    outputs: &[&dyn Output],
    options: &Options,
    observer: &dyn Observer,
) -> Result<Summary, WriteError> {
    if options.format == Format::Kdump && crash.machine.utsname().is_none() {
        return Err(WriteError::Machine(crash.machine));
    }
    let notes = CrashNotes::parse(crash.machine, crash.notes);
    let nothing = VmcoreInfo::default();
    let info = notes.vmcoreinfo.as_ref().unwrap_or(&nothing);
    let page_size = info.page_size().unwrap_or(USUAL_PAGE);
    let regions = Regions::new(crash.memory.ranges(), page_size)?;
    let kernel = KernelMemory::new(crash.memory, crash.machine, info);
    let priority = kernel
        .as_ref()
        .map(|kernel| PriorityPages::find(kernel, info, &notes.cpus, page_size))
        .unwrap_or_default();
    let filter = match &kernel {
        Ok(kernel) => Filter::new(
            kernel,
            info,
            options.level,
            options.on_doubt,
            &regions,
            &priority.certain,
        ),
        Err(error) => Filter::none(error.to_string(), options.level, options.on_doubt),
    };
    let identity = Identity::find(crash, kernel.as_ref().ok(), info, &notes);
    let tally = Tally::default();
    let job = |output| Job {
        crash,
        options,
        output,
        observer,
        regions: &regions,
        vmcoreinfo: notes.vmcoreinfo_at.clone(),
        identity: identity.clone(),
        priority: &priority,
        tally: &tally,
    };
    let jobs: Vec<Job<'_>> = outputs.iter().map(|output| job(*output)).collect();
    let mut choice = Choice::new(filter, options, &regions, crash.memory, &priority);
    match (options.format, &jobs[..]) {
        (Format::Kdump, [job]) => write::<kdump::write::Writer<'_>>(job, &mut choice),
        (Format::Elf, [job]) => write::<elf::write::Writer<'_>>(job, &mut choice),
        (Format::Kdump, jobs) => write_parts(jobs, &mut choice),
        (Format::Elf, _) => Err(WriteError::Unsplittable),
    }
}

/// Writes a dump in a format.
fn write<'a, W: DumpWriter<'a>>(
    job: &'a Job<'a>,
    choice: &'a mut Choice<'_>,
) -> Result<Summary, WriteError> {
    let begin = Instant::now();
    let chosen = W::choose(job, choice)?;
    let choosing = begin.elapsed();
    let choice = &*choice;
    let writer = W::begin(job, choice, chosen)?;
    write_pages(&[(job, writer)], choice, begin, choosing)
}

/// Writes a dump that is split among several files.
fn write_parts<'a>(jobs: &'a [Job<'a>], choice: &'a mut Choice<'_>) -> Result<Summary, WriteError> {
    let begin = Instant::now();
    let first = jobs.first().ok_or(WriteError::SplitStream)?;
    let chosen = kdump::write::Writer::choose(first, choice)?;
    let choosing = begin.elapsed();
    let choice = &*choice;
    let writers = kdump::write::begin_parts(jobs, choice, chosen)?;
    let files: Vec<_> = jobs.iter().zip(writers).collect();
    write_pages(&files, choice, begin, choosing)
}

/// Writes the pages of one or several files, for which all is chosen.
fn write_pages<'a, W: DumpWriter<'a>>(
    files: &[(&'a Job<'a>, W)],
    choice: &'a Choice<'_>,
    begin: Instant,
    choosing: Duration,
) -> Result<Summary, WriteError> {
    let Some((job, _)) = files.first() else {
        return Err(WriteError::SplitStream);
    };
    let PriorityPages { log, stacks, .. } = job.priority;
    let stacks = match choice.filter.wanted() {
        Wanted::Log => &[],
        Wanted::ByLevel | Wanted::Priority => stacks.as_slice(),
    };
    for (phase, pages) in [(Phase::Log, log.as_slice()), (Phase::Stacks, stacks)] {
        for (_, writer) in files {
            writer.write_priority(phase, pages)?;
        }
        job.observer.checkpoint(phase)?;
    }
    let before_rest = begin.elapsed();
    for (_, writer) in files {
        writer.write_rest()?;
    }
    job.observer.checkpoint(Phase::Pages)?;
    // Of parts, all are marked or none: their headers are the same.
    let complete = job.is_whole(choice);
    if complete {
        for (job, writer) in files.iter().filter(|(job, _)| job.output.can_rewrite()) {
            let (offset, mark) = writer.whole_mark();
            job.output.write_over_at(offset, &mark)?;
        }
    }
    job.observer.checkpoint(Phase::End)?;
    let times = Times::new(choosing, before_rest, begin.elapsed());
    let size = files.iter().map(|(_, writer)| writer.size()).sum();
    Ok(Summary::new(job, choice, complete, size, times))
}

impl Identity {
    /// What the kernel says of its machine.
    fn find(
        crash: &Crash<'_>,
        kernel: Option<&KernelMemory<'_>>,
        info: &VmcoreInfo,
        notes: &CrashNotes,
    ) -> Identity {
        let of_kernel = kernel.and_then(|kernel| {
            let name = info.symbol("init_uts_ns").ok()?;
            let mut raw: RawUtsname = [[0; 65]; 6];
            let offset = info.offset("uts_namespace.name").ok()?;
            let address = name.wrapping_add(offset);
            kernel.read(address, raw.as_flattened_mut()).ok()?;
            Some(Utsname::parse(&raw))
        });
        let key = crash.machine.architecture().and_then(|it| it.phys_base);
        let phys_base = key.and_then(|key| info.number(key).ok());
        let machine = crash.machine.utsname().unwrap_or_default();
        // A dump of a machine that nobody knows can't be read.
        let plausible = |it: &Utsname| it.sysname == "Linux" && it.machine == machine;
        let utsname = of_kernel.filter(plausible).unwrap_or_else(|| Utsname {
            sysname: "Linux".to_owned(),
            release: info.release().unwrap_or_default().to_owned(),
            machine: machine.to_owned(),
            ..Utsname::default()
        });
        Identity {
            utsname,
            seconds: crash.seconds,
            cpus: u32::try_from(notes.cpus.len()).unwrap_or(u32::MAX),
            phys_base: phys_base.map_or(0, i64::cast_unsigned),
        }
    }
}

#[cfg(test)]
mod tests;
