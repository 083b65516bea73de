//! DHCPv4 messages (RFC 2131, 2132, 4702): which host name a hardware address gives itself.
//!
//! Tells who a host is; compares nothing with indicators. Reads no DHCPv6.

use std::borrow::Cow;

use super::Context;
use super::dns::name_at;
use super::spelling;
use crate::net::{Address, Mac};
use crate::observation::{DhcpMessage, Message};
use crate::stats::Counter;

/// Octets before the magic cookie (RFC 2131 2).
const FIXED: usize = 236;
/// Where the fixed fields `sname` and `file` begin, which may hold options (option 52).
const SNAME: std::ops::Range<usize> = 44..108;
const FILE: std::ops::Range<usize> = 108..FIXED;
/// What begins the options (RFC 2131 3).
const COOKIE: [u8; 4] = [99, 130, 83, 99];

/// Options that concern us, as sent.
#[derive(Default)]
struct Options<'a> {
    message_type: u8,
    requested_ip: Option<Address>,
    hostname: Option<&'a [u8]>,
    fqdn: Option<&'a [u8]>,
    vendor_class: Option<&'a [u8]>,
    overload: u8,
}

impl<'a> Options<'a> {
    /// Reads options until the end mark, or what stands before a cut. The first of a kind counts.
    fn read(&mut self, mut bytes: &'a [u8]) {
        loop {
            bytes = match bytes {
                [0, rest @ ..] => rest,
                [255, ..] | [] | [_] => return,
                [code, length, rest @ ..] => {
                    let length = usize::from(*length).min(rest.len());
                    let (value, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
                    self.take(*code, value);
                    after
                }
            };
        }
    }

    fn take(&mut self, code: u8, value: &'a [u8]) {
        match (code, value) {
            (12, [_, ..]) => self.hostname = self.hostname.or(Some(value)),
            (50, [a, b, c, d]) => self.requested_ip = address([*a, *b, *c, *d]),
            (52, [fields]) => self.overload = *fields,
            (53, [kind]) => self.message_type = *kind,
            (60, [_, ..]) => self.vendor_class = self.vendor_class.or(Some(value)),
            (81, [_, _, _, _, ..]) => self.fqdn = self.fqdn.or(Some(value)),
            _ => {}
        }
    }
}

/// Shows a client's or server's message to the observer; false when the payload is not DHCP.
pub fn read(payload: &[u8], cx: &mut Context<'_>) -> bool {
    let Some(fixed @ [1 | 2, kind, length, ..]) = payload.first_chunk::<FIXED>() else {
        return false;
    };
    let Some(sent) = payload.get(FIXED..).and_then(|rest| rest.strip_prefix(&COOKIE)) else {
        return false;
    };
    let mut options = Options::default();
    options.read(sent);
    if options.overload & 1 != 0 {
        options.read(payload.get(FILE).unwrap_or(&[]));
    }
    if options.overload & 2 != 0 {
        options.read(payload.get(SNAME).unwrap_or(&[]));
    }
    let hostname = host_name(&options, &mut cx.scratch.host);
    let word = |at: usize| fixed.get(at..).and_then(|field| field.first_chunk::<4>().copied());
    let ethernet = *kind == 1 && *length == 6;
    let message = DhcpMessage {
        message_type: options.message_type,
        id: word(4).map_or(0, u32::from_be_bytes),
        client_mac: fixed
            .get(28..)
            .and_then(|field| field.first_chunk().copied())
            .filter(|_| ethernet)
            .map_or_else(Mac::default, Mac),
        client_ip: word(12).and_then(address),
        assigned_ip: word(16).and_then(address),
        requested_ip: options.requested_ip,
        hostname,
        vendor_class: options.vendor_class,
    };
    cx.observer.message(Message::Dhcp(&message));
    cx.observer.count(Counter::Dhcp);
    true
}

/// An address field; zero means unset.
fn address(octets: [u8; 4]) -> Option<Address> {
    (octets != [0; 4]).then(|| Address::v4(octets))
}

/// Option 12, else the name of option 81 in either of its encodings (RFC 4702 2.1).
fn host_name<'a>(options: &Options<'_>, out: &'a mut String) -> Option<&'a str> {
    out.clear();
    match (options.hostname, options.fqdn) {
        (Some(name), _) => print(name, out),
        (None, Some([flags, _, _, wire @ ..])) if flags & 0x04 != 0 => {
            name_at(wire, out);
            if let Cow::Owned(readable) = spelling::readable(out) {
                *out = readable;
            }
        }
        (None, Some([_, _, _, text @ ..])) => print(text, out),
        (None, _) => {}
    }
    (!out.is_empty()).then_some(out.as_str())
}

/// Text as sent, up to a zero.
fn print(text: &[u8], out: &mut String) {
    let text = text.trim_ascii().split(|byte| *byte == 0).next().unwrap_or(&[]);
    spelling::push_readable(text, out);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::extract::Scratch;
    use crate::net::Endpoint;
    use crate::observation::{Observation, Observer};

    #[derive(Default)]
    struct Seen {
        messages: Vec<String>,
        counted: usize,
    }

    impl Observer for Seen {
        fn seen(&mut self, observation: Observation<'_>) {
            panic!("{observation:?}");
        }
        fn message(&mut self, message: Message<'_>) {
            let Message::Dhcp(dhcp) = message else { panic!("{message:?}") };
            let vendor = dhcp.vendor_class.unwrap_or(b"-").escape_ascii();
            let [client, assigned, requested] =
                [dhcp.client_ip, dhcp.assigned_ip, dhcp.requested_ip]
                    .map(|ip| ip.map_or_else(|| "-".to_owned(), |ip| ip.to_string()));
            let name = dhcp.hostname.unwrap_or("-");
            self.messages.push(format!(
                "{} {:x} {} {client} {assigned} {requested} {name} {vendor}",
                dhcp.message_type, dhcp.id, dhcp.client_mac
            ));
        }
        fn count(&mut self, counter: Counter) {
            assert_eq!(counter, Counter::Dhcp);
            self.counted += 1;
        }
    }

    fn seen(payload: &[u8]) -> Option<String> {
        let (mut seen, mut scratch) = (Seen::default(), Scratch::default());
        let mut cx = Context {
            source: Endpoint::default(),
            destination: Endpoint::default(),
            observer: &mut seen,
            scratch: &mut scratch,
        };
        let read = read(payload, &mut cx);
        assert_eq!((read, usize::from(read)), (!seen.messages.is_empty(), seen.counted));
        seen.messages.pop()
    }

    fn message(op: u8, options: &[u8]) -> Vec<u8> {
        let mut out = vec![0; FIXED];
        out[..4].copy_from_slice(&[op, 1, 6, 0]);
        out[4..8].copy_from_slice(&[0xab, 0xcd, 1, 2]);
        out[28..34].copy_from_slice(&[2, 0, 0x5e, 0x10, 0, 0x17]);
        [&out[..], &COOKIE, options].concat()
    }

    #[test]
    fn a_request_says_who_asks_for_which_address() {
        let options =
            b"\x35\x01\x03\x00\x32\x04\xc0\x00\x02\x17\x3d\x07\x01\x02\x00\x5e\x10\x00\x17\
            \x0c\x0aKETOAN-PC1\x3c\x08MSFT 5.0\x37\x02\x01\x03\xff\x0c\x03not";
        assert_eq!(
            seen(&message(1, options)).unwrap(),
            "3 abcd0102 02:00:5e:10:00:17 - - 192.0.2.23 KETOAN-PC1 MSFT 5.0"
        );
    }

    #[test]
    fn a_reply_says_the_address_it_gives() {
        let mut reply = message(2, b"\x35\x01\x05\xff");
        reply[16..20].copy_from_slice(&[192, 0, 2, 23]);
        assert_eq!(seen(&reply).unwrap(), "5 abcd0102 02:00:5e:10:00:17 - 192.0.2.23 - - -");
    }

    #[test]
    fn the_full_name_stands_in_for_the_host_name_in_both_encodings() {
        let text = message(1, b"\x35\x01\x03\x51\x0f\x01\0\0PC1.xa.test\0");
        assert!(seen(&text).unwrap().contains(" PC1.xa.test "), "{:?}", seen(&text));
        let wire = message(1, b"\x35\x01\x03\x51\x10\x05\0\0\x03PC1\x02xa\x04test\0\xff");
        assert!(seen(&wire).unwrap().contains(" pc1.xa.test "), "{:?}", seen(&wire));
    }

    #[test]
    fn options_in_the_fixed_fields_are_read_when_the_message_says_so() {
        let mut overloaded = message(1, b"\x35\x01\x01\x34\x01\x03\xff");
        overloaded[108..114].copy_from_slice(b"\x0c\x03abc\xff");
        overloaded[44..49].copy_from_slice(b"\x3c\x02vc\xff");
        assert!(seen(&overloaded).unwrap().ends_with(" abc vc"));
    }

    #[test]
    fn a_name_that_cannot_be_printed_is_escaped_and_one_cut_short_is_kept() {
        assert!(seen(&message(1, b"\x0c\x04a\nb\\")).unwrap().contains(" a\\010b\\092 "));
        assert!(seen(&message(1, b"\x0c\x40abc")).unwrap().contains(" abc "));
    }

    #[test]
    fn a_name_in_utf8_is_kept_as_it_was_written_in_every_option() {
        let name = "MÁY-KẾ-TOÁN".as_bytes();
        let option = |code: u8, head: &[u8], text: &[u8]| {
            let length = (head.len() + text.len()) as u8;
            message(1, &[&[code, length], head, text].concat())
        };
        assert!(seen(&option(12, b"", name)).unwrap().contains(" MÁY-KẾ-TOÁN "));
        assert!(seen(&option(81, &[1, 0, 0], name)).unwrap().contains(" MÁY-KẾ-TOÁN "));
        let wire = [&[name.len() as u8], name, &[0]].concat();
        let wire = seen(&option(81, &[5, 0, 0], &wire)).unwrap();
        // Names of DNS know no case in ASCII, and none is known of other letters.
        assert!(wire.contains(" mÁy-kẾ-toÁn "), "{wire}");
    }

    #[test]
    fn what_has_no_cookie_or_is_neither_request_nor_reply_is_not_dhcp() {
        assert_eq!(seen(&message(1, b"")[..FIXED + 3]), None);
        assert_eq!(seen(&message(3, b"\xff")), None);
        assert_eq!(seen(&[1; 400]), None);
        assert_eq!(seen(b""), None);
    }

    proptest! {
        #[test]
        fn any_options_are_read_without_panic(options in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(seen(&message(1, &options)).is_some());
        }
    }
}
