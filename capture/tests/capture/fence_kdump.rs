//! The nodes of a cluster are told of a capture.

use super::machine::{Fault, Machine};
use super::{assert_complete, capture, config};
use baton_capture::fence_kdump::message;

/// Two nodes, one of them behind a router.
const NODES: &str = "[fence-kdump]\ninterval = 1\n\
    [[fence-kdump.node]]\naddress = \"192.0.2.7:7410\"\ncard = \"52:54:00:12:34:56\"\nsource = \"192.0.2.5/24\"\n\
    [[fence-kdump.node]]\naddress = \"198.51.100.9:7410\"\ncard = \"52:54:00:12:34:56\"\nsource = \"192.0.2.5/24\"\n\
    gateway = \"192.0.2.1\"\n";

#[test]
fn each_node_is_told_and_what_fails_is_said_and_stops_nothing() {
    let machine = Machine::new().with_disk("one", Fault::None);
    let machine = capture(machine, &format!("{}{NODES}", config(2, &["one"])));
    assert_complete(&machine, "one");
    let told = machine.told.lock().unwrap();
    for node in ["192.0.2.7:7410", "198.51.100.9:7410"] {
        let node = node.parse().unwrap();
        assert!(told.contains(&(node, message().to_vec())), "{told:?}");
    }
    let said = machine.said();
    assert!(said.contains("can't be told of the capture"), "{said}");
    assert!(said.contains("telling "), "{said}");
}

#[test]
fn without_nodes_nobody_is_told() {
    let machine = Machine::new().with_disk("one", Fault::None);
    let machine = capture(machine, &config(2, &["one"]));
    assert!(machine.told.lock().unwrap().is_empty());
}
