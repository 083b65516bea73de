//! Public resolvers that speak DNS over HTTPS, TLS or QUIC: whoever asks them hides the names that
//! we look for. Owns the list and nothing else; such a flow is counted, never alerted.

use crate::net::IpProtocol;

/// Names of resolvers, each with everything below it; in order of their bytes.
const RESOLVERS: &[&str] = &[
    "adblock.dns.mullvad.net",
    "base.dns.mullvad.net",
    "chrome.cloudflare-dns.com",
    "cloudflare-dns.com",
    "dns.adguard-dns.com",
    "dns.adguard.com",
    "dns.alidns.com",
    "dns.cloudflare.com",
    "dns.controld.com",
    "dns.google",
    "dns.google.com",
    "dns.mullvad.net",
    "dns.nextdns.io",
    "dns.quad9.net",
    "dns.sb",
    "dns.switch.ch",
    "dns.twnic.tw",
    "dns0.eu",
    "dns10.quad9.net",
    "dns11.quad9.net",
    "dns12.quad9.net",
    "dns64.dns.google",
    "dns9.quad9.net",
    "dnsforge.de",
    "doh.apple.com",
    "doh.cleanbrowsing.org",
    "doh.dns.apple.com",
    "doh.dns.sb",
    "doh.familyshield.opendns.com",
    "doh.libredns.gr",
    "doh.opendns.com",
    "doh.pub",
    "doh.umbrella.com",
    "doh.xfinity.com",
    "dot.pub",
    "family.cloudflare-dns.com",
    "freedns.controld.com",
    "mask.icloud.com",
    "mozilla.cloudflare-dns.com",
    "odoh.cloudflare-dns.com",
    "one.one.one.one",
    "p0.freedns.controld.com",
    "private.canadianshield.cira.ca",
    "security.cloudflare-dns.com",
    "unfiltered.adguard-dns.com",
    "wikimedia-dns.org",
];

/// Is this server name, in comparable spelling, one of a known resolver?
pub fn is_resolver(name: &str) -> bool {
    let dots = name.bytes().enumerate().filter(|(_, byte)| *byte == b'.').map(|(at, _)| at + 1);
    std::iter::once(0)
        .chain(dots)
        .filter_map(|at| name.get(at..))
        .any(|suffix| RESOLVERS.binary_search(&suffix).is_ok())
}

/// Is this server port that of DNS over TLS (RFC 7858) or QUIC (RFC 9250)?
pub const fn is_encrypted_dns_port(protocol: IpProtocol, port: u16) -> bool {
    port == 853 && matches!(protocol, IpProtocol::TCP | IpProtocol::UDP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_order_so_that_it_can_be_searched() {
        assert!(RESOLVERS.is_sorted());
    }

    #[test]
    fn a_resolver_is_known_by_its_name_and_below_it_but_not_by_a_part_of_a_label() {
        for name in ["dns.google", "one.one.one.one", "a1b2c3.dns.nextdns.io", "dns.quad9.net"] {
            assert!(is_resolver(name), "{name}");
        }
        for name in ["google", "www.google.com", "notdns.google", "quad9.net", "", "."] {
            assert!(!is_resolver(name), "{name}");
        }
        assert!(is_encrypted_dns_port(IpProtocol::TCP, 853));
        assert!(!is_encrypted_dns_port(IpProtocol::ICMP, 853));
    }
}
