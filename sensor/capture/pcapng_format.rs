//! pcapng blocks (<https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html>): sections of
//! either byte order, several interfaces each with its own link type and clock resolution.

use super::LinkType;
use super::pcap_format::{half, word};
use crate::net::Timestamp;

/// Block type of a section header; the same bytes in both orders.
pub(crate) const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE: u32 = 3;
const ENHANCED: u32 = 6;
/// More interfaces in one section than any recorder writes.
const MAX_INTERFACES: usize = 65_536;

/// One interface of the section.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link: LinkType,
    snap_length: u32,
    /// Ticks a second.
    resolution: Resolution,
    /// Seconds to add (`if_tsoffset`).
    offset: i64,
}

#[derive(Clone, Copy, Debug)]
enum Resolution {
    Decimal(u32),
    Binary(u32),
}

impl Resolution {
    /// From the option's byte: powers of ten, or of two with the high bit.
    fn from_option(byte: u8) -> Self {
        let exponent = u32::from(byte & 0x7f);
        if byte & 0x80 == 0 { Self::Decimal(exponent) } else { Self::Binary(exponent) }
    }

    /// Ticks to nanoseconds; saturates on absurd values.
    fn nanos(self, ticks: u64) -> i64 {
        let ticks = u128::from(ticks);
        let nanos = match self {
            Self::Decimal(6) => ticks * 1000,
            Self::Decimal(9) => ticks,
            Self::Decimal(e @ 0..=9) => ticks.saturating_mul(10u128.pow(9 - e)),
            Self::Decimal(e) => ticks / 10u128.checked_pow(e - 9).unwrap_or(u128::MAX),
            Self::Binary(e @ 0..=64) => (ticks * 1_000_000_000) >> e,
            Self::Binary(_) => 0,
        };
        i64::try_from(nanos).unwrap_or(i64::MAX)
    }
}

/// State of the section being read.
#[derive(Debug, Default)]
pub(crate) struct PcapngFormat {
    pub(crate) big_endian: bool,
    interfaces: Vec<Interface>,
    /// Simple packet blocks carry no time: they get the one before.
    last_time: Timestamp,
}

/// What a block held.
#[derive(Debug)]
pub(crate) enum Block {
    /// A frame: its bytes are at this range of the block's body.
    Frame { time: Timestamp, link: LinkType, wire_length: u32, offset: usize, captured: usize },
    /// Nothing to lend.
    Other,
}

impl PcapngFormat {
    /// Byte order of a section header block from its first twelve bytes.
    pub(crate) fn section_order(head: &[u8]) -> Option<bool> {
        match head.get(8..12)? {
            [0x1a, 0x2b, 0x3c, 0x4d] => Some(true),
            [0x4d, 0x3c, 0x2b, 0x1a] => Some(false),
            _ => None,
        }
    }

    /// A new section begins: its interfaces start anew.
    pub(crate) fn begin_section(&mut self, big_endian: bool) {
        self.big_endian = big_endian;
        self.interfaces.clear();
    }

    /// Reads the body of a block (between the two length words).
    ///
    /// # Errors
    /// A sentence that says what contradicts the format.
    pub(crate) fn block(&mut self, kind: u32, body: &[u8]) -> Result<Block, String> {
        match kind {
            INTERFACE => self.interface(body).map(|()| Block::Other),
            ENHANCED => self.enhanced(body),
            PACKET => self.obsolete(body),
            SIMPLE => self.simple(body),
            _ => Ok(Block::Other),
        }
    }

    fn interface(&mut self, body: &[u8]) -> Result<(), String> {
        let big = self.big_endian;
        let (Some(link), Some(snap_length)) = (half(body, 0, big), word(body, 4, big)) else {
            return Err("an interface description is too short".into());
        };
        let mut interface = Interface {
            link: LinkType(link),
            snap_length,
            resolution: Resolution::Decimal(6),
            offset: 0,
        };
        let mut rest = body.get(8..).unwrap_or(&[]);
        while let (Some(code), Some(length)) = (half(rest, 0, big), half(rest, 2, big)) {
            let length = usize::from(length);
            let value = rest.get(4..4 + length).unwrap_or(&[]);
            match (code, value) {
                (0, _) => break,
                (9, [byte, ..]) => interface.resolution = Resolution::from_option(*byte),
                (14, value) => {
                    if let Some(raw) = value.first_chunk::<8>() {
                        interface.offset =
                            if big { i64::from_be_bytes(*raw) } else { i64::from_le_bytes(*raw) };
                    }
                }
                _ => {}
            }
            rest = rest.get(4 + length.next_multiple_of(4)..).unwrap_or(&[]);
        }
        if self.interfaces.len() >= MAX_INTERFACES {
            return Err("it describes more than 65,536 interfaces in one section".into());
        }
        self.interfaces.push(interface);
        Ok(())
    }

    fn enhanced(&mut self, body: &[u8]) -> Result<Block, String> {
        let number = word(body, 0, self.big_endian).ok_or("a packet block is too short")?;
        self.timed(number, body)
    }

    fn obsolete(&mut self, body: &[u8]) -> Result<Block, String> {
        let number = half(body, 0, self.big_endian).ok_or("a packet block is too short")?;
        self.timed(u32::from(number), body)
    }

    /// The fields that enhanced and obsolete packet blocks share from offset 4 on.
    fn timed(&mut self, number: u32, body: &[u8]) -> Result<Block, String> {
        let big = self.big_endian;
        let field = |offset| word(body, offset, big).ok_or("a packet block is too short");
        let (high, low) = (field(4)?, field(8)?);
        let (captured, wire_length) = (field(12)? as usize, field(16)?);
        let interface = self.interface_number(number)?;
        if body.len() < captured.saturating_add(20) {
            return Err("a packet block claims more bytes than it has".into());
        }
        let ticks = u64::from(high) << 32 | u64::from(low);
        let seconds = Timestamp::new(interface.offset, 0).0;
        let time = Timestamp(seconds.saturating_add(interface.resolution.nanos(ticks)));
        self.last_time = time;
        Ok(Block::Frame { time, link: interface.link, wire_length, offset: 20, captured })
    }

    fn simple(&self, body: &[u8]) -> Result<Block, String> {
        let wire_length =
            word(body, 0, self.big_endian).ok_or("a simple packet block is too short")?;
        let interface = self.interface_number(0)?;
        let mut captured = body.len().saturating_sub(4).min(wire_length as usize);
        if interface.snap_length != 0 {
            captured = captured.min(interface.snap_length as usize);
        }
        let time = self.last_time;
        Ok(Block::Frame { time, link: interface.link, wire_length, offset: 4, captured })
    }

    fn interface_number(&self, number: u32) -> Result<Interface, String> {
        self.interfaces
            .get(number as usize)
            .copied()
            .ok_or_else(|| format!("a packet belongs to interface {number}, never described"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_resolutions_of_both_kinds_become_nanoseconds() {
        assert_eq!(Resolution::from_option(6).nanos(1), 1000);
        assert_eq!(Resolution::from_option(9).nanos(7), 7);
        assert_eq!(Resolution::from_option(12).nanos(5000), 5);
        assert_eq!(Resolution::from_option(0x80 | 10).nanos(512), 500_000_000);
        assert_eq!(Resolution::from_option(0x7f).nanos(u64::MAX), 0);
        assert_eq!(Resolution::from_option(0).nanos(u64::MAX), i64::MAX);
    }
}
