//! The end, whatever hangs.
//!
//! Three may take the final action: the program when it is done, the deadline's thread when time is
//! over, and the panic hook. The first one does. A thread that waits for the end sees to it that the
//! machine goes down even if the action itself hangs in a driver.

use crate::config::Finally;
use crate::system::System;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// How long the final action may take before the machine is reset without it: drivers are waited for,
/// and a disk that hangs is given up after half a minute.
pub const GRACE: Duration = Duration::from_secs(45);

/// The final action, taken once.
pub struct End {
    system: Arc<dyn System>,
    finally: Mutex<Finally>,
    /// The kernel log, as long as it is nowhere else.
    unsaved: Mutex<Option<String>>,
    begun: Mutex<bool>,
    changed: Condvar,
}

impl End {
    /// An end that hasn't come, and is a reboot as long as nothing else is said.
    #[must_use]
    pub fn new(system: Arc<dyn System>) -> Arc<End> {
        Arc::new(End {
            system,
            finally: Mutex::new(Finally::Reboot),
            unsaved: Mutex::new(None),
            begun: Mutex::new(false),
            changed: Condvar::new(),
        })
    }

    /// Says which action it is.
    pub fn will(&self, finally: Finally) {
        *self.finally.lock().unwrap_or_else(|it| it.into_inner()) = finally;
    }

    /// Holds the kernel log, for the case that the end comes before a target has it.
    pub fn hold(&self, log: String) {
        *self.unsaved.lock().unwrap_or_else(|it| it.into_inner()) = Some(log);
    }

    /// A target has the log.
    pub fn log_is_saved(&self) {
        *self.unsaved.lock().unwrap_or_else(|it| it.into_inner()) = None;
    }

    /// Takes the action, unless somebody has. On a real machine nothing comes back from it.
    pub fn take(&self, why: &str) {
        {
            let mut begun = self.begun.lock().unwrap_or_else(|it| it.into_inner());
            if *begun {
                return;
            }
            *begun = true;
        }
        self.changed.notify_all();
        let unsaved = self
            .unsaved
            .lock()
            .unwrap_or_else(|it| it.into_inner())
            .take();
        if let Some(log) = unsaved {
            self.system.keep_log(&log);
        }
        let finally = *self.finally.lock().unwrap_or_else(|it| it.into_inner());
        self.system.say(&format!("{why}: {}", words(finally)));
        self.system.finish(finally);
    }

    /// Takes the action when this time is over and it hasn't been taken.
    ///
    /// # Errors
    /// When there is no memory for a thread.
    pub fn after(self: &Arc<Self>, deadline: Duration) -> std::io::Result<()> {
        let end = Arc::clone(self);
        spawn("deadline", move || {
            if !end.comes_within(deadline) {
                end.take(&format!("the deadline of {} s is over", deadline.as_secs()));
            }
        })
    }

    /// Resets the machine this long after the action was begun, if it is still there. To be called
    /// before anything else: later there may be no memory for a thread.
    ///
    /// # Errors
    /// When there is no memory for a thread.
    pub fn insist(self: &Arc<Self>, grace: Duration) -> std::io::Result<()> {
        let end = Arc::clone(self);
        spawn("last resort", move || {
            while !end.comes_within(Duration::from_secs(3600)) {}
            end.system.sleep(grace);
            // A machine that is to stand still does so when it can't be halted, too.
            let finally = *end.finally.lock().unwrap_or_else(|it| it.into_inner());
            if finally != Finally::Halt {
                end.system.force(finally);
            }
        })
    }

    /// Waits for the action to begin.
    fn comes_within(&self, time: Duration) -> bool {
        let begun = self.begun.lock().unwrap_or_else(|it| it.into_inner());
        let waited = self
            .changed
            .wait_timeout_while(begun, time, |begun| !*begun);
        let (begun, _) = waited.unwrap_or_else(|it| it.into_inner());
        *begun
    }
}

/// Small stacks: memory is short.
fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let builder = thread::Builder::new().name(name.to_owned());
    builder.stack_size(128 << 10).spawn(work).map(drop)
}

fn words(finally: Finally) -> &'static str {
    match finally {
        Finally::Reboot => "rebooting",
        Finally::Halt => "halting",
        Finally::Poweroff => "switching off",
    }
}

/// How long one of so many targets may wait for its device, so that the next ones have time, too.
#[must_use]
pub fn patience(left: Duration, targets: usize, most: Duration) -> Duration {
    let targets = u32::try_from(targets).unwrap_or(u32::MAX).saturating_add(1);
    most.min(left.checked_div(targets).unwrap_or(left))
}
