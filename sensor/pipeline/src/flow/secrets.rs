//! The hash of flow keys. Owns the secrets it is made with, and no table.

use std::hash::BuildHasher;

use foldhash::quality::RandomState;

use crate::net::FlowKey;

/// What keys are hashed with. Traffic chooses the keys, and a table of known size invites
/// collisions: drawn at random.
pub(super) struct Secrets([u64; 5]);

impl Default for Secrets {
    fn default() -> Self {
        let random = RandomState::default();
        Self([1_u8, 2, 3, 4, 5].map(|number| random.hash_one(number)))
    }
}

impl Secrets {
    /// Five folded multiplications, each with a secret, as foldhash and wyhash do: a third of the
    /// instructions that a hasher needs which is fed piece by piece.
    #[inline]
    pub(super) fn hash(&self, key: &FlowKey) -> u32 {
        let Self([a, b, c, d, e]) = *self;
        let ([l0, l1], [h0, h1]) = (key.low.address.halves(), key.high.address.halves());
        let ports = u64::from(key.low.port) << 24 | u64::from(key.high.port) << 8;
        let rest = ports | u64::from(key.protocol.0);
        let ends = fold(l0 ^ a, l1 ^ b) ^ fold(h0 ^ c, h1 ^ d).rotate_left(32);
        (fold(ends ^ rest, e) >> 32) as u32
    }
}

/// Both halves of a product, one over the other.
#[inline]
const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    (product as u64) ^ ((product >> 64) as u64)
}
