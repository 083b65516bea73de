//! `wardwatch-import`: one document from standard input, rows as lines of JSON on standard output.
//!
//! Started by `wardwatch feeds import`, which reads the lines anew. Exit codes: 0 the document was
//! read to its end, 1 nothing of it can be used, 2 wrong arguments. It may also be ended by what it
//! reads, which harms nobody.

use std::io::{self, BufWriter, Read, Write};
use std::process::ExitCode;

use ioc_feeds::handover::{Record, Said};
use wardwatch_import::{Kind, MAX_DOCUMENT, Out, confine, read};

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let named = match (words.next().as_deref(), words.next()) {
        (None, _) => None,
        (Some("--as"), Some(word)) => match Kind::parse(&word) {
            Some(kind) => Some(kind),
            None => return ExitCode::from(2),
        },
        _ => return ExitCode::from(2),
    };
    let confined = confine();
    let mut out = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    let mut emit = |record: Record| {
        let flush = matches!(
            record,
            Record::At(_) | Record::ReadAs { .. } | Record::Failed { .. } | Record::End
        );
        let written =
            serde_json::to_writer(&mut out, &record).is_ok() && out.write_all(b"\n").is_ok();
        if !written || flush && out.flush().is_err() {
            // Nobody reads any more.
            std::process::exit(0);
        }
    };
    if !confined.is_whole() {
        let what = format!("{confined:?}");
        emit(Record::Note {
            place: Default::default(),
            what: Said {
                vi: format!(
                    "hạt nhân này không giới hạn được hết quyền của tiến trình đọc: {what}"
                ),
                en: format!("this kernel does not confine the reading process in full: {what}"),
            },
        });
    }
    let mut bytes = Vec::new();
    let most = MAX_DOCUMENT as u64 + 1;
    let outcome = match io::stdin().lock().take(most).read_to_end(&mut bytes) {
        Ok(_) => read(&bytes, named, &mut Out::new(&mut emit)),
        Err(error) => Err(wardwatch_import::Refusal::new(error.to_string(), error.to_string())),
    };
    match outcome {
        Ok(()) => {
            emit(Record::End);
            ExitCode::SUCCESS
        }
        Err(refusal) => {
            emit(Record::Failed { place: refusal.place, why: Said::from(&refusal.why) });
            ExitCode::FAILURE
        }
    }
}
