//! Finds the entries of a machine.

use super::bls::{self, Bls, Name};
use super::current::Current;
use super::default::Sayings;
use super::grub::variables::Variables;
use super::grub::way::{BlsLine, End};
use super::grub::{File, Menu, MenuEntry};
use super::order::{self, Rank};
use super::place::Places;
use super::text::MAX_TEXT;
use super::{Entries, Entry, Kind, plain, uki};
use crate::failure::Result;
use baton_sys::efivars;
use baton_sys::file::{self, names_in};
use baton_sys::{Root, mounts};
use std::path::{Path, PathBuf};

/// systemd's vendor GUID of the variables by which boot loaders and systems talk (the UAPI Group's "Boot Loader
/// Interface").
pub(super) const LOADER: &str = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
/// What is to be booted next and only then.
pub(super) const ONE_SHOT: &str = "LoaderEntryOneShot";
/// How many files of a directory are read.
const MAX_FILES: usize = 1024;
/// The longest environment block; GRUB's own has 1024 bytes (grub-editenv).
const MAX_ENVIRONMENT: usize = 64 << 10;
/// Where GRUB has its menu and environment: Debian's way, and Fedora's.
pub(super) const GRUB: [&str; 2] = ["boot/grub", "boot/grub2"];

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
        unread: None,
    };
    let loader = variable(root, "LoaderInfo");
    let is_by = |name: &str| loader.as_ref().is_some_and(|it| it.starts_with(name));
    let grub = finder.grub_files();
    // What another boot loader may have left behind is listed, and says nothing.
    let in_use = grub.as_ref().filter(|_| !is_by("systemd-boot"));
    let unreadable = finder.places.unreadable(is_by("GRUB"));
    let unread = finder.unread.take().filter(|_| !is_by("systemd-boot"));
    let unreadable = unreadable.or(unread);
    for partition in finder.places.partitions() {
        finder.add_bls(partition, in_use);
        finder.add_ukis(partition);
    }
    if let Some(grub) = &grub {
        finder.add_menu(grub);
    }
    finder.add_plain(&current.cmdline);
    let mut found = finder.found;
    // GRUB's menu is in its own order; the sort keeps that.
    found
        .entries
        .sort_by(|a, b| match (group(a.kind), group(b.kind)) {
            (0, 0) => order::compare((&a.rank, &a.id), (&b.rank, &b.id)),
            (a, b) => a.cmp(&b),
        });
    for entry in &mut found.entries {
        entry.is_running = current.is(entry);
    }
    let sayings = Sayings {
        grub: in_use.map(|grub| led_to(&grub.menu, &mut found.entries)),
        next_entry: in_use.and_then(|it| it.next_entry.clone()),
        ..sayings(root, loader)
    };
    match unreadable.map_or_else(|| sayings.choose(&found.entries), Err) {
        Err(why) => found.default_problem = Some(why),
        Ok(None) => {}
        Ok(Some(choice)) => {
            let mut default = found.entries.remove(choice.at);
            default.is_default = true;
            found.entries.insert(0, default);
            found.before_default = choice.at;
            found.once = choice.once;
        }
    }
    Ok(found)
}

/// The position of what GRUB's default leads to, if its menu has any entry; gives each entry of `loader/entries` that GRUB
/// reads its position among these.
fn led_to(menu: &Menu, entries: &mut [Entry]) -> std::result::Result<Option<usize>, String> {
    let mut lines = Vec::new();
    let of_grub = |entry: &&mut Entry| entry.kind == Kind::Bls && entry.in_menu.is_some();
    for entry in entries.iter_mut().filter(of_grub) {
        entry.in_menu = Some(lines.len());
        lines.push(BlsLine {
            id: entry
                .id
                .strip_suffix(bls::SUFFIX)
                .unwrap_or(&entry.id)
                .to_owned(),
            title: entry.title.clone(),
        });
    }
    let end = menu
        .default_entry(&lines)
        .map_err(|why| format!("GRUB's default: {why}"))?;
    let Some(end) = end else { return Ok(None) };
    let (kind, at) = match end {
        End::Menu(at) => (Kind::Grub, at),
        End::Bls(at) => (Kind::Bls, at),
    };
    Ok(entries
        .iter()
        .position(|entry| entry.kind == kind && entry.in_menu == Some(at)))
}

/// Entries of the specification come first, and last the kernels that no boot loader knows.
fn group(kind: Kind) -> u8 {
    match kind {
        Kind::Bls | Kind::Uki => 0,
        Kind::Grub => 1,
        Kind::Plain => 2,
    }
}

/// The text of a variable of boot loaders.
pub(super) fn variable(root: &Root, name: &str) -> Option<String> {
    let bytes = efivars::read(root, name, LOADER).ok().flatten()?;
    Some(utf16(&bytes)).filter(|text| !text.is_empty())
}

fn sayings(root: &Root, loader: Option<String>) -> Sayings {
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
        loader,
        one_shot: variable(root, ONE_SHOT),
        chosen: variable(root, "LoaderEntryDefault"),
        last: variable(root, "LoaderEntryLastBooted"),
        pattern,
        ..Sayings::default()
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

/// GRUB's menu.
struct GrubFiles {
    path: PathBuf,
    menu: Menu,
    /// What `next_entry` was before the menu reset it, if that is why its default is what it is.
    next_entry: Option<String>,
}

struct Finder<'m> {
    places: Places<'m>,
    found: Entries,
    /// What GRUB's default depends on and can't be read.
    unread: Option<String>,
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

    /// A text that GRUB's default depends on, if it is there.
    fn grub_text(&mut self, path: &str) -> Option<String> {
        let text = self.text(path);
        if text.is_none() && self.places.root.exists(path) {
            self.unread = Some(format!("/{path} can't be read"));
        }
        text
    }

    fn grub_files(&mut self) -> Option<GrubFiles> {
        let (directory, mut text) = GRUB.iter().find_map(|directory| {
            let text = self.grub_text(&format!("{directory}/grub.cfg"))?;
            Some((*directory, text))
        })?;
        // What grub-mkconfig's 41_custom reads at the end.
        if text.contains("custom.cfg")
            && let Some(custom) = self.grub_text(&format!("{directory}/custom.cfg"))
        {
            text.push('\n');
            text.push_str(&custom);
        }
        let environment = self.grub_text(&format!("{directory}/grubenv"));
        let environment = environment.filter(|text| text.len() <= MAX_ENVIRONMENT);
        let before = Variables::of_environment(&environment.unwrap_or_default());
        let menu = Menu::parse(&text, &before);
        let path = Path::new("/").join(directory).join("grub.cfg");
        if let Some(why) = &menu.problem {
            self.note(&path, format!("{why}; what follows isn't read"));
        }
        let next_entry = before
            .get("next_entry")
            .filter(|next| menu.variables.get("default") == Some(*next))
            .map(str::to_owned);
        Some(GrubFiles {
            path,
            menu,
            next_entry,
        })
    }

    fn add_bls(&mut self, partition: &str, grub: Option<&GrubFiles>) {
        let directory = format!("{partition}/loader/entries");
        let real = |path: &str| self.places.root.join(path).canonicalize().ok();
        // GRUB reads those beside its menu, with its variables in them.
        let grub = grub.filter(|it| it.menu.has_blscfg && real(partition) == real("boot"));
        let variables = grub.map(|it| &it.menu.variables);
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
                Ok(bls) => {
                    // GRUB passes over those without a kernel, and lists the others by their names alone.
                    entry.in_menu = grub.and(bls.linux.as_ref()).map(|_| 0);
                    self.complete_bls(&mut entry, partition, bls);
                }
                Err(why) => entry.problem = Some(why),
            }
            entry.rank.tries_left = name.tries_left;
            if grub.is_some() {
                entry.rank = Rank::default();
            }
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

    fn add_menu(&mut self, grub: &GrubFiles) {
        let entries = (0..).zip(&grub.menu.entries);
        let entries: Vec<Entry> = entries
            .map(|(at, entry)| self.of_menu(&grub.path, at, entry))
            .collect();
        self.found.entries.extend(entries);
    }

    fn of_menu(&self, path: &Path, at: usize, of_menu: &MenuEntry) -> Entry {
        let place = |file: &File| self.places.on_filesystem(&file.filesystem, &file.path);
        let mut way = of_menu.submenus.clone();
        way.push(of_menu.title.clone());
        let mut entry = Entry {
            id: of_menu.name().to_owned(),
            title: of_menu.title.clone(),
            kind: Kind::Grub,
            source: path.to_owned(),
            problem: of_menu.problem.clone(),
            aliases: vec![of_menu.title.clone(), way.join(">")],
            in_menu: Some(at),
            ..Entry::default()
        };
        if let Some(linux) = &of_menu.linux {
            entry.cmdline = Some(of_menu.cmdline.clone());
            let file = linux.path.rsplit('/').next().unwrap_or_default();
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
