//! The console. It may block (a stalled serial line, a display that is gone), which must not delay the dump;
//! so a separate thread writes to it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

/// How many lines may be queued. Further lines are dropped.
const MAX_QUEUED: usize = 128;

/// How long to wait for the last lines.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// How long to wait for a text that is shown nowhere else.
const SHOW_TIMEOUT: Duration = Duration::from_secs(20);

/// A request to the thread.
enum Request {
    Line(String),
    /// Reply once everything before is written.
    Flush(std::sync::mpsc::Sender<()>),
}

/// The console, written to by a thread.
pub struct Console {
    requests: Option<SyncSender<Request>>,
}

impl Console {
    /// Opens the last `console=` of the kernel's command line, or the kernel's log if there is none.
    pub fn open() -> Console {
        let open = |path| OpenOptions::new().write(true).open(path).ok();
        let file = open("/dev/console").or_else(|| open("/dev/kmsg"));
        Console {
            requests: file.and_then(start),
        }
    }

    /// Queues a line.
    pub fn say(&self, line: &str) {
        if let Some(requests) = &self.requests {
            // There is nowhere to report that the console fails.
            let _ = requests.try_send(Request::Line(line.to_owned()));
        }
    }

    /// Waits a short time for the queued lines to be written.
    pub fn flush(&self) {
        self.wait(FLUSH_TIMEOUT);
    }

    /// Prints a text of many lines and waits for it to be written.
    pub fn show(&self, text: &str) {
        self.say(text);
        self.wait(SHOW_TIMEOUT);
    }

    fn wait(&self, timeout: Duration) {
        let (done, wait) = channel();
        if let Some(requests) = &self.requests
            && requests.try_send(Request::Flush(done)).is_ok()
        {
            let _ = wait.recv_timeout(timeout);
        }
    }
}

fn start(file: File) -> Option<SyncSender<Request>> {
    let (requests, work) = sync_channel(MAX_QUEUED);
    let builder = thread::Builder::new().name("console".into());
    let thread = builder
        .stack_size(128 << 10)
        .spawn(move || write(file, &work));
    thread.is_ok().then_some(requests)
}

fn write(mut file: File, work: &Receiver<Request>) {
    for order in work {
        match order {
            Request::Line(line) => {
                // A single write, so that kernel messages don't interrupt the line.
                let line = format!("baton-capture: {}\n", line.replace('\n', "\n  "));
                let _ = file.write_all(line.as_bytes());
            }
            Request::Flush(done) => {
                let _ = done.send(());
            }
        }
    }
}
