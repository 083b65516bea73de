//! QUIC version 1 Initials of a client: for the connection id of RFC 9001 appendix A, whose keys
//! are printed there, or for any other.

use ring::aead::quic::HeaderProtectionKey;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf;

const ID: [u8; 8] = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
const KEY: u128 = 0x1f36_9613_dd76_d546_7730_efcb_e3b1_a22d;
const IV: [u8; 12] = [0xfa, 0x04, 0x4b, 0x2f, 0x42, 0xa3, 0xfd, 0x3b, 0x46, 0xfb, 0x25, 0x5c];
/// RFC 9001 5.2.
const SALT: [u8; 20] = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad,
    0xcc, 0xbb, 0x7f, 0x0a,
];
const HEADER: u128 = 0x9f50_449e_04a0_e810_283a_1e99_33ad_edd2;

/// A CRYPTO frame.
pub fn crypto(offset: usize, data: &[u8]) -> Vec<u8> {
    let varint = |value: usize| (0x8000_0000 | value as u32).to_be_bytes();
    let mut frame = vec![6];
    frame.extend(varint(offset));
    frame.extend(varint(data.len()));
    frame.extend(data);
    frame
}

/// A client's keys of one connection id of eight bytes.
#[derive(Clone, Copy)]
pub struct Keys {
    id: [u8; 8],
    key: [u8; 16],
    iv: [u8; 12],
    header: [u8; 16],
}

/// Length of an output, as ring asks for it.
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-Expand-Label with an empty context (RFC 8446 7.1).
fn expand<const N: usize>(secret: &hkdf::Prk, label: &[u8]) -> [u8; N] {
    let lengths = [[0, N as u8], [label.len() as u8 + 6, b't']];
    let info: [&[u8]; 5] = [&lengths[0], &lengths[1], b"ls13 ", label, &[0]];
    let mut out = [0; N];
    let filled = secret.expand(&info, Length(N)).and_then(|okm| okm.fill(&mut out));
    filled.expect("a short output");
    out
}

impl Keys {
    /// Of the connection id of RFC 9001 appendix A.
    pub const fn standard() -> Self {
        Self { id: ID, key: KEY.to_be_bytes(), iv: IV, header: HEADER.to_be_bytes() }
    }

    /// Of any connection id (RFC 9001 5.2).
    pub fn of(id: [u8; 8]) -> Self {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, &SALT);
        let client: [u8; 32] = expand(&salt.extract(&id), b"client in");
        let client = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &client);
        let (key, iv) = (expand(&client, b"quic key"), expand(&client, b"quic iv"));
        Self { id, key, iv, header: expand(&client, b"quic hp") }
    }

    /// A datagram with one Initial that carries these frames, padded to 1,200 bytes.
    pub fn initial(&self, number: u32, frames: &[u8]) -> Vec<u8> {
        let mut payload = frames.to_vec();
        payload.resize(frames.len().max(1162), 0);
        let mut head = vec![0xc3, 0, 0, 0, 1, 8];
        head.extend(self.id);
        head.extend([0, 0]);
        head.extend((0x4000 | (payload.len() + 20) as u16).to_be_bytes());
        let number_at = head.len();
        head.extend(number.to_be_bytes());
        let key = UnboundKey::new(&AES_128_GCM, &self.key).expect("a key of 16 bytes");
        let mut nonce = self.iv;
        for (byte, digit) in nonce[8..].iter_mut().zip(number.to_be_bytes()) {
            *byte ^= digit;
        }
        let nonce = Nonce::assume_unique_for_key(nonce);
        LessSafeKey::new(key)
            .seal_in_place_append_tag(nonce, Aad::from(&head), &mut payload)
            .expect("a short payload can be sealed");
        let header = HeaderProtectionKey::new(&ring::aead::quic::AES_128, &self.header);
        let mask = header.expect("a key of 16 bytes").new_mask(&payload[..16]).expect("a sample");
        head[0] ^= mask[0] & 0x0f;
        for (byte, mask) in head[number_at..].iter_mut().zip(&mask[1..]) {
            *byte ^= mask;
        }
        head.extend(payload);
        head
    }
}

/// A datagram with one Initial for the standard's connection id.
pub fn initial(number: u32, frames: &[u8]) -> Vec<u8> {
    Keys::standard().initial(number, frames)
}
