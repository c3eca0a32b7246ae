//! What the log says of the crash.

use super::Record;
use crate::arch;

/// What the kernel says when it gives up (panic, kernel/panic.c).
const PANIC: &str = "Kernel panic - not syncing: ";

/// How what leads to a panic begins, on every architecture: lib/bug.c, kernel/hung_task.c, kernel/watchdog.c,
/// mm/oom_kill.c, drivers/tty/sysrq.c.
const CAUSES: [&str; 7] = [
    "BUG: ",
    "kernel BUG at ",
    "Oops: ",
    "INFO: task ",
    "watchdog: ",
    "Out of memory",
    "sysrq: Trigger a crash",
];

/// What the log says of the crash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Panic {
    /// The message of the panic, without what all of them begin with.
    pub message: Option<String>,
    /// The last line before it that tells of what may have led to it.
    pub cause: Option<String>,
    /// The task that crashed, as the line with the CPU has it: its ID and its name.
    pub task: Option<(u32, String)>,
}

impl Panic {
    /// Looks through the records, oldest first. Of several panics the first counts: others follow from it.
    pub fn find(records: impl Iterator<Item = Record>) -> Panic {
        let mut found = Panic::default();
        let mut said = false;
        for record in records {
            let text = record.shown();
            let line = text.lines().next().unwrap_or_default();
            if let Some(message) = line.strip_prefix(PANIC).filter(|_| !said) {
                found.message = Some(message.to_owned());
                said = true;
            }
            if !said && is_cause(line) {
                found.cause = Some(line.to_owned());
            }
            // A panic's own line comes after its message, an oops's before.
            if let Some(task) = task(line).filter(|_| !said || found.task.is_none()) {
                found.task = Some(task);
            }
        }
        found
    }

    /// The message, or what comes nearest to it.
    #[must_use]
    pub fn summary(&self) -> Option<&str> {
        self.message.as_deref().or(self.cause.as_deref())
    }
}

fn is_cause(line: &str) -> bool {
    let mut causes = CAUSES.into_iter().chain(arch::panic_causes());
    causes.any(|it| line.starts_with(it))
}

/// The task of a line as dump_stack_print_info (lib/dump_stack.c) writes it:
/// `CPU: 1 UID: 0 PID: 77 Comm: sh Not tainted …`. A name may have spaces; what follows it begins with
/// one of a few words.
fn task(line: &str) -> Option<(u32, String)> {
    let rest = line.strip_prefix("CPU: ")?;
    let (_, rest) = rest.split_once(" PID: ")?;
    let (pid, rest) = rest.split_once(" Comm: ")?;
    let ends = [" Kdump: ", " Not tainted ", " Tainted: "];
    let end = ends.iter().filter_map(|it| rest.find(it)).min();
    let name = rest.get(..end.unwrap_or(rest.len()))?;
    Some((pid.trim().parse().ok()?, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> Panic {
        Panic::find(lines.iter().map(|text| Record {
            sequence: 0,
            time: 0,
            facility: 0,
            level: 0,
            caller: 0,
            text: text.as_bytes().to_vec(),
            lost_before: 0,
        }))
    }

    #[test]
    fn a_panic_is_found_with_its_cause_and_task() {
        let found = of(&[
            "BUG: something harmless long ago",
            "sysrq: Trigger a crash",
            "Kernel panic - not syncing: sysrq triggered crash",
            "CPU: 1 UID: 0 PID: 77 Comm: my sh Kdump: loaded Not tainted 6.12 #1",
            "Kernel panic - not syncing: another",
            "CPU: 0 PID: 3 Comm: x Not tainted 6.12 #1",
        ]);
        assert_eq!(found.message.as_deref(), Some("sysrq triggered crash"));
        assert_eq!(found.cause.as_deref(), Some("sysrq: Trigger a crash"));
        assert_eq!(found.task, Some((77, "my sh".to_owned())));
        assert_eq!(found.summary(), Some("sysrq triggered crash"));
    }

    #[test]
    fn an_oops_names_its_task_before_the_panic() {
        let found = of(&[
            "BUG: kernel NULL pointer dereference, address: 0000000000000000",
            "CPU: 1 PID: 9 Comm: worker Tainted: G 5.10 #1",
            "Kernel panic - not syncing: Fatal exception",
            "CPU: 1 PID: 10 Comm: other Tainted: G 5.10 #1",
        ]);
        assert_eq!(found.task, Some((9, "worker".to_owned())));
        assert!(found.cause.unwrap().starts_with("BUG: kernel NULL"));
    }

    #[test]
    fn a_log_without_a_panic_tells_what_comes_nearest() {
        assert_eq!(of(&["usb 1-1: new device"]), Panic::default());
        let found = of(&["watchdog: BUG: soft lockup - CPU#0 stuck for 22s!"]);
        assert!(found.summary().unwrap().starts_with("watchdog: "));
    }
}
