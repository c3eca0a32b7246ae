//! The exit codes: one for each cause a script can act on.

/// Why the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// A file can't be read or written, or a dump lacks some of what it should hold.
    Failed = 1,
    /// The command line is wrong, whether the argument parser finds it or what looks at the files.
    Usage = 2,
    /// Refused: unsigned, badly signed, signed by nobody who is trusted or with a key that isn't accepted, or
    /// against the policy.
    Untrusted = 3,
    /// An input isn't what it has to be: malformed, cut off, empty, or something else.
    Malformed = 4,
    /// The kernel refused for another reason.
    Kernel = 5,
    /// Not permitted here.
    NotPermitted = 6,
    /// No room.
    NoRoom = 7,
    /// Nothing is loaded.
    NothingLoaded = 8,
    /// This system can't do it.
    Unsupported = 9,
    /// A crash wouldn't be captured as configured, or something is in the way of starting another kernel.
    NotReady = 10,
}

/// Every code, in order, with the word that `--json` uses for it and what `--help` says.
pub const TABLE: [(Exit, &str, &str); 11] = [
    (Exit::Done, "done", "done"),
    (
        Exit::Failed,
        "failed",
        "a file can't be read or written, or already exists; a dump is incomplete",
    ),
    (
        Exit::Usage,
        "usage",
        "the command line is wrong: an option in itself, or for the files that are named",
    ),
    (
        Exit::Untrusted,
        "untrusted",
        "refused: unsigned, badly signed, signed by nobody who is trusted or with a key that isn't accepted, or against the policy",
    ),
    (
        Exit::Malformed,
        "malformed",
        "an input is malformed, or isn't what it has to be: an image, a signature, a certificate, a key, a policy, a configuration, a dump, a handover, a command line",
    ),
    (
        Exit::Kernel,
        "kernel",
        "the kernel's system call failed for another reason",
    ),
    (
        Exit::NotPermitted,
        "not-permitted",
        "not permitted: a file's mode, capability, kernel.kexec_load_disabled, load limit, security policy",
    ),
    (
        Exit::NoRoom,
        "no-room",
        "no room: memory, size limits, or no memory reserved for a crash kernel",
    ),
    (Exit::NothingLoaded, "nothing-loaded", "nothing is loaded"),
    (
        Exit::Unsupported,
        "unsupported",
        "this kernel or init system can't do it",
    ),
    (
        Exit::NotReady,
        "not-ready",
        "not ready: a crash now would not be captured as configured, or `baton doctor` found something in the way",
    ),
];

impl Exit {
    /// The process's exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The word for it in `--json`.
    #[must_use]
    pub fn word(self) -> &'static str {
        TABLE
            .iter()
            .find(|(exit, _, _)| *exit == self)
            .map_or("failed", |(_, word, _)| word)
    }
}

/// What `--help` says about exit codes.
#[must_use]
pub fn help() -> String {
    let mut text = String::from("Exit codes:\n");
    for (exit, _, meaning) in TABLE {
        text.push_str(&format!("  {:<2} {meaning}\n", exit.code()));
    }
    text.push_str("With --json an error is {\"error\": {\"code\": WORD, \"reason\": WORD, \"message\": TEXT}} on standard output.");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_every_code_once_and_in_order() {
        for (i, (exit, _, _)) in TABLE.iter().enumerate() {
            assert_eq!(usize::from(exit.code()), i);
        }
    }

    #[test]
    fn the_words_are_distinct() {
        let words: std::collections::HashSet<_> = TABLE.iter().map(|(_, word, _)| word).collect();
        assert_eq!(words.len(), TABLE.len());
        assert_eq!(Exit::NoRoom.word(), "no-room");
    }

    #[test]
    fn the_help_lists_every_code_with_its_meaning() {
        let help = help();
        for (exit, _, meaning) in TABLE {
            assert!(help.contains(&format!("  {:<2} {meaning}\n", exit.code())));
        }
    }
}
