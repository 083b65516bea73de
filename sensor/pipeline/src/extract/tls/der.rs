//! As much DER (X.690) as finding the names in a certificate takes (RFC 5280 4.1).
//!
//! Fixed depth, no recursion, borrowed bytes; anything unexpected ends the walk. Checks nothing.

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
/// `[3] EXPLICIT` extensions of the to-be-signed part.
const EXTENSIONS: u8 = 0xa3;
/// id-at-commonName, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// id-ce-subjectAltName, 2.5.29.17.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// A host that a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host<'a> {
    /// Text of a dNSName or of the subject's common name, as sent.
    Name(&'a [u8]),
    /// Octets of an iPAddress.
    Address(&'a [u8]),
}

/// The elements of a constructed value: tag and contents. Ends at the first that is damaged;
/// one that is cut short is given as far as it goes.
fn elements(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (&[tag, short], rest) = bytes.split_first_chunk::<2>()?;
        let (length, rest) = match short {
            0..=0x7f => (usize::from(short), rest),
            0x81..=0x83 => {
                let (digits, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
                let length = digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit));
                (length, rest)
            }
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        bytes = rest;
        Some((tag, contents))
    })
}

/// The contents of the first element, if it has this tag.
fn open(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    elements(bytes).next().filter(|(found, _)| *found == tag).map(|(_, contents)| contents)
}

/// Calls `tell` for the subject's common names and every subject alternative name, at most
/// `limit` of them in all.
pub(super) fn hosts<'a>(certificate: &'a [u8], limit: usize, tell: &mut dyn FnMut(Host<'a>)) {
    let signed = open(certificate, SEQUENCE).and_then(|whole| open(whole, SEQUENCE));
    let signed = signed.unwrap_or_default();
    // Before the subject stand the signature algorithm, the issuer and the validity.
    let subject = elements(signed).filter(|(tag, _)| *tag == SEQUENCE).nth(3);
    let (_, subject) = subject.unwrap_or_default();
    let names = common_names(subject).map(Host::Name);
    for host in names.chain(alternative_names(signed)).take(limit) {
        tell(host);
    }
}

fn common_names(subject: &[u8]) -> impl Iterator<Item = &[u8]> {
    let sets = elements(subject).filter(|(tag, _)| *tag == SET);
    let attributes = sets.flat_map(|(_, set)| elements(set));
    attributes.filter_map(|(_, attribute)| {
        let mut parts = elements(attribute);
        parts.next().filter(|part| *part == (OID, COMMON_NAME))?;
        parts.next().map(|(_, text)| text)
    })
}

fn alternative_names(signed: &[u8]) -> impl Iterator<Item = Host<'_>> {
    let wrapped = elements(signed).find(|(tag, _)| *tag == EXTENSIONS);
    let list = wrapped.and_then(|(_, wrapped)| open(wrapped, SEQUENCE)).unwrap_or_default();
    let values = elements(list).filter_map(|(_, extension)| {
        let mut parts = elements(extension);
        parts.next().filter(|part| *part == (OID, SUBJECT_ALT_NAME))?;
        let (_, octets) = parts.find(|(tag, _)| *tag == OCTET_STRING)?;
        open(octets, SEQUENCE)
    });
    values.flat_map(elements).filter_map(|(tag, value)| match tag {
        0x82 => Some(Host::Name(value)),
        0x87 => Some(Host::Address(value)),
        _ => None,
    })
}
