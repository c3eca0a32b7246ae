//! Files that commands write: whole or not at all, and nothing is lost that was there.

use crate::failure::output::OutputError;
use crate::failure::{Attempt, Failure, IoError, Result};
use baton_sys::output::{Attributes, open_special, rename_to_new};
use baton_sys::signals;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};
use std::thread;

/// What standard output is called.
const STDOUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
/// As many links as Linux follows (MAXSYMLINKS of linux/namei.h).
const MAX_LINKS: usize = 40;

/// Who may read a file that is new. One that was there keeps what it had, unless it is private.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access<'a> {
    /// Everyone that the umask lets.
    Public,
    /// Whoever may read this file.
    Like(&'a Path),
    /// Only the user who runs this, even if the file existed: its owner may have put it there to be given
    /// this: dumps and initrds may hold keys.
    Private,
}

/// What is done with a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It is left alone, and the command refused.
    Refuse,
    /// It is replaced.
    Replace,
}

impl Existing {
    /// Replaced with `--force` alone.
    #[must_use]
    pub fn with(force: bool) -> Existing {
        if force {
            Existing::Replace
        } else {
            Existing::Refuse
        }
    }
}

/// Where a command writes to, looked at before there is anything to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// As it was named.
    named: PathBuf,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Stdout,
    /// A device, a FIFO, a descriptor: it takes bytes and is never replaced.
    Special,
    File {
        /// Behind all links.
        path: PathBuf,
        existing: Existing,
        /// The attributes of the existing file, if the new one is to have them.
        old: Option<Attributes>,
        /// The mode of a new one, before the umask.
        mode: u32,
    },
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Stdout => f.write_str("standard output"),
            _ => self.named.display().fmt(f),
        }
    }
}

impl Destination {
    /// Finds out what is there.
    ///
    /// # Errors
    /// When it is a directory, or a file that isn't to be replaced.
    pub fn new(named: &Path, access: Access<'_>, existing: Existing) -> Result<Destination> {
        Ok(Destination {
            named: named.to_owned(),
            place: Place::of(named, access, existing)?,
        })
    }

    /// Whether standard output takes the file, so that it can't take a report too.
    #[must_use]
    pub fn is_stdout(&self) -> bool {
        self.place == Place::Stdout
    }

    /// Prints a line of the command's report where it doesn't get into the file.
    pub fn report(&self, line: fmt::Arguments<'_>) {
        if self.is_stdout() {
            tell!("{line}")
        } else {
            say!("{line}")
        }
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// When it can't be written; a file has its old bytes then, or isn't there.
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        self.draft(bytes)?.finish()
    }

    fn draft(&self, bytes: &[u8]) -> Result<Draft<'_>> {
        let draft = self.begin()?;
        let mut file = &draft.file;
        file.write_all(bytes).map_err(|e| self.failure(e))?;
        Ok(draft)
    }

    /// Writes all of it, if `check` finds nothing wrong with it. A file is written meanwhile, and gets its name only after.
    ///
    /// # Errors
    /// What is wrong with it; as [`Destination::write`].
    pub fn write_checked(&self, bytes: &[u8], check: impl FnOnce() -> Result<()>) -> Result<()> {
        if !matches!(self.place, Place::File { .. }) {
            check()?;
            return self.write(bytes);
        }
        let draft = self.begin()?;
        let mut file = &draft.file;
        let (written, checked) = thread::scope(|scope| {
            let writing = scope.spawn(move || file.write_all(bytes));
            let checked = check();
            (writing.join(), checked)
        });
        checked?;
        let written = written.unwrap_or_else(|_| Err(io::Error::other("the writer stopped")));
        written.map_err(|e| self.failure(e))?;
        draft.finish()
    }

    /// Begins to write what is too large to be held in memory.
    ///
    /// # Errors
    /// When the directory can't be written to, or the device can't be opened.
    pub fn begin(&self) -> Result<Draft<'_>> {
        let (file, temporary) = match &self.place {
            Place::Stdout => (stdout(), None),
            Place::Special => (open_special(&self.named), None),
            Place::File {
                path, old, mode, ..
            } => {
                let mode = if old.is_some() { 0o600 } else { *mode };
                let (temporary, file) = Temporary::beside(path, mode)?;
                (Ok(file), Some(temporary))
            }
        };
        Ok(Draft {
            file: file.map_err(|e| self.failure(e))?,
            temporary,
            destination: self,
        })
    }

    /// Why it can't be written. A reader of a pipe that left early needs no telling.
    #[must_use]
    pub fn failure(&self, error: io::Error) -> Failure {
        let is_told = error.kind() == ErrorKind::BrokenPipe;
        let error = match error.raw_os_error() {
            Some(ENXIO) => io::Error::other("nothing is reading from it; start the reader first"),
            _ => error,
        };
        let name = PathBuf::from(self.to_string());
        Failure::from(IoError::new(Attempt::Write, &name, error)).reported_if(is_told)
    }
}

/// A FIFO without a reader (fifo(7)).
const ENXIO: i32 = 6;

impl Place {
    fn of(named: &Path, access: Access<'_>, existing: Existing) -> Result<Place> {
        if is_stdout(named) {
            return Ok(Place::Stdout);
        }
        let failed = |e| IoError::new(Attempt::Write, named, e);
        // What Linux doesn't follow (proc(5): protected_symlinks) isn't followed here either.
        let there = match fs::metadata(named) {
            Ok(metadata) => Some(metadata),
            Err(e) if e.kind() == ErrorKind::NotFound => None,
            Err(e) => return Err(failed(e).into()),
        };
        let directory = there.as_ref().is_some_and(fs::Metadata::is_dir);
        if directory || named.as_os_str().as_bytes().ends_with(b"/") {
            let path = named.to_owned();
            return Err(OutputError::Directory { path }.into());
        }
        if named.as_os_str().is_empty() {
            return Err(OutputError::EmptyName.into());
        }
        let path = match resolved(named).map_err(failed)? {
            Some(path) if there.as_ref().is_none_or(fs::Metadata::is_file) => path,
            _ => return Ok(Place::Special),
        };
        if existing == Existing::Refuse {
            check_free(named, there.is_some())?;
        }
        let kept = there.filter(|_| access != Access::Private);
        let old = kept.map(|_| Attributes::of(&path)).transpose();
        Ok(Place::File {
            path,
            existing,
            old: old.map_err(failed)?,
            mode: match access {
                Access::Public => 0o666,
                Access::Private => 0o600,
                Access::Like(file) => {
                    fs::metadata(file)
                        .map_err(|e| IoError::reading(file, e))?
                        .mode()
                        & 0o777
                }
            },
        })
    }
}

/// Refuses a name that is taken, also by a link to what isn't there: somebody else may have put it there, and
/// chosen where the file goes.
fn check_free(named: &Path, is_there: bool) -> Result<()> {
    if !(is_there || named.is_symlink()) {
        Ok(())
    } else {
        Err(OutputError::Exists {
            path: named.to_owned(),
            is_link: !is_there,
        }
        .into())
    }
}

/// What is behind all links; `None` for an open descriptor, whose link is no name.
fn resolved(named: &Path) -> io::Result<Option<PathBuf>> {
    let mut path = named.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(target) => {
                let directory = directory(&path).canonicalize()?;
                if directory.starts_with("/proc") {
                    return Ok(None);
                }
                path = directory.join(target);
            }
            // It is there and no link, or isn't there.
            Err(e) if matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) => {
                return Ok(Some(path));
            }
            Err(e) => return Err(e),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(directory) if directory != Path::new("") => directory,
        _ => Path::new("."),
    }
}

/// Refuses to write over what a command reads, by whatever name.
///
/// # Errors
/// Names the input.
pub fn is_no_input<'p>(output: &Path, inputs: impl IntoIterator<Item = &'p PathBuf>) -> Result<()> {
    let behind = if is_stdout(output) {
        Path::new("/dev/stdout")
    } else {
        output
    };
    let identity = |path: &Path| fs::metadata(path).ok().and_then(|it| identity(&it));
    // What isn't there yet is no input.
    let Some(written) = identity(behind) else {
        return Ok(());
    };
    let is_it = |input: &&PathBuf| identity(input).as_ref() == Some(&written);
    match inputs.into_iter().find(is_it) {
        None => Ok(()),
        Some(input) => Err(OutputError::IsInput {
            path: output.to_owned(),
            input: input.clone(),
        }
        .into()),
    }
}

/// What tells files that hold bytes apart; terminals and pipes are read and written at once.
fn identity(metadata: &fs::Metadata) -> Option<(bool, u64, u64)> {
    let kind = metadata.file_type();
    if kind.is_block_device() {
        return Some((true, metadata.rdev(), 0));
    }
    kind.is_file()
        .then(|| (false, metadata.dev(), metadata.ino()))
}

/// Whether a name is that of standard output.
#[must_use]
pub fn is_stdout(path: &Path) -> bool {
    STDOUT.iter().any(|name| path == Path::new(name))
}

/// Standard output without the buffer that the library has.
fn stdout() -> io::Result<File> {
    let descriptor = io::stdout().as_fd().try_clone_to_owned();
    descriptor.map(File::from)
}

/// What is being written. A file isn't there before it is [finished](Draft::finish).
#[derive(Debug)]
pub struct Draft<'d> {
    file: File,
    temporary: Option<Temporary>,
    destination: &'d Destination,
}

impl Draft<'_> {
    /// Another descriptor of it, to be written.
    ///
    /// # Errors
    /// When there can't be more open files.
    pub fn file(&self) -> Result<File> {
        let file = self.file.try_clone();
        file.map_err(|e| self.destination.failure(e))
    }

    /// Whether it can be written at any offset, and read.
    #[must_use]
    pub fn can_seek(&self) -> bool {
        let block = |it: fs::Metadata| it.file_type().is_block_device();
        self.temporary.is_some() || self.file.metadata().is_ok_and(block)
    }

    /// Gives the file its name, once it is on the disk.
    ///
    /// # Errors
    /// When the disk fails, or somebody took the name meanwhile; nothing is left behind.
    pub fn finish(self) -> Result<()> {
        let Draft {
            file,
            temporary,
            destination,
        } = self;
        let (
            Some(temporary),
            Place::File {
                path,
                existing,
                old,
                ..
            },
        ) = (temporary, &destination.place)
        else {
            return Ok(());
        };
        let give = |old: &Attributes| old.give(&file);
        old.as_ref()
            .map_or(Ok(()), give)
            .and_then(|()| file.sync_all())
            .and_then(|()| temporary.rename(path, *existing))
            .and_then(|()| File::open(directory(path))?.sync_all())
            .map_err(|e| destination.failure(e))
    }
}

/// Gives files that count together their names, once all of them are on the disk.
///
/// # Errors
/// When the disk fails; then none is there, unless names were taken meanwhile.
pub fn finish_together(drafts: Vec<Draft<'_>>) -> Result<()> {
    for draft in &drafts {
        let synced = draft.file.sync_all();
        synced.map_err(|e| draft.destination.failure(e))?;
    }
    drafts.into_iter().try_for_each(Draft::finish)
}

/// Writes files that count together: all of them are on the disk before the first gets its name.
///
/// # Errors
/// When one can't be written; then none is there, unless names were taken meanwhile.
pub fn write_together(files: &[(&Destination, &[u8])]) -> Result<()> {
    let drafts = files.iter().map(|(to, bytes)| to.draft(bytes));
    finish_together(drafts.collect::<Result<_>>()?)
}

/// Writes a file that the program keeps for itself in place of what was there.
///
/// # Errors
/// When it can't be written.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    Destination::new(path, Access::Public, Existing::Replace)?.write(bytes)
}

/// Writes a file that its owner alone may read: initrds may hold keys.
///
/// # Errors
/// When it can't be written.
pub fn save_private(path: &Path, bytes: &[u8], force: bool) -> Result<()> {
    let destination = Destination::new(path, Access::Private, Existing::with(force))?;
    if destination.is_stdout() {
        return Err(OutputError::StdoutIsForReport.into());
    }
    destination.write(bytes)
}

/// The temporary files that there are, to be removed by whatever ends the program.
static TEMPORARIES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A file for another program, which its owner alone may read.
///
/// # Errors
/// When it can't be written.
pub fn temporary(bytes: &[u8]) -> Result<Temporary> {
    let (temporary, mut file) = Temporary::beside(&std::env::temp_dir().join("baton"), 0o600)?;
    file.write_all(bytes)
        .map_err(|e| IoError::new(Attempt::Write, &temporary.0, e))?;
    Ok(temporary)
}

/// A file, mostly beside the one that it will become. It goes away unless it is renamed, also if a signal ends the program.
#[derive(Debug)]
pub struct Temporary(PathBuf);

impl Temporary {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn beside(path: &Path, mode: u32) -> Result<(Temporary, File)> {
        static SIGNALS: Once = Once::new();
        SIGNALS.call_once(|| {
            match signals::before_end(remove_all) {
                // As long as the program runs.
                Ok(until_the_end) => std::mem::forget(until_the_end),
                Err(error) => {
                    tell!("baton: a signal would leave temporary files behind: {error}");
                }
            }
        });
        // Not to be made after all others were removed.
        let mut all = TEMPORARIES.lock().unwrap_or_else(PoisonError::into_inner);
        for attempt in 0..100 {
            let name = format!(".baton.{}.{attempt}", std::process::id());
            let temporary = directory(path).join(name);
            match create(&temporary, mode) {
                Ok(file) => {
                    all.push(temporary.clone());
                    return Ok((Temporary(temporary), file));
                }
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                Err(e) => {
                    let attempt = Attempt::CreateIn(directory(path).to_owned());
                    return Err(IoError::new(attempt, path, e).into());
                }
            }
        }
        let path = path.to_owned();
        Err(OutputError::TemporaryFiles { path }.into())
    }

    fn rename(self, path: &Path, existing: Existing) -> io::Result<()> {
        match existing {
            Existing::Replace => fs::rename(&self.0, path),
            Existing::Refuse => rename_to_new(&self.0, path),
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let mut all = TEMPORARIES.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|it| *it != self.0);
        // It isn't there any more if it was renamed.
        let _ = fs::remove_file(&self.0);
    }
}

/// Makes a file of a name that isn't taken; `create_new` follows no link that someone else put there.
fn create(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    options.mode(mode).open(path)
}

/// For when the process ends: no more are made after it.
fn remove_all() {
    let all = TEMPORARIES.lock().unwrap_or_else(PoisonError::into_inner);
    for temporary in &*all {
        let _ = fs::remove_file(temporary);
    }
    std::mem::forget(all);
}
