//! The nodes of a cluster that are told when a crash is captured, and how they are reached.

use baton_sys::network::Hop;
use baton_toml::{Number, not_empty};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Which nodes are told, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FenceKdump {
    /// The time between two messages.
    pub interval: Interval,
    /// The nodes.
    #[serde(deserialize_with = "nodes")]
    pub node: Vec<Node>,
}

/// The time between two messages, in seconds.
pub type Interval = Number<1, 3600>;

/// A node that is told, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Node {
    /// Where its agent listens.
    pub address: SocketAddr,
    /// The network card that leads to it, by the hardware address that it was made with.
    pub card: [u8; 6],
    /// How packets leave by that card.
    pub hop: Hop,
}

/// Why a node can't be reached as the configuration says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// The address isn't one with a port.
    #[error("address is \"{0}\"; it must be one like \"192.0.2.7:7410\" or \"[2001:db8::7]:7410\"")]
    Address(String),
    /// The hardware address isn't one.
    #[error("card is \"{0}\"; it must be a hardware address like \"52:54:00:12:34:56\"")]
    Card(String),
    /// The source isn't an address with the length of its prefix.
    #[error(
        "source is \"{0}\"; it must be an address and its prefix's length like \"192.0.2.5/24\""
    )]
    Source(String),
    /// The gateway isn't an address.
    #[error("gateway is \"{0}\"; it must be an address like \"192.0.2.1\"")]
    Gateway(String),
    /// One address is IPv4's, another IPv6's.
    #[error("address, source and gateway must all be of IPv4, or all of IPv6")]
    Family,
}

/// A node as it stands in the configuration.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    address: String,
    card: String,
    source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gateway: Option<String>,
}

impl TryFrom<Written> for Node {
    type Error = NodeError;

    fn try_from(written: Written) -> Result<Node, NodeError> {
        let Written {
            address,
            card,
            source,
            gateway,
        } = written;
        let address: SocketAddr = address.parse().map_err(|_| NodeError::Address(address))?;
        let (source, prefix_length) = prefixed(&source).ok_or(NodeError::Source(source))?;
        let gateway: Option<IpAddr> = gateway
            .map(|it| it.parse().map_err(|_| NodeError::Gateway(it)))
            .transpose()?;
        let is_4 = address.is_ipv4();
        if source.is_ipv4() != is_4 || gateway.is_some_and(|it| it.is_ipv4() != is_4) {
            return Err(NodeError::Family);
        }
        Ok(Node {
            address,
            card: hardware_address(&card).ok_or(NodeError::Card(card))?,
            hop: Hop {
                source,
                prefix_length,
                gateway,
            },
        })
    }
}

impl From<Node> for Written {
    fn from(node: Node) -> Written {
        let Hop {
            source,
            prefix_length,
            gateway,
        } = node.hop;
        Written {
            address: node.address.to_string(),
            card: node.card.map(|byte| format!("{byte:02x}")).join(":"),
            source: format!("{source}/{prefix_length}"),
            gateway: gateway.map(|it| it.to_string()),
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)
    }
}

fn prefixed(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let length = length.parse().ok()?;
    let max = if address.is_ipv4() { 32 } else { 128 };
    (length <= max).then_some((address, length))
}

fn hardware_address(text: &str) -> Option<[u8; 6]> {
    let byte = |text: &str| {
        let is_byte = text.len() == 2 && text.bytes().all(|it| it.is_ascii_hexdigit());
        is_byte.then(|| u8::from_str_radix(text, 16).ok()).flatten()
    };
    let bytes: Vec<u8> = text.split(':').map(byte).collect::<Option<_>>()?;
    bytes.try_into().ok()
}

fn nodes<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Vec<Node>, D::Error> {
    not_empty(deserializer, "name a node, or leave the table out")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: &str = "address = \"192.0.2.7:7410\"\ncard = \"52:54:00:12:34:56\"\n\
                        source = \"192.0.2.5/24\"\n";

    fn read(node: &str) -> Result<FenceKdump, String> {
        let text = format!("interval = 5\n[[node]]\n{node}");
        baton_toml::read(&text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_node_is_written_as_it_is_read() {
        for more in ["", "gateway = \"192.0.2.1\"\n"] {
            let config = read(&format!("{NODE}{more}")).unwrap();
            let text = toml::to_string(&config).unwrap();
            assert_eq!(baton_toml::read(&text), Ok(config), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_node_is_named() {
        for (right, wrong, named) in [
            ("192.0.2.7:7410", "192.0.2.7", "\"192.0.2.7:7410\""),
            ("192.0.2.7:7410", "[2001:db8::7]:7410", "all of IPv6"),
            ("52:54:00:12:34:56", "52:54:00:12:34", "hardware address"),
            ("52:54:00:12:34:56", "52:54:00:12:34:+6", "hardware address"),
            ("192.0.2.5/24", "192.0.2.5", "prefix"),
            ("192.0.2.5/24", "192.0.2.5/33", "prefix"),
        ] {
            let error = read(&NODE.replace(right, wrong)).unwrap_err();
            assert!(error.contains(named), "{wrong}: {error}");
        }
        let error = read(&format!("{NODE}gateway = \"router\"\n")).unwrap_err();
        assert!(error.contains("gateway is \"router\""), "{error}");
        let error = baton_toml::read::<FenceKdump>("interval = 5\nnode = []").unwrap_err();
        assert!(error.to_string().contains("name a node"), "{error}");
    }
}
