//! Records that wait for a disk that takes nothing.

use std::collections::VecDeque;

use crate::Body;

/// Records that wait at most.
const MOST: usize = 4096;

/// Records in the order they came.
#[derive(Debug, Default)]
pub(super) struct Held {
    waiting: VecDeque<Body>,
    /// Records for which there was no room, since the start.
    pub(super) lost: u64,
}

impl Held {
    /// Takes a record. Where there is no room the oldest that is no alert goes, else the oldest.
    pub(super) fn hold(&mut self, body: Body) {
        if self.waiting.len() >= MOST {
            let is_alert = |body: &Body| matches!(body, Body::Alert(_));
            let least = self.waiting.iter().position(|body| !is_alert(body)).unwrap_or(0);
            self.waiting.remove(least);
            self.lost += 1;
        }
        self.waiting.push_back(body);
    }

    /// The oldest, and whether it could be written: then it waits no more.
    pub(super) fn try_first(&mut self, write: impl FnOnce(&Body) -> bool) -> bool {
        let written = self.waiting.front().is_some_and(write);
        if written {
            self.waiting.pop_front();
        }
        written
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
