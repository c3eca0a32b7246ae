//! The kernel's log, as `/dev/kmsg` gives it (Documentation/ABI/testing/dev-kmsg).

use crate::Root;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;

/// The most that is read of it, in bytes; the log is smaller by far.
const MAX_LOG: usize = 64 << 20;
/// A record is at most so long (PRINTKRB_RECORD_MAX and the prefix of kernel/printk).
const RECORD: usize = 8 << 10;

/// When the kernel started init, in microseconds since it began itself; `None` where the log doesn't say that any more,
/// or can't be read here.
#[must_use]
pub fn init_started(root: &Root) -> Option<u64> {
    // Without waiting for what will be logged.
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(root.join("dev/kmsg"))
        .ok()?;
    let mut record = vec![0; RECORD];
    let mut len = 0;
    while len < MAX_LOG {
        match file.read(&mut record) {
            Ok(0) => return None,
            Ok(read) => {
                len += read;
                let text = String::from_utf8_lossy(record.get(..read)?);
                if let Some(at) = text.lines().find_map(parse_init_started) {
                    return Some(at);
                }
            }
            // EPIPE: it was overwritten meanwhile, and the next read goes on with what is there.
            Err(e) if matches!(e.kind(), ErrorKind::BrokenPipe | ErrorKind::Interrupted) => {}
            Err(_) => return None,
        }
    }
    None
}

/// The time of a record, if it says that init is run (run_init_process of init/main.c).
#[must_use]
pub fn parse_init_started(record: &str) -> Option<u64> {
    let (prefix, text) = record.split_once(';')?;
    let is_it = text.starts_with("Run ") && text.trim_end().ends_with(" as init process");
    let time = prefix.split(',').nth(2).filter(|_| is_it)?;
    time.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;

    #[test]
    fn the_time_at_which_init_is_run_is_found_in_the_log() {
        let log = "6,1,0,-;Linux version 6.1\n SUBSYSTEM=x\n6,338,5140000,-;Freeing unused memory\n\
                   6,339,5140900,-;Run /init as init process\n7,340,5140901,-;  with arguments:\n";
        let root = TestRoot::new().with("dev/kmsg", log);
        assert_eq!(init_started(&root.root()), Some(5_140_900));
        assert_eq!(init_started(&TestRoot::new().root()), None);
        let without = TestRoot::new().with("dev/kmsg", "6,1,0,-;Linux\n");
        assert_eq!(init_started(&without.root()), None);
    }

    #[test]
    fn other_records_say_nothing_of_it() {
        for record in [
            "",
            ";",
            "6,1,2,-;Run",
            "6,1,2,-;Running /init as init process of another",
            "6,1;Run /init as init process",
            "6,1,x,-;Run /init as init process",
        ] {
            assert_eq!(parse_init_started(record), None, "{record}");
        }
    }
}
