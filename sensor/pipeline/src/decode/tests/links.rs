//! Every link layer around the same packet.

use crate::decode::packet::Skip;
use crate::decode::test_bytes::*;
use crate::net::Mac;

/// The packet behind `header` must be found.
#[track_caller]
fn behind(link: u16, header: &str) {
    let bytes = join(&[&hex(header), &inner()]);
    assert_inner(&packet(link, &bytes));
}

#[test]
fn raw_ip_is_told_by_its_version() {
    for link in [12, 14, 101, 228, 229] {
        behind(link, "");
    }
    let six = ipv6(6, &tcp(b"hello"));
    assert_eq!(packet(101, &six).source.to_string(), "[2001:db8::1]:50000");
}

#[test]
fn bsd_loopback_is_read_in_both_byte_orders() {
    behind(0, "02000000");
    behind(0, "00000002");
    behind(108, "00000002");
    for family in ["18000000", "0000001c", "1e000000", "0000000a"] {
        let bytes = join(&[&hex(family), &ipv6(6, &tcp(b""))]);
        assert_eq!(packet(0, &bytes).destination.port, 443);
    }
    assert_eq!(skip(0, &hex("07000000 45000000")), Skip::NotIp);
}

#[test]
fn linux_cooked_frames_show_their_sender() {
    behind(113, "0000 0001 0006 020000000002 0000 0800");
    behind(276, "0800 0000 00000002 0001 00 06 020000000002 0000");
    behind(113, "0004 0001 0006 020000000002 0000 8100 0064 0800");
    let bytes = join(&[&hex("0000 0001 0006 020000000002 0000 0800"), &inner()]);
    assert_eq!(packet(113, &bytes).macs.unwrap().0, Mac(FROM));
    assert_eq!(skip(113, &hex("0000 0338 0000 000000000000 0000 0000 00")), Skip::NotIp);
}

#[test]
fn llc_snap_and_direct_llc_carry_ip() {
    let mac = "020000000001020000000002";
    behind(1, &format!("{mac} 0040 aaaa03 000000 0800"));
    behind(1, &format!("{mac} 0040 aaaa03 0000f8 0800"));
    behind(1, &format!("{mac} 0040 060603"));
    behind(1, &format!("{mac} 0040 fefe03 cc"));
    behind(1, &format!("{mac} 8100 0005 0040 aaaa03 000000 0800"));
    assert_eq!(skip(1, &hex(&format!("{mac} 0026 424203 00000000"))), Skip::NotIp);
}

#[test]
fn pppoe_takes_both_protocol_widths_and_its_length_binds() {
    let mac = "020000000001020000000002";
    behind(1, &format!("{mac} 8864 1100 0001 002f 0021"));
    behind(1, &format!("{mac} 8864 1100 0001 002e 21"));
    behind(1, &format!("{mac} 8100 0023 8864 1100 0001 002f 0021"));
    behind(51, "1100 0001 002f 0021");
    // Total length zero: only the PPPoE length keeps the padding out.
    let mut whole = inner();
    (whole[2], whole[3]) = (0, 0);
    let bytes = join(&[&hex(&format!("{mac} 8864 1100 0001 002f 0021")), &whole, &[0; 9]]);
    assert_inner(&packet(1, &bytes));
    assert_eq!(skip(1, &hex(&format!("{mac} 8864 1109 0001 0004 01010000"))), Skip::NotIp);
    assert_eq!(skip(1, &hex(&format!("{mac} 8864 2100 0001 0004 00210000"))), Skip::Malformed);
    assert_eq!(skip(1, &hex(&format!("{mac} 8864 1100 0001"))), Skip::Short);
}

#[test]
fn ppp_comes_in_several_framings() {
    behind(9, "0021");
    behind(9, "ff03 0021");
    behind(9, "21");
    behind(9, "003d c0 000001 0021");
    behind(9, "0281 00001140");
    behind(219, "00001140");
    behind(50, "ff03 0021");
    behind(50, "0f00 0800");
    behind(104, "8f00 0800");
    behind(104, "ff03 0021");
    behind(166, "00 ff03 0021");
    behind(205, "01 0f00 0800");
    assert_eq!(skip(9, &hex("c021 0101 0004")), Skip::NotIp);
    assert_eq!(skip(9, &hex("0053 0101 0004")), Skip::Encrypted);
}

#[test]
fn frame_relay_is_read_with_every_address_length() {
    behind(107, "1841 03 cc");
    behind(107, "1841 03 00 80 000000 0800");
    behind(107, "184041 03 cc");
    behind(107, "18404041 03cc");
    behind(107, "1841 0800");
    behind(107, "1841 03 00 80 0080c2 0007 020000000001020000000002 0800");
    behind(182, "c000 1841 03 cc");
    assert_eq!(skip(182, &hex("4000 1841 03cc")), Skip::NotIp);
}

#[test]
fn slip_and_the_old_rings_carry_ip() {
    behind(8, "00 45000000000000000000000000 0000");
    behind(10, "50 020000000001 020000000002 aaaa03 000000 0800");
    behind(6, "1040 020000000001 020000000002 aaaa03 000000 0800");
    behind(6, "1040 020000000001 820000000002 0630 00010010 aaaa03 000000 0800");
    behind(7, "01 02 f0");
    behind(7, "01 02 d4 00 0001");
    behind(129, "01 02 0000 d4 ff 00 ffff 00 0001");
    behind(11, "aaaa03 000000 0800");
    behind(11, "");
    behind(123, "02 00 0064 aaaa03 000000 0800");
    behind(123, "01 00 0064 0001 020000000001 020000000002 0800");
    behind(106, "0001 020000000001 020000000002 0800");
    behind(19, "aaaa03 000000 0800");
    behind(226, &format!("01 02 {}", "00".repeat(22)));
    let stamp = "0000000000000000";
    let mac = "020000000001020000000002";
    behind(197, &format!("{stamp} 02 04 0060 0000 0050 0000 {mac} 0800"));
    let extensions = "8000000000000000 0000000000000000";
    behind(197, &format!("{stamp} 82 04 0060 0000 0050 {extensions} 0000 {mac} 0800"));
    behind(197, &format!("{stamp} 01 04 0060 0000 0050 ff03 0021"));
    behind(197, &format!("{stamp} 16 04 0060 0000 0050"));
    assert_eq!(skip(197, &hex(&format!("{stamp} 05 04 0060 0000 0050 00"))), Skip::NotIp);
    behind(138, "0000000000000001 0000000000000002 0800");
}

#[test]
fn switch_tags_and_service_tags_are_stepped_over() {
    let mac = "020000000001020000000002";
    behind(284, &format!("{mac} c00a0000 0800"));
    behind(285, &format!("{mac} dada 0000 c0100539 0800"));
    behind(281, &format!("{mac} 20000020 0800"));
    behind(282, &format!("00002005 {mac} 0800"));
    behind(1, &format!("{mac} 893f 0000 0000 0000 0800"));
    behind(1, &format!("{mac} 8926 0000 0000 0800"));
    behind(1, &format!("{mac} 8909 01 01 0001 0064 0800"));
    behind(1, &format!("{mac} 88e7 00000001 {mac} 0800"));
    behind(1, &format!("{mac} 8903 0001 {mac} 0800"));
    behind(1, &format!("{mac} 22f3 0040 0001 0002 00000000 {mac} 0800"));
    behind(1, &format!("{mac} 894f 0006 01 01 00000001 00000000000000000000000000000000"));
    behind(1, &format!("{mac} 894f 0002 01 03 00000001 {mac} 0800"));
    behind(1, &format!("{mac} 88e5 00 00 00000001 0800"));
    behind(274, &format!("55555555555555 d5 {mac} 0800"));
    let tagged = join(&[&hex(&format!("{mac} e00a0064 0800")), &inner()]);
    assert_eq!(packet(284, &tagged).vlans.as_slice(), [100]);
    assert_eq!(skip(1, &hex(&format!("{mac} 88e5 2c 00 00000001 0000"))), Skip::Encrypted);
    assert_eq!(skip(1, &hex(&format!("{mac} 88cc 0207 0400"))), Skip::NotIp);
}

#[test]
fn mpls_guesses_what_its_bottom_carries() {
    let mac = "020000000001020000000002";
    behind(1, &format!("{mac} 8847 00010040 00011140"));
    behind(1, &format!("{mac} 8847 00011140 00000000 {mac} 0800"));
    behind(1, &format!("{mac} 8848 00011140 {mac} 0800"));
    behind(1, &format!("{mac} 8847 00011140 0000 0001 42{} 0800", &mac[2..]));
    behind(1, &format!("{mac} 8847 00011140 42{} 0800", &mac[2..]));
    assert_eq!(skip(1, &hex(&format!("{mac} 8847 00010040"))), Skip::Short);
}

const RADIO: &str = "0000 0900 02000000 00";

#[test]
fn wireless_data_frames_are_read_in_all_four_directions() {
    let tail = "aaaa03 000000 0800";
    let (to, from, base) = ("020000000001", "020000000002", "0200000000aa");
    let ends = Some((Mac(FROM), Mac(TO)));
    for header in [
        format!("0800 0000 {to} {from} {base} 0000"),
        format!("0801 0000 {base} {from} {to} 0000"),
        format!("0802 0000 {to} {base} {from} 0000"),
        format!("0803 0000 {base} {base} {to} 0000 {from}"),
        format!("8801 0000 {base} {from} {to} 0000 0000"),
        format!("8881 0000 {base} {from} {to} 0000 0000 00000000"),
    ] {
        let bytes = join(&[&hex(&header), &hex(tail), &inner()]);
        let found = packet(105, &bytes);
        assert_inner(&found);
        assert_eq!(found.macs, ends, "{header}");
        behind(127, &format!("{RADIO} {header} {tail}"));
        behind(192, &format!("0000 0800 69000000 {header} {tail}"));
    }
    let header = format!("0801 0000 {base} {from} {to} 0000 {tail}");
    behind(119, &format!("44000000 90000000 {} {header}", "00".repeat(136)));
    behind(119, &format!("80211001 00000010 {} {header}", "00".repeat(8)));
    behind(163, &format!("80211001 00000010 {} {header}", "00".repeat(8)));
}

#[test]
fn the_drivers_padding_after_a_wireless_header_is_stepped_over() {
    let header = "8801 0000 0200000000aa 020000000002 020000000001 0000 0000 0000";
    behind(127, &format!("0000 0900 02000000 20 {header} aaaa03 000000 0800"));
    // The timestamp before the flags is aligned to eight, and so are more presence words.
    let radio = "0000 1900 03000080 00000000 00000000 0000000000000000 20";
    behind(127, &format!("{radio} {header} aaaa03 000000 0800"));
}

#[test]
fn aggregated_wireless_frames_show_their_first_packet() {
    let body = join(&[&hex("aaaa03 000000 0800"), &inner()]);
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    let first = join(&[&TO, &FROM, &[0, 4], &[0x42, 0x42, 3, 0], &[0; 2]]);
    let bytes = join(&[
        &hex("8801 0000 0200000000aa 020000000002 020000000001 0000 8000"),
        &first,
        &TO,
        &FROM,
        &length,
        &body,
    ]);
    assert_inner(&packet(105, &bytes));
}

#[test]
fn protected_wireless_frames_are_encrypted_unless_they_are_in_clear() {
    let header = "0841 0000 0200000000aa 020000000002 020000000001 0000";
    assert_eq!(skip(105, &hex(&format!("{header} 00112233 44556677 8899"))), Skip::Encrypted);
    behind(105, &format!("{header} aaaa03 000000 0800"));
    let beacon = "8000 0000 ffffffffffff 020000000002 020000000002 0000 0000";
    assert_eq!(skip(105, &hex(beacon)), Skip::NotIp);
    let later = "0801 0000 0200000000aa 020000000002 020000000001 0100 aaaa03";
    assert_eq!(skip(105, &hex(later)), Skip::NotIp);
}

#[test]
fn headers_that_systems_make_up_are_stepped_over() {
    behind(239, "0200 002a 0800 0100 00000300 0500 0a00 00000000 0400 0900");
    behind(239, "0200 002a 0008 0001 00000300 0005 000a 00000000 0004 0009");
    behind(117, &format!("3d 02 {}", "00".repeat(62)));
    behind(109, "02000000 00000001 00000000");
    behind(258, "0c000000 01000000 0c000000");
    behind(242, &format!("{} 0800 0000", "00".repeat(40)));
    behind(240, "00000000 020000000001 020000000002 0800");
    assert_eq!(skip(239, &hex("0200 002a 0200 0100")), Skip::Malformed);
}

#[test]
fn juniper_headers_are_followed_by_content() {
    behind(178, "4d4743 01 020000000001 020000000002 0800");
    behind(178, "4d4743 81 0002 0000 020000000001 020000000002 0800");
    behind(178, "4d4743 03 02000000");
    behind(167, "4d4743 01 020000000001 020000000002 0800");
    behind(200, "4d4743 01 000000640001");
    behind(137, "4d4743 01 00000064 aaaa03 000000 0800");
    behind(132, "4d4743 01 000000640001");
    behind(181, "4d4743 01 0f00 0800");
    assert_eq!(skip(178, b"MGD\x01"), Skip::Malformed);
}
