//! Handshakes that are told without a packet of their own: silent for too long, forgotten for
//! want of room, or half-read at the end.

use super::Worker;
use super::watch::Scene;
use crate::decode::Checksum;
use crate::decode::packet::Packet;
use crate::extract::handshakes::{Due, Handshakes, Reach};
use crate::extract::session::may_hold;
use crate::extract::{Context, Scratch};
use crate::net::IpProtocol;

/// The part of what all flows may hold that half-read handshakes may take.
const PART: usize = 4;

/// Scratch space of a worker whose flows may hold so many bytes.
pub(super) fn scratch(held_bytes: usize) -> Scratch {
    Scratch { handshakes: Handshakes::new(held_bytes / PART), ..Scratch::default() }
}

impl Worker {
    /// Lets time pass for half-read handshakes.
    pub(super) fn sweep_handshakes(&mut self) {
        self.scratch.handshakes.sweep(self.now);
        self.tell_handshakes();
    }

    /// Tells what is to be told without a packet.
    #[cold]
    pub(super) fn tell_handshakes(&mut self) {
        while let Some(due) = self.scratch.handshakes.take_due() {
            self.tell_handshake(due);
        }
    }

    fn tell_handshake(&mut self, due: Due) {
        let packet = silent_packet(&due);
        let (begun, last) = due.times();
        let scene = Scene::new(&packet, last, 0).of_flow(begun, packet.source);
        let mut observer = self.watch.at(&scene);
        due.tell(&mut Context {
            source: packet.source,
            destination: packet.destination,
            observer: &mut observer,
            scratch: &mut self.scratch,
        });
    }
}

/// A packet that stands for a handshake when none has just come: its endpoints and nothing else.
fn silent_packet(due: &Due) -> Packet<'static> {
    let (source, destination) = due.ends();
    Packet { source, destination, protocol: IpProtocol::UDP, ..Packet::default() }
}

/// How a datagram came, as far as that matters to what may be held of it.
#[inline]
pub(super) fn reach(packet: &Packet<'_>, payload: &[u8]) -> Reach {
    if may_hold(payload) { judge(packet) } else { Reach::default() }
}

#[cold]
fn judge(packet: &Packet<'_>) -> Reach {
    let bad = [packet.header_checksum(), packet.checksum()].contains(&Checksum::Bad);
    Reach { sound: !bad, hops: packet.ttl }
}
