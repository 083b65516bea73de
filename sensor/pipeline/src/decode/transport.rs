//! TCP (RFC 9293), UDP (RFC 768), ICMP and ICMPv6, and the ports of SCTP, DCCP and UDP-Lite.
//!
//! Lenient: ports count even where the rest of the header contradicts itself. Knows which
//! protocols carry tunnels, not what is in them.

use super::ip::Upper;
use super::packet::{Segment, TcpFlags, Transport};
use super::walk::Walk;
use super::{tunnel, udp_tunnel};
use etherparse::{TcpHeaderSlice, UdpHeaderSlice};

/// Reads the transport header at the start of an IP payload.
#[inline]
pub(super) fn transport<'a>(walk: &mut Walk<'a>, head: Upper, payload: &'a [u8]) {
    match head.protocol {
        6 => tcp(walk, payload, head.missing),
        17 => udp(walk, payload),
        1 | 58 => icmp(walk, payload),
        136 => udp_lite(walk, payload),
        33 | 132 => {
            ports(walk, head.protocol, payload);
            walk.packet.transport = Transport::Other(payload);
        }
        protocol => {
            walk.packet.transport = Transport::Other(payload);
            tunnel::by_protocol(walk, protocol, payload);
        }
    }
}

/// Sets the ports from the first four bytes, for a protocol that has them there.
pub(super) fn ports(walk: &mut Walk<'_>, protocol: u8, payload: &[u8]) {
    if let (6 | 17 | 33 | 132 | 136, [s0, s1, d0, d1, ..]) = (protocol, payload) {
        walk.packet.source.port = u16::from_be_bytes([*s0, *s1]);
        walk.packet.destination.port = u16::from_be_bytes([*d0, *d1]);
    }
}

#[inline]
fn tcp<'a>(walk: &mut Walk<'a>, data: &'a [u8], missing: u32) {
    let Ok(header) = TcpHeaderSlice::from_slice(data) else {
        return tcp_odd(walk, data, missing);
    };
    walk.packet.source.port = header.source_port();
    walk.packet.destination.port = header.destination_port();
    let flags = TcpFlags(header.slice().get(13).copied().unwrap_or(0));
    walk.packet.transport = Transport::Tcp(Segment {
        sequence: header.sequence_number(),
        acknowledgement: if flags.ack() { header.acknowledgment_number() } else { 0 },
        flags,
        header: header.slice(),
        payload: data.get(header.slice().len()..).unwrap_or(&[]),
        missing,
    });
}

/// A header that is cut, or whose data offset points before its end or beyond the packet: the
/// fields that stand count, the payload is empty.
#[cold]
fn tcp_odd<'a>(walk: &mut Walk<'a>, data: &'a [u8], missing: u32) {
    ports(walk, 6, data);
    let Some(([_, _, _, _, fields @ ..], rest)) = data.split_first_chunk::<20>() else {
        walk.packet.transport = Transport::Other(data);
        return;
    };
    let [s0, s1, s2, s3, a0, a1, a2, a3, offset, flags, ..] = *fields;
    let flags = TcpFlags(flags);
    let options = usize::from(offset >> 4).saturating_sub(5) * 4;
    let cut = u32::try_from(options.saturating_sub(rest.len())).unwrap_or(0);
    walk.packet.transport = Transport::Tcp(Segment {
        sequence: u32::from_be_bytes([s0, s1, s2, s3]),
        acknowledgement: if flags.ack() { u32::from_be_bytes([a0, a1, a2, a3]) } else { 0 },
        flags,
        header: data,
        payload: &[],
        missing: missing.saturating_sub(cut),
    });
}

#[inline]
fn udp<'a>(walk: &mut Walk<'a>, data: &'a [u8]) {
    let Ok(header) = UdpHeaderSlice::from_slice(data) else {
        ports(walk, 17, data);
        walk.packet.transport = Transport::Other(data);
        return;
    };
    let (source, destination) = (header.source_port(), header.destination_port());
    walk.packet.source.port = source;
    walk.packet.destination.port = destination;
    // Length 0 (jumbo, offload), below the header or beyond the packet says nothing.
    let payload = match usize::from(header.length()) {
        length @ 8.. => data.get(8..length).or_else(|| data.get(8..)),
        _ => data.get(8..),
    }
    .unwrap_or(&[]);
    let length = usize::from(header.length()).checked_sub(8).unwrap_or(payload.len());
    walk.packet.transport = Transport::Udp(payload);
    udp_tunnel::by_port(walk, (source, destination), (payload, length));
}

/// UDP-Lite (RFC 3828): where UDP has its length, the bytes that the checksum covers.
#[cold]
fn udp_lite<'a>(walk: &mut Walk<'a>, data: &'a [u8]) {
    ports(walk, 136, data);
    let Some((_, payload)) = data.split_first_chunk::<8>() else {
        walk.packet.transport = Transport::Other(data);
        return;
    };
    let ports = (walk.packet.source.port, walk.packet.destination.port);
    walk.packet.transport = Transport::Udp(payload);
    udp_tunnel::by_port(walk, ports, (payload, payload.len()));
}

fn icmp<'a>(walk: &mut Walk<'a>, data: &'a [u8]) {
    walk.packet.transport = match data {
        [kind, code, rest @ ..] => {
            Transport::Icmp { kind: *kind, code: *code, payload: rest.get(6..).unwrap_or(&[]) }
        }
        _ => Transport::Other(data),
    };
}
