//! Word documents: paragraphs, tables, notes, text boxes and where links lead. Deleted text is
//! passed over, and what was never shown.

use std::collections::HashMap;

use ioc_feeds::handover::{Place, number};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::zipped::{Parts, damaged};
use crate::{Out, Refusal, grid, prose};

/// Deepest nesting of tables that is read as tables.
const TABLES: usize = 8;

/// What stands in a document, in order.
enum Block {
    Line(String),
    Table(grid::Rows),
}

/// Reads a document.
pub(crate) fn read(bytes: &[u8], out: &mut Out<'_>) -> Result<(), Refusal> {
    let mut parts = Parts::open(bytes)?;
    out.read_as("tài liệu Word (.docx)", "a Word document (.docx)");
    let mut names: Vec<String> = parts.names();
    names.retain(|name| {
        name.strip_prefix("word/").and_then(|rest| rest.strip_suffix(".xml")).is_some_and(|stem| {
            ["document", "footnotes", "endnotes", "comments"].contains(&stem)
                || stem.starts_with("header")
                || stem.starts_with("footer")
        })
    });
    names.sort_by_key(|name| (name != "word/document.xml", name.clone()));
    if names.first().is_none_or(|name| name != "word/document.xml") {
        return Err(damaged("word/document.xml"));
    }
    for name in names {
        let Some(bytes) = parts.part(&name)? else { continue };
        let stem = name.trim_start_matches("word/").to_owned();
        let links = parts.part(&format!("word/_rels/{stem}.rels"))?.unwrap_or_default();
        let links = targets(&String::from_utf8_lossy(&links));
        let text = String::from_utf8_lossy(&bytes);
        let blocks =
            Walk::new(&links).run(&text).map_err(|what| damaged(&format!("{name}: {what}")))?;
        let label = if stem == "document.xml" { String::new() } else { stem };
        hand_over(blocks, &label, out);
    }
    Ok(())
}

/// Lines between tables are one text, so that a heading counts for what stands below it.
fn hand_over(blocks: Vec<Block>, part: &str, out: &mut Out<'_>) {
    let place = Place { part: part.to_owned(), ..Place::default() };
    let mut lines = Vec::new();
    let mut tables = Vec::new();
    for block in blocks {
        match block {
            Block::Line(line) => lines.extend(line.split('\n').map(str::to_owned)),
            Block::Table(rows) => tables.push(rows),
        }
    }
    for (at, rows) in tables.iter().enumerate() {
        let table = Place { table: number(at), ..place.clone() };
        out.at(table.clone());
        grid::read(rows, &table, out);
    }
    out.at(place.clone());
    let text = lines.join("\n");
    prose::read(&text, &|at| Place { line: number(at), ..place.clone() }, out);
}

/// Where links lead, by their id.
fn targets(rels: &str) -> HashMap<String, String> {
    let mut reader = Reader::from_str(rels);
    let mut found = HashMap::new();
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(tag) | Event::Empty(tag) => {
                if let (Some(id), Some(target)) = (attribute(&tag, "Id"), attribute(&tag, "Target"))
                    && attribute(&tag, "TargetMode").as_deref() == Some("External")
                {
                    found.insert(id, target);
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    found
}

/// An attribute by its local name.
pub(crate) fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = tag
        .attributes()
        .with_checks(false)
        .flatten()
        .find(|one| one.key.local_name().into_inner() == name)?;
    Some(crate::html::unescaped(&found.value))
}

/// The walk through a part. Nothing here recurses: depth is what the stacks hold.
struct Walk<'l> {
    links: &'l HashMap<String, String>,
    blocks: Vec<Block>,
    tables: Vec<grid::Rows>,
    text: String,
    /// Paragraphs that a text box stands in.
    outer: Vec<String>,
    hidden: usize,
    linked: Option<(String, usize)>,
}

impl<'l> Walk<'l> {
    fn new(links: &'l HashMap<String, String>) -> Self {
        Self {
            links,
            blocks: Vec::new(),
            tables: Vec::new(),
            text: String::new(),
            outer: Vec::new(),
            hidden: 0,
            linked: None,
        }
    }

    fn run(mut self, xml: &str) -> Result<Vec<Block>, String> {
        let mut reader = Reader::from_str(xml);
        reader.config_mut().check_end_names = false;
        let mut is_text = false;
        loop {
            match reader.read_event().map_err(|error| error.to_string())? {
                Event::Start(tag) => {
                    let name = tag.name().local_name().into_inner().to_owned();
                    is_text = name == "t";
                    self.start(&name, &tag);
                }
                Event::Empty(tag) => {
                    let name = tag.name().local_name().into_inner().to_owned();
                    self.sign(&name, &tag);
                }
                Event::End(tag) => {
                    is_text = false;
                    let name = tag.name().local_name().into_inner().to_owned();
                    self.end(&name);
                }
                Event::Text(text) if is_text && self.hidden == 0 => self.text.push_str(&text),
                Event::CData(text) if is_text && self.hidden == 0 => self.text.push_str(&text),
                Event::GeneralRef(name) if is_text && self.hidden == 0 => {
                    self.text.extend(crate::xml::entity(&name));
                }
                Event::Eof => break,
                _ => {}
            }
        }
        if !self.text.is_empty() {
            self.end("p");
        }
        Ok(self.blocks)
    }

    fn start(&mut self, name: &str, tag: &BytesStart<'_>) {
        match name {
            "del" | "moveFrom" | "Fallback" | "instrText" | "delText" => self.hidden += 1,
            "tbl" if self.tables.len() < TABLES => self.tables.push(Vec::new()),
            "tr" => {
                if let Some(rows) = self.tables.last_mut() {
                    rows.push(Vec::new());
                }
            }
            "tc" => {
                if let Some(row) = self.tables.last_mut().and_then(|rows| rows.last_mut()) {
                    row.push(String::new());
                }
            }
            "txbxContent" => self.outer.push(std::mem::take(&mut self.text)),
            "hyperlink" => {
                let target = attribute(tag, "id").and_then(|id| self.links.get(&id).cloned());
                self.linked = target.map(|target| (target, self.text.len()));
            }
            _ => self.sign(name, tag),
        }
    }

    fn sign(&mut self, name: &str, _tag: &BytesStart<'_>) {
        if self.hidden > 0 {
            return;
        }
        match name {
            "tab" => self.text.push('\t'),
            "br" | "cr" => self.text.push('\n'),
            "noBreakHyphen" => self.text.push('-'),
            // `<w:p/>` is an empty line.
            "p" => self.end("p"),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "del" | "moveFrom" | "Fallback" | "instrText" | "delText" => {
                self.hidden = self.hidden.saturating_sub(1)
            }
            "hyperlink" => {
                // Where a link leads is said only if its words do not say it.
                if let Some((target, from)) = self.linked.take() {
                    let words = self.text.get(from..).unwrap_or_default().trim();
                    let shown = words.trim_end_matches('/');
                    if !shown.is_empty() && !target.contains(shown) && target.contains("://") {
                        self.text.push_str(" (");
                        self.text.push_str(&target);
                        self.text.push(')');
                    }
                }
            }
            "p" => {
                let text = std::mem::take(&mut self.text);
                match self
                    .tables
                    .last_mut()
                    .and_then(|rows| rows.last_mut())
                    .and_then(|row| row.last_mut())
                {
                    Some(cell) => {
                        if !cell.is_empty() && !text.is_empty() {
                            cell.push('\n');
                        }
                        cell.push_str(&text);
                    }
                    None => self.blocks.push(Block::Line(text)),
                }
            }
            "txbxContent" => {
                if !self.text.is_empty() {
                    self.end("p");
                }
                self.text = self.outer.pop().unwrap_or_default();
            }
            "tbl" => {
                if let Some(rows) = self.tables.pop() {
                    self.blocks.push(Block::Table(rows));
                }
            }
            _ => {}
        }
    }
}
