//! Tables with separators: CSV, TSV, the exports of abuse.ch whose heading is a remark, Zeek's
//! intelligence files.

use ioc_feeds::handover::{Place, number};
use ioc_feeds::judge::table::{self, Columns};
use ioc_feeds::judge::{Column, columns};

use crate::detect::Told;
use crate::{Out, Refusal, grid};

/// Lines in which the heading is looked for.
const HEAD: usize = 60;

/// A heading: where it stands, its separator, its cells and what they mean.
#[derive(Debug)]
struct Head {
    line: usize,
    separator: char,
    cells: Vec<String>,
    columns: Columns,
}

/// Do these lines hold a heading of a table?
pub(crate) fn looks_like(lines: &[&str]) -> bool {
    head(lines.iter().copied()).is_some()
        || lines.first().is_some_and(|line| line.to_lowercase().starts_with("sep="))
        || headless(lines)
}

/// `trail,info,reference` without a heading: each line a value and two cells more.
fn headless(lines: &[&str]) -> bool {
    let rows: Vec<&&str> = lines.iter().filter(|line| !line.starts_with('#')).collect();
    rows.len() >= 3
        && rows.iter().all(|line| {
            let cells = split(line, ',');
            cells.len() == 3
                && cells.first().is_some_and(|cell| {
                    ioc_feeds::judge::line::is_value(&ioc_feeds::refang::refang(cell).text, None)
                })
                && !cells.iter().skip(1).all(|cell| cell.trim().bytes().all(|b| b.is_ascii_digit()))
        })
}

fn head<'t>(lines: impl Iterator<Item = &'t str>) -> Option<Head> {
    let lines: Vec<&str> = lines.take(2 * HEAD).map(crate::detect::clipped).collect();
    // What stands below a heading of several columns has several cells too.
    let goes_on = |line: usize, separator: char| {
        let below = lines.iter().skip(line + 1).map(|text| text.trim());
        let mut below = below.filter(|text| !text.is_empty() && !text.starts_with('#'));
        below.next().is_none_or(|text| text.contains(separator))
    };
    let mut wanted = None;
    let mut said = 0;
    for (line, text) in lines.iter().take(HEAD).enumerate() {
        let text = text.trim().trim_start_matches('\u{feff}');
        if let Some(sign) = text.to_lowercase().strip_prefix("sep=") {
            wanted = Some(if sign.starts_with("\\t") { '\t' } else { sign.chars().next()? });
            continue;
        }
        // The heading of abuse.ch is a remark; that of Zeek begins with a word of its own.
        let bare = text.trim_start_matches('#').trim_start();
        let bare = text.strip_prefix("#fields\t").unwrap_or(bare);
        for separator in wanted.map_or_else(|| vec![',', ';', '\t', '|'], |one| vec![one]) {
            // The bars of Markdown stand at the ends too.
            if separator == '|' && bare.starts_with('|') {
                continue;
            }
            let cells = split(bare, separator);
            let is_alone = cells.len() == 1;
            if is_alone && (separator != ',' || text.starts_with('#')) {
                continue;
            }
            let Some(columns) = table::header(cells.iter().map(String::as_str)) else { continue };
            let known = columns.iter().flatten().count();
            let words = cells.iter().all(|cell| cell.split_whitespace().count() <= 4);
            let fits = match is_alone {
                true => {
                    said == 0
                        && !bare.contains(' ')
                        && matches!(columns.first(), Some(Some(c)) if c.is_indicator())
                }
                false => {
                    words
                        && goes_on(line, separator)
                        && (known >= 2 || cells.len() <= 3 && said == 0)
                }
            };
            let useful = columns.iter().flatten().any(|c| c.is_indicator()) || known >= 2;
            if fits && useful && !bare.ends_with(':') && cells.iter().all(|cell| cell.len() < 64) {
                return Some(Head { line, separator, cells, columns: refined(columns) });
            }
        }
        said += usize::from(!text.is_empty() && !text.starts_with('#'));
    }
    None
}

/// One column of indicators is enough where a table names it twice: `domain` beside `ioc_value`.
fn refined(columns: Columns) -> Columns {
    let has_value = columns.contains(&Some(Column::Value));
    let has_kind = columns.contains(&Some(Column::Kind));
    if !(has_value && has_kind) {
        return columns;
    }
    // Beside a value with its type, a column such as `hash` or `host` describes.
    columns
        .into_iter()
        .map(|column| column.filter(|c| !matches!(c, Column::Hostname | Column::FileName)))
        .collect()
}

/// Cells of a line: RFC 4180, with blanks before a quote as abuse.ch writes them.
pub(crate) fn split(line: &str, separator: char) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.trim().is_empty() => {
                cell.clear();
                quoted = true;
            }
            c if c == separator && !quoted => cells.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    cells.push(cell);
    cells.iter_mut().for_each(|cell| {
        if cell.trim().len() != cell.len() {
            *cell = cell.trim().to_owned();
        }
    });
    cells
}

/// Reads a table.
pub(crate) fn read(text: &str, told: &Told, out: &mut Out<'_>) -> Result<(), Refusal> {
    let Some(head) = head(text.lines()) else {
        if headless(
            &text
                .lines()
                .map(crate::detect::clipped)
                .filter(|line| !line.is_empty())
                .take(HEAD)
                .collect::<Vec<_>>(),
        ) {
            told.tell(
                "bảng ba cột (trail,info,reference), dấu phẩy",
                "a table of three columns (trail,info,reference), `,`",
                out,
            );
            let columns = vec![Some(Column::Value), Some(Column::Malware), Some(Column::Reference)];
            rows(text, 0, ',', &columns, out);
            return Ok(());
        }
        return Err(Refusal::new(
            "không tìm thấy dòng tiêu đề có cột chỉ dấu (indicator, ioc, domain, ip, url ...)",
            "no heading with a column of indicators was found (indicator, ioc, domain, ip, url ...)",
        ));
    };
    // The list of certificates calls their digest what others call that of a file.
    let mut head = head;
    if head.cells.iter().any(|cell| cell.eq_ignore_ascii_case("Listingreason")) {
        for column in &mut head.columns {
            if *column == Some(Column::Hash) {
                *column = Some(Column::CertSha1);
            }
        }
    }
    let sign =
        if head.separator == '\t' { "TAB".to_owned() } else { format!("`{}`", head.separator) };
    told.tell(
        &format!("{} (dấu {sign})", name(&head, true)),
        &format!("{} ({sign})", name(&head, false)),
        out,
    );
    let idle: Vec<&str> = head
        .cells
        .iter()
        .zip(&head.columns)
        .filter(|(cell, column)| column.is_none() && !cell.is_empty())
        .map(|(cell, _)| cell.trim())
        .collect();
    if !idle.is_empty() {
        let list = idle.join(", ");
        out.note(
            Place::line(head.line),
            format!("các cột không dùng: {list}"),
            format!("columns that are not used: {list}"),
        );
    }
    rows(text, head.line + 1, head.separator, &head.columns, out);
    Ok(())
}

/// What the heading is known from.
fn name(head: &Head, vi: bool) -> &'static str {
    let has = |name: &str| head.cells.iter().any(|cell| cell.trim().eq_ignore_ascii_case(name));
    if has("ioc_value") && has("fk_malware") {
        return "ThreatFox CSV";
    }
    if has("urlhaus_link") {
        return "URLhaus CSV";
    }
    if has("Listingreason") {
        return "SSLBL CSV";
    }
    if has("indicator_type") && head.cells.iter().any(|cell| cell.starts_with("meta.")) {
        return "Zeek intel";
    }
    if has("to_ids") && has("uuid") {
        return "MISP CSV";
    }
    if vi { "bảng CSV" } else { "a table (CSV)" }
}

fn rows(text: &str, from: usize, separator: char, columns: &Columns, out: &mut Out<'_>) {
    let last = columns.len().saturating_sub(1);
    let mut text = text.split('\n').enumerate().skip(from);
    while let Some((at, line)) = text.next() {
        let line = line.trim_matches(['\r', ' ']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut line = std::borrow::Cow::Borrowed(line);
        // A quoted cell may hold line ends; never more than a few, so that a lost quote spoils little.
        let mut more = 0;
        while !closes(&line) && more < 20 {
            let Some((_, next)) = text.next() else { break };
            line = format!("{line}\n{}", next.trim_end_matches('\r')).into();
            more += 1;
        }
        let mut cells = split(&line, separator);
        // SSLBL's reason may hold commas and is not quoted.
        if cells.len() > columns.len() && !cells.is_empty() {
            let rest = cells.split_off(last);
            cells.push(rest.join(","));
        }
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        grid::headed(columns, &cells, &Place { line: number(at), ..Place::default() }, out);
    }
}

fn closes(line: &str) -> bool {
    line.bytes().filter(|byte| *byte == b'"').count() % 2 == 0
}

/// The column of a field name, for readers of JSON.
pub(crate) fn column_of(field: &str) -> Option<Column> {
    columns::of(field)
}
