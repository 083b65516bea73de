//! Damaged and hostile documents: an error that names what is wrong, within bounds, and never harm to
//! whoever asked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::disallowed_methods)] // a test may look at the clock

mod support;

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use support::{docx, drawn_table, import, import_as, pdf, word_table, xlsx, zipped};
use wardwatch_import::Kind;

const ROWS: [&[&str]; 2] = [&["STT", "Domain"], &["1", "c2[.]bad-host[.]example"]];

/// One document of each kind.
fn documents() -> Vec<(&'static str, Vec<u8>)> {
    let (table, _) = drawn_table(700, &[50, 90, 300], &ROWS);
    let mail = "From: a@b.example\r\nTo: c@d.example\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\na[.]bad[.]example\r\n--b--\r\n";
    vec![
        ("pdf", pdf(&[table])),
        ("docx", docx(&word_table(&ROWS))),
        ("xlsx", xlsx(&ROWS)),
        ("mail", mail.into()),
        ("html", b"<html><table><tr><th>Domain</th></tr><tr><td>a[.]bad[.]example</td></tr></table></html>".to_vec()),
        ("json", br#"{"type":"bundle","objects":[{"type":"indicator","pattern":"[domain-name:value = 'bad.example']"}]}"#.to_vec()),
        ("xml", br#"<ioc xmlns="openioc"><IndicatorItem condition="is"><Context search="Network/DNS"/><Content>bad.example</Content></IndicatorItem></ioc>"#.to_vec()),
        ("csv", b"indicator,type\nbad.example,domain\n".to_vec()),
        ("rules", b"alert dns any any -> any any (msg:\"x\"; dns.query; content:\"bad.example\"; sid:1;)\n".to_vec()),
        ("text", b"bad[.]example\n198.51.100.7:443\n".to_vec()),
    ]
}

/// What the process says of a document: its standard output and whether it came to its end.
fn process(bytes: &[u8]) -> (String, Option<i32>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_wardwatch-import"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writer = std::thread::Builder::new().spawn(move || {
        let _ = input.write_all(&bytes);
    });
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    writer.unwrap().join().unwrap();
    (text, child.wait().unwrap().code())
}

#[test]
fn every_flipped_copy_ends_in_rows_or_in_an_error_and_never_in_silence() {
    let mut crashed = 0;
    for (kind, document) in documents() {
        for nth in 0..150_usize {
            let mut copy = document.clone();
            let at = nth * 7919 % copy.len();
            copy[at] ^= 1 << (nth % 8);
            let (text, code) = process(&copy);
            let ended = text.ends_with("\"end\"\n");
            let failed = text.contains("{\"failed\":");
            // A crash says neither: whoever asked then names the place that was said last.
            crashed += usize::from(!ended && !failed);
            assert!(!(ended && failed), "{kind} {nth}: {text}");
            assert_eq!(code == Some(0), ended, "{kind} {nth}: {text}");
        }
    }
    assert!(crashed < 100, "{crashed} copies ended the process");
}

#[test]
fn a_document_that_is_cut_short_names_it() {
    for (kind, document) in documents().into_iter().take(3) {
        let half = &document[..document.len() / 2];
        let read = import(half);
        assert!(read.outcome.is_err() || read.rows().is_empty(), "{kind}");
    }
}

#[test]
fn bombs_are_bounded() {
    let zeros = vec![b' '; 70 * 1024 * 1024];
    let begun = Instant::now();
    import(&zipped(&[("word/document.xml", &zeros)])).fails("perhaps a bomb");
    let deep = "[".repeat(200_000);
    assert!(import_as(deep.as_bytes(), Some(Kind::Json)).outcome.is_err());
    let nested = format!("<ioc xmlns=\"openioc\">{}", "<a>".repeat(100_000));
    import(nested.as_bytes()).fails("nested deeper");
    let entities = "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><ioc xmlns=\"openioc\"><IndicatorItem condition=\"is\"><Context search=\"Network/DNS\"/><Content>&b;bad.example</Content></IndicatorItem></ioc>";
    import(entities.as_bytes()).loads(&["bad.example"]);
    let long = format!("bad.example\n{}\n198.51.100.7\n", "a.".repeat(40_000_000));
    import(long.as_bytes()).loads(&["bad.example", "198.51.100.7"]);
    assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", begun.elapsed());
}

#[test]
fn a_mail_in_a_mail_in_a_mail_is_read_to_its_depth() {
    let mut mail =
        "From: a@b.example\r\nTo: c@d.example\r\nSubject: x\r\n\r\ndeep[.]bad[.]example\r\n"
            .to_owned();
    for _ in 0..6 {
        mail = format!(
            "From: a@b.example\r\nTo: c@d.example\r\nSubject: x\r\nContent-Type: message/rfc822\r\n\r\n{mail}"
        );
    }
    let read = import(mail.as_bytes());
    assert_eq!(read.outcome, Ok(()));
    assert!(
        read.rows().iter().any(|row| row.why.as_ref().is_some_and(|why| why.en.contains("deeper"))),
        "{:?}",
        read.rows()
    );
}

#[test]
fn the_process_can_open_no_file_and_no_socket() {
    // The filter is asked, not believed: a child of this test puts it on and tries.
    if std::env::var_os("WARDWATCH_TEST_CONFINED").is_some() {
        let confined = wardwatch_import::confine();
        let file = std::fs::File::open("/etc/hostname").is_err();
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").is_err();
        let program = Command::new("/bin/true").spawn().is_err();
        std::process::exit(i32::from(!(confined.is_whole() && file && socket && program)));
    }
    let own = std::env::current_exe().unwrap();
    let status = Command::new(own)
        .args(["--exact", "the_process_can_open_no_file_and_no_socket", "--test-threads=1"])
        .env("WARDWATCH_TEST_CONFINED", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_make_a_reader_of_ours_panic(
        kind in prop::sample::select(vec![Kind::Text, Kind::Csv, Kind::Json, Kind::Xml, Kind::Html, Kind::Markup, Kind::Rules, Kind::Dataset, Kind::Mail, Kind::Docx]),
        text in "(\\PC|\\n|\\t|,|;|\\||\"|<|>|=|\\[|\\]|\\{|\\}|/|:|&|#){0,300}",
    ) {
        let read = import_as(text.as_bytes(), Some(kind));
        for row in read.rows() {
            // Whatever is handed over can be read anew, or is refused.
            let finding = row.finding();
            prop_assert!(finding.readings.len() <= row.readings.len());
        }
    }

    #[test]
    fn noise_between_good_lines_spoils_none(noise in "[ -~]{0,80}") {
        prop_assume!(!noise.trim().starts_with(['-', '.', ']', ')', '/', '{', '[', '<']));
        let text = format!("a[.]bad[.]example\n\n{noise}\n\nb[.]bad[.]example\n");
        let read = import_as(text.as_bytes(), Some(Kind::Text));
        let written: Vec<_> = read.rows().into_iter().map(|row| row.written.clone()).collect();
        prop_assert!(written.iter().any(|text| text.contains("a[.]bad")), "{written:?}");
        prop_assert!(written.iter().any(|text| text.contains("b[.]bad")), "{written:?}");
    }
}
