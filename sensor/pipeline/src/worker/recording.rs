//! A recording that goes on in another capture: flows, fragments and folded contacts stay.

use super::Worker;
use crate::alert::Origin;
use crate::decode::LinkTypes;

impl Worker {
    /// From now on frames come from this capture. Their numbers begin at 1 again; nothing that is
    /// held is let go.
    pub fn go_on_in(&mut self, capture: Origin) {
        self.watch.origin = capture;
    }

    /// Takes the counts of link types that are not decoded, so that each capture says its own.
    pub fn take_undecoded(&mut self) -> LinkTypes {
        std::mem::take(&mut self.undecoded)
    }
}
