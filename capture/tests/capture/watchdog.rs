//! Watchdogs are fed while a crash is captured.

use super::machine::{Fault, Machine};
use super::{assert_complete, assert_ended, capture, config};
use baton_sys::watchdog::Watchdog;
use std::path::PathBuf;
use std::time::Duration;

fn watchdog(name: &str) -> Watchdog {
    Watchdog {
        identity: name.to_owned(),
        is_active: false,
        timeout: None,
        device: None,
        node: PathBuf::from("/dev").join(name),
    }
}

/// A machine with these watchdogs.
fn machine(names: &[&str]) -> Machine {
    let mut machine = Machine::new().with_disk("one", Fault::None);
    machine.watchdogs = names.iter().map(|name| watchdog(name)).collect();
    machine
}

/// A configuration that names these.
fn feeding(names: &[&str], finally: &str) -> String {
    let config = config(2, &["one"]).replace("\"poweroff\"", &format!("\"{finally}\""));
    format!("watchdogs = {names:?}\n{config}")
}

#[test]
fn those_that_ran_are_fed_to_the_end_and_no_other_is_started() {
    let machine = capture(
        machine(&["iTCO_wdt", "other"]),
        &feeding(&["iTCO_wdt"], "reboot"),
    );
    assert_complete(&machine, "one");
    let fed = machine.fed.lock().unwrap();
    let node = PathBuf::from("/dev/iTCO_wdt");
    // As the capture begins, and once more as the machine goes down.
    assert!(fed.len() >= 2, "{fed:?}");
    assert!(fed.iter().all(|it| *it == (node.clone(), false)), "{fed:?}");
}

#[test]
fn a_machine_that_is_to_stand_still_is_not_reset() {
    for finally in ["halt", "poweroff"] {
        let machine = capture(machine(&["iTCO_wdt"]), &feeding(&["iTCO_wdt"], finally));
        let fed = machine.fed.lock().unwrap();
        assert!(fed.last().unwrap().1, "{finally}: {fed:?}");
    }
}

#[test]
fn one_that_is_not_there_or_does_not_open_is_a_warning() {
    let config = feeding(&["busy", "gone"], "poweroff");
    let machine = capture(machine(&["busy"]), &config);
    assert_ended(&machine);
    let warnings = assert_complete(&machine, "one").warnings.join("; ");
    assert!(
        warnings.contains("the watchdog gone isn't there"),
        "{warnings}"
    );
    assert!(
        warnings.contains("the watchdog busy can't be opened"),
        "{warnings}"
    );
    assert!(machine.fed.lock().unwrap().is_empty());
}

#[test]
fn one_is_fed_before_other_modules_are_loaded() {
    let mut machine = machine(&["iTCO_wdt"]);
    machine.bad_modules.push("/b.ko".into());
    let machine = capture(machine, &feeding(&["iTCO_wdt"], "reboot"));
    let said = machine.said();
    let at = |words: &str| {
        said.find(words)
            .unwrap_or_else(|| panic!("{words}: {said}"))
    };
    assert!(at("feeding the watchdog iTCO_wdt") < at("the module /b.ko can't be loaded"));
}

#[test]
fn one_that_appears_late_is_waited_for_a_little() {
    let late = |seconds| {
        let mut machine = machine(&["iTCO_wdt"]);
        machine.watchdogs_after = Duration::from_secs(seconds);
        let machine = capture(machine, &feeding(&["iTCO_wdt"], "reboot"));
        assert_complete(&machine, "one").warnings.len()
    };
    assert_eq!((late(2), late(60)), (0, 1));
}

#[test]
fn one_whose_device_appears_after_its_driver_is_waited_for_a_little() {
    let late = |seconds| {
        let mut machine = machine(&["ipmi_watchdog"]);
        machine.watchdogs_open_after = Duration::from_secs(seconds);
        let machine = capture(machine, &feeding(&["ipmi_watchdog"], "reboot"));
        assert_complete(&machine, "one").warnings.len()
    };
    assert_eq!((late(2), late(60)), (0, 1));
}

#[test]
fn they_are_fed_while_the_log_goes_to_its_last_resort() {
    let mut machine = Machine::new().with_disk("one", Fault::From(0));
    machine.watchdogs = vec![watchdog("iTCO_wdt")];
    let machine = capture(machine, &feeding(&["iTCO_wdt"], "reboot"));
    assert_eq!(machine.kept_logs().len(), 1);
    let fed = machine.fed.lock().unwrap();
    assert!(fed.len() > machine.fed_until_kept(), "{fed:?}");
}

#[test]
fn where_none_is_named_none_is_opened() {
    let machine = capture(machine(&["iTCO_wdt"]), &config(2, &["one"]));
    assert_complete(&machine, "one");
    assert!(machine.fed.lock().unwrap().is_empty());
}
