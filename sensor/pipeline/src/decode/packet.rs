//! What decoding yields: a [`Packet`] that borrows the frame, or the reason there is none.

use crate::net::{Address, Endpoint, IpProtocol, Mac};
use crate::stats::Counter;

/// A list of at most `N` small values without allocation; more are not kept, only known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Few<T, const N: usize> {
    /// None before the first: a frame's packet has two of these lists, nearly always empty.
    items: Option<[T; N]>,
    length: u8,
    more: bool,
}

impl<T: Copy + Default, const N: usize> Default for Few<T, N> {
    fn default() -> Self {
        Self { items: None, length: 0, more: false }
    }
}

impl<T: Copy + Default, const N: usize> Few<T, N> {
    /// Adds a value; false when it is full.
    pub fn push(&mut self, item: T) -> bool {
        let items = self.items.get_or_insert_with(|| [T::default(); N]);
        match items.get_mut(usize::from(self.length)) {
            Some(slot) => {
                *slot = item;
                self.length += 1;
                true
            }
            None => {
                self.more = true;
                false
            }
        }
    }

    /// Empties it.
    #[inline]
    pub const fn clear(&mut self) {
        (self.items, self.length, self.more) = (None, 0, false);
    }

    /// Does it hold none?
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Was there one more than it holds?
    pub const fn has_more(&self) -> bool {
        self.more
    }

    /// The values, first pushed first.
    pub fn as_slice(&self) -> &[T] {
        let items = self.items.as_ref().and_then(|items| items.get(..usize::from(self.length)));
        items.unwrap_or(&[])
    }
}

/// Kind of encapsulation an inner packet came out of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TunnelKind {
    /// IP in IP of any two versions (RFC 2003, 2473, 4213).
    #[default]
    Ip,
    /// GRE (RFC 2784, 2890), PPTP's version 1 included.
    Gre,
    /// ERSPAN type I, II or III over GRE.
    Erspan,
    /// VXLAN (RFC 7348), GPE included.
    Vxlan,
    /// Geneve (RFC 8926).
    Geneve,
    /// GTP-U (3GPP TS 29.281).
    Gtp,
    /// TaZmen Sniffer Protocol, MikroTik's remote mirror.
    Tzsp,
    /// Teredo (RFC 4380).
    Teredo,
    /// IP directly in UDP, on any port (Linux FOU), and GUE.
    IpInUdp,
    /// CAPWAP data (RFC 5415 4.3) between an access point and its controller.
    Capwap,
    /// A remote mirror of HP or Juniper.
    Mirror,
    /// ESP (RFC 4303), read only where it does not encrypt.
    Esp,
    /// Anything rarer: AYIYA, LISP, L2TP ...
    Other,
}

impl TunnelKind {
    /// What is counted where a tunnel of this kind is recognised and its content is not read.
    pub const fn unread(self) -> Counter {
        match self {
            Self::Ip => Counter::UnreadIp,
            Self::Gre => Counter::UnreadGre,
            Self::Erspan => Counter::UnreadErspan,
            Self::Vxlan => Counter::UnreadVxlan,
            Self::Geneve => Counter::UnreadGeneve,
            Self::Gtp => Counter::UnreadGtp,
            Self::Tzsp => Counter::UnreadTzsp,
            Self::Teredo => Counter::UnreadTeredo,
            Self::IpInUdp => Counter::UnreadIpInUdp,
            Self::Capwap => Counter::UnreadCapwap,
            Self::Mirror => Counter::UnreadMirror,
            Self::Esp => Counter::UnreadEsp,
            Self::Other => Counter::UnreadOther,
        }
    }
}

/// One outer layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tunnel {
    /// How the inner packet was wrapped.
    pub kind: TunnelKind,
    /// Outer source; port 0 where there is none.
    pub source: Endpoint,
    /// Outer destination.
    pub destination: Endpoint,
    /// Outer protocol.
    pub protocol: IpProtocol,
}

/// Where a fragment belongs (RFC 791 3.2, RFC 8200 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Identification, 16 bits in IPv4, 32 in IPv6.
    pub id: u32,
    /// Offset of this payload in the whole, in bytes.
    pub offset: u32,
    /// Do more fragments follow?
    pub more: bool,
}

/// A TCP segment's header fields and payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Sequence number of the first payload byte (of SYN, if set).
    pub sequence: u32,
    /// Acknowledgement number, 0 if ACK is not set.
    pub acknowledgement: u32,
    /// CWR ECE URG ACK PSH RST SYN FIN, high bit first.
    pub flags: TcpFlags,
    /// The header as captured, options included: what only doubtful segments are asked for is
    /// read from it when asked ([`Segment::window`], [`Segment::urgent`], [`Segment::timestamp`]).
    pub header: &'a [u8],
    /// Payload as captured, at most what the IP header allows.
    pub payload: &'a [u8],
    /// Payload bytes that were on the wire but not captured.
    pub missing: u32,
}

/// TCP flags byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// FIN set?
    pub const fn fin(self) -> bool {
        self.0 & 0x01 != 0
    }
    /// SYN set?
    pub const fn syn(self) -> bool {
        self.0 & 0x02 != 0
    }
    /// RST set?
    pub const fn rst(self) -> bool {
        self.0 & 0x04 != 0
    }
    /// ACK set?
    pub const fn ack(self) -> bool {
        self.0 & 0x10 != 0
    }
    /// URG set?
    pub const fn urg(self) -> bool {
        self.0 & 0x20 != 0
    }
}

/// What the IP packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport<'a> {
    /// TCP.
    Tcp(Segment<'a>),
    /// UDP: payload bounded by the UDP length where that is sane, else by the packet.
    Udp(&'a [u8]),
    /// ICMP or ICMPv6.
    Icmp {
        /// Type.
        kind: u8,
        /// Code.
        code: u8,
        /// Bytes after the first eight.
        payload: &'a [u8],
    },
    /// A fragment that is not the whole packet. `payload` is what follows the IP header (and
    /// the IPv6 extension headers before and including the fragment header).
    Fragment {
        /// Its place.
        place: Fragment,
        /// Its bytes.
        payload: &'a [u8],
    },
    /// Any other protocol, or a header cut too short for ports.
    Other(&'a [u8]),
}

/// A decoded packet: the innermost IP layer and what it carries.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Source address and port (0 where the protocol has none or it could not be read).
    pub source: Endpoint,
    /// Destination address and port.
    pub destination: Endpoint,
    /// Protocol of the transport.
    pub protocol: IpProtocol,
    /// What it carries.
    pub transport: Transport<'a>,
    /// Time to live or hop limit; of a packet made whole from fragments, the first one's.
    pub ttl: u8,
    /// The IP header as captured: of IPv4 with its options, of IPv6 forty bytes. Empty if the
    /// packet was made whole from fragments.
    pub header: &'a [u8],
    /// From the transport header (of a fragment: its payload) to the end of the packet, as captured.
    pub upper: &'a [u8],
    /// Was the end of `upper` not captured, or not said by the IP header?
    pub cut: bool,
    /// Hardware addresses (source, destination) of the frame that holds the innermost IP packet.
    pub macs: Option<(Mac, Mac)>,
    /// VLAN ids, outermost first.
    pub vlans: Few<u16, 4>,
    /// Outer layers, outermost first.
    pub tunnels: Few<Tunnel, 4>,
    /// The datagrams that the latest of these layers are (of a layer that is none: empty), in the
    /// same order. A packet made whole from fragments lacks those around its fragments.
    pub carriers: Few<&'a [u8], 4>,
    /// A tunnel that this packet is, recognised and not read: encrypted, too deep, not whole.
    pub unread: Option<TunnelKind>,
    /// Came in a tunnel from outside: what it says of hosts of ours is hearsay. Decoding knows
    /// nobody's home and leaves it false.
    pub hearsay: bool,
    /// Is it an outer layer of the packet that was decoded? Decoding gives inner ones only.
    pub is_outer: bool,
}

impl Default for Packet<'_> {
    /// A packet of which nothing is known.
    fn default() -> Self {
        Self {
            source: Endpoint::default(),
            destination: Endpoint::default(),
            protocol: IpProtocol(0),
            transport: Transport::Other(&[]),
            ttl: 0,
            header: &[],
            upper: &[],
            cut: false,
            macs: None,
            vlans: Few::default(),
            tunnels: Few::default(),
            carriers: Few::default(),
            unread: None,
            hearsay: false,
            is_outer: false,
        }
    }
}

/// What a frame held.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly always a packet, and never boxed on the path"
)]
pub enum Decoded<'a> {
    /// An IP packet.
    Ip(Packet<'a>),
    /// An ARP message (RFC 826): sender's hardware and protocol address.
    Arp {
        /// Sender's hardware address.
        mac: Mac,
        /// Sender's IPv4 address.
        address: Address,
    },
}

/// Why a frame gave no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Skip {
    /// Link type not decoded.
    LinkType,
    /// Carries no IP.
    NotIp,
    /// Cut before the addresses.
    Short,
    /// Contradicts itself.
    Malformed,
    /// More tags or tunnels than are followed.
    TooDeep,
    /// Encrypted.
    Encrypted,
}

impl Skip {
    /// The counter it ends in.
    pub const fn counter(self) -> Counter {
        match self {
            Self::LinkType => Counter::SkipLinkType,
            Self::NotIp => Counter::SkipNotIp,
            Self::Short => Counter::SkipShort,
            Self::Malformed => Counter::SkipMalformed,
            Self::TooDeep => Counter::SkipTooDeep,
            Self::Encrypted => Counter::SkipEncrypted,
        }
    }
}
