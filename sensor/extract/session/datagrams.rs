//! A UDP flow: DHCP and DNS by port, everything else by content on any port.

use super::Interest;
use crate::extract::{Context, dhcp, dns, dtls, http, netbios, quic};
use crate::net::Side;
use crate::stats::Counter;

/// Unrecognised datagrams of a side after which it is not expected to be understood.
const PATIENCE: u8 = 4;

/// Unrecognised datagrams of one side when the other says nothing.
const PATIENCE_ALONE: u8 = 16;

const fn is_dhcp(port: u16) -> bool {
    matches!(port, 67 | 68)
}

/// Is it a port of DNS, mDNS or LLMNR?
const fn is_dns(port: u16) -> bool {
    matches!(port, 53 | 5353 | 5355)
}

/// A UDP flow's state.
#[derive(Debug)]
pub(super) enum Datagrams {
    /// Not recognised yet: how many of each side were not.
    Detecting { low: u8, high: u8 },
    /// DNS on a port of its own or not.
    Dns,
    /// QUIC, while its ClientHello is not whole.
    Quic(Box<quic::Connection>),
    /// DTLS, while its ClientHello is not whole.
    Dtls(Box<dtls::Hellos>),
    /// Nothing more to be read.
    Done,
}

impl Default for Datagrams {
    fn default() -> Self {
        Self::Detecting { low: 0, high: 0 }
    }
}

impl Datagrams {
    /// Reads a datagram.
    pub(super) fn read(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) -> Interest {
        let (source, destination) = (cx.source.port, cx.destination.port);
        if (is_dhcp(source) || is_dhcp(destination)) && dhcp::read(bytes, cx) {
            return Interest::More;
        }
        let names = source == netbios::PORT || destination == netbios::PORT;
        if names && netbios::read(bytes, cx) {
            return Interest::More;
        }
        let hint = is_dns(source) || is_dns(destination);
        let done = match self {
            Self::Detecting { .. } => return self.detect(side, bytes, hint, cx),
            Self::Dns => {
                read_dns(bytes, true, cx);
                false
            }
            Self::Quic(connection) => connection.datagram(bytes, cx),
            Self::Dtls(hellos) => hellos.datagram(bytes, cx),
            Self::Done => !hint || !read_dns(bytes, true, cx),
        };
        self.after(done && !hint)
    }

    /// Has [`Datagrams::finish`] anything to read?
    pub(super) const fn holds_back(&self) -> bool {
        matches!(self, Self::Quic(_) | Self::Dtls(_))
    }

    /// Bytes on the heap.
    pub(super) fn held_bytes(&self) -> usize {
        match self {
            Self::Quic(connection) => size_of_val(connection.as_ref()),
            Self::Dtls(hellos) => size_of_val(hellos.as_ref()),
            Self::Detecting { .. } | Self::Dns | Self::Done => 0,
        }
    }

    /// What a parser holds back is read now.
    pub(super) fn finish(&mut self, cx: &mut Context<'_>) {
        match self {
            Self::Quic(connection) => connection.finish(cx),
            Self::Dtls(hellos) => hellos.finish(cx),
            _ => {}
        }
        *self = Self::Done;
    }

    fn detect(&mut self, side: Side, bytes: &[u8], hint: bool, cx: &mut Context<'_>) -> Interest {
        if hint && read_dns(bytes, true, cx) {
            return Interest::More;
        }
        if quic::probe(bytes) {
            let mut connection = quic::Connection::default();
            let done = connection.datagram(bytes, cx);
            if !done {
                *self = Self::Quic(Box::new(connection));
            }
            return self.after(done && !hint);
        }
        if dtls::probe(bytes) {
            let mut hellos = dtls::Hellos::default();
            let done = hellos.datagram(bytes, cx);
            if !done {
                *self = Self::Dtls(Box::new(hellos));
            }
            return self.after(done && !hint);
        }
        if !hint && read_dns(bytes, false, cx) {
            *self = Self::Dns;
            return Interest::More;
        }
        if http::datagram(bytes, cx) || hint {
            return Interest::More;
        }
        self.unrecognised(side, cx)
    }

    fn unrecognised(&mut self, side: Side, cx: &mut Context<'_>) -> Interest {
        let Self::Detecting { low, high } = self else { return Interest::Done };
        let (one, other) = match side {
            Side::Low => (low, high),
            Side::High => (high, low),
        };
        *one = one.saturating_add(1);
        let over = *one >= PATIENCE && *other >= PATIENCE || *one >= PATIENCE_ALONE;
        if over {
            cx.observer.count(Counter::Unknown);
        }
        self.after(over)
    }

    fn after(&mut self, done: bool) -> Interest {
        if done {
            *self = Self::Done;
            return Interest::Done;
        }
        Interest::More
    }
}

/// Reads a DNS message if the bytes look like one.
fn read_dns(bytes: &[u8], hint: bool, cx: &mut Context<'_>) -> bool {
    let (reader, observer) = (&mut cx.scratch.dns, &mut *cx.observer);
    let reading = match hint {
        true => reader.read_on_port(bytes, observer),
        false if dns::plausible(bytes, false) => reader.read(bytes, observer),
        false => return false,
    };
    reading != dns::Reading::NotDns
}
