//! Letters and drawn lines of one page to lines of text and tables.

use std::collections::BTreeMap;

/// A letter, or several that one sign stands for.
#[derive(Clone, Debug)]
pub(super) struct Glyph {
    /// Left end, in points from the left.
    pub x: f64,
    /// Foot, in points from the bottom.
    pub y: f64,
    /// Width, in points.
    pub width: f64,
    /// Height of the font, in points.
    pub size: f64,
    /// The text.
    pub text: String,
}

/// A stretch of a line: where it stands across, and from where to where it goes.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    at: f64,
    from: f64,
    to: f64,
}

/// What stands on a page, from above.
#[derive(Debug)]
pub(super) enum Block {
    /// A line outside tables.
    Line(String),
    /// A table, and where its columns begin.
    Table {
        /// Cells by row.
        rows: Vec<Vec<String>>,
        /// Left ends of the columns.
        columns: Vec<f64>,
    },
}

/// A page.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Letters, in the order they were written.
    pub glyphs: Vec<Glyph>,
    upright: Vec<Stretch>,
    level: Vec<Stretch>,
}

/// Widest line that is one, in points; anything else is a shape.
const THIN: f64 = 1.5;
/// Shortest line that bounds a cell.
const SHORT: f64 = 4.0;
/// How far a line may miss another that it meets.
const MISS: f64 = 2.0;

/// Place of a cell: row by its upper edge (twice, from above), column by its left edge.
type Key = (i64, i64);

impl Page {
    /// Lines drawn so far.
    pub(super) fn drawn(&self) -> usize {
        self.upright.len() + self.level.len()
    }

    /// Takes a drawn line, if it is upright or level.
    pub(super) fn line(&mut self, a: (f64, f64), b: (f64, f64)) {
        let (across, up) = ((a.0 - b.0).abs(), (a.1 - b.1).abs());
        if across < THIN && up > SHORT {
            self.upright.push(Stretch {
                at: f64::midpoint(a.0, b.0),
                from: a.1.min(b.1),
                to: a.1.max(b.1),
            });
        } else if up < THIN && across > SHORT {
            self.level.push(Stretch {
                at: f64::midpoint(a.1, b.1),
                from: a.0.min(b.0),
                to: a.0.max(b.0),
            });
        }
    }

    /// What stands on it, from above.
    pub(super) fn blocks(&self) -> Vec<Block> {
        let mut cells: BTreeMap<Key, Vec<Glyph>> = BTreeMap::new();
        let mut free: Vec<Glyph> = Vec::new();
        // Letters of one word ask for the same cell again and again.
        let sorted = Lines::of(self);
        for glyph in &self.glyphs {
            match sorted.cell(glyph) {
                Some(key) => cells.entry(key).or_default().push(glyph.clone()),
                None => free.push(glyph.clone()),
            }
        }
        let mut placed: Vec<(f64, Block)> =
            lines(free).into_iter().map(|(y, text)| (y, Block::Line(text))).collect();
        placed.extend(tables(cells, &sorted));
        placed.sort_by(|a, b| b.0.total_cmp(&a.0));
        placed.into_iter().map(|(_, block)| block).collect()
    }
}

/// The drawn lines in order.
struct Lines {
    upright: Vec<Stretch>,
    level: Vec<Stretch>,
}

impl Lines {
    fn of(page: &Page) -> Self {
        let (mut upright, mut level) = (page.upright.clone(), page.level.clone());
        upright.sort_by(|a, b| a.at.total_cmp(&b.at));
        level.sort_by(|a, b| a.at.total_cmp(&b.at));
        Self { upright, level }
    }

    /// The cell that a letter stands in: lines on all four sides, as near as there are.
    fn cell(&self, glyph: &Glyph) -> Option<Key> {
        let (x, y) = (glyph.x + glyph.width / 4.0, glyph.y + glyph.size / 4.0);
        let beside = |line: &&Stretch| line.from - MISS <= y && y <= line.to + MISS;
        let over = |line: &&Stretch| line.from - MISS <= x && x <= line.to + MISS;
        let left = self.upright.iter().rev().filter(beside).find(|line| line.at <= x)?;
        self.upright.iter().filter(beside).find(|line| line.at > x)?;
        let above = self.level.iter().filter(over).find(|line| line.at > y)?;
        self.level.iter().rev().filter(over).find(|line| line.at <= y)?;
        #[allow(clippy::cast_possible_truncation)] // places on a page
        Some((-(above.at * 2.0) as i64, (left.at * 2.0) as i64))
    }

    /// The lower edge of the row below an upper one, at a place.
    fn below(&self, upper: f64, x: f64) -> f64 {
        let over = |line: &&Stretch| line.from - MISS <= x && x <= line.to + MISS;
        let found = self.level.iter().rev().filter(over).find(|line| line.at < upper - MISS);
        found.map_or(upper, |line| line.at)
    }
}

/// Cells of neighbouring rows are one table.
fn tables(cells: BTreeMap<Key, Vec<Glyph>>, sorted: &Lines) -> Vec<(f64, Block)> {
    // Rows by their upper edge; edges of one row may differ by a line's width.
    let mut rows: Vec<(i64, Vec<(i64, String)>)> = Vec::new();
    for ((top, left), glyphs) in cells {
        let text = lines(glyphs).into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
        match rows.last_mut() {
            Some((above, row)) if (top - *above).abs() <= 5 => row.push((left, text)),
            _ => rows.push((top, vec![(left, text)])),
        }
    }
    let mut found = Vec::new();
    let mut open: Vec<(i64, Vec<(i64, String)>)> = Vec::new();
    for row in rows {
        let touches = open.last().is_some_and(|(top, cells)| {
            let x = cells.first().map_or(0.0, |(left, _)| half(*left) + MISS + 1.0);
            (sorted.below(-half(*top), x) - -half(row.0)).abs() < 2.0 * MISS + 1.0
        });
        if !touches {
            close(&mut open, &mut found);
        }
        open.push(row);
    }
    close(&mut open, &mut found);
    found
}

#[allow(clippy::cast_precision_loss)] // places on a page
fn half(twice: i64) -> f64 {
    twice as f64 / 2.0
}

/// One table: each cell under the column that begins where it begins.
fn close(open: &mut Vec<(i64, Vec<(i64, String)>)>, found: &mut Vec<(f64, Block)>) {
    let rows = std::mem::take(open);
    let Some((top, _)) = rows.first() else { return };
    let mut lefts: Vec<i64> =
        rows.iter().flat_map(|(_, row)| row.iter().map(|(left, _)| *left)).collect();
    lefts.sort_unstable();
    let mut columns: Vec<i64> = Vec::new();
    for left in lefts {
        if columns.last().is_none_or(|last| left - last > 6) {
            columns.push(left);
        }
    }
    let top = -half(*top);
    let table = rows
        .into_iter()
        .map(|(_, cells)| {
            let mut row = vec![String::new(); columns.len()];
            for (left, text) in cells {
                let at = columns.iter().rposition(|column| *column <= left + 6).unwrap_or(0);
                if let Some(cell) = row.get_mut(at) {
                    if !cell.is_empty() {
                        cell.push('\n');
                    }
                    cell.push_str(&text);
                }
            }
            row
        })
        .collect();
    let columns = columns.into_iter().map(half).collect();
    found.push((top, Block::Table { rows: table, columns }));
}

/// Letters to lines, from above, each with its foot.
fn lines(mut glyphs: Vec<Glyph>) -> Vec<(f64, String)> {
    glyphs.sort_by(|a, b| b.y.total_cmp(&a.y));
    let mut rows: Vec<(f64, Vec<Glyph>)> = Vec::new();
    for glyph in glyphs {
        let near = (glyph.size / 3.0).clamp(1.0, 4.0);
        match rows.last_mut() {
            Some((y, row)) if (*y - glyph.y).abs() <= near => row.push(glyph),
            _ => rows.push((glyph.y, vec![glyph])),
        }
    }
    rows.into_iter()
        .map(|(y, row)| (y, joined(row)))
        .filter(|(_, text)| !text.trim().is_empty())
        .collect()
}

/// The letters of a line: a gap is a blank, a wide one a tab, as between columns without lines.
fn joined(mut row: Vec<Glyph>) -> String {
    row.sort_by(|a, b| a.x.total_cmp(&b.x));
    let mut text = String::new();
    let mut end = None;
    for glyph in row {
        if let Some(end) = end {
            let gap = glyph.x - end;
            if gap > glyph.size * 1.5 && glyph.size > 0.0 {
                text.push('\t');
            } else if gap > (glyph.size * 0.18).max(1.0) && !text.ends_with([' ', '\t']) {
                text.push(' ');
            }
        }
        text.push_str(&glyph.text);
        end = Some(glyph.x + glyph.width);
    }
    text.trim().to_owned()
}
