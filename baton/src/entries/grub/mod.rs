//! Entries of GRUB's menu, as grub-mkconfig writes it: the blocks `menuentry` and `submenu` of `grub.cfg`.
//!
//! ```text
//! words ─▶ reader ─▶ Menu ─▶ way: what `default` leads to
//!            └─ condition, variables, search, entry
//! ```
//!
//! Of GRUB's language only this is followed: variables, what is compared by `[` and `test`, and which file system `search`
//! is for. What depends on anything else is said to, and isn't loaded; functions aren't followed.

mod condition;
mod entry;
mod reader;
pub mod search;
pub mod variables;
pub mod way;
mod words;

use super::filesystem::Filesystem;
use variables::Variables;

/// A menu.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Menu {
    /// The entries, those of submenus among them, in the order of the file.
    pub entries: Vec<MenuEntry>,
    /// What stands in it.
    pub items: Vec<Item>,
    /// The variables, as they are when it is shown.
    pub variables: Variables,
    /// Whether the entries of `loader/entries` belong to it (`blscfg`).
    pub has_blscfg: bool,
    /// Another script that it reads, which isn't read here.
    pub reads: Option<String>,
    /// What can't be read of the file.
    pub problem: Option<String>,
}

/// A line of a menu.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// Its title.
    pub title: String,
    /// What `--id` says.
    pub id: Option<String>,
    /// Whether conditions decide that it is there.
    pub is_conditional: bool,
    /// What it leads to.
    pub leads_to: LeadsTo,
}

/// What a line of a menu leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeadsTo {
    /// An entry, by its position in [`Menu::entries`].
    Entry(usize),
    /// Another menu.
    Submenu(Vec<Item>),
    /// It stands for the entries of `loader/entries`.
    Bls,
    /// It stands for what another script adds, if it adds anything.
    Others,
}

impl Default for LeadsTo {
    fn default() -> LeadsTo {
        LeadsTo::Entry(0)
    }
}

/// An entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MenuEntry {
    /// Its title.
    pub title: String,
    /// What `--id` says.
    pub id: Option<String>,
    /// The titles of the submenus that it lies in, from the outside.
    pub submenus: Vec<String>,
    /// The kernel.
    pub linux: Option<File>,
    /// The command line.
    pub cmdline: String,
    /// The initrds.
    pub initrds: Vec<File>,
    /// Why it can't be loaded, as far as the menu tells.
    pub problem: Option<String>,
}

/// A file that an entry names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct File {
    /// Where it lies.
    pub filesystem: Filesystem,
    /// Its path there.
    pub path: String,
}

impl MenuEntry {
    /// What it is called: by its ID, or else by its title.
    #[must_use]
    pub fn name(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.title)
    }
}

impl Menu {
    /// Reads a `grub.cfg`, with the variables of the environment block. What is broken in it doesn't hide the entries before.
    #[must_use]
    pub fn parse(text: &str, variables: &Variables) -> Menu {
        reader::read(text, variables.clone())
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
        let file = |path: &str| File {
            filesystem: Filesystem::Uuid(uuid.to_owned()),
            path: path.to_owned(),
        };
        assert_eq!(simple.linux, Some(file("/boot/vmlinuz-6.1.0-13-amd64")));
        assert_eq!(simple.cmdline, format!("root=UUID={uuid} ro quiet"));
        assert_eq!(simple.initrds, [file("/boot/initrd.img-6.1.0-13-amd64")]);
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
    fn the_default_is_what_the_script_makes_of_the_environment() {
        for (text, environment, default) in [
            (DEBIAN, "", Some("0")),
            (DEBIAN, "next_entry=1>1\n", Some("1>1")),
            (FEDORA, "", None),
            (FEDORA, "saved_entry=abc\n", Some("abc")),
            (FEDORA, "saved_entry=abc\nnext_entry=x\n", Some("x")),
            // Fedora's count of boots that didn't succeed.
            (
                FEDORA,
                "saved_entry=abc\nboot_counter=0\nboot_success=0\n",
                Some("1"),
            ),
            (
                FEDORA,
                "saved_entry=abc\nboot_counter=2\nboot_success=0\n",
                Some("abc"),
            ),
        ] {
            let menu = Menu::parse(text, &Variables::of_environment(environment));
            assert_eq!(menu.variables.get("default"), default, "{environment}");
            assert_eq!(menu.variables.get("next_entry"), None);
        }
    }

    #[test]
    fn the_menu_of_fedora_leads_to_the_entries_of_the_specification() {
        let menu = parse(FEDORA);
        assert!(menu.has_blscfg);
        assert_eq!(menu.problem, None);
        let kernelopts = |menu: &Menu| menu.variables.get("kernelopts").map(str::to_owned);
        assert_eq!(
            kernelopts(&menu).as_deref(),
            Some("root=UUID=0f1c2d3e-0000-4000-8000-000000000003 ro rhgb quiet ")
        );
        let own = Menu::parse(FEDORA, &Variables::of_environment("kernelopts=ro\n"));
        assert_eq!(kernelopts(&own).as_deref(), Some("ro"));
    }

    /// Where the kernel of an entry with these commands lies, after these.
    fn filesystem(before: &str, commands: &str) -> Filesystem {
        let menu = parse(&format!(
            "{before}\nmenuentry a {{\n{commands}\nlinux /k\n}}\n"
        ));
        assert_eq!(menu.problem, None, "{commands}");
        menu.entries[0].linux.clone().unwrap().filesystem
    }

    #[test]
    fn files_lie_where_root_is_when_the_command_is_executed() {
        let uuid = |uuid: &str| Filesystem::Uuid(uuid.to_owned());
        let disk = Filesystem::Disk("hd0,gpt2".to_owned());
        for (before, commands, expected) in [
            ("", "", Filesystem::OfMenu),
            ("", "set root='hd0,gpt2'", disk.clone()),
            ("", "root=(hd0,gpt2)", disk),
            (
                "",
                "set root='hd0,gpt2'\nsearch --fs-uuid --set=root 1",
                uuid("1"),
            ),
            (
                "",
                "set root='hd0,gpt2'\nif [ x$feature_platform_search_hint = xy ]; then\n\
                 search --no-floppy --fs-uuid --set=root --hint-bios=hd0,gpt2 1\nelse\n\
                 search --no-floppy --fs-uuid --set=root 1\nfi",
                uuid("1"),
            ),
            ("", "search --fs-uuid --set=boot 1", Filesystem::OfMenu),
            (
                "",
                "search --fs-uuid --set=boot 1\nset root=$boot",
                uuid("1"),
            ),
            ("", "search --fs-uuid 1", Filesystem::OfMenu),
            ("search.fs_uuid 1 root", "", uuid("1")),
            ("search.fs_uuid 1 root", "search.fs_uuid 2 root", uuid("2")),
            (
                "",
                "if [ -f /x ]; then search --fs-uuid --set=root 1; fi",
                Filesystem::Unsettled,
            ),
            (
                "",
                "if [ $grub_platform = pc ]; then search -u -s root 1; else search -u -s root 2; fi",
                Filesystem::Unsettled,
            ),
            (
                "function f {\nsearch --fs-uuid --set=root 1\n}",
                "f",
                Filesystem::OfMenu,
            ),
            ("set root=$unknown", "", Filesystem::Disk(String::new())),
            ("regexp --set=1:root x $cmdpath", "", Filesystem::Unsettled),
        ] {
            assert_eq!(
                filesystem(before, commands),
                expected,
                "{before}; {commands}"
            );
        }
        // What is set after the entry counts, too: it is chosen later.
        let menu = parse("menuentry a {\nlinux /k\n}\nsearch.fs_uuid 1 root\n");
        assert_eq!(
            menu.entries[0].linux.as_ref().unwrap().filesystem,
            uuid("1")
        );
        let menu = parse(
            "submenu s {\nsearch.fs_uuid 2 root\nmenuentry a {\nlinux /k\n}\n}\n\
             menuentry b {\nlinux /k\ninitrd ($dev)/i\n}\nsearch.fs_label 1 dev\n",
        );
        assert_eq!(
            menu.entries[0].linux.as_ref().unwrap().filesystem,
            uuid("2")
        );
        let other = &menu.entries[1];
        assert_eq!(other.linux.as_ref().unwrap().filesystem, Filesystem::OfMenu);
    }

    #[test]
    fn a_disk_may_be_named_by_another_variable_than_root() {
        let menu = parse(
            "menuentry a {\nsearch --set=dev --label data\nlinux ($dev)/k\ninitrd ($root)/i ${dev}/j\n}\n",
        );
        let entry = &menu.entries[0];
        let label = Filesystem::Label("data".to_owned());
        assert_eq!(entry.linux.as_ref().unwrap().filesystem, label);
        let why = entry.problem.as_deref().unwrap();
        assert!(why.contains("names a disk"), "{why}");
    }

    #[test]
    fn conditions_that_the_variables_decide_are_followed() {
        let entry = |environment: &str| {
            let text = "menuentry a {\nif [ \"${initrdfail}\" = 1 ]; then\n\
                linux /k panic=-1\nelse\n  linux /k\n  initrd /i\nfi\n}\n";
            let menu = Menu::parse(text, &Variables::of_environment(environment));
            let entry = menu.entries.into_iter().next().unwrap();
            assert_eq!(entry.problem, None);
            (entry.cmdline, entry.initrds.len())
        };
        assert_eq!(entry(""), (String::new(), 1));
        assert_eq!(entry("initrdfail=1\n"), ("panic=-1".to_owned(), 0));
    }

    #[test]
    fn what_a_condition_shows_or_a_function_would_is_told_apart() {
        let menu = parse(
            "if [ $unset ]; then\nmenuentry never {\nlinux /k\n}\nfi\n\
             function f {\nmenuentry later {\nlinux /k\n}\n}\n\
             function g\n{\nmenuentry later {\nlinux /k\n}\n}\n\
             unknown x {\nmenuentry later {\nlinux /k\n}\n}\n\
             { true; }\n\
             if [ -f /x ]; then menuentry maybe {\nlinux /k\n}\nelse submenu s {\n\
             menuentry inside {\nlinux /k\n}\n}\nfi\n\
             for x in a b; do menuentry $x {\nlinux /k\n}\ndone\n\
             menuentry sure {\nlinux /k\n}\n",
        );
        assert_eq!(menu.problem, None);
        let names: Vec<_> = menu.entries.iter().map(MenuEntry::name).collect();
        assert_eq!(names, ["maybe", "inside", "$x", "sure"]);
        assert!(menu.entries.iter().all(|it| it.problem.is_none()));
        let conditional: Vec<bool> = menu.items.iter().map(|it| it.is_conditional).collect();
        assert_eq!(conditional, [true, true, true, false]);
    }

    #[test]
    fn what_cannot_be_loaded_is_reported_and_hides_nothing() {
        for (commands, words) in [
            ("", "no kernel"),
            ("linux", "names no kernel"),
            ("linux /a x\nlinux /b", "one kernel in place of another"),
            (
                "if [ -f /a ]; then\nlinux /a\nelse\nlinux /b\nfi",
                "conditions",
            ),
            ("if [ -f /a ]; then linux /a; fi", "conditions"),
            ("linux /a\nif cmp /x /y; then initrd /b; fi", "conditions"),
            ("if sleep 1; then true; else linux /b; fi", "conditions"),
            ("while true; do linux /b; done", "conditions"),
            ("if [ $unset ]; then linux /b; fi", "no kernel"),
            ("linux /a\ninitrd newc:init:/x", "newc"),
            ("linux $prefix/vmlinuz", "$prefix"),
            ("read opts\nlinux /vmlinuz $opts", "$opts, which conditions"),
            ("source /other.cfg", "another menu"),
            ("linux (hd0,gpt2)/vmlinuz", "names a disk"),
            ("set d='(hd0,gpt2)'\nlinux $d/vmlinuz", "names a disk"),
            ("set i='/a newc:init:/x'\nlinux /k\ninitrd $i", "newc"),
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
            assert_eq!(menu.problem, None, "{line}");
            menu.entries.into_iter().next().unwrap()
        };
        for (line, cmdline) in [
            ("linux /k a  b # c\n", "a b"),
            ("linux /k 'a b' c", "\"a b\" c"),
            ("linux /k memmap=1G\\$4G", "memmap=1G$4G"),
            ("linux /k 'a$b' \"c\\$d\" e$", "a$b c$d e$"),
            ("set p='a b'\nlinux /k ro $p", "ro a b"),
            ("set p='a b'\nlinux /k \"$p\" x=${p}c", "\"a b\" x=a bc"),
            ("set p=' a b '\nlinux /k x$p", "xa b"),
            ("set p=' a'\nlinux /k \"x$p\"", "\"x a\""),
            ("set p='a b'\nset q=$p\nlinux /k $q", "a"),
            ("set p='a b'\nset q=\"$p\"\nlinux /k $q", "a b"),
            ("set p='a$b'\nlinux /k $p", "a$b"),
            ("set p='/k ro'\nlinux $p quiet", "ro quiet"),
            ("linux /k dyndbg=\\\"x\\\"", "dyndbg=\"x\""),
            ("linux /k a\\\n b", "a b"),
            ("linux ($root)/k $unknown a=${x}b", "a=b"),
            ("linux /k \"\" '{'", "{"),
        ] {
            let entry = entry(line);
            assert_eq!(entry.title, "it's \"a\"");
            assert_eq!(entry.linux.as_ref().unwrap().path, "/k");
            assert_eq!(entry.cmdline, cmdline, "{line}");
        }
        // A comment hides the rest of its line, a brace in it, too.
        let menu = parse("menuentry a { linux /k # c; }\n");
        assert!(menu.problem.unwrap().contains("inside of a block"));
        assert!(menu.entries.is_empty());
    }

    #[test]
    fn a_variable_brings_as_many_initrds_as_it_has_words() {
        let menu = parse(
            "menuentry a {\nset more='/ucode.img /extra.img'\nlinux /k\ninitrd $more /i \"$none\"\n}\n",
        );
        assert_eq!(menu.entries[0].problem, None);
        let initrds = menu.entries[0].initrds.iter();
        let paths: Vec<&str> = initrds.map(|it| it.path.as_str()).collect();
        assert_eq!(paths, ["/ucode.img", "/extra.img", "/i"]);
    }

    #[test]
    fn what_variables_bring_is_bounded() {
        let value = "/i ".repeat(1000);
        for (command, why) in [
            ("linux /k\ninitrd $p", "it has more than 256 initrds"),
            (
                &format!("linux /k {}", "$p ".repeat(40)) as &str,
                "its command line is longer than any kernel takes",
            ),
        ] {
            let menu = parse(&format!("set p='{value}'\nmenuentry a {{\n{command}\n}}\n"));
            let entry = &menu.entries[0];
            assert_eq!(entry.problem.as_deref(), Some(why));
            assert!(entry.initrds.is_empty() && entry.cmdline.is_empty());
        }
    }

    #[test]
    fn the_variable_that_holds_the_option_for_an_id_may_be_quoted() {
        for option in ["--id", "$menuentry_id_option", "\"${menuentry_id_option}\""] {
            let menu = parse(&format!("menuentry a {option} x {{\nlinux /k\n}}\n"));
            assert_eq!(menu.items[0].id.as_deref(), Some("x"), "{option}");
        }
    }

    #[test]
    fn a_title_with_a_dollar_is_shown_as_it_is_written() {
        for title in ["'a $b'", "\"a $b\"", "a\\ \\$b", "\"a \\$b\""] {
            let menu = parse(&format!(
                "menuentry {title} --id {title} {{\nlinux /k\n}}\n"
            ));
            assert_eq!(menu.items[0].title, "a $b", "{title}");
            assert_eq!(menu.entries[0].name(), "a $b", "{title}");
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
            ("fi", "isn't open"),
            ("done", "isn't open"),
            ("else", "belongs to no if"),
            ("if true; then\n}", "isn't open"),
            ("if true; then", "inside of a block"),
            (&format!("menuentry {} {{", "x".repeat(513)), "512 bytes"),
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
        let mut before = 0;
        for at in (0..=DEBIAN.len()).filter(|at| DEBIAN.is_char_boundary(*at)) {
            let cut = parse(&DEBIAN[..at]).entries;
            assert_eq!(cut[..], whole[..cut.len()], "{at}");
            assert!(cut.len() >= before, "{at}");
            before = cut.len();
        }
        assert_eq!(before, whole.len());
    }
}
