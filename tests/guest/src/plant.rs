//! Puts secrets into memory, in every way that programs do.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, PipeWriter, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use baton_guest::secret::{self, Kind, PAGE};
use baton_sys::mapping::{self, Mapping, Use};
use rustix::fs::{MemfdFlags, OFlags};
use rustix::mount::{MountFlags, mount};

use crate::observe;

/// How many equal pages are merged.
const EQUAL: u64 = 256;
/// More pages than a CPU collects for the LRU lists (PAGEVEC_SIZE is 15, and later 31).
const OTHERS: u64 = 64;
const LARGE_PAGES: &str = "/sys/kernel/mm/transparent_hugepage";
const MERGING: &str = "/sys/kernel/mm/ksm";

/// Memory with secrets in it, let go of when dropped.
#[derive(Default)]
pub struct Garden {
    planted: Vec<Kind>,
    mappings: Vec<Mapping>,
    files: Vec<File>,
    pipes: Vec<(io::PipeReader, PipeWriter)>,
    sockets: Vec<(UnixStream, UnixStream)>,
    children: Vec<Child>,
}

impl Garden {
    /// Plants secrets of every kind that this kernel has. `disk` is a directory on a disk.
    pub fn plant(disk: &str) -> Result<Garden> {
        let mut garden = Garden::default();
        garden.programs()?;
        garden.files(Path::new(disk))?;
        garden.kernel()?;
        garden.freed()?;
        // The last, since much else makes a CPU tell the lists.
        garden.last()?;
        Ok(garden)
    }

    /// The kinds of memory that there are secrets in.
    pub fn planted(&self) -> &[Kind] {
        &self.planted
    }

    /// Keeps memory that is filled with secrets.
    fn keep(&mut self, kind: Kind, mut memory: Mapping) {
        fill(kind, &mut memory);
        self.mappings.push(memory);
        self.planted.push(kind);
    }

    fn programs(&mut self) -> Result<()> {
        write(&format!("{LARGE_PAGES}/enabled"), "never")?;
        self.keep(Kind::Anonymous, private(Kind::Anonymous.count())?);
        let locked = private(Kind::Locked.count())?;
        locked.lock().context("mlock")?;
        self.keep(Kind::Locked, locked);
        self.large()?;
        write("/proc/sys/vm/nr_hugepages", "2")?;
        let hugetlb = mapped(mapping::Kind::Large, Kind::Hugetlb.count()).context("hugetlbfs")?;
        self.keep(Kind::Hugetlb, hugetlb);
        let unmapped =
            mapped(mapping::Kind::Secret, Kind::Unmapped.count()).context("memfd_secret")?;
        self.keep(Kind::Unmapped, unmapped);
        let shared = mapped(mapping::Kind::Shared, Kind::Shared.count())?;
        self.keep(Kind::Shared, shared);
        self.merged()?;
        let child = Command::new("/payload/bin/busybox")
            .args(["sleep", "86400"])
            .env("SECRET", secret::text(Kind::Environment, 0))
            .stdin(Stdio::null())
            .spawn()?;
        self.children.push(child);
        self.planted.push(Kind::Environment);
        Ok(())
    }

    fn large(&mut self) -> Result<()> {
        write(&format!("{LARGE_PAGES}/enabled"), "madvise")?;
        let huge = private(Kind::Huge.count())?;
        huge.advise(Use::LargePages)?;
        self.keep(Kind::Huge, huge);
        let middle = format!("{LARGE_PAGES}/hugepages-64kB/enabled");
        if Path::new(&middle).exists() {
            write(&format!("{LARGE_PAGES}/enabled"), "never")?;
            let largest = format!("{LARGE_PAGES}/hugepages-2048kB/enabled");
            write(&largest, "never")?;
            write(&middle, "always")?;
            self.keep(Kind::Middle, private(Kind::Middle.count())?);
            write(&middle, "never")?;
            write(&largest, "inherit")?;
        }
        write(&format!("{LARGE_PAGES}/enabled"), "never")
    }

    /// One secret in many equal pages, until they are one.
    fn merged(&mut self) -> Result<()> {
        let mut memory = private(EQUAL)?;
        for page in memory.chunks_mut(PAGE) {
            secret::write(Kind::Merged, 0, page);
        }
        memory.advise(Use::Mergeable)?;
        write(&format!("{MERGING}/sleep_millisecs"), "10")?;
        write(&format!("{MERGING}/pages_to_scan"), "2000")?;
        write(&format!("{MERGING}/run"), "1")?;
        let begun = Instant::now();
        while observe::text(&format!("{MERGING}/pages_shared")) == "0" {
            ensure!(
                begun.elapsed() < Duration::from_secs(20),
                "nothing is merged"
            );
            sleep(Duration::from_millis(50));
        }
        self.mappings.push(memory);
        self.planted.push(Kind::Merged);
        Ok(())
    }

    fn files(&mut self, disk: &Path) -> Result<()> {
        let memory = rustix::fs::memfd_create("secret", MemfdFlags::CLOEXEC)?;
        self.file(Kind::MemoryFile, memory.into())?;
        fs::create_dir_all("/large")?;
        let options = CString::new("huge=always")?;
        mount("tmpfs", "/large", "tmpfs", MountFlags::empty(), &*options)?;
        self.file(Kind::Tmpfs, File::create_new("/large/secret")?)?;
        self.clean_file(&disk.join("clean"))?;
        let file = File::create_new(disk.join("written"))?;
        self.file(Kind::WrittenFile, file)
    }

    /// A file that was read and never written here: what comes to the disk doesn't go through the page cache.
    fn clean_file(&mut self, path: &Path) -> Result<()> {
        let mut memory = private(Kind::CleanFile.count())?;
        fill(Kind::CleanFile, &mut memory);
        let direct = i32::try_from(OFlags::DIRECT.bits())?;
        let mut options = File::options();
        let options = options.write(true).create_new(true).custom_flags(direct);
        options.open(path)?.write_all(&memory)?;
        fill(Kind::Nothing, &mut memory);
        let file = File::open(path)?;
        file.read_exact_at(&mut memory, 0)?;
        fill(Kind::Nothing, &mut memory);
        std::hint::black_box(&memory[..]);
        self.files.push(file);
        self.planted.push(Kind::CleanFile);
        Ok(())
    }

    fn file(&mut self, kind: Kind, file: File) -> Result<()> {
        write_pages(kind, &file)?;
        self.files.push(file);
        self.planted.push(kind);
        Ok(())
    }

    fn kernel(&mut self) -> Result<()> {
        let (reader, mut writer) = io::pipe()?;
        let (from, mut to) = UnixStream::pair()?;
        let mut page = vec![0; PAGE];
        for index in 0..Kind::Pipe.count() {
            secret::write(Kind::Pipe, index, &mut page);
            writer.write_all(&page)?;
            secret::write(Kind::Socket, index, &mut page);
            to.write_all(&page)?;
        }
        self.pipes.push((reader, writer));
        self.sockets.push((from, to));
        self.planted.push(Kind::Pipe);
        self.planted.push(Kind::Socket);
        let mut key = secret::text(Kind::Key, 0).into_bytes();
        baton_sys::keyring::keep(c"secret", &key).context("add_key")?;
        secret::write(Kind::Nothing, 0, &mut key);
        self.planted.push(Kind::Key);
        write(
            "/dev/kmsg",
            &format!("<6>secret {}\n", secret::text(Kind::Log, 0)),
        )?;
        self.planted.push(Kind::Log);
        secret::write(Kind::Nothing, 0, &mut page);
        std::hint::black_box((&key, &page));
        Ok(())
    }

    fn freed(&mut self) -> Result<()> {
        let mut memory = private(Kind::Freed.count())?;
        fill(Kind::Freed, &mut memory);
        // A page that a CPU hasn't put on the LRU lists yet would stay in use: others take its place there.
        let mut others = private(OTHERS)?;
        fill(Kind::Nothing, &mut others);
        self.mappings.push(others);
        drop(memory);
        self.planted.push(Kind::Freed);
        Ok(())
    }

    fn last(&mut self) -> Result<()> {
        let memory = rustix::fs::memfd_create("last", MemfdFlags::CLOEXEC)?;
        self.file(Kind::LastFile, memory.into())
    }
}

/// Fills memory, a secret in each page.
fn fill(kind: Kind, memory: &mut [u8]) {
    for (index, page) in (0..).zip(memory.chunks_mut(PAGE)) {
        secret::write(kind, index, page);
    }
}

fn mapped(kind: mapping::Kind, pages: u64) -> io::Result<Mapping> {
    Mapping::new(kind, usize::try_from(pages).unwrap_or(0) * PAGE)
}

fn private(pages: u64) -> io::Result<Mapping> {
    mapped(mapping::Kind::Private, pages)
}

/// Writes pages through one buffer, which keeps no secret.
fn write_pages(kind: Kind, file: &File) -> io::Result<()> {
    let mut page = vec![0; PAGE];
    for index in 0..kind.count() {
        secret::write(kind, index, &mut page);
        file.write_all_at(&page, index * PAGE as u64)?;
    }
    secret::write(Kind::Nothing, 0, &mut page);
    // What isn't used after this could be left as it was.
    std::hint::black_box(&page);
    Ok(())
}

fn write(path: &str, text: &str) -> Result<()> {
    let mut file = File::options()
        .write(true)
        .open(path)
        .with_context(|| path.to_owned())?;
    file.write_all(text.as_bytes())
        .with_context(|| path.to_owned())
}
