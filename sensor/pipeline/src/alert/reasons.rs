//! What each alerted connection has met so far, so that a behaviour and an indicator on one
//! connection become one alert.
//!
//! Holds connections that raised an alert only, [`REMEMBERED`] at most; the oldest is forgotten,
//! and its later alerts stand alone.

use super::Reason;
use crate::bounded::Bounded;
use crate::observation::Kind;

/// Alerted connections remembered.
const REMEMBERED: usize = 1024;

/// Reasons of one connection that are named.
const NAMED: usize = 8;

/// The reasons of the connections that raised alerts lately.
#[derive(Debug)]
pub struct Reasons {
    known: Bounded<u64, Vec<Reason>>,
}

impl Default for Reasons {
    fn default() -> Self {
        Self { known: Bounded::new(REMEMBERED) }
    }
}

impl Reasons {
    /// Notes a reason of a connection, and returns those it adds to: all earlier ones if a
    /// behaviour is among them or is the new one, otherwise none.
    pub fn note(&mut self, flow: u64, reason: Reason) -> Vec<Reason> {
        let Some(known) = self.known.get_mut(&flow) else {
            self.known.insert(flow, vec![reason]);
            return Vec::new();
        };
        let others: Vec<Reason> =
            known.iter().filter(|other| other.indicator != reason.indicator).copied().collect();
        if known.len() < NAMED && !known.contains(&reason) {
            known.push(reason);
        }
        let behaves = |reason: &Reason| reason.kind == Kind::Behaviour;
        if behaves(&reason) || others.iter().any(behaves) { others } else { Vec::new() }
    }

    /// Forgets everything: the numbers of another set mean something else.
    pub fn clear(&mut self) {
        self.known.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::IndicatorId;

    const fn reason(kind: Kind, number: u32) -> Reason {
        Reason { kind, indicator: IndicatorId(number) }
    }

    #[test]
    fn a_behaviour_joins_what_its_connection_met_in_either_order() {
        let (address, host) = (reason(Kind::Ip, 1), reason(Kind::HttpHost, 2));
        let behaviour = reason(Kind::Behaviour, 9);
        let mut reasons = Reasons::default();
        assert_eq!(reasons.note(7, address), []);
        assert_eq!(reasons.note(7, host), [], "indicators alone stay alerts of their own");
        assert_eq!(reasons.note(7, behaviour), [address, host]);
        assert_eq!(reasons.note(7, behaviour), [address, host], "it is no reason beside itself");
        assert_eq!(reasons.note(8, behaviour), [], "another connection");
        assert_eq!(reasons.note(8, address), [behaviour]);
    }

    #[test]
    fn the_oldest_connection_is_forgotten_at_the_limit() {
        let mut reasons = Reasons::default();
        for flow in 0..=REMEMBERED as u64 {
            reasons.note(flow, reason(Kind::Ip, 1));
        }
        assert_eq!(reasons.known.len(), REMEMBERED);
        assert_eq!(reasons.note(0, reason(Kind::Behaviour, 2)), []);
    }
}
