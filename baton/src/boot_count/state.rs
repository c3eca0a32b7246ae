//! The count of attempts: plain values in, plain values out.

use crate::machine::running_kernel::Running;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A kernel that was started so often without coming up is given up.
pub const MAX_ATTEMPTS: u32 = 2;
/// How many kernels are remembered.
const MAX_KERNELS: usize = 64;

/// What is kept from boot to boot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// Kernels that were started and didn't come up since, by the SHA-256 of their files.
    pub kernels: BTreeMap<String, Kernel>,
    /// The last attempt, as long as nothing is known of it.
    pub pending: Option<Attempt>,
    /// The boot that was last seen to come up.
    pub watched: Option<String>,
}

/// A kernel that didn't come up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Kernel {
    /// Its entry's ID, or its path.
    pub name: String,
    /// How many times it was started.
    pub attempts: u32,
    /// When it was last, in seconds since 1970.
    pub last: u64,
}

/// A kernel that is about to be started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// The SHA-256 of its file.
    pub digest: String,
    /// The digest that the gate's record has then, as far as that is known.
    #[serde(default)]
    pub judged: Option<String>,
    /// Whether it goes through the gate.
    pub is_through_gate: bool,
    /// Its release, as far as that is known.
    pub release: Option<String>,
    /// The boot that starts it.
    pub boot: String,
}

/// What became of counting an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It was counted: so many attempts there are now.
    Attempts(u32),
    /// It had been counted.
    Already,
    /// Nobody would say in the next boot that it came up.
    NotWatched,
}

impl Attempt {
    /// Whether what runs is what was started.
    fn led_to(&self, running: &Running) -> bool {
        if self.is_through_gate {
            let is_it = |judged: &String| self.judged.as_ref().is_none_or(|own| own == judged);
            return running.judged.as_ref().is_some_and(is_it);
        }
        let is_release = |release: &String| *release == running.release;
        running.by_kexec && self.release.as_ref().is_none_or(is_release)
    }
}

/// What a boot that came up says of the last attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was attempted.
    None,
    /// The kernel of this name came up.
    CameUp(String),
    /// It was never started: the machine is still in the boot that meant to.
    NotStarted(String),
    /// It didn't come up, for the so-manieth time.
    Failed(String, u32),
}

impl State {
    /// Counts an attempt.
    pub fn attempt(&mut self, name: &str, attempt: Attempt, now: u64) -> Counted {
        if self.watched.as_ref() != Some(&attempt.boot) {
            return Counted::NotWatched;
        }
        if self.pending.as_ref() == Some(&attempt) {
            return Counted::Already;
        }
        self.take_back(&attempt.boot);
        let kernel = self
            .kernels
            .entry(attempt.digest.clone())
            .or_insert(Kernel {
                name: String::new(),
                attempts: 0,
                last: now,
            });
        name.clone_into(&mut kernel.name);
        kernel.attempts = kernel.attempts.saturating_add(1);
        kernel.last = now;
        let attempts = kernel.attempts;
        self.pending = Some(attempt);
        self.forget_oldest();
        Counted::Attempts(attempts)
    }

    /// This boot came up.
    pub fn good(&mut self, running: &Running) -> Outcome {
        self.watched = Some(running.boot.clone());
        if let Some(name) = self.take_back(&running.boot) {
            return Outcome::NotStarted(name);
        }
        let Some(attempt) = self.pending.take() else {
            return Outcome::None;
        };
        if attempt.led_to(running) {
            let kernel = self.kernels.remove(&attempt.digest);
            return kernel.map_or(Outcome::None, |it| Outcome::CameUp(it.name));
        }
        let kernel = self.kernels.get(&attempt.digest);
        kernel.map_or(Outcome::None, |it| {
            Outcome::Failed(it.name.clone(), it.attempts)
        })
    }

    /// Takes back an attempt that this boot counted: it wasn't made.
    fn take_back(&mut self, boot: &str) -> Option<String> {
        let attempt = self.pending.take_if(|it| it.boot == boot)?;
        let kernel = self.kernels.get_mut(&attempt.digest)?;
        kernel.attempts = kernel.attempts.saturating_sub(1);
        let name = kernel.name.clone();
        self.kernels.retain(|_, kernel| kernel.attempts > 0);
        Some(name)
    }

    fn forget_oldest(&mut self) {
        while self.kernels.len() > MAX_KERNELS {
            let oldest = self.kernels.iter().min_by_key(|(_, kernel)| kernel.last);
            let Some(digest) = oldest.map(|(digest, _)| digest.clone()) else {
                return;
            };
            self.kernels.remove(&digest);
        }
    }

    /// Whether any kernel is given up.
    #[must_use]
    pub fn gives_up_any(&self) -> bool {
        self.kernels.values().any(Kernel::is_given_up)
    }

    /// A kernel that was started in vain too many times.
    #[must_use]
    pub fn given_up(&self, digest: &str) -> Option<&Kernel> {
        self.kernels.get(digest).filter(|it| it.is_given_up())
    }

    /// Forgets a kernel by its name, or all; gives the names of those that were forgotten.
    pub fn reset(&mut self, name: Option<&str>) -> Vec<String> {
        let is_meant = |kernel: &Kernel| name.is_none_or(|name| kernel.name == name);
        let meant = self.kernels.extract_if(.., |_, kernel| is_meant(kernel));
        let meant: Vec<_> = meant.collect();
        self.pending
            .take_if(|it| meant.iter().any(|(digest, _)| *digest == it.digest));
        meant.into_iter().map(|(_, kernel)| kernel.name).collect()
    }
}

impl Kernel {
    /// Whether it isn't loaded again.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.attempts >= MAX_ATTEMPTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(digest: &str, boot: &str, is_through_gate: bool) -> Attempt {
        Attempt {
            digest: digest.to_owned(),
            judged: is_through_gate.then(|| format!("judged {digest}")),
            is_through_gate,
            release: Some("6.1".to_owned()),
            boot: boot.to_owned(),
        }
    }

    /// A boot by firmware and boot loader.
    fn by_firmware(boot: &str) -> Running {
        Running {
            boot: boot.to_owned(),
            release: "6.1".to_owned(),
            ..Running::default()
        }
    }

    fn by_kexec(boot: &str) -> Running {
        Running {
            by_kexec: true,
            ..by_firmware(boot)
        }
    }

    fn by_gate(boot: &str, judged: &str) -> Running {
        Running {
            judged: Some(judged.to_owned()),
            ..by_kexec(boot)
        }
    }

    /// A state in which boot 1 came up.
    fn watched() -> State {
        let mut state = State::default();
        assert_eq!(state.good(&by_firmware("1")), Outcome::None);
        state
    }

    #[test]
    fn what_the_next_boot_is_decides_what_became_of_an_attempt() {
        let came_up = Outcome::CameUp("a".to_owned());
        let failed = Outcome::Failed("a".to_owned(), 1);
        let other_release = Running {
            release: "6.2".to_owned(),
            ..by_kexec("2")
        };
        for (is_through_gate, next, outcome) in [
            (false, by_kexec("2"), &came_up),
            (false, other_release, &failed),
            (false, by_firmware("2"), &failed),
            (true, by_gate("2", "judged d"), &came_up),
            // What is signed isn't the whole file.
            (true, by_gate("2", "d"), &failed),
            (true, by_gate("2", "other"), &failed),
            (true, by_kexec("2"), &failed),
            (true, by_firmware("2"), &failed),
            (false, by_kexec("1"), &Outcome::NotStarted("a".to_owned())),
        ] {
            let mut state = watched();
            let counted = state.attempt("a", attempt("d", "1", is_through_gate), 7);
            assert_eq!(counted, Counted::Attempts(1));
            assert_eq!(state.good(&next), *outcome, "{next:?}");
            assert_eq!(state.pending, None);
            let is_failed = matches!(outcome, Outcome::Failed(..));
            assert_eq!(state.kernels.contains_key("d"), is_failed, "{next:?}");
        }
    }

    #[test]
    fn where_the_gates_digest_is_not_known_any_of_its_kernels_is_the_one() {
        let mut state = watched();
        let unjudged = Attempt {
            judged: None,
            ..attempt("d", "1", true)
        };
        state.attempt("a", unjudged, 7);
        let next = by_gate("2", "some");
        assert_eq!(state.good(&next), Outcome::CameUp("a".to_owned()));
    }

    #[test]
    fn a_kernel_that_did_not_come_up_twice_is_given_up_until_it_is_reset() {
        let mut state = watched();
        for (boot, next, given_up) in [("1", "2", None), ("2", "3", Some(2))] {
            state.attempt("a", attempt("d", boot, false), 7);
            state.good(&by_firmware(next));
            assert_eq!(state.given_up("d").map(|it| it.attempts), given_up);
            assert_eq!(state.gives_up_any(), given_up.is_some());
        }
        assert_eq!(state.given_up("other"), None);
        assert!(state.reset(Some("b")).is_empty());
        assert_eq!(state.reset(Some("a")), ["a"]);
        assert_eq!(state.given_up("d"), None);
    }

    #[test]
    fn a_machine_that_hangs_in_the_boot_after_counts_too() {
        let mut state = watched();
        state.attempt("a", attempt("d", "1", false), 7);
        // Boot 2 never came up, and boot 3 is by firmware: it wasn't seen when it began.
        assert_eq!(
            state.good(&by_firmware("3")),
            Outcome::Failed("a".to_owned(), 1)
        );
    }

    #[test]
    fn one_that_came_up_in_between_starts_anew() {
        let mut state = watched();
        state.attempt("a", attempt("d", "1", false), 7);
        state.good(&by_firmware("2"));
        state.attempt("a", attempt("d", "2", false), 8);
        assert_eq!(state.good(&by_kexec("3")), Outcome::CameUp("a".to_owned()));
        assert_eq!(state.kernels.len(), 0);
    }

    #[test]
    fn nothing_is_counted_where_nobody_would_say_that_it_came_up() {
        let mut state = State::default();
        let counted = state.attempt("a", attempt("d", "1", false), 7);
        assert_eq!((counted, state), (Counted::NotWatched, State::default()));
        let mut state = watched();
        assert_eq!(
            state.attempt("a", attempt("d", "2", false), 7),
            Counted::NotWatched
        );
    }

    #[test]
    fn an_attempt_is_counted_once_and_another_takes_its_place() {
        let mut state = watched();
        assert_eq!(
            state.attempt("a", attempt("d", "1", false), 7),
            Counted::Attempts(1)
        );
        assert_eq!(
            state.attempt("a", attempt("d", "1", false), 7),
            Counted::Already
        );
        assert_eq!(
            state.attempt("b", attempt("e", "1", false), 7),
            Counted::Attempts(1)
        );
        assert_eq!(state.kernels.len(), 1);
        assert!(state.kernels.contains_key("e"));
    }

    #[test]
    fn no_more_kernels_are_remembered_than_there_is_room_for() {
        let mut state = State::default();
        for number in 0..200_u64 {
            let boot = number.to_string();
            state.good(&by_firmware(&boot));
            state.attempt("a", attempt(&format!("d{number}"), &boot, false), number);
        }
        assert_eq!(state.kernels.len(), MAX_KERNELS);
        assert!(state.kernels.contains_key("d199") && !state.kernels.contains_key("d1"));
    }
}
