//! The final action.

use super::machine::{Fault, Machine};
use super::*;
use baton_capture::crash::CrashError;
use std::time::Duration;

#[test]
fn a_capture_without_any_target_that_works_ends_too() {
    let machine = Machine::new().with_disk("one", Fault::From(0));
    let machine = capture(machine, &config(2, &["one"]));
    assert_ended(&machine);
    assert!(
        machine
            .said()
            .ends_with("there is no complete dump: powering off")
    );
    assert_eq!(machine.kept_logs(), [crash::LOG]);
}

#[test]
fn a_log_that_a_target_has_is_kept_nowhere_else() {
    let machine = Machine::new().with_disk("one", Fault::None);
    let machine = capture(machine, &config(2, &["one"]));
    assert_eq!(machine.kept_logs(), [""; 0]);
    // The dump fails, and the log is there.
    let machine = Machine::new().with_disk("one", Fault::Full(200_000));
    let machine = capture(machine, &config(2, &["one"]));
    assert!(
        !machine
            .disk("one")
            .directory
            .join(DUMP)
            .join("vmcore")
            .exists()
    );
    assert_eq!(machine.kept_logs(), [""; 0]);
}

#[test]
fn a_bad_configuration_ends_in_a_reboot() {
    for text in [Ok("deadline = 1"), Err(std::io::ErrorKind::NotFound.into())] {
        let machine = Arc::new(Machine::new());
        let system = Arc::clone(&machine) as Arc<dyn System>;
        let text = text.map(str::to_owned);
        run::capture(&system, &machine.end(), text, &|_| unreachable!());
        assert_eq!(machine.finished(), [Finally::Reboot]);
        assert_eq!(machine.said().lines().count(), 2, "{}", machine.said());
    }
}

#[test]
fn a_kernel_that_was_not_started_by_a_crash_ends_too() {
    let machine = Arc::new(Machine::new());
    let system = Arc::clone(&machine) as Arc<dyn System>;
    let config = config(2, &["one"]);
    run::capture(&system, &machine.end(), Ok(config), &|_| {
        let error = std::io::ErrorKind::NotFound.into();
        Err(CrashError::None("/proc/vmcore", error))
    });
    assert_ended(&machine);
    assert!(machine.said().contains("/proc/vmcore can't be opened"));
}

#[test]
fn the_deadline_ends_what_hangs() {
    let machine = Arc::new(Machine::new().with_disk("one", Fault::Hangs));
    let end = machine.end();
    end.will(Finally::Poweroff);
    end.after(Duration::from_millis(200)).unwrap();
    let system = Arc::clone(&machine) as Arc<dyn System>;
    let config = config(2, &["one"]);
    let hung = Arc::clone(&end);
    // It never ends, and goes with the test's process.
    std::thread::spawn(move || {
        run::capture(&system, &hung, Ok(config), &|_| {
            Ok(Box::new(crash::Small::new()))
        });
    });
    machine.wait_for_end();
    assert_eq!(machine.finished(), [Finally::Poweroff]);
    assert_eq!(machine.kept_logs(), [crash::LOG]);
    assert!(
        machine.said().contains("the deadline of 0 s has passed"),
        "{}",
        machine.said()
    );
}

#[test]
fn a_capture_that_does_not_move_any_more_is_given_up() {
    let machine = Arc::new(Machine::new());
    let end = machine.end();
    end.unless_progress(Duration::from_millis(500)).unwrap();
    for _ in 0..12 {
        std::thread::sleep(Duration::from_millis(50));
        end.progressed();
    }
    assert_eq!(machine.finished(), []);
    machine.wait_for_end();
    assert!(
        machine
            .said()
            .contains("nothing was written or read for 0 s"),
        "{}",
        machine.said()
    );
}

#[test]
fn the_final_action_is_taken_once() {
    let machine = Arc::new(Machine::new());
    let end = machine.end();
    end.will(Finally::Halt);
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let end = Arc::clone(&end);
            std::thread::spawn(move || end.take("test"))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(machine.finished(), [Finally::Halt]);
}

#[test]
fn an_action_that_hangs_is_forced() {
    let machine = Arc::new(Machine::new());
    let end = machine.end();
    end.will(Finally::Reboot);
    end.insist(Duration::from_secs(45)).unwrap();
    assert_eq!(machine.forced(), []);
    end.take("test");
    machine.wait_for_force();
    assert_eq!(machine.forced(), [Finally::Reboot]);
}

#[test]
fn each_target_leaves_time_for_the_next() {
    use baton_capture::deadline::device_timeout;
    let seconds = Duration::from_secs;
    assert_eq!(device_timeout(seconds(600), 2, seconds(30)), seconds(30));
    assert_eq!(device_timeout(seconds(30), 2, seconds(30)), seconds(10));
    assert_eq!(
        device_timeout(seconds(30), usize::MAX, seconds(30)).as_secs(),
        0
    );
    assert_eq!(
        device_timeout(Duration::ZERO, 1, seconds(30)),
        Duration::ZERO
    );
}
