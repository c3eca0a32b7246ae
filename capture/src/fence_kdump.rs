//! Tells the nodes of a cluster that this one captures a crash, as fence_kdump (of fence-agents) waits to be told, so that
//! none of them resets it in the middle of a dump.

use crate::cluster::{FenceKdump, Node};
use crate::deadline::End;
use crate::system::System;
use std::sync::Arc;
use std::time::Duration;

/// The message: `FENCE_KDUMP_MAGIC` and its version, in the machine's own byte order (fence-agents,
/// agents/kdump/fence_kdump.h).
#[must_use]
pub fn message() -> [u8; 8] {
    const MAGIC: u32 = 0x1b30_2a40;
    const VERSION: u32 = 1;
    let mut message = [0; 8];
    message[..4].copy_from_slice(&MAGIC.to_ne_bytes());
    message[4..].copy_from_slice(&VERSION.to_ne_bytes());
    message
}

/// Tells the nodes, at once and then at these intervals, until the final action. Returns what goes wrong.
pub fn start(system: &Arc<dyn System>, end: &Arc<End>, config: &FenceKdump) -> Vec<String> {
    let interval = Duration::from_secs(config.interval.get().into());
    let mut problems = Vec::new();
    for node in &config.node {
        let mut told = Told {
            system: Arc::clone(system),
            node: node.clone(),
            said: None,
        };
        let started = end.accompany("fence_kdump", interval, move |ended| {
            // Once the machine goes down, its cluster may do as it likes.
            if ended.is_none() {
                told.once_more();
            }
        });
        if let Err(error) = started {
            problems.push(format!("{node} can't be told of the capture: {error}"));
        }
    }
    problems
}

/// A node that is told.
struct Told {
    system: Arc<dyn System>,
    node: Node,
    /// What was said on the console about it last.
    said: Option<String>,
}

impl Told {
    /// Everything is set up anew each time: a card may take a while to be there, and may come back after it was gone.
    fn once_more(&mut self) {
        let node = &self.node;
        let said = match self.system.tell(node, &message()) {
            Ok(()) => format!("telling {node} of the capture"),
            Err(error) => format!("{node} can't be told of the capture: {error}"),
        };
        if self.said.as_ref() != Some(&said) {
            self.system.say(&said);
            self.said = Some(said);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_what_the_agent_waits_for() {
        // What fence_kdump_send of fence-agents 4.12.1 was seen to send.
        #[cfg(target_endian = "little")]
        assert_eq!(message(), [0x40, 0x2a, 0x30, 0x1b, 1, 0, 0, 0]);
    }
}
