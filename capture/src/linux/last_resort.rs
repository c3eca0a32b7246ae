//! Where a kernel log goes that no target took: pstore, which keeps it over the reboot, and the console.

use baton_sys::Root;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};

/// What the console is shown at most: three seconds of a serial line.
const SHOWN: usize = 32 << 10;

/// What pstore takes of the kernel's log by default (CONFIG_PSTORE_DEFAULT_KMSG_BYTES).
const KEPT: usize = 10 << 10;

/// What a line is longer by in the kernel's log: time and level.
const EACH_LINE: usize = 24;

/// The longest line that is written to `/dev/kmsg` at once (PRINTKRB_RECORD_MAX of kernel/printk/printk.c,
/// with room for what the kernel adds).
const LONGEST_LINE: usize = 900;

/// The lines at the end of a log that have no more than so many bytes, each with so much more.
#[must_use]
pub fn tail(log: &str, most: usize, each: usize) -> &str {
    let mut begin = log.len();
    let mut taken = 0;
    for line in log.split_inclusive('\n').rev() {
        taken += line.len() + each;
        if taken > most {
            break;
        }
        begin -= line.len();
    }
    log.get(begin..).unwrap_or_default()
}

/// As much as the console is shown.
#[must_use]
pub fn shown(log: &str) -> &str {
    tail(log, SHOWN, 0)
}

/// The backend that pstore writes to; `None` where there is none.
fn backend(root: &Root) -> Option<String> {
    let text = root
        .read_text("sys/module/pstore/parameters/backend")
        .ok()??;
    let name = text.trim();
    (!name.is_empty() && name != "(null)").then(|| name.to_owned())
}

/// Has pstore keep the end of a log: it becomes the end of this kernel's own, which pstore is told to write when
/// the machine goes down (kmsg_dump of kernel/printk/printk.c; not every backend takes what is no panic). Gives
/// the backend's name, and how many bytes it was handed; `None` where there is no backend.
///
/// # Errors
/// When the kernel doesn't take it.
pub fn to_pstore(root: &Root, log: &str) -> io::Result<Option<(String, usize)>> {
    let Some(backend) = backend(root) else {
        return Ok(None);
    };
    let most = root.read_number("sys/module/pstore/parameters/kmsg_bytes");
    let most = most.ok().flatten().and_then(|it| usize::try_from(it).ok());
    // Else the kernel lets only a few lines a second through.
    set(root, "proc/sys/kernel/printk_devkmsg", "on")?;
    set(root, "sys/module/printk/parameters/always_kmsg_dump", "Y")?;
    let log = tail(log, most.unwrap_or(KEPT), EACH_LINE);
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

/// As a message for debugging, which the console doesn't show.
fn write_line(kmsg: &mut File, line: &str) -> io::Result<()> {
    let end = line.floor_char_boundary(LONGEST_LINE);
    let line = line.get(..end).unwrap_or_default();
    kmsg.write_all(format!("<7>{line}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_of_whole_lines_and_no_longer_than_it_may_be() {
        let log = "one\ntwo\nthree\n";
        for (most, each, expected) in [
            (100, 0, log),
            (14, 0, log),
            (13, 0, "two\nthree\n"),
            (9, 0, "three\n"),
            (5, 0, ""),
            (85, 24, "two\nthree\n"),
            (30, 24, "three\n"),
        ] {
            assert_eq!(tail(log, most, each), expected, "{most} {each}");
        }
        assert_eq!(tail("no end", 6, 0), "no end");
        assert_eq!(tail("", 6, 0), "");
    }

    #[test]
    fn pstore_is_handed_the_end_of_the_log_line_by_line() {
        let folder = std::env::temp_dir().join(format!("baton-pstore-{}", std::process::id()));
        let write = |path: &str, text: &str| {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let root = Root::at(&folder);
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
        let read = |path: &str| std::fs::read_to_string(folder.join(path)).unwrap();
        assert_eq!(read("dev/kmsg"), "<7>BUG\n<7>end\n");
        assert_eq!(read("proc/sys/kernel/printk_devkmsg"), "on");
        assert_eq!(read("sys/module/printk/parameters/always_kmsg_dump"), "Y");
        write("dev/kmsg", "");
        write("sys/module/pstore/parameters/kmsg_bytes", "10240\n");
        to_pstore(&root, &long).unwrap();
        assert_eq!(read("dev/kmsg"), format!("<7>{}\n", "ü".repeat(450)));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
