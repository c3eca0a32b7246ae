//! `baton dump convert`: a dump in another format, or with less in it.

use super::args::{ConvertArgs, DumpFormat};
use super::open::{name, open, survey, told};
use super::progress::Bar;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Temporary;
use crate::print_json;
use baton_kdump::Dump;
use baton_kdump::convert::{Crash, Format, Options, Summary, convert};
use baton_kdump::write::{FileOutput, Flattened, Observer, Output, Phase, WriteError};
use serde::Serialize;
use std::fs::{File, Metadata};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::UNIX_EPOCH;

/// What a stream is given at once.
const STREAM: usize = 1 << 18;

/// Carries out the command.
///
/// # Errors
/// When the dump can't be read or written, or isn't all there: then what is left of it is written.
pub fn run(args: &ConvertArgs) -> Result<()> {
    let to_stdout = args.output == Path::new("-");
    refuse_an_input(&args.input, &args.output)?;
    let dump = open(&args.input)?;
    let survey = survey(&args.input, &dump);
    let job = Job {
        seconds: dump.time().unwrap_or_else(|| written_at(&args.input)),
        dump,
        whole: survey.complete(),
        options: options(args),
        bar: Watch(Bar::new()),
    };
    let summary = if to_stdout {
        job.to_stdout()
    } else {
        job.to_file(&args.output, args.format == DumpFormat::Flattened)
    };
    job.bar.0.end();
    let summary = summary?;
    let flaws = told(&survey);
    let json = args.json && !to_stdout;
    if json {
        print_json(&Told {
            output: &args.output,
            flaws: &flaws,
            summary: &summary,
        });
    } else {
        for doubt in &summary.doubts {
            eprintln!("baton: {doubt}");
        }
        for flaw in &flaws {
            eprintln!("baton: {}: {flaw}", name(&args.input));
        }
        if !to_stdout {
            println!("{}: {}", args.output.display(), described(&summary));
        }
    }
    match summary.complete {
        true => Ok(()),
        false => Err(Failure {
            told: json,
            ..incomplete(&args.output, &summary)
        }),
    }
}

/// What was written lacks something that should be there.
fn incomplete(output: &Path, summary: &Summary) -> Failure {
    let output = match output.to_str() {
        Some("-") => "standard output".to_owned(),
        _ => output.display().to_string(),
    };
    let why = match summary.pages.lost + summary.pages.unreadable {
        0 => "the one that was read isn't, either".to_owned(),
        lost => format!("{lost} pages of the one that was read are lost"),
    };
    let message = format!("{output}: not a complete dump: {why}");
    Failure::new(Exit::Failed, "damaged", message)
}

/// Fails if the output is a file of the dump that is read, by whatever name.
fn refuse_an_input(inputs: &[PathBuf], output: &Path) -> Result<()> {
    let output_is = match output.to_str() {
        Some("-") => Path::new("/dev/stdout"),
        _ => output,
    };
    // What isn't there yet is no input.
    let Ok(written) = std::fs::metadata(output_is) else {
        return Ok(());
    };
    let read = inputs
        .iter()
        .find(|input| std::fs::metadata(input).is_ok_and(|read| is_same(&read, &written)));
    match read {
        None => Ok(()),
        Some(read) => Err(Failure::failed(format!(
            "{}: it is read as {}: name another file to write the dump to",
            output.display(),
            read.display()
        ))),
    }
}

/// Whether both are the same file, or the same device.
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    let file = |it: &Metadata| (it.dev(), it.ino());
    let device = |it: &Metadata| it.file_type().is_block_device().then(|| it.rdev());
    file(one) == file(other) || (device(one).is_some() && device(one) == device(other))
}

fn options(args: &ConvertArgs) -> Options {
    Options {
        format: match args.format {
            DumpFormat::Kdump | DumpFormat::Flattened => Format::Kdump,
            DumpFormat::Elf => Format::Elf,
        },
        compression: args.compress,
        level: args.level,
        threads: args
            .threads
            .or_else(|| available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN),
        // Nothing here waits for the disk before the end.
        checkpoint: u64::MAX,
    }
}

/// When a dump was written, in seconds since 1970.
fn written_at(files: &[PathBuf]) -> u64 {
    let first = files.first().and_then(|path| std::fs::metadata(path).ok());
    first
        .and_then(|it| it.modified().ok())
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |since| since.as_secs())
}

/// Shows how far it is.
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
    fn to_file(&self, path: &Path, flattened: bool) -> Result<Summary> {
        let temporary = Temporary::beside(path)?;
        let file = || temporary.file().map_err(|error| Failure::io(path, &error));
        let summary = if flattened {
            self.flattened(file()?, path)?
        } else {
            let output = FileOutput::new(file()?).map_err(|error| Failure::io(path, &error))?;
            self.write(&output, path)?
        };
        temporary.keep()?;
        Ok(summary)
    }

    fn to_stdout(&self) -> Result<Summary> {
        let stdout = io::stdout();
        if stdout.is_terminal() {
            return Err(Failure::failed(
                "standard output is a terminal: send the dump to a file or a program",
            ));
        }
        let path = Path::new("standard output");
        // Past the buffer of lines that the library has.
        let stream = stdout.as_fd().try_clone_to_owned();
        let stream = stream.map_err(|error| Failure::io(path, &error))?;
        self.flattened(File::from(stream), path)
    }

    fn flattened(&self, stream: File, path: &Path) -> Result<Summary> {
        let failed = |error| Failure::io(path, &error);
        let stream = BufWriter::with_capacity(STREAM, stream);
        let output = Flattened::begin(stream).map_err(failed)?;
        let summary = self.write(&output, path)?;
        output
            .finish()
            .and_then(|mut stream| stream.flush())
            .map_err(failed)?;
        Ok(summary)
    }

    fn write(&self, output: &dyn Output, path: &Path) -> Result<Summary> {
        let crash = Crash {
            memory: &self.dump,
            machine: self.dump.machine(),
            segments: self.dump.elf().map_or(&[], |core| core.segments()),
            notes: self.dump.note_bytes(),
            seconds: self.seconds,
            whole: self.whole,
        };
        convert(&crash, output, &self.options, &self.bar).map_err(|error| match error {
            WriteError::Output(error) => Failure::io(path, &error),
            error => Failure::failed(format!("{}: {error}", path.display())),
        })
    }
}

#[derive(Serialize)]
struct Told<'a> {
    output: &'a Path,
    /// What is wrong with the dump that was read, besides its pages.
    flaws: &'a [String],
    #[serde(flatten)]
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
        count => format!("; {count} are lost"),
    };
    format!(
        "{} of {} pages, {:.1} MB ({format}, level {}){lost}",
        pages.dumped.saturating_sub(pages.unreadable),
        pages.present,
        summary.bytes as f64 / 1e6,
        u8::from(summary.level),
    )
}
