//! A capture from its beginning to its end: targets one after another, then the final action.

use crate::checksum::{Checksum, Checksummed};
use crate::config::Config;
use crate::crash::{Crash, CrashError, Facts};
use crate::deadline::{End, device_timeout};
use crate::digest;
use crate::dump::Dump;
use crate::fence_kdump;
use crate::movement::{Moving, MovingSource};
use crate::name;
use crate::periodic_sync::PeriodicSync;
use crate::progress::Progress;
use crate::summary::{CrashSummary, Failed, Memory, Seconds, Summary};
use crate::system::System;
use crate::target::{FilesystemTarget, Job, Target, TargetError, TargetWriter, WrittenDump};
use crate::watchdog::Watchdogs;
use baton_kdump::convert::Summary as Written;
use baton_kdump::write::{Observer, Phase};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The longest wait for a device, if the deadline allows it. Disks behind some controllers take this long to
/// spin up.
const MAX_DEVICE_WAIT: Duration = Duration::from_secs(30);

/// Opens the crash, to be dumped like this. Called once the modules are loaded and the deadline runs.
pub type Open<'o> = dyn Fn(&Dump) -> Result<Box<dyn Crash>, CrashError> + 'o;

/// Captures the crash as configured, then takes the final action. Returns only in tests.
pub fn capture(
    system: &Arc<dyn System>,
    end: &Arc<End>,
    config: io::Result<String>,
    open: &Open<'_>,
) {
    let config = config
        .map_err(|error| error.to_string())
        .and_then(|text| Config::parse(&text).map_err(|error| error.to_string()));
    let why = match config {
        Ok(config) => configured(system, end, &config, open),
        Err(error) => {
            system.say(&error);
            "there is no valid configuration"
        }
    };
    end.take(why);
}

fn configured(
    system: &Arc<dyn System>,
    end: &Arc<End>,
    config: &Config,
    open: &Open<'_>,
) -> &'static str {
    end.will(config.finally);
    if let Err(error) = end.after(time(config)) {
        system.say(&format!("the deadline can't be set: {error}"));
    }
    let timeout = Duration::from_secs(config.progress_timeout.get().into());
    if let Err(error) = end.unless_progress(timeout) {
        system.say(&format!("the timeout can't be set: {error}"));
    }
    let mut capture = Capture::new(&**system, end, config);
    capture.load_modules();
    capture.tell_cluster(system);
    if capture.run(open) {
        "the dump is complete"
    } else {
        "there is no complete dump"
    }
}

/// The time for the whole capture.
fn time(config: &Config) -> Duration {
    Duration::from_secs(config.deadline.get().into())
}

/// A capture in progress.
struct Capture<'a> {
    system: &'a dyn System,
    end: &'a Arc<End>,
    config: &'a Config,
    summary: Summary,
    memory: Mutex<Memory>,
}

impl<'a> Capture<'a> {
    fn new(system: &'a dyn System, end: &'a Arc<End>, config: &'a Config) -> Capture<'a> {
        let (available, _) = system.memory();
        Capture {
            system,
            end,
            config,
            summary: Summary::default(),
            memory: Mutex::new(Memory {
                available_at_start: available,
                min_available: available,
                peak_resident: None,
            }),
        }
    }

    /// Tries the targets in turn. Returns whether one has a complete dump.
    fn run(mut self, open: &Open<'_>) -> bool {
        let crash = match open(&self.config.dump) {
            Ok(crash) => crash,
            Err(error) => {
                self.system.say(&error.to_string());
                return false;
            }
        };
        self.summary.crash = about(crash.facts());
        self.introduce();
        for flaw in crash.flaws() {
            self.warn(flaw);
        }
        let log = self.log(&*crash);
        self.end.hold(log.clone());
        let targets = &self.config.target;
        let after = usize::from(self.config.log.is_some());
        let left = (1..=targets.len()).rev().map(|left| left + after);
        let mut attempts = targets.iter().zip(left);
        let is_dumped = attempts.any(|(target, left)| self.attempt(target, &*crash, &log, left));
        if self.end.log_is_unsaved()
            && let Some(place) = &self.config.log
        {
            self.save_log_alone(place, crash.facts(), &log);
        }
        is_dumped
    }

    /// Saves the log where there is no dump.
    fn save_log_alone(&mut self, place: &FilesystemTarget, facts: &Facts, log: &str) {
        self.system
            .say(&format!("saving the kernel log to {place}"));
        self.end.progressed();
        self.summary.target = place.to_string();
        self.summary.error = Some("this place is for the kernel log alone".to_owned());
        let job = Job {
            max_size: 0,
            ..self.job(facts, 1)
        };
        self.measure();
        let summary = &self.summary;
        match place.save_log(self.system, &job, log, || summary.to_json()) {
            Ok(remarks) => {
                self.end.log_is_saved();
                self.system.say("the kernel log is saved");
                remarks.iter().for_each(|remark| self.system.say(remark));
            }
            Err(error) => self.system.say(&format!("failed: {error}")),
        }
    }

    /// Loads the modules, and feeds each watchdog from the moment at which its driver is there.
    fn load_modules(&mut self) {
        let (system, end, config) = (self.system, self.end, self.config);
        let mut watchdogs = Watchdogs::new(system, end, &config.watchdogs);
        self.warn_of(watchdogs.look());
        for module in &config.modules {
            let module = module.path();
            if let Err(error) = system.load_module(module) {
                let warning = format!("the module {} can't be loaded: {error}", module.display());
                self.warn(warning);
            }
            self.warn_of(watchdogs.look());
        }
        self.warn_of(watchdogs.wait());
    }

    /// Its nodes wait for that before they do anything to a node that is silent.
    fn tell_cluster(&mut self, system: &Arc<dyn System>) {
        if let Some(nodes) = &self.config.fence_kdump {
            self.warn_of(fence_kdump::start(system, self.end, nodes));
        }
    }

    fn warn_of(&mut self, warnings: Vec<String>) {
        warnings.into_iter().for_each(|warning| self.warn(warning));
    }

    fn introduce(&self) {
        let crash = &self.summary.crash;
        let unknown = || "an unknown kernel".to_owned();
        let kernel = crash.kernel.clone().unwrap_or_else(unknown);
        let time = crash.time.clone().unwrap_or_default();
        self.system.say(&format!("{kernel} crashed {time}"));
        if let Some(panic) = &crash.panic {
            self.system.say(panic);
        }
    }

    fn log(&mut self, crash: &dyn Crash) -> String {
        match crash.log() {
            Ok(log) => log.to_owned(),
            Err(error) => {
                self.warn(error.to_string());
                format!("{error}\n")
            }
        }
    }

    fn warn(&mut self, warning: String) {
        self.system.say(&warning);
        self.summary.warnings.push(warning);
    }

    /// Tries a target and unmounts it, whether it succeeds or fails.
    fn attempt(&mut self, target: &Target, crash: &dyn Crash, log: &str, left: usize) -> bool {
        let target = target.kind();
        self.system.say(&format!("dumping to {target}"));
        self.end.progressed();
        self.summary.target = target.to_string();
        self.summary.error = None;
        self.summary.dump = None;
        self.summary.sha256 = None;
        self.summary.seconds = Seconds::default();
        let mut writer = target.writer(self.system);
        let result = self.dump(&mut *writer, crash, log, left);
        if let Err(error) = &result {
            self.failed(&mut *writer, error);
        }
        let closed = writer.close();
        if let Err(error) = &closed {
            self.system.say(&error.to_string());
        }
        // The dump has been synced, so it is safe even if unmounting fails.
        result.is_ok()
    }

    fn failed(&mut self, target: &mut dyn TargetWriter, error: &TargetError) {
        let error = error.to_string();
        self.system.say(&format!("failed: {error}"));
        self.summary.complete = false;
        self.summary.error = Some(error.clone());
        self.measure();
        target.fail(&self.summary.to_json());
        self.summary.failed_targets.push(Failed {
            target: self.summary.target.clone(),
            error,
        });
    }

    fn dump(
        &mut self,
        target: &mut dyn TargetWriter,
        crash: &dyn Crash,
        log: &str,
        left: usize,
    ) -> Result<(), TargetError> {
        let begun = self.system.elapsed();
        for warning in target.prepare(&self.job(crash.facts(), left))? {
            self.warn(warning);
        }
        target.save_log(log)?;
        self.end.log_is_saved();
        self.end.progressed();
        self.system.say("the kernel log is saved");
        self.summary.seconds.prepare = self.since(begun);

        let begun = self.system.elapsed();
        let (written, checksum) = self.write(target, crash)?;
        self.summary.seconds.dump = self.since(begun);
        self.describe(&written);

        let begun = self.system.elapsed();
        let sha256 = if self.config.read_back {
            target.unverified(written.bytes)?;
            Some(self.read_back(target, written.bytes, checksum)?)
        } else {
            None
        };
        self.summary.seconds.read_back = self.since(begun);
        self.summary.sha256.clone_from(&sha256);
        self.summary.complete = true;
        self.measure();
        let remarks = target.finish(&WrittenDump {
            length: written.bytes,
            sha256,
            summary: self.summary.to_json(),
        })?;
        for remark in remarks {
            self.system.say(&remark);
        }
        self.say_size(&written);
        Ok(())
    }

    fn job(&self, facts: &Facts, left: usize) -> Job {
        let deadline = time(self.config);
        let time_left = deadline.saturating_sub(self.system.elapsed());
        Job {
            time: facts.time.unwrap_or_else(|| self.system.clock()),
            max_size: facts.memory,
            keep: usize::try_from(self.config.keep.get()).unwrap_or(usize::MAX),
            device_timeout: device_timeout(time_left, left, MAX_DEVICE_WAIT),
        }
    }

    fn write(
        &self,
        target: &mut dyn TargetWriter,
        crash: &dyn Crash,
    ) -> Result<(Written, Checksum), TargetError> {
        let output = Moving {
            inner: target.output()?,
            end: self.end,
        };
        let output = PeriodicSync::new(&output);
        let summed = Checksummed::new(&output);
        let watch = Watch {
            capture: self,
            output: &output,
            progress: Mutex::new(Progress::default()),
        };
        let written = crash.write(&summed, &watch)?;
        output
            .sync()
            .map_err(|error| CrashError::Write(error.into()))?;
        Ok((written, summed.checksum()))
    }

    /// Reads the dump from the disk. Returns its SHA-256.
    fn read_back(
        &self,
        target: &dyn TargetWriter,
        length: u64,
        checksum: Checksum,
    ) -> Result<String, TargetError> {
        self.system.say("reading it back");
        let source = MovingSource {
            inner: target.written()?,
            end: Arc::clone(self.end),
        };
        let read = digest::read(&source, length).map_err(TargetError::ReadBack)?;
        if read.checksum == checksum {
            Ok(read.sha256)
        } else {
            Err(TargetError::Altered)
        }
    }

    fn describe(&mut self, written: &Written) {
        for warning in &written.warnings {
            self.system.say(&warning.to_string());
        }
        self.summary.dump = Some(written.clone());
    }

    fn say_size(&self, written: &Written) {
        self.system.say(&format!(
            "{} pages of {} in {} KiB, after {:.1} s",
            written.pages.dumped,
            written.pages.present,
            written.bytes.div_ceil(1024),
            self.summary.seconds.total,
        ));
    }

    fn since(&self, begun: Duration) -> f64 {
        self.system.elapsed().saturating_sub(begun).as_secs_f64()
    }

    fn measure(&mut self) {
        self.look_at_memory();
        self.summary.memory = *self.memory.lock().unwrap_or_else(|it| it.into_inner());
        self.summary.seconds.total = self.system.elapsed().as_secs_f64();
    }

    fn look_at_memory(&self) {
        let (available, peak) = self.system.memory();
        let mut memory = self.memory.lock().unwrap_or_else(|it| it.into_inner());
        memory.min_available = memory.min_available.into_iter().chain(available).min();
        memory.peak_resident = memory.peak_resident.max(peak);
    }
}

fn about(facts: &Facts) -> CrashSummary {
    CrashSummary {
        time: facts.time.map(name::time),
        kernel: facts.kernel.clone(),
        panic: facts.panic.clone(),
    }
}

/// Observes the dump while it is written.
struct Watch<'a> {
    capture: &'a Capture<'a>,
    output: &'a PeriodicSync<'a>,
    progress: Mutex<Progress>,
}

impl Observer for Watch<'_> {
    fn progress(&self, phase: Phase, done: u64, total: u64) {
        self.capture.end.progressed();
        let now = self.capture.system.elapsed();
        // Another thread is printing a line already; one is enough.
        let Ok(mut progress) = self.progress.try_lock() else {
            return;
        };
        if let Some(line) = progress.line(now, words(phase), done, total) {
            self.capture.system.say(&line);
            self.capture.look_at_memory();
        }
    }

    /// Syncs each early phase before the next begins; later, [`PeriodicSync`] does.
    fn checkpoint(&self, phase: Phase) -> io::Result<()> {
        match phase {
            Phase::Pages => Ok(()),
            _ => self.output.sync(),
        }
    }
}

fn words(phase: Phase) -> &'static str {
    match phase {
        Phase::Headers => "writing the headers",
        Phase::Choosing => "choosing pages",
        Phase::Log => "writing the kernel log",
        Phase::Stacks => "writing stacks",
        Phase::Pages => "writing pages",
        Phase::End => "finishing the dump",
    }
}
