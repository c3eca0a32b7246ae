//! Feeds the watchdogs that ran when the kernel crashed, so that they don't reset the machine in the middle of a dump. If
//! the program hangs for good, the final action comes first, and after it nobody feeds them.

use crate::deadline::End;
use crate::system::{Finally, System};
use baton_sys::watchdog::Watchdog;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How often one is fed that doesn't say how long it waits.
const USUAL: Duration = Duration::from_secs(5);
/// No watchdog waits for less than a second.
const OFTENEST: Duration = Duration::from_secs(1);
/// How often they are fed at least.
const LEAST_OFTEN: Duration = Duration::from_secs(10);

/// How long one may take to appear once all modules are loaded: some drivers find their devices later.
const MAX_WAIT: Duration = Duration::from_secs(3);
/// The time between two looks for it.
const INTERVAL: Duration = Duration::from_millis(50);

/// The watchdogs that are to be fed.
pub struct Watchdogs<'a> {
    system: &'a dyn System,
    end: &'a Arc<End>,
    /// The identities of those that aren't there yet.
    missing: Vec<String>,
}

impl<'a> Watchdogs<'a> {
    /// Those with these identities. None is fed yet.
    #[must_use]
    pub fn new(system: &'a dyn System, end: &'a Arc<End>, identities: &[String]) -> Watchdogs<'a> {
        let missing = identities.to_vec();
        Watchdogs {
            system,
            end,
            missing,
        }
    }

    /// Feeds those that are there by now, until the final action. Returns what goes wrong.
    pub fn look(&mut self) -> Vec<String> {
        if self.missing.is_empty() {
            return Vec::new();
        }
        let mut problems = Vec::new();
        let found = self.system.watchdogs();
        self.missing.retain(|identity| {
            let found = found.iter().find(|it| it.identity == *identity);
            let fed = found.map(|watchdog| feed(self.system, self.end, watchdog));
            match fed {
                None | Some(Err(Unfed::NotYet)) => true,
                Some(Err(Unfed::Because(problem))) => {
                    problems.push(problem);
                    false
                }
                Some(Ok(())) => false,
            }
        });
        problems
    }

    /// Waits a little for those that aren't there yet. Returns what goes wrong.
    pub fn wait(mut self) -> Vec<String> {
        let mut problems = Vec::new();
        let begun = self.system.elapsed();
        while !self.missing.is_empty() && self.system.elapsed() < begun + MAX_WAIT {
            self.system.sleep(INTERVAL);
            problems.extend(self.look());
        }
        problems.extend(self.missing.iter().map(|identity| {
            format!(
                "the watchdog {identity} isn't there, so it may reset the machine: name its driver in kernel.modules"
            )
        }));
        problems
    }
}

/// Why a watchdog isn't fed.
enum Unfed {
    /// It has a driver, and no device yet, as IPMI's has until its controller is found.
    NotYet,
    /// For this reason.
    Because(String),
}

/// `ENODEV` and `ENXIO`, include/uapi/asm-generic/errno-base.h.
const NO_DEVICE: [i32; 2] = [19, 6];

fn feed(system: &dyn System, end: &Arc<End>, watchdog: &Watchdog) -> Result<(), Unfed> {
    let identity = &watchdog.identity;
    let mut feeder = system.open_watchdog(&watchdog.node).map_err(|error| {
        let is_missing = error.raw_os_error().is_some_and(|it| NO_DEVICE.contains(&it));
        if is_missing || error.kind() == io::ErrorKind::NotFound {
            return Unfed::NotYet;
        }
        Unfed::Because(format!(
            "the watchdog {identity} can't be opened ({error}), so it may reset the machine; raise its timeout"
        ))
    })?;
    system.say(&format!("feeding the watchdog {identity}"));
    let started = end.accompany("watchdog", interval(watchdog.timeout), move |ended| {
        // Who isn't fed resets the machine; there is nothing better to be done.
        let _ = match ended {
            // A machine that is to stand still isn't to be reset.
            Some(Finally::Halt | Finally::Poweroff) => feeder.stop(),
            Some(Finally::Reboot) | None => feeder.feed(),
        };
    });
    started
        .map_err(|error| Unfed::Because(format!("the watchdog {identity} can't be fed: {error}")))
}

/// Thrice in the time that it waits.
fn interval(timeout: Option<Duration>) -> Duration {
    let interval = timeout.map_or(USUAL, |timeout| timeout / 3);
    interval.clamp(OFTENEST, LEAST_OFTEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_fed_in_time_and_not_all_the_time() {
        let seconds = Duration::from_secs;
        assert_eq!(interval(Some(seconds(15))), seconds(5));
        assert_eq!(interval(Some(seconds(600))), seconds(10));
        assert_eq!(interval(Some(seconds(1))), seconds(1));
        assert_eq!(interval(None), USUAL);
    }
}
