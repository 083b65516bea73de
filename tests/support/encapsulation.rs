//! What may stand around an IP packet: link layers, tags and tunnels, one function each.
//!
//! Every function wraps one IP packet and knows nothing of what is in it. Written from the
//! standards, not from the decoder.

use std::net::IpAddr;

use super::packets::{ip, udp};
use super::wire::{ethernet, ethertype_of};

/// Wraps an IP packet.
pub type Wrap = fn(&[u8]) -> Vec<u8>;

/// Hardware addresses, destination first, as Ethernet has them.
const MACS: [u8; 12] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0x10];

/// Hexadecimal digits as bytes, blanks ignored; then what is inside.
fn behind(header: &str, inside: &[u8]) -> Vec<u8> {
    let digits: String = header.split_whitespace().collect();
    let mut bytes: Vec<u8> = (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).expect("hexadecimal"))
        .collect();
    bytes.extend(inside);
    bytes
}

/// Behind an EtherType; Ethernet's minimum length is not kept, so that no padding helps.
fn typed(kind: u16, inside: &[u8]) -> Vec<u8> {
    let mut bytes = kind.to_be_bytes().to_vec();
    bytes.extend(inside);
    bytes
}

fn frame(kind: u16, inside: &[u8]) -> Vec<u8> {
    ethernet(
        MACS[6..].try_into().expect("six"),
        MACS[..6].try_into().expect("six"),
        &[],
        kind,
        inside,
    )
}

/// LLC and SNAP of an IP packet.
fn snap(packet: &[u8]) -> Vec<u8> {
    behind("aaaa03 000000", &typed(ethertype_of(packet), packet))
}

/// The PPP protocol number of an IP packet.
fn ppp_number(packet: &[u8]) -> [u8; 2] {
    if ethertype_of(packet) == 0x86dd { [0, 0x57] } else { [0, 0x21] }
}

fn ppp(packet: &[u8]) -> Vec<u8> {
    let mut bytes = ppp_number(packet).to_vec();
    bytes.extend(packet);
    bytes
}

fn pppoe_session(ppp: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x11, 0, 0, 7];
    bytes.extend((ppp.len() as u16).to_be_bytes());
    bytes.extend(ppp);
    frame(0x8864, &bytes)
}

/// One byte of flags for each MPLS label: the last one has the bottom bit.
fn labels(count: usize, inside: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for nth in 1..=count {
        bytes.extend([0, 1, u8::from(nth == count) | 0x40, 64]);
    }
    bytes.extend(inside);
    bytes
}

fn wireless(packet: &[u8]) -> Vec<u8> {
    behind("0801 0000 0200000000aa 020000000010 020000000001 1000", &snap(packet))
}

fn wireless_qos(packet: &[u8]) -> Vec<u8> {
    behind("8802 0000 020000000010 0200000000aa 020000000001 1000 0000", &snap(packet))
}

/// NFLOG values in the byte order given: prefix, then the packet.
fn nflog(packet: &[u8], order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 5];
    for (kind, value) in [(10, &b"log\0"[..]), (9, packet)] {
        bytes.extend(order(value.len() as u16 + 4));
        bytes.extend(order(kind));
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

/// Link layers: what they are called, their LINKTYPE, and how they wrap.
pub const LINKS: &[(&str, u16, Wrap)] = &[
    ("ethernet", 1, |p| frame(ethertype_of(p), p)),
    ("802.1Q", 1, |p| frame(0x8100, &behind("0005", &typed(ethertype_of(p), p)))),
    ("QinQ", 1, |p| frame(0x88a8, &behind("0064 8100 0005", &typed(ethertype_of(p), p)))),
    ("five VLAN tags", 1, |p| {
        let tags = "0001 8100 0002 8100 0003 8100 0004 8100 0005";
        frame(0x8100, &behind(tags, &typed(ethertype_of(p), p)))
    }),
    ("HSR", 1, |p| frame(0x892f, &behind("1020 0007", &typed(ethertype_of(p), p)))),
    ("R-TAG", 1, |p| frame(0xf1c1, &behind("0000 0007", &typed(ethertype_of(p), p)))),
    ("802.3 LLC SNAP", 1, |p| frame(snap(p).len() as u16, &snap(p))),
    ("PPPoE", 1, |p| pppoe_session(&ppp(p))),
    ("PPPoE, short protocol", 1, |p| pppoe_session(&ppp(p)[1..])),
    ("PPPoE link", 51, |p| pppoe_session(&ppp(p))[14..].to_vec()),
    ("PPP", 9, ppp),
    ("PPP, short protocol", 9, |p| ppp(p)[1..].to_vec()),
    ("PPP, HDLC framing", 9, |p| behind("ff03", &ppp(p))),
    ("PPP serial", 50, |p| behind("ff03", &ppp(p))),
    ("PPP serial, Cisco framing", 50, |p| behind("0f00", &typed(ethertype_of(p), p))),
    ("PPP with direction", 204, |p| behind("01 ff03", &ppp(p))),
    ("Cisco HDLC", 104, |p| behind("0f00", &typed(ethertype_of(p), p))),
    ("MPLS", 1, |p| frame(0x8847, &labels(1, p))),
    ("MPLS, two labels", 1, |p| frame(0x8847, &labels(2, p))),
    ("MPLS pseudowire", 1, |p| frame(0x8847, &labels(1, &frame(ethertype_of(p), p)))),
    ("MPLS pseudowire, control word", 1, |p| {
        frame(0x8847, &labels(1, &behind("00000000", &frame(ethertype_of(p), p))))
    }),
    ("802.11", 105, wireless),
    ("802.11 QoS", 105, wireless_qos),
    ("802.11 radiotap", 127, |p| behind("0000 0800 00000000", &wireless(p))),
    ("802.11 QoS radiotap", 127, |p| behind("0000 0900 02000000 00", &wireless_qos(p))),
    ("802.11 Prism", 119, |p| behind("44000000 0c000000 00000000", &wireless(p))),
    ("802.11 AVS", 163, |p| behind("80211001 00000010 0000000000000000", &wireless(p))),
    ("PPI", 192, |p| behind("0000 0800 69000000", &wireless(p))),
    ("NFLOG, little endian", 239, |p| nflog(p, u16::to_le_bytes)),
    ("NFLOG, big endian", 239, |p| nflog(p, u16::to_be_bytes)),
    ("SLL", 113, |p| behind("0000 0001 0006 020000000010 0000", &typed(ethertype_of(p), p))),
    ("SLL2", 276, |p| {
        let header = "0000 00000002 0001 00 06 020000000010 0000";
        let kind = format!("{:04x}", ethertype_of(p));
        behind(&(kind + header), p)
    }),
    ("NULL, little endian", 0, |p| behind("02000000", p)),
    ("NULL, big endian", 0, |p| behind("00000002", p)),
    ("NULL, EtherType in its second half", 0, |p| behind("0f00", &typed(ethertype_of(p), p))),
    ("LOOP", 108, |p| behind("00000002", p)),
    ("raw IP", 101, <[u8]>::to_vec),
    ("raw IPv4", 228, <[u8]>::to_vec),
    ("ENC", 109, |p| behind("02000000 00000001 00000000", p)),
    ("PFLOG", 117, |p| behind(&format!("3d02{}", "00".repeat(62)), p)),
    ("E-tag", 1, |p| frame(0x893f, &behind("0000 0000 0000", &typed(ethertype_of(p), p)))),
    ("VN-tag", 1, |p| frame(0x8926, &behind("0000 0000", &typed(ethertype_of(p), p)))),
    ("NSH", 1, |p| frame(0x894f, &behind("0002 01 01 00000100", p))),
    ("NSH with metadata, Ethernet", 1, |p| {
        let header = format!("0006 01 03 00000100 {}", "00".repeat(16));
        frame(0x894f, &behind(&header, &frame(ethertype_of(p), p)))
    }),
    ("MAC in MAC", 1, |p| frame(0x88e7, &behind("00000001", &frame(ethertype_of(p), p)))),
    ("DSA", 284, |p| [&MACS[..], &behind("c00a0000", &typed(ethertype_of(p), p))].concat()),
    ("EDSA", 285, |p| {
        [&MACS[..], &behind("dada 0000 c00a0000", &typed(ethertype_of(p), p))].concat()
    }),
    ("Broadcom tag", 281, |p| {
        [&MACS[..], &behind("20000020", &typed(ethertype_of(p), p))].concat()
    }),
    ("Broadcom tag, prepended", 282, |p| behind("00002005", &frame(ethertype_of(p), p))),
    ("Frame Relay", 107, |p| behind("1841 03 cc", p)),
    ("Frame Relay, SNAP", 107, |p| behind("1841 03 00 80 000000", &typed(ethertype_of(p), p))),
    ("Frame Relay, Cisco", 107, |p| behind("1841", &typed(ethertype_of(p), p))),
    ("Multilink Frame Relay", 182, |p| behind("c000 1841 03 cc", p)),
    ("FDDI", 10, |p| [&[0x50][..], &MACS, &snap(p)].concat()),
    ("Token ring", 6, |p| [&[0x10, 0x40][..], &MACS, &snap(p)].concat()),
    ("ARCNET", 7, |p| behind("0102 d4 00 0001", p)),
    ("ARCNET of RFC 1051", 7, |p| behind("0102 f0", p)),
    ("ARCNET, Linux", 129, |p| behind("0102 0000 d4 00 0001", p)),
    ("SLIP", 8, |p| behind(&"00".repeat(16), p)),
    ("ATM RFC 1483", 11, snap),
    ("ATM, routed without LLC", 11, <[u8]>::to_vec),
    ("SunATM", 123, |p| behind("02 00 0064", &snap(p))),
    ("IP over ATM", 19, snap),
    ("IPNET", 226, |p| behind(&"00".repeat(24), p)),
    ("ERF", 197, |p| {
        let header = "0000000000000000 02 04 0000 0000 0000 0000";
        behind(header, &frame(ethertype_of(p), p))
    }),
    ("MPLS link", 219, |p| labels(2, p)),
    ("Juniper PPPoE", 167, |p| behind("4d4743 01", &pppoe_session(&ppp(p)))),
    ("LAN emulation", 106, |p| behind("0001", &frame(ethertype_of(p), p))),
    ("IP over InfiniBand", 242, |p| {
        behind(&"00".repeat(40), &behind(&format!("{:04x}0000", ethertype_of(p)), p))
    }),
    ("IP over Fibre Channel", 122, |p| behind(&"00".repeat(16), &snap(p))),
    ("IP over FireWire", 138, |p| behind(&"00".repeat(16), &typed(ethertype_of(p), p))),
    ("Juniper Ethernet", 178, |p| behind("4d4743 01", &frame(ethertype_of(p), p))),
    ("Juniper Ethernet, extensions", 178, |p| {
        behind("4d4743 81 0004 00000000", &frame(ethertype_of(p), p))
    }),
    ("Juniper PPP", 179, |p| behind("4d4743 01", &ppp(p))),
    ("Juniper Frame Relay", 180, |p| behind("4d4743 01 1841 03 cc", p)),
    ("Juniper HDLC", 181, |p| behind("4d4743 01 0f00", &typed(ethertype_of(p), p))),
    ("NetAnalyzer", 240, |p| behind("00000000", &frame(ethertype_of(p), p))),
    ("preemptable Ethernet", 274, |p| behind("55555555555555d5", &frame(ethertype_of(p), p))),
];

/// The ends of every tunnel.
const OUTER: [&str; 2] = ["203.0.113.1", "203.0.113.2"];
/// The same, IPv6.
const OUTER6: [&str; 2] = ["2001:db8:f::1", "2001:db8:f::2"];

/// Around a payload, an outer IPv4 packet.
fn outer(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let [from, to] = OUTER.map(|text| text.parse::<IpAddr>().expect("an address"));
    ip(from, to, protocol, payload)
}

fn outer6(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let [from, to] = OUTER6.map(|text| text.parse::<IpAddr>().expect("an address"));
    ip(from, to, protocol, payload)
}

fn outer_udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let [from, to] = OUTER.map(|text| text.parse::<IpAddr>().expect("an address"));
    udp((from, 40_000).into(), (to, port).into(), payload)
}

fn gre(header: &str, inside: &[u8]) -> Vec<u8> {
    outer(47, &behind(header, inside))
}

/// PPTP's GRE, whose length field counts the PPP frame.
fn pptp(packet: &[u8], header: &str) -> Vec<u8> {
    let frame = behind("ff03", &ppp(packet));
    outer(47, &behind(&header.replace("LLLL", &format!("{:04x}", frame.len())), &frame))
}

fn gtp(packet: &[u8], flags: u8, extra: &str) -> Vec<u8> {
    let extra = behind(extra, packet);
    let header = format!("{flags:02x}ff {:04x} 00000001", extra.len());
    outer_udp(2152, &behind(&header, &extra))
}

/// An IPv6 packet with this IPv4 conversation's bytes cannot be made of an IPv4 one, so tunnels
/// that carry IPv6 only carry it inside IPv6.
fn in_six(packet: &[u8], from: &str) -> Vec<u8> {
    let next = if ethertype_of(packet) == 0x86dd { 41 } else { 4 };
    let ends = [from, OUTER6[1]].map(|text| text.parse::<IpAddr>().expect("an address"));
    ip(ends[0], ends[1], next, packet)
}

/// ESP that does not encrypt: padding to four bytes, a check value of twelve.
fn esp_null(packet: &[u8]) -> Vec<u8> {
    let mut bytes = behind("00000c0d 00000001", packet);
    let padding = (4 - (packet.len() + 2) % 4) % 4;
    bytes.extend((1..=padding).map(|n| n as u8));
    bytes.extend([padding as u8, if ethertype_of(packet) == 0x86dd { 41 } else { 4 }]);
    bytes.extend([0xa5; 12]);
    bytes
}

/// An 802.11 frame with its frame control the other way round.
fn wireless_swapped(packet: &[u8]) -> Vec<u8> {
    let mut frame = wireless(packet);
    frame.swap(0, 1);
    frame
}

/// Tunnels over IP: what they are called, the `pkt_src` of their records, how deep they are, and
/// how they wrap. The result is an IP packet.
pub const TUNNELS: &[(&str, &str, u64, Wrap)] = &[
    ("IPIP or 6in4", "ip tunnel", 1, |p| outer(if ethertype_of(p) == 0x86dd { 41 } else { 4 }, p)),
    ("4in6 or 6in6", "ip tunnel", 1, |p| in_six(p, OUTER6[0])),
    ("GRE", "gre tunnel", 1, |p| gre("0000", &typed(ethertype_of(p), p))),
    ("GRE, checksum, key and sequence", "gre tunnel", 1, |p| {
        gre(&format!("b000 {:04x} 00000000 00000001 00000002", ethertype_of(p)), p)
    }),
    ("GRE, routing", "gre tunnel", 1, |p| {
        let route = "00000000 0800 00 04 c0000201 0000 00 00";
        gre(&format!("4000 {:04x} {route}", ethertype_of(p)), p)
    }),
    ("GRE, Ethernet", "gre tunnel", 1, |p| gre("0000 6558", &frame(ethertype_of(p), p))),
    ("GRE, MPLS", "gre tunnel", 1, |p| gre("0000 8847", &labels(1, p))),
    ("GRE over IPv6", "gre tunnel", 1, |p| outer6(47, &behind("0000", &typed(ethertype_of(p), p)))),
    ("PPTP", "gre tunnel", 1, |p| pptp(p, "3001 880b LLLL 0001 00000001")),
    ("PPTP, acknowledging", "gre tunnel", 1, |p| pptp(p, "3081 880b LLLL 0001 00000001 00000002")),
    ("ERSPAN I", "erspan", 1, |p| gre("0000 88be", &frame(ethertype_of(p), p))),
    ("ERSPAN II", "erspan", 1, |p| {
        gre("1000 88be 00000001 10010001 00000000", &frame(ethertype_of(p), p))
    }),
    ("ERSPAN III", "erspan", 1, |p| {
        gre("1000 22eb 00000001 20010001 00000000 0000 0000", &frame(ethertype_of(p), p))
    }),
    ("ERSPAN III, platform header", "erspan", 1, |p| {
        let header = "1000 22eb 00000001 20010001 00000000 0000 0001 0000000000000000";
        gre(header, &frame(ethertype_of(p), p))
    }),
    ("VXLAN", "vxlan encapsulation", 1, |p| {
        outer_udp(4789, &behind("08000000 00000100", &frame(ethertype_of(p), p)))
    }),
    ("VXLAN, Linux port", "vxlan encapsulation", 1, |p| {
        outer_udp(8472, &behind("08000000 00000100", &frame(ethertype_of(p), p)))
    }),
    ("VXLAN, reserved bits set", "vxlan encapsulation", 1, |p| {
        outer_udp(4789, &behind("ffabcdff 000001ee", &frame(ethertype_of(p), p)))
    }),
    ("FOU", "ip in udp tunnel", 1, |p| outer_udp(5555, p)),
    ("GUE", "ip in udp tunnel", 1, |p| {
        let next = if ethertype_of(p) == 0x86dd { "29" } else { "04" };
        outer_udp(6080, &behind(&format!("00 {next} 0000"), p))
    }),
    ("GUE, fields", "ip in udp tunnel", 1, |p| {
        let next = if ethertype_of(p) == 0x86dd { "29" } else { "04" };
        outer_udp(6080, &behind(&format!("02 {next} 0000 0102030405060708"), p))
    }),
    ("GUE, version 1", "ip in udp tunnel", 1, |p| outer_udp(6080, p)),
    ("CAPWAP, 802.3", "capwap tunnel", 1, |p| {
        outer_udp(5247, &behind("00 104200 00000000", &frame(ethertype_of(p), p)))
    }),
    ("CAPWAP, 802.11", "capwap tunnel", 1, |p| {
        outer_udp(5247, &behind("00 104300 00000000", &wireless(p)))
    }),
    ("CAPWAP, 802.11 swapped, radio field", "capwap tunnel", 1, |p| {
        let header = "00 204310 00000000 06 020000000003 00";
        outer_udp(5247, &behind(header, &wireless_swapped(p)))
    }),
    ("HP mirror", "remote mirror", 1, |p| {
        outer_udp(7932, &behind(&"00".repeat(12), &frame(ethertype_of(p), p)))
    }),
    ("Juniper mirror", "remote mirror", 1, |p| outer_udp(30_030, &behind("00000001 00000002", p))),
    ("EoIP", "gre tunnel", 1, |p| {
        let frame = frame(ethertype_of(p), p);
        outer(47, &behind(&format!("2001 6400 {:04x} 0700", frame.len()), &frame))
    }),
    ("EoIPv6", "tunnel", 1, |p| outer6(97, &behind("0307", &frame(ethertype_of(p), p)))),
    ("ESP that does not encrypt", "esp", 1, |p| outer(50, &esp_null(p))),
    ("the same over UDP", "esp", 1, |p| outer_udp(4500, &esp_null(p))),
    ("Geneve", "geneve encapsulation", 1, |p| {
        outer_udp(6081, &behind("0000 6558 00000100", &frame(ethertype_of(p), p)))
    }),
    ("Geneve, options", "geneve encapsulation", 1, |p| {
        let header = "0240 6558 00000100 0102 80 01 00000000";
        outer_udp(6081, &behind(header, &frame(ethertype_of(p), p)))
    }),
    ("GTP-U", "gtp tunnel", 1, |p| gtp(p, 0x30, "")),
    ("GTP-U, sequence number", "gtp tunnel", 1, |p| gtp(p, 0x32, "0001 00 00")),
    ("GTP-U, extension header", "gtp tunnel", 1, |p| gtp(p, 0x34, "0000 00 85 01 10 01 00")),
    ("TZSP", "tzsp encapsulation", 1, |p| {
        outer_udp(37008, &behind("0100 0001 01", &frame(ethertype_of(p), p)))
    }),
    ("TZSP, tagged fields", "tzsp encapsulation", 1, |p| {
        outer_udp(37008, &behind("0100 0001 0a 01 cc 01", &frame(ethertype_of(p), p)))
    }),
    ("Teredo", "teredo tunnel", 2, |p| outer_udp(3544, &in_six(p, "2001:0:cb00:7101::1"))),
    ("Teredo, origin", "teredo tunnel", 2, |p| {
        outer_udp(3544, &behind("0000 1234 34ff8e fe", &in_six(p, "2001:0:cb00:7101::1")))
    }),
    ("Teredo past a relay", "teredo tunnel", 2, |p| {
        outer_udp(32_900, &in_six(p, "2001:0:cb00:7101::1"))
    }),
];

/// Wrappers that are no tunnel: the addresses stay the packet's own.
pub fn authentication_header(packet: &[u8]) -> Vec<u8> {
    let (source, destination) = (&packet[12..16], &packet[16..20]);
    let [from, to] = [source, destination]
        .map(|octets| IpAddr::from(<[u8; 4]>::try_from(octets).expect("four")));
    let next = format!("{:02x}", packet[9]);
    let header = next + "04 0000 00000001 00000001 000000000000000000000000";
    ip(from, to, 51, &behind(&header, &packet[20..]))
}
