//! libFuzzer target: the readers of documents and lists that are ours, each by the first byte.
//!
//! PDF and sheets are read by crates of others, in a process that may break: their promises are not
//! looked for here.
#![no_main]

use wardwatch_import::{Kind, Out, read};

const KINDS: [Kind; 10] = [
    Kind::Text,
    Kind::Csv,
    Kind::Json,
    Kind::Xml,
    Kind::Html,
    Kind::Markup,
    Kind::Rules,
    Kind::Dataset,
    Kind::Mail,
    Kind::Docx,
];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let kind = KINDS.get(usize::from(*first)).copied();
    let mut rows = 0_usize;
    let _ = read(rest, kind, &mut Out::new(&mut |record| {
        if let ioc_feeds::handover::Record::Row(row) = record {
            rows += 1;
            // Whatever is handed over is read anew, or refused.
            let finding = row.finding();
            assert!(finding.readings.len() <= row.readings.len());
        }
    }));
    assert!(rows <= 16 * (rest.len() + 1), "more values than bytes");
});
