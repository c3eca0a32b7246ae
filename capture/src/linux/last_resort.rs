//! Saves a kernel log that no target took: to pstore, which keeps it across the reboot, and to the console.

use baton_sys::Root;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};

/// The most bytes to print on the console: three seconds of a serial line.
const MAX_SHOWN: usize = 32 << 10;

/// How many bytes of the kernel's log pstore saves by default (CONFIG_PSTORE_DEFAULT_KMSG_BYTES).
const DEFAULT_KMSG_BYTES: usize = 10 << 10;

/// How many bytes the kernel's log adds to each line: time and level.
const LINE_OVERHEAD: usize = 24;

/// The longest line that is written to `/dev/kmsg` at once (PRINTKRB_RECORD_MAX of kernel/printk/printk.c,
/// with room for what the kernel adds).
const MAX_LINE: usize = 900;

/// The last lines of a log that fit into `max` bytes, each line counted with `overhead` more bytes.
#[must_use]
pub fn tail(log: &str, max: usize, overhead: usize) -> &str {
    let mut begin = log.len();
    let mut taken = 0;
    for line in log.split_inclusive('\n').rev() {
        taken += line.len() + overhead;
        if taken > max {
            break;
        }
        begin -= line.len();
    }
    log.get(begin..).unwrap_or_default()
}

/// The part of a log to print on the console.
#[must_use]
pub fn shown(log: &str) -> &str {
    tail(log, MAX_SHOWN, 0)
}

/// The backend that pstore writes to; `None` if there is none.
fn backend(root: &Root) -> Option<String> {
    let text = root
        .read_text("sys/module/pstore/parameters/backend")
        .ok()??;
    let name = text.trim();
    (!name.is_empty() && name != "(null)").then(|| name.to_owned())
}

/// Saves the end of a log to pstore by appending it to this kernel's own log, which pstore is set to save when
/// the machine goes down (kmsg_dump of kernel/printk/printk.c; not every backend saves it without a panic).
/// Returns the backend's name and the number of bytes written; `None` if there is no backend.
///
/// # Errors
/// When the kernel's settings or its log can't be written.
pub fn to_pstore(root: &Root, log: &str) -> io::Result<Option<(String, usize)>> {
    let Some(backend) = backend(root) else {
        return Ok(None);
    };
    let max = root.read_number("sys/module/pstore/parameters/kmsg_bytes");
    let max = max.ok().flatten().and_then(|it| usize::try_from(it).ok());
    // Otherwise the kernel accepts only a few lines a second.
    set(root, "proc/sys/kernel/printk_devkmsg", "on")?;
    set(root, "sys/module/printk/parameters/always_kmsg_dump", "Y")?;
    let log = tail(log, max.unwrap_or(DEFAULT_KMSG_BYTES), LINE_OVERHEAD);
    let mut kmsg = OpenOptions::new().write(true).open(root.join("dev/kmsg"))?;
    for line in log.lines() {
        write_line(&mut kmsg, line)?;
    }
    Ok(Some((backend, log.len())))
}

fn set(root: &Root, path: &str, value: &str) -> io::Result<()> {
    let named = |e: io::Error| io::Error::new(e.kind(), format!("/{path}: {e}"));
    std::fs::write(root.join(path), value).map_err(named)
}

/// Writes a line as a debug message, which the console doesn't show.
fn write_line(kmsg: &mut File, line: &str) -> io::Result<()> {
    let end = line.floor_char_boundary(MAX_LINE);
    let line = line.get(..end).unwrap_or_default();
    kmsg.write_all(format!("<7>{line}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_of_whole_lines_and_no_longer_than_it_may_be() {
        let log = "one\ntwo\nthree\n";
        for (max, overhead, expected) in [
            (100, 0, log),
            (14, 0, log),
            (13, 0, "two\nthree\n"),
            (9, 0, "three\n"),
            (5, 0, ""),
            (85, 24, "two\nthree\n"),
            (30, 24, "three\n"),
        ] {
            assert_eq!(tail(log, max, overhead), expected, "{max} {overhead}");
        }
        assert_eq!(tail("no end", 6, 0), "no end");
        assert_eq!(tail("", 6, 0), "");
    }

    #[test]
    fn pstore_is_handed_the_end_of_the_log_line_by_line() {
        let directory = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = directory.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let root = Root::at(directory.path());
        for path in [
            "proc/sys/kernel/printk_devkmsg",
            "sys/module/printk/parameters/always_kmsg_dump",
            "dev/kmsg",
        ] {
            write(path, "");
        }
        assert_eq!(to_pstore(&root, "a\n").unwrap(), None);
        write("sys/module/pstore/parameters/backend", "(null)\n");
        assert_eq!(to_pstore(&root, "a\n").unwrap(), None);
        write("sys/module/pstore/parameters/backend", "efi_pstore\n");
        write("sys/module/pstore/parameters/kmsg_bytes", "1100\n");
        let long = "ü".repeat(600);
        let handed = to_pstore(&root, &format!("{long}\nBUG\nend\n")).unwrap();
        assert_eq!(handed, Some(("efi_pstore".into(), 8)));
        let read = |path: &str| std::fs::read_to_string(directory.path().join(path)).unwrap();
        assert_eq!(read("dev/kmsg"), "<7>BUG\n<7>end\n");
        assert_eq!(read("proc/sys/kernel/printk_devkmsg"), "on");
        assert_eq!(read("sys/module/printk/parameters/always_kmsg_dump"), "Y");
        write("dev/kmsg", "");
        write("sys/module/pstore/parameters/kmsg_bytes", "10240\n");
        to_pstore(&root, &long).unwrap();
        assert_eq!(read("dev/kmsg"), format!("<7>{}\n", "ü".repeat(450)));
    }
}
