//! A node of a cluster that captures a crash: the others are told of it.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use baton_guest::script::{Script, Step};
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::{Machine, ROUTER};
use baton_lab::vm::{judge, packets};
use fs_err as fs;

use super::crashing::{PLACE, attached, configured, ended, mounted, on_nvme, unlocked};
use crate::scenario::Scenario;

/// A node in the machine's own network, and one behind a router.
const NODES: [Ipv4Addr; 2] = [ROUTER, Ipv4Addr::new(192, 0, 2, 9)];

/// Where the agent fence_kdump listens.
const PORT: u16 = 7410;

/// Its message (fence-agents, agents/kdump/fence_kdump.h), from x86-64.
const MESSAGE: [u8; 8] = [0x40, 0x2a, 0x30, 0x1b, 1, 0, 0, 0];

pub fn told() -> Scenario {
    let targets = vec![on_nvme("ext4", 256)];
    let mut steps = vec![
        Step::LoadModule("virtio_pci".into()),
        Step::LoadModule("virtio_net".into()),
    ];
    for words in [
        "ip addr add 10.0.2.15/24 dev eth0".to_owned(),
        "ip link set eth0 up".to_owned(),
        format!("ip route add default via {ROUTER}"),
    ] {
        steps.push(Step::run(&format!("/payload/bin/busybox {words}")));
    }
    steps.extend(attached(0, &targets[0], PLACE));
    let names = NODES.map(|node| format!("\"{node}\"")).join(", ");
    let cluster = format!("[fence-kdump]\nnodes = [\"10.0.2.15\", {names}]\ninterval = 1\n");
    steps.push(configured(
        100,
        MAIN,
        &[format!("{}\n{cluster}", mounted(PLACE))],
    ));
    steps.push(Step::run(
        "/payload/bin/baton crash load --capture /payload/bin/baton-capture",
    ));
    steps.push(Step::Sysrq('c'));
    let script = Script {
        stages: vec![steps],
    };
    Scenario::new("dump-fence-kdump", script, |run| {
        ended(run)?;
        judge::console_says(run, "the dump is complete")
    })
    .on(Machine {
        network: true,
        ..unlocked(MAIN, targets, None)
    })
    .within(200)
    .examined(|_, directory| each_was_told(directory))
    .only_in_full()
}

fn each_was_told(directory: &Path) -> Result<()> {
    let packets = fs::read(packets(directory))?;
    let told: BTreeSet<Ipv4Addr> = frames(&packets)?.into_iter().filter_map(message).collect();
    ensure!(
        told == BTreeSet::from(NODES),
        "not {NODES:?} were told, but {told:?}"
    );
    Ok(())
}

/// The frames of a file of packets (pcap-savefile(5)): a header of 24 bytes, and before each frame one of 16, with the
/// frame's length at 8.
fn frames(file: &[u8]) -> Result<Vec<&[u8]>> {
    let mut rest = file.get(24..).context("no file of packets")?;
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let length = rest.get(8..12).context("a packet is cut off")?;
        let length = u32::from_le_bytes(length.try_into()?) as usize;
        frames.push(rest.get(16..16 + length).context("a packet is cut off")?);
        rest = &rest[16 + length..];
    }
    Ok(frames)
}

/// Whom a frame brings the message, if it is one of IPv4 and UDP: 14 bytes of Ethernet, the kind of packet last; IPv4's
/// header, as many words as its first byte says, with the protocol at 9 and the destination at 16; UDP's of 8 bytes, with
/// the port at 2.
fn message(frame: &[u8]) -> Option<Ipv4Addr> {
    const IPV4: [u8; 2] = [8, 0];
    const UDP: u8 = 17;
    let packet = frame.get(14..)?;
    let is_udp = frame.get(12..14)? == IPV4 && *packet.get(9)? == UDP;
    let datagram = packet.get(usize::from(packet.first()? & 0xf) * 4..)?;
    let is_message =
        is_udp && datagram.get(2..4)? == PORT.to_be_bytes() && datagram.get(8..16)? == MESSAGE;
    let to: [u8; 4] = packet.get(16..20)?.try_into().ok()?;
    is_message.then(|| to.into())
}
