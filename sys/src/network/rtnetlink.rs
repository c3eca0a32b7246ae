//! Requests to the kernel's network configuration and their answers, as rtnetlink(7) lays them out: a header, a structure
//! that depends on the request, and attributes, all in the machine's own byte order.

use rustix::fd::OwnedFd;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with,
};
use std::io;

/// `struct nlmsghdr`, include/uapi/linux/netlink.h: length u32, type u16, flags u16, sequence u32, port u32.
const HEADER: usize = 16;
/// `struct rtattr`, include/uapi/linux/rtnetlink.h: length u16, type u16.
const ATTRIBUTE_HEADER: usize = 4;
/// `NLMSG_ALIGNTO` and `RTA_ALIGNTO`.
const ALIGNMENT: usize = 4;
/// The kernel fills no more at a time, whatever there is to say (`netlink_recvmsg`, net/netlink/af_netlink.c).
const ANSWER: usize = 32 << 10;

/// The types of messages that end an answer (include/uapi/linux/netlink.h).
const ERROR: u16 = 2;
const DONE: u16 = 3;

const REQUEST: u16 = 0x1;
const ACKNOWLEDGE: u16 = 0x4;

/// A request.
pub(super) struct Request {
    kind: u16,
    flags: u16,
    body: Vec<u8>,
}

impl Request {
    /// One of this type, with the structure that follows the header.
    pub fn new(kind: u16, flags: u16, structure: &[u8]) -> Request {
        Request {
            kind,
            flags: flags | REQUEST | ACKNOWLEDGE,
            body: structure.to_vec(),
        }
    }

    /// Adds an attribute.
    pub fn with(mut self, kind: u16, value: &[u8]) -> Request {
        let length = u16::try_from(ATTRIBUTE_HEADER + value.len()).unwrap_or(u16::MAX);
        self.body.extend(length.to_ne_bytes());
        self.body.extend(kind.to_ne_bytes());
        self.body.extend(value);
        self.body
            .resize(self.body.len().next_multiple_of(ALIGNMENT), 0);
        self
    }

    fn to_bytes(&self) -> Vec<u8> {
        let length = u32::try_from(HEADER + self.body.len()).unwrap_or(u32::MAX);
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(self.kind.to_ne_bytes());
        bytes.extend(self.flags.to_ne_bytes());
        // Each request has a socket of its own, so that no answer can be another's.
        bytes.resize(HEADER, 0);
        bytes.extend(&self.body);
        bytes
    }

    /// Sends it. Gives the messages of the answer, without their headers.
    ///
    /// # Errors
    /// What the kernel answers instead.
    pub fn ask(&self) -> io::Result<Vec<Vec<u8>>> {
        let socket = open()?;
        send(&socket, &self.to_bytes(), SendFlags::empty())?;
        let mut answer = Vec::new();
        let mut bytes = vec![0; ANSWER];
        loop {
            let (length, _) = recv(&socket, &mut bytes[..], RecvFlags::empty())?;
            if take(&bytes[..length], &mut answer)? {
                return Ok(answer);
            }
        }
    }
}

fn open() -> io::Result<OwnedFd> {
    // NETLINK_ROUTE is the protocol 0.
    Ok(socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

/// Takes the messages of what was received; returns whether the answer ends with them.
fn take(mut bytes: &[u8], answer: &mut Vec<Vec<u8>>) -> io::Result<bool> {
    while !bytes.is_empty() {
        let length = number(bytes, 0).ok_or_else(cut_off)? as usize;
        let body = bytes.get(HEADER..length).ok_or_else(cut_off)?;
        match short(bytes, 4).ok_or_else(cut_off)? {
            DONE => return Ok(true),
            ERROR => return ended(number(body, 0).ok_or_else(cut_off)?).map(|()| true),
            _ => answer.push(body.to_vec()),
        }
        bytes = bytes
            .get(length.next_multiple_of(ALIGNMENT)..)
            .unwrap_or_default();
    }
    Ok(false)
}

/// `struct nlmsgerr` begins with a negative errno, or 0 for what went well.
fn ended(error: u32) -> io::Result<()> {
    match error.cast_signed() {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error.wrapping_neg())),
    }
}

fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the kernel's answer is cut off")
}

/// The value of the first attribute of this type, after a structure of this length.
pub(super) fn attribute(message: &[u8], structure: usize, wanted: u16) -> Option<&[u8]> {
    let mut rest = message.get(structure..)?;
    loop {
        let length = usize::from(short(rest, 0)?);
        let value = rest.get(ATTRIBUTE_HEADER..length)?;
        if short(rest, 2)? == wanted {
            return Some(value);
        }
        rest = rest.get(length.next_multiple_of(ALIGNMENT)..)?;
    }
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

/// The number at this place.
pub(super) fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_found_behind_others_of_any_length() {
        let request = Request::new(26, 0, &[7; 12])
            .with(1, b"abcde")
            .with(4, &9_u32.to_ne_bytes());
        assert_eq!(attribute(&request.body, 12, 1), Some(&b"abcde"[..]));
        assert_eq!(
            attribute(&request.body, 12, 4),
            Some(&9_u32.to_ne_bytes()[..])
        );
        assert_eq!(attribute(&request.body, 12, 5), None);
    }

    #[test]
    fn an_answer_that_is_cut_off_is_no_answer() {
        let whole = Request::new(24, 0, &[7; 12]).to_bytes();
        for length in 1..whole.len() {
            assert!(take(&whole[..length], &mut Vec::new()).is_err(), "{length}");
        }
        let mut answer = Vec::new();
        assert!(!take(&whole, &mut answer).unwrap());
        assert_eq!(answer, [[7; 12]]);
    }

    #[test]
    fn attributes_that_are_cut_off_are_not_there() {
        let request = Request::new(26, 0, &[]).with(1, b"abcd").with(2, b"efgh");
        for length in 0..request.body.len() {
            assert_eq!(attribute(&request.body[..length], 0, 2), None, "{length}");
        }
        // An attribute that claims to be shorter than its own header doesn't keep the search going for ever.
        assert_eq!(attribute(&[0; 8], 0, 2), None);
    }

    #[test]
    fn what_the_kernel_refuses_is_an_error_with_its_number() {
        let refusal = (-libc::EPERM).to_ne_bytes();
        let message = Request::new(ERROR, 0, &refusal).to_bytes();
        let error = take(&message, &mut Vec::new()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EPERM));
        let fine = Request::new(ERROR, 0, &0_i32.to_ne_bytes()).to_bytes();
        assert!(take(&fine, &mut Vec::new()).unwrap());
    }
}
