//! How packets reach an address: asked of the kernel that runs, and set up in one that has no network yet.

use super::rtnetlink::{Request, attribute, number};
use crate::Root;
use crate::file::names_in;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A card's hardware address.
type HardwareAddress = [u8; 6];

/// How packets leave this machine towards an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hop {
    /// The address of this machine that they come from.
    pub source: IpAddr,
    /// The length of the prefix that the source's network shares, in bits.
    pub prefix_length: u8,
    /// The router that they go to, where the network doesn't reach the address by itself.
    pub gateway: Option<IpAddr>,
}

/// A route to an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The interface that packets leave by.
    pub interface: String,
    /// The hardware address that its card was made with; `None` where it has none of Ethernet's.
    pub card: Option<HardwareAddress>,
    /// From where to where they go.
    pub hop: Hop,
}

// Types of messages, include/uapi/linux/rtnetlink.h.
const NEW_LINK: u16 = 16;
const GET_LINK: u16 = 18;
const NEW_ADDRESS: u16 = 20;
const GET_ADDRESS: u16 = 22;
const NEW_ROUTE: u16 = 24;
const GET_ROUTE: u16 = 26;

// Flags of requests, include/uapi/linux/netlink.h.
const DUMP: u16 = 0x300;
const CREATE_OR_REPLACE: u16 = 0x500;

/// `struct ifinfomsg`: family u8, padding, type u16, index i32, flags u32, change mask u32.
const LINK: usize = 16;
const LINK_HARDWARE_ADDRESS: u16 = 1;
const LINK_NAME: u16 = 3;
const LINK_PERMANENT_ADDRESS: u16 = 54;

/// `struct ifaddrmsg`: family u8, prefix length u8, flags u8, scope u8, index u32.
const ADDRESS: usize = 8;
const ADDRESS_ADDRESS: u16 = 1;
const ADDRESS_LOCAL: u16 = 2;
/// `IFA_F_NODAD`: an address of IPv6 can be used at once.
const WITHOUT_DETECTION: u8 = 0x2;

/// `struct rtmsg`: family u8, lengths of destination and source u8, TOS u8, table u8, protocol u8, scope u8, type u8,
/// flags u32.
const ROUTE: usize = 12;
const ROUTE_DESTINATION: u16 = 1;
const ROUTE_INTERFACE: u16 = 4;
const ROUTE_GATEWAY: u16 = 5;
const ROUTE_SOURCE: u16 = 7;
const ROUTE_VIA: u16 = 18;
/// `RT_SCOPE_LINK`: without a gateway between.
const ON_THE_NETWORK: u8 = 253;
const MAIN_TABLE: u8 = 254;
const BY_BOOT: u8 = 3;
const UNICAST: u8 = 1;
/// `RTNH_F_ONLINK`: the gateway is reached although no network says so.
const ON_LINK: u32 = 4;

impl Route {
    /// The route that the kernel takes to an address.
    ///
    /// # Errors
    /// When there is none, or one that can't be set up elsewhere.
    pub fn to(address: IpAddr) -> io::Result<Route> {
        let mut route = [0; ROUTE];
        route[0] = family(address);
        route[1] = bits(address);
        let answer = Request::new(GET_ROUTE, 0, &route)
            .with(ROUTE_DESTINATION, &octets(address))
            .ask()?;
        let found = answer.first().ok_or(io::ErrorKind::NetworkUnreachable)?;
        let index = attribute(found, ROUTE, ROUTE_INTERFACE).and_then(|it| number(it, 0));
        let index = index.ok_or(io::ErrorKind::NetworkUnreachable)?;
        let source = attribute(found, ROUTE, ROUTE_SOURCE).and_then(from_octets);
        let source = source.ok_or_else(|| io::Error::other("the route has no source address"))?;
        if attribute(found, ROUTE, ROUTE_VIA).is_some() {
            let why = "its gateway's address is of the other version of IP";
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        let (interface, card) = link(index)?;
        let hop = Hop {
            source,
            prefix_length: prefix_length(index, source)?,
            gateway: attribute(found, ROUTE, ROUTE_GATEWAY).and_then(from_octets),
        };
        Ok(Route {
            interface,
            card,
            hop,
        })
    }
}

impl Hop {
    /// Sets an interface up such that packets to an address go this way. What is set up already stays.
    ///
    /// # Errors
    /// When no card has this hardware address (yet), or the kernel refuses.
    pub fn set_up(&self, root: &Root, card: HardwareAddress, address: IpAddr) -> io::Result<()> {
        let index = index_of(root, card)?;
        bring_up(index)?;
        self.add_source(index)?;
        self.add_route(index, address)
    }

    /// Also where the source's network should reach the address by itself: not every route goes by that.
    fn add_route(&self, index: u32, address: IpAddr) -> io::Result<()> {
        let mut structure = [0; ROUTE];
        structure[0] = family(address);
        structure[1] = bits(address);
        structure[4] = MAIN_TABLE;
        structure[5] = BY_BOOT;
        structure[7] = UNICAST;
        if self.gateway.is_some() {
            structure[8..].copy_from_slice(&ON_LINK.to_ne_bytes());
        } else {
            structure[6] = ON_THE_NETWORK;
        }
        let mut request = Request::new(NEW_ROUTE, CREATE_OR_REPLACE, &structure)
            .with(ROUTE_DESTINATION, &octets(address))
            .with(ROUTE_INTERFACE, &index.to_ne_bytes());
        if let Some(gateway) = self.gateway {
            request = request.with(ROUTE_GATEWAY, &octets(gateway));
        }
        request.ask().map(drop)
    }

    fn add_source(&self, index: u32) -> io::Result<()> {
        let mut structure = [0; ADDRESS];
        structure[0] = family(self.source);
        structure[1] = self.prefix_length;
        structure[2] = WITHOUT_DETECTION;
        structure[4..].copy_from_slice(&index.to_ne_bytes());
        let source = octets(self.source);
        Request::new(NEW_ADDRESS, CREATE_OR_REPLACE, &structure)
            .with(ADDRESS_LOCAL, &source)
            .with(ADDRESS_ADDRESS, &source)
            .ask()
            .map(drop)
    }
}

fn bring_up(index: u32) -> io::Result<()> {
    let up = libc::IFF_UP.cast_unsigned().to_ne_bytes();
    let mut structure = of_link(index);
    // The flag, and that it alone is changed.
    structure[8..12].copy_from_slice(&up);
    structure[12..].copy_from_slice(&up);
    Request::new(NEW_LINK, 0, &structure).ask().map(drop)
}

fn of_link(index: u32) -> [u8; LINK] {
    let mut structure = [0; LINK];
    structure[4..8].copy_from_slice(&index.to_ne_bytes());
    structure
}

/// An interface's name, and the hardware address that its card was made with.
fn link(index: u32) -> io::Result<(String, Option<HardwareAddress>)> {
    let answer = Request::new(GET_LINK, 0, &of_link(index)).ask()?;
    let found = answer.first().ok_or(io::ErrorKind::NotFound)?;
    let name = attribute(found, LINK, LINK_NAME).unwrap_or_default();
    let name = name.strip_suffix(&[0]).unwrap_or(name);
    // Older kernels don't say which one it was made with.
    let card = attribute(found, LINK, LINK_PERMANENT_ADDRESS)
        .or_else(|| attribute(found, LINK, LINK_HARDWARE_ADDRESS));
    let card = card.and_then(|it| it.try_into().ok());
    Ok((String::from_utf8_lossy(name).into_owned(), card))
}

fn prefix_length(index: u32, source: IpAddr) -> io::Result<u8> {
    let mut structure = [0; ADDRESS];
    structure[0] = family(source);
    let answer = Request::new(GET_ADDRESS, DUMP, &structure).ask()?;
    let wanted = octets(source);
    let is_source = |message: &Vec<u8>| {
        let address = |kind| attribute(message, ADDRESS, kind);
        let local = address(ADDRESS_LOCAL).or_else(|| address(ADDRESS_ADDRESS));
        number(message, 4) == Some(index) && local == Some(&wanted)
    };
    let found = answer.iter().find(|message| is_source(message));
    let length = found.and_then(|message| message.get(1)).copied();
    length.ok_or_else(|| io::Error::other("the source address is no interface's"))
}

/// The index of the interface whose card has this hardware address.
fn index_of(root: &Root, card: HardwareAddress) -> io::Result<u32> {
    let place = "sys/class/net";
    let text = |name: &str, file: &str| {
        let text = root.read_text(&format!("{place}/{name}/{file}")).ok()??;
        Some(text.trim().to_owned())
    };
    let wanted = card.map(|byte| format!("{byte:02x}")).join(":");
    let names = names_in(&root.join(place));
    let mut found = names
        .iter()
        // Nothing that stands on a card has a device of its own.
        .filter(|name| root.exists(&format!("{place}/{name}/device")))
        .filter(|name| text(name, "address").as_deref() == Some(&wanted));
    let index = found.find_map(|name| text(name, "ifindex")?.parse().ok());
    let missing = || {
        io::Error::new(
            io::ErrorKind::NotFound,
            format!("no network card has the hardware address {wanted}"),
        )
    };
    index.ok_or_else(missing)
}

fn family(address: IpAddr) -> u8 {
    let family = match address {
        IpAddr::V4(_) => libc::AF_INET,
        IpAddr::V6(_) => libc::AF_INET6,
    };
    u8::try_from(family).unwrap_or_default()
}

/// The length of an address in bits.
fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(it) => it.octets().to_vec(),
        IpAddr::V6(it) => it.octets().to_vec(),
    }
}

fn from_octets(bytes: &[u8]) -> Option<IpAddr> {
    let four: Option<[u8; 4]> = bytes.try_into().ok();
    let sixteen: Option<[u8; 16]> = bytes.try_into().ok();
    four.map(Ipv4Addr::from)
        .map(IpAddr::V4)
        .or(sixteen.map(Ipv6Addr::from).map(IpAddr::V6))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;

    #[test]
    fn this_machine_reaches_itself_by_its_loopback_interface() {
        let address = Ipv4Addr::LOCALHOST.into();
        let route = Route::to(address).unwrap();
        assert_eq!(route.interface, "lo");
        let hop = Hop {
            source: address,
            prefix_length: 8,
            gateway: None,
        };
        assert_eq!(route.hop, hop);
    }

    #[test]
    fn a_card_is_found_by_its_hardware_address_and_not_what_stands_on_it() {
        let t = TestRoot::new()
            .with("sys/class/net/bond0/address", "52:54:00:12:34:56\n")
            .with("sys/class/net/bond0/ifindex", "7\n")
            .with("sys/class/net/eth0/address", "52:54:00:12:34:56\n")
            .with("sys/class/net/eth0/ifindex", "2\n")
            .with("sys/class/net/eth0/device/uevent", "");
        let card = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
        assert_eq!(index_of(&t.root(), card).unwrap(), 2);
        let error = index_of(&t.root(), [0; 6]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains("00:00:00:00:00:00"), "{error}");
    }
}
