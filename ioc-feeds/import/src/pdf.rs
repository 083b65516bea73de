//! PDF: letters by their place on the page, cells by the lines that are drawn around them. The order
//! in which a program wrote letters says nothing of the order in which they are read.

mod page;

use ioc_feeds::handover::{Place, number};
use pdf_extract::{
    ColorSpace, Document, MediaBox, OutputDev, OutputError, Path, PathOp, Transform,
    output_doc_page,
};

use crate::zipped::damaged;
use crate::{Out, Refusal, grid, prose};
use page::{Block, Glyph, Page};

/// Most pages that are read.
const PAGES: usize = 5000;
/// Most letters, and most drawn lines, of a page.
const MARKS: usize = 400_000;

/// Reads a document.
pub(crate) fn read(bytes: &[u8], out: &mut Out<'_>) -> Result<(), Refusal> {
    out.read_as("tài liệu PDF", "a PDF");
    let mut document = Document::load_mem(bytes).map_err(|error| {
        let text = error.to_string();
        match text.to_lowercase().contains("password") || text.to_lowercase().contains("decrypt") {
            true => crate::detect::locked(),
            false => damaged(&text),
        }
    })?;
    if document.is_encrypted() && document.decrypt("").is_err() {
        return Err(crate::detect::locked());
    }
    let pages: Vec<u32> = document.get_pages().keys().copied().collect();
    if pages.is_empty() {
        return Err(damaged("0 pages"));
    }
    if pages.len() > PAGES {
        return Err(Refusal::new(
            format!("có hơn {PAGES} trang"),
            format!("has more than {PAGES} pages"),
        ));
    }
    let mut whole = Whole::default();
    let mut letters = 0;
    for page in pages {
        let place = Place { page, ..Place::default() };
        out.at(place.clone());
        let mut device = Device::default();
        output_doc_page(&document, &mut device, page)
            .map_err(|error| damaged(&error.to_string()).at(place.clone()))?;
        letters += device.page.glyphs.iter().filter(|glyph| !glyph.text.trim().is_empty()).count();
        whole.add(page, device.page.blocks(), out);
    }
    if letters == 0 {
        return Err(Refusal::new(
            "là bản quét, không có chữ: hãy xin bản có chữ, nhận dạng chữ (OCR), hoặc gõ lại vào tệp .txt",
            "is a scan without text: ask for one with text, have it recognised (OCR), or type it into a .txt",
        ));
    }
    whole.finish(out);
    Ok(())
}

/// The document so far: a table may go on over a page, so the last one is held back.
#[derive(Default)]
struct Whole {
    lines: Vec<(u32, u32, String)>,
    open: Option<(grid::Rows, Vec<u32>, Vec<f64>)>,
    tables: u32,
}

/// How far apart columns of one table may stand on two pages, in points.
const SAME: f64 = 4.0;

impl Whole {
    fn add(&mut self, page: u32, blocks: Vec<Block>, out: &mut Out<'_>) {
        let mut line = 0;
        for block in blocks {
            match block {
                Block::Line(text) => {
                    // Above a table that goes on there may be a page number.
                    let numbers = text.trim().chars().all(|c| !c.is_alphabetic());
                    if !numbers
                        && self
                            .open
                            .as_ref()
                            .is_some_and(|(_, pages, _)| pages.last() == Some(&page))
                    {
                        self.close(out);
                    }
                    self.lines.push((page, line, text));
                    line += 1;
                }
                Block::Table { rows, columns } => {
                    let goes_on = self.open.as_ref().is_some_and(|(_, pages, above)| {
                        pages.last().is_some_and(|last| last + 1 == page)
                            && above.len() == columns.len()
                            && above.iter().zip(&columns).all(|(a, b)| (a - b).abs() < SAME)
                    });
                    if !goes_on {
                        self.close(out);
                    }
                    let (all, pages, at) = self.open.get_or_insert_with(Default::default);
                    pages.extend(rows.iter().map(|_| page));
                    all.extend(rows);
                    *at = columns;
                }
            }
        }
    }

    fn close(&mut self, out: &mut Out<'_>) {
        if let Some((rows, pages, _)) = self.open.take() {
            self.tables += 1;
            let place = Place { table: self.tables, ..Place::default() };
            grid::read_on(&rows, &pages, &place, out);
        }
    }

    fn finish(mut self, out: &mut Out<'_>) {
        self.close(out);
        let places: Vec<(u32, u32)> =
            self.lines.iter().map(|(page, line, _)| (*page, *line)).collect();
        let text: Vec<&str> = self.lines.iter().map(|(_, _, text)| text.as_str()).collect();
        let text = text.join("\n");
        let place = |at: usize| {
            let (page, line) = places.get(at).copied().unwrap_or_default();
            Place { page, line: number(line as usize), ..Place::default() }
        };
        prose::read(&text, &place, out);
    }
}

/// Takes letters and drawn lines of a page.
#[derive(Default)]
struct Device {
    page: Page,
}

type Outcome = Result<(), OutputError>;

impl OutputDev for Device {
    fn begin_page(&mut self, _: u32, _: &MediaBox, _: Option<(f64, f64, f64, f64)>) -> Outcome {
        Ok(())
    }

    fn end_page(&mut self) -> Outcome {
        Ok(())
    }

    fn output_character(
        &mut self,
        at: &Transform,
        width: f64,
        _: f64,
        size: f64,
        text: &str,
    ) -> Outcome {
        if self.page.glyphs.len() < MARKS {
            let scale = at.m11.hypot(at.m12);
            let size = size * scale;
            let glyph = Glyph {
                x: at.m31,
                y: at.m32,
                width: width * size,
                size: size.abs(),
                text: text.to_owned(),
            };
            if glyph.x.is_finite() && glyph.y.is_finite() && glyph.width.is_finite() {
                self.page.glyphs.push(glyph);
            }
        }
        Ok(())
    }

    fn begin_word(&mut self) -> Outcome {
        Ok(())
    }

    fn end_word(&mut self) -> Outcome {
        Ok(())
    }

    fn end_line(&mut self) -> Outcome {
        Ok(())
    }

    fn stroke(&mut self, at: &Transform, _: &ColorSpace, _: &[f64], path: &Path) -> Outcome {
        self.draw(at, path);
        Ok(())
    }

    fn fill(&mut self, at: &Transform, _: &ColorSpace, _: &[f64], path: &Path) -> Outcome {
        self.draw(at, path);
        Ok(())
    }
}

impl Device {
    fn draw(&mut self, at: &Transform, path: &Path) {
        if self.page.drawn() > MARKS {
            return;
        }
        let placed =
            |x: f64, y: f64| (at.m11 * x + at.m21 * y + at.m31, at.m12 * x + at.m22 * y + at.m32);
        let (mut here, mut start) = ((0.0, 0.0), (0.0, 0.0));
        for step in &path.ops {
            match *step {
                PathOp::MoveTo(x, y) => {
                    here = placed(x, y);
                    start = here;
                }
                PathOp::LineTo(x, y) => {
                    let next = placed(x, y);
                    self.page.line(here, next);
                    here = next;
                }
                PathOp::CurveTo(_, _, _, _, x, y) => here = placed(x, y),
                PathOp::Rect(x, y, width, height) => {
                    let corners = [
                        placed(x, y),
                        placed(x + width, y),
                        placed(x + width, y + height),
                        placed(x, y + height),
                    ];
                    let [a, b, c, d] = corners;
                    self.page.line(a, b);
                    self.page.line(b, c);
                    self.page.line(c, d);
                    self.page.line(d, a);
                }
                PathOp::Close => {
                    self.page.line(here, start);
                    here = start;
                }
            }
        }
    }
}
