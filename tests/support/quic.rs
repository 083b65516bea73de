//! QUIC version 1 Initials of a client, all for the connection id of RFC 9001 appendix A, whose
//! keys are printed there: nothing needs to be derived.

use ring::aead::quic::HeaderProtectionKey;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

const ID: [u8; 8] = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
const KEY: u128 = 0x1f36_9613_dd76_d546_7730_efcb_e3b1_a22d;
const IV: [u8; 12] = [0xfa, 0x04, 0x4b, 0x2f, 0x42, 0xa3, 0xfd, 0x3b, 0x46, 0xfb, 0x25, 0x5c];
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

/// A datagram with one Initial that carries these frames, padded to 1,200 bytes.
pub fn initial(number: u32, frames: &[u8]) -> Vec<u8> {
    let mut payload = frames.to_vec();
    payload.resize(frames.len().max(1162), 0);
    let mut head = vec![0xc3, 0, 0, 0, 1, 8];
    head.extend(ID);
    head.extend([0, 0]);
    head.extend((0x4000 | (payload.len() + 20) as u16).to_be_bytes());
    let number_at = head.len();
    head.extend(number.to_be_bytes());
    let key = UnboundKey::new(&AES_128_GCM, &KEY.to_be_bytes()).expect("a key of 16 bytes");
    let mut nonce = IV;
    for (byte, digit) in nonce[8..].iter_mut().zip(number.to_be_bytes()) {
        *byte ^= digit;
    }
    let nonce = Nonce::assume_unique_for_key(nonce);
    LessSafeKey::new(key)
        .seal_in_place_append_tag(nonce, Aad::from(&head), &mut payload)
        .expect("a short payload can be sealed");
    let header = HeaderProtectionKey::new(&ring::aead::quic::AES_128, &HEADER.to_be_bytes());
    let mask = header.expect("a key of 16 bytes").new_mask(&payload[..16]).expect("a sample");
    head[0] ^= mask[0] & 0x0f;
    for (byte, mask) in head[number_at..].iter_mut().zip(&mask[1..]) {
        *byte ^= mask;
    }
    head.extend(payload);
    head
}
