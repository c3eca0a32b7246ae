//! A dump, filtered and written anew: what `baton dump convert` does with files, and what the capture
//! program does with the memory of the kernel that crashed.

mod choice;
mod first;
mod summary;

pub use summary::{Pages, Summary, Times};

use crate::address_space::KernelMemory;
use crate::encode::Compression;
use crate::filter::{Filter, Level};
use crate::format::elf::Segment;
use crate::format::elf::write as elf;
use crate::format::kdump::write::headers::Front;
use crate::format::kdump::write::{Dump, Subject};
use crate::machine::Machine;
use crate::memory::Memory;
use crate::note::CrashNotes;
use crate::regions::Regions;
use crate::utsname::{RawUtsname, Utsname};
use crate::vmcoreinfo::VmcoreInfo;
use crate::write::{Identity, Observer, Output, Phase, WriteError};
use choice::Choice;
use first::First;
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;
use std::time::Instant;

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
    /// How many threads share the work.
    pub threads: NonZeroUsize,
    /// How many bytes are written between checkpoints.
    pub checkpoint: u64,
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
    if options.format == Format::Kdump && crash.machine.utsname().is_none() {
        return Err(WriteError::Machine(crash.machine));
    }
    let notes = CrashNotes::parse(crash.machine, crash.notes);
    let nothing = VmcoreInfo::default();
    let info = notes.vmcoreinfo.as_ref().unwrap_or(&nothing);
    let page_size = info.page_size().unwrap_or(USUAL_PAGE);
    let regions = Regions::new(crash.memory.ranges(), page_size)?;
    let kernel = KernelMemory::new(crash.memory, crash.machine, info);
    let first = kernel
        .as_ref()
        .map(|kernel| First::find(kernel, info, &notes.cpus, page_size))
        .unwrap_or_default();
    let filter = match &kernel {
        Ok(kernel) => Filter::new(kernel, info, options.level, &regions, &first.certain),
        Err(error) => Filter::none(error.to_string()),
    };
    let identity = Identity::find(crash, kernel.as_ref().ok(), info, &notes);
    let job = Job {
        subject: Subject {
            memory: crash.memory,
            machine: crash.machine,
            segments: crash.segments,
            regions: &regions,
            notes: crash.notes,
            vmcoreinfo: notes.vmcoreinfo_at.clone(),
            identity: &identity,
            compression: options.compression,
        },
        output,
        options,
        observer,
        whole: crash.whole,
    };
    let choice = Choice::new(filter, &regions, crash.memory, &first);
    match options.format {
        Format::Kdump => job.kdump(choice, &first),
        Format::Elf => job.elf(choice, &first),
    }
}

/// A dump to be written.
struct Job<'a> {
    subject: Subject<'a>,
    output: &'a dyn Output,
    options: &'a Options,
    observer: &'a dyn Observer,
    whole: bool,
}

impl Job<'_> {
    /// Whether nothing is known to be lost.
    fn is_whole(&self, choice: &Choice<'_>) -> bool {
        self.whole && choice.lost == 0
    }

    fn kdump(&self, mut choice: Choice<'_>, first: &First) -> Result<Summary, WriteError> {
        let begin = Instant::now();
        let options = self.options;
        let (front, counts) = if self.output.can_rewrite() {
            self.choose_into_file(&mut choice)?
        } else {
            self.choose_into_stream(&mut choice)?
        };
        self.observer.checkpoint(Phase::Choosing)?;
        let chosen = begin.elapsed();
        let bits = |region| match front.chosen(region)? {
            Some(bits) => Ok(bits.into()),
            None => Ok(choice.again(region)),
        };
        let dump = Dump::begin(&front, &counts, self.observer, options.checkpoint)?;
        dump.write_first(Phase::Log, &first.log, bits)?;
        dump.write_first(Phase::Stacks, &first.stacks, bits)?;
        let before_rest = begin.elapsed();
        dump.write_rest(options.threads, &first.all, bits)?;
        let whole = self.is_whole(&choice);
        dump.end(whole)?;
        let times = Times::new(chosen, before_rest, begin.elapsed());
        Ok(Summary::new(
            options,
            &choice,
            &dump.tally,
            dump.size(),
            times,
            whole,
        ))
    }

    /// Writes headers at once, and bitmaps as pages are chosen, again where they are chosen anew.
    fn choose_into_file(
        &self,
        choice: &mut Choice<'_>,
    ) -> Result<(Front<'_>, Vec<u32>), WriteError> {
        let options = self.options;
        let level = choice.level(options.level);
        let front = Front::write(&self.subject, self.output, level.into(), false)?;
        self.observer.checkpoint(Phase::Headers)?;
        let counts = choice.make(
            options.threads,
            self.observer,
            |region, present, scanned| front.write_bitmaps(region, present, &scanned.chosen),
        )?;
        if choice.level(options.level) != level {
            front.change_level(choice.level(options.level).into())?;
        }
        Ok((front, counts))
    }

    /// Writes headers and bitmaps once all pages are chosen for good.
    fn choose_into_stream(
        &self,
        choice: &mut Choice<'_>,
    ) -> Result<(Front<'_>, Vec<u32>), WriteError> {
        let options = self.options;
        let counts = choice.make(options.threads, self.observer, |_, _, _| Ok(()))?;
        let level = choice.level(options.level);
        let whole = self.is_whole(choice);
        let front = Front::write(&self.subject, self.output, level.into(), whole)?;
        let regions = self.subject.regions;
        for region in 0..regions.count() {
            front.write_bitmaps(region, &regions.present(region), &choice.again(region))?;
        }
        Ok((front, counts))
    }

    fn elf(&self, mut choice: Choice<'_>, first: &First) -> Result<Summary, WriteError> {
        let begin = Instant::now();
        // Of a page that turns out to be lost there would be zeros, where the file has room for it.
        choice.try_each = self.subject.memory.encoded();
        let options = self.options;
        let loads = elf::Loads::new(self.subject.regions);
        choice.make(
            options.threads,
            self.observer,
            |region, present, scanned| {
                loads.add(region, present, scanned);
                Ok(())
            },
        )?;
        let chosen = begin.elapsed();
        let dump = elf::Dump::begin(
            &self.subject,
            self.output,
            self.observer,
            loads,
            options.checkpoint,
            self.is_whole(&choice),
        )?;
        self.observer.checkpoint(Phase::Headers)?;
        dump.write_first(Phase::Log, &first.log)?;
        dump.write_first(Phase::Stacks, &first.stacks)?;
        let before_rest = begin.elapsed();
        dump.write_rest(options.threads)?;
        let whole = self.is_whole(&choice);
        dump.end(whole)?;
        let times = Times::new(chosen, before_rest, begin.elapsed());
        Ok(Summary::new(
            options,
            &choice,
            &dump.tally,
            dump.size(),
            times,
            whole,
        ))
    }
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
            phys_base: info.number("phys_base").map_or(0, i64::cast_unsigned),
        }
    }
}

#[cfg(test)]
mod tests;
