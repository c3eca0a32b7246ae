//! Lists the entries.

use super::args::EntriesArgs;
use super::{Entry, find};
use crate::failure::Result;
use crate::machine::saved_state;
use crate::output::json;

/// Prints them.
///
/// # Errors
/// When what says which there are can't be read.
pub fn run(args: &EntriesArgs) -> Result<()> {
    let root = saved_state::described(args.root.as_deref())?;
    let found = find::entries(&root)?;
    if args.json {
        json::print(&found);
        return Ok(());
    }
    for entry in &found.entries {
        print(entry);
    }
    if found.entries.is_empty() {
        say!("none: neither loader/entries, EFI/Linux, grub.cfg nor /boot/vmlinuz-VERSION");
    }
    if let Some(once) = &found.once {
        say!("the default is for the next boot only: {once}");
    }
    if let Some(why) = &found.default_problem {
        say!("which one is the default isn't known: {why}");
    }
    for note in &found.notes {
        tell!("note: {note}");
    }
    Ok(())
}

fn print(entry: &Entry) {
    let marks = [(entry.is_default, "default"), (entry.is_running, "running")];
    let marks: Vec<&str> = marks
        .iter()
        .filter_map(|(is, it)| is.then_some(*it))
        .collect();
    let marks = match &marks[..] {
        [] => String::new(),
        some => format!("  ({})", some.join(", ")),
    };
    say!("{}{marks}", entry.id);
    say!("  title:        {}", entry.title);
    if let Some(kernel) = &entry.kernel {
        say!("  kernel:       {}", kernel.display());
    }
    for initrd in &entry.initrds {
        say!("  initrd:       {}", initrd.display());
    }
    match &entry.cmdline {
        Some(line) => say!("  command line: {line}"),
        None if entry.problem.is_none() => say!("  command line: as the UKI says"),
        None => {}
    }
    if let Some(left) = entry.tries_left {
        say!("  tries left:   {left} (by the boot loader's count)");
    }
    if let Some(why) = &entry.problem {
        say!("  can't be loaded: {why}");
    }
}
