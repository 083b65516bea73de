//! EVE JSON lines in Suricata's schema: one record a line, our own fields in `alert.metadata`.

mod alert;
mod event;
mod stats;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io;

use serde::Serialize;
use serde_json::Serializer;

use super::escape::PlainJson;
use super::file::{LineOut, Weight};
use super::{Clock, EveClock, Losses, Sink, Status, Trouble, text};
use crate::alert::{Event, Origin, Sighting};
use crate::decode::packet::{Tunnel, TunnelKind};
use crate::enrich::FullAlert;
use crate::net::{Endpoint, FlowKey, IpProtocol, Timestamp};

/// What every record begins with.
#[derive(Serialize)]
struct Envelope<'a> {
    timestamp: String,
    flow_id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_iface: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pcap_cnt: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pcap_filename: Option<&'a str>,
    event_type: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    vlan: &'a [u16],
    src_ip: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_port: Option<u16>,
    dest_ip: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_port: Option<u16>,
    proto: Cow<'static, str>,
    ip_v: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_type: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_code: Option<u8>,
    pkt_src: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tunnel: Option<TunnelRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ether: Option<Ether>,
    community_id: String,
}

#[derive(Serialize)]
struct TunnelRecord {
    src_ip: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_port: Option<u16>,
    dest_ip: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_port: Option<u16>,
    proto: &'static str,
    depth: usize,
    pkt_src: &'static str,
}

#[derive(Serialize)]
struct Ether {
    src_mac: String,
    dest_mac: String,
}

/// Port of an endpoint of a protocol that has ports.
fn port(endpoint: Endpoint, protocol: IpProtocol) -> Option<u16> {
    matches!(protocol, IpProtocol::TCP | IpProtocol::UDP | IpProtocol::SCTP)
        .then_some(endpoint.port)
}

impl<'a> Envelope<'a> {
    fn new(event_type: &'static str, sighting: &'a Sighting, clock: &EveClock) -> Self {
        let Sighting { source, destination, protocol, .. } = *sighting;
        let (in_iface, pcap_filename) = match &sighting.origin {
            Origin::Capture(name) => (None, Some(&**name)),
            Origin::Interface(name) => (Some(&**name), None),
        };
        let ether = sighting.macs.map(|(source, destination)| Ether {
            src_mac: source.to_string(),
            dest_mac: destination.to_string(),
        });
        let tunnel = sighting.tunnels.as_deref().and_then(tunnel_record);
        Self {
            timestamp: clock.time(sighting.time),
            flow_id: sighting.flow_id,
            in_iface,
            pcap_cnt: (sighting.frame > 0).then_some(sighting.frame),
            pcap_filename,
            event_type,
            vlan: sighting.vlans.as_slice(),
            src_ip: source.address.to_string(),
            src_port: port(source, protocol),
            dest_ip: destination.address.to_string(),
            dest_port: port(destination, protocol),
            proto: protocol.name().map_or_else(|| protocol.to_string().into(), Cow::Borrowed),
            ip_v: if source.address.is_v4() { 4 } else { 6 },
            icmp_type: sighting.icmp.map(|(kind, _)| kind),
            icmp_code: sighting.icmp.map(|(_, code)| code),
            pkt_src: tunnel.as_ref().map_or("wire/pcap", |tunnel| tunnel.pkt_src),
            tunnel,
            ether,
            community_id: community_id(sighting),
        }
    }
}

/// The innermost outer layer, as Suricata reports it.
fn tunnel_record(tunnels: &[Tunnel]) -> Option<TunnelRecord> {
    let tunnel = tunnels.last()?;
    let (proto, pkt_src) = match tunnel.kind {
        TunnelKind::Ip => ("IP", "ip tunnel"),
        TunnelKind::Gre => ("GRE", "gre tunnel"),
        TunnelKind::Erspan => ("GRE", "erspan"),
        TunnelKind::Vxlan => ("UDP", "vxlan encapsulation"),
        TunnelKind::Geneve => ("UDP", "geneve encapsulation"),
        TunnelKind::Gtp => ("UDP", "gtp tunnel"),
        TunnelKind::Tzsp => ("UDP", "tzsp encapsulation"),
        TunnelKind::Teredo => ("UDP", "teredo tunnel"),
        TunnelKind::IpInUdp => ("UDP", "ip in udp tunnel"),
        TunnelKind::Capwap => ("UDP", "capwap tunnel"),
        TunnelKind::Mirror => ("UDP", "remote mirror"),
        TunnelKind::Esp => ("ESP", "esp"),
        TunnelKind::Other => ("IP", "tunnel"),
    };
    let known = |end: Endpoint| (end.port != 0).then_some(end.port);
    Some(TunnelRecord {
        src_ip: tunnel.source.address.to_string(),
        src_port: known(tunnel.source),
        dest_ip: tunnel.destination.address.to_string(),
        dest_port: known(tunnel.destination),
        proto,
        depth: tunnels.len(),
        pkt_src,
    })
}

/// Community ID v1, seed 0 (<https://github.com/corelight/community-id-spec>).
fn community_id(sighting: &Sighting) -> String {
    use base64::Engine;
    use sha1::{Digest, Sha1};

    let (mut source, mut destination) = (sighting.source, sighting.destination);
    let mut one_way = false;
    if let Some((kind, code)) = sighting.icmp {
        let answer = icmp_counterpart(sighting.protocol, kind);
        source.port = u16::from(kind);
        destination.port = u16::from(answer.unwrap_or(code));
        one_way = answer.is_none();
    }
    let (key, _) = FlowKey::new(source, destination, sighting.protocol);
    let (low, high) = if one_way { (source, destination) } else { (key.low, key.high) };
    let mut hasher = Sha1::new();
    hasher.update([0, 0]);
    for end in [low, high] {
        match end.address.to_ip() {
            std::net::IpAddr::V4(ip) => hasher.update(ip.octets()),
            std::net::IpAddr::V6(ip) => hasher.update(ip.octets()),
        }
    }
    hasher.update([sighting.protocol.0, 0]);
    if sighting.icmp.is_some() || port(low, sighting.protocol).is_some() {
        hasher.update(low.port.to_be_bytes());
        hasher.update(high.port.to_be_bytes());
    }
    let mut text = String::from("1:");
    base64::engine::general_purpose::STANDARD.encode_string(hasher.finalize(), &mut text);
    text
}

/// The type that answers an ICMP type, or that it answers.
const fn icmp_counterpart(protocol: IpProtocol, kind: u8) -> Option<u8> {
    Some(match (protocol.0, kind) {
        (1, 8) => 0,
        (1, 0) => 8,
        (1, 10) => 9,
        (1, 9) => 10,
        (1, even @ (13 | 15 | 17)) => even + 1,
        (1, odd @ (14 | 16 | 18)) => odd - 1,
        (58, even @ (128 | 144)) => even + 1,
        (58, odd @ (129 | 145)) => odd - 1,
        (58, 130) => 131,
        (58, 131) => 130,
        (58, first @ (133 | 135 | 139)) => first + 1,
        (58, second @ (134 | 136 | 140)) => second - 1,
        _ => return None,
    })
}

/// EVE lines to any destination.
pub struct EveSink<W> {
    clock: EveClock,
    out: W,
    line: Vec<u8>,
}

impl<W: LineOut> EveSink<W> {
    /// A sink that writes lines to `out`.
    pub fn new(clock: Clock, out: W) -> Self {
        Self { clock: EveClock::new(clock), out, line: Vec::new() }
    }

    /// One whole line in one write, so that no reader sees half of it.
    fn write(&mut self, record: &impl Serialize, weight: Weight) -> io::Result<()> {
        self.line.clear();
        record.serialize(&mut Serializer::with_formatter(&mut self.line, PlainJson))?;
        self.line.push(b'\n');
        self.out.line(&self.line, weight)
    }
}

impl<W: LineOut> Sink for EveSink<W> {
    fn alert(&mut self, full: &FullAlert<'_>) -> io::Result<()> {
        let envelope = Envelope::new("alert", &full.alert.sighting, &self.clock);
        self.write(&alert::record(envelope, full, &self.clock), text::fold(full))
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        let name = event::type_of(&event.body);
        let envelope = Envelope::new(name, &event.sighting, &self.clock);
        self.write(&event::record(envelope, &event.body), Weight::Event)
    }

    fn status(&mut self, status: &Status) -> io::Result<()> {
        self.write(&stats::record(status, &self.clock), Weight::Event)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn losses(&self) -> Losses {
        self.out.losses()
    }

    fn reopen(&mut self) {
        self.out.reopen();
    }

    fn tend(&mut self, now: Timestamp, say: &mut dyn FnMut(Trouble)) {
        self.out.tend(now, say);
    }
}
