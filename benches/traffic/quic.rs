//! A client's QUIC version 1 Initial (RFC 9001 5.2), sealed as on the wire.

use ring::{aead, hkdf};

const SALT: [u8; 20] = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad,
    0xcc, 0xbb, 0x7f, 0x0a,
];

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand(secret: &hkdf::Prk, label: &str, length: usize) -> Vec<u8> {
    let mut info = (length as u16).to_be_bytes().to_vec();
    info.push(6 + label.len() as u8);
    info.extend(b"tls13 ");
    info.extend(label.as_bytes());
    info.push(0);
    let mut out = vec![0; length];
    secret.expand(&[&info], Length(length)).unwrap().fill(&mut out).unwrap();
    out
}

/// A datagram of 1200 bytes that holds this ClientHello.
pub fn initial(connection: [u8; 8], hello: &[u8]) -> Vec<u8> {
    let first = hkdf::Salt::new(hkdf::HKDF_SHA256, &SALT).extract(&connection);
    let client = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &expand(&first, "client in", 32));
    let key = expand(&client, "quic key", 16);
    let iv = expand(&client, "quic iv", 12);
    let protection = expand(&client, "quic hp", 16);

    let mut header = vec![0xc3, 0, 0, 0, 1, 8];
    header.extend(connection);
    header.extend([0, 0]);
    let rest = 1200 - header.len() - 2;
    header.extend((0x4000 | rest as u16).to_be_bytes());
    let number_at = header.len();
    header.extend([0, 0, 0, 0]);

    let mut payload = vec![6, 0];
    payload.extend((0x4000 | hello.len() as u16).to_be_bytes());
    payload.extend(hello);
    payload.resize(1200 - header.len() - 16, 0);
    let sealer = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_128_GCM, &key).unwrap());
    let nonce = aead::Nonce::try_assume_unique_for_key(&iv).unwrap();
    let tag = sealer.seal_in_place_separate_tag(nonce, aead::Aad::from(&header), &mut payload);
    payload.extend(tag.unwrap().as_ref());

    let mask = aead::quic::HeaderProtectionKey::new(&aead::quic::AES_128, &protection)
        .unwrap()
        .new_mask(&payload[..16])
        .unwrap();
    header[0] ^= mask[0] & 0x0f;
    for (byte, mask) in header[number_at..].iter_mut().zip(&mask[1..]) {
        *byte ^= mask;
    }
    header.extend(payload);
    header
}
