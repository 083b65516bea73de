//! What is said of lines of feeds and allow lists that cannot be used, or not without doubt.
//!
//! `place` is the name of the file and the line in it.

use super::Language;

/// Heads what is said of a line.
fn at(language: Language, (file, line): (&str, u32)) -> String {
    match language {
        Language::Vi => format!("{file}, dòng {line}"),
        Language::En => format!("{file}, line {line}"),
    }
}

/// A line that is not loaded.
pub fn not_loaded(language: Language, place: (&str, u32), reason: &str, text: &str) -> String {
    let what = match language {
        Language::Vi => "không nạp",
        Language::En => "not loaded",
    };
    format!("{}: {what}: {reason} ({text})", at(language, place))
}

/// A line that is loaded, but weighs less.
pub fn doubtful(language: Language, place: (&str, u32), reason: &str, text: &str) -> String {
    let what = match language {
        Language::Vi => "đã nạp nhưng còn nghi ngờ",
        Language::En => "loaded with doubt",
    };
    format!("{}: {what}: {reason} ({text})", at(language, place))
}

/// A line of an allow list that allows nothing.
pub fn not_allowed(language: Language, place: (&str, u32), reason: &str, text: &str) -> String {
    let what = match language {
        Language::Vi => "không được đưa vào danh sách cho phép",
        Language::En => "not allowed",
    };
    format!("{}: {what}: {reason} ({text})", at(language, place))
}

/// An indicator that an allow list silences.
pub fn shadowed(language: Language, place: (&str, u32), pattern: &str) -> String {
    let what = match language {
        Language::Vi => "không bao giờ cảnh báo được, vì danh sách cho phép đã bao trùm",
        Language::En => "can never raise an alert, because an allow list covers it",
    };
    format!("{}: {pattern} {what}", at(language, place))
}

/// Lines beyond those that are listed.
pub fn more_lines(language: Language, file: &str, lines: usize) -> String {
    match language {
        Language::Vi => format!("{file}: còn {lines} dòng tương tự"),
        Language::En => format!("{file}: {lines} more lines like these"),
    }
}

/// A value that is no indicator.
pub fn not_looked_up(language: Language, text: &str, reason: &str) -> String {
    match language {
        Language::Vi => format!("không tra cứu được `{text}`: {reason}"),
        Language::En => format!("`{text}` cannot be looked up: {reason}"),
    }
}
