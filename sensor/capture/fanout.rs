//! What libpcap does not offer for the packet socket it has opened: several sockets that share an
//! interface's flows, waiting with a bound, whether the link is up, and whether it merges frames.
//!
//! The only module with `unsafe`: `setsockopt`, `getsockopt`, `poll` and `ioctl` have no safe form
//! for packet sockets in any crate we carry. Every block passes a pointer to a local of the size
//! that it names (or none, in a test), to a call that keeps none of them. Nothing from the wire comes here.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

/// A group of sockets of one interface: the kernel gives each flow to one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Group {
    id: u16,
    /// Index of the interface: one that was unplugged and came back is another one, and a group
    /// stays with the one it was made for.
    device: u32,
}

/// By the hash of the flow, the same in both directions, after IPv4 fragments were put together:
/// the later fragments carry no ports, and would go elsewhere than the first.
const MODE: libc::c_uint = libc::PACKET_FANOUT_HASH | libc::PACKET_FANOUT_FLAG_DEFRAG;

/// Lets a socket enter the group of an interface; where there is none yet, or only that of an
/// interface of this name that is gone, makes one that no other program can be in.
///
/// # Errors
/// When the kernel will not; the socket then still gets every frame of the interface, so it must
/// not be read beside another.
pub(super) fn enter(
    socket: BorrowedFd<'_>,
    interface: &str,
    group: Option<Group>,
) -> io::Result<Group> {
    let device = device(interface)?;
    let group = group.filter(|group| group.device == device);
    let (id, mode) = match group {
        Some(group) => (group.id, MODE),
        None => (0, MODE | libc::PACKET_FANOUT_FLAG_UNIQUEID),
    };
    let request = libc::c_uint::from(id) | mode << 16;
    let size = size_of_val(&request) as libc::socklen_t;
    // SAFETY: `request` lives through the call and `size` is its size.
    let answer = unsafe {
        let value = (&raw const request).cast();
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_PACKET, libc::PACKET_FANOUT, value, size)
    };
    if answer != 0 {
        return Err(io::Error::last_os_error());
    }
    match group {
        Some(group) => Ok(group),
        None => Ok(Group { id: joined(socket)?, device }),
    }
}

/// The index of an interface.
fn device(interface: &str) -> io::Result<u32> {
    let name = CString::new(interface).map_err(io::Error::other)?;
    // SAFETY: `name` ends in a zero and lives through the call.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => Ok(index),
    }
}

/// The number of the group that a socket is in.
fn joined(socket: BorrowedFd<'_>) -> io::Result<u16> {
    let mut value: libc::c_uint = 0;
    let mut size = size_of_val(&value) as libc::socklen_t;
    // SAFETY: `value` and `size` live through the call, and `size` is the size of `value`.
    let answer = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_FANOUT,
            (&raw mut value).cast(),
            &raw mut size,
        )
    };
    if answer != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok((value & 0xffff) as u16)
}

/// Waits until a socket has something to say, at most so long. False when it had not.
pub(super) fn wait(socket: RawFd, patience: Duration) -> bool {
    let mut asked = libc::pollfd { fd: socket, events: libc::POLLIN, revents: 0 };
    let millis = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: one `pollfd`, which lives through the call.
    let ready = unsafe { libc::poll(&raw mut asked, 1, millis) };
    ready > 0
}

/// Is an interface up and does it have carrier? None when the system does not say.
pub(super) fn is_up(socket: BorrowedFd<'_>, interface: &str) -> Option<bool> {
    let union = libc::__c_anonymous_ifr_ifru { ifru_flags: 0 };
    let mut request = libc::ifreq { ifr_name: name_of(interface)?, ifr_ifru: union };
    // SAFETY: SIOCGIFFLAGS reads the name, which ends in a zero because it is shorter than its
    // array, and writes the flags into the `ifreq`, which lives through the call.
    let flags = unsafe {
        if libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS, &raw mut request) != 0 {
            return None;
        }
        request.ifr_ifru.ifru_flags
    };
    let wanted = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    Some(flags & wanted == wanted)
}

/// Does an interface put segments together before anybody sees them (GRO, LRO)? None when the
/// system does not say. Asking needs no right.
pub(super) fn merges(socket: BorrowedFd<'_>, interface: &str) -> Option<bool> {
    let gro = feature(socket, interface, ETHTOOL_GGRO)?;
    let flags = feature(socket, interface, ETHTOOL_GFLAGS).unwrap_or(0);
    Some(gro != 0 || flags & ETH_FLAG_LRO != 0)
}

/// Questions of linux/ethtool.h, and the flag of large receive offload in the second's answer.
const ETHTOOL_GGRO: u32 = 0x2b;
const ETHTOOL_GFLAGS: u32 = 0x25;
const ETH_FLAG_LRO: u32 = 1 << 15;

/// `struct ethtool_value`.
#[repr(C)]
struct Feature {
    question: u32,
    answer: u32,
}

fn feature(socket: BorrowedFd<'_>, interface: &str, question: u32) -> Option<u32> {
    let mut value = Feature { question, answer: 0 };
    let union = libc::__c_anonymous_ifr_ifru { ifru_data: (&raw mut value).cast() };
    let mut request = libc::ifreq { ifr_name: name_of(interface)?, ifr_ifru: union };
    // SAFETY: SIOCETHTOOL reads the name, which ends in a zero, and for these two questions reads
    // and writes a `struct ethtool_value` where `ifru_data` points: `value`, which lives through
    // the call.
    let answer = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
    (answer == 0).then_some(value.answer)
}

/// A name as the kernel takes it: shorter than its array, so that it ends in a zero.
fn name_of(interface: &str) -> Option<[libc::c_char; libc::IFNAMSIZ]> {
    let mut name = [0; libc::IFNAMSIZ];
    if interface.len() >= name.len() {
        return None;
    }
    for (to, from) in name.iter_mut().zip(interface.bytes()) {
        *to = from as libc::c_char;
    }
    Some(name)
}
/// For tests: what the kernel says to a call on no socket at all, with these two arguments and nothing
/// else; to make a socket, the first is its family.
#[cfg(debug_assertions)]
pub(super) fn answer(call: libc::c_long, first: i64, third: i64) -> io::Error {
    let nothing: i64 = 0;
    // SAFETY: every pointer among the arguments is null and every descriptor -1, so that the kernel can
    // do nothing but answer; a socket of a family is made at most, and stays open for a test.
    let answer = unsafe { libc::syscall(call, first, nothing, third, nothing, nothing, nothing) };
    if answer < 0 { io::Error::last_os_error() } else { io::ErrorKind::Other.into() }
}
