//! The nodes of a cluster that are told when a crash is captured, so that they don't reset this one in the middle of a dump.

use super::needs::Needs;
use super::settings::FenceKdump as Wanted;
use crate::failure::problem::Problem;
use baton_capture::cluster::{FenceKdump, Node};
use baton_sys::Root;
use baton_sys::network::Route;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

/// What a capture does of the nodes that the owner names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Nodes {
    /// Those that it tells, by the names that the owner gives them.
    pub told: BTreeMap<String, Reached>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// A node that can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Reached {
    /// The name of the interface that leads to it.
    pub interface: String,
    /// Its address, this machine's network card and address, and the gateway, if there is one.
    #[cfg_attr(test, schemars(with = "BTreeMap<String, String>"))]
    pub node: Node,
}

/// Why a node can't be told.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error("its name can't be resolved ({0}); give its address, or write it into /etc/hosts")]
    Name(io::Error),
    #[error("its name has no address; give one, or write it into /etc/hosts")]
    NoAddress,
    #[error("{0} holds for one interface alone; name an address that isn't link-local")]
    LinkLocal(IpAddr),
    #[error("there is no route to it ({0})")]
    NoRoute(io::Error),
    #[error(
        "{0} is no network card itself, and a capture sets up no bond, bridge, VLAN or tunnel; name an address that a card \
         reaches directly"
    )]
    NoCard(String),
    #[error(
        "{0} has no hardware address of Ethernet, as InfiniBand's cards; name an address that another card reaches"
    )]
    NoEthernet(String),
    #[error(
        "{0} is wireless, and a capture joins no wireless network; name an address that another card reaches"
    )]
    Wireless(String),
    #[error(transparent)]
    Missing(#[from] Problem),
}

impl Untold {
    /// Whether it may be otherwise in a moment: a name server gives no answer, a link is down.
    fn may_pass(&self) -> bool {
        matches!(
            self,
            Untold::Name(_) | Untold::NoAddress | Untold::NoRoute(_)
        )
    }
}

/// Asks for the route to an address.
type Routes<'r> = dyn Fn(IpAddr) -> io::Result<Route> + 'r;

impl Nodes {
    /// Finds out how the nodes are reached, and adds the modules of the cards that lead to them. `known` is how they were
    /// reached before: it serves where that can't be found out at the moment.
    #[must_use]
    pub fn find(
        root: &Root,
        wanted: Option<&Wanted>,
        known: Option<&BTreeMap<String, Reached>>,
        needs: &mut Needs<'_>,
    ) -> Nodes {
        let Some(wanted) = wanted else {
            return Nodes::default();
        };
        let none = BTreeMap::new();
        Nodes::find_by(root, wanted, known.unwrap_or(&none), needs, &Route::to)
    }

    fn find_by(
        root: &Root,
        wanted: &Wanted,
        known: &BTreeMap<String, Reached>,
        needs: &mut Needs<'_>,
        routes: &Routes<'_>,
    ) -> Nodes {
        let mut nodes = Nodes::default();
        for name in &wanted.nodes {
            let port = u16::try_from(wanted.port.get()).unwrap_or_default();
            let problem = match node(root, (name, port), needs, routes) {
                Ok(reached) => {
                    nodes.told.extend(reached.map(|it| (name.clone(), it)));
                    continue;
                }
                Err(problem) => problem,
            };
            match known.get(name).filter(|_| problem.may_pass()) {
                Some(before) if before.is_still_there(root, needs) => {
                    nodes.notes.push(format!(
                        "the node {name} is told of a capture at {}, as at the last load: {problem}",
                        before.node.address
                    ));
                    nodes.told.insert(name.clone(), before.clone());
                }
                _ => nodes.notes.push(format!(
                    "the node {name} isn't told of a capture, and may reset this machine in the middle of a dump: {problem}"
                )),
            }
        }
        nodes
    }

    /// Those that a capture tells, as the capture program reads it; in the order in which the owner names them.
    #[must_use]
    pub fn config(&self, wanted: Option<&Wanted>) -> Option<FenceKdump> {
        let wanted = wanted.filter(|_| !self.told.is_empty())?;
        let told = wanted.nodes.iter().filter_map(|name| self.told.get(name));
        Some(FenceKdump {
            interval: wanted.interval,
            node: told.map(|reached| reached.node.clone()).collect(),
        })
    }
}

impl Reached {
    /// Whether the network card is still there; its modules are added then.
    fn is_still_there(&self, root: &Root, needs: &mut Needs<'_>) -> bool {
        let card = format!("sys/class/net/{}/device", self.interface);
        let add = |needs: &mut Needs<'_>| needs.network_card(root, &self.interface);
        root.exists(&card) && needs.all_or_nothing(add).is_ok()
    }
}

/// A node that can be told; `None` if it is this machine.
fn node(
    root: &Root,
    name: (&str, u16),
    needs: &mut Needs<'_>,
    routes: &Routes<'_>,
) -> Result<Option<Reached>, Untold> {
    let (address, route) = first_route(name, routes)?;
    let interface = &route.interface;
    // All nodes of a cluster may have the same configuration: one of those it names is this machine.
    if interface == "lo" {
        return Ok(None);
    }
    let card = card(root, &route)?;
    needs.all_or_nothing(|needs| needs.network_card(root, interface))?;
    Ok(Some(Reached {
        interface: route.interface,
        node: Node {
            address,
            card,
            hop: route.hop,
        },
    }))
}

/// The first of a node's addresses that there is a route to.
fn first_route(name: (&str, u16), routes: &Routes<'_>) -> Result<(SocketAddr, Route), Untold> {
    let mut problem = Untold::NoAddress;
    for address in name.to_socket_addrs().map_err(Untold::Name)? {
        if is_link_local(address.ip()) {
            problem = Untold::LinkLocal(address.ip());
            continue;
        }
        match routes(address.ip()) {
            Ok(route) => return Ok((address, route)),
            Err(error) => problem = Untold::NoRoute(error),
        }
    }
    Err(problem)
}

/// Such an address means nothing without its interface, whose number is another one after a crash.
fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

/// The hardware address of the card that a route goes by.
fn card(root: &Root, route: &Route) -> Result<[u8; 6], Untold> {
    let interface = &route.interface;
    let has = |file: &str| root.exists(&format!("sys/class/net/{interface}/{file}"));
    if !has("device") {
        return Err(Untold::NoCard(interface.clone()));
    }
    if has("phy80211") {
        return Err(Untold::Wireless(interface.clone()));
    }
    route.card.ok_or(Untold::NoEthernet(interface.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::fake::{Fake, RELEASE};
    use crate::crash::settings;
    use baton_sys::modules::Index;
    use baton_sys::network::Hop;

    const CARD: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];

    /// What comes of a configuration where every address is reached by this interface.
    fn told(fake: &Fake, interface: &str, text: &str) -> (Nodes, Vec<String>) {
        let routes = |_| {
            Ok(Route {
                interface: interface.to_owned(),
                card: Some(CARD),
                hop: hop(),
            })
        };
        told_by(fake, text, &BTreeMap::new(), &routes)
    }

    fn told_by(
        fake: &Fake,
        text: &str,
        known: &BTreeMap<String, Reached>,
        routes: &Routes<'_>,
    ) -> (Nodes, Vec<String>) {
        let index = Index::read(&fake.root(), RELEASE).unwrap().unwrap();
        let mut needs = Needs::new(&index, true);
        let settings = settings::parse(text).unwrap();
        let wanted = settings.fence_kdump.unwrap();
        let told = Nodes::find_by(&fake.root(), &wanted, known, &mut needs, routes);
        (told, needs.into_order())
    }

    fn hop() -> Hop {
        Hop {
            source: [192, 0, 2, 5].into(),
            prefix_length: 24,
            gateway: None,
        }
    }

    /// A machine with a card whose driver is a module.
    fn with_card() -> Fake {
        let device = "sys/devices/pci0000:00/0000:00:03.0";
        let driver = "sys/bus/pci/drivers/nvme";
        Fake::new()
            .with_modules()
            .file(&format!("{device}/uevent"), "")
            .file("sys/module/nvme/initstate", "live\n")
            .file(&format!("{driver}/uevent"), "")
            .link(&format!("{driver}/module"), "sys/module/nvme")
            .link(&format!("{device}/driver"), driver)
            .file("sys/class/net/eth0/address", "")
            .link("sys/class/net/eth0/device", device)
    }

    const NODE: &str = "[fence-kdump]\nnodes = [\"192.0.2.7\"]\n";

    #[test]
    fn a_node_that_a_card_leads_to_is_told_and_the_card_s_driver_brought_along() {
        let (told, modules) = told(&with_card(), "eth0", NODE);
        assert!(told.notes.is_empty(), "{:?}", told.notes);
        let config = config(&told).unwrap();
        assert_eq!(config.interval.get(), 5);
        let node = Node {
            address: "192.0.2.7:7410".parse().unwrap(),
            card: CARD,
            hop: hop(),
        };
        assert_eq!(config.node, [node]);
        assert!(modules.contains(&"nvme".to_owned()), "{modules:?}");
    }

    #[test]
    fn this_machine_itself_is_not_told() {
        let (told, modules) = told(&with_card(), "lo", NODE);
        assert_eq!((told, modules), (Nodes::default(), Vec::new()));
    }

    #[test]
    fn a_node_that_no_card_leads_to_directly_is_a_note() {
        let (found, _) = told(&with_card(), "bond0", NODE);
        assert_eq!(config(&found), None);
        assert!(
            found.notes[0].contains("bond0 is no network card"),
            "{found:?}"
        );
        let wireless = with_card().file("sys/class/net/eth0/phy80211/name", "");
        let (found, _) = told(&wireless, "eth0", NODE);
        assert!(found.notes[0].contains("eth0 is wireless"), "{found:?}");
        let link_local = NODE.replace("192.0.2.7", "fe80::7");
        let (found, _) = told(&with_card(), "eth0", &link_local);
        assert!(found.notes[0].contains("isn't link-local"), "{found:?}");
    }

    fn config(nodes: &Nodes) -> Option<FenceKdump> {
        let settings = settings::parse(NODE).unwrap();
        nodes.config(settings.fence_kdump.as_ref())
    }

    #[test]
    fn a_node_whose_link_is_down_for_a_moment_is_told_as_at_the_last_load() {
        let (before, _) = told(&with_card(), "eth0", NODE);
        let no_route = |_| Err(io::Error::from_raw_os_error(101));
        let (now, modules) = told_by(&with_card(), NODE, &before.told, &no_route);
        assert_eq!(now.told, before.told);
        assert!(modules.contains(&"nvme".to_owned()), "{modules:?}");
        let note = &now.notes[0];
        assert!(
            note.contains("192.0.2.7:7410, as at the last load: there is no route"),
            "{note}"
        );
        // By hand nothing is known from before; and a card that is gone leads nowhere.
        let (unknown, _) = told_by(&with_card(), NODE, &BTreeMap::new(), &no_route);
        assert!(unknown.told.is_empty());
        let gone = Fake::new().with_modules();
        let (gone, _) = told_by(&gone, NODE, &before.told, &no_route);
        assert!(
            gone.told.is_empty() && gone.notes[0].contains("isn't told"),
            "{gone:?}"
        );
    }

    #[test]
    fn a_name_that_nobody_knows_is_a_note() {
        let text = "[fence-kdump]\nnodes = [\"no such node\"]\n";
        let (found, _) = told(&with_card(), "eth0", text);
        let note = &found.notes[0];
        assert!(
            note.contains("no such node") && note.contains("/etc/hosts"),
            "{note}"
        );
    }
}
