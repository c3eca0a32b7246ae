//! Where the time of a kexec went: noted by the boot that asked for it, and worked out in the next one. Only what was
//! measured is told.

pub mod note;

use crate::calendar;
use crate::failure::Result;
use crate::machine::running_kernel;
use baton_sys::{Root, kmsg};
use note::Asked;
use serde::Serialize;

/// An answer to a question of long ago is none: 1 hour, in milliseconds.
const MAX_SHUTDOWN: u64 = 60 * 60 * 1000;

/// How long the parts of a kexec took, in milliseconds; `None` where that wasn't measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Timing {
    /// From when it was asked for until the kernel's clock began: services are stopped, and the gate verifies.
    pub shutdown_and_gate: Option<u64>,
    /// From there until init was run.
    pub kernel: Option<u64>,
    /// From there until the boot was complete.
    pub init: Option<u64>,
}

/// What is known of it; times are in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Observed {
    /// This boot.
    boot: String,
    /// Since 1970.
    now: u64,
    /// Since the kernel's clock began.
    uptime: Option<u64>,
    /// When a kexec was last asked for.
    asked: Option<Asked>,
    /// When init was run, since the kernel's clock began.
    init_started: Option<u64>,
    /// When the boot was complete, since the kernel's clock began.
    came_up: Option<u64>,
}

impl Observed {
    fn timing(&self) -> Timing {
        let began = self.uptime.and_then(|uptime| self.now.checked_sub(uptime));
        let asked = self.asked.as_ref().filter(|asked| asked.boot != self.boot);
        let until = |began: u64| began.checked_sub(asked?.at);
        Timing {
            shutdown_and_gate: began.and_then(until).filter(|it| *it <= MAX_SHUTDOWN),
            kernel: self.init_started,
            init: self
                .came_up
                .zip(self.init_started)
                .and_then(|(up, init)| up.checked_sub(init)),
        }
    }
}

impl Timing {
    /// Reads it; `None` if this boot didn't begin with a kexec.
    ///
    /// # Errors
    /// When something that is there can't be read.
    pub fn read(root: &Root) -> Result<Option<Timing>> {
        let running = running_kernel::read(root)?;
        if !running.by_kexec && running.judged.is_none() {
            return Ok(None);
        }
        let observed = Observed {
            boot: running.boot,
            now: calendar::now_in_milliseconds(),
            uptime: note::uptime(root),
            asked: Asked::read(root),
            init_started: kmsg::init_started(root).map(|at| at / 1000),
            came_up: note::came_up_at(root),
        };
        Ok(Some(observed.timing()))
    }

    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        let parts = [
            ("shutdown and gate", self.shutdown_and_gate),
            ("kernel", self.kernel),
            ("init", self.init),
        ];
        let words = parts.map(|(what, time)| match time {
            Some(time) => format!("{what} {}.{} s", time / 1000, time % 1000 / 100),
            None => format!("{what} not known"),
        });
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed() -> Observed {
        Observed {
            boot: "2".to_owned(),
            now: 100_000,
            uptime: Some(60_000),
            asked: Some(Asked {
                boot: "1".to_owned(),
                at: 27_600,
            }),
            init_started: Some(1_900),
            came_up: Some(10_050),
        }
    }

    #[test]
    fn each_part_is_the_time_between_two_notes() {
        let timing = observed().timing();
        assert_eq!(
            timing,
            Timing {
                shutdown_and_gate: Some(12_400),
                kernel: Some(1_900),
                init: Some(8_150),
            }
        );
        assert_eq!(
            timing.words(),
            "shutdown and gate 12.4 s, kernel 1.9 s, init 8.1 s"
        );
    }

    #[test]
    fn what_was_not_measured_is_not_known() {
        let asked = |boot: &str, at| {
            Some(Asked {
                boot: boot.to_owned(),
                at,
            })
        };
        for other in [
            None,
            // Of this boot, for the one after.
            asked("2", 27_600),
            // By a clock that was put back.
            asked("1", 50_000),
        ] {
            let timing = Observed {
                asked: other,
                ..observed()
            }
            .timing();
            assert_eq!(timing.shutdown_and_gate, None);
            assert_eq!(timing.kernel, Some(1_900));
        }
        let long_ago = Observed {
            now: 100_000_000,
            ..observed()
        };
        assert_eq!(long_ago.timing().shutdown_and_gate, None);
        let no_log = Observed {
            init_started: None,
            ..observed()
        };
        assert_eq!((no_log.timing().kernel, no_log.timing().init), (None, None));
        assert_eq!(
            Timing::default().words(),
            "shutdown and gate not known, kernel not known, init not known"
        );
    }
}
