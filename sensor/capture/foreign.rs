//! What a file is that is no capture we read, by its first bytes: captures of other programs,
//! archives that may hold captures, and files of zeros, so that each is said by its name.

use super::pcap_format::{FILE_HEADER, PcapFormat};
use super::pcapng_format::SECTION;
use super::{Likeness, snoop_format};

/// Bytes that tell every kind below apart.
pub(crate) const HEAD: usize = 512;

/// Beginnings of other programs' captures, and what they are.
const CAPTURES: [(&[u8], &str); 14] = [
    (b"RTSS", "it is a capture of Microsoft Network Monitor; save it as pcapng with Wireshark"),
    (b"GMBU", "it is a capture of Microsoft Network Monitor; save it as pcapng with Wireshark"),
    (b"TRSNIFF data", "it is a capture of the Sniffer; save it as pcapng with Wireshark"),
    (b"XCP\0", "it is a capture of NetXRay; save it as pcapng with Wireshark"),
    (b"VL\0\0", "it is a capture of NetXRay; save it as pcapng with Wireshark"),
    (b"btsnoop\0", "it is a capture of Bluetooth, which wardwatch does not read"),
    (b"\x7fver", "it is a capture of OmniPeek; save it as pcapng with Wireshark"),
    (b"\x05VNF", "it is a capture of Visual Networks; save it as pcapng with Wireshark"),
    (b"\xaa\xaa\xaa\xaa", "it is a capture of 5View; save it as pcapng with Wireshark"),
    (b"iptrace 1.0", "it is a capture of AIX's iptrace; save it as pcapng with Wireshark"),
    (b"iptrace 2.0", "it is a capture of AIX's iptrace; save it as pcapng with Wireshark"),
    (b"\x54\x52\x00\x64\x00", "it is a trace of HP-UX; save it as pcapng with Wireshark"),
    (b"NetS", "it is a capture of NetScaler; save it as pcapng with Wireshark"),
    (b"ViSm", "it is a capture of NetScope; save it as pcapng with Wireshark"),
];

/// Beginnings of archives, and of packings that are not read.
const ARCHIVES: [(&[u8], &str); 10] = [
    (b"7z\xbc\xaf\x27\x1c", "it is a 7z archive; unpack it first"),
    (b"Rar!\x1a\x07", "it is a rar archive; unpack it first"),
    (b"MSCF", "it is a cab archive; unpack it first"),
    (b"xar!", "it is a xar archive; unpack it first"),
    (b"LZIP", "it is packed with lzip, which wardwatch does not read; unpack it first"),
    (
        b"\x89LZO\0\r\n\x1a\n",
        "it is packed with lzop, which wardwatch does not read; unpack it first",
    ),
    (b"\x04\x22\x4d\x18", "it is packed with lz4, which wardwatch does not read; unpack it first"),
    (b"\x02\x21\x4c\x18", "it is packed with lz4, which wardwatch does not read; unpack it first"),
    (b"\x1f\x9d", "it is packed with compress, which wardwatch does not read; unpack it first"),
    (b"\x5d\x00\x00", "it is packed with lzma, which wardwatch does not read; unpack it first"),
];

/// What the first entry of a zip is called in a document of an office or a program of Java, which
/// hold no capture.
const DOCUMENTS: [&[u8]; 5] =
    [b"[Content_Types].xml", b"_rels/", b"docProps/", b"mimetype", b"META-INF/"];

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Foreign {
    /// In a sentence about the file.
    pub(crate) what: &'static str,
    /// May it be a capture, or hold one?
    pub(crate) likeness: Likeness,
}

impl Foreign {
    /// What unpacks to something packed.
    pub(crate) const PACKED_TWICE: Self = Self::likely("it is packed twice; unpack it once");

    const fn likely(what: &'static str) -> Self {
        Self { what, likeness: Likeness::Likely }
    }

    const fn unknown(what: &'static str) -> Self {
        Self { what, likeness: Likeness::Unknown }
    }

    /// What begins with these bytes: [`HEAD`] of them, or all there are.
    pub(crate) fn of(head: &[u8]) -> Self {
        if is_begun(head) {
            return Self::likely("its header is cut short or damaged");
        }
        let named = CAPTURES.iter().chain(&ARCHIVES).find(|(magic, _)| head.starts_with(magic));
        if let Some((_, what)) = named {
            return Self::likely(what);
        }
        match head {
            // What macOS puts beside each file on a stick, under the same ending.
            [0, 5, 0x16, 7, ..] => {
                Self { what: "it is an AppleDouble file", likeness: Likeness::None }
            }
            [] => Self::unknown("it is empty"),
            [b'P', b'K', 3, 4, ..] => Self::zip(head),
            _ if head.get(257..262) == Some(b"ustar") => {
                Self::likely("it is a tar archive; unpack it first")
            }
            _ if head.len() >= 4 && head.iter().all(|byte| *byte == 0) => {
                Self::unknown("it begins with nothing but zeros; it was lost when it was written")
            }
            _ if head.len() < 4 => Self::unknown("it is too short"),
            _ => Self::unknown("its first bytes are not a capture's"),
        }
    }

    fn zip(head: &[u8]) -> Self {
        let first = head.get(30..).unwrap_or(&[]);
        if DOCUMENTS.iter().any(|name| first.starts_with(name)) {
            return Self::unknown("it is a document");
        }
        Self::likely("it is a zip archive; unpack it first")
    }
}

/// Is this the beginning of a capture that would be read if its header were whole?
fn is_begun(head: &[u8]) -> bool {
    let mut filled = head.to_vec();
    filled.resize(FILE_HEADER.max(head.len()), 0);
    head.starts_with(&SECTION.to_be_bytes())
        || head.starts_with(snoop_format::MAGIC)
        || head.len() >= 4 && PcapFormat::read(&filled).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_and_captures_of_others_are_told_from_documents_and_text() {
        let mut tar = vec![b'x'; 300];
        tar.splice(257..262, *b"ustar");
        let zip = |name: &str| [b"PK\x03\x04".as_slice(), &[0; 26], name.as_bytes()].concat();
        for (head, what, is_likely) in [
            (tar, "tar", true),
            (zip("march.pcap"), "zip", true),
            (zip("[Content_Types].xml"), "document", false),
            (zip("mimetypeapplication/vnd.oasis"), "document", false),
            (b"Rar!\x1a\x07\x01\0".to_vec(), "rar", true),
            (b"RTSS\0\0".to_vec(), "Network Monitor", true),
            (b"a letter to the ward".to_vec(), "first bytes", false),
            (vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0], "cut short", true),
            (b"snoop\0\0\0\0".to_vec(), "cut short", true),
            (vec![0x0a, 0x0d, 0x0d, 0x0a, 0, 0, 0, 0], "cut short", true),
            (vec![0; 100], "zeros", false),
            (vec![0; 3], "too short", false),
            (Vec::new(), "empty", false),
        ] {
            let found = Foreign::of(&head);
            assert!(found.what.contains(what), "{what}: {found:?}");
            assert_eq!(found.likeness == Likeness::Likely, is_likely, "{what}");
        }
    }
}
