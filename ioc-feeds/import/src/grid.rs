//! Tables of documents: which row is the heading, which rows go on in the next, then
//! `ioc_feeds::judge::table` row by row.

use ioc_feeds::handover::{Place, number};
use ioc_feeds::judge::table::{self, Columns, Facts};
use ioc_feeds::judge::{Column, Finding, columns, line, lines};

use crate::Out;

/// Rows of a table; the lines within a cell are parted by `\n`.
pub type Rows = Vec<Vec<String>>;

/// Rows in which a heading is looked for.
const HEAD: usize = 10;

/// Reads a table. `place` is where it stands; the row is its line, counted on from the place's.
pub fn read(rows: &[Vec<String>], place: &Place, out: &mut Out<'_>) {
    read_on(rows, &[], place, out);
}

/// The same of a table that goes over pages: the page of each row.
pub fn read_on(rows: &[Vec<String>], pages: &[u32], place: &Place, out: &mut Out<'_>) {
    let at = |row: usize| Place {
        page: pages.get(row).copied().unwrap_or(place.page),
        line: place.line.saturating_add(number(row)),
        ..place.clone()
    };
    let place = &at;
    let head = rows.iter().take(HEAD).enumerate().find_map(|(at, row)| {
        table::header(row.iter().map(String::as_str)).map(|columns| (at, columns))
    });
    let head = head.or_else(|| inferred(rows));
    let Some((at, columns)) = head else { return unheaded(rows, place, out) };
    unheaded(rows.get(..at).unwrap_or_default(), place, out);
    let merged = merged(rows.get(at + 1..).unwrap_or_default(), &columns);
    for (offset, row) in merged {
        let cells: Vec<&str> = row.iter().map(String::as_str).collect();
        if is_heading(&columns, &cells) {
            continue;
        }
        headed(&columns, &cells, &place(at + 1 + offset), out);
    }
}

/// The columns of a table whose heading says nothing known (its letters are lost, or in another
/// language), by what stands below it: names and addresses, ports beside them, digests.
fn inferred(rows: &[Vec<String>]) -> Option<(usize, Columns)> {
    let width = rows.iter().map(Vec::len).max()?;
    let mut columns: Columns = vec![None; width];
    let below = rows.get(1..)?;
    for (at, column) in columns.iter_mut().enumerate() {
        let cells = below.iter().filter_map(|row| row.get(at)).map(|cell| cell.replace('\n', ""));
        let cells: Vec<String> =
            cells.map(|cell| cell.trim().to_owned()).filter(|cell| !cell.is_empty()).collect();
        let count = |test: &dyn Fn(&str) -> bool| cells.iter().filter(|cell| test(cell)).count();
        let most = |found: usize| found > 0 && found * 3 >= cells.len() * 2;
        let value = |cell: &str| line::is_value(&ioc_feeds::refang::refang(cell).text, None);
        let port = |cell: &str| {
            cell.split([',', ' ', ';', '/'])
                .filter(|part| !part.is_empty())
                .all(|part| part.parse::<u16>().is_ok_and(|port| port > 0))
        };
        let numbered = cells
            .iter()
            .enumerate()
            .all(|(at, cell)| cell.trim_end_matches('.') == (at + 1).to_string());
        *column = if most(count(&ioc_feeds::judge::is_digest)) {
            Some(Column::Hash)
        } else if at == 0 && !cells.is_empty() && numbered {
            Some(Column::Index)
        } else if most(count(&value)) && count(&|cell| cell.contains('.') || cell.contains(':')) > 0
        {
            Some(Column::Value)
        } else if at > 0 && most(count(&port)) && count(&port) == cells.len() {
            Some(Column::Port)
        } else {
            None
        };
    }
    // Beside digests stand names of files.
    if columns.contains(&Some(Column::Hash)) {
        for column in &mut columns {
            if *column == Some(Column::Value) {
                *column = Some(Column::FileName);
            }
        }
    }
    // Ports are those of the addresses right before them.
    let follows = |at: usize| {
        at.checked_sub(1).and_then(|before| columns.get(before)) == Some(&Some(Column::Value))
    };
    let ports: Vec<usize> = (0..width)
        .filter(|at| columns.get(*at) == Some(&Some(Column::Port)) && !follows(*at))
        .collect();
    for at in ports {
        if let Some(column) = columns.get_mut(at) {
            *column = None;
        }
    }
    let addresses = columns.contains(&Some(Column::Port));
    for column in &mut columns {
        if *column == Some(Column::Value) && addresses {
            *column = Some(Column::Ip);
        }
    }
    // Values that nobody has called so are meant only if they are defanged, or a whole column is.
    let first = rows.first()?;
    let heading =
        first.iter().all(|cell| !line::is_value(&ioc_feeds::refang::refang(cell).text, None));
    let some =
        columns.iter().flatten().any(|column| column.is_indicator() || *column == Column::Hash);
    let listed = columns.first() == Some(&Some(Column::Index))
        || rows.iter().flatten().any(|cell| ioc_feeds::refang::refang(cell).defanged);
    (heading && some && listed && rows.len() > 1).then_some((0, columns))
}

/// A heading that is repeated, as on a new page.
fn is_heading(columns: &Columns, cells: &[&str]) -> bool {
    table::header(cells.iter().copied()).is_some_and(|again| again == *columns)
}

/// One row under its columns.
pub fn headed(columns: &Columns, cells: &[&str], place: &Place, out: &mut Out<'_>) {
    let mut found = Vec::new();
    let facts = table::row(columns, cells, &mut |cell, finding| found.push((cell, finding)));
    for (cell, finding) in found {
        out.finding(Place { cell: number(cell), ..place.clone() }, &finding, &facts);
    }
    // A remark may name what no column holds; what it only mentions stays a remark.
    for (at, (column, cell)) in columns.iter().zip(cells).enumerate() {
        if matches!(column, None | Some(Column::Note)) && cell.len() < 4096 {
            for finding in table::unheaded(cell).into_iter().filter(Finding::is_loaded) {
                out.finding(
                    Place { cell: number(at), ..place.clone() },
                    &finding,
                    &Facts::default(),
                );
            }
        }
    }
}

/// A row whose first cell (its number) is empty goes on from the row above, also over a page.
fn merged(rows: &[Vec<String>], columns: &Columns) -> Vec<(usize, Vec<String>)> {
    let indexed = columns.first().copied().flatten() == Some(Column::Index);
    let mut out: Vec<(usize, Vec<String>)> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let first_empty = row.first().is_some_and(|cell| cell.trim().is_empty());
        let some = row.iter().any(|cell| !cell.trim().is_empty());
        match out.last_mut() {
            Some((_, above)) if indexed && first_empty && some => {
                for (cell, more) in above.iter_mut().zip(row) {
                    if !more.trim().is_empty() {
                        cell.push('\n');
                        cell.push_str(more);
                    }
                }
            }
            _ if some => out.push((at, row.clone())),
            _ => {}
        }
    }
    out
}

/// Rows without a heading: each cell is read as a line of a text would be, defanged or listed.
fn unheaded(rows: &[Vec<String>], place: &dyn Fn(usize) -> Place, out: &mut Out<'_>) {
    // A table of nothing but values is a list.
    let mut look = lines::Look::default();
    rows.iter().flatten().for_each(|cell| look.add(cell));
    let is_list = look.words == 0 && look.items > 1;
    for (at, row) in rows.iter().enumerate() {
        // `Domain | bad.example`: the cell before names what the next one is.
        let mut named = None;
        for (cell_at, cell) in row.iter().enumerate() {
            let cell_place = Place { cell: number(cell_at), ..place(at) };
            let column: Option<Column> =
                named.take().filter(|column: &Column| column.is_indicator());
            let found = match column {
                Some(column)
                    if line::is_value(
                        &ioc_feeds::refang::refang(cell.trim()).text,
                        Some(column),
                    ) =>
                {
                    table::value(cell, column)
                }
                _ if is_list => table::value(cell, Column::Value),
                _ => table::unheaded(cell),
            };
            for finding in found {
                out.finding(cell_place.clone(), &finding, &Facts::default());
            }
            named = columns::of(cell);
        }
    }
}
