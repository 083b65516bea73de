//! Initial secrets of a client and the opening of its packets (RFC 9001 5, RFC 9369 3.3).
//!
//! Knows the versions and their constants. The cryptography is ring's; nothing here is secret.

use std::fmt;

use ring::aead::quic::{self, HeaderProtectionKey};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf;

use super::packet::Initial;

/// QUIC version 2 (RFC 9369).
pub(in crate::extract) const VERSION_2: u32 = 0x6b33_43cf;

/// Salts by the first version that used them.
const SALT_1: [u8; 20] = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad,
    0xcc, 0xbb, 0x7f, 0x0a,
];
const SALT_2: [u8; 20] = [
    0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb,
    0xf9, 0xbd, 0x2e, 0xd9,
];
const SALT_DRAFT_29: [u8; 20] = [
    0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0,
    0x43, 0x90, 0xa8, 0x99,
];
const SALT_DRAFT_23: [u8; 20] = [
    0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65,
    0xbe, 0xf9, 0xf5, 0x02,
];

/// The constants of a version; `None` if it is not known.
fn salt_of(version: u32) -> Option<&'static [u8; 20]> {
    match version {
        1 | 0xff00_0021..=0xff00_0022 => Some(&SALT_1),
        VERSION_2 => Some(&SALT_2),
        0xff00_001d..=0xff00_0020 => Some(&SALT_DRAFT_29),
        // 0xfaceb002 is a large network's name for draft 27.
        0xff00_0017..=0xff00_001c | 0xface_b002 => Some(&SALT_DRAFT_23),
        _ => None,
    }
}

/// Can packets of this version be read?
pub(super) fn is_known(version: u32) -> bool {
    salt_of(version).is_some()
}

/// Length of an output, as ring asks for it.
#[derive(Clone, Copy)]
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-Expand-Label with an empty context (RFC 8446 7.1), for at most 255 bytes.
fn expand<const N: usize>(secret: &hkdf::Prk, label: &[u8]) -> Option<[u8; N]> {
    let length = [0, N as u8];
    let label_length = [label.len() as u8 + 6];
    let info: [&[u8]; 5] = [&length, &label_length, b"tls13 ", label, &[0]];
    let mut out = [0; N];
    secret.expand(&info, Length(N)).ok()?.fill(&mut out).ok()?;
    Some(out)
}

/// Packet numbers kept of a connection. One that is shortened is near to the one before it; decoys
/// may have had any other.
const NUMBERS: usize = 4;
/// Numbers nearer to each other than this complete one of a byte alike, or nearly so.
const NEAR: u64 = 64;

/// Key, IV and header protection key of one sender, as raw bytes.
pub(in crate::extract) struct Material {
    pub(in crate::extract) key: [u8; 16],
    pub(in crate::extract) iv: [u8; 12],
    pub(in crate::extract) header: [u8; 16],
}

impl Material {
    /// Of the client's Initials to the connection id `destination`.
    pub(in crate::extract) fn client(version: u32, destination: &[u8]) -> Option<Self> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, salt_of(version)?);
        let initial = salt.extract(destination);
        let client: [u8; 32] = expand(&initial, b"client in")?;
        let client = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &client);
        let [key, iv, header]: [&[u8]; 3] = if version == VERSION_2 {
            [b"quicv2 key", b"quicv2 iv", b"quicv2 hp"]
        } else {
            [b"quic key", b"quic iv", b"quic hp"]
        };
        Some(Self {
            key: expand(&client, key)?,
            iv: expand(&client, iv)?,
            header: expand(&client, header)?,
        })
    }
}

/// What opens a client's Initials.
pub(in crate::extract) struct Keys {
    key: LessSafeKey,
    iv: [u8; 12],
    header: HeaderProtectionKey,
    /// Packet numbers opened, far from each other, to complete shortened ones with.
    numbers: [u64; NUMBERS],
    /// The connection id they are made of, and its length.
    id: [u8; 20],
    id_length: usize,
    version: u32,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("version", &self.version).finish_non_exhaustive()
    }
}

impl Keys {
    /// Of a connection whose first packet this is; `None` for an unknown version.
    pub(in crate::extract) fn derive(first: &Initial<'_>) -> Option<Self> {
        Self::made(first.version, first.destination)
    }

    fn made(version: u32, destination: &[u8]) -> Option<Self> {
        let material = Material::client(version, destination)?;
        let mut id = [0; 20];
        id.get_mut(..destination.len())?.copy_from_slice(destination);
        Some(Self {
            key: LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &material.key).ok()?),
            iv: material.iv,
            header: HeaderProtectionKey::new(&quic::AES_128, &material.header).ok()?,
            numbers: [0; NUMBERS],
            id,
            id_length: destination.len(),
            version,
        })
    }

    /// Would this packet, as a connection's first, give these keys?
    pub(in crate::extract) fn made_of(&self, packet: &Initial<'_>) -> bool {
        packet.version == self.version && self.id.get(..self.id_length) == Some(packet.destination)
    }

    /// The keys of another version for the same connection (RFC 9368 2.4).
    pub(in crate::extract) fn of_version(&self, version: u32) -> Option<Self> {
        let destination = self.id.get(..self.id_length)?;
        Self::made(version, destination)
    }

    /// The version they are of.
    pub(in crate::extract) const fn version(&self) -> u32 {
        self.version
    }

    /// Opens a packet: `out` is its frames afterwards. False if it was not made with these keys,
    /// or is not whole; `out` is of no use then.
    pub(in crate::extract) fn open(&mut self, packet: &Initial<'_>, out: &mut Vec<u8>) -> bool {
        // A decoy with a large number must not spoil the small ones of the true packets.
        let Some((truncated, length)) = self.copy_unprotected(packet, out) else { return false };
        let mut tried = [None; NUMBERS + 1];
        for largest in self.numbers.into_iter().chain([0]) {
            let number = Some(complete(largest, truncated, 8 * length));
            if tried.contains(&number) {
                continue;
            }
            if tried[0].is_some() && self.copy_unprotected(packet, out).is_none() {
                return false;
            }
            if let Some(slot) = tried.iter_mut().find(|slot| slot.is_none()) {
                *slot = number;
            }
            if let Some(number) = number
                && self.open_as(number, packet.number_at + length, out)
            {
                self.note(number);
                return true;
            }
        }
        false
    }

    /// Keeps a number that a packet opened with, the latest first.
    fn note(&mut self, number: u64) {
        let near = self.numbers.iter().position(|held| held.abs_diff(number) < NEAR);
        let at = near.unwrap_or(NUMBERS - 1);
        let latest = self.numbers.get(at).map_or(number, |held| match near {
            Some(_) => number.max(*held),
            None => number,
        });
        if let Some(part) = self.numbers.get_mut(..=at) {
            part.rotate_right(1);
        }
        self.numbers[0] = latest;
    }

    /// Copies a packet and takes the protection off its header: its number as sent, and the
    /// length of that.
    fn copy_unprotected(&self, packet: &Initial<'_>, out: &mut Vec<u8>) -> Option<(u64, usize)> {
        out.clear();
        out.extend_from_slice(packet.bytes);
        self.unprotect(packet.number_at, out)
    }

    /// Opens a packet whose header is in clear as one of this number.
    fn open_as(&self, number: u64, payload_at: usize, out: &mut Vec<u8>) -> bool {
        let mut nonce = self.iv;
        for (byte, digit) in nonce.iter_mut().rev().zip(number.to_le_bytes()) {
            *byte ^= digit;
        }
        let nonce = Nonce::assume_unique_for_key(nonce);
        let Some((head, payload)) = out.split_at_mut_checked(payload_at) else { return false };
        let Ok(plain) = self.key.open_in_place(nonce, Aad::from(&*head), payload) else {
            return false;
        };
        let plain = plain.len();
        out.drain(..payload_at);
        out.truncate(plain);
        true
    }

    /// Takes the protection off a packet's header. Its packet number as sent, and the length.
    fn unprotect(&self, number_at: usize, packet: &mut [u8]) -> Option<(u64, usize)> {
        // The sample lies where the payload would start after a packet number of four bytes.
        let sample = packet.get(number_at + 4..number_at + 20)?;
        let [first_mask, mask @ ..] = self.header.new_mask(sample).ok()?;
        let first = packet.first_mut()?;
        *first ^= first_mask & 0x0f;
        let length = usize::from(*first & 3) + 1;
        let mut truncated = 0;
        for (byte, mask) in packet.get_mut(number_at..number_at + length)?.iter_mut().zip(mask) {
            *byte ^= mask;
            truncated = truncated << 8 | u64::from(*byte);
        }
        Some((truncated, length))
    }
}

/// The packet number next to the one expected that ends in these bits (RFC 9000 A.3).
fn complete(largest: u64, truncated: u64, bits: usize) -> u64 {
    let expected = largest + 1;
    let window = 1_u64 << bits;
    let candidate = expected & !(window - 1) | truncated;
    if candidate + window / 2 <= expected && candidate < (1 << 62) - window {
        candidate + window
    } else if candidate > expected + window / 2 && candidate >= window {
        candidate - window
    } else {
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packet_numbers_are_completed_as_the_standard_does() {
        assert_eq!(complete(0xa82f_30ea, 0x9b32, 16), 0xa82f_9b32);
        assert_eq!(complete(0, 0, 8), 0);
        assert_eq!(complete(255, 3, 8), 259);
    }

    /// RFC 9001 A.1.
    #[test]
    fn version_1_gives_the_keys_of_the_standard() {
        let id = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
        let material = Material::client(1, &id).unwrap();
        assert_eq!(u128::from_be_bytes(material.key), 0x1f36_9613_dd76_d546_7730_efcb_e3b1_a22d);
        assert_eq!(u128::from_be_bytes(material.header), 0x9f50_449e_04a0_e810_283a_1e99_33ad_edd2);
        assert_eq!(material.iv[..4], [0xfa, 0x04, 0x4b, 0x2f]);
    }

    /// RFC 9369 A.1.
    #[test]
    fn version_2_gives_the_keys_of_the_standard() {
        let id = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
        let material = Material::client(VERSION_2, &id).unwrap();
        assert_eq!(u128::from_be_bytes(material.key), 0x8b1a_0bc1_2128_4290_a29e_0971_b5cd_045d);
        assert_eq!(u128::from_be_bytes(material.header), 0x45b9_5e15_235d_6f45_a6b1_9cbc_b029_4ba9);
        assert_eq!(material.iv[..4], [0x91, 0xf7, 0x3e, 0x23]);
    }
}
