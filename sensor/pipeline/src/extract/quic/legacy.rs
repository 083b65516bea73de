//! Google's QUIC before the standard, versions Q0xx whose first packet is in clear (up to Q046):
//! the `SNI` tag of a client's CHLO.
//!
//! A CHLO is padded to fill one packet, so that it is read from one datagram. All that is kept is
//! which name a flow told last: a client repeats its CHLO.

use crate::extract::Context;
use crate::extract::tls::hello;
use crate::observation::{ClientHello, Kind, Message};
use crate::stats::Counter;

/// Headers, the packet's hash and the frame header lie before the CHLO, all within this.
const SEARCHED: usize = 96;

/// The version `Q0dd` of a packet that carries one: at byte 9 behind the public flags and a
/// connection id of eight bytes, or (Q044 on) at byte 1 of a long header.
pub(super) fn version(datagram: &[u8]) -> Option<u32> {
    let at = match datagram.first()? {
        flags if flags & 0xc0 == 0xc0 => 1,
        flags if flags & 0xc9 == 0x09 => 9,
        _ => return None,
    };
    let text = datagram.get(at..)?.first_chunk::<4>()?;
    matches!(text, [b'Q', b'0', b'0'..=b'9', b'0'..=b'9']).then_some(u32::from_be_bytes(*text))
}

/// What was told last of a flow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Chlo(u32);

impl Chlo {
    /// Tells the name of a CHLO, unless it is the one told last; false if this datagram is none.
    #[cold]
    pub fn read(&mut self, datagram: &[u8], cx: &mut Context<'_>) -> bool {
        let Some((version, values)) = version(datagram).zip(message(datagram)) else {
            return false;
        };
        let name = server_name(values);
        let digest = cx.scratch.handshakes.digest(name.unwrap_or_default()) as u32 | 1;
        if std::mem::replace(&mut self.0, digest) != digest {
            tell(version, name, cx);
        }
        true
    }
}

fn tell(version: u32, name: Option<&[u8]>, cx: &mut Context<'_>) {
    let mut hello = ClientHello { quic_version: version, ..ClientHello::default() };
    cx.scratch.host.clear();
    if let Some(name) = name {
        hello::observe(name, Kind::QuicSni, &mut cx.scratch.host, cx.observer);
    }
    hello.sni = Some(cx.scratch.host.as_str()).filter(|host| !host.is_empty());
    if hello.sni.is_none() {
        cx.observer.count(Counter::TlsNoSni);
    }
    cx.observer.count(Counter::Quic);
    cx.observer.message(Message::Quic(&hello));
}

/// What follows the tag `CHLO` of the handshake message.
fn message(datagram: &[u8]) -> Option<&[u8]> {
    let head = datagram.get(..SEARCHED).unwrap_or(datagram);
    let at = memchr::memmem::find(head, b"CHLO")?;
    datagram.get(at + 4..)
}

/// Value of `SNI`: a count, then tag and end offset of each value, then the values.
fn server_name(message: &[u8]) -> Option<&[u8]> {
    let (&[low, high, _, _], rest) = message.split_first_chunk::<4>()?;
    let count = usize::from(u16::from_le_bytes([low, high]));
    let (index, values) = rest.split_at_checked(count * 8)?;
    let mut start = 0;
    for entry in index.chunks_exact(8) {
        let (tag, end) = entry.split_first_chunk::<4>()?;
        let end = u32::from_le_bytes(*end.first_chunk::<4>()?) as usize;
        if tag == b"SNI\0" {
            return values.get(start..end);
        }
        start = end;
    }
    None
}
