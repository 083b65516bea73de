//! Markdown and AsciiDoc: headings, items, and the tables of both.

use ioc_feeds::handover::{Place, number};

use crate::{Out, grid, prose};

/// Do these lines look like either?
pub(crate) fn looks_like(lines: &[&str]) -> bool {
    let heading = lines.iter().any(|line| {
        let marks = line.len() - line.trim_start_matches(['#', '=']).len();
        (1..=6).contains(&marks)
            && line.get(marks..).is_some_and(|rest| rest.starts_with(' ') && rest.len() > 2)
            && (line.starts_with('=')
                || marks > 1
                || !lines.iter().all(|other| !other.starts_with("##")))
    });
    let rule = lines.iter().any(|line| is_rule(line) || *line == "|===");
    rule || heading
        && lines.iter().any(|line| line.starts_with(['-', '*', '|']) || line.contains('`'))
}

/// `|---|:--:|` under the heading of a table.
fn is_rule(line: &str) -> bool {
    line.contains('|') && line.contains("--") && line.chars().all(|c| "|-: ".contains(c))
}

/// Reads a text.
pub(crate) fn read(text: &str, out: &mut Out<'_>) {
    let mut lines: Vec<String> = Vec::new();
    let mut all = text.lines().enumerate().peekable();
    while let Some((at, line)) = all.next() {
        let bare = line.trim();
        if bare == "|===" {
            let mut cells = Vec::new();
            lines.push(String::new());
            for (_, row) in all.by_ref().take_while(|(_, row)| row.trim() != "|===") {
                cells.push(row);
                lines.push(String::new());
            }
            lines.push(String::new());
            table(&asciidoc(&cells), at + 1, out);
        } else if bare.starts_with('|') && bare.ends_with('|') && bare.len() > 2
            || bare.contains('|') && all.peek().is_some_and(|(_, next)| is_rule(next))
        {
            let mut rows = vec![cells_of(bare)];
            lines.push(String::new());
            while let Some((_, next)) = all.next_if(|(_, next)| next.contains('|')) {
                lines.push(String::new());
                // Rows keep their lines, so the rule is an empty row.
                rows.push(if is_rule(next) { Vec::new() } else { cells_of(next.trim()) });
            }
            table(&rows, at, out);
        } else {
            // A heading is a line of words here, no remark.
            lines.push(bare.trim_start_matches(['#', '=']).to_owned());
        }
    }
    let text = lines.join("\n");
    prose::read(&text, &|at| Place { line: number(at), ..Place::default() }, out);
}

/// A row of a table stands in a line of the file.
fn table(rows: &[Vec<String>], first: usize, out: &mut Out<'_>) {
    let line = u32::try_from(first).unwrap_or(u32::MAX);
    grid::read(rows, &Place { line, ..Place::default() }, out);
}

fn cells_of(line: &str) -> Vec<String> {
    let line = line.strip_prefix('|').unwrap_or(line);
    let line = line.strip_suffix('|').unwrap_or(line);
    line.replace("\\|", "\u{1}")
        .split('|')
        .map(|cell| stripped(&cell.replace('\u{1}', "|")))
        .collect()
}

/// A cell without the marks of emphasis and code.
fn stripped(cell: &str) -> String {
    cell.trim()
        .trim_matches('`')
        .replace("<br>", "\n")
        .replace("` ", " ")
        .replace(" `", " ")
        .trim()
        .to_owned()
}

/// Rows of AsciiDoc: the first line says how many cells a row has; others may hold one each.
fn asciidoc(lines: &[&str]) -> grid::Rows {
    let mut cells: Vec<String> = Vec::new();
    let mut width = 0;
    for line in lines.iter().map(|line| line.trim()) {
        if line.is_empty() {
            // A blank line ends the heading when each of its cells has a line of its own.
            if width == 0 && !cells.is_empty() {
                width = cells.len();
            }
            continue;
        }
        match line.strip_prefix('|') {
            Some(rest) => {
                let row: Vec<String> = rest
                    .replace("\\|", "\u{1}")
                    .split('|')
                    .map(|cell| stripped(&cell.replace('\u{1}', "|")))
                    .collect();
                if width == 0 && row.len() > 1 {
                    width = row.len();
                }
                cells.extend(row);
            }
            None => {
                if let Some(last) = cells.last_mut() {
                    last.push('\n');
                    last.push_str(&stripped(line.trim_end_matches('+')));
                }
            }
        }
    }
    cells.chunks(width.max(1)).map(<[String]>::to_vec).collect()
}
