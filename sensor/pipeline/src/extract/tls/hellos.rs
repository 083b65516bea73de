//! A client's direction while TLS is in clear: every ClientHello of it, and the records between.
//!
//! Owns where a hello begins and ends. At most [`LIMIT`] bytes of records are held for one, by the
//! stream and not here; of a longer one the rest is read as it passes ([`super::walk`]).

use super::hello::{self, Carrier};
use super::opening::{Opening, opening_behind};
use super::records::{self, Records};
use super::walk::Walk;
use super::{LIMIT, RECORD_MAX};
use crate::extract::{Context, Probe};
use crate::flow::stream::{Chunk, Cut, Verdict};
use crate::observation::{ClientHello, Message};
use crate::stats::Counter;

/// The place between two hellos. Small, so that a connection whose hello was read needs no heap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Between {
    /// Bytes left of the handshake record in which the last hello ended.
    lead: u16,
    /// Bytes left of a record that is passed over.
    skip: u16,
    /// A change cipher spec was seen: what is no hello now is encrypted.
    changed: bool,
    /// A hello was read: the next one must look like one in every byte that is known.
    read: bool,
}

/// Where the reading of a client's TLS stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Bytes that were shown are waited for again, with more.
    Waiting,
    /// Nothing is waited for.
    Between(Between),
    /// TLS in clear is over: what follows is encrypted.
    Encrypted,
    /// TLS is over: what is not consumed is something else.
    Foreign,
    /// What is not consumed is a hello that is cut short. It was read as far as it goes.
    Cut,
}

/// Finds the ClientHellos in a client's stream, over any number of records and segments: the
/// first, the one after a HelloRetryRequest (RFC 8446 4.1.4) whose name need not be the same,
/// and those of a renegotiation in clear.
///
/// Ends at the first encrypted record, or where something else than TLS begins.
#[derive(Debug, Default)]
pub struct Hellos {
    between: Between,
    place: Place,
    /// How it has ended.
    end: End,
}

/// How TLS in clear ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    #[default]
    Encrypted,
    Foreign,
    Cut,
}

#[derive(Debug, Default)]
enum Place {
    #[default]
    Between,
    /// In a hello that is held.
    Hello {
        records: Records,
        /// Handshake bytes of the whole message, header included; 0 while not known.
        need: usize,
    },
    /// In a hello that is too long to be held.
    Passing(Box<Walk>),
    /// TLS in clear is over.
    Ended,
}

enum Step {
    /// So many bytes are done with; may exceed what was shown.
    Took(usize),
    /// More bytes are needed.
    Wait,
}

impl Hellos {
    /// Goes on where a hello was read before.
    pub fn resume(between: Between) -> Self {
        Self { between, ..Self::default() }
    }

    /// Where it stands after it has answered so for so many bytes.
    pub fn left(&self, verdict: &Verdict, shown: usize) -> Left {
        let all = match verdict {
            Verdict::Consumed(bytes) => *bytes >= shown as u64,
            Verdict::All => true,
        };
        match self.place {
            Place::Ended => match self.end {
                End::Encrypted => Left::Encrypted,
                End::Foreign => Left::Foreign,
                End::Cut => Left::Cut,
            },
            Place::Between if all => Left::Between(self.between),
            _ => Left::Waiting,
        }
    }

    /// Does it stand inside a hello?
    pub fn is_amid(&self) -> bool {
        match &self.place {
            Place::Hello { need, .. } => *need > 0,
            Place::Passing(_) => true,
            Place::Between | Place::Ended => false,
        }
    }

    /// Bytes on the heap.
    pub fn held_bytes(&self) -> usize {
        match &self.place {
            Place::Passing(walk) => size_of_val(walk.as_ref()) + walk.held_bytes(),
            Place::Between | Place::Hello { .. } | Place::Ended => 0,
        }
    }

    /// Takes what arrived. `All` when it has ended; what ends it is not consumed then.
    pub fn advance(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Verdict {
        if chunk.after_gap {
            *self = Self::default();
        }
        let mut at = 0;
        loop {
            let Some(rest) = chunk.bytes.get(at..).filter(|rest| !rest.is_empty()) else {
                return Verdict::Consumed(at as u64);
            };
            let chunk = Chunk { bytes: rest, ..chunk };
            let step = match &mut self.place {
                Place::Between => self.pass(chunk, cx),
                Place::Hello { .. } => self.hello(chunk, cx),
                Place::Passing(_) => self.walk(chunk, cx),
                Place::Ended if at == 0 && self.end == End::Encrypted => return Verdict::All,
                Place::Ended => return Verdict::Consumed(at as u64),
            };
            match step {
                Step::Took(bytes) => at += bytes,
                Step::Wait => return Verdict::Consumed(at as u64),
            }
        }
    }

    /// Passes over what stands between two hellos.
    fn pass(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Step {
        let bytes = chunk.bytes;
        if self.between.skip > 0 {
            return self.skip(bytes);
        }
        if !self.between.read && self.between.lead == 0 {
            match bytes {
                [0x16, ..] => return self.begin(),
                [high, ..] if high & 0x80 != 0 => return self.version2(chunk, cx),
                _ => {}
            }
        }
        match bytes {
            _ if self.between.lead > 0 => self.judge(bytes, chunk.cut),
            [0x14, 3, _, 0, 1, _, ..] => {
                self.between.changed = true;
                Step::Took(6)
            }
            [0x15, 3, _, 0, 2, _, _, ..] => Step::Took(7),
            [0x18, 3, _, high, low, ..] => self.record(*high, *low),
            [0x16, 3, ..] => self.judge(bytes, chunk.cut),
            [0x14..=0x18]
            | [0x14..=0x18, 3]
            | [0x14..=0x18, 3, _]
            | [0x14..=0x18, 3, _, _]
            | [0x14, 3, _, 0, 1]
            | [0x15, 3, _, 0, 2]
            | [0x15, 3, _, 0, 2, _]
                if chunk.cut == Cut::None =>
            {
                Step::Wait
            }
            [0x14 | 0x15 | 0x17, 3, _, _, _, ..] => self.end(End::Encrypted),
            _ => self.end(End::Foreign),
        }
    }

    /// Is the handshake message that stands next a hello?
    fn judge(&mut self, bytes: &[u8], cut: Cut) -> Step {
        match (opening_behind(bytes, self.between.lead), bytes) {
            (Opening::Client, _) => self.begin(),
            (Opening::Unsure, _) if cut == Cut::None => Step::Wait,
            _ if self.between.changed => self.end(End::Encrypted),
            _ if self.between.lead > 0 => {
                self.between.skip = std::mem::take(&mut self.between.lead);
                Step::Took(0)
            }
            (_, [_, _, _, high, low, ..]) => self.record(*high, *low),
            _ => self.end(End::Foreign),
        }
    }

    /// Passes over a record whose header stands here.
    fn record(&mut self, high: u8, low: u8) -> Step {
        self.between.skip = u16::from_be_bytes([high, low]);
        if usize::from(self.between.skip) > RECORD_MAX {
            self.between.skip = 0;
            return self.end(End::Foreign);
        }
        Step::Took(5)
    }

    /// Passes over the rest of a record, unless a hello begins with what arrived: the record's
    /// length may have been a decoy.
    fn skip(&mut self, bytes: &[u8]) -> Step {
        if opening_behind(bytes, 0) == Opening::Client && bytes.first() == Some(&0x16) {
            self.between.skip = 0;
            return self.begin();
        }
        let passed = bytes.len().min(usize::from(self.between.skip));
        self.between.skip -= u16::try_from(passed).unwrap_or(self.between.skip);
        Step::Took(passed)
    }

    fn begin(&mut self) -> Step {
        let records = Records::inside(self.between.lead);
        self.place = Place::Hello { records, need: 0 };
        Step::Took(0)
    }

    fn end(&mut self, end: End) -> Step {
        self.place = Place::Ended;
        self.end = end;
        Step::Took(0)
    }

    fn hello(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Step {
        let Place::Hello { records, need } = &mut self.place else { return Step::Wait };
        let walk = records.walk(chunk.bytes);
        let shown = (chunk.bytes, self.between.lead);
        let passed = records.passed();
        if *need == 0 && walk.handshake >= 4 {
            match records::message_header(shown) {
                Some((1, length)) => *need = 4 + length,
                _ => return self.end(End::Foreign),
            }
        }
        let need = *need;
        let complete = need != 0 && walk.handshake >= need;
        if complete {
            read(shown, need, true, cx);
            let (end, lead) = records::end_of(shown, need);
            self.place = Place::Between;
            self.between = Between { lead, read: true, ..Between::default() };
            return Step::Took(end);
        }
        if walk.ended || chunk.cut != Cut::None {
            read(shown, need, false, cx);
            self.between = Between { read: true, ..Between::default() };
            self.place = Place::Between;
            return match walk.ended {
                true if passed == 0 => self.end(End::Foreign),
                true => Step::Took(passed),
                false => self.end(End::Cut),
            };
        }
        if chunk.bytes.len() < LIMIT {
            return Step::Wait;
        }
        read(shown, need, false, cx);
        let mut walk = Walk::inside(self.between.lead);
        let took = walk.feed(chunk.bytes, &mut |_| {});
        self.place = Place::Passing(Box::new(walk));
        Step::Took(took)
    }

    /// Reads on in a hello that is not held.
    fn walk(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Step {
        glimpse(chunk.bytes, 0, cx);
        let Place::Passing(walk) = &mut self.place else { return Step::Wait };
        let Context { observer, scratch, .. } = cx;
        let took = walk.feed(chunk.bytes, &mut |name| {
            hello::observe(name, Carrier::Tls.kind(), &mut scratch.host, *observer);
        });
        if let Some(lead) = walk.over() {
            self.between = Between { lead, read: true, ..Between::default() };
            self.place = Place::Between;
        } else if took < chunk.bytes.len() {
            return match self.end(End::Foreign) {
                Step::Took(_) => Step::Took(took),
                wait => wait,
            };
        }
        Step::Took(took)
    }

    /// An SSL 2.0 formed hello names no server, but its message is still shown.
    fn version2(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Step {
        let [high, low, 1, major, minor, rest @ ..] = chunk.bytes else {
            return match (chunk.cut, super::probe(chunk.bytes)) {
                (Cut::None, Probe::Unsure) => Step::Wait,
                _ => self.end(End::Foreign),
            };
        };
        let length = usize::from(u16::from_be_bytes([high & 0x7f, *low]));
        let whole = rest.len() + 3 >= length;
        if !whole && chunk.cut == Cut::None {
            return Step::Wait;
        }
        if !whole {
            cx.observer.count(Counter::TlsIncomplete);
        }
        let legacy_version = u16::from_be_bytes([*major, *minor]);
        cx.observer.count(Counter::Tls);
        cx.observer.count(Counter::TlsNoSni);
        let hello = ClientHello { legacy_version, ..ClientHello::default() };
        cx.observer.message(Message::Tls(&hello));
        self.between.read = true;
        Step::Took((2 + length).min(chunk.bytes.len()))
    }
}

/// Reads a hello, or the part of it that is there.
fn read(shown: (&[u8], u16), need: usize, complete: bool, cx: &mut Context<'_>) {
    if need == 0 {
        if !shown.0.is_empty() {
            cx.observer.count(Counter::TlsIncomplete);
        }
        return;
    }
    if let Some(message) = records::contiguous(shown, need) {
        hello::read(message.get(4..).unwrap_or_default(), complete, Carrier::Tls, cx);
        return;
    }
    let mut joined = std::mem::take(&mut cx.scratch.bytes);
    joined.clear();
    records::join(shown, need.min(LIMIT), &mut joined);
    hello::read(joined.get(4..).unwrap_or_default(), complete, Carrier::Tls, cx);
    cx.scratch.bytes = joined;
}

/// Reads a hello that stands whole at the start of these bytes, whatever else they are, if it
/// ends behind the first `known` of them.
fn glimpse(bytes: &[u8], known: usize, cx: &mut Context<'_>) {
    if bytes.first() != Some(&0x16) || super::opening::opening(bytes) != Opening::Client {
        return;
    }
    let handshake = Records::default().walk(bytes).handshake;
    let Some((1, length)) = records::message_header((bytes, 0)) else { return };
    let need = 4 + length;
    if handshake >= need && records::end_of((bytes, 0), need).0 > known {
        read((bytes, 0), need, true, cx);
    }
}
