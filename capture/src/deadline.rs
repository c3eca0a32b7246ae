//! The final action, which is taken whatever hangs.
//!
//! The program takes it when it is done, a thread when the time is over or when nothing moves any more, or the panic
//! hook: whichever comes first. Another thread resets the machine if the action itself hangs in a driver.

use crate::system::{Finally, System};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// How long the final action may take before the machine is reset without it. The kernel waits for drivers,
/// and gives up a hanging disk after half a minute.
pub const GRACE: Duration = Duration::from_secs(45);

/// The final action, taken once.
pub struct End {
    system: Arc<dyn System>,
    finally: Mutex<Finally>,
    /// The kernel log, until a target has saved it.
    unsaved: Mutex<Option<String>>,
    begun: Mutex<bool>,
    changed: Condvar,
    /// Grows with each sign of progress.
    progress: AtomicU64,
    companions: Mutex<Companions>,
    companions_changed: Condvar,
}

/// Threads that do something until the action is taken.
#[derive(Default)]
struct Companions {
    /// How many there are.
    count: u32,
    /// They are to do it for the last time.
    leaving: bool,
}

/// How long the action waits for them.
const PATIENCE: Duration = Duration::from_secs(1);

impl End {
    /// The final action, not yet taken: a reboot unless [`End::will`] sets another.
    #[must_use]
    pub fn new(system: Arc<dyn System>) -> Arc<End> {
        Arc::new(End {
            system,
            finally: Mutex::new(Finally::Reboot),
            unsaved: Mutex::new(None),
            begun: Mutex::new(false),
            changed: Condvar::new(),
            progress: AtomicU64::new(0),
            companions: Mutex::default(),
            companions_changed: Condvar::new(),
        })
    }

    /// Sets the action.
    pub fn will(&self, finally: Finally) {
        *self.finally.lock().unwrap_or_else(|it| it.into_inner()) = finally;
    }

    fn finally(&self) -> Finally {
        *self.finally.lock().unwrap_or_else(|it| it.into_inner())
    }

    /// Holds the kernel log in case the action is taken before a target has saved it.
    pub fn hold(&self, log: String) {
        *self.unsaved.lock().unwrap_or_else(|it| it.into_inner()) = Some(log);
    }

    /// Notes that a target has saved the log.
    pub fn log_is_saved(&self) {
        *self.unsaved.lock().unwrap_or_else(|it| it.into_inner()) = None;
    }

    /// Whether no target has saved the log that is held.
    #[must_use]
    pub fn log_is_unsaved(&self) -> bool {
        let unsaved = self.unsaved.lock().unwrap_or_else(|it| it.into_inner());
        unsaved.is_some()
    }

    /// Takes the action unless it has been taken. Doesn't return on a real machine.
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
        self.dismiss_companions();
        let finally = self.finally();
        self.system.say(&format!("{why}: {}", words(finally)));
        self.system.finish(finally);
    }

    /// Takes the action once this time is over, unless it has been taken.
    ///
    /// # Errors
    /// When there is no memory for a thread.
    pub fn after(self: &Arc<Self>, deadline: Duration) -> std::io::Result<()> {
        let end = Arc::clone(self);
        spawn("deadline", move || {
            if !end.comes_within(deadline) {
                end.take(&format!(
                    "the deadline of {} s has passed",
                    deadline.as_secs()
                ));
            }
        })
    }

    /// Notes that something was written or read.
    pub fn progressed(&self) {
        self.progress.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes the action once nothing has been written or read for this long, unless it has been taken.
    ///
    /// # Errors
    /// When there is no memory for a thread.
    pub fn unless_progress(self: &Arc<Self>, timeout: Duration) -> std::io::Result<()> {
        let end = Arc::clone(self);
        spawn("progress", move || {
            let mut last = end.progress.load(Ordering::Relaxed);
            while !end.comes_within(timeout) {
                let now = end.progress.load(Ordering::Relaxed);
                if now == last {
                    let seconds = timeout.as_secs();
                    end.take(&format!("nothing was written or read for {seconds} s"));
                    return;
                }
                last = now;
            }
        })
    }

    /// Does `work` at once and at these intervals until the action is taken, after the log has been kept if it had to be;
    /// and then for the last time, with the action.
    ///
    /// # Errors
    /// When there is no memory for a thread.
    pub fn accompany(
        self: &Arc<Self>,
        name: &str,
        interval: Duration,
        mut work: impl FnMut(Option<Finally>) + Send + 'static,
    ) -> std::io::Result<()> {
        let end = Arc::clone(self);
        end.change_companions(|it| it.count += 1);
        let started = spawn(name, move || {
            work(None);
            while !end.companions_leave_within(interval) {
                work(None);
            }
            work(Some(end.finally()));
            end.change_companions(|it| it.count -= 1);
        });
        if started.is_err() {
            self.change_companions(|it| it.count -= 1);
        }
        started
    }

    fn change_companions(&self, change: impl FnOnce(&mut Companions)) {
        change(&mut self.companions.lock().unwrap_or_else(|it| it.into_inner()));
        self.companions_changed.notify_all();
    }

    fn companions_leave_within(&self, time: Duration) -> bool {
        let it = self.companions.lock().unwrap_or_else(|it| it.into_inner());
        let waited = self
            .companions_changed
            .wait_timeout_while(it, time, |it| !it.leaving);
        waited.unwrap_or_else(|it| it.into_inner()).0.leaving
    }

    /// Waits for them, but not for long.
    fn dismiss_companions(&self) {
        self.change_companions(|it| it.leaving = true);
        let it = self.companions.lock().unwrap_or_else(|it| it.into_inner());
        let waited = self
            .companions_changed
            .wait_timeout_while(it, PATIENCE, |it| it.count > 0);
        drop(waited);
    }

    /// Resets the machine if it is still running this long after the action began. Must be called before
    /// anything else, since later there may be no memory for a thread.
    ///
    /// # Errors
    /// When there is no memory for a thread.
    pub fn insist(self: &Arc<Self>, grace: Duration) -> std::io::Result<()> {
        let end = Arc::clone(self);
        spawn("last resort", move || {
            while !end.comes_within(Duration::from_secs(3600)) {}
            end.system.sleep(grace);
            // A machine that is to halt stands still even if halting fails.
            let finally = end.finally();
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

/// Starts a thread with a small stack, since memory is scarce.
fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let builder = thread::Builder::new().name(name.to_owned());
    builder.stack_size(128 << 10).spawn(work).map(drop)
}

fn words(finally: Finally) -> &'static str {
    match finally {
        Finally::Reboot => "rebooting",
        Finally::Halt => "halting",
        Finally::Poweroff => "powering off",
    }
}

/// How long one target may wait for its device so that each of the remaining `targets` has time, too.
#[must_use]
pub fn device_timeout(left: Duration, targets: usize, max: Duration) -> Duration {
    let targets = u32::try_from(targets).unwrap_or(u32::MAX).saturating_add(1);
    max.min(left.checked_div(targets).unwrap_or(left))
}
