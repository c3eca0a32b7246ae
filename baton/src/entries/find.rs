//! Finds the entries of a machine.

use super::bls::{self, Bls, Name};
use super::current::Current;
use super::default::{Grub, Sayings};
use super::grub::{Menu, MenuEntry};
use super::order::{self, Rank};
use super::place::Places;
use super::text::{MAX_TEXT, Variables};
use super::{Entries, Entry, Kind, plain, uki};
use crate::failure::Result;
use baton_sys::efivars;
use baton_sys::file::{self, names_in};
use baton_sys::{Root, mounts};
use std::path::{Path, PathBuf};

/// systemd's vendor GUID of the variables by which boot loaders and systems talk (the UAPI Group's "Boot Loader
/// Interface").
const LOADER: &str = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
/// How many files of a directory are read.
const MAX_FILES: usize = 1024;
/// The longest environment block; GRUB's own has 1024 bytes (grub-editenv).
const MAX_ENVIRONMENT: usize = 64 << 10;
/// Where GRUB has its menu and environment: Debian's way, and Fedora's.
const GRUB: [&str; 2] = ["boot/grub", "boot/grub2"];

/// Finds all entries, and which of them is the default.
///
/// # Errors
/// When what is running can't be read.
pub fn entries(root: &Root) -> Result<Entries> {
    let mounts = mounts::read(root).unwrap_or_default();
    let current = Current::read(root)?;
    let mut finder = Finder {
        places: Places {
            root,
            mounts: &mounts,
        },
        found: Entries::default(),
    };
    let grub = finder.grub_files();
    for partition in finder.places.partitions() {
        finder.add_bls(partition, grub.as_ref());
        finder.add_ukis(partition);
    }
    let menu = grub.as_ref().map(|it| finder.add_menu(it));
    finder.add_plain(&current.cmdline);
    let Entries { mut entries, notes } = finder.found;
    // GRUB's menu is in its own order; the sort keeps that.
    entries.sort_by(|a, b| match (group(a.kind), group(b.kind)) {
        (0, 0) => order::compare((&a.rank, &a.id), (&b.rank, &b.id)),
        (a, b) => a.cmp(&b),
    });
    for entry in &mut entries {
        entry.is_running = current.is(entry);
    }
    let default = sayings(root, menu).choose(&entries);
    if let Some(at) = default {
        let mut default = entries.remove(at);
        default.is_default = true;
        entries.insert(0, default);
    }
    Ok(Entries { entries, notes })
}

/// Entries of the specification come first, and last the kernels that no boot loader knows.
fn group(kind: Kind) -> u8 {
    match kind {
        Kind::Bls | Kind::Uki => 0,
        Kind::Grub => 1,
        Kind::Plain => 2,
    }
}

fn sayings(root: &Root, grub: Option<Grub>) -> Sayings {
    let variable = |name: &str| {
        let bytes = efivars::read(root, name, LOADER).ok().flatten()?;
        Some(utf16(&bytes)).filter(|text| !text.is_empty())
    };
    let pattern = ["efi", "boot/efi", "boot"].iter().find_map(|partition| {
        let text = root
            .read_text(&format!("{partition}/loader/loader.conf"))
            .ok()??;
        let line = text.lines().rev().find_map(|line| {
            let (key, value) = line.trim().split_once(|c: char| c.is_ascii_whitespace())?;
            (key == "default").then(|| value.trim().to_owned())
        });
        line.filter(|pattern| !pattern.is_empty())
    });
    Sayings {
        loader: variable("LoaderInfo"),
        one_shot: variable("LoaderEntryOneShot"),
        chosen: variable("LoaderEntryDefault"),
        last: variable("LoaderEntryLastBooted"),
        pattern,
        grub,
    }
}

/// UTF-16 up to the first NUL, as EFI variables hold texts.
fn utf16(bytes: &[u8]) -> String {
    let units = bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|it| u16::from_le_bytes(*it));
    let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
    String::from_utf16_lossy(&units)
}

/// GRUB's menu and variables.
struct GrubFiles {
    path: PathBuf,
    menu: Menu,
    variables: Variables,
}

struct Finder<'m> {
    places: Places<'m>,
    found: Entries,
}

impl Finder<'_> {
    fn note(&mut self, path: &Path, why: impl std::fmt::Display) {
        let note = format!("{}: {why}", path.display());
        self.found.notes.push(note);
    }

    /// A text of the machine; one that can't be read is noted.
    fn text(&mut self, path: &str) -> Option<String> {
        let shown = Path::new("/").join(path);
        match self.places.root.read(path) {
            Ok(Some(bytes)) if bytes.len() > MAX_TEXT => {
                self.note(&shown, format!("it is larger than {} MiB", MAX_TEXT >> 20));
                None
            }
            Ok(bytes) => bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            Err(why) => {
                self.note(&shown, format!("can't be read: {}", why.error));
                None
            }
        }
    }

    fn names(&mut self, directory: &str) -> Vec<String> {
        let mut names = names_in(&self.places.root.join(directory));
        if names.len() > MAX_FILES {
            let shown = Path::new("/").join(directory);
            self.note(&shown, format!("only {MAX_FILES} of its files are read"));
            names.truncate(MAX_FILES);
        }
        names
    }

    fn grub_files(&mut self) -> Option<GrubFiles> {
        let (path, text) = GRUB.iter().find_map(|directory| {
            let path = format!("{directory}/grub.cfg");
            Some((path.clone(), self.text(&path)?))
        })?;
        let environment = GRUB.iter().find_map(|directory| {
            let path = format!("{directory}/grubenv");
            self.places
                .root
                .exists(&path)
                .then(|| self.text(&path))?
                .filter(|text| text.len() <= MAX_ENVIRONMENT)
        });
        let mut variables = Variables::of_environment(&environment.unwrap_or_default());
        let menu = Menu::parse(&text, &variables);
        if let Some(options) = &menu.kernelopts {
            variables.set_default("kernelopts", options);
        }
        let path = Path::new("/").join(path);
        if let Some(why) = &menu.problem {
            self.note(&path, format!("{why}; what follows isn't read"));
        }
        Some(GrubFiles {
            path,
            menu,
            variables,
        })
    }

    fn add_bls(&mut self, partition: &str, grub: Option<&GrubFiles>) {
        let directory = format!("{partition}/loader/entries");
        // GRUB's variables stand in entries that GRUB reads.
        let variables = grub.filter(|it| it.menu.has_blscfg).map(|it| &it.variables);
        for file in self.names(&directory) {
            let Some(name) = Name::parse(&file, bls::SUFFIX) else {
                continue;
            };
            let path = format!("{directory}/{file}");
            let Some(text) = self.text(&path) else {
                continue;
            };
            let mut entry = Entry {
                title: name.id.clone(),
                kind: Kind::Bls,
                source: Path::new("/").join(&path),
                tries_left: name.tries_left,
                ..Entry::default()
            };
            match Bls::parse(&text, variables) {
                Ok(bls) => self.complete_bls(&mut entry, partition, bls),
                Err(why) => entry.problem = Some(why),
            }
            entry.rank.tries_left = name.tries_left;
            entry.id = name.id;
            self.found.entries.push(entry);
        }
    }

    fn complete_bls(&self, entry: &mut Entry, partition: &str, bls: Bls) {
        entry.problem = bls.problem();
        entry.is_passed_over = bls.is_for_another();
        entry.rank = Rank {
            sort_key: bls.sort_key,
            machine_id: bls.machine_id,
            version: bls.version.clone(),
            ..Rank::default()
        };
        entry.version = bls.version;
        entry.title = bls.title.unwrap_or_else(|| entry.title.clone());
        let place = |path: &String| self.places.on_partition(partition, path);
        let (kernel, line) = match (bls.linux, bls.uki) {
            (Some(linux), _) => (linux, Some(bls.options)),
            (None, Some(image)) => {
                entry.is_uki = true;
                entry.profile = bls.profile;
                (image, Some(bls.options).filter(|line| !line.is_empty()))
            }
            (None, None) => return,
        };
        entry.cmdline = line;
        let kernel = place(&kernel);
        entry.is_passed_over |= kernel.is_err();
        // As boot loaders do with initrds that have nothing in them.
        let is_empty = |path: &PathBuf| {
            let file = std::fs::metadata(self.places.on_machine(path));
            file.is_ok_and(|it| it.len() == 0)
        };
        let initrds = bls.initrds.iter().map(place);
        let initrds = initrds.filter(|it| !it.as_ref().is_ok_and(is_empty));
        set_files(entry, kernel, initrds.collect());
    }

    fn add_ukis(&mut self, partition: &str) {
        let directory = format!("{partition}/EFI/Linux");
        for file in self.names(&directory) {
            let Some(name) = Name::parse(&file, uki::SUFFIX) else {
                continue;
            };
            let path = Path::new("/").join(&directory).join(&file);
            let bytes = file::read_regular(&self.places.on_machine(&path));
            let profiles = bytes.map_err(|e| e.to_string());
            let profiles = profiles.and_then(|bytes| uki::profiles(&bytes));
            let entry = Entry {
                id: name.id.clone(),
                title: name.id.clone(),
                kind: Kind::Uki,
                source: path.clone(),
                kernel: Some(path),
                is_uki: true,
                tries_left: name.tries_left,
                ..Entry::default()
            };
            match profiles {
                Err(why) => self.found.entries.push(Entry {
                    problem: Some(why),
                    ..entry
                }),
                Ok(profiles) => {
                    let all = profiles.into_iter().map(|it| with_profile(&entry, it));
                    self.found.entries.extend(all);
                }
            }
        }
    }

    fn add_menu(&mut self, grub: &GrubFiles) -> Grub {
        let default = grub.menu.default_path(&grub.variables);
        let mut led_to = None;
        for of_menu in &grub.menu.entries {
            let entry = self.of_menu(&grub.path, of_menu);
            if led_to.is_none() && (of_menu.is_named(&default) || entry.is_called(&default)) {
                led_to = Some(entry.id.clone());
            }
            self.found.entries.push(entry);
        }
        Grub {
            default,
            entry: led_to,
            has_blscfg: grub.menu.has_blscfg,
        }
    }

    fn of_menu(&self, path: &Path, of_menu: &MenuEntry) -> Entry {
        let uuid = of_menu.uuid.as_deref();
        let place = |path: &String| self.places.on_filesystem(uuid, path);
        let mut way: Vec<&str> = of_menu
            .submenus
            .iter()
            .map(|it| it.title.as_str())
            .collect();
        way.push(&of_menu.title);
        let mut entry = Entry {
            id: of_menu.name().to_owned(),
            title: of_menu.title.clone(),
            kind: Kind::Grub,
            source: path.to_owned(),
            problem: of_menu.problem.clone(),
            aliases: vec![of_menu.title.clone(), way.join(">")],
            ..Entry::default()
        };
        if let Some(linux) = &of_menu.linux {
            entry.cmdline = Some(of_menu.cmdline.clone());
            let file = linux.rsplit('/').next().unwrap_or_default();
            entry.version = plain::version(file).map(str::to_owned);
            set_files(
                &mut entry,
                place(linux),
                of_menu.initrds.iter().map(place).collect(),
            );
        }
        entry
    }

    fn add_plain(&mut self, cmdline: &str) {
        let real = |path: &Path| self.places.on_machine(path).canonicalize().ok();
        let known: Vec<PathBuf> = self
            .found
            .entries
            .iter()
            .filter_map(|it| real(it.kernel.as_ref()?))
            .collect();
        let mut new = Vec::new();
        for file in names_in(&self.places.root.join("boot")) {
            let Some(version) = plain::version(&file) else {
                continue;
            };
            let path = Path::new("/boot").join(&file);
            if real(&path).is_none_or(|it| known.contains(&it) || !it.is_file()) {
                continue;
            }
            let initrds = plain::initrd_names(version);
            let initrd = initrds.iter().map(|name| Path::new("/boot").join(name));
            let initrd = initrd
                .into_iter()
                .find(|it| self.places.on_machine(it).is_file());
            new.push(Entry {
                id: file.clone(),
                title: format!("Linux {version}"),
                version: Some(version.to_owned()),
                kind: Kind::Plain,
                source: path.clone(),
                kernel: Some(path),
                initrds: initrd.into_iter().collect(),
                cmdline: Some(cmdline.to_owned()),
                ..Entry::default()
            });
        }
        new.sort_by(|a, b| order::compare((&a.rank, &a.id), (&b.rank, &b.id)));
        self.found.entries.extend(new);
    }
}

fn with_profile(entry: &Entry, profile: uki::UkiProfile) -> Entry {
    Entry {
        // As systemd-boot calls it, and by its number, too.
        id: match (profile.number, &profile.id) {
            (0, _) => entry.id.clone(),
            (number, None) => format!("{}@{number}", entry.id),
            (_, Some(id)) => format!("{}@{id}", entry.id),
        },
        aliases: vec![format!("{}@{}", entry.id, profile.number)],
        title: profile.title.unwrap_or_else(|| entry.title.clone()),
        version: profile.release.or_else(|| profile.version.clone()),
        profile: profile.number,
        rank: Rank {
            tries_left: entry.tries_left,
            sort_key: profile.sort_key,
            machine_id: None,
            version: profile.version,
            profile: profile.number,
        },
        ..entry.clone()
    }
}

/// Kernel and initrds, or why one of them isn't to be had.
fn set_files(
    entry: &mut Entry,
    kernel: std::result::Result<PathBuf, String>,
    initrds: Vec<std::result::Result<PathBuf, String>>,
) {
    for (number, file) in [kernel].into_iter().chain(initrds).enumerate() {
        match file {
            Ok(path) if number == 0 => entry.kernel = Some(path),
            Ok(path) => entry.initrds.push(path),
            Err(why) if entry.problem.is_none() => entry.problem = Some(why),
            Err(_) => {}
        }
    }
}
