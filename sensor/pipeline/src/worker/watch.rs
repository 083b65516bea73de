//! Stages 5 and 6 of a worker: what parsers see is compared, and a hit becomes an alert.

mod behaviours;
mod hosts;

use std::sync::Arc;

use crate::alert::crowd::{Allowance, Groups};
use crate::alert::event::{EventBody, EventKinds, hex};
use crate::alert::familiar::{Familiar, Greeting};
use crate::alert::identity::Announced;
use crate::alert::{
    Alert, Event, HomeNetworks, Origin, Outbox, Reason, Reasons, Sighting, Throttle,
};
use crate::decode::packet::{Few, Packet, Transport};
use crate::extract::resolvers;
use crate::extract::session::Session;
use crate::extract::tls::fingerprint;
use crate::flow::Flow;
use crate::flow::table::Life;
use crate::matching::behaviour::Tracker;
use crate::matching::severity::Weakness;
use crate::matching::{Hit, IndicatorId, IndicatorSet, Matcher};
use crate::net::{Address, Endpoint, FlowKey, IpProtocol, Side, Timestamp};
use crate::observation::{ClientHello, Kind, Message, Observation, Observer, StreamHead, Value};
use crate::stats::{Counter, Counters};
use crate::worker::Assignment;
use crate::worker::context::PacketContext;
use crate::worker::identity::is_naming_port;
use hosts::{Clients, Hosts};

/// Everything an observation passes through.
pub(super) struct Watch {
    pub(super) matcher: Matcher,
    pub(super) behaviours: Tracker,
    /// What alerted connections met.
    pub(super) reasons: Reasons,
    pub(super) throttle: Throttle,
    /// Hosts of ours that are known to be real.
    pub(super) familiar: Familiar,
    /// Who has lines of its own, and what is counted together.
    pub(super) allowance: Allowance,
    pub(super) groups: Groups,
    pub(super) outbox: Outbox,
    pub(super) home: HomeNetworks,
    pub(super) events: EventKinds,
    pub(super) origin: Origin,
    /// Hosts of ours that were seen.
    pub(super) hosts: Hosts,
    /// Those that were seen in a flow with the outside.
    pub(super) clients: Clients,
    /// Facts about hosts that were passed on.
    pub(super) announced: Announced,
    /// The latest flow counted as encrypted DNS: its second ClientHello is the same flow.
    pub(super) encrypted: Option<u64>,
    pub(super) counters: Counters,
}

impl Watch {
    /// One that has seen nothing.
    pub(super) fn new(assignment: Assignment, set: Arc<IndicatorSet>, outbox: Outbox) -> Self {
        let Assignment { limits, home, events, origin } = assignment;
        Self {
            matcher: Matcher::new(set),
            behaviours: Tracker::default(),
            reasons: Reasons::default(),
            throttle: Throttle::new(limits.throttle),
            familiar: Familiar::default(),
            allowance: Allowance::default(),
            groups: Groups::new(limits.throttle.window_nanos),
            outbox,
            home,
            events,
            origin,
            hosts: Hosts::default(),
            announced: Announced::default(),
            encrypted: None,
            clients: Clients::default(),
            counters: Counters::default(),
        }
    }

    /// An observer of what parsers see in this packet.
    pub(super) const fn at<'a>(&'a mut self, context: &'a PacketContext<'a>) -> At<'a> {
        At { watch: self, context, wants_body: false }
    }

    /// Compares both endpoints of a new flow.
    pub(super) fn endpoints(&mut self, context: &PacketContext<'_>) {
        for endpoint in [context.packet.destination, context.packet.source] {
            self.counters.count(Counter::Observations);
            // Asked before there is an observation: nearly every address is met by nothing.
            if !self.matcher.misses_address(endpoint.address) {
                let kind = if context.packet.is_outer { Kind::OuterIp } else { Kind::Ip };
                let value = Value::Endpoint(endpoint);
                self.look_up(context, Observation { kind, value });
            }
            let encrypted = !context.again
                && resolvers::is_encrypted_dns_port(context.packet.protocol, endpoint.port);
            if encrypted {
                let over_tls = context.packet.protocol == IpProtocol::TCP;
                let way = if over_tls { Counter::DnsOverTls } else { Counter::DnsOverQuic };
                self.encrypted_dns(context, way);
            }
        }
        self.connection(context);
    }

    /// Counts the flow as one whose questions we cannot see, once.
    fn encrypted_dns(&mut self, context: &PacketContext<'_>, way: Counter) {
        let flow = context.flow_id();
        if self.encrypted.replace(flow) != Some(flow) {
            self.counters.count(way);
            self.counters.count(Counter::EncryptedDns);
        }
    }

    /// Compares a ClientHello's fingerprints, which are computed only if a feed has any.
    fn fingerprints(
        &mut self,
        context: &PacketContext<'_>,
        hello: &ClientHello<'_>,
        transport: char,
    ) {
        if self.matcher.wants(Kind::Ja3) {
            let (_, digest) = fingerprint::ja3(hello);
            let text = hex(&digest);
            let value = Value::Text(text.as_bytes());
            self.compare(context, Observation { kind: Kind::Ja3, value });
        }
        if self.matcher.wants(Kind::Ja4) {
            let text = fingerprint::ja4(hello, transport);
            let value = Value::Text(text.as_bytes());
            self.compare(context, Observation { kind: Kind::Ja4, value });
        }
    }

    /// Takes note of the hosts of ours in a new flow. The side that is ours, if the other is a
    /// host of the outside.
    pub(super) fn our_side(&mut self, key: &FlowKey) -> Option<Side> {
        let Self { hosts, home, .. } = self;
        let mut note = |address| home.contains(address) && hosts.note(address);
        let low_is_ours = note(key.low.address);
        let high_is_ours = note(key.high.address);
        let (side, other) = match (low_is_ours, high_is_ours) {
            (true, false) => (Side::Low, key.high),
            (false, true) => (Side::High, key.low),
            _ => return None,
        };
        if is_group(other.address) {
            return None;
        }
        self.counters.count(Counter::FlowsOut);
        self.clients.note(key.endpoint(side).address);
        Some(side)
    }

    /// Compares what was seen with the indicators. Nearly always that is the end of it.
    #[inline]
    fn compare(&mut self, context: &PacketContext<'_>, observation: Observation<'_>) {
        self.counters.count(Counter::Observations);
        if !self.matcher.misses(&observation) {
            self.look_up(context, observation);
        }
    }

    #[cold]
    fn look_up(&mut self, context: &PacketContext<'_>, observation: Observation<'_>) {
        let Self { matcher, counters, .. } = self;
        let mut hits: Few<Option<Hit>, 4> = Few::default();
        matcher.find(&observation, &mut |hit: Hit| {
            let counter = if hit.allowed { Counter::Allowed } else { Counter::Hits };
            counters.count(counter);
            if !hit.allowed {
                hits.push(Some(hit));
            }
        });
        if !hits.as_slice().is_empty() {
            self.raise(context, &observation, hits.as_slice());
        }
    }

    /// One alert a threat: the most specific indicator speaks for the others.
    #[cold]
    fn raise(
        &mut self,
        context: &PacketContext<'_>,
        observation: &Observation<'_>,
        hits: &[Option<Hit>],
    ) {
        let set = self.matcher.set().clone();
        let expired = |hit: &&Hit| set.is_expired(hit.id, context.time);
        let (old, hits): (Vec<&Hit>, Vec<&Hit>) = hits.iter().flatten().partition(expired);
        self.counters.add(Counter::Expired, old.len() as u64);
        for (nth, hit) in hits.iter().enumerate() {
            let threat = |hit: &Hit| set.get(hit.id).map(|indicator| &indicator.threat);
            let again = hits.iter().take(nth).any(|earlier| threat(earlier) == threat(hit));
            if again {
                continue;
            }
            // A name that is a behaviour by itself.
            let behaves = set.behaviour(hit.id).is_some();
            let kind = if behaves { Kind::Behaviour } else { observation.kind };
            self.say(context, (kind, hit.id), seen_text(&observation.value));
        }
    }

    /// Makes an alert, folds it or sends it.
    fn say(
        &mut self,
        context: &PacketContext<'_>,
        (kind, indicator): (Kind, IndicatorId),
        seen: String,
    ) {
        let sighting = self.sighting(context);
        let weakness = if context.packet.hearsay {
            Some(Weakness::TunnelFromOutside)
        } else {
            Weakness::of(kind)
        };
        let (ours, peer) = match self.outer_sender(context.packet.tunnels.as_slice()) {
            // Nobody is accused: who sent the tunnel is named, and who it was sent to.
            Some(tunnel) if context.packet.hearsay => (tunnel.destination, tunnel.source),
            _ => self.home.sides(sighting.client, sighting.server()),
        };
        let also = self.reasons.note(context.flow_id(), Reason { kind, indicator });
        let set = self.matcher.set().clone();
        let alert = Box::new(Alert {
            first: sighting.time,
            opened: sighting.time,
            sighting,
            kind,
            weakness,
            seen,
            set,
            indicator,
            also,
            ours,
            peer,
            count: 1,
            crowd: None,
        });
        self.say_overdue(context.time);
        if context.again && self.throttle.knows(&alert) {
            return;
        }
        match self.throttle.fold(alert) {
            Some(alert) => self.say_new(alert),
            None => self.counters.count(Counter::AlertsFolded),
        }
    }

    /// Says a contact that is none of those that are folded, in a line of its own or in a group's.
    fn say_new(&mut self, alert: Box<Alert>) {
        let (host, now) = (alert.ours.address, alert.sighting.time);
        let is_familiar =
            self.familiar.knows(host) || (self.clients.knew(host) && self.greet(host, now));
        match self.allowance.place(&alert, is_familiar) {
            None => {
                let came = alert.weakness != Some(Weakness::TunnelFromOutside);
                self.throttle.begin(&alert, is_familiar && came);
                self.outbox.alert(alert, &mut self.counters);
            }
            Some(group) => {
                self.groups.gather(group, alert);
                self.counters.count(Counter::AlertsGathered);
            }
        }
    }

    /// A host of ours was seen to be real. Is it familiar from now on?
    pub(super) fn greet(&mut self, host: Address, now: Timestamp) -> bool {
        let refused = self.familiar.greet(host, now) == Greeting::Refused;
        if refused {
            self.counters.count(Counter::HostsUnfamiliar);
        }
        !refused
    }

    fn sighting(&self, context: &PacketContext<'_>) -> Sighting {
        let mut sighting =
            Sighting::new(context.packet, context.time, context.frame, self.origin.clone());
        sighting.flow_id = context.flow_id();
        sighting.client = context.client;
        if context.packet.hearsay {
            // Of a frame that is a stranger's.
            sighting.macs = None;
        }
        sighting
    }

    /// Says the counts of folded contacts, and of groups, whose time has come.
    pub(super) fn say_overdue(&mut self, now: Timestamp) {
        if self.groups.is_empty() {
            self.clients.tick(now);
        } else {
            // Whoever is new in a flood stays new until it is over.
            for alert in self.groups.due(now) {
                self.outbox.alert(alert, &mut self.counters);
            }
        }
        while let Some(summary) = self.throttle.expire(now) {
            if let Some(alert) = summary {
                self.outbox.alert(alert, &mut self.counters);
            }
        }
    }

    /// Says every count that is still unsaid.
    pub(super) fn say_all(&mut self) {
        for alert in self.throttle.finish().into_iter().chain(self.groups.finish()) {
            self.outbox.alert(alert, &mut self.counters);
        }
    }
}

/// An observer of one packet.
pub(super) struct At<'a> {
    watch: &'a mut Watch,
    context: &'a PacketContext<'a>,
    /// The body of the request that was shown last is worth seeing.
    wants_body: bool,
}

impl Observer for At<'_> {
    fn seen(&mut self, observation: Observation<'_>) {
        if let (Kind::TlsSni | Kind::QuicSni, Value::Name(name)) =
            (observation.kind, observation.value)
            && resolvers::is_resolver(name)
        {
            self.watch.encrypted_dns(self.context, Counter::DnsOverHttps);
        }
        self.watch.compare(self.context, observation);
        if let (Kind::DnsQuery, Value::Name(name)) = (observation.kind, observation.value) {
            self.watch.question(self.context, name);
        }
    }

    fn head(&mut self, head: StreamHead<'_>) -> bool {
        self.watch.head(self.context, &head)
    }

    fn wants_body(&mut self) -> bool {
        std::mem::take(&mut self.wants_body)
    }

    fn body(&mut self, bytes: &[u8]) {
        self.watch.body(self.context, bytes);
    }

    fn message(&mut self, message: Message<'_>) {
        match message {
            // A stranger's tunnel does not tell who is who.
            Message::Dhcp(_) | Message::Dns(_) | Message::Name(_)
                if self.context.packet.hearsay => {}
            Message::Tls(hello) => self.watch.fingerprints(self.context, hello, 't'),
            Message::Quic(hello) => self.watch.fingerprints(self.context, hello, 'q'),
            Message::Dtls(hello) => self.watch.fingerprints(self.context, hello, 'd'),
            Message::Dhcp(message) => self.watch.dhcp(message, self.context.time),
            Message::Dns(message) => self.watch.answer(message, self.context),
            Message::Name(claim) => self.watch.claim(claim, self.context),
            Message::Http(request) => self.wants_body = self.watch.request(self.context, request),
        }
        if self.watch.events.is_empty() {
            return;
        }
        if let Some(body) = EventBody::wanted(&message, self.watch.events) {
            let sighting = self.watch.sighting(self.context);
            let event = Box::new(Event { sighting, body });
            self.watch.outbox.event(event, &mut self.watch.counters);
        }
    }

    fn count(&mut self, counter: Counter) {
        self.watch.counters.count(counter);
    }
}

/// Does this address mean many hosts, or none: multicast, broadcast, unspecified?
fn is_group(address: Address) -> bool {
    match address.to_ip() {
        std::net::IpAddr::V4(ip) => ip.is_multicast() || ip.is_broadcast() || ip.is_unspecified(),
        std::net::IpAddr::V6(ip) => ip.is_multicast() || ip.is_unspecified(),
    }
}

/// A value as a person reads it. Bytes off the wire stay what they are; sinks escape them.
fn seen_text(value: &Value<'_>) -> String {
    match value {
        Value::Name(name) => (*name).to_owned(),
        Value::Address(address) => address.to_string() + &meaning(*address),
        Value::Endpoint(endpoint) if endpoint.port == 0 => {
            endpoint.address.to_string() + &meaning(endpoint.address)
        }
        Value::Endpoint(endpoint) => endpoint.to_string() + &meaning(endpoint.address),
        Value::Url { host, target, .. } => format!("{host}{}", String::from_utf8_lossy(target)),
        Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
    }
}

/// The IPv4 addresses that an IPv6 address means, as a person adds them.
fn meaning(address: Address) -> String {
    address.embedded_v4().map(|inside| format!(" = {inside}")).collect()
}

/// Who is taken for the client of a flow that begins with this packet: who sends SYN, who gets
/// SYN and ACK, else the side whose port is not a well-known one, else the sender.
pub(super) fn opener(packet: &Packet<'_>, key: &FlowKey) -> Side {
    let sender = if key.low == packet.source { Side::Low } else { Side::High };
    if let Transport::Tcp(segment) = &packet.transport
        && segment.flags.syn()
    {
        return if segment.flags.ack() { sender.other() } else { sender };
    }
    let served = |endpoint: Endpoint| endpoint.port < 1024 || is_naming_port(endpoint.port);
    let portless = !matches!(
        key.protocol,
        IpProtocol::TCP | IpProtocol::UDP | IpProtocol::UDP_LITE | IpProtocol::SCTP
    );
    if !portless && served(packet.source) && !served(packet.destination) {
        sender.other()
    } else {
        sender
    }
}

/// Is it a datagram of DNS and of nothing else, one that tells of no host who it is?
#[inline]
pub(super) const fn is_plain_dns(packet: &Packet<'_>) -> bool {
    let ((53, client @ 1024..) | (client @ 1024.., 53)) =
        (packet.source.port, packet.destination.port)
    else {
        return false;
    };
    !is_naming_port(client)
}

/// The stage of life a datagram brings its flow to: an answer of a DNS server ends an exchange.
pub(super) const fn datagram_life(packet: &Packet<'_>) -> Life {
    match (packet.source.port, packet.destination.port) {
        (53, 1024..) => Life::Answered,
        _ => Life::Datagrams,
    }
}

/// The stage of life a flow begins in with this packet.
pub(super) const fn first_life(packet: &Packet<'_>) -> Life {
    match packet.transport {
        Transport::Tcp(_) | Transport::Fragment { .. } => Life::Young,
        Transport::Udp(_) => datagram_life(packet),
        Transport::Icmp { .. } | Transport::Other(_) => Life::Datagrams,
    }
}

/// A packet that stands for a flow when none has just come: its endpoints and nothing else.
pub(super) fn silent_packet(flow: &Flow<Session>, sender: Side) -> Packet<'static> {
    let key = flow.key();
    Packet {
        hearsay: key.is_apart(),
        source: key.endpoint(sender),
        destination: key.endpoint(sender.other()),
        protocol: key.protocol,
        ..Packet::default()
    }
}
