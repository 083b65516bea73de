//! DNS, mDNS and LLMNR messages over UDP and TCP (RFC 1035, 6762, 4795).
//!
//! [`Reader`] walks one message and says every name and address in it, whatever the section or
//! the record type; what stands before a damage counts. [`plausible`] tells a message from any
//! other payload by its content. [`tcp`] cuts a stream into messages. Nothing here resolves,
//! caches, or allocates by a number of the message.

pub mod glance;
mod plausible;
mod records;
pub mod tcp;
mod walk;

pub use plausible::plausible;
pub use records::{opcode_name, rcode_name, type_name};
pub use tcp::{TcpMessages, is_hinted, probe};

use crate::net::Address;
use crate::observation::{
    DnsData, DnsMessage, DnsQuestion, DnsRecord, DnsSection, Kind, Message, Observation, Observer,
    Span, Value,
};
use crate::stats::Counter;
use records::{Layout, OPT, PTR, is_reverse};
use walk::{Cursor, Fault};

/// Octets of a header (RFC 1035 4.1.1).
const HEADER: usize = 12;
/// Text kept of one message. A lawful one, a 64 KB zone transfer, stays well below.
const TEXT_MAX: usize = 512 * 1024;
/// Text capacity kept from one message to the next.
const TEXT_KEPT: usize = 64 * 1024;
/// Names remembered so that a pointer to one of them is not spelled again.
const RECENT: usize = 4;

/// How far a message could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Reading {
    /// All that its header announces.
    Whole,
    /// Some of it; the rest is cut off or makes no sense.
    Damaged,
    /// Nothing: shorter than a header, or damaged before the first question or record was over.
    NotDns,
}

/// Is it known before it is read that a payload is a DNS message?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Believed {
    /// Yes: what cannot be read of it is damaged.
    Yes,
    /// Yes, unless the first name makes no sense: then it is something else.
    UnlessMalformed,
}

/// A name read before: where it began, its spelling, whether something in it is escaped, and
/// whether it was said as an answer and as that of a reverse lookup.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    at: usize,
    span: Span,
    odd: bool,
    answered: [bool; 2],
}

/// Walks messages with reused buffers. One a worker.
#[derive(Debug, Default)]
pub struct Reader {
    text: String,
    questions: Vec<DnsQuestion>,
    records: Vec<DnsRecord>,
    recent: [Known; RECENT],
    next: usize,
    blemished: bool,
    /// Is every question one for the name of an address?
    reverse: bool,
    /// Does the record in hand say what the owner of an address says?
    hearsay: bool,
}

impl Reader {
    /// Reads one message without its TCP length: says each name and address as it is read, then
    /// shows the message, as far as it was read, once.
    ///
    /// Questions are [`Kind::DnsQuery`]; owners, targets and addresses of records of all
    /// sections are [`Kind::DnsAnswer`], of reverse lookups [`Kind::DnsReverse`]. The root and the owner of OPT are no host and not said.
    /// Bytes behind the last record are ignored.
    pub fn read(&mut self, message: &[u8], observer: &mut dyn Observer) -> Reading {
        match header(&mut Cursor::new(message)) {
            Ok(words) => self.read_as(Believed::Yes, (words, message), observer),
            Err(_) => Reading::NotDns,
        }
    }

    /// Reads a datagram on a port of DNS, mDNS or LLMNR, if it is [`plausible`] there. The first
    /// name is walked once for both questions: a second walk was 5 % of a flood.
    pub fn read_on_port(&mut self, message: &[u8], observer: &mut dyn Observer) -> Reading {
        match header(&mut Cursor::new(message)) {
            Ok(words) if plausible::headed(words, message.len()) => {
                self.read_as(Believed::UnlessMalformed, (words, message), observer)
            }
            _ => Reading::NotDns,
        }
    }

    fn read_as(
        &mut self,
        believed: Believed,
        ([id, flags, counts @ ..], message): (Header, &[u8]),
        observer: &mut dyn Observer,
    ) -> Reading {
        self.clear();
        let mut cursor = Cursor::new(message);
        let _ = cursor.sub(HEADER);
        let walked = self.walk(&mut cursor, counts, observer);
        if walked.is_err() && self.questions.is_empty() && self.records.is_empty() {
            let said = !self.text.is_empty();
            let malformed = walked == Err(Fault::Malformed) && !said;
            if believed == Believed::Yes || !malformed {
                observer.count(Counter::DnsDamaged);
            }
            return if said { Reading::Damaged } else { Reading::NotDns };
        }
        observer.count(Counter::Dns);
        observer.message(Message::Dns(&DnsMessage {
            id,
            flags,
            questions: &self.questions,
            records: &self.records,
            text: &self.text,
        }));
        if walked.is_err() || self.blemished {
            observer.count(Counter::DnsDamaged);
            return Reading::Damaged;
        }
        Reading::Whole
    }

    fn clear(&mut self) {
        self.text.clear();
        self.text.shrink_to(TEXT_KEPT);
        self.questions.clear();
        self.records.clear();
        self.recent = [Known::default(); RECENT];
        self.next = 0;
        self.blemished = false;
        self.reverse = false;
    }

    /// Questions and the three sections. The counts only say when to stop: each turn reads bytes
    /// or ends the walk.
    fn walk(
        &mut self,
        cursor: &mut Cursor<'_>,
        [questions, answers, authorities, additionals]: [u16; 4],
        observer: &mut dyn Observer,
    ) -> Result<(), Fault> {
        for _ in 0..questions {
            let name = self.name(cursor)?;
            let first = self.questions.is_empty();
            self.reverse = (first || self.reverse) && is_reverse(self.spelled(name.span));
            // The whole name is there: say it even if type and class are cut off.
            self.say(Kind::DnsQuery, name, observer);
            let [t0, t1, c0, c1] = cursor.array()?;
            let (qtype, qclass) = (u16::from_be_bytes([t0, t1]), u16::from_be_bytes([c0, c1]));
            self.questions.push(DnsQuestion { name: name.span, qtype, qclass });
        }
        let sections = [
            (DnsSection::Answer, answers),
            (DnsSection::Authority, authorities),
            (DnsSection::Additional, additionals),
        ];
        for (section, count) in sections {
            for _ in 0..count {
                self.record(section, cursor, observer)?;
            }
        }
        Ok(())
    }

    /// One record. Damage inside its data spoils only the record: its length says where the next
    /// one begins.
    fn record(
        &mut self,
        section: DnsSection,
        cursor: &mut Cursor<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(), Fault> {
        let owner = self.name(cursor)?;
        // Cut or not, the owner is there; nothing but the type says that it is no host.
        let fixed = cursor.array::<10>();
        let rtype = match fixed {
            Ok([t0, t1, ..]) => Ok(u16::from_be_bytes([t0, t1])),
            Err(_) => cursor.u16(),
        };
        self.hearsay = self.reverse || rtype == Ok(PTR) || is_reverse(self.spelled(owner.span));
        if rtype != Ok(OPT) {
            self.say_answer(owner, observer);
        }
        let [t0, t1, _, _, s0, s1, s2, s3, l0, l1] = fixed?;
        let (rtype, ttl) = (u16::from_be_bytes([t0, t1]), u32::from_be_bytes([s0, s1, s2, s3]));
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let mut inner = cursor.sub(length);
        let cut = inner.rest().len() < length;
        let data = match Layout::of(rtype) {
            // Empty data is lawful in an UPDATE's prerequisites and deletions (RFC 2136 2.4).
            _ if length == 0 => DnsData::Other,
            layout => self.data(layout, &mut inner, observer).unwrap_or_else(|_| {
                self.blemished = true;
                DnsData::Other
            }),
        };
        self.records.push(DnsRecord { section, owner: owner.span, rtype, ttl, data });
        if cut { Err(Fault::Short) } else { Ok(()) }
    }

    fn data(
        &mut self,
        layout: Layout,
        inner: &mut Cursor<'_>,
        observer: &mut dyn Observer,
    ) -> Result<DnsData, Fault> {
        match layout {
            Layout::V4 => {
                inner.array().map(|octets| self.say_address(Address::v4(octets), observer))
            }
            Layout::V6 => {
                inner.array().map(|octets| self.say_address(Address::v6(octets), observer))
            }
            Layout::Names { skip, count } => {
                inner.take(skip)?;
                self.targets(count, inner, observer)
            }
            Layout::Naptr => {
                inner.take(4)?;
                for _ in 0..3 {
                    let length = inner.u8()?;
                    inner.take(usize::from(length))?;
                }
                self.targets(1, inner, observer)
            }
            Layout::Service => self.service(inner, observer),
            Layout::Gateway { skip, kind_at } => {
                let fixed = inner.take(skip)?;
                // AMTRELAY's high bit is a flag of its own (RFC 8777 4.2.2).
                match fixed.get(kind_at).map_or(0, |kind| kind & 0x7f) {
                    1 => self.data(Layout::V4, inner, observer),
                    2 => self.data(Layout::V6, inner, observer),
                    3 => self.targets(1, inner, observer),
                    _ => Ok(DnsData::Other),
                }
            }
            Layout::Text => self.strings(inner),
            Layout::Other => Ok(DnsData::Other),
        }
    }

    /// Says so many names; the record's data is the first.
    fn targets(
        &mut self,
        count: usize,
        inner: &mut Cursor<'_>,
        observer: &mut dyn Observer,
    ) -> Result<DnsData, Fault> {
        let first = self.name(inner)?;
        self.say_answer(first, observer);
        for _ in 1..count {
            match self.name(inner) {
                Ok(next) => self.say_answer(next, observer),
                Err(_) => self.blemished = true,
            }
        }
        Ok(DnsData::Name(first.span))
    }

    /// Target and address hints of SVCB and HTTPS (RFC 9460 2.2, 7.3).
    fn service(
        &mut self,
        inner: &mut Cursor<'_>,
        observer: &mut dyn Observer,
    ) -> Result<DnsData, Fault> {
        inner.take(2)?;
        let target = self.targets(1, inner, observer)?;
        while !inner.rest().is_empty() {
            let (Ok(key), Ok(length)) = (inner.u16(), inner.u16()) else {
                self.blemished = true;
                break;
            };
            let mut value = inner.sub(usize::from(length));
            match key {
                4 => {
                    while let Ok(octets) = value.array() {
                        self.say_address(Address::v4(octets), observer);
                    }
                }
                6 => {
                    while let Ok(octets) = value.array() {
                        self.say_address(Address::v6(octets), observer);
                    }
                }
                _ => {}
            }
        }
        Ok(target)
    }

    /// The strings of a TXT record, one after the other, case kept (RFC 1035 3.3.14).
    fn strings(&mut self, inner: &mut Cursor<'_>) -> Result<DnsData, Fault> {
        let start = self.text.len();
        let mut whole = true;
        while let Ok(length) = inner.u8() {
            let string = inner.sub(usize::from(length)).rest();
            whole &= string.len() == usize::from(length);
            for byte in string {
                match byte {
                    b'\\' => super::spelling::push_escaped(*byte, &mut self.text),
                    0x20..=0x7e => self.text.push(char::from(*byte)),
                    _ => super::spelling::push_escaped(*byte, &mut self.text),
                }
            }
        }
        self.blemished |= !whole;
        Ok(DnsData::Text(self.span_from(start)))
    }

    /// The next name, spelled into the text unless it is a pointer to one just spelled.
    fn name(&mut self, cursor: &mut Cursor<'_>) -> Result<Known, Fault> {
        let at = cursor.at();
        if let Some(target) = cursor.pointer()
            && target > 0
            && let Some(known) = self.recent.iter().find(|known| known.at == target)
        {
            cursor.take(2)?;
            return Ok(*known);
        }
        let start = self.text.len();
        if start > TEXT_MAX {
            return Err(Fault::Malformed);
        }
        // A lone pointer's name is found again under the place it points to.
        let known_at = cursor.pointer().unwrap_or(at);
        let odd = cursor.name(&mut self.text).inspect_err(|_| self.text.truncate(start))?;
        let known = Known { at: known_at, span: self.span_from(start), odd, answered: [false; 2] };
        if let Some(slot) = self.recent.get_mut(self.next % RECENT) {
            *slot = known;
            self.next += 1;
        }
        Ok(known)
    }

    fn span_from(&self, start: usize) -> Span {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span { start: offset(start), end: offset(self.text.len()) }
    }

    /// Says a name in an answer, once for as long as it is remembered.
    fn say_answer(&mut self, name: Known, observer: &mut dyn Observer) {
        let [answered, in_reverse] = name.answered;
        let (said, kind) = match self.hearsay {
            false => (answered, Kind::DnsAnswer),
            true => (in_reverse, Kind::DnsReverse),
        };
        if said {
            return;
        }
        self.say(kind, name, observer);
        for known in &mut self.recent {
            if known.at == name.at && known.span == name.span {
                known.answered = [answered || !self.hearsay, in_reverse || self.hearsay];
            }
        }
    }

    fn say_address(&self, address: Address, observer: &mut dyn Observer) -> DnsData {
        let kind = if self.hearsay { Kind::DnsReverse } else { Kind::DnsAnswer };
        observer.seen(Observation { kind, value: Value::Address(address) });
        DnsData::Address(address)
    }

    fn spelled(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    fn say(&self, kind: Kind, name: Known, observer: &mut dyn Observer) {
        match self.spelled(name.span) {
            "" => {}
            text if name.odd => say_odd(kind, text, observer),
            text => observer.seen(Observation { kind, value: Value::Name(text) }),
        }
    }
}

/// Says a name in which something is escaped: sent as raw UTF-8, it is compared as its A-labels.
#[cold]
fn say_odd(kind: Kind, text: &str, observer: &mut dyn Observer) {
    let mut ascii = String::new();
    let value = match super::spelling::with_a_labels(text, &mut ascii) {
        true if ascii.is_empty() => return,
        true => Value::Name(&ascii),
        false => Value::Name(text),
    };
    observer.seen(Observation { kind, value });
}

/// Appends the comparable spelling of the wire-form name at the beginning of `bytes`; nothing when
/// it is cut short or makes no sense.
pub(super) fn name_at(bytes: &[u8], out: &mut String) {
    let start = out.len();
    if Cursor::new(bytes).name(out).is_err() {
        out.truncate(start);
    }
}

/// Identification, flags and the four counts.
type Header = [u16; HEADER / 2];

#[inline]
fn header(cursor: &mut Cursor<'_>) -> Result<Header, Fault> {
    let octets = cursor.array::<HEADER>()?;
    let (words, _) = octets.as_chunks::<2>();
    let mut header = [0; HEADER / 2];
    for (word, octets) in header.iter_mut().zip(words) {
        *word = u16::from_be_bytes(*octets);
    }
    Ok(header)
}

#[cfg(test)]
mod tests;
