//! What the kernel counts of a running program.

use fs_err as fs;
use std::process::Child;
use std::time::Duration;

use anyhow::{Context, Result};

/// The time that processors spent on all its threads.
pub fn processor_time(child: &Child) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id()))?;
    of_stat(&stat).context("/proc/PID/stat has another form")
}

/// The most memory that it had at once (proc_pid_status(5), VmHWM), in KiB; none once it has ended.
pub fn most_memory(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let most = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    most.split_whitespace().next()?.parse().ok()
}

/// utime and stime (proc_pid_stat(5), fields 14 and 15), after the name, which may hold anything.
fn of_stat(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(
        ticks * 1000 / rustix::param::clock_ticks_per_second(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_a_name_with_brackets() {
        let stat = "7 (a) (b) S 1 2 3 4 5 6 7 8 9 10 150 25 0 0 20 0 3 0";
        let ticks = rustix::param::clock_ticks_per_second();
        let wanted = Duration::from_millis(175 * 1000 / ticks);
        assert_eq!(of_stat(stat), Some(wanted));
        assert_eq!(of_stat("7 (a) S 1 2"), None);
    }
}
