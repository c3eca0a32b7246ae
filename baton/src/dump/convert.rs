//! `baton dump convert`: writes a dump in another format, or with less memory in it.

use super::args::{ConvertArgs, DumpFormat};
use super::open::{files_of, flaw_texts, name, open, survey};
use super::progress::Bar;
use crate::failure::dump::DumpFailure;
use crate::failure::output::OutputError;
use crate::failure::{Failure, Result};
use crate::output::file::{self, Access, Destination, Draft, Existing};
use crate::output::json;
use baton_kdump::Dump;
use baton_kdump::convert::{Crash, Format, Options, Summary, convert, convert_split};
use baton_kdump::format::flattened::FlattenedWriter;
use baton_kdump::write::{FileOutput, Observer, Output, Phase, WriteError};
use serde::Serialize;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::UNIX_EPOCH;

/// The size of the buffer for streams.
const STREAM_BUFFER: usize = 1 << 18;

/// Carries out the command.
///
/// # Errors
/// When the dump can't be read or written, or is incomplete; then what exists of it has been written.
pub fn run(args: &ConvertArgs) -> Result<()> {
    let (input, output) = args.files()?;
    let input = &files_of(input)?;
    let parts = args.parts(output)?;
    let options = options(args)?;
    let existing = Existing::with(args.force);
    let mut destinations = Vec::new();
    for file in files_to_write(output, &parts) {
        file::is_no_input(file, input)?;
        destinations.push(Destination::new(file, Access::Private, existing)?);
    }
    let to_stdout = destinations.iter().any(Destination::is_stdout);
    if to_stdout && io::stdout().is_terminal() {
        return Err(OutputError::Terminal.into());
    }
    let dump = open(input)?;
    let survey = survey(input, &dump);
    let job = Job {
        seconds: dump.time().unwrap_or_else(|| written_at(input)),
        dump,
        whole: survey.complete(),
        options,
        bar: Watch(Bar::new()),
    };
    let summary = match &destinations[..] {
        [destination] => job.carry_out(destination, args.format == DumpFormat::Flattened),
        parts => job.split(parts),
    };
    job.bar.0.end();
    let summary = summary?;
    let flaws = flaw_texts(&survey);
    let written = written(&destinations);
    let json = args.json && !to_stdout;
    if json {
        json::print(&Report {
            output,
            parts: &parts,
            flaws: &flaws,
            summary: &summary,
        });
    } else {
        for warning in &summary.warnings {
            tell!("baton: {warning}");
        }
        for flaw in &flaws {
            tell!("baton: {}: {flaw}", name(input));
        }
        if !to_stdout {
            say!("{written}: {}", described(&summary));
        }
    }
    if summary.complete {
        Ok(())
    } else {
        Err(Failure::from(incomplete(written, &summary)).reported_if(json))
    }
}

/// The parts, or the one file.
fn files_to_write<'a>(output: &'a Path, parts: &'a [PathBuf]) -> Vec<&'a Path> {
    match parts {
        [] => vec![output],
        parts => parts.iter().map(PathBuf::as_path).collect(),
    }
}

/// What is written, for a person.
fn written(destinations: &[Destination]) -> String {
    match destinations {
        [first, .., last] => format!("{first} to {last}"),
        _ => destinations.iter().map(Destination::to_string).collect(),
    }
}

/// The failure for a written dump that is incomplete.
fn incomplete(destination: String, summary: &Summary) -> DumpFailure {
    let why = match summary.pages.lost + summary.pages.unreadable {
        0 => "the input isn't complete either".to_owned(),
        lost => format!("the input has lost {lost} of its pages"),
    };
    DumpFailure::Incomplete { destination, why }
}

fn options(args: &ConvertArgs) -> Result<Options> {
    Ok(Options {
        format: match args.format {
            DumpFormat::Kdump | DumpFormat::Flattened => Format::Kdump,
            DumpFormat::Elf => Format::Elf,
        },
        compression: args.compress,
        level: args.level,
        on_doubt: args.on_doubt,
        page_structs: args.page_structs()?,
        threads: args
            .threads
            .or_else(|| available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN),
        // The output is synced only at the end.
        checkpoint: u64::MAX,
    })
}

/// The time at which a dump was written, in seconds since 1970.
fn written_at(files: &[PathBuf]) -> u64 {
    let first = files.first().and_then(|path| std::fs::metadata(path).ok());
    first
        .and_then(|it| it.modified().ok())
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |since| since.as_secs())
}

/// Shows the progress.
struct Watch(Bar);

impl Observer for Watch {
    fn progress(&self, phase: Phase, done: u64, total: u64) {
        let what = match phase {
            Phase::Headers => "headers",
            Phase::Choosing => "choosing pages",
            Phase::Log => "kernel log",
            Phase::Stacks => "stacks",
            Phase::Pages => "writing pages",
            Phase::End => "ending",
        };
        self.0.show(what, done, total);
    }
}

struct Job {
    dump: Dump,
    whole: bool,
    options: Options,
    seconds: u64,
    bar: Watch,
}

impl Job {
    /// Writes the dump, flattened if the destination can't seek.
    fn carry_out(&self, destination: &Destination, flattened: bool) -> Result<Summary> {
        let draft = destination.begin()?;
        let summary = if flattened || !draft.can_seek() {
            self.flattened(&draft, destination)?
        } else {
            let output = FileOutput::new(draft.file()?).map_err(|e| destination.failure(e))?;
            self.write(&output, destination)?
        };
        draft.finish()?;
        Ok(summary)
    }

    /// Writes the dump to several files. None of them has its name before all are written.
    fn split(&self, destinations: &[Destination]) -> Result<Summary> {
        let mut drafts = Vec::new();
        let mut outputs = Vec::new();
        for destination in destinations {
            let draft = destination.begin()?;
            if !draft.can_seek() {
                return Err(not_converted(
                    destination.to_string(),
                    WriteError::SplitStream,
                ));
            }
            let output = FileOutput::new(draft.file()?).map_err(|e| destination.failure(e))?;
            outputs.push(output);
            drafts.push(draft);
        }
        let outputs: Vec<&dyn Output> = outputs.iter().map(|it| it as &dyn Output).collect();
        let summary = convert_split(&self.crash(), &outputs, &self.options, &self.bar)
            .map_err(|error| not_converted(written(destinations), error))?;
        file::finish_together(drafts)?;
        Ok(summary)
    }

    fn flattened(&self, draft: &Draft<'_>, destination: &Destination) -> Result<Summary> {
        let failed = |error| destination.failure(error);
        let stream = BufWriter::with_capacity(STREAM_BUFFER, draft.file()?);
        let output = FlattenedWriter::begin(stream).map_err(failed)?;
        let summary = self.write(&output, destination)?;
        output
            .finish()
            .and_then(|mut stream| stream.flush())
            .map_err(failed)?;
        Ok(summary)
    }

    fn crash(&self) -> Crash<'_> {
        Crash {
            memory: &self.dump,
            machine: self.dump.machine(),
            segments: self.dump.segments(),
            notes: self.dump.note_bytes(),
            seconds: self.seconds,
            whole: self.whole,
        }
    }

    fn write(&self, output: &dyn Output, destination: &Destination) -> Result<Summary> {
        let written = convert(&self.crash(), output, &self.options, &self.bar);
        written.map_err(|error| match error {
            WriteError::Output(error) => destination.failure(error),
            error => not_converted(destination.to_string(), error),
        })
    }
}

fn not_converted(destination: String, error: WriteError) -> Failure {
    DumpFailure::NotConverted { destination, error }.into()
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Report<'a> {
    /// The file that was written, or what the names of the parts begin with.
    output: &'a Path,
    /// The files of a dump that was split; none if it is one file.
    parts: &'a [PathBuf],
    /// The flaws of the input other than lost pages.
    flaws: &'a [String],
    #[serde(flatten)]
    #[cfg_attr(test, schemars(with = "crate::schema::shapes::Summary"))]
    summary: &'a Summary,
}

fn described(summary: &Summary) -> String {
    let pages = summary.pages;
    let format = match summary.format {
        Format::Kdump => format!("kdump, {}", summary.compression),
        Format::Elf => "ELF".to_owned(),
    };
    let lost = match pages.lost + pages.unreadable {
        0 => String::new(),
        count => format!("; {count} lost"),
    };
    format!(
        "{} of {} pages, {:.1} MB ({format}, level {}){lost}",
        pages.dumped.saturating_sub(pages.unreadable),
        pages.present,
        summary.bytes as f64 / 1e6,
        u8::from(summary.level),
    )
}
