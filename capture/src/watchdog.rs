//! Feeds the watchdogs that ran when the kernel crashed, so that they don't reset the machine in the middle of a dump. If
//! the program hangs for good, the final action comes first, and after it nobody feeds them.

use crate::deadline::End;
use crate::system::{Feeder, Finally, System};
use std::time::Duration;

/// How often one is fed that doesn't say how long it waits.
const USUAL: Duration = Duration::from_secs(5);
/// No watchdog waits for less than a second.
const OFTENEST: Duration = Duration::from_secs(1);
/// How often they are fed at least.
const LEAST_OFTEN: Duration = Duration::from_secs(10);

/// Feeds the watchdogs with these identities until the final action. Returns what went wrong.
pub fn feed(system: &dyn System, end: &std::sync::Arc<End>, identities: &[String]) -> Vec<String> {
    if identities.is_empty() {
        return Vec::new();
    }
    let (open, mut problems) = open(system, identities);
    let timeouts = open.iter().filter_map(|(timeout, _)| *timeout);
    let interval = interval(timeouts.min());
    let mut feeders: Vec<_> = open.into_iter().map(|(_, feeder)| feeder).collect();
    let started = end.accompany("watchdogs", interval, move |ended| {
        for feeder in &mut feeders {
            // Who isn't fed resets the machine; there is nothing better to be done.
            let _ = match ended {
                // A machine that is to stand still isn't to be reset.
                Some(Finally::Halt | Finally::Poweroff) => feeder.stop(),
                Some(Finally::Reboot) | None => feeder.feed(),
            };
        }
    });
    if let Err(error) = started {
        problems.push(format!("the watchdogs can't be fed: {error}"));
    }
    problems
}

type Open = (Option<Duration>, Box<dyn Feeder>);

fn open(system: &dyn System, identities: &[String]) -> (Vec<Open>, Vec<String>) {
    let found = system.watchdogs();
    let (mut open, mut problems) = (Vec::new(), Vec::new());
    for identity in identities {
        let Some(watchdog) = found.iter().find(|it| it.identity == *identity) else {
            problems.push(format!(
                "the watchdog {identity} isn't there: it may reset the machine"
            ));
            continue;
        };
        match system.open_watchdog(&watchdog.node) {
            Ok(feeder) => {
                system.say(&format!("feeding the watchdog {identity}"));
                open.push((watchdog.timeout, feeder));
            }
            Err(error) => problems.push(format!(
                "the watchdog {identity} can't be opened: {error}; it may reset the machine"
            )),
        }
    }
    (open, problems)
}

/// Thrice in the time that the least patient one waits.
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
