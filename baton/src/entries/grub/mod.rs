//! Entries of GRUB's menu, as grub-mkconfig writes it: the blocks `menuentry` and `submenu` of `grub.cfg`.
//!
//! GRUB's language isn't interpreted: no condition is evaluated, and an entry whose kernel depends on one isn't loaded.

mod words;

use super::text::Variables;
use words::{Word, Words, is_brace_of_block};

/// How deep blocks may lie in one another.
const MAX_DEPTH: usize = 32;
/// How many entries are read.
const MAX_ENTRIES: usize = 4096;

/// A menu.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Menu {
    /// The entries, those of submenus among them, in the order of the file.
    pub entries: Vec<MenuEntry>,
    /// What `default` is set to, in the order of the file.
    pub defaults: Vec<String>,
    /// What `kernelopts` is set to where the environment has none.
    pub kernelopts: Option<String>,
    /// Whether the entries of `loader/entries` belong to the menu (`blscfg`).
    pub has_blscfg: bool,
    /// What can't be read of the file.
    pub problem: Option<String>,
}

/// An entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MenuEntry {
    /// Its title.
    pub title: String,
    /// What `--id` says.
    pub id: Option<String>,
    /// The submenus that it lies in, from the outside: position, ID and title of each.
    pub submenus: Vec<Step>,
    /// Its position in its menu, from 0.
    pub position: usize,
    /// The UUID of the file system that its paths lie in.
    pub uuid: Option<String>,
    /// The kernel.
    pub linux: Option<String>,
    /// The command line.
    pub cmdline: String,
    /// The initrds.
    pub initrds: Vec<String>,
    /// Why it can't be loaded, as far as the menu tells.
    pub problem: Option<String>,
}

/// One step on the way to an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// Its position in its menu, from 0.
    pub position: usize,
    /// What `--id` says.
    pub id: Option<String>,
    /// Its title.
    pub title: String,
}

impl Step {
    fn is_named(&self, name: &str) -> bool {
        match name.parse::<usize>() {
            Ok(position) => self.position == position,
            Err(_) => self.id.as_deref() == Some(name) || self.title == name,
        }
    }
}

impl MenuEntry {
    /// What it is called: by its ID, or else by its title.
    #[must_use]
    pub fn name(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.title)
    }

    /// Whether a value of `default` leads to it: position, ID or title, of submenus too, with `>` between them.
    #[must_use]
    pub fn is_named(&self, path: &str) -> bool {
        let own = Step {
            position: self.position,
            id: self.id.clone(),
            title: self.title.clone(),
        };
        let steps: Vec<&Step> = self.submenus.iter().chain([&own]).collect();
        let names: Vec<&str> = path.split('>').map(str::trim).collect();
        steps.len() == names.len()
            && steps
                .iter()
                .zip(names)
                .all(|(step, name)| step.is_named(name))
    }
}

impl Menu {
    /// Reads a `grub.cfg`. What is broken in it doesn't hide the entries before.
    #[must_use]
    pub fn parse(text: &str, variables: &Variables) -> Menu {
        let mut reader = MenuReader {
            menu: Menu::default(),
            blocks: Vec::new(),
            positions: vec![0],
            variables,
        };
        let mut words = Words::of(text);
        loop {
            match words.command() {
                Ok(None) => break,
                Ok(Some(command)) => {
                    if let Err(why) = reader.take(&command) {
                        reader.menu.problem = Some(why);
                        return reader.menu;
                    }
                }
                Err(why) => {
                    reader.menu.problem = Some(why);
                    return reader.menu;
                }
            }
        }
        if !reader.blocks.is_empty() {
            // The entry that is cut off may lack anything.
            reader.menu.problem = Some("it ends inside of a block".to_owned());
        }
        reader.menu
    }

    /// What is booted by default: the first of the values that is something, now that the variables are known.
    #[must_use]
    pub fn default_path(&self, variables: &Variables) -> String {
        let values = self.defaults.iter().map(|value| variables.expand(value));
        let set = values.flatten().find(|value| !value.is_empty());
        set.unwrap_or_else(|| "0".to_owned())
    }
}

enum Block {
    Entry(Box<MenuEntry>),
    Submenu(Step),
    Other,
}

struct MenuReader<'v> {
    menu: Menu,
    blocks: Vec<Block>,
    /// How many entries each menu that is open has so far.
    positions: Vec<usize>,
    variables: &'v Variables,
}

impl MenuReader<'_> {
    fn take(&mut self, command: &[Word]) -> Result<(), String> {
        let texts: Vec<&str> = command.iter().map(|word| word.text.as_str()).collect();
        let (Some(first), Some(last)) = (command.first(), command.last()) else {
            return Ok(());
        };
        if first.is_brace("}") {
            return self.close();
        }
        let arguments = texts.get(1..).unwrap_or_default();
        if last.is_brace("{") && is_brace_of_block(command) {
            return self.open(first.text.as_str(), arguments);
        }
        match texts.as_slice() {
            ["blscfg", ..] => self.menu.has_blscfg = true,
            ["set", assignment] => self.set(assignment),
            _ => {}
        }
        if let Some(Block::Entry(entry)) = self.blocks.last_mut() {
            in_entry(entry, &texts, self.variables);
        }
        Ok(())
    }

    fn set(&mut self, assignment: &str) {
        match assignment.split_once('=') {
            Some(("default", value)) if self.menu.defaults.len() < MAX_ENTRIES => {
                self.menu.defaults.push(value.to_owned());
            }
            Some(("kernelopts", value)) => self.menu.kernelopts = Some(value.to_owned()),
            _ => {}
        }
    }

    fn open(&mut self, command: &str, arguments: &[&str]) -> Result<(), String> {
        if self.blocks.len() >= MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} blocks lie in one another"));
        }
        let block = match command {
            "menuentry" => {
                let step = self.step(arguments);
                let submenus = self.blocks.iter().filter_map(|block| match block {
                    Block::Submenu(step) => Some(step.clone()),
                    _ => None,
                });
                Block::Entry(Box::new(MenuEntry {
                    submenus: submenus.collect(),
                    title: step.title,
                    id: step.id,
                    position: step.position,
                    ..MenuEntry::default()
                }))
            }
            "submenu" => {
                let step = self.step(arguments);
                self.positions.push(0);
                Block::Submenu(step)
            }
            _ => Block::Other,
        };
        self.blocks.push(block);
        Ok(())
    }

    /// Title and ID, which stands after `--id` or the variable that holds that option where GRUB has it.
    fn step(&mut self, arguments: &[&str]) -> Step {
        let position = self.positions.last_mut().map_or(0, |count| {
            *count += 1;
            *count - 1
        });
        let mut step = Step {
            position,
            ..Step::default()
        };
        let mut has_title = false;
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match *word {
                "--id" | "$menuentry_id_option" | "${menuentry_id_option}" => {
                    step.id = words.next().map(|id| (*id).to_owned());
                }
                "--class" | "--users" | "--hotkey" | "--source" => {
                    words.next();
                }
                "{" => {}
                option if option.starts_with("--") => {
                    if let Some(id) = option.strip_prefix("--id=") {
                        step.id = Some(id.to_owned());
                    }
                }
                title if !has_title => {
                    has_title = true;
                    step.title = title.to_owned();
                }
                _ => {}
            }
        }
        step
    }

    fn close(&mut self) -> Result<(), String> {
        match self.blocks.pop() {
            None => return Err("it closes a block that isn't open".to_owned()),
            Some(Block::Submenu(_)) => {
                self.positions.pop();
            }
            Some(Block::Entry(entry)) => {
                if self.menu.entries.len() >= MAX_ENTRIES {
                    return Err(format!("it has more than {MAX_ENTRIES} entries"));
                }
                self.menu.entries.push(finished(*entry));
            }
            Some(Block::Other) => {}
        }
        Ok(())
    }
}

fn finished(mut entry: MenuEntry) -> MenuEntry {
    if entry.problem.is_none() && entry.linux.is_none() {
        entry.problem = Some("it starts no kernel".to_owned());
    }
    entry
}

fn in_entry(entry: &mut MenuEntry, words: &[&str], variables: &Variables) {
    let Some((command, arguments)) = words.split_first() else {
        return;
    };
    let problem = match *command {
        "linux" | "linux16" | "linuxefi" if entry.linux.is_some() => {
            Some("its kernel depends on conditions in grub.cfg".to_owned())
        }
        "linux" | "linux16" | "linuxefi" => kernel(entry, arguments, variables).err(),
        "initrd" | "initrd16" | "initrdefi" => initrds(entry, arguments, variables).err(),
        "search" if arguments.iter().any(|it| matches!(*it, "--fs-uuid" | "-u")) => {
            entry.uuid = arguments.last().map(|uuid| (*uuid).to_owned());
            None
        }
        "chainloader" => Some("it starts another boot loader".to_owned()),
        "multiboot" | "multiboot2" | "xen_hypervisor" => Some(
            "it starts no Linux kernel, but one whose modules a manifest must list; name the files yourself"
                .to_owned(),
        ),
        "devicetree" => Some("it wants a device tree, which only a UKI's can be".to_owned()),
        "configfile" => Some("it opens another menu".to_owned()),
        "loopback" => Some("its kernel lies in an image of a disk".to_owned()),
        _ => None,
    };
    if entry.problem.is_none() {
        entry.problem = problem;
    }
}

fn kernel(entry: &mut MenuEntry, arguments: &[&str], variables: &Variables) -> Result<(), String> {
    let mut words = arguments.iter();
    let path = words.next().ok_or("it names no kernel")?;
    entry.linux = Some(on_root(path, variables)?);
    let line: Result<Vec<String>, String> = words.map(|word| variables.expand(word)).collect();
    let line = line?.into_iter().filter(|word| !word.is_empty());
    entry.cmdline = line.map(|word| quoted(&word)).collect::<Vec<_>>().join(" ");
    Ok(())
}

fn initrds(entry: &mut MenuEntry, arguments: &[&str], variables: &Variables) -> Result<(), String> {
    for path in arguments {
        let path = on_root(path, variables)?;
        if !path.is_empty() {
            entry.initrds.push(path);
        }
    }
    Ok(())
}

/// A path on the file system that `root` is set to: the only one that `search` tells of.
fn on_root(path: &str, variables: &Variables) -> Result<String, String> {
    let path = ["($root)", "(${root})"]
        .iter()
        .find_map(|root| path.strip_prefix(root))
        .unwrap_or(path);
    if path.starts_with('(') {
        return Err(format!(
            "it names a disk as GRUB does, which Linux doesn't know: {path}"
        ));
    }
    variables.expand(path)
}

/// A parameter with spaces in it, as the kernel wants it: GRUB writes it that way (grub_create_loader_cmdline).
fn quoted(word: &str) -> String {
    if word.contains(' ') {
        format!("\"{word}\"")
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After what grub-mkconfig of Debian 12 writes.
    pub const DEBIAN: &str = include_str!("../../../tests/fixtures/entries/debian-grub.cfg");
    /// After what grub2-mkconfig of Fedora 41 writes.
    const FEDORA: &str = include_str!("../../../tests/fixtures/entries/fedora-grub.cfg");

    fn parse(text: &str) -> Menu {
        Menu::parse(text, &Variables::default())
    }

    #[test]
    fn the_menu_of_debian_is_read() {
        let menu = parse(DEBIAN);
        assert_eq!(menu.problem, None);
        let names: Vec<_> = menu.entries.iter().map(MenuEntry::name).collect();
        let uuid = "8f1c2d3e-0000-4000-8000-000000000001";
        assert_eq!(
            names,
            [
                &format!("gnulinux-simple-{uuid}") as &str,
                &format!("gnulinux-6.1.0-13-amd64-advanced-{uuid}"),
                &format!("gnulinux-6.1.0-13-amd64-recovery-{uuid}"),
                &format!("gnulinux-6.1.0-9-amd64-advanced-{uuid}"),
                "uefi-firmware",
            ]
        );
        let simple = &menu.entries[0];
        assert_eq!(simple.title, "Debian GNU/Linux");
        assert_eq!(
            simple.linux.as_deref(),
            Some("/boot/vmlinuz-6.1.0-13-amd64")
        );
        assert_eq!(simple.cmdline, format!("root=UUID={uuid} ro quiet"));
        assert_eq!(simple.initrds, ["/boot/initrd.img-6.1.0-13-amd64"]);
        assert_eq!(simple.uuid.as_deref(), Some(uuid));
        assert_eq!(simple.problem, None);
        assert_eq!(
            menu.entries[2].cmdline,
            format!("root=UUID={uuid} ro single")
        );
        assert_eq!(
            menu.entries[4].problem.as_deref(),
            Some("it starts no kernel")
        );
    }

    #[test]
    fn the_default_is_followed_as_grub_does() {
        let menu = parse(DEBIAN);
        let default = |env: &str| {
            let variables = Variables::of_environment(env);
            let default = menu.default_path(&variables);
            let found = menu.entries.iter().find(|it| it.is_named(&default));
            found
                .map(|it| it.cmdline.contains("single"))
                .or((default == "3").then_some(true))
        };
        assert_eq!(default(""), Some(false));
        assert_eq!(default("next_entry=1>1\n"), Some(true));
        for path in [
            "Advanced options for Debian GNU/Linux>Debian GNU/Linux, with Linux 6.1.0-13-amd64 (recovery mode)",
            "gnulinux-advanced-8f1c2d3e-0000-4000-8000-000000000001>gnulinux-6.1.0-13-amd64-recovery-8f1c2d3e-0000-4000-8000-000000000001",
            "1 > 1",
        ] {
            assert!(menu.entries[2].is_named(path), "{path}");
        }
        for path in ["1", "1>0", "1>1>0", "", ">", "x"] {
            assert!(!menu.entries[2].is_named(path), "{path}");
        }
    }

    #[test]
    fn the_menu_of_fedora_leads_to_the_entries_of_the_specification() {
        let menu = parse(FEDORA);
        assert!(menu.has_blscfg);
        assert_eq!(menu.kernelopts.as_deref(), Some("root=UUID=1 ro "));
        let saved = Variables::of_environment("saved_entry=abc-6.11.4-301.fc41.x86_64\n");
        assert_eq!(menu.default_path(&saved), "abc-6.11.4-301.fc41.x86_64");
        assert_eq!(menu.default_path(&Variables::default()), "0");
    }

    #[test]
    fn what_cannot_be_loaded_is_reported_and_hides_nothing() {
        for (commands, words) in [
            ("", "no kernel"),
            ("linux", "names no kernel"),
            ("linux /a x\nlinux /b", "conditions"),
            ("linux (hd0,gpt2)/vmlinuz", "names a disk"),
            (
                "chainloader /EFI/Microsoft/Boot/bootmgfw.efi",
                "another boot loader",
            ),
            ("multiboot2 /boot/xen.gz\nmodule2 /boot/vmlinuz", "manifest"),
            ("linux /vmlinuz\ndevicetree /x.dtb", "device tree"),
            ("linux /vmlinuz $kernelopts", "kernelopts"),
            ("configfile /grub2.cfg", "another menu"),
            ("loopback loop /iso\nlinux (loop)/k", "image of a disk"),
        ] {
            let text =
                format!("menuentry 'a' {{\n{commands}\n}}\nmenuentry b {{\nlinux /k ro\n}}\n");
            let menu = parse(&text);
            assert_eq!(menu.entries.len(), 2, "{commands}");
            let why = menu.entries[0].problem.as_deref().unwrap();
            assert!(why.contains(words), "{commands}: {why}");
            assert_eq!(menu.entries[1].problem, None);
        }
    }

    #[test]
    fn words_are_read_as_grub_reads_them() {
        let entry = |line: &str| {
            let menu = parse(&format!("menuentry \"it's \\\"a\\\"\" {{ {line}; }}\n"));
            menu.entries.into_iter().next()
        };
        for (line, cmdline) in [
            ("linux /k a  b # c", ""),
            ("linux /k 'a b' c", "\"a b\" c"),
            ("linux /k dyndbg=\\\"x\\\"", "dyndbg=\"x\""),
            ("linux /k a\\\n b", "a b"),
            ("linux ($root)/k $unknown a=${x}b", "a=b"),
            ("linux /k \"\" '{'", "{"),
        ] {
            match entry(line) {
                None => assert!(line.contains('#'), "{line}"),
                Some(entry) => {
                    assert_eq!(entry.title, "it's \"a\"");
                    assert_eq!(entry.linux.as_deref(), Some("/k"));
                    assert_eq!(entry.cmdline, cmdline, "{line}");
                }
            }
        }
    }

    #[test]
    fn a_file_that_is_broken_keeps_the_entries_before() {
        let good = "menuentry a { \n linux /k\n}\n";
        for (rest, words) in [
            ("}", "isn't open"),
            ("menuentry 'b {", "quotes"),
            ("menuentry b {\nlinux /x", "inside of a block"),
            ("\\", "backslash"),
        ] {
            let menu = parse(&format!("{good}{rest}"));
            assert_eq!(menu.entries.len(), 1, "{rest}");
            assert!(menu.problem.unwrap().contains(words), "{rest}");
        }
        let deep = "submenu a {\n".repeat(100);
        assert!(parse(&deep).problem.unwrap().contains("32 blocks"));
    }

    #[test]
    fn every_truncation_gives_entries_of_the_whole() {
        let whole = parse(DEBIAN).entries;
        for at in (0..DEBIAN.len()).filter(|at| DEBIAN.is_char_boundary(*at)) {
            let cut = parse(&DEBIAN[..at]).entries;
            assert_eq!(cut[..], whole[..cut.len()], "{at}");
        }
    }
}
