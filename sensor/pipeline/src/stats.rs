//! Counters: every silent drop has one, and each ends in the stats line.
//!
//! A worker owns one [`Counters`] and adds to it without a lock; `app` sums them. Nothing here
//! knows where a number is printed.

use crate::net::IpProtocol;

/// Makes the counter enum, its names and its list from one table, so that none can be forgotten.
macro_rules! counters {
    ($($(#[doc = $doc:literal])* $variant:ident => $name:literal,)*) => {
        /// One thing that is counted. [`Counter::name`] is its key in the stats record.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Counter { $($(#[doc = $doc])* $variant,)* }

        impl Counter {
            /// Every counter, in the order they are printed.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// `stage.what`, stable for dashboards.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it counts, as its documentation says.
            pub const fn help(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc,)*).trim_ascii(),)* }
            }
        }
    };
}

counters! {
    /// Frames taken from the source.
    Frames => "capture.frames",
    /// Bytes of those frames as captured.
    Bytes => "capture.bytes",
    /// Frames shorter than on the wire (snap length).
    FramesTruncated => "capture.truncated",
    /// Frames whose packet a mirror had just shown: copied where it came in and where it left.
    Duplicates => "capture.duplicates",
    /// Frames whose way ended with a fault of this program; their flow was dropped.
    Panics => "capture.panics",
    /// IPv4 packets, inner ones of tunnels included.
    Ipv4 => "decode.ipv4",
    /// IPv6 packets, inner ones of tunnels included.
    Ipv6 => "decode.ipv6",
    /// TCP segments.
    Tcp => "decode.tcp",
    /// UDP datagrams.
    Udp => "decode.udp",
    /// ICMP messages.
    Icmp => "decode.icmp",
    /// ARP messages.
    Arp => "decode.arp",
    /// IP fragments.
    Fragments => "decode.fragments",
    /// Frames of a link layer we do not decode.
    SkipLinkType => "decode.skip.link_type",
    /// Frames whose EtherType (or PPP protocol) carries no IP: STP, LLDP ...
    SkipNotIp => "decode.skip.not_ip",
    /// Frames cut before the addresses could be read.
    SkipShort => "decode.skip.short",
    /// Headers that contradict themselves (wrong version, header length below the minimum).
    SkipMalformed => "decode.skip.malformed",
    /// More tags or tunnels than we follow.
    SkipTooDeep => "decode.skip.too_deep",
    /// Encrypted payload (802.11 protected frames, ESP).
    SkipEncrypted => "decode.skip.encrypted",
    /// IP in IP whose inner packet was not read: too deep, or no packet.
    UnreadIp => "decode.unread.ip",
    /// GRE whose content was not read: too deep, or none of what we know.
    UnreadGre => "decode.unread.gre",
    /// ERSPAN whose frame was not read.
    UnreadErspan => "decode.unread.erspan",
    /// VXLAN whose content was not read.
    UnreadVxlan => "decode.unread.vxlan",
    /// Geneve whose content was not read.
    UnreadGeneve => "decode.unread.geneve",
    /// GTP-U whose packet was not read: too deep, or no packet.
    UnreadGtp => "decode.unread.gtp",
    /// TZSP whose frame was not read.
    UnreadTzsp => "decode.unread.tzsp",
    /// Teredo whose packet was not read: too deep.
    UnreadTeredo => "decode.unread.teredo",
    /// IP in UDP (FOU, GUE) whose packet was not read.
    UnreadIpInUdp => "decode.unread.ip_in_udp",
    /// CAPWAP data that was not read: encrypted (DTLS), or later fragments.
    UnreadCapwap => "decode.unread.capwap",
    /// Frames of a remote mirror (HP, Juniper) that were not read.
    UnreadMirror => "decode.unread.mirror",
    /// ESP packets (IPsec), encrypted.
    UnreadEsp => "decode.unread.esp",
    /// Other tunnels (L2TP, LISP, AYIYA, MPLS ...) whose content was not read.
    UnreadOther => "decode.unread.other",
    /// Packets given up whose fragments did not all come: table full, or timed out.
    FragmentsGivenUp => "flow.fragments_given_up",
    /// Fragments passed over: larger than any packet, or more scattered than is kept.
    FragmentsRefused => "flow.fragments_refused",
    /// Packets made whole from fragments.
    Reassembled => "flow.reassembled",
    /// Packets that a host of ours sends to the outside.
    PacketsOut => "traffic.packets_out",
    /// Packets that a host of ours receives from the outside.
    PacketsIn => "traffic.packets_in",
    /// Bytes of the frames of the former.
    BytesOut => "traffic.bytes_out",
    /// Bytes of the frames of the latter.
    BytesIn => "traffic.bytes_in",
    /// TCP packets that a host of ours sends to the outside.
    TcpPacketsOut => "traffic.tcp.packets_out",
    /// Bytes of frames with TCP packets that a host of ours sends to the outside.
    TcpBytesOut => "traffic.tcp.bytes_out",
    /// TCP packets that a host of ours receives from the outside.
    TcpPacketsIn => "traffic.tcp.packets_in",
    /// Bytes of frames with TCP packets that a host of ours receives from the outside.
    TcpBytesIn => "traffic.tcp.bytes_in",
    /// TCP packets that stay among our hosts, or pass between others.
    TcpPacketsLocal => "traffic.tcp.packets_local",
    /// Bytes of frames with TCP packets that stay among our hosts, or pass between others.
    TcpBytesLocal => "traffic.tcp.bytes_local",
    /// UDP packets that a host of ours sends to the outside.
    UdpPacketsOut => "traffic.udp.packets_out",
    /// Bytes of frames with UDP packets that a host of ours sends to the outside.
    UdpBytesOut => "traffic.udp.bytes_out",
    /// UDP packets that a host of ours receives from the outside.
    UdpPacketsIn => "traffic.udp.packets_in",
    /// Bytes of frames with UDP packets that a host of ours receives from the outside.
    UdpBytesIn => "traffic.udp.bytes_in",
    /// UDP packets that stay among our hosts, or pass between others.
    UdpPacketsLocal => "traffic.udp.packets_local",
    /// Bytes of frames with UDP packets that stay among our hosts, or pass between others.
    UdpBytesLocal => "traffic.udp.bytes_local",
    /// ICMP packets that a host of ours sends to the outside.
    IcmpPacketsOut => "traffic.icmp.packets_out",
    /// Bytes of frames with ICMP packets that a host of ours sends to the outside.
    IcmpBytesOut => "traffic.icmp.bytes_out",
    /// ICMP packets that a host of ours receives from the outside.
    IcmpPacketsIn => "traffic.icmp.packets_in",
    /// Bytes of frames with ICMP packets that a host of ours receives from the outside.
    IcmpBytesIn => "traffic.icmp.bytes_in",
    /// ICMP packets that stay among our hosts, or pass between others.
    IcmpPacketsLocal => "traffic.icmp.packets_local",
    /// Bytes of frames with ICMP packets that stay among our hosts, or pass between others.
    IcmpBytesLocal => "traffic.icmp.bytes_local",
    /// Other IP packets that a host of ours sends to the outside.
    RestPacketsOut => "traffic.rest.packets_out",
    /// Bytes of frames with Other IP packets that a host of ours sends to the outside.
    RestBytesOut => "traffic.rest.bytes_out",
    /// Other IP packets that a host of ours receives from the outside.
    RestPacketsIn => "traffic.rest.packets_in",
    /// Bytes of frames with Other IP packets that a host of ours receives from the outside.
    RestBytesIn => "traffic.rest.bytes_in",
    /// Other IP packets that stay among our hosts, or pass between others.
    RestPacketsLocal => "traffic.rest.packets_local",
    /// Bytes of frames with Other IP packets that stay among our hosts, or pass between others.
    RestBytesLocal => "traffic.rest.bytes_local",
    /// Flows between a host of ours and the outside.
    FlowsOut => "traffic.flows",
    /// Flows seen.
    Flows => "flow.new",
    /// Flows removed because the table was full.
    FlowsEvicted => "flow.evicted",
    /// Segments that repeat bytes already read.
    SegmentsRepeated => "flow.segments_repeated",
    /// Segments held because earlier bytes were missing.
    SegmentsHeld => "flow.segments_held",
    /// Held bytes given up because a limit was reached.
    StreamLimit => "flow.stream_limit",
    /// Holes that never filled and were skipped.
    Gaps => "flow.gaps",
    /// Overlapping segments whose contents differ.
    OverlapConflicts => "flow.overlap_conflicts",
    /// Bytes of contradicting segments read again, once for each reading.
    BytesReadAgain => "flow.bytes_read_again",
    /// Times that contradicting segments were not read at once, because their sender had spent
    /// his part: they are read by and by.
    ReadingsPutOff => "flow.readings_put_off",
    /// Times that some of them were forgotten before, because their sender owed too much.
    ReadingsGivenUp => "flow.readings_given_up",
    /// DNS messages read.
    Dns => "extract.dns",
    /// DNS messages damaged: what stood before the damage was read.
    DnsDamaged => "extract.dns_damaged",
    /// TLS ClientHellos read.
    Tls => "extract.tls",
    /// ClientHellos without a server name.
    TlsNoSni => "extract.tls_no_sni",
    /// ClientHellos that offer an encrypted ClientHello, dummies beside the true name included.
    TlsEch => "extract.tls_ech",
    /// ClientHellos whose true name is taken to be hidden in an encrypted ClientHello.
    TlsEchHidden => "extract.tls_ech_hidden",
    /// ClientHellos cut short: what stood before the cut was read.
    TlsIncomplete => "extract.tls_incomplete",
    /// QUIC ClientHellos read.
    Quic => "extract.quic",
    /// QUIC Initial packets that could not be opened.
    QuicUndecodable => "extract.quic_undecodable",
    /// Times that one QUIC or DTLS handshake held too much, and forgot it.
    QuicLimit => "extract.quic_limit",
    /// QUIC Initials not tried because too many had not opened in the same second.
    QuicUntried => "extract.quic_untried",
    /// Half-read QUIC and DTLS handshakes forgotten because there were too many: what stood of
    /// them was read.
    HandshakesForgotten => "extract.handshakes_forgotten",
    /// HTTP requests read.
    Http => "extract.http",
    /// HTTP heads cut short: what stood before the cut was read.
    HttpIncomplete => "extract.http_incomplete",
    /// Flows whose DNS questions are encrypted: the sum of the next three.
    EncryptedDns => "extract.encrypted_dns",
    /// Flows to a known resolver of DNS over HTTPS, by its name.
    DnsOverHttps => "extract.dns_over_https",
    /// Flows to the port of DNS over TLS.
    DnsOverTls => "extract.dns_over_tls",
    /// Flows to the port of DNS over QUIC.
    DnsOverQuic => "extract.dns_over_quic",
    /// DHCP messages read.
    Dhcp => "extract.dhcp",
    /// Streams and UDP flows whose protocol is none of ours.
    Unknown => "extract.unknown_protocol",
    /// Observations compared with the indicators.
    Observations => "matching.observations",
    /// Hits before folding.
    Hits => "matching.hits",
    /// Looks at the first bytes of a direction that may show a behaviour.
    StreamHeads => "matching.stream_heads",
    /// Connections whose first bytes were no longer held because too many were.
    StreamHeadsGivenUp => "matching.stream_heads_given_up",
    /// Behaviours seen.
    Behaviours => "matching.behaviours",
    /// Hits on an indicator that the allow list silences.
    Allowed => "matching.allowed",
    /// Hits on an indicator that is past its last day.
    Expired => "matching.expired",
    /// Alerts sent.
    Alerts => "alert.sent",
    /// Hits folded into the count of an earlier alert.
    AlertsFolded => "alert.folded",
    /// Hits of a flood, counted in one line for many hosts or many indicators.
    AlertsGathered => "alert.gathered",
    /// Alerts counted in such a line because the queue stayed full.
    AlertsOverflowed => "alert.overflowed",
    /// Times a host was not taken for a familiar one, because too many became so at once.
    HostsUnfamiliar => "alert.hosts_unfamiliar",
    /// Alerts that waited because the queue was full. Late, never lost.
    AlertsDelayed => "alert.delayed",
    /// Facts about hosts not passed on: too many at once, or the queue was full.
    IdentitiesDropped => "alert.identities_dropped",
    /// Event records dropped because the queue was full (live only).
    EventsDropped => "alert.events_dropped",
}

/// Where a packet goes, as seen from our network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From a host of ours to the outside.
    Out,
    /// From the outside to a host of ours.
    In,
    /// Among our hosts, or between others.
    Local,
}

impl Counter {
    /// What counts a packet of this protocol and direction, and its bytes.
    #[inline]
    pub const fn traffic(protocol: IpProtocol, direction: Direction) -> (Self, Self) {
        use Direction::{In, Local, Out};
        match (protocol, direction) {
            (IpProtocol::TCP, Out) => (Self::TcpPacketsOut, Self::TcpBytesOut),
            (IpProtocol::TCP, In) => (Self::TcpPacketsIn, Self::TcpBytesIn),
            (IpProtocol::TCP, Local) => (Self::TcpPacketsLocal, Self::TcpBytesLocal),
            (IpProtocol::UDP, Out) => (Self::UdpPacketsOut, Self::UdpBytesOut),
            (IpProtocol::UDP, In) => (Self::UdpPacketsIn, Self::UdpBytesIn),
            (IpProtocol::UDP, Local) => (Self::UdpPacketsLocal, Self::UdpBytesLocal),
            (IpProtocol::ICMP | IpProtocol::ICMPV6, Out) => {
                (Self::IcmpPacketsOut, Self::IcmpBytesOut)
            }
            (IpProtocol::ICMP | IpProtocol::ICMPV6, In) => (Self::IcmpPacketsIn, Self::IcmpBytesIn),
            (IpProtocol::ICMP | IpProtocol::ICMPV6, Local) => {
                (Self::IcmpPacketsLocal, Self::IcmpBytesLocal)
            }
            (_, Out) => (Self::RestPacketsOut, Self::RestBytesOut),
            (_, In) => (Self::RestPacketsIn, Self::RestBytesIn),
            (_, Local) => (Self::RestPacketsLocal, Self::RestBytesLocal),
        }
    }
}

/// One worker's counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counters([u64; Counter::ALL.len()]);

impl Default for Counters {
    fn default() -> Self {
        Self([0; Counter::ALL.len()])
    }
}

impl Counters {
    /// Adds one.
    #[inline]
    pub fn count(&mut self, counter: Counter) {
        self.add(counter, 1);
    }

    /// Adds `n`. No traffic makes 64 bits run over.
    #[inline]
    pub fn add(&mut self, counter: Counter, n: u64) {
        if let Some(slot) = self.0.get_mut(counter as usize) {
            *slot = slot.wrapping_add(n);
        }
    }

    /// The count so far.
    pub fn get(&self, counter: Counter) -> u64 {
        self.0.get(counter as usize).copied().unwrap_or(0)
    }

    /// Adds another worker's counts.
    pub fn merge(&mut self, other: &Self) {
        for counter in Counter::ALL {
            self.add(*counter, other.get(*counter));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_have_distinct_names_and_their_own_slots() {
        let mut names: Vec<_> = Counter::ALL.iter().map(|counter| counter.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Counter::ALL.len());
        let mut counters = Counters::default();
        counters.count(Counter::EventsDropped);
        let mut sum = counters.clone();
        sum.merge(&counters);
        assert_eq!(sum.get(Counter::EventsDropped), 2);
        assert_eq!(sum.get(Counter::Frames), 0);
    }
}
