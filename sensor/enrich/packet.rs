//! Where something was seen, as records say it: the packet's own words, and the number that other
//! sensors know its flow by.

use std::borrow::Cow;

use wardwatch_record::alert as record;

use crate::alert::{Origin, Sighting};
use crate::decode::packet::{Tunnel, TunnelKind};
use crate::net::{Endpoint, FlowKey, IpProtocol};

/// Port of an endpoint of a protocol that has ports.
fn port(endpoint: Endpoint, protocol: IpProtocol) -> Option<u16> {
    matches!(protocol, IpProtocol::TCP | IpProtocol::UDP | IpProtocol::SCTP)
        .then_some(endpoint.port)
}

/// What a record says of a packet.
pub fn sighting(sighting: &Sighting) -> record::Sighting {
    let Sighting { source, destination, protocol, .. } = *sighting;
    let (in_iface, pcap_filename) = match &sighting.origin {
        Origin::Capture(name) => (None, Some(name.clone())),
        Origin::Interface(name) => (Some(name.clone()), None),
    };
    let ether = sighting.macs.map(|(source, destination)| record::Ether {
        src_mac: source.to_string(),
        dest_mac: destination.to_string(),
    });
    let tunnel = sighting.tunnels.as_deref().and_then(tunnel_record);
    record::Sighting {
        flow_id: sighting.flow_id,
        in_iface,
        pcap_cnt: (sighting.frame > 0).then_some(sighting.frame),
        pcap_filename,
        vlan: sighting.vlans.as_slice().to_vec(),
        src_ip: source.address.to_ip(),
        src_port: port(source, protocol),
        dest_ip: destination.address.to_ip(),
        dest_port: port(destination, protocol),
        proto: protocol.name().map_or_else(|| protocol.to_string().into(), Cow::Borrowed),
        icmp_type: sighting.icmp.map(|(kind, _)| kind),
        icmp_code: sighting.icmp.map(|(_, code)| code),
        pkt_src: tunnel
            .as_ref()
            .map_or(Cow::Borrowed("wire/pcap"), |tunnel| tunnel.pkt_src.clone()),
        tunnel,
        ether,
        community_id: community_id(sighting),
    }
}

/// The innermost outer layer, as Suricata reports it.
fn tunnel_record(tunnels: &[Tunnel]) -> Option<record::Tunnel> {
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
    Some(record::Tunnel {
        src_ip: tunnel.source.address.to_ip(),
        src_port: known(tunnel.source),
        dest_ip: tunnel.destination.address.to_ip(),
        dest_port: known(tunnel.destination),
        proto: proto.into(),
        depth: tunnels.len(),
        pkt_src: pkt_src.into(),
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

#[cfg(test)]
mod tests;
