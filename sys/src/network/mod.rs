//! The network's interfaces, and how packets reach an address.

mod route;
mod rtnetlink;

pub use route::{Hop, Route};

use crate::Root;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;

/// Takes all interfaces down but `lo`, so that no packet is written into memory that the next kernel uses. Gives those
/// that stay up, with the error of each.
#[must_use]
pub fn take_interfaces_down(root: &Root) -> Vec<(String, io::Error)> {
    names(root)
        .into_iter()
        .filter_map(|name| {
            let error = take_down(&name).err()?;
            Some((name, error))
        })
        .collect()
}

/// Their names, but that of `lo`.
fn names(root: &Root) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(root.join("sys/class/net")) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        // A file of bonding's stands among them.
        .filter(|name| name != "lo" && name != "bonding_masters")
        .collect();
    names.sort();
    names
}

/// netdevice(7): SIOCGIFFLAGS, and SIOCSIFFLAGS without IFF_UP, by a socket of any kind.
fn take_down(name: &str) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    let mut request = libc::ifreq {
        ifr_name: [0; libc::IFNAMSIZ],
        ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_flags: 0 },
    };
    // The last byte stays 0.
    let room = libc::IFNAMSIZ - 1;
    for (slot, byte) in request.ifr_name.iter_mut().take(room).zip(name.bytes()) {
        *slot = byte.cast_signed();
    }
    // SAFETY: both requests read and write one ifreq, which this is, and which lives across the calls; its flags are
    // what the first of them writes.
    unsafe {
        if libc::ioctl(
            socket.as_raw_fd(),
            libc::SIOCGIFFLAGS as _,
            &raw mut request,
        ) != 0
        {
            return Err(io::Error::last_os_error());
        }
        let up = libc::c_short::try_from(libc::IFF_UP).unwrap_or(1);
        request.ifr_ifru.ifru_flags &= !up;
        if libc::ioctl(
            socket.as_raw_fd(),
            libc::SIOCSIFFLAGS as _,
            &raw const request,
        ) != 0
        {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;

    #[test]
    fn the_loopback_interface_is_left_alone() {
        let t = TestRoot::new()
            .with("sys/class/net/lo/x", "")
            .with("sys/class/net/eth0/x", "")
            .with("sys/class/net/bonding_masters", "");
        assert_eq!(names(&t.root()), ["eth0"]);
        assert!(names(&TestRoot::new().root()).is_empty());
    }

    #[test]
    fn an_interface_that_is_not_there_is_told() {
        assert!(take_down("no-such-if0").is_err());
    }
}
