//! JSON: which of the exports it is, and those that are no more than fields with names.

use ioc_feeds::Reason;
use ioc_feeds::handover::{Place, number};
use ioc_feeds::judge::table::{self, Columns};
use ioc_feeds::judge::{Column, line};
use serde_json::Value;

use crate::detect::Told;
use crate::{Out, Refusal, grid, misp, separated, stix};

/// Does a text that begins with `[` hold JSON? A list of addresses may begin so too.
pub(crate) fn looks_like(text: &str) -> bool {
    let inside = text.trim_start_matches(['[', ' ', '\n', '\r', '\t']);
    inside.starts_with(['{', '"', ']']) && !inside.starts_with("\"]")
}

/// Reads a document, or one of a document a line.
pub(crate) fn read(text: &str, told: &Told, out: &mut Out<'_>) -> Result<(), Refusal> {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => {
            tell(&value, told, out);
            one(&value, &Place::default(), out)
        }
        Err(error) => {
            let rows: Vec<(usize, &str)> =
                text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).collect();
            let whole =
                |text: &str| text.trim_start().starts_with('{') && text.trim_end().ends_with('}');
            if rows.len() > 1 && rows.iter().all(|(_, line)| whole(line)) {
                return by_line(&rows, told, out);
            }
            Err(broken(&error, 0))
        }
    }
}

fn broken(error: &serde_json::Error, above: usize) -> Refusal {
    let line = error.line() + above;
    let place = Place { line: u32::try_from(line).unwrap_or(u32::MAX), ..Place::default() };
    Refusal::new(format!("JSON hỏng: {error}"), format!("broken JSON: {error}")).at(place)
}

fn by_line(rows: &[(usize, &str)], told: &Told, out: &mut Out<'_>) -> Result<(), Refusal> {
    told.tell("JSON, mỗi dòng một đối tượng", "JSON, one object a line", out);
    let mut values = Vec::new();
    for (at, text) in rows {
        let value = serde_json::from_str::<Value>(text).map_err(|error| broken(&error, *at))?;
        values.push(value);
    }
    if values.iter().any(|value| {
        text(value, "type").is_some_and(|kind| kind == "indicator" || kind == "bundle")
    }) {
        let objects: Vec<&Value> = values.iter().flat_map(stix::objects).collect();
        stix::read(&objects, &Place::default(), out);
        return Ok(());
    }
    for (value, (at, _)) in values.iter().zip(rows) {
        one(value, &Place::line(*at), out)?;
    }
    Ok(())
}

/// A field that is text.
pub(crate) fn text<'v>(value: &'v Value, field: &str) -> Option<&'v str> {
    value.get(field).and_then(Value::as_str)
}

fn tell(value: &Value, told: &Told, out: &mut Out<'_>) {
    let (vi, en) = if misp::is_event(value) {
        ("MISP JSON", "MISP JSON")
    } else if stix::is_bundle(value) {
        ("STIX 2", "STIX 2")
    } else if value.get("objects").is_some() {
        ("TAXII (STIX 2)", "a TAXII envelope (STIX 2)")
    } else if value.get("pulse_info").is_some()
        || value.get("indicators").is_some()
        || value.get("results").is_some()
    {
        ("OTX hoặc danh sách indicators (JSON)", "an OTX pulse or a list of indicators (JSON)")
    } else {
        ("JSON", "JSON")
    };
    told.tell(vi, en, out);
}

fn one(value: &Value, place: &Place, out: &mut Out<'_>) -> Result<(), Refusal> {
    if let Some(refusal) = unusable(value) {
        return Err(refusal);
    }
    if misp::is_event(value) {
        misp::read(value, place, out);
        return Ok(());
    }
    if stix::is_bundle(value) || value.get("objects").is_some_and(Value::is_array) {
        stix::read(&stix::objects(value), place, out);
        return Ok(());
    }
    let mut found = Found::default();
    fields(value, place, &mut found, out);
    if found.values == 0 {
        return Err(Refusal::new(
            "JSON không có trường nào là chỉ dấu (indicator, ioc, value, domain, ip, url ...)",
            "JSON without a field of indicators (indicator, ioc, value, domain, ip, url ...)",
        ));
    }
    Ok(())
}

/// Lists beside indicators, which must not be taken for them.
fn unusable(value: &Value) -> Option<Refusal> {
    if value.get("matching_attributes").is_some() {
        return Some(Refusal::new(
            "là danh sách cảnh báo (warninglist) của MISP: kể những gì vô hại, không phải dấu hiệu",
            "is a warning list of MISP: it names what is innocent, not indicators",
        ));
    }
    let first = value.as_object().and_then(|map| map.values().next())?;
    (first.get("info").is_some() && first.get("Orgc").is_some() && value.get("Event").is_none())
        .then(|| {
            Refusal::new(
                "là manifest của một nguồn MISP: hãy nạp các tệp <uuid>.json bên cạnh",
                "is the manifest of a MISP feed: import the <uuid>.json beside it",
            )
        })
}

#[derive(Default)]
struct Found {
    values: usize,
    objects: usize,
}

/// Deepest nesting; `serde_json` itself stops at 128.
const DEEPEST: usize = 32;

/// Looks for objects with fields of indicators, without recursion.
fn fields(value: &Value, place: &Place, found: &mut Found, out: &mut Out<'_>) {
    let mut waiting = vec![(value, 0_usize, None::<&str>)];
    while let Some((value, depth, name)) = waiting.pop() {
        if depth > DEEPEST {
            out.note(
                place.clone(),
                format!("lồng sâu hơn {DEEPEST} tầng, bỏ qua"),
                format!("nested deeper than {DEEPEST}, passed over"),
            );
            continue;
        }
        match value {
            Value::Array(list) => {
                let strings = list.iter().filter_map(Value::as_str).count();
                if strings == list.len() && !list.is_empty() {
                    let column = name.map_or(Some(Column::Value), listed);
                    words(list, column, place, found, out);
                } else {
                    waiting.extend(list.iter().rev().map(|item| (item, depth + 1, None)));
                }
            }
            Value::Object(map) => {
                found.objects += 1;
                if stix1(value, place, found, out) || object(value, place, found, out) {
                    // What is nested in an object that was read (a pulse in an indicator) describes it.
                    continue;
                }
                waiting.extend(
                    map.iter().rev().map(|(name, item)| (item, depth + 1, Some(name.as_str()))),
                );
            }
            _ => {}
        }
    }
}

/// The column of a list of texts by its name: `domains`, `ips`; `tags` is none.
fn listed(name: &str) -> Option<Column> {
    separated::column_of(name).filter(|column| column.is_indicator())
}

fn words(
    list: &[Value],
    column: Option<Column>,
    place: &Place,
    found: &mut Found,
    out: &mut Out<'_>,
) {
    let Some(column) = column else { return };
    for (at, text) in list.iter().filter_map(Value::as_str).enumerate() {
        if !line::is_value(&ioc_feeds::refang::refang(text.trim()).text, Some(column))
            && column == Column::Value
            && !text.contains('.')
        {
            continue;
        }
        found.values += 1;
        let place = Place { cell: number(at), ..place.clone() };
        for finding in table::value(text, column) {
            out.finding(place.clone(), &finding, &table::Facts::default());
        }
    }
}

/// An object as the row of a table. True if it held an indicator.
fn object(value: &Value, place: &Place, found: &mut Found, out: &mut Out<'_>) -> bool {
    let Some(map) = value.as_object() else { return false };
    let mut columns: Columns = Vec::new();
    let mut cells: Vec<String> = Vec::new();
    for (name, value) in map {
        let cell = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Array(list) if list.iter().all(Value::is_string) => {
                list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
            }
            _ => continue,
        };
        columns.push(separated::column_of(name));
        cells.push(cell);
    }
    let telling = |column: &Option<Column>| column.is_some_and(Column::is_indicator);
    let some = columns.iter().zip(&cells).any(|(column, cell)| telling(column) && !cell.is_empty());
    if !some {
        return false;
    }
    // A name of a list (`host` of a report) is no indicator when a value with its type is there.
    if columns.contains(&Some(Column::Value)) {
        for column in &mut columns {
            if matches!(column, Some(Column::Hostname | Column::Domain | Column::Url)) {
                *column = None;
            }
        }
    }
    found.values += 1;
    let place = match place.line {
        0 => Place { line: number(found.values - 1), ..place.clone() },
        _ => place.clone(),
    };
    let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
    if map.get("is_active").is_some_and(|active| active == 0 || active == false) {
        let shown = cells.first().copied().unwrap_or_default();
        out.refused(
            place,
            shown,
            Reason::new("không còn hoạt động (is_active)", "no longer active (is_active)"),
        );
        return true;
    }
    grid::headed(&columns, &cells, &place, out);
    true
}

/// An object of CybOX in the JSON of STIX 1.
fn stix1(value: &Value, place: &Place, found: &mut Found, out: &mut Out<'_>) -> bool {
    let Some(kind) = text(value, "xsi:type") else { return false };
    let field = |names: &[&str]| {
        names.iter().find_map(|name| match value.get(*name)? {
            Value::String(text) => Some(text.clone()),
            Value::Object(inner) => inner.get("value").and_then(Value::as_str).map(str::to_owned),
            _ => None,
        })
    };
    let (column, values) = match kind {
        "DomainNameObjectType" => (Column::Domain, field(&["value"])),
        "HostnameObjectType" => (Column::Domain, field(&["hostname_value", "value"])),
        "URIObjectType" | "LinkObjectType" => (Column::Value, field(&["value"])),
        "AddressObjectType" => (Column::Ip, field(&["address_value"])),
        _ => return false,
    };
    for one in values.iter().flat_map(|text| text.split("##comma##")) {
        found.values += 1;
        for finding in table::value(one, column) {
            out.finding(place.clone(), &finding, &table::Facts::default());
        }
    }
    true
}
