use std::io;

use super::*;

fn pcap(big_endian: bool, nanos: bool, link: u32, frames: &[(u32, u32, &[u8])]) -> Vec<u8> {
    let w = |v: u32| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
    let h = |v: u16| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
    let mut out = w(if nanos { 0xa1b2_3c4d } else { 0xa1b2_c3d4 }).to_vec();
    out.extend([h(2), h(4)].concat());
    out.extend([w(0), w(0), w(65_535), w(link)].concat());
    for (seconds, fraction, data) in frames {
        out.extend(
            [w(*seconds), w(*fraction), w(data.len() as u32), w(data.len() as u32 + 2)].concat(),
        );
        out.extend(*data);
    }
    out
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let total = (body.len() as u32 + 12).to_be_bytes();
    [&kind.to_be_bytes()[..], &total, &body, &total].concat()
}

type Lent = (i64, u16, u32, Vec<u8>);

fn read_all(bytes: Vec<u8>) -> (Vec<Lent>, Option<CaptureError>) {
    let mut lent = Vec::new();
    let mut source = match CaptureFile::from_reader("x".into(), Box::new(io::Cursor::new(bytes))) {
        Ok(source) => source,
        Err(error) => return (lent, Some(error)),
    };
    loop {
        match source.next_frame() {
            Ok(Next::Frame(f)) => lent.push((f.time.0, f.link.0, f.wire_length, f.data.to_vec())),
            Ok(_) => return (lent, None),
            Err(error) => return (lent, Some(error)),
        }
    }
}

#[test]
fn both_byte_orders_and_both_resolutions_give_the_same_frames() {
    for big_endian in [false, true] {
        for (nanos, fraction) in [(false, 5), (true, 5000)] {
            let bytes = pcap(big_endian, nanos, 1, &[(7, fraction, b"abc"), (8, 0, b"")]);
            let (frames, error) = read_all(bytes);
            assert!(error.is_none());
            assert_eq!(
                frames,
                [(7_000_005_000, 1, 5, b"abc".to_vec()), (8_000_000_000, 1, 2, Vec::new())]
            );
        }
    }
}

#[test]
fn a_cut_gives_every_whole_frame_and_then_says_so() {
    let whole = pcap(false, false, 1, &[(1, 0, b"abc"), (2, 0, b"defgh")]);
    for length in 25 + 19..whole.len() {
        let (frames, error) = read_all(whole[..length].to_vec());
        assert_eq!(frames.len(), 1, "cut at {length}");
        assert!(matches!(error, Some(CaptureError::Cut { frames: 1, .. })), "cut at {length}");
    }
}

#[test]
fn interfaces_of_one_pcapng_keep_their_own_link_type_and_clock() {
    let section = [&0x1a2b_3c4du32.to_be_bytes()[..], &[0, 1, 0, 0], &[0xff; 8]].concat();
    let micro = [0, 1, 0, 0, 0, 0, 0xff, 0xff];
    let nano = [0, 101, 0, 0, 0, 0, 0xff, 0xff, 0, 9, 0, 1, 9, 0, 0, 0, 0, 0, 0, 0];
    let packet = |interface: u32, ticks: u32, data: &[u8]| {
        let n = (data.len() as u32).to_be_bytes();
        [&interface.to_be_bytes()[..], &[0; 4], &ticks.to_be_bytes(), &n, &n, data].concat()
    };
    let bytes = [
        block(SECTION, &section),
        block(1, &micro),
        block(1, &nano),
        block(6, &packet(1, 1500, b"raw")),
        block(0xbad, b"unknown blocks are passed over"),
        block(6, &packet(0, 2, b"ether")),
        block(3, &[&3u32.to_be_bytes()[..], b"sim"].concat()),
    ]
    .concat();
    let (frames, error) = read_all(bytes);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(
        frames,
        [
            (1500, 101, 3, b"raw".to_vec()),
            (2000, 1, 5, b"ether".to_vec()),
            (2000, 1, 3, b"sim".to_vec())
        ]
    );
}

#[test]
fn gzip_is_read_like_the_plain_file() {
    let plain = pcap(true, false, 101, &[(1, 1, b"abc")]);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    io::Write::write_all(&mut encoder, &plain).unwrap();
    let packed = encoder.finish().unwrap();
    assert_eq!(read_all(packed).0, read_all(plain).0);
}

#[test]
fn what_is_no_capture_is_said_to_be_none() {
    for bytes in [b"".to_vec(), b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n".to_vec(), vec![0; 3]] {
        let (_, error) = read_all(bytes);
        assert!(matches!(error, Some(CaptureError::NotACapture { .. })));
    }
}

#[test]
fn a_record_that_claims_gigabytes_is_damage_and_costs_no_memory() {
    let mut bytes = pcap(false, false, 1, &[(1, 0, b"abc")]);
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f, 1, 0, 0, 0]);
    let (frames, error) = read_all(bytes);
    assert_eq!(frames.len(), 1);
    assert!(matches!(error, Some(CaptureError::Damaged { .. })));
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(mut bytes: Vec<u8>, kind in 0..10) {
        let magic: &[u8] = match kind {
            0 => &[0xd4, 0xc3, 0xb2, 0xa1],
            1 => &[0x0a, 0x0d, 0x0d, 0x0a, 0, 0, 0, 28, 0x1a, 0x2b, 0x3c, 0x4d],
            2 => &[0x1f, 0x8b],
            3 => &[0xa1, 0xb2, 0xcd, 0x34],
            4 => &[0xa1, 0x2b, 0x3c, 0x4d],
            5 => &[0xac, 0x01, 0x00, 0x1c],
            6 => b"snoop\0\0\0\0\0\0\x02\0\0\0\x04",
            7 => &[0x28, 0xb5, 0x2f, 0xfd],
            8 => &[0xfd, b'7', b'z', b'X', b'Z', 0],
            _ => b"BZh91AY&SY",
        };
        bytes.splice(0..0, magic.iter().copied());
        let _ = read_all(bytes);
    }
}

/// A time of these years: variants are told apart by what can be a time.
const SECONDS: u32 = 1_700_000_000;

/// A file of records that are laid out in another way than the plain one.
fn variant(
    magic: u32,
    version: (u16, u16),
    link: u32,
    record: impl Fn(u32, &[u8]) -> Vec<u8>,
) -> Vec<u8> {
    let mut out = magic.to_be_bytes().to_vec();
    out.extend([version.0.to_be_bytes(), version.1.to_be_bytes()].concat());
    out.extend([0, 0, 65_535, link].map(u32::to_be_bytes).concat());
    for n in 0..4_u32 {
        let data = vec![n as u8; 60 + n as usize];
        out.extend(record(n, &data));
        out.extend(data);
    }
    out
}

#[test]
fn every_variant_of_pcap_gives_the_frames_of_the_plain_one() {
    let words = |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|w| w.to_be_bytes()).collect() };
    let length = |data: &[u8]| data.len() as u32;
    let plain = |n: u32, data: &[u8]| words(&[SECONDS + n, n, length(data), length(data) + 9]);
    let with = |extra: &'static [u8]| move |n, data: &[u8]| [&plain(n, data)[..], extra].concat();
    let wide = |n: u32, data: &[u8]| words(&[0, SECONDS + n, 0, n, length(data), length(data) + 9]);
    let swapped = |n: u32, data: &[u8]| words(&[SECONDS + n, n, length(data) + 9, length(data)]);
    let nanos =
        |n: u32, data: &[u8]| words(&[SECONDS + n, n * 1000, length(data), length(data) + 9]);
    let aix = |n: u32, data: &[u8]| words(&[SECONDS + n, n * 1000, length(data) + 9, length(data)]);
    let mut ixia = variant(0x1c00_01ac, (2, 4), 1, nanos);
    ixia.splice(24..24, [0, 0, 1, 44]);
    let mut ixia_software = variant(0x1c00_01ab, (2, 4), 1, plain);
    ixia_software.splice(24..24, [0, 0, 1, 44]);
    let wanted = read_all(variant(0xa1b2_c3d4, (2, 4), 1, plain)).0;
    assert_eq!(wanted.len(), 4);
    for (name, bytes) in [
        ("Nokia", variant(0xa1b2_c3d4, (2, 4), 1, with(&[1, 2, 3, 4]))),
        ("April 1999", variant(0xa1b2_c3d4, (2, 4), 1, with(&[0, 0, 0, 2, 8, 0, 0, 0]))),
        ("64 bits", variant(0xa1b2_c3d4, (2, 4), 1, wide)),
        ("September 1999", variant(0xa1b2_cd34, (2, 4), 1, with(&[0; 12]))),
        ("October 1999", variant(0xa1b2_cd34, (2, 4), 1, with(&[0, 0, 0, 2, 8, 0, 0, 0]))),
        ("2.3", variant(0xa1b2_c3d4, (2, 3), 1, plain)),
        ("2.3, lengths as before", variant(0xa1b2_c3d4, (2, 3), 1, swapped)),
        ("2.1", variant(0xa1b2_c3d4, (2, 1), 1, swapped)),
        ("DG/UX", variant(0xa1b2_c3d4, (543, 0), 1, swapped)),
        ("AIX", variant(0xa1b2_c3d4, (2, 2), 6, aix)),
        ("Navtel", variant(0xa12b_3c4d, (2, 4), 1, nanos)),
        ("Ixia, hardware", ixia),
        ("Ixia, software", ixia_software),
    ] {
        let (frames, error) = read_all(bytes);
        assert!(error.is_none(), "{name}: {error:?}");
        assert_eq!(frames, wanted, "{name}");
    }
}

/// RFC 1761: a record is filled to a multiple of four, and says how long it is.
fn snoop(data_link: u32, frames: &[(u32, &[u8])]) -> Vec<u8> {
    let mut out = b"snoop\0\0\0".to_vec();
    out.extend([2, data_link].map(u32::to_be_bytes).concat());
    for (seconds, data) in frames {
        let (length, filled) = (data.len() as u32, data.len().next_multiple_of(4));
        let words = [length + 2, length, 24 + filled as u32, 0, *seconds, 5];
        out.extend(words.map(u32::to_be_bytes).concat());
        out.extend(*data);
        out.resize(out.len() + filled - data.len(), 0xee);
    }
    out
}

#[test]
fn snoop_is_read_and_its_padding_is_no_frame() {
    let bytes = snoop(4, &[(7, b"abc"), (8, b""), (9, b"abcd")]);
    let (frames, error) = read_all(bytes.clone());
    assert!(error.is_none(), "{error:?}");
    assert_eq!(
        frames,
        [
            (7_000_005_000, 1, 5, b"abc".to_vec()),
            (8_000_005_000, 1, 2, Vec::new()),
            (9_000_005_000, 1, 6, b"abcd".to_vec())
        ]
    );
    let (frames, error) = read_all(bytes[..bytes.len() - 2].to_vec());
    assert_eq!(frames.len(), 2);
    assert!(matches!(error, Some(CaptureError::Cut { frames: 2, .. })), "{error:?}");
}

#[test]
fn what_is_packed_twice_is_said_to_be() {
    let pack = |bytes: &[u8]| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut packer, bytes).unwrap();
        packer.finish().unwrap()
    };
    let (_, error) = read_all(pack(&pack(&pcap(false, false, 1, &[(1, 0, b"abc")]))));
    assert!(error.is_some_and(|error| error.to_string().contains("packed twice")));
}

#[test]
fn a_capture_knows_when_its_first_and_last_frames_were_captured() {
    let bytes = pcap(false, false, 1, &[(7, 0, b"abc"), (9, 0, b"abc"), (8, 5, b"abc")]);
    let mut source =
        CaptureFile::from_reader("x".into(), Box::new(io::Cursor::new(bytes))).unwrap();
    let (first, last) = (source.first_time().unwrap(), source.last_time());
    assert_eq!(first, Some(Timestamp(7_000_000_000)));
    assert_eq!(last, Some(Timestamp(8_000_005_000)));
    let frames = source.next_frames().unwrap().map(|frames| frames.count());
    assert_eq!(frames, Some(3), "asking for a time takes no frame away");
}
