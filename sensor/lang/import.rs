//! What is said of documents that are imported, of feeds that are exported and compared.

use super::{Language, pick};

/// A document of which nothing is loaded.
pub fn import_failed(language: Language, file: &str, why: &str) -> String {
    match language {
        Language::Vi => format!("không nạp được {file}: {why}"),
        Language::En => format!("{file} is not imported: {why}"),
    }
}

/// What a document was taken for.
pub fn import_read_as(language: Language, file: &str, what: &str) -> String {
    match language {
        Language::Vi => format!("{file}: đọc như {what}"),
        Language::En => format!("{file}: read as {what}"),
    }
}

/// Values loaded as they are written.
pub const fn import_accepted(language: Language) -> &'static str {
    pick(language, "NẠP NGUYÊN DẠNG", "ACCEPTED")
}

/// Values loaded, but not as they are written.
pub const fn import_changed(language: Language) -> &'static str {
    pick(language, "NẠP SAU KHI SỬA", "CHANGED")
}

/// Values that somebody has to decide on.
pub const fn import_doubtful(language: Language) -> &'static str {
    pick(language, "NGHI NGỜ", "DOUBTFUL")
}

/// Values that are not loaded.
pub const fn import_refused(language: Language) -> &'static str {
    pick(language, "KHÔNG NẠP", "REFUSED")
}

/// How the doubtful were decided.
pub fn import_decided(language: Language, taken: usize, left: usize) -> String {
    match language {
        Language::Vi => format!(
            "giá trị nghi ngờ: nạp {taken} (độ tin cậy thấp), để lại {left}; --yes nạp hết, --no-doubtful để lại hết, trên terminal thì được hỏi từng giá trị"
        ),
        Language::En => format!(
            "of the doubtful {taken} are loaded (confidence low), {left} left out; --yes loads all, --no-doubtful none, on a terminal each is asked about"
        ),
    }
}

/// How it ends.
pub fn import_counted(language: Language, rows: usize, duplicates: usize, left: usize) -> String {
    match language {
        Language::Vi => {
            format!("{rows} dấu hiệu, {duplicates} lần lặp lại, {left} giá trị không nạp")
        }
        Language::En => {
            format!("{rows} indicators, {duplicates} repeated, {left} values not loaded")
        }
    }
}

/// Values beyond those shown.
pub fn import_more(language: Language, more: usize) -> String {
    match language {
        Language::Vi => format!("... và {more} giá trị khác (xem hết: -v)"),
        Language::En => format!("... and {more} more (all of them: -v)"),
    }
}

/// The feed is written.
pub fn import_saved(language: Language, rows: usize, path: &str) -> String {
    match language {
        Language::Vi => {
            format!("đã ghi {rows} dấu hiệu vào {path}; máy giám sát đang chạy sẽ tự nạp")
        }
        Language::En => {
            format!("{rows} indicators written to {path}; a running sensor takes them by itself")
        }
    }
}

/// What a person may answer.
pub const fn import_question(language: Language) -> &'static str {
    pick(
        language,
        "nạp? [c]ó, [k]hông, số của cách đọc, [t]ất cả, [x] bỏ hết phần còn lại, [q] thoát:",
        "load it? [y]es, [n]o, the number of a reading, [a]ll, [x] none of the rest, [q]uit:",
    )
}

/// Indicators that a format cannot say.
pub fn export_left_out(language: Language, format: &str, kind: &str, count: usize) -> String {
    match language {
        Language::Vi => format!("dạng {format} không ghi được loại {kind}: bỏ {count} dấu hiệu"),
        Language::En => {
            format!("{format} has no way to say {kind}: {count} indicators are left out")
        }
    }
}

/// How two feeds differ.
pub fn feeds_differ(language: Language, added: usize, removed: usize, changed: usize) -> String {
    match language {
        Language::Vi => format!("thêm {added}, bớt {removed}, đổi {changed}"),
        Language::En => format!("{added} added, {removed} removed, {changed} changed"),
    }
}
