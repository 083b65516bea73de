//! A plain text list, one value a line, the type guessed: what an officer pastes from a notice.
//!
//! `#` starts a comment, also behind a value after a blank. Values may be defanged, and stand in the
//! syntax of hosts files, resolvers and blockers; [`crate::judge`] says what each line means. What
//! only a person can decide (a name in a sentence, one that is broken over two lines) is not loaded
//! here. Threat is `unknown`, confidence medium; whoever knows more writes the native CSV.

use std::cell::RefCell;

use super::{Rows, number, value};
use crate::judge::lines::{self, Look};
use crate::judge::tld::{self, Tld};
use crate::judge::{Finding, Verdict, lower};
use crate::{Confidence, Indicator, Pattern, Reason, Role};

/// Threat of rows whose feed names none.
pub(crate) const UNKNOWN_THREAT: &str = "unknown";

/// Reads every line of `text` into `rows`.
pub(crate) fn load(text: &str, rows: &mut Rows) {
    let all = || text.split('\n').map(|line| line.trim_end_matches('\r'));
    let look = Look::of(all());
    rows.expect(look.items);
    let rows = RefCell::new(rows);
    let mut quick = |at: usize, text: &str| match value::guess(text) {
        Ok(pattern) if is_sure(&pattern) => {
            let mut rows = rows.borrow_mut();
            let row = row(pattern, Confidence::Medium, at, &mut rows);
            rows.take(row, text);
            true
        }
        _ => false,
    };
    let mut words = 0;
    lines::judge_with(&look, all(), &mut quick, &mut |at, finding| {
        take(&finding, at, &mut rows.borrow_mut());
    });
    // A line of words is none of a list, and is said as such.
    for (at, line) in lines::of_words(all()) {
        words += 1;
        rows.borrow_mut().reject(number(at), line, explain(line));
    }
    if words > 0 {
        rows.borrow_mut().in_order();
    }
}

/// A pattern of a plain line that needs no second look.
fn is_sure(pattern: &Pattern) -> bool {
    let Pattern::Domain { name, .. } = pattern else { return true };
    let name = name.as_str();
    matches!(tld::look(name), Tld::Known | Tld::Special)
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains(".-")
        && !name.contains("-.")
}

fn row(pattern: Pattern, confidence: Confidence, at: usize, rows: &mut Rows) -> Indicator {
    let empty = rows.shared("");
    Indicator {
        pattern,
        threat: rows.shared(UNKNOWN_THREAT),
        malware: empty.clone(),
        role: Role::Unknown,
        confidence,
        first_seen: None,
        last_seen: None,
        expires: None,
        reference: empty.clone(),
        note: empty,
        feed: rows.feed(),
        line: number(at),
    }
}

fn take(finding: &Finding, at: usize, rows: &mut Rows) {
    let written = finding.written.as_str();
    let mut confidence = Confidence::Medium;
    match &finding.verdict {
        Verdict::Accepted | Verdict::Changed(_) if finding.host.is_none() && !finding.https => {}
        Verdict::Accepted => {}
        Verdict::Changed(reason) => rows.warn(number(at), written, reason.clone()),
        Verdict::Doubtful(reason) if !finding.asks => {
            confidence = Confidence::Low;
            rows.warn(number(at), written, reason.clone());
        }
        Verdict::Doubtful(reason) => {
            let reason = reason.clone().followed(
                "; `wardwatch feeds import` sẽ hỏi",
                "; `wardwatch feeds import` asks about it",
            );
            return rows.reject(number(at), written, reason);
        }
        Verdict::Refused(reason) => return rows.reject(number(at), written, reason.clone()),
    }
    if let Some(pattern) = finding.readings.first() {
        let whole = row(pattern.clone(), confidence, at, rows);
        rows.take(whole, written);
        if let Some(host) = &finding.host {
            let host = row(host.clone(), lower(confidence), at, rows);
            rows.take(host, written);
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

fn explain(line: &str) -> Reason {
    if line.contains([',', ';', '\t']) {
        return Reason::new(
            "giống một dòng của bảng, nhưng tệp không có dòng tiêu đề: hãy thêm `indicator,type,...` \
             phía trên dòng đầu tiên, hoặc dùng `wardwatch feeds import`",
            "looks like a table row, but the file has no header line: put `indicator,type,...` \
             above the first row, or use `wardwatch feeds import`",
        );
    }
    crate::judge::line::no_indicator()
}
