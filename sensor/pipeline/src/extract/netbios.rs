//! NetBIOS name registrations (RFC 1002 4.2.2 to 4.2.4): what a Windows host calls itself.
//!
//! Tells who a host is; compares nothing with indicators.

use super::{Context, spelling};
use crate::net::Address;
use crate::observation::{Message, NameClaim};

/// The port of the name service.
pub const PORT: u16 = 137;

/// Operations (the flags word without response and broadcast bits) that claim a name.
const REGISTRATION: u8 = 5;
const REFRESH: u8 = 8;
const REFRESH_OF_WINDOWS: u8 = 9;

/// Letters that a name is encoded in: two for each of its sixteen bytes.
const ENCODED: usize = 32;

/// Shows the claim of a registration or refresh; false when the datagram is neither.
pub fn read(payload: &[u8], cx: &mut Context<'_>) -> bool {
    let Some((name, address)) = claim(payload) else { return false };
    let text = name.split(|byte| *byte == 0).next().unwrap_or_default();
    spelling::spell(text, &mut cx.scratch.host);
    cx.observer.message(Message::Name(&NameClaim { address, name: &cx.scratch.host }));
    true
}

/// The unique name of a machine and the address it claims it for.
fn claim(payload: &[u8]) -> Option<([u8; 15], Address)> {
    let ([_, _, flags, _, 0, 1, _, _, _, _, 0, 1], rest) = payload.split_first_chunk::<12>()?
    else {
        return None;
    };
    let operation = flags >> 3 & 0x0f;
    if flags & 0x80 != 0 || ![REGISTRATION, REFRESH, REFRESH_OF_WINDOWS].contains(&operation) {
        return None;
    }
    let rest = rest.strip_prefix(&[32])?;
    let (letters, rest) = rest.split_first_chunk::<ENCODED>()?;
    let name = decode(letters)?;
    // A scope may follow the name, up to the root label; then type NB, class IN.
    let root = rest.iter().position(|byte| *byte == 0)?;
    let record = rest.get(root + 1..)?.strip_prefix(&[0, 0x20, 0, 1])?;
    // The record repeats the name as a pointer: type, class, time to live, length, flags, address.
    let record = record.strip_prefix(&[0xc0, 12, 0, 0x20, 0, 1])?;
    let [_, _, _, _, 0, 6, group, _, a, b, c, d, ..] = *record else { return None };
    let [name @ .., suffix] = name;
    // Workstation and file server; the group bit marks workgroups.
    (group & 0x80 == 0 && matches!(suffix, 0x00 | 0x20))
        .then_some((name, Address::v4([a, b, c, d])))
}

/// Half-ASCII (RFC 1001 14.1): each byte as two letters from `A` on. Padding blanks become zeros.
fn decode(letters: &[u8; ENCODED]) -> Option<[u8; 16]> {
    let mut name = [0; 16];
    let (pairs, _) = letters.as_chunks::<2>();
    for (byte, [high, low]) in name.iter_mut().zip(pairs) {
        let nibble = |letter: &u8| letter.checked_sub(b'A').filter(|value| *value < 16);
        *byte = nibble(high)? << 4 | nibble(low)?;
    }
    let [rest @ .., _] = &mut name;
    for byte in rest.iter_mut().rev() {
        if *byte != b' ' {
            break;
        }
        *byte = 0;
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn registration(name: &str, suffix: u8, group: u8) -> Vec<u8> {
        let mut bytes = vec![1, 2, 0x29, 0x10, 0, 1, 0, 0, 0, 0, 0, 1, 32];
        let padded = format!("{name:<15}");
        for byte in padded.bytes().chain([suffix]) {
            bytes.extend([b'A' + (byte >> 4), b'A' + (byte & 15)]);
        }
        bytes.extend([0, 0, 0x20, 0, 1, 0xc0, 12, 0, 0x20, 0, 1, 0, 4, 0x93, 0xe0, 0, 6]);
        bytes.extend([group, 0, 192, 168, 7, 10]);
        bytes
    }

    fn name_of(bytes: &[u8]) -> Option<String> {
        let (name, address) = claim(bytes)?;
        assert_eq!(address, Address::v4([192, 168, 7, 10]));
        Some(String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned())
    }

    #[test]
    fn a_machine_registers_its_name_and_a_workgroup_is_none() {
        let name = Some("PC-VANTHU-01".to_owned());
        assert_eq!(name_of(&registration("PC-VANTHU-01", 0, 0)), name);
        assert_eq!(name_of(&registration("PC-VANTHU-01", 0x20, 0)), name);
        assert_eq!(name_of(&registration("WORKGROUP", 0, 0x80)), None);
        assert_eq!(name_of(&registration("PC-VANTHU-01", 0x1e, 0)), None);
        let mut answer = registration("PC-VANTHU-01", 0, 0);
        answer[2] |= 0x80;
        assert_eq!(name_of(&answer), None);
    }

    proptest! {
        #[test]
        fn a_cut_or_changed_registration_is_harmless(
            at in 0_usize..68, to in any::<u8>(), cut in 0_usize..69
        ) {
            let mut bytes = registration("PC-VANTHU-01", 0, 0);
            let _ = claim(&bytes[..cut.min(bytes.len())]);
            prop_assert_eq!(claim(&bytes[..bytes.len() - 1]), None);
            let slot = at.min(bytes.len() - 1);
            bytes[slot] = to;
            let _ = claim(&bytes);
        }
    }
}
