//! Which layer a link type starts with, and what people call it.

use super::juniper::{Inner, juniper};
use super::packet::Skip;
use super::walk::{Step, Walk};
use super::{cooked, ethernet, exotic, ip, mpls, ppp, serial, switch_tag, wlan};
use crate::frame::LinkType;

/// Decodes a frame from its first byte.
#[inline]
pub(super) fn link<'a>(walk: &mut Walk<'a>, link: LinkType, data: &'a [u8]) -> Step {
    match link.0 {
        1 | 285 => ethernet::ethernet(walk, data),
        // The version decides even where the link type says it: some writers confuse them.
        12 | 14 | 101 | 228 | 229 => ip::by_version(walk, data),
        other => rarer(walk, other, data),
    }
}

fn rarer<'a>(walk: &mut Walk<'a>, link: u16, data: &'a [u8]) -> Step {
    match link {
        0 | 108 => cooked::null(walk, data),
        113 => cooked::sll(walk, data),
        276 => cooked::sll2(walk, data),
        9 => ppp::ppp(walk, data),
        50 => ppp::serial(walk, data),
        51 => ppp::pppoe(walk, data),
        166 | 204 => serial::ppp_with_direction(walk, data),
        104 => ppp::cisco_hdlc(walk, data),
        205 => serial::hdlc_with_direction(walk, data),
        107 => serial::frame_relay(walk, data),
        206 => serial::relay_with_direction(walk, data),
        182 => serial::multilink_frame_relay(walk, data),
        8 => serial::slip(walk, data),
        105 => wlan::ieee80211(walk, data),
        119 => wlan::prism(walk, data),
        127 => wlan::radiotap(walk, data),
        163 => wlan::avs(walk, data),
        192 => cooked::ppi(walk, data),
        258 => cooked::pktap(walk, data),
        109 => cooked::enc(walk, data),
        117 => cooked::pflog(walk, data),
        239 => cooked::nflog(walk, data),
        281 => switch_tag::broadcom(walk, data),
        282 => switch_tag::broadcom_prepended(walk, data),
        284 => switch_tag::dsa(walk, data),
        274 => switch_tag::mpacket(walk, data),
        other => rarest(walk, other, data),
    }
}

fn rarest<'a>(walk: &mut Walk<'a>, link: u16, data: &'a [u8]) -> Step {
    match link {
        6 => exotic::token_ring(walk, data),
        7 => exotic::arcnet(walk, data),
        129 => exotic::arcnet_linux(walk, data),
        10 => exotic::fddi(walk, data),
        11 | 19 => exotic::atm(walk, data),
        123 => exotic::sun_atm(walk, data),
        106 => exotic::lane(walk, data),
        122 => exotic::fibre_channel(walk, data),
        138 => exotic::firewire(walk, data),
        242 => exotic::infiniband(walk, data),
        240 => exotic::net_analyzer(walk, data),
        241 => exotic::net_analyzer_transparent(walk, data),
        197 => exotic::erf(walk, data),
        219 => mpls::mpls(walk, data),
        226 => exotic::ipnet(walk, data),
        130..=137 | 164 | 168 | 174 | 183 | 194 | 200 | 232 | 233 | 238 => {
            juniper(walk, data, Inner::Cookie)
        }
        167 | 178 => juniper(walk, data, Inner::Ethernet),
        179 => juniper(walk, data, Inner::Ppp),
        180 => juniper(walk, data, Inner::FrameRelay),
        181 => juniper(walk, data, Inner::CiscoHdlc),
        _ => Err(Skip::LinkType),
    }
}

/// The name of a link type as capture tools print it, decoded here or not.
pub fn link_type_name(link: LinkType) -> Option<&'static str> {
    let found = NAMES.binary_search_by_key(&link.0, |(number, _)| *number).ok()?;
    NAMES.get(found).map(|(_, name)| *name)
}

/// By number. Those that are not decoded are here so that a skip can be explained.
const NAMES: &[(u16, &str)] = &[
    (0, "NULL"),
    (1, "EN10MB"),
    (6, "IEEE802"),
    (7, "ARCNET"),
    (8, "SLIP"),
    (9, "PPP"),
    (10, "FDDI"),
    (11, "ATM_RFC1483"),
    (12, "RAW"),
    (14, "RAW"),
    (19, "ATM_CLIP"),
    (50, "PPP_SERIAL"),
    (51, "PPP_ETHER"),
    (101, "RAW"),
    (104, "C_HDLC"),
    (105, "IEEE802_11"),
    (106, "LINUX_LANE"),
    (107, "FRELAY"),
    (108, "LOOP"),
    (109, "ENC"),
    (113, "LINUX_SLL"),
    (114, "LTALK"),
    (117, "PFLOG"),
    (119, "PRISM_HEADER"),
    (122, "IP_OVER_FC"),
    (123, "SUNATM"),
    (127, "IEEE802_11_RADIO"),
    (129, "ARCNET_LINUX"),
    (130, "JUNIPER_MLPPP"),
    (131, "JUNIPER_MLFR"),
    (132, "JUNIPER_ES"),
    (133, "JUNIPER_GGSN"),
    (134, "JUNIPER_MFR"),
    (135, "JUNIPER_ATM2"),
    (136, "JUNIPER_SERVICES"),
    (137, "JUNIPER_ATM1"),
    (138, "APPLE_IP_OVER_IEEE1394"),
    (143, "DOCSIS"),
    (144, "LINUX_IRDA"),
    (163, "IEEE802_11_RADIO_AVS"),
    (164, "JUNIPER_MONITOR"),
    (166, "PPP_PPPD"),
    (167, "JUNIPER_PPPOE"),
    (168, "JUNIPER_PPPOE_ATM"),
    (174, "JUNIPER_PIC_PEER"),
    (177, "LINUX_LAPD"),
    (178, "JUNIPER_ETHER"),
    (179, "JUNIPER_PPP"),
    (180, "JUNIPER_FRELAY"),
    (181, "JUNIPER_CHDLC"),
    (182, "MFR"),
    (183, "JUNIPER_VP"),
    (187, "BLUETOOTH_HCI_H4"),
    (189, "USB_LINUX"),
    (192, "PPI"),
    (194, "JUNIPER_ISM"),
    (195, "IEEE802_15_4_WITHFCS"),
    (197, "ERF"),
    (200, "JUNIPER_ST"),
    (201, "BLUETOOTH_HCI_H4_WITH_PHDR"),
    (204, "PPP_WITH_DIR"),
    (205, "C_HDLC_WITH_DIR"),
    (206, "FRELAY_WITH_DIR"),
    (209, "IPMB_LINUX"),
    (215, "IEEE802_15_4_NONASK_PHY"),
    (219, "MPLS"),
    (220, "USB_LINUX_MMAPPED"),
    (224, "FC_2"),
    (226, "IPNET"),
    (227, "CAN_SOCKETCAN"),
    (228, "IPV4"),
    (229, "IPV6"),
    (230, "IEEE802_15_4_NOFCS"),
    (231, "DBUS"),
    (232, "JUNIPER_VS"),
    (233, "JUNIPER_SRX_E2E"),
    (235, "DVB_CI"),
    (238, "JUNIPER_ATM_CEMIC"),
    (239, "NFLOG"),
    (240, "NETANALYZER"),
    (241, "NETANALYZER_TRANSPARENT"),
    (242, "IPOIB"),
    (243, "MPEG_2_TS"),
    (245, "NFC_LLCP"),
    (248, "SCTP"),
    (249, "USBPCAP"),
    (251, "BLUETOOTH_LE_LL"),
    (253, "NETLINK"),
    (254, "BLUETOOTH_LINUX_MONITOR"),
    (258, "PKTAP"),
    (264, "ISO_14443"),
    (272, "NORDIC_BLE"),
    (274, "ETHERNET_MPACKET"),
    (276, "LINUX_SLL2"),
    (281, "DSA_TAG_BRCM"),
    (282, "DSA_TAG_BRCM_PREPEND"),
    (283, "IEEE802_15_4_TAP"),
    (284, "DSA_TAG_DSA"),
    (285, "DSA_TAG_EDSA"),
    (289, "ELEE"),
    (295, "ETW"),
];
