//! Counters: every silent drop has one, and each ends in the stats line.
//!
//! A worker owns one [`Counters`] and adds to it without a lock; `app` sums them. Nothing here
//! knows where a number is printed.

/// Makes the counter enum, its names and its list from one table, so that none can be forgotten.
macro_rules! counters {
    ($($(#[$doc:meta])* $variant:ident => $name:literal,)*) => {
        /// One thing that is counted. [`Counter::name`] is its key in the stats record.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Counter { $($(#[$doc])* $variant,)* }

        impl Counter {
            /// Every counter, in the order they are printed.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// `stage.what`, stable for dashboards.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
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
    /// Fragments given up: table full, timed out, contradictory.
    FragmentsGivenUp => "flow.fragments_given_up",
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
    /// DNS messages read.
    Dns => "extract.dns",
    /// DNS messages damaged: what stood before the damage was read.
    DnsDamaged => "extract.dns_damaged",
    /// TLS ClientHellos read.
    Tls => "extract.tls",
    /// ClientHellos without a server name.
    TlsNoSni => "extract.tls_no_sni",
    /// ClientHellos with an encrypted ClientHello: the true name is hidden.
    TlsEch => "extract.tls_ech",
    /// ClientHellos cut short: what stood before the cut was read.
    TlsIncomplete => "extract.tls_incomplete",
    /// QUIC ClientHellos read.
    Quic => "extract.quic",
    /// QUIC Initial packets that could not be opened.
    QuicUndecodable => "extract.quic_undecodable",
    /// QUIC connections given up because of a limit.
    QuicLimit => "extract.quic_limit",
    /// HTTP requests read.
    Http => "extract.http",
    /// HTTP heads cut short: what stood before the cut was read.
    HttpIncomplete => "extract.http_incomplete",
    /// Flows to a known DNS-over-HTTPS or DNS-over-TLS resolver.
    EncryptedDns => "extract.encrypted_dns",
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
    /// Alerts that waited because the queue was full. Late, never lost.
    AlertsDelayed => "alert.delayed",
    /// Facts about hosts not passed on: too many at once, or the queue was full.
    IdentitiesDropped => "alert.identities_dropped",
    /// Event records dropped because the queue was full (live only).
    EventsDropped => "alert.events_dropped",
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
    pub fn count(&mut self, counter: Counter) {
        self.add(counter, 1);
    }

    /// Adds `n`; saturates.
    pub fn add(&mut self, counter: Counter, n: u64) {
        if let Some(slot) = self.0.get_mut(counter as usize) {
            *slot = slot.saturating_add(n);
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
