//! Named behaviours: what the malware does on the wire, whatever server it does it with.
//!
//! The table ([`Behaviours`]) is data, `behaviours.toml`: first bytes, substrings, headers, ports,
//! with a predicate in code where data cannot say it. A [`Tracker`], one a worker, compares
//! connections, names, requests and the first [`HEAD_LIMIT`](crate::observation::HEAD_LIMIT)
//! bytes of each direction with it.
//!
//! # What it costs
//!
//! Nothing is looked at behind the first bytes of a stream. The very first byte decides by one
//! look-up whether any behaviour is possible at all; nearly always none is, and the direction is
//! never asked about again. Only a direction that may still become one is held, up to the bound,
//! and only [`FLOW_LIMIT`] connections at once: the oldest makes room, which is counted. Requests
//! pass a few look-ups and a search for the texts these leave possible (`gates.rs`); nearly all of
//! them end there, before any alternative is asked.
//!
//! # What it refuses to guess
//!
//! The first bytes of a stream are its first bytes only if its SYN was seen and nothing is
//! missing: a connection joined in its middle or behind a hole shows no first bytes.

mod gates;
mod predicates;
mod requests;
mod table;
mod when;

use crate::bounded::Bounded;
use crate::net::{Address, Endpoint};
use crate::observation::StreamHead;
use crate::stats::Counter;
use predicates::{Answer, Head, Rule};
use table::Heads;
use when::When;

pub use table::{Behaviour, BehaviourError, BehaviourId, Behaviours, FEED, Grade, Mode, Modes};

/// Connections whose first bytes are held at once.
pub const FLOW_LIMIT: usize = 4096;

/// Bytes of a direction that are kept to compare the other side with: a mark and a size.
const MARK: usize = 5;

/// The connection something belongs to, and who of it is speaking.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// Its number.
    pub id: u64,
    /// Who is taken for its server.
    pub server: Endpoint,
    /// The server is a host of ours.
    pub at_home: bool,
    /// The client speaks.
    pub from_client: bool,
}

impl Flow {
    fn is_public(&self) -> bool {
        !self.at_home && predicates::is_global(self.server.address)
    }

    /// The conditions that hold for a whole connection.
    fn meets(&self, when: &When) -> bool {
        (when.ports.is_empty() || when.ports.contains(&self.server.port))
            && (when.public == Some(false) || self.is_public())
    }
}

/// What came of a look: usually nothing, which allocates nothing.
#[derive(Debug, Default)]
#[must_use]
pub struct Seen {
    /// The behaviours seen, each for the first time here.
    pub hits: Vec<BehaviourId>,
    /// More of this is worth showing.
    pub more: bool,
}

impl Seen {
    fn hit(&mut self, id: BehaviourId) {
        if !self.hits.contains(&id) {
            self.hits.push(id);
        }
    }
}

/// The beginning of one direction while it may still become a behaviour.
#[derive(Debug, Default)]
struct Held {
    bytes: Vec<u8>,
    /// The alternatives still possible.
    open: u64,
    /// The needles found.
    found: u64,
    /// Bytes in which needles were looked for.
    searched: usize,
}

#[derive(Debug, Default)]
struct State {
    client: Held,
    server: Held,
    /// The alternatives that wait for a request's body.
    body: u64,
    /// A picture was asked for.
    picture: bool,
    /// One side's first bytes are kept for the other side to be compared with.
    marked: bool,
}

impl State {
    fn is_idle(&self) -> bool {
        self.client.open | self.server.open | self.body == 0 && !self.picture && !self.marked
    }
}

/// Compares what a worker sees with the table. Holds what is undecided, within bounds.
#[derive(Debug)]
pub struct Tracker {
    flows: Bounded<u64, State>,
}

impl Default for Tracker {
    fn default() -> Self {
        Self { flows: Bounded::new(FLOW_LIMIT) }
    }
}

impl Tracker {
    /// Compares the server of a new TCP connection.
    pub fn connection(&self, table: &Behaviours, flow: &Flow) -> Seen {
        let mut seen = Seen::default();
        for when in &table.connections {
            let meant = |ip: &std::net::IpAddr| Address::from(*ip) == flow.server.address;
            if when.addresses.iter().any(meant) && flow.meets(when) {
                seen.hit(when.id);
            }
        }
        seen
    }

    /// Compares a name asked for, in comparable spelling.
    pub fn question(&self, table: &Behaviours, flow: &Flow, name: &str) -> Seen {
        let mut seen = Seen::default();
        if !may_be_meant(name.len()) {
            return seen;
        }
        for when in &table.questions {
            if when.rule.is_some_and(|rule| rule.of_name(name)) && flow.meets(when) {
                seen.hit(when.id);
            }
        }
        seen
    }

    /// Compares the next of the first bytes of a direction, whose start was seen. Once
    /// [`Seen::more`] is false the rest of them need not be shown.
    pub fn head(
        &mut self,
        table: &Behaviours,
        flow: &Flow,
        head: &StreamHead<'_>,
        count: &mut dyn FnMut(Counter),
    ) -> Seen {
        let heads = if flow.from_client { &table.client } else { &table.server };
        if head.offset > 0 {
            return self.go_on(heads, flow, head, count);
        }
        let open = possible(heads, flow, head.bytes);
        if open == 0 {
            return Seen::default();
        }
        count(Counter::StreamHeads);
        let mut held = Held { open, ..Held::default() };
        let state = self.flows.get(&flow.id);
        let view = Head {
            bytes: head.bytes,
            other: state.map_or(&[], |state| &state.of(!flow.from_client).bytes),
            server: flow.server,
            picture: state.is_some_and(|state| state.picture),
        };
        let (seen, marked) = held.look(heads, &view, head.last);
        if seen.more || marked {
            // Only what is undecided is copied.
            held.bytes.extend_from_slice(head.bytes);
            held.decided();
            let state = self.state(flow.id, count);
            state.marked |= marked;
            *state.of_mut(flow.from_client) = held;
        } else if state.is_some() {
            self.tidy(flow);
        }
        seen
    }

    /// Bytes of a direction that is being held.
    fn go_on(
        &mut self,
        heads: &Heads,
        flow: &Flow,
        head: &StreamHead<'_>,
        count: &mut dyn FnMut(Counter),
    ) -> Seen {
        let Some(state) = self.flows.get_mut(&flow.id) else { return Seen::default() };
        count(Counter::StreamHeads);
        let (held, other) = match flow.from_client {
            true => (&mut state.client, &state.server),
            false => (&mut state.server, &state.client),
        };
        let mut bytes = std::mem::take(&mut held.bytes);
        bytes.extend_from_slice(head.bytes);
        let (other, picture) = (other.bytes.as_slice(), state.picture);
        let view = Head { bytes: &bytes, other, server: flow.server, picture };
        let (seen, marked) = held.look(heads, &view, head.last);
        held.bytes = bytes;
        held.decided();
        state.marked |= marked;
        self.tidy(flow);
        seen
    }

    /// Forgets a flow of which nothing is awaited any more.
    fn tidy(&mut self, flow: &Flow) {
        let Some(state) = self.flows.get_mut(&flow.id) else { return };
        if !flow.from_client && state.server.open == 0 {
            state.picture = false;
        }
        if state.is_idle() {
            self.flows.remove(&flow.id);
        }
    }

    /// The state of a flow, made if there is none; the oldest makes room.
    fn state(&mut self, id: u64, count: &mut dyn FnMut(Counter)) -> &mut State {
        let (state, given_up) = self.flows.entry(id);
        if given_up.is_some() {
            count(Counter::StreamHeadsGivenUp);
        }
        state
    }
}

/// Can a name asked for of so many bytes, or a label of them, be a behaviour? All are in labels of
/// sixty letters or more.
pub const fn may_be_meant(length: usize) -> bool {
    length >= 60
}

/// The alternatives that a direction's very first byte and its connection leave possible.
fn possible(heads: &Heads, flow: &Flow, bytes: &[u8]) -> u64 {
    let first = bytes.first().and_then(|byte| heads.first.get(usize::from(*byte)));
    let Some(word) = first.copied().filter(|word| *word != 0) else { return 0 };
    let met = |(number, when): (usize, &When)| match word & (1 << number) {
        bit if bit != 0 && flow.meets(when) => bit,
        _ => 0,
    };
    heads.rows.iter().enumerate().map(met).fold(0, |open, bit| open | bit)
}

impl State {
    const fn of(&self, client: bool) -> &Held {
        if client { &self.client } else { &self.server }
    }

    const fn of_mut(&mut self, client: bool) -> &mut Held {
        if client { &mut self.client } else { &mut self.server }
    }
}

impl Held {
    /// Asks every alternative that is still possible. Second: the first bytes are wanted when the
    /// other side speaks.
    fn look(&mut self, heads: &Heads, view: &Head<'_>, last: bool) -> (Seen, bool) {
        self.search(heads, view.bytes);
        let (mut seen, mut marked) = (Seen::default(), false);
        for (number, when) in heads.rows.iter().enumerate() {
            let bit = 1 << number;
            if self.open & bit == 0 {
                continue;
            }
            match ask(when, view, self.found) {
                Answer::Wait if !last => continue,
                Answer::Yes => seen.hit(when.id),
                Answer::Wait | Answer::No => {}
            }
            self.open &= !bit;
            marked |= when.rule == Some(Rule::SameStartOnOtherSide) && view.other.len() < MARK;
        }
        seen.more = self.open != 0;
        (seen, marked)
    }

    /// Lets go of the bytes if nothing is open; a mark stays to compare the other side with.
    fn decided(&mut self) {
        if self.open == 0 {
            self.bytes.truncate(MARK);
            self.bytes.shrink_to_fit();
        }
    }

    /// Looks for needles in what is new, and in as much before it as one may begin in.
    fn search(&mut self, heads: &Heads, bytes: &[u8]) {
        let wanted = |(number, when): (usize, &When)| {
            self.open & (1 << number) != 0 && when.needles & !self.found != 0
        };
        if !heads.rows.iter().enumerate().any(wanted) {
            return;
        }
        let Some(automaton) = heads.automaton() else { return };
        let from = self.searched.saturating_sub(heads.longest);
        for found in automaton.find_overlapping_iter(bytes.get(from..).unwrap_or_default()) {
            self.found |= 1_u64.checked_shl(found.pattern().as_u32()).unwrap_or(0);
        }
        self.searched = bytes.len();
    }
}

/// Does an alternative hold over a direction's first bytes?
fn ask(when: &When, head: &Head<'_>, found: u64) -> Answer {
    let mut starts = Answer::No;
    for start in &when.starts {
        if head.bytes.starts_with(&start.0) {
            starts = Answer::Yes;
        } else if starts == Answer::No && start.0.starts_with(head.bytes) {
            starts = Answer::Wait;
        }
    }
    if starts != Answer::Yes {
        return starts;
    }
    if found & when.needles != when.needles {
        return Answer::Wait;
    }
    when.rule.map_or(Answer::Yes, |rule| rule.of_head(head))
}

#[cfg(test)]
mod tests;
