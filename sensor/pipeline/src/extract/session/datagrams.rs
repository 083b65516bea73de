//! A UDP flow: each datagram is looked at afresh. Ports are a hint and never a verdict.
//!
//! Owns the order in which readers are asked. What is half-read belongs to no flow but to
//! [`crate::extract::handshakes`], so a flow holds nothing, and nothing that was sent before makes a
//! datagram be passed over. A datagram of no protocol of ours costs a few comparisons.

use crate::extract::quic::{self, Chlo};
use crate::extract::socks_udp::{self, Relayed};
use crate::extract::{Context, dhcp, dns, dtls, http, netbios};
use crate::net::Side;
use crate::stats::Counter;

/// Unrecognised datagrams of each side after which a flow is counted as unknown.
const PATIENCE: u8 = 4;

/// Unrecognised datagrams of one side when the other says nothing.
const PATIENCE_ALONE: u8 = 16;

/// Proxies, one behind the other, whose headers are read.
const RELAYS: usize = 4;

const fn is_dhcp(port: u16) -> bool {
    matches!(port, 67 | 68)
}

/// Is it a port of DNS, mDNS or LLMNR?
const fn is_dns(port: u16) -> bool {
    matches!(port, 53 | 5353 | 5355)
}

/// May some of a datagram be held until more of its handshake comes?
#[inline]
pub fn may_hold(bytes: &[u8]) -> bool {
    quic::probe(bytes) || dtls::probe(bytes) || socks_udp::header(bytes).is_some()
}

/// A UDP flow's state: what is counted once, and what makes a reader more lenient.
#[derive(Debug, Default)]
pub(super) struct Datagrams {
    /// Unrecognised datagrams of the lower and the higher side.
    unknown: [u8; 2],
    /// Something was recognised, or it is counted that nothing was.
    settled: bool,
    /// A DNS message was read.
    dns: bool,
    /// An Initial opened, or it is counted that one did not.
    initials: bool,
    chlo: Chlo,
}

impl Datagrams {
    /// Reads a datagram.
    pub(super) fn read(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) {
        let (source, destination) = (cx.source.port, cx.destination.port);
        let hint = is_dns(source) || is_dns(destination);
        let by_port = Self::read_by_port(bytes, (source, destination), cx);
        let read = match socks_udp::header(bytes) {
            Some(relayed) => {
                self.read_relayed(&relayed, cx);
                // Of the others, only a message of DNS may begin so.
                let _ = (hint || may_be_dns(bytes)) && read_dns(bytes, hint, cx);
                true
            }
            None => self.read_content(bytes, hint, cx),
        };
        if read || by_port || hint {
            self.settled = true;
        } else if !self.settled {
            self.unrecognised(side, cx);
        }
    }

    /// What has a port of its own. It may be something else as well.
    #[inline]
    fn read_by_port(bytes: &[u8], (source, destination): (u16, u16), cx: &mut Context<'_>) -> bool {
        let dhcp = is_dhcp(source) || is_dhcp(destination);
        let names = source == netbios::PORT || destination == netbios::PORT;
        dhcp && dhcp::read(bytes, cx) || names && netbios::read(bytes, cx)
    }

    /// What a SOCKS proxy passes on, perhaps to another proxy. It may be something else as well.
    #[cold]
    fn read_relayed(&mut self, relayed: &Relayed<'_>, cx: &mut Context<'_>) {
        relayed.tell(cx);
        let mut last = *relayed;
        for _ in 1..RELAYS {
            let Some(next) = socks_udp::header(last.payload) else { break };
            next.tell(cx);
            last = next;
        }
        let _ = self.read_content(last.payload, is_dns(last.port()), cx);
    }

    /// Asks each reader whose first bytes these may be.
    #[inline]
    fn read_content(&mut self, bytes: &[u8], hint: bool, cx: &mut Context<'_>) -> bool {
        let read;
        if quic::probe(bytes) {
            match self.read_quic(bytes, cx) {
                quic::Reading::Read => return true,
                quic::Reading::Closed | quic::Reading::Other => read = true,
            }
        } else {
            // No reason not to be a message of DNS: receivers of either pass over the other's part.
            read = dtls::read(bytes, cx);
        }
        let lenient = hint || self.dns;
        let dns = (lenient || may_be_dns(bytes)) && read_dns(bytes, lenient, cx);
        self.dns |= dns && !read;
        read || dns || may_be_http(bytes) && http::datagram(bytes, cx)
    }

    #[cold]
    fn read_quic(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> quic::Reading {
        let reading = quic::read(bytes, cx);
        if reading == quic::Reading::Other && self.chlo.read(bytes, cx) {
            return quic::Reading::Read;
        }
        let counts = reading == quic::Reading::Closed && !self.initials;
        if counts {
            cx.observer.count(Counter::QuicUndecodable);
        }
        self.initials |= reading != quic::Reading::Other;
        reading
    }

    /// Counts the flow as one of no protocol of ours, once.
    fn unrecognised(&mut self, side: Side, cx: &mut Context<'_>) {
        let [low, high] = &mut self.unknown;
        let (one, other) = match side {
            Side::Low => (low, high),
            Side::High => (high, low),
        };
        *one = one.saturating_add(1);
        self.settled = *one >= PATIENCE && *other >= PATIENCE || *one >= PATIENCE_ALONE;
        if self.settled {
            cx.observer.count(Counter::Unknown);
        }
    }
}

/// Do the counts in a DNS header make sense on a port that is not DNS's? Asked of every datagram.
#[inline]
const fn may_be_dns(bytes: &[u8]) -> bool {
    matches!(bytes, [_, _, _, _, 0, 0..=32, ..])
}

/// May a line of text begin here?
#[inline]
const fn may_be_http(bytes: &[u8]) -> bool {
    match bytes {
        [b'\r' | b'\n', ..] => true,
        [a, b, c, ..] => {
            a.is_ascii_graphic() && b.is_ascii_graphic() && (c.is_ascii_graphic() || *c == b' ')
        }
        _ => false,
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
