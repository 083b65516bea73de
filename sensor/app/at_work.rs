//! Which workers are at work, and which faults were said already: both so that a sensor that has
//! come to stand still is restarted, and one that goes on does not fill its log.

use std::time::Instant;

use super::post::Gauge;
use crate::net::Timestamp;
use crate::panics::Caught;

/// Places in the program whose faults are said.
const PLACES: usize = 32;

/// When each worker was last seen to move.
#[derive(Debug)]
pub(super) struct AtWork {
    moved: Vec<(u64, Timestamp)>,
    /// The worker of which it was said that it stands still.
    said: Option<usize>,
}

/// A worker that stands still.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stuck {
    /// Its interface.
    pub(super) name: String,
    /// Was it not known before?
    pub(super) is_new: bool,
}

impl AtWork {
    pub(super) fn new(workers: &[(String, &Gauge)], now: Timestamp) -> Self {
        Self { moved: vec![(0, now); workers.len()], said: None }
    }

    /// A worker that has not moved for so many nanoseconds.
    pub(super) fn stuck(
        &mut self,
        now: Timestamp,
        patience: u64,
        workers: &[(String, &Gauge)],
    ) -> Option<Stuck> {
        let mut stuck = None;
        for (number, ((_, gauge), (turns, since))) in
            workers.iter().zip(&mut self.moved).enumerate()
        {
            let present = gauge.turns();
            // A clock that was set back begins anew.
            if present != *turns || now < *since {
                (*turns, *since) = (present, now);
            } else if now.since(*since) > patience {
                stuck = stuck.or(Some(number));
            }
        }
        let was = std::mem::replace(&mut self.said, stuck);
        let number = stuck?;
        let name = workers.get(number)?.0.clone();
        Some(Stuck { name, is_new: was != stuck })
    }
}

/// Between two looks of the desk lie 100 ms; so many seconds say that the process stood still.
const STOOD_STILL: u64 = 10;

/// The desk's own turns, by a clock that nobody sets.
#[derive(Debug)]
pub(super) struct Turns(Instant);

impl Turns {
    #[allow(clippy::disallowed_methods)] // app is where the clock may be read
    pub(super) fn new() -> Self {
        Self(Instant::now())
    }

    /// Another turn. Seconds for which the whole process has stood still before it, if it has.
    #[allow(clippy::disallowed_methods)] // app is where the clock may be read
    pub(super) fn turn(&mut self) -> Option<u64> {
        let passed = std::mem::replace(&mut self.0, Instant::now()).elapsed().as_secs();
        (passed >= STOOD_STILL).then_some(passed)
    }
}

/// Places in the program whose faults were said.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<String>);

impl Faults {
    /// Is a fault of this place to be said?
    pub(super) fn is_new(&mut self, caught: &Caught) -> bool {
        let new = self.0.len() < PLACES && !self.0.contains(&caught.place);
        if new {
            self.0.push(caught.place.clone());
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_does_not_move_is_told_once_and_is_well_again_when_it_moves() {
        let gauges = [Gauge::default(), Gauge::default()];
        let workers: Vec<_> = gauges.iter().map(|gauge| ("eth1".to_owned(), gauge)).collect();
        let at = |seconds| Timestamp::new(seconds, 0);
        let mut work = AtWork::new(&workers, at(0));
        let mut stuck = |seconds| work.stuck(at(seconds), 10_000_000_000, &workers);
        assert_eq!(stuck(10), None);
        gauges[0].turn();
        assert!(stuck(11).is_some_and(|stuck| stuck.is_new), "the other one does not move");
        gauges[0].turn();
        assert!(stuck(12).is_some_and(|stuck| !stuck.is_new));
        gauges[1].turn();
        assert_eq!(stuck(13), None);
        assert_eq!(stuck(14), None);
        assert_eq!(stuck(5), None, "a clock that was set back");
    }

    #[test]
    fn each_place_is_told_once_and_no_more_places_than_the_bound() {
        let mut faults = Faults::default();
        let at = |n: usize| Caught { place: format!("a.rs:{n}"), words: "x".into() };
        assert!(faults.is_new(&at(0)) && !faults.is_new(&at(0)));
        assert_eq!((1..1_000).filter(|n| faults.is_new(&at(*n))).count(), PLACES - 1);
    }
}
