//! A plain text list, one value a line, the type guessed: what an officer pastes from a notice.
//!
//! `#` starts a comment, also behind a value after a blank. Values may be defanged. The two
//! columns of a hosts file (`0.0.0.0 name`) are understood. Threat is `unknown`, confidence
//! medium; whoever knows more writes the native CSV.

use super::{Rows, lines, value};
use crate::{Confidence, Indicator, Reason, Role};

/// Threat of rows whose feed names none.
pub(crate) const UNKNOWN_THREAT: &str = "unknown";

/// Reads every line of `text` into `rows`.
pub(crate) fn load(text: &str, rows: &mut Rows) {
    let threat = rows.shared(UNKNOWN_THREAT);
    let empty = rows.shared("");
    for (line, whole) in lines(text) {
        let value = without_comment(whole);
        match value::guess(&value::refang(hosts_entry(value))) {
            Ok(pattern) => {
                let row = Indicator {
                    pattern,
                    threat: threat.clone(),
                    malware: empty.clone(),
                    role: Role::Unknown,
                    confidence: Confidence::Medium,
                    first_seen: None,
                    last_seen: None,
                    expires: None,
                    reference: empty.clone(),
                    note: empty.clone(),
                    feed: rows.feed(),
                    line,
                };
                rows.take(row, whole);
            }
            Err(reason) => rows.reject(line, whole, explain(value, reason)),
        }
    }
}

/// What stands before a blank and `#`; a `#` inside a url is no comment.
pub(crate) fn without_comment(line: &str) -> &str {
    let comment = line.match_indices('#').find(|(at, _)| {
        line.get(..*at).is_some_and(|before| before.ends_with(char::is_whitespace))
    });
    comment.and_then(|(at, _)| line.get(..at)).unwrap_or(line).trim_end()
}

fn hosts_entry(value: &str) -> &str {
    match value.split_once(char::is_whitespace) {
        Some(("0.0.0.0" | "127.0.0.1" | "::" | "::1", name)) => name.trim(),
        _ => value,
    }
}

fn explain(value: &str, reason: Reason) -> Reason {
    if value.contains([',', ';', '\t']) {
        return Reason::new(
            "giống một dòng của bảng, nhưng tệp không có dòng tiêu đề: hãy thêm `indicator,type,...` \
             phía trên dòng đầu tiên",
            "looks like a table row, but the file has no header line: put `indicator,type,...` \
             above the first row",
        );
    }
    reason
}
