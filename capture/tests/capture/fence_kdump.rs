//! The nodes of a cluster are told of a capture.

use super::crash::Small;
use super::machine::{Fault, Machine};
use super::{assert_complete, capture, config};
use baton_capture::fence_kdump::message;
use baton_capture::run;
use baton_capture::system::System;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Two nodes, one of them behind a router.
const NODES: &str = "[fence-kdump]\ninterval = 1\n\
    [[fence-kdump.node]]\naddress = \"192.0.2.7:7410\"\ncard = \"52:54:00:12:34:56\"\nsource = \"192.0.2.5/24\"\n\
    [[fence-kdump.node]]\naddress = \"198.51.100.9:7410\"\ncard = \"52:54:00:12:34:56\"\nsource = \"192.0.2.5/24\"\n\
    gateway = \"192.0.2.1\"\n";

/// How often each node was told.
fn counted(machine: &Machine) -> [usize; 2] {
    let told = machine.told.lock().unwrap();
    assert!(told.iter().all(|(_, it)| *it == message()), "{told:?}");
    ["192.0.2.7:7410", "198.51.100.9:7410"].map(|node| {
        let node = node.parse().unwrap();
        told.iter().filter(|(to, _)| *to == node).count()
    })
}

#[test]
fn each_node_is_told_again_and_again_until_the_end_also_by_a_card_that_comes_late() {
    let machine = Arc::new(Machine::new().with_disk("one", Fault::None));
    let system = Arc::clone(&machine) as Arc<dyn System>;
    let config = format!("{}{NODES}", config(2, &["one"]));
    run::capture(&system, &machine.end(), Ok(config), &|_| {
        // A dump takes its time, in which each is told twice more.
        thread::sleep(Duration::from_millis(2500));
        Ok(Box::new(Small::new()))
    });
    assert_complete(&machine, "one");
    let told = counted(&machine);
    assert!(told.iter().all(|count| *count >= 2), "{told:?}");
    let said = machine.said();
    assert!(said.contains("can't be told of the capture"), "{said}");
    assert!(said.contains("telling 192.0.2.7:7410"), "{said}");
    assert!(said.contains("telling 198.51.100.9:7410"), "{said}");
    thread::sleep(Duration::from_millis(1500));
    assert_eq!(counted(&machine), told);
}

#[test]
fn without_nodes_nobody_is_told() {
    let machine = Machine::new().with_disk("one", Fault::None);
    let machine = capture(machine, &config(2, &["one"]));
    assert!(machine.told.lock().unwrap().is_empty());
}
