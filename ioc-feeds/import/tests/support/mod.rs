//! Documents that tests make, and what the reader says of them.
#![allow(dead_code, unreachable_pub)] // not every test uses each
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]

use std::io::{Cursor, Write};

use ioc_feeds::handover::{Record, Row, Word};
use wardwatch_import::{Kind, Out, Refusal, read};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// What came of a document.
#[derive(Debug)]
pub struct Read {
    pub records: Vec<Record>,
    pub outcome: Result<(), Refusal>,
}

pub fn import(bytes: &[u8]) -> Read {
    import_as(bytes, None)
}

pub fn import_as(bytes: &[u8], kind: Option<Kind>) -> Read {
    let mut records = Vec::new();
    let outcome = read(bytes, kind, &mut Out::new(&mut |record| records.push(record)));
    Read { records, outcome }
}

impl Read {
    pub fn rows(&self) -> Vec<&Row> {
        self.records
            .iter()
            .filter_map(|record| match record {
                Record::Row(row) => Some(&**row),
                _ => None,
            })
            .collect()
    }

    fn values(&self, words: &[Word]) -> Vec<String> {
        let rows = self.rows().into_iter().filter(|row| words.contains(&row.verdict));
        rows.flat_map(|row| row.readings.first()).map(|value| value.value.clone()).collect()
    }

    /// What is loaded without a question.
    #[track_caller]
    pub fn loads(&self, expected: &[&str]) -> &Self {
        assert_eq!(self.outcome, Ok(()));
        assert_eq!(self.values(&[Word::Accepted, Word::Changed]), expected, "{:#?}", self.rows());
        self
    }

    /// What is asked about.
    #[track_caller]
    pub fn asks(&self, expected: &[&str]) -> &Self {
        assert_eq!(self.values(&[Word::Doubtful]), expected, "{:#?}", self.rows());
        self
    }

    /// What is refused, as it is written.
    #[track_caller]
    pub fn refuses(&self, expected: &[&str]) -> &Self {
        let rows = self.rows();
        let refused = rows.iter().filter(|row| row.verdict == Word::Refused);
        let refused: Vec<&str> = refused.map(|row| row.written.as_str()).collect();
        assert_eq!(refused, expected, "{rows:#?}");
        self
    }

    /// What the document was taken for holds these words.
    #[track_caller]
    pub fn read_as(&self, words: &str) -> &Self {
        assert_eq!(self.outcome, Ok(()));
        let said: Vec<&str> = self
            .records
            .iter()
            .filter_map(|record| match record {
                Record::ReadAs { what, .. } => Some(what.en.as_str()),
                _ => None,
            })
            .collect();
        assert!(said.iter().any(|said| said.contains(words)), "{words} is not in {said:?}");
        self
    }

    /// The document is refused with these words.
    #[track_caller]
    pub fn fails(&self, words: &str) {
        let said = self.outcome.as_ref().expect_err("nothing of it can be used").to_string();
        assert!(said.contains(words), "{words} is not in {said}");
    }
}

/// A zip of these parts.
pub fn zipped(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A Word document with this body.
pub fn docx(body: &str) -> Vec<u8> {
    docx_with(body, &[])
}

pub fn docx_with(body: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let document = format!(
        "<?xml version=\"1.0\"?><w:document xmlns:w=\"w\" xmlns:r=\"r\" xmlns:mc=\"mc\"><w:body>{body}</w:body></w:document>"
    );
    let mut parts = vec![("word/document.xml", document.as_bytes())];
    parts.extend(more.iter().map(|(name, text)| (*name, text.as_bytes())));
    zipped(&parts)
}

pub fn paragraph(text: &str) -> String {
    format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")
}

pub fn word_table(rows: &[&[&str]]) -> String {
    let cell = |text: &&str| format!("<w:tc>{}</w:tc>", paragraph(text));
    let row = |row: &&[&str]| format!("<w:tr>{}</w:tr>", row.iter().map(cell).collect::<String>());
    format!("<w:tbl>{}</w:tbl>", rows.iter().map(row).collect::<String>())
}

/// A workbook with one sheet.
pub fn xlsx(rows: &[&[&str]]) -> Vec<u8> {
    let mut cells = String::new();
    for (at, row) in rows.iter().enumerate() {
        cells += &format!("<row r=\"{}\">", at + 1);
        for (column, text) in row.iter().enumerate() {
            let letter = char::from(b'A' + u8::try_from(column).unwrap());
            let text = text.replace('&', "&amp;").replace('<', "&lt;");
            cells +=
                &format!("<c r=\"{letter}{}\" t=\"inlineStr\"><is><t>{text}</t></is></c>", at + 1);
        }
        cells += "</row>";
    }
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let sheet = format!(
        "<?xml version=\"1.0\"?><worksheet xmlns=\"{main}\"><sheetData>{cells}</sheetData></worksheet>"
    );
    let book = format!(
        "<?xml version=\"1.0\"?><workbook xmlns=\"{main}\" xmlns:r=\"{links}\"><sheets><sheet name=\"IOC\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
    );
    let rels = format!(
        "<?xml version=\"1.0\"?><Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"{links}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
    );
    let root = format!(
        "<?xml version=\"1.0\"?><Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"{links}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    zipped(&[
        ("_rels/.rels", root.as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", rels.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

/// A PDF, one content stream a page, in Helvetica.
pub fn pdf(pages: &[String]) -> Vec<u8> {
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        String::new(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
    ];
    let mut kids = Vec::new();
    for content in pages {
        let number = objects.len() + 1;
        kids.push(format!("{number} 0 R"));
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Resources << /Font << /F1 3 0 R >> >> /Contents {} 0 R >>",
            number + 1
        ));
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len() + 1));
    }
    objects[1] = format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), kids.len());
    let mut file = "%PDF-1.4\n".to_owned();
    let mut places = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        places.push(file.len());
        file += &format!("{} 0 obj\n{object}\nendobj\n", at + 1);
    }
    let start = file.len();
    file += &format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for place in places {
        file += &format!("{place:010} 00000 n \n");
    }
    file += &format!(
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    );
    file.into_bytes()
}

/// Draws text at a place.
pub fn at(x: u32, y: u32, text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)");
    format!("BT /F1 10 Tf {x} {y} Td ({text}) Tj ET\n")
}

/// Draws a table: columns begin at `lefts` (the last is the right edge), each row is as high as its
/// cells have lines. Answers the foot of it.
pub fn drawn_table(top: u32, lefts: &[u32], rows: &[&[&str]]) -> (String, u32) {
    let mut out = String::new();
    let mut y = top;
    let (first, last) = (lefts[0], lefts[lefts.len() - 1]);
    out += &format!("{first} {y} m {last} {y} l S\n");
    for row in rows {
        let lines = row.iter().map(|cell| cell.split('\n').count()).max().unwrap();
        let height = 6 + 12 * u32::try_from(lines).unwrap();
        for (left, cell) in lefts.iter().zip(row.iter()) {
            for (at_line, line) in cell.split('\n').enumerate() {
                out += &at(left + 3, y - 12 - 12 * u32::try_from(at_line).unwrap(), line);
            }
        }
        let foot = y - height;
        for left in lefts {
            out += &format!("{left} {foot} m {left} {y} l S\n");
        }
        out += &format!("{first} {foot} m {last} {foot} l S\n");
        y = foot;
    }
    (out, y)
}
