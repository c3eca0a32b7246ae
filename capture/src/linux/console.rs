//! The console. A console that doesn't take what is written (a serial line that is held up, a display
//! that is gone) must not hold up the dump, so that a thread of its own writes.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

/// Lines that may wait. What is more is lost.
const WAITING: usize = 128;

/// How long the last lines may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a text that is shown nowhere else may take.
const LONG_PATIENCE: Duration = Duration::from_secs(20);

/// What the thread is told.
enum Order {
    Line(String),
    /// Tell when everything before is written.
    Flush(std::sync::mpsc::Sender<()>),
}

/// Where lines are shown.
pub struct Console {
    orders: Option<SyncSender<Order>>,
}

impl Console {
    /// The last `console=` of the kernel's command line; the kernel's log, where there is none.
    pub fn open() -> Console {
        let open = |path| OpenOptions::new().write(true).open(path).ok();
        let file = open("/dev/console").or_else(|| open("/dev/kmsg"));
        Console {
            orders: file.and_then(start),
        }
    }

    /// Shows a line, sooner or later.
    pub fn say(&self, line: &str) {
        if let Some(orders) = &self.orders {
            // Nobody can be told that there is no telling.
            let _ = orders.try_send(Order::Line(line.to_owned()));
        }
    }

    /// Waits until what was said is shown, but not for long.
    pub fn flush(&self) {
        self.wait(PATIENCE);
    }

    /// Shows a text of many lines, and waits for it.
    pub fn show(&self, text: &str) {
        self.say(text);
        self.wait(LONG_PATIENCE);
    }

    fn wait(&self, patience: Duration) {
        let (done, wait) = channel();
        if let Some(orders) = &self.orders
            && orders.try_send(Order::Flush(done)).is_ok()
        {
            let _ = wait.recv_timeout(patience);
        }
    }
}

fn start(file: File) -> Option<SyncSender<Order>> {
    let (orders, work) = sync_channel(WAITING);
    let builder = thread::Builder::new().name("console".into());
    let thread = builder
        .stack_size(128 << 10)
        .spawn(move || write(file, &work));
    thread.is_ok().then_some(orders)
}

fn write(mut file: File, work: &Receiver<Order>) {
    for order in work {
        match order {
            Order::Line(line) => {
                // One write, so that messages of the kernel don't come in between.
                let line = format!("baton-capture: {}\n", line.replace('\n', "\n  "));
                let _ = file.write_all(line.as_bytes());
            }
            Order::Flush(done) => {
                let _ = done.send(());
            }
        }
    }
}
