//! The chain of trust as a tree: who started whom, from the firmware to what is loaded, and what each of them insists on.
//! Of kernels before the running one nothing is known but that there was one; the boot loader that shim starts isn't shown.

use super::run::{Status, loaded};
use crate::output::terminal::{Style, styled};

/// A link of the chain, and what it started.
struct Node {
    /// What is known of it, a line each.
    lines: Vec<String>,
    next: Vec<Node>,
}

impl Node {
    fn new(name: &str, rest: &str) -> Node {
        Node {
            lines: vec![format!("{} {rest}", styled(Style::Strong, name))],
            next: Vec::new(),
        }
    }

    fn with(mut self, line: String) -> Node {
        self.lines.push(line);
        self
    }

    fn starts(mut self, next: Vec<Node>) -> Node {
        self.next = next;
        self
    }

    /// Its lines and those of what it started. The first is behind `first`, all others are behind `others`.
    fn write(&self, first: &str, others: &str, to: &mut Vec<String>) {
        // What belongs to it stands left of what it started.
        let below = if self.next.is_empty() { "   " } else { "│  " };
        for (index, line) in self.lines.iter().enumerate() {
            to.push(match index {
                0 => format!("{first}{line}"),
                _ => format!("{others}{below}{line}"),
            });
        }
        for (index, next) in self.next.iter().enumerate() {
            let (branch, rest) = if index + 1 == self.next.len() {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            let first = format!("{others}{branch}");
            next.write(&first, &format!("{others}{rest}"), to);
        }
    }
}

/// What is known of the kernels before.
const EARLIER: &str = "or several: what started them isn't on record";
/// Where it can't be told how the running kernel was started.
const UNKNOWN: &str = "whether a boot loader or another kernel started it (run as root)";

/// The lines of the tree.
pub(super) fn lines(status: &Status) -> Vec<String> {
    let mut chain = kernel(status);
    if let Some(gate) = &status.started_by {
        let rest = format!("{}, {}", gate.gate_version, gate.policy_words());
        chain = Node::new("gate", &rest).starts(vec![chain]);
        for part in &gate.parts {
            chain = chain.with(format!("{}: {}", part.kind(), part.vouched()));
        }
    }
    // A gate is only ever started by a kernel.
    let is_known = status.started_by_known || status.by_kexec.is_some();
    if status.started_by.is_some() || status.by_kexec == Some(true) {
        chain = Node::new("earlier kernel", &styled(Style::Faint, EARLIER)).starts(vec![chain]);
    } else if !is_known {
        chain = Node::new("not known", &styled(Style::Faint, UNKNOWN)).starts(vec![chain]);
    }
    // shim's own certificate is in its list, wherever there is a shim.
    let shim = status.machine_lists.as_ref();
    if let Some(lists) = shim.filter(|lists| lists.anchors > 0) {
        let rest = format!("{} certificates in its MOK list", lists.anchors);
        chain = Node::new("shim", &rest)
            .with(format!("revocations: {}", lists.revoked()))
            .with(lists.levels())
            .starts(vec![chain]);
    }
    let mut lines = Vec::new();
    firmware(status)
        .starts(vec![chain])
        .write("", "", &mut lines);
    lines
}

fn firmware(status: &Status) -> Node {
    let (style, words) = match (status.secure_boot, status.efi) {
        (Some(true), _) => (Style::Good, "Secure Boot is on"),
        (Some(false), _) => (Style::Warning, "Secure Boot is off"),
        (None, Some(false)) => (Style::Warning, "no EFI, and so no Secure Boot"),
        (None, _) => (Style::Faint, "whether Secure Boot is on isn't known"),
    };
    Node::new("firmware", &styled(style, words))
}

fn kernel(status: &Status) -> Node {
    let (style, words) = match (status.signatures_enforced_by, status.signatures_enforced) {
        (Some(by), _) => (
            Style::Good,
            format!("starts only what is signed (because of {by})"),
        ),
        (None, Some(_)) => (Style::Warning, "starts unsigned kernels, too".to_owned()),
        (None, None) => (
            Style::Faint,
            "whether it insists on signatures isn't known".to_owned(),
        ),
    };
    let lockdown = status.lockdown.as_deref().unwrap_or("not known");
    let keys = match (status.keyrings_readable, status.keys.len()) {
        (false, _) => "keyrings that can't be read here".to_owned(),
        (true, count) => format!("{count} keys in its keyrings"),
    };
    Node::new("kernel", &styled(style, &words))
        .with(format!("lockdown {lockdown}, {keys}"))
        .starts(vec![
            next(
                "next kernel",
                loaded(status.kexec, status.loaded),
                status.loaded,
            ),
            crash_kernel(status),
        ])
}

fn crash_kernel(status: &Status) -> Node {
    let words = loaded(status.kexec, status.crash_loaded);
    let reserved = match status.crash_reserved {
        None => String::new(),
        Some(0) => ", no memory reserved".to_owned(),
        Some(bytes) => format!(", {} MiB reserved", bytes >> 20),
    };
    next(
        "crash kernel",
        &format!("{words}{reserved}"),
        status.crash_loaded,
    )
}

fn next(name: &str, words: &str, loaded: Option<bool>) -> Node {
    let style = match loaded {
        Some(true) => Style::Good,
        _ => Style::Faint,
    };
    Node::new(name, &styled(style, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(name: &str) -> Node {
        Node {
            lines: vec![name.to_owned()],
            next: Vec::new(),
        }
    }

    #[test]
    fn branches_go_on_as_long_as_something_follows() {
        let inner = leaf("b").with("b2".into()).starts(vec![leaf("c")]);
        let tree = leaf("a").with("a2".into()).starts(vec![inner, leaf("d")]);
        let mut lines = Vec::new();
        tree.write("", "", &mut lines);
        assert_eq!(lines, ["a", "│  a2", "├─ b", "│  │  b2", "│  └─ c", "└─ d"]);
    }
}
