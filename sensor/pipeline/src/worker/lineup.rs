//! Frames that are at hand together go through the first steps side by side.
//!
//! A new flow waits for its line of the flow index, which lies anywhere in megabytes. Decoding a
//! few frames and looking at those lines first, all at once, waits once instead of once for each:
//! see BENCHMARKS.md. Then the frames are taken in one after the other, as if nothing had been.
//! Owns no state: what is looked at here is looked for again.

use std::hint::black_box;

use super::Worker;
use crate::decode::{Place, Seen};
use crate::flow::table::KeyHash;
use crate::frame::Frame;
use crate::net::{Endpoint, FlowKey, IpProtocol, Side};
use crate::panics::Caught;

/// Frames side by side: about as many loads as a core waits for at the same time.
const ABREAST: usize = 16;

/// What a packet's flow is looked for by, and the side that sent it.
pub(super) struct Sought {
    pub(super) key: FlowKey,
    pub(super) hash: KeyHash,
    pub(super) side: Side,
}

impl Default for Sought {
    fn default() -> Self {
        let nobody = Endpoint::default();
        let (key, side) = FlowKey::new(nobody, nobody, IpProtocol::default());
        Self { key, hash: KeyHash::default(), side }
    }
}

/// A frame that was decoded.
#[derive(Default)]
struct Ready<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    sought: Sought,
}

/// Lets a worker take frames in, in order. Those are told whose way ended with a panic.
pub fn take_in<'a>(
    mut frames: impl Iterator<Item = Frame<'a>>,
    worker: &mut Worker,
    tell: &mut dyn FnMut(&Caught, &Frame<'a>),
) {
    let mut ready: [Ready<'a>; ABREAST] = Default::default();
    loop {
        // A byte of each, before any is read: large frames each wait for memory too.
        let (mut count, mut touched) = (0, 0);
        for (ready, frame) in ready.iter_mut().zip(&mut frames) {
            touched ^= frame.data.get(26).copied().unwrap_or(0);
            ready.frame = frame;
            count += 1;
        }
        black_box(touched);
        abreast(ready.get_mut(..count).unwrap_or_default(), worker, tell);
        if count < ABREAST {
            return;
        }
    }
}

/// The way of frames that stand ready. Not generic, so that it is compiled in this crate, where what
/// it calls is at hand to be inlined.
#[inline(never)]
fn abreast<'a>(
    frames: &mut [Ready<'a>],
    worker: &mut Worker,
    tell: &mut dyn FnMut(&Caught, &Frame<'a>),
) {
    for ready in frames.iter_mut() {
        let decoded = worker.contained(|worker| {
            ready.place.decode(&ready.frame);
            if let Ok(Seen::Ip(packet)) = ready.place.seen() {
                ready.sought = worker.seek(packet);
            }
        });
        if let Err(caught) = decoded {
            // To the worker it is a frame that holds no packet.
            ready.place = Place::default();
            tell(&caught, &ready.frame);
        }
    }
    // Nothing else in this loop: what a core has begun is all it can wait for together.
    let fetched = frames
        .iter()
        .enumerate()
        .fold(0, |fetched, (nth, ready)| fetched ^ worker.flows.fetch(ready.sought.hash, nth));
    black_box(fetched);
    for Ready { frame, place, sought } in frames.iter() {
        let taken = worker.contained(|worker| worker.decoded(frame, place.seen(), sought));
        if let Err(caught) = taken {
            tell(&caught, frame);
        }
    }
}
