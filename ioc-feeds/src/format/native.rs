//! The native feed: UTF-8 CSV (RFC 4180) with a header that names the columns in any order.
//!
//! Only `indicator` and `type` are required. `#` lines and blank lines are skipped; BOM, CRLF and
//! the `;` or tab that some spreadsheets write instead of `,` are accepted. A row never spans
//! lines: a quote left open spoils its own line and nothing after it.

use std::io::Write;
use std::sync::Arc;

use super::plain::UNKNOWN_THREAT;
use super::{FeedError, Rows, lines, value};
use crate::{Confidence, Date, Indicator, Pattern, Reason, Role, Scope};

/// The columns, in the order they are written.
pub const COLUMNS: [&str; 12] = [
    "indicator",
    "type",
    "scope",
    "threat",
    "malware",
    "role",
    "confidence",
    "first_seen",
    "last_seen",
    "expires",
    "reference",
    "note",
];
/// The same, by place: a row has a dozen cells, and a feed may have a million rows.
#[derive(Clone, Copy)]
enum Column {
    Indicator,
    Type,
    Scope,
    Threat,
    Malware,
    Role,
    Confidence,
    FirstSeen,
    LastSeen,
    Expires,
    Reference,
    Note,
}

impl Column {
    fn name(self) -> &'static str {
        COLUMNS.get(self as usize).copied().unwrap_or_default()
    }
}

/// Longest cell in octets.
const MAX_CELL: usize = 2048;

/// Whether a line is meant as a header: it has a cell `indicator` or `type`.
pub(crate) fn is_header(line: &str) -> bool {
    let separator = separator(line);
    line.split(char::from(separator)).any(|cell| matches!(&*column(cell), "indicator" | "type"))
}

/// Reads the rows under the header, which stands in line `header_line`.
pub(crate) fn load(
    text: &str,
    header_line: u32,
    header: &str,
    rows: &mut Rows,
) -> Result<(), FeedError> {
    let separator = separator(header);
    let order = columns(header, separator).map_err(|(problem, column)| FeedError::Header {
        feed: rows.feed().to_string(),
        line: header_line,
        problem,
        column,
    })?;
    let body = || lines(text).filter(|(line, _)| *line > header_line);
    // Only lines with a quotation mark need the CSV reader, which was 6 of the 45 million
    // instructions of a start with the curated feeds. Only whole ones go there, so its records and
    // our lines stay in step.
    let (mut quoted, mut kept) = (String::new(), Vec::new());
    for (line, row) in body() {
        if !row.contains('"') {
            kept.push((line, row, false));
        } else if quotes_close(row, separator) {
            quoted.push_str(row);
            quoted.push('\n');
            kept.push((line, row, true));
        } else {
            rows.reject(
                line,
                row,
                Reason::new(
                    "dấu ngoặc kép chưa được đóng; mỗi mục phải nằm trên một dòng",
                    "a quotation mark is not closed; a row is one line",
                ),
            );
        }
    }
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(quoted.as_bytes());
    let mut record = csv::StringRecord::new();
    rows.expect(kept.len());
    let mut plain = Vec::new();
    let (mut last_threat, mut doubt): (Option<Arc<str>>, Option<Reason>) = (None, None);
    for (line, row, is_quoted) in kept {
        let quoted: Vec<&str>;
        let cells = if is_quoted {
            match reader.read_record(&mut record) {
                Ok(true) => quoted = record.iter().collect(),
                Ok(false) => break,
                Err(error) => {
                    let reason =
                        Reason::new(format!("không đọc được dòng CSV: {error}"), error.to_string());
                    rows.reject(line, row, reason);
                    continue;
                }
            }
            &quoted
        } else {
            split(row, separator, &mut plain);
            &plain
        };
        match indicator(&Cells { order: &order, cells }, line, rows) {
            Ok(indicator) => {
                // Thousands of rows have the same one.
                if last_threat.as_ref() != Some(&indicator.threat) {
                    doubt = misspelt(&indicator.threat);
                    last_threat = Some(Arc::clone(&indicator.threat));
                }
                if let Some(reason) = &doubt {
                    rows.warn(line, row, reason.clone());
                }
                if is_https(&indicator.pattern, row) {
                    rows.warn(line, row, https());
                }
                rows.take(indicator, row);
            }
            Err(reason) => rows.reject(line, row, reason),
        }
    }
    Ok(())
}

/// A url whose row names https: the pattern itself has no scheme.
fn is_https(pattern: &Pattern, row: &str) -> bool {
    matches!(pattern, Pattern::Url { .. })
        && row
            .trim_start_matches('"')
            .get(..8)
            .is_some_and(|head| head.eq_ignore_ascii_case("https://"))
}

fn https() -> Reason {
    Reason::new(
        "url https: không bao giờ nhìn thấy được trên đường truyền; hãy thêm máy chủ của nó (loại domain) nếu là máy chủ riêng",
        "an https url: never visible on the wire; add its host (type domain) if that is its own",
    )
}

/// The cells of a row without quotation marks. Cells are short: looking at each byte costs a tenth
/// of a search for each separator.
fn split<'t>(row: &'t str, separator: u8, cells: &mut Vec<&'t str>) {
    cells.clear();
    let mut start = 0;
    for (at, byte) in row.bytes().enumerate() {
        if byte == separator {
            cells.extend(row.get(start..at));
            start = at + 1;
        }
    }
    cells.extend(row.get(start..));
}

/// Writes indicators as a native feed, with the header.
///
/// # Errors
///
/// Whatever the writer says.
pub fn write(indicators: &[Indicator], out: impl Write) -> std::io::Result<()> {
    let mut writer = csv::WriterBuilder::new().from_writer(out);
    writer.write_record(COLUMNS).map_err(plainly)?;
    for row in indicators {
        let date = |date: Option<Date>| date.map(|d| d.to_string()).unwrap_or_default();
        let written = writer.write_record([
            row.pattern.text().as_str(),
            row.pattern.kind(),
            row.pattern.scope().map_or("", Scope::as_str),
            &row.threat,
            &row.malware,
            row.role.as_str(),
            row.confidence.as_str(),
            &date(row.first_seen),
            &date(row.last_seen),
            &date(row.expires),
            &row.reference,
            &row.note,
        ]);
        written.map_err(plainly)?;
    }
    writer.flush()
}

/// The error of the writer below, whose kind `csv` would hide.
fn plainly(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => std::io::Error::other(format!("{other:?}")),
    }
}

/// `,` unless the header has none but a `;` or tab.
fn separator(header: &str) -> u8 {
    [b',', b';', b'\t'].into_iter().find(|s| header.contains(char::from(*s))).unwrap_or(b',')
}

/// A header cell in comparable form.
fn column(cell: &str) -> String {
    cell.trim().trim_matches('"').trim().to_ascii_lowercase()
}

/// For each of [`COLUMNS`], its place in a row.
fn columns(header: &str, separator: u8) -> Result<[Option<usize>; 12], (&'static str, String)> {
    let mut order = [None; 12];
    for (place, cell) in header.split(char::from(separator)).enumerate() {
        let name = column(cell);
        let known = COLUMNS.iter().position(|c| *c == name);
        match known.and_then(|at| order.get_mut(at)) {
            None => return Err(("unknown", name)),
            Some(Some(_)) => return Err(("repeated", name)),
            Some(free) => *free = Some(place),
        }
    }
    match order {
        [None, ..] => Err(("missing", "indicator".into())),
        [_, None, ..] => Err(("missing", "type".into())),
        _ => Ok(order),
    }
}

/// Whether every quoted cell of the line ends on the line (RFC 4180 section 2, rules 5 to 7).
fn quotes_close(line: &str, separator: u8) -> bool {
    if !line.contains('"') {
        return true;
    }
    let (mut quoted, mut cell_start) = (false, true);
    let mut bytes = line.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if quoted && bytes.peek() == Some(&b'"') => {
                bytes.next();
            }
            b'"' if quoted => quoted = false,
            b'"' if cell_start => quoted = true,
            _ => {}
        }
        cell_start = !quoted && byte == separator;
    }
    !quoted
}

/// One row by column.
struct Cells<'a> {
    order: &'a [Option<usize>; 12],
    cells: &'a [&'a str],
}

impl<'a> Cells<'a> {
    /// The cell of a column; empty when the row or the feed has none.
    fn get(&self, column: Column) -> &'a str {
        let place = self.order.get(column as usize).copied().flatten();
        place.and_then(|place| self.cells.get(place)).map_or("", |cell| cell.trim())
    }

    fn check(&self) -> Result<(), Reason> {
        let columns = self.order.iter().flatten().count();
        let cells = self.cells.len();
        if self.cells.iter().skip(columns).any(|cell| !cell.trim().is_empty()) {
            return Err(Reason::new(
                format!(
                    "có {cells} ô, dòng tiêu đề có {columns}; hãy đặt văn bản chứa dấu phân cách trong ngoặc kép"
                ),
                format!(
                    "has {cells} cells, the header {columns}; put text with separators in quotes"
                ),
            ));
        }
        if self.cells.iter().any(|cell| cell.len() > MAX_CELL) {
            return Err(Reason::new(
                format!("có ô dài hơn {MAX_CELL} byte"),
                format!("a cell is longer than {MAX_CELL} octets"),
            ));
        }
        Ok(())
    }
}

fn indicator(cells: &Cells<'_>, line: u32, rows: &mut Rows) -> Result<Indicator, Reason> {
    cells.check()?;
    let kind = cells.get(Column::Type);
    if kind.is_empty() {
        let kinds = value::KINDS.join(", ");
        return Err(Reason::new(
            format!("type bị bỏ trống; các loại là {kinds}"),
            format!("type is empty; the types are {kinds}"),
        ));
    }
    let scope = word("scope", cells.get(Column::Scope), Scope::parse, Scope::ALL)?;
    let role = word("role", cells.get(Column::Role), Role::parse, Role::ALL)?;
    let confidence =
        word("confidence", cells.get(Column::Confidence), Confidence::parse, Confidence::ALL)?;
    let date = |column: Column| match cells.get(column) {
        "" => Ok(None),
        text => Date::parse(text).map(Some).map_err(|error| {
            let about = format!("{} {text:?}", column.name());
            Reason::from(error).about(&about, &about)
        }),
    };
    Ok(Indicator {
        pattern: value::parse(kind, cells.get(Column::Indicator), scope)?,
        threat: threat(cells.get(Column::Threat), rows)?,
        malware: rows.shared(cells.get(Column::Malware)),
        role: role.unwrap_or(Role::Unknown),
        confidence: confidence.unwrap_or_default(),
        first_seen: date(Column::FirstSeen)?,
        last_seen: date(Column::LastSeen)?,
        expires: date(Column::Expires)?,
        reference: rows.shared(cells.get(Column::Reference)),
        note: rows.shared(cells.get(Column::Note)),
        feed: rows.feed(),
        line,
    })
}

/// A threat key: lower-case letters, digits and `-`, so that it can stand in logs and file names.
fn threat(text: &str, rows: &mut Rows) -> Result<Arc<str>, Reason> {
    let key = if text.is_empty() { UNKNOWN_THREAT.into() } else { text.to_ascii_lowercase() };
    if !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return Err(Reason::new(
            format!("threat {text:?} không phải khóa: chỉ dùng chữ cái, chữ số và dấu -"),
            format!("threat {text:?} is no key: letters, digits and - only"),
        ));
    }
    Ok(rows.shared(&key))
}

/// Threats that have a text of their own in this build.
fn known_threats() -> &'static [String] {
    static KNOWN: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
    KNOWN.get_or_init(|| {
        let threats = crate::curated::threats().ok();
        threats.iter().flat_map(|all| all.iter()).map(|(key, _)| key.to_owned()).collect()
    })
}

/// A threat that is nearly one of the known ones: whoever wrote it will be told the wrong thing.
fn misspelt(threat: &str) -> Option<Reason> {
    if known_threats().iter().any(|known| known == threat) {
        return None;
    }
    let (vi, en) = value::meant(threat, known_threats().iter().map(String::as_str));
    (!en.is_empty()).then(|| {
        Reason::new(
            format!("threat {threat:?} chưa có nội dung{vi}"),
            format!("threat {threat:?} has no text of its own{en}"),
        )
    })
}

fn word<T: Copy + ToString>(
    column: &str,
    text: &str,
    parse: fn(&str) -> Option<T>,
    all: &[T],
) -> Result<Option<T>, Reason> {
    if text.is_empty() {
        return Ok(None);
    }
    let known = || all.iter().map(T::to_string).collect::<Vec<_>>().join(", ");
    parse(text).map(Some).ok_or_else(|| {
        let known = known();
        Reason::new(
            format!("{column} {text:?} không thuộc {known}"),
            format!("{column} {text:?} is none of {known}"),
        )
    })
}
