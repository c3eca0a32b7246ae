//! What the commands of an entry say: which kernel it starts, with what.

use super::condition::Truth;
use super::variables::{Variables, variable_or_disk};
use super::{File, MenuEntry};

/// The longest command line that is read, in bytes: Linux takes 4 KiB at most. A variable brings it many words.
const MAX_LINE: usize = 64 << 10;
/// How many initrds are read of an entry.
const MAX_INITRDS: usize = 256;
/// What is said where conditions decide.
const CONDITIONS: &str = "its kernel depends on conditions in grub.cfg";

/// Takes a command that is executed, or may be.
pub fn take(entry: &mut MenuEntry, words: &[&str], is_executed: Truth, variables: &Variables) {
    let Some((command, arguments)) = words.split_first() else {
        return;
    };
    let problem = match (*command, is_executed) {
        (_, Truth::No) => None,
        (
            "linux" | "linux16" | "linuxefi" | "initrd" | "initrd16" | "initrdefi",
            Truth::Maybe,
        ) => Some(CONDITIONS.to_owned()),
        ("linux" | "linux16" | "linuxefi", _) if entry.linux.is_some() => {
            Some("it starts one kernel in place of another".to_owned())
        }
        ("linux" | "linux16" | "linuxefi", _) => kernel(entry, arguments, variables).err(),
        ("initrd" | "initrd16" | "initrdefi", _) => initrds(entry, arguments, variables).err(),
        ("chainloader", _) => Some("it starts another boot loader".to_owned()),
        ("multiboot" | "multiboot2" | "xen_hypervisor", _) => Some(
            "it starts no Linux kernel, but one whose modules a manifest must list; name the files yourself"
                .to_owned(),
        ),
        ("devicetree", _) => Some("it wants a device tree, which only a UKI's can be".to_owned()),
        ("configfile" | "source" | ".", _) => Some("it opens another menu".to_owned()),
        ("loopback", _) => Some("its kernel lies in an image of a disk".to_owned()),
        _ => None,
    };
    if entry.problem.is_none() {
        entry.problem = problem;
    }
}

/// The entry when all of it has been read.
#[must_use]
pub fn finished(mut entry: MenuEntry) -> MenuEntry {
    if entry.problem.is_none() && entry.linux.is_none() {
        entry.problem = Some("it starts no kernel".to_owned());
    }
    entry
}

fn kernel(entry: &mut MenuEntry, arguments: &[&str], variables: &Variables) -> Result<(), String> {
    let (path, parameters) = arguments.split_first().ok_or("it names no kernel")?;
    let (kernel, mut line) = file(path, variables)?;
    let mut len = 0usize;
    for word in parameters {
        for word in variables.words(word)? {
            len = len.saturating_add(word.len());
            line.push(word);
        }
        if len > MAX_LINE {
            return Err("its command line is longer than any kernel takes".to_owned());
        }
    }
    let line = line.iter().filter(|word| !word.is_empty());
    entry.linux = Some(kernel);
    entry.cmdline = line.map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    Ok(())
}

/// The last such command counts, as for GRUB.
fn initrds(entry: &mut MenuEntry, arguments: &[&str], variables: &Variables) -> Result<(), String> {
    entry.initrds.clear();
    for word in arguments {
        let (first, others) = file(word, variables)?;
        let others = others.into_iter().map(|path| File {
            filesystem: variables.filesystem("root"),
            path,
        });
        let files = [first].into_iter().chain(others);
        for file in files.filter(|it| !it.path.is_empty()) {
            if file.path.starts_with("newc:") {
                return Err("GRUB puts its initrd together (newc:)".to_owned());
            }
            on_named_disk(&file.path)?;
            entry.initrds.push(file);
        }
        if entry.initrds.len() > MAX_INITRDS {
            entry.initrds.clear();
            return Err(format!("it has more than {MAX_INITRDS} initrds"));
        }
    }
    Ok(())
}

/// A path, on the file system that it names by a variable, or else on the one that `root` is set to; and the words that a
/// variable brings after it.
fn file(word: &str, variables: &Variables) -> Result<(File, Vec<String>), String> {
    let (disk, path) = match variable_or_disk(word) {
        (Some(disk), rest) if word.starts_with('(') => (disk, rest),
        _ => ("root", word),
    };
    let mut words = variables.words(path)?;
    let file = File {
        filesystem: variables.filesystem(disk),
        path: words.next().unwrap_or_default(),
    };
    on_named_disk(&file.path)?;
    Ok((file, words.collect()))
}

/// Refuses a path that names a disk.
fn on_named_disk(path: &str) -> Result<(), String> {
    if !path.starts_with('(') {
        return Ok(());
    }
    Err(format!(
        "it names a disk as GRUB does, which Linux doesn't know: {path}"
    ))
}

/// A parameter with spaces in it, as the kernel wants it: GRUB writes it that way (grub_create_loader_cmdline).
fn quoted(word: &str) -> String {
    if word.contains(' ') {
        format!("\"{word}\"")
    } else {
        word.to_owned()
    }
}
