//! Which record types name a host, and where in their data the names stand.
//!
//! Owns the layouts of record data; does not read names or addresses itself.

/// What record data holds, as far as it names a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// An IPv4 address (A).
    V4,
    /// An IPv6 address (AAAA).
    V6,
    /// So many names behind so many octets.
    Names {
        /// Octets before the first name.
        skip: usize,
        /// Names, one behind the other.
        count: usize,
    },
    /// Order, preference, three strings, a name (NAPTR, RFC 3403 4.1).
    Naptr,
    /// Priority, a name, parameters (SVCB and HTTPS, RFC 9460 2.2).
    Service,
    /// Octets of which one says what the gateway behind them is (IPSECKEY, AMTRELAY).
    Gateway {
        /// Octets before the gateway.
        skip: usize,
        /// The one that holds the type.
        kind_at: usize,
    },
    /// Strings (TXT, SPF).
    Text,
    /// Nothing that names a host.
    Other,
}

impl Layout {
    /// The layout of a type's data.
    pub(super) const fn of(rtype: u16) -> Self {
        const fn names(skip: usize, count: usize) -> Layout {
            Layout::Names { skip, count }
        }
        match rtype {
            1 => Self::V4,
            28 => Self::V6,
            // NS MD MF CNAME; SOA's second name is a mailbox; MB MG MR; PTR NSAP-PTR NXT DNAME NSEC
            2..=9 | 12 | 23 | 30 | 39 | 47 => names(0, 1),
            // MINFO RP TALINK
            14 | 17 | 58 => names(0, 2),
            // MX AFSDB RT KX LP
            15 | 18 | 21 | 36 | 107 => names(2, 1),
            26 => names(2, 2),       // PX
            33 => names(6, 1),       // SRV
            24 | 46 => names(18, 1), // SIG RRSIG
            66 => names(5, 1),       // DSYNC
            35 => Self::Naptr,
            64 | 65 => Self::Service,
            45 => Self::Gateway { skip: 3, kind_at: 1 },
            260 => Self::Gateway { skip: 2, kind_at: 1 },
            16 | 99 => Self::Text,
            _ => Self::Other,
        }
    }
}

/// PTR: what the owner of an address (or of any other name) says that it is called.
pub(super) const PTR: u16 = 12;

/// Is the name, in comparable spelling, one of those that addresses are looked up by in reverse
/// (RFC 1035 3.5, RFC 3596 2.5)?
pub(super) fn is_reverse(name: &str) -> bool {
    name.strip_suffix(".arpa").is_some_and(|zone| {
        let zone = zone.rsplit('.').next();
        matches!(zone, Some("in-addr" | "ip6"))
    })
}

/// OPT, whose owner and class are not what they are elsewhere (RFC 6891 6.1.2).
pub(super) const OPT: u16 = 41;

/// Mnemonic of a record or query type (IANA registry); `None` is written `TYPE65280`.
pub fn type_name(rtype: u16) -> Option<&'static str> {
    const LOW: [&str; 66] = [
        "A",
        "NS",
        "MD",
        "MF",
        "CNAME",
        "SOA",
        "MB",
        "MG",
        "MR",
        "NULL",
        "WKS",
        "PTR",
        "HINFO",
        "MINFO",
        "MX",
        "TXT",
        "RP",
        "AFSDB",
        "X25",
        "ISDN",
        "RT",
        "NSAP",
        "NSAP-PTR",
        "SIG",
        "KEY",
        "PX",
        "GPOS",
        "AAAA",
        "LOC",
        "NXT",
        "EID",
        "NIMLOC",
        "SRV",
        "ATMA",
        "NAPTR",
        "KX",
        "CERT",
        "A6",
        "DNAME",
        "SINK",
        "OPT",
        "APL",
        "DS",
        "SSHFP",
        "IPSECKEY",
        "RRSIG",
        "NSEC",
        "DNSKEY",
        "DHCID",
        "NSEC3",
        "NSEC3PARAM",
        "TLSA",
        "SMIMEA",
        "",
        "HIP",
        "NINFO",
        "RKEY",
        "TALINK",
        "CDS",
        "CDNSKEY",
        "OPENPGPKEY",
        "CSYNC",
        "ZONEMD",
        "SVCB",
        "HTTPS",
        "DSYNC",
    ];
    let name = match rtype {
        1..=66 => LOW.get(usize::from(rtype) - 1).copied().unwrap_or(""),
        99 => "SPF",
        104 => "NID",
        105 => "L32",
        106 => "L64",
        107 => "LP",
        108 => "EUI48",
        109 => "EUI64",
        128 => "NXNAME",
        249 => "TKEY",
        250 => "TSIG",
        251 => "IXFR",
        252 => "AXFR",
        253 => "MAILB",
        254 => "MAILA",
        255 => "ANY",
        256 => "URI",
        257 => "CAA",
        258 => "AVC",
        259 => "DOA",
        260 => "AMTRELAY",
        261 => "RESINFO",
        32768 => "TA",
        32769 => "DLV",
        _ => "",
    };
    (!name.is_empty()).then_some(name)
}

/// Mnemonic of a response code, low four bits of the flags word (RFC 1035 4.1.1, RFC 2136 2.2).
pub fn rcode_name(rcode: u16) -> Option<&'static str> {
    const NAMES: [&str; 12] = [
        "NOERROR",
        "FORMERR",
        "SERVFAIL",
        "NXDOMAIN",
        "NOTIMP",
        "REFUSED",
        "YXDOMAIN",
        "YXRRSET",
        "NXRRSET",
        "NOTAUTH",
        "NOTZONE",
        "DSOTYPENI",
    ];
    NAMES.get(usize::from(rcode)).copied()
}

/// Name of an opcode, bits 11 to 14 of the flags word (RFC 1035 4.1.1, RFC 8490).
pub fn opcode_name(opcode: u16) -> Option<&'static str> {
    match opcode {
        0 => Some("QUERY"),
        1 => Some("IQUERY"),
        2 => Some("STATUS"),
        4 => Some("NOTIFY"),
        5 => Some("UPDATE"),
        6 => Some("DSO"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_registry_s_mnemonics() {
        let expected = [
            (1, "A"),
            (2, "NS"),
            (5, "CNAME"),
            (6, "SOA"),
            (12, "PTR"),
            (15, "MX"),
            (16, "TXT"),
            (28, "AAAA"),
            (33, "SRV"),
            (35, "NAPTR"),
            (39, "DNAME"),
            (41, "OPT"),
            (46, "RRSIG"),
            (48, "DNSKEY"),
            (52, "TLSA"),
            (55, "HIP"),
            (58, "TALINK"),
            (64, "SVCB"),
            (65, "HTTPS"),
            (66, "DSYNC"),
            (255, "ANY"),
            (257, "CAA"),
        ];
        for (rtype, name) in expected {
            assert_eq!(type_name(rtype), Some(name));
        }
        assert_eq!((type_name(0), type_name(54), type_name(65280)), (None, None, None));
    }

    #[test]
    fn response_codes_and_opcodes_have_names() {
        assert_eq!((rcode_name(3), rcode_name(12)), (Some("NXDOMAIN"), None));
        assert_eq!((opcode_name(5), opcode_name(3)), (Some("UPDATE"), None));
    }
}
