//! What was seen while the doctor listened.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::path::PathBuf;

use crate::capture::{Drops, Frame, LinkType};
use crate::stats::Counters;

/// Frames remembered to recognise copies.
const REMEMBERED: usize = 64;
/// Longest frame of a plain Ethernet with tags; longer ones were put together by the interface.
const LONGEST: u32 = 1600;

/// Everything that findings are judged from.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) interface: String,
    /// May frames be captured at all?
    pub(super) permitted: bool,
    /// Up and with carrier, if that can be told.
    pub(super) up: Option<bool>,
    pub(super) frames: Frames,
    pub(super) drops: Drops,
    pub(super) counters: Counters,
    pub(super) hosts: usize,
    pub(super) clients: usize,
    /// Days since the newest indicator; negative when the clock stands before it.
    pub(super) age_days: Option<i64>,
    /// Directory of the logs and why it cannot be written.
    pub(super) log_error: Option<(PathBuf, String)>,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            interface: String::new(),
            permitted: true,
            up: None,
            frames: Frames::default(),
            drops: Drops::default(),
            counters: Counters::default(),
            hosts: 0,
            clients: 0,
            age_days: None,
            log_error: None,
        }
    }
}

/// What headers of frames tell.
#[derive(Debug, Default)]
pub(super) struct Frames {
    own: [u8; 6],
    recent: VecDeque<u64>,
    hasher: foldhash::fast::FixedState,
    /// All.
    pub(super) all: u64,
    /// From one other machine to one other machine: only a mirror shows these.
    pub(super) foreign: u64,
    /// The same bytes as one of the last frames.
    pub(super) copies: u64,
    /// With a VLAN tag.
    pub(super) tagged: u64,
    /// With a PPPoE session.
    pub(super) pppoe: u64,
    /// Longer than any that a cable carries.
    pub(super) merged: u64,
}

impl Frames {
    /// For an interface with this hardware address, as text.
    pub(super) fn new(address: &str) -> Self {
        let mut own = [0; 6];
        for (byte, text) in own.iter_mut().zip(address.split(':')) {
            *byte = u8::from_str_radix(text, 16).unwrap_or(0);
        }
        Self { own, ..Self::default() }
    }

    /// Takes in one frame.
    pub(super) fn take(&mut self, frame: &Frame<'_>) {
        self.all += 1;
        self.merged += u64::from(frame.wire_length > LONGEST);
        let print = self.hasher.hash_one(frame.data);
        self.copies += u64::from(self.recent.contains(&print));
        if self.recent.len() >= REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(print);
        if frame.link != LinkType(1) {
            return;
        }
        let Some((ends, rest)) = frame.data.split_at_checked(12) else { return };
        let (to, from) = ends.split_at(6);
        let group = to.first().is_some_and(|first| first & 1 == 1);
        self.foreign += u64::from(!group && to != self.own && from != self.own);
        let tag = matches!(rest, [0x81, 0, ..] | [0x88, 0xa8, ..]) || frame.stripped_vlan.is_some();
        self.tagged += u64::from(tag);
        let inner = if matches!(rest, [0x81, 0, ..]) { rest.get(4..).unwrap_or(&[]) } else { rest };
        self.pppoe += u64::from(matches!(inner, [0x88, 0x64, ..]));
    }
}
