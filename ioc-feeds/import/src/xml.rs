//! XML of indicators: OpenIOC and STIX 1. Entities of a document are never expanded.

use ioc_feeds::Reason;
use ioc_feeds::handover::{Place, number};
use ioc_feeds::judge::table::{self, Facts};
use ioc_feeds::judge::{Column, Finding};
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::detect::Told;
use crate::docx::attribute;
use crate::{Out, Refusal, html};

/// Deepest nesting that is followed.
const DEEPEST: usize = 512;

/// The letter of one of XML's own references, or of a number; nothing for a document's entity.
pub(crate) fn entity(name: &quick_xml::events::BytesRef<'_>) -> Option<char> {
    if let Ok(Some(letter)) = name.resolve_char_ref() {
        return Some(letter);
    }
    Some(match &**name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

/// Reads a document.
pub(crate) fn read(text: &str, told: &Told, out: &mut Out<'_>) -> Result<(), Refusal> {
    let head: String = text.chars().take(4000).collect();
    if head.contains("openioc") || head.contains("<ioc ") || head.contains("IndicatorItem") {
        told.tell("OpenIOC", "OpenIOC", out);
    } else if head.contains("stix") || head.contains("cybox") {
        told.tell("STIX 1", "STIX 1", out);
    } else {
        told.tell("XML, đọc như trang HTML", "XML, read as HTML is", out);
        html::read(text, out);
        return Ok(());
    }
    walk(text, out)
}

/// What is known where a value begins.
#[derive(Default)]
struct Around {
    /// What an OpenIOC item looks at.
    search: String,
    /// The type of a CybOX object.
    object: String,
    /// How the value is compared.
    condition: String,
    /// The title of the indicator.
    title: String,
}

fn walk(xml: &str, out: &mut Out<'_>) -> Result<(), Refusal> {
    let mut reader = Reader::from_str(xml);
    let mut path: Vec<String> = Vec::new();
    let (mut around, mut text) = (Around::default(), String::new());
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let line =
            || xml.as_bytes().get(..at).unwrap_or_default().iter().filter(|b| **b == b'\n').count();
        let event = reader
            .read_event()
            .map_err(|error| crate::zipped::damaged(&error.to_string()).at(Place::line(line())))?;
        match event {
            Event::Start(tag) | Event::Empty(tag) if path.len() >= DEEPEST => {
                drop(tag);
                return Err(Refusal::new(
                    format!("XML lồng sâu hơn {DEEPEST} tầng"),
                    format!("XML is nested deeper than {DEEPEST}"),
                ));
            }
            Event::Empty(tag) => note(tag.name().local_name().into_inner(), &tag, &mut around),
            Event::Start(tag) => {
                let name = tag.name().local_name().into_inner().to_owned();
                note(&name, &tag, &mut around);
                text.clear();
                path.push(name);
            }
            Event::Text(part) => text.push_str(&part),
            Event::CData(part) => text.push_str(&part),
            Event::GeneralRef(name) => text.extend(entity(&name)),
            Event::End(tag) => {
                let name = tag.name().local_name().into_inner().to_owned();
                path.pop();
                let value = std::mem::take(&mut text);
                if name == "Title" || name == "short_description" {
                    value.trim().clone_into(&mut around.title);
                }
                if !value.trim().is_empty() {
                    let place = Place { line: number(line()), ..Place::default() };
                    taken(&name, value.trim(), &around, &place, out);
                }
            }
            Event::Eof => {
                return match path.is_empty() {
                    true => Ok(()),
                    false => Err(crate::zipped::damaged("</...>").at(Place::line(line()))),
                };
            }
            _ => {}
        }
    }
}

fn note(name: &str, tag: &quick_xml::events::BytesStart<'_>, around: &mut Around) {
    match name {
        "IndicatorItem" => around.condition = attribute(tag, "condition").unwrap_or_default(),
        "Context" => around.search = attribute(tag, "search").unwrap_or_default(),
        "Properties" => around.object = attribute(tag, "type").unwrap_or_default(),
        "Value" | "Address_Value" | "Hostname_Value" => {
            around.condition = attribute(tag, "condition").unwrap_or_default();
        }
        _ => {}
    }
}

/// The column of a value, if the element holds one.
fn column(name: &str, around: &Around) -> Option<Column> {
    match name {
        "Content" => {
            let search = around.search.to_lowercase();
            let has = |words: &[&str]| words.iter().any(|word| search.contains(word));
            Some(if has(&["md5", "sha1", "sha256", "hash"]) {
                Column::Hash
            } else if has(&["useragent", "user-agent"]) {
                Column::UserAgent
            } else if has(&["network/dns", "dnsentry", "hostname", "recordname", "host/"]) {
                Column::Domain
            } else if has(&["url", "uri"]) {
                Column::Url
            } else if has(&["ip", "routeentry", "portitem"]) {
                Column::Ip
            } else {
                return None;
            })
        }
        "Address_Value" => Some(Column::Ip),
        "Hostname_Value" => Some(Column::Domain),
        "Simple_Hash_Value" => Some(Column::Hash),
        "Value" if around.object.contains("DomainName") => Some(Column::Domain),
        "Value" if around.object.contains("URI") || around.object.contains("Link") => {
            Some(Column::Value)
        }
        _ => None,
    }
}

fn taken(name: &str, value: &str, around: &Around, place: &Place, out: &mut Out<'_>) {
    let Some(column) = column(name, around) else {
        if name == "Content" {
            let reason = Reason::new(
                format!("{}: không nhìn thấy được trên đường truyền", around.search),
                format!("{}: not visible on the wire", around.search),
            );
            out.refused(place.clone(), value, reason);
        }
        return;
    };
    let facts = Facts { note: around.title.clone(), ..Facts::default() };
    let whole = matches!(around.condition.to_lowercase().as_str(), "" | "is" | "equals" | "equal");
    let list = value.split("##comma##").flat_map(|part| part.split("@,@"));
    for one in list.map(str::trim).filter(|one| !one.is_empty()) {
        let found: Vec<Finding> = table::value(one, column);
        for finding in found {
            let finding = match whole {
                true => finding,
                false => finding.doubted(Reason::new(
                    format!("điều kiện {:?}, không phải trùng trọn vẹn", around.condition),
                    format!("its condition is {:?}, not a whole match", around.condition),
                )),
            };
            out.finding(place.clone(), &finding, &facts);
        }
    }
}
