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

/// Bytes at the end of a name that tell nearly every other name from a resolver's: as many as the
/// shortest of the list has.
const TAIL: usize = 6;

/// Two bits for the tail of each resolver. A search of the list for every ending of a name was a
/// tenth of the price of a million handshakes.
const TAILS: (u128, u128) = tails();

const fn tails() -> (u128, u128) {
    let (mut low, mut high) = (0, 0);
    let mut rest = RESOLVERS;
    while let Some((name, after)) = rest.split_first() {
        if let Some((one, other)) = tail_bits(name.as_bytes()) {
            low |= one;
            high |= other;
        }
        rest = after;
    }
    (low, high)
}

/// The bits of a name's tail; none for a name that is too short.
const fn tail_bits(name: &[u8]) -> Option<(u128, u128)> {
    let Some([a, b, c, d, e, f]) = name.last_chunk::<TAIL>() else { return None };
    let word = u64::from_le_bytes([*a, *b, *c, *d, *e, *f, 0, 0]);
    let mixed = word.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Some((1 << (mixed >> 57), 1 << (mixed >> 50 & 0x7f)))
}

/// Is this server name, in comparable spelling, one of a known resolver?
pub fn is_resolver(name: &str) -> bool {
    let (low, high) = TAILS;
    let likely = |(one, other): (u128, u128)| low & one != 0 && high & other != 0;
    tail_bits(name.as_bytes()).is_some_and(likely) && is_listed(name)
}

/// Is the name, or one that it stands below, in the list?
#[cold]
fn is_listed(name: &str) -> bool {
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
    fn every_resolver_and_what_is_below_it_is_known_and_few_others_are_searched_for() {
        for name in RESOLVERS {
            assert!(name.len() >= TAIL, "{name}");
            assert!(is_resolver(name) && is_resolver(&format!("a.{name}")), "{name}");
        }
        let searched = (0..1000)
            .map(|number| {
                format!("www.site{number}.{}", ["example", "test", "com", "net"][number % 4])
            })
            .filter_map(|name| tail_bits(name.as_bytes()))
            .filter(|(one, other)| TAILS.0 & one != 0 && TAILS.1 & other != 0)
            .count();
        assert!(searched < 200, "{searched}");
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
