//! Sheets of Excel and OpenDocument.

use std::io::Cursor;

use calamine::{Data, Ods, Reader, Xls, Xlsb, Xlsx, open_workbook_from_rs};
use ioc_feeds::handover::{Place, number};

use crate::zipped::{Parts, damaged};
use crate::{Out, Refusal, grid};

/// Most cells of a sheet that are read.
const CELLS: usize = 4_000_000;

/// Reads every sheet.
pub(crate) fn read(bytes: &[u8], out: &mut Out<'_>) -> Result<(), Refusal> {
    if !bytes.starts_with(b"PK") {
        return book::<Xls<_>>(bytes, out);
    }
    let names = Parts::open(bytes)?.names();
    let has = |wanted: &str| names.iter().any(|name| name.starts_with(wanted));
    if has("xl/workbook.bin") {
        book::<Xlsb<_>>(bytes, out)
    } else if has("xl/") {
        book::<Xlsx<_>>(bytes, out)
    } else {
        book::<Ods<_>>(bytes, out)
    }
}

fn book<'b, R>(bytes: &'b [u8], out: &mut Out<'_>) -> Result<(), Refusal>
where
    R: Reader<Cursor<&'b [u8]>>,
    R::Error: std::fmt::Display,
{
    let wrong = |error: R::Error| {
        let text = error.to_string();
        match text.to_lowercase().contains("password") {
            true => crate::detect::locked(),
            false => damaged(&text),
        }
    };
    let mut book: R = open_workbook_from_rs(Cursor::new(bytes)).map_err(wrong)?;
    out.read_as("bảng tính (.xlsx, .xls, .ods)", "a workbook (.xlsx, .xls, .ods)");
    for name in book.sheet_names() {
        let place = Place { part: name.clone(), ..Place::default() };
        out.at(place.clone());
        let range = book.worksheet_range(&name).map_err(|error| wrong(error).at(place.clone()))?;
        let (height, width) = range.get_size();
        if height.saturating_mul(width) > CELLS {
            return Err(Refusal::new(
                format!("trang tính có hơn {CELLS} ô"),
                format!("a sheet has more than {CELLS} cells"),
            )
            .at(place));
        }
        let first = range.start().map_or(0, |(row, _)| row as usize);
        let mut rows: grid::Rows = vec![Vec::new(); first.min(1000)];
        rows.extend(range.rows().map(|row| row.iter().map(text).collect::<Vec<_>>()));
        let mut sheet = out.sheet(&name);
        grid::read(&rows, &Place { table: number(0), ..Place::default() }, &mut sheet);
    }
    Ok(())
}

/// A cell as it is shown.
fn text(cell: &Data) -> String {
    match cell {
        Data::Empty => String::new(),
        Data::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            format!("{number:.0}")
        }
        Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::DateTime(date) => {
            date.as_f64().checked_days().unwrap_or_else(|| date.as_f64().to_string())
        }
        Data::Error(_) => String::new(),
        other => other.to_string().replace("\r\n", "\n"),
    }
}

/// Days since 1900 as Excel counts them.
trait Days {
    fn checked_days(self) -> Option<String>;
}

impl Days for f64 {
    fn checked_days(self) -> Option<String> {
        // 1970-01-01 is day 25569.
        let seconds = (self - 25_569.0) * 86_400.0;
        let fits = (0.0..2.5e11).contains(&seconds);
        #[allow(clippy::cast_possible_truncation)] // just looked at
        let date = fits.then(|| ioc_feeds::Date::of_seconds(seconds as i64)).flatten()?;
        Some(date.to_string())
    }
}
