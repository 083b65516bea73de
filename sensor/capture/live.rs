//! Frames from an interface, through libpcap: promiscuous, full length, for reading only.
//!
//! One [`Live`] is one socket with its ring. Several share an interface when they are in one
//! group; then each flow comes out of one of them. What to do when an interface is not there or goes
//! away is not decided here: [`Port::open`] and [`Live::reopen`] try once, `app` decides how often.

use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::fanout::{self, Group};
use super::{CaptureError, Drops, Frame, LinkType};
use crate::net::Timestamp;

/// The longest frame asked for: libpcap's own maximum, above any receive offload.
const SNAP_LENGTH: i32 = 262_144;
/// How long the kernel may gather frames before it hands over a block that is not full, in
/// milliseconds: the delay between a packet and its alert on an idle network.
///
/// Frames are gathered (TPACKET_V3) and not handed over one by one (libpcap's immediate mode,
/// TPACKET_V2) because version 2 cuts the ring into slots of the longest frame: with receive
/// offload on, 32 MiB are then 128 frames. Version 3 packs them. Measured on a veth pair: of a
/// burst of 44,000 packets version 2 lost half and version 3 none, and an alert on an idle network
/// still stood in the log within one tick of the kernel's clock (4 ms).
const GATHER_MS: i32 = 2;
/// How long one wait for a frame lasts: bounds how late a stop is noticed.
const PATIENCE: Duration = Duration::from_millis(100);
/// Frames shown before the worker looks up: for signals, its pulse, the link. Without a bound libpcap
/// goes on for as long as frames come at least as fast as they are read, and so just under the load
/// that has to be seen and said. At 50 microseconds a frame, far more than any costs, it is 50 ms.
const BATCH: usize = 1024;
/// A frame this long before its socket joined the group has a clock that was set back meanwhile.
const CLOCK_WAS_SET: u64 = 10_000_000_000;

/// How an interface is to be opened.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// Size of the kernel's ring in bytes, of one socket.
    pub ring_bytes: usize,
    /// BPF expression; none by default, because one that names ports also drops PPPoE and tags.
    pub filter: Option<String>,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self { ring_bytes: 32 * 1024 * 1024, filter: None }
    }
}

/// The sockets of one interface. Locked only while one is opened, never on a packet's way.
type Share = Arc<Mutex<Option<Group>>>;

/// An interface that is to be watched by one socket, open or not.
#[derive(Clone)]
pub struct Port {
    name: String,
    options: LiveOptions,
    /// The group it is in; none when it has the interface to itself.
    share: Option<Share>,
    /// Does it answer for what the interface itself lost? One of a group does.
    first: bool,
}

impl Port {
    /// An interface with one socket a worker; the kernel keeps each flow, both directions, with one
    /// of them.
    pub fn of(name: &str, workers: usize, options: &LiveOptions) -> Vec<Self> {
        let share = (workers > 1).then(Share::default);
        let port = |number| Self {
            name: name.into(),
            options: options.clone(),
            share: share.clone(),
            first: number == 0,
        };
        (0..workers.max(1)).map(port).collect()
    }

    /// Opens it for reading only; nothing is ever sent.
    ///
    /// # Errors
    /// When it does not exist (the error lists those that do), the right is missing, or the
    /// filter does not compile; and when the kernel cannot share an interface: every worker would
    /// see every packet, so that is refused. Trying again is right.
    pub fn open(&self) -> Result<Live, CaptureError> {
        let opened = activate(&self.name, &self.options, self.share.as_ref())?;
        Ok(Live { port: self.clone(), opened, frames: 0, drops: Drops::default() })
    }

    /// The interface's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Does it answer for the interface where several share it?
    pub const fn is_first(&self) -> bool {
        self.first
    }
}

/// An open interface.
pub struct Live {
    port: Port,
    opened: Opened,
    frames: u64,
    /// Losses of this and of earlier openings.
    drops: Drops,
}

/// What one opening yields.
struct Opened {
    capture: pcap::Capture<pcap::Active>,
    link: LinkType,
    /// Until it joined its group the socket was given what the others got too: frames from
    /// before this time are theirs.
    joined: Option<Timestamp>,
    /// The kernel's 32-bit counts as last read.
    read: [u32; 3],
}

impl Live {
    /// Opens an interface with one socket.
    ///
    /// # Errors
    /// As [`Port::open`].
    pub fn open(name: &str, options: &LiveOptions) -> Result<Self, CaptureError> {
        let (name, options) = (name.into(), options.clone());
        Port { name, options, share: None, first: true }.open()
    }

    /// Opens the interface again after it failed, beside those it shared it with.
    ///
    /// # Errors
    /// As [`Port::open`]; the old socket is then kept.
    pub fn reopen(&mut self) -> Result<(), CaptureError> {
        let Port { name, options, share, .. } = &self.port;
        let opened = activate(name, options, share.as_ref())?;
        self.drops();
        self.opened = opened;
        Ok(())
    }

    /// The interface's name.
    pub fn name(&self) -> &str {
        self.port.name()
    }

    /// Does it answer for the interface where several share it?
    pub const fn is_first(&self) -> bool {
        self.port.first
    }

    /// Is the interface up, with carrier? None when the system does not say.
    pub fn is_up(&self) -> Option<bool> {
        fanout::is_up(self.opened.capture.as_fd(), &self.port.name)
    }

    /// Does the interface put segments together before we see them? None when the system does not
    /// say.
    pub fn merges(&self) -> Option<bool> {
        fanout::merges(self.opened.capture.as_fd(), &self.port.name)
    }

    /// What the kernel says it could not deliver, since the first opening.
    pub fn drops(&mut self) -> Drops {
        if let Ok(stats) = self.opened.capture.stats() {
            let now = [stats.received, stats.dropped, stats.if_dropped];
            let more = |n: usize| {
                let count = |counts: [u32; 3]| counts.get(n).copied().unwrap_or(0);
                u64::from(count(now).wrapping_sub(count(self.opened.read)))
            };
            self.drops.received += more(0);
            self.drops.kernel += more(1);
            if self.port.first {
                self.drops.interface += more(2);
            }
            self.opened.read = now;
        }
        self.drops
    }

    /// Shows the frames that are waiting, out of the ring itself, up to 1,024 of them; when there is
    /// none, waits for a moment. Returns the time it then is.
    ///
    /// # Errors
    /// When the interface is gone; [`Live::reopen`] may bring it back.
    pub fn take(&mut self, show: &mut dyn FnMut(&Frame<'_>)) -> Result<Moment, CaptureError> {
        let Self { opened: Opened { capture, link, joined, .. }, frames, .. } = self;
        let mut last = None;
        // The socket does not block: libpcap would wait for a frame for ever, deaf to a stop.
        let taken = capture.dispatch(Some(BATCH), |packet| {
            let time = stamp(&packet);
            if is_anothers(joined, time) {
                return;
            }
            *frames += 1;
            last = Some(time);
            show(&frame(&packet, *link, *frames));
        });
        match (taken, last) {
            (Ok(_), Some(time)) => Ok(Moment::Busy(time)),
            (Ok(0) | Err(pcap::Error::TimeoutExpired), None) => {
                let came = fanout::wait(capture.as_raw_fd(), PATIENCE);
                Ok(if came { Moment::Waited } else { Moment::Idle(now()) })
            }
            (Ok(_), None) => Ok(Moment::Waited),
            (Err(error), _) => Err(self.gone(&error)),
        }
    }

    fn gone(&self, error: &pcap::Error) -> CaptureError {
        CaptureError::Interface { name: self.port.name.clone(), reason: text(error) }
    }
}

/// What [`Live::take`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Frames; the time of the last.
    Busy(Timestamp),
    /// None yet, but some have just come.
    Waited,
    /// None for a moment; the machine's time.
    Idle(Timestamp),
}

fn stamp(packet: &pcap::Packet<'_>) -> Timestamp {
    let micros = u32::try_from(packet.header.ts.tv_usec).unwrap_or(0);
    Timestamp::new(packet.header.ts.tv_sec, micros.saturating_mul(1000))
}

/// The tag that the kernel took out of the frame is put back by libpcap.
fn frame<'p>(packet: &pcap::Packet<'p>, link: LinkType, number: u64) -> Frame<'p> {
    Frame {
        time: stamp(packet),
        link,
        wire_length: packet.header.len,
        data: packet.data,
        number,
        stripped_vlan: None,
    }
}

/// Was this frame, from before the socket joined its group, given to another one too?
fn is_anothers(joined: &mut Option<Timestamp>, time: Timestamp) -> bool {
    match *joined {
        None => false,
        Some(since) if time < since && since.since(time) < CLOCK_WAS_SET => true,
        Some(_) => {
            *joined = None;
            false
        }
    }
}

/// Opens a socket and, if the interface is shared, enters its group.
fn activate(
    name: &str,
    options: &LiveOptions,
    share: Option<&Share>,
) -> Result<Opened, CaptureError> {
    // One at a time: a socket that is open and not yet in the group gets everything.
    let mut group = share.map(|share| share.lock().unwrap_or_else(PoisonError::into_inner));
    let ring = i32::try_from(options.ring_bytes).unwrap_or(i32::MAX);
    let open = pcap::Capture::from_device(name).and_then(|inactive| {
        inactive
            .promisc(true)
            .immediate_mode(false)
            .timeout(GATHER_MS)
            .snaplen(SNAP_LENGTH)
            .buffer_size(ring)
            .open()
    });
    let open = open.and_then(pcap::Capture::setnonblock);
    let mut capture = open.map_err(|error| explain(name, &error))?;
    if let Some(expression) = &options.filter {
        capture.filter(expression, true).map_err(|error| CaptureError::Filter {
            expression: expression.clone(),
            reason: text(&error),
        })?;
    }
    let mut joined = None;
    if let Some(group) = group.as_deref_mut() {
        let entered = fanout::enter(capture.as_fd(), name, *group);
        let entered = entered.map_err(|error| CaptureError::Sharing {
            name: name.into(),
            reason: super::describe(&error),
        })?;
        joined = (*group == Some(entered)).then(now);
        *group = Some(entered);
    }
    let link = LinkType(u16::try_from(capture.get_datalink().0).unwrap_or(u16::MAX));
    Ok(Opened { capture, link, joined, read: [0; 3] })
}

/// The machine's time, in the same clock the kernel stamps frames with.
#[allow(clippy::disallowed_methods)] // capture is where the clock may be read
pub fn now() -> Timestamp {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or_else(
        |_| Timestamp::default(),
        |d| Timestamp::new(d.as_secs() as i64, d.subsec_nanos()),
    )
}

/// What libpcap offers beside network interfaces, by the beginning of its names: no mirror port can
/// be plugged in there.
const NO_PORTS: [&str; 8] =
    ["any", "bluetooth", "dbus-", "nflog", "nfqueue", "usbmon", "rdma", "netmap:"];

/// Can a mirror port be plugged in there?
fn can_be_a_mirror(name: &str) -> bool {
    !NO_PORTS.iter().any(|other| name.starts_with(other))
}

/// Names of the interfaces of this machine that can be a mirror port, comma separated.
pub fn interfaces() -> String {
    let names: Vec<String> = pcap::Device::list()
        .map(|devices| devices.into_iter().map(|device| device.name).collect::<Vec<_>>())
        .unwrap_or_default();
    let names: Vec<String> = names.into_iter().filter(|name| can_be_a_mirror(name)).collect();
    if names.is_empty() { "none that may be seen".into() } else { names.join(", ") }
}

fn text(error: &pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(text) => text.clone(),
        other => other.to_string(),
    }
}

fn explain(name: &str, error: &pcap::Error) -> CaptureError {
    let reason = text(error);
    let lower = reason.to_lowercase();
    let name = name.to_owned();
    if lower.contains("no such device") || lower.contains("doesn't exist") {
        CaptureError::NoInterface { name, existing: interfaces() }
    } else if lower.contains("permission") || lower.contains("not permitted") {
        CaptureError::Permission { name }
    } else if lower.contains("not up") {
        CaptureError::SwitchedOff { name }
    } else {
        CaptureError::Interface { name, reason }
    }
}

/// For tests, after rights were given up: what the kernel answers to calls that would reach somebody.
#[cfg(debug_assertions)]
pub fn refused() -> String {
    if std::env::var_os("WARDWATCH_TEST_CALLS").is_none() {
        return String::new();
    }
    let packet = size_of::<libc::sockaddr_ll>() as i64;
    let calls = [
        ("socket(AF_INET)", libc::SYS_socket, i64::from(libc::AF_INET), 0),
        ("socket(AF_INET6)", libc::SYS_socket, i64::from(libc::AF_INET6), 0),
        ("connect", libc::SYS_connect, -1, 0),
        ("bind", libc::SYS_bind, -1, 16),
        ("bind of a packet socket", libc::SYS_bind, -1, packet),
        ("listen", libc::SYS_listen, -1, 0),
        ("accept4", libc::SYS_accept4, -1, 0),
        ("sendto", libc::SYS_sendto, -1, 0),
        ("sendmsg", libc::SYS_sendmsg, -1, 0),
        ("sendmmsg", libc::SYS_sendmmsg, -1, 0),
    ];
    let said = calls.map(|(name, call, first, third)| {
        format!("; {name}: {}", fanout::answer(call, first, third))
    });
    said.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_mirror_can_be_plugged_into_is_offered() {
        for name in ["eth1", "enp3s0", "lo", "br-lan", "wlan0", "bond0", "enx00e04c680001"] {
            assert!(can_be_a_mirror(name), "{name}");
        }
        for name in
            ["any", "nflog", "nfqueue", "dbus-system", "bluetooth0", "bluetooth-monitor", "usbmon3"]
        {
            assert!(!can_be_a_mirror(name), "{name}");
        }
        assert!(!interfaces().contains("nflog"));
    }

    #[test]
    fn frames_from_before_the_group_was_joined_are_anothers_until_the_first_after_it() {
        let at = |second| Timestamp::new(second, 0);
        let mut joined = Some(at(100));
        assert!(is_anothers(&mut joined, at(99)));
        assert!(!is_anothers(&mut joined, at(100)));
        assert!(!is_anothers(&mut joined, at(99)), "that is over");
    }

    /// Each frame that is shown brings another one: what is read as fast as it comes never ends.
    #[test]
    #[allow(clippy::print_stderr)] // a test that cannot run must say so
    fn frames_that_never_stop_coming_do_not_keep_the_worker_from_looking_up() {
        const ENDLESS: usize = 20 * BATCH;
        let mut live = match Live::open("lo", &LiveOptions::default()) {
            Ok(live) => live,
            Err(error) => {
                assert!(std::env::var_os("CI").is_none(), "CI has to run this: {error}");
                eprintln!("SKIPPED: {error}");
                return;
            }
        };
        let here = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let (to, port) = (here.local_addr().unwrap(), here.local_addr().unwrap().port());
        for _ in 0..3 * BATCH {
            here.send_to(b"x", to).unwrap();
        }
        let mut sent = 0;
        let (mut all, mut turns) = (0, 0);
        while all < 3 * BATCH {
            let mut shown = 0;
            let _ = live
                .take(&mut |frame| {
                    shown += 1;
                    all += usize::from(frame.data.get(36..38) == Some(&port.to_be_bytes()[..]));
                    if sent < ENDLESS {
                        sent += 1;
                        here.send_to(b"x", to).unwrap();
                    }
                })
                .unwrap();
            assert!(shown <= BATCH, "{shown} frames in one turn");
            turns += 1;
            assert!(turns < 100_000, "{all} frames");
        }
        assert!(turns >= 3);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_make_every_frame_anothers() {
        let mut joined = Some(Timestamp::new(1_000, 0));
        assert!(!is_anothers(&mut joined, Timestamp::new(900, 0)));
    }
}
