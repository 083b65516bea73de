//! Rules of Suricata and Snort: the addresses of their headers, and the names that they compare as
//! a whole. What a rule looks for beyond that is not for a list of indicators.

use ioc_feeds::Reason;
use ioc_feeds::handover::{Place, number};
use ioc_feeds::judge::table::Facts;
use ioc_feeds::judge::{Column, table};

use crate::Out;

const ACTIONS: [&str; 7] = ["alert", "drop", "reject", "pass", "log", "block", "rejectsrc"];

fn is_rule(line: &str) -> bool {
    let line = line.trim_start_matches(['#', ' ']);
    let action = line.split_whitespace().next().unwrap_or_default();
    ACTIONS.contains(&action) && line.contains("->") && line.contains('(') && line.contains("sid:")
}

/// Are these lines rules?
pub(crate) fn looks_like(lines: &[&str]) -> bool {
    lines.iter().any(|line| !line.starts_with('#') && is_rule(line))
}

/// Reads rules, one a line; those that are switched off by a `#` are not read.
pub(crate) fn read(text: &str, out: &mut Out<'_>) {
    let mut off = 0_usize;
    let mut whole = String::new();
    let mut first = 0;
    for (at, line) in text.lines().enumerate() {
        if whole.is_empty() {
            first = at;
        }
        // A rule may go on behind a backslash.
        if let Some(part) = line.trim_end().strip_suffix('\\') {
            whole.push_str(part);
            continue;
        }
        whole.push_str(line.trim());
        let rule = std::mem::take(&mut whole);
        if rule.is_empty() || rule.starts_with('#') {
            off += usize::from(is_rule(&rule));
            continue;
        }
        one(&rule, &Place { line: number(first), ..Place::default() }, out);
    }
    if off > 0 {
        out.note(
            Place::default(),
            format!("{off} luật đã bị tắt"),
            format!("{off} rules are switched off"),
        );
    }
}

fn one(rule: &str, place: &Place, out: &mut Out<'_>) {
    let (head, body) = rule.split_once('(').unwrap_or((rule, ""));
    let options = options(body.trim_end().trim_end_matches(')'));
    let message = options.iter().find(|(key, _)| key == "msg").map(|(_, value)| unquoted(value));
    let facts = Facts {
        note: message.clone().unwrap_or_default(),
        reference: options
            .iter()
            .find_map(|(key, value)| {
                (key == "reference").then(|| value.strip_prefix("url,")).flatten()
            })
            .map(|url| if url.contains("://") { url.to_owned() } else { format!("https://{url}") })
            .unwrap_or_default(),
        ..Facts::default()
    };
    if head.trim_start().starts_with("pass") {
        out.refused(
            place.clone(),
            &short(rule),
            Reason::new("luật cho qua (pass)", "a rule that lets pass"),
        );
        return;
    }
    let mut found = 0;
    for value in addresses(head).into_iter().chain(names(&options)) {
        for finding in table::value(&value, Column::Value) {
            found += 1;
            out.finding(place.clone(), &finding, &facts);
        }
    }
    if found == 0 {
        out.refused(
            place.clone(),
            &message.unwrap_or_else(|| short(rule)),
            Reason::new(
                "luật không so sánh trọn một tên (dns.query, tls.sni, http.host) và không nêu địa chỉ",
                "a rule that compares no whole name (dns.query, tls.sni, http.host) and names no address",
            ),
        );
    }
}

fn short(rule: &str) -> String {
    rule.chars().take(80).collect()
}

/// Options with their values, in order; semicolons within quotes are the value's.
fn options(body: &str) -> Vec<(String, String)> {
    let (mut list, mut text, mut quoted, mut guarded) = (Vec::new(), String::new(), false, false);
    for letter in body.chars() {
        match letter {
            '"' if !guarded => quoted = !quoted,
            ';' if !quoted && !guarded => {
                let (key, value) = text.split_once(':').unwrap_or((&text, ""));
                list.push((key.trim().to_lowercase(), value.trim().to_owned()));
                text.clear();
                continue;
            }
            _ => {}
        }
        guarded = letter == '\\' && !guarded;
        text.push(letter);
    }
    list
}

fn unquoted(value: &str) -> String {
    value.trim().trim_start_matches('!').trim_matches('"').replace("\\;", ";").replace("\\\"", "\"")
}

/// Buffers that hold a whole name or host.
const BUFFERS: [&str; 9] = [
    "dns.query",
    "dns_query",
    "tls.sni",
    "tls_sni",
    "http.host",
    "http_host",
    "quic.sni",
    "http.host.raw",
    "dns.queries.rrname",
];

/// The contents of buffers that hold a name, for whole names only.
fn names(options: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    let mut within = false;
    for (at, (key, value)) in options.iter().enumerate() {
        if BUFFERS.contains(&key.as_str()) {
            within = true;
        } else if key.contains('.') && !key.starts_with("pcre") {
            within = false;
        }
        // Snort and old Suricata name the buffer behind the content.
        let rest = options.get(at + 1..).unwrap_or_default();
        let behind = rest
            .iter()
            .take_while(|(next, _)| next != "content")
            .any(|(next, _)| BUFFERS.contains(&next.as_str()));
        if key == "content" && (within || behind) && !value.trim_start().starts_with('!') {
            let text = unquoted(value);
            let below = text.starts_with('.');
            let bare = text.trim_start_matches('.');
            // A content that is a part of a name would match others.
            let whole = bare.contains('.') && !text.contains('|') && !text.ends_with('.');
            if whole {
                found.push(if below { format!("*.{bare}") } else { bare.to_owned() });
            }
        }
    }
    found
}

/// Addresses of the header, lists of them too; variables and negations are none.
fn addresses(head: &str) -> Vec<String> {
    let words: Vec<&str> = head.split_whitespace().collect();
    let text = words.join(" ");
    let Some((source, target)) = text.split_once("->").or_else(|| text.split_once("<>")) else {
        return Vec::new();
    };
    let side = |side: &str, skip: usize| {
        let mut parts = Vec::new();
        let (mut depth, mut part) = (0_i32, String::new());
        for letter in side.trim().chars() {
            depth += i32::from(letter == '[') - i32::from(letter == ']');
            if letter == ' ' && depth == 0 {
                parts.push(std::mem::take(&mut part));
            } else {
                part.push(letter);
            }
        }
        parts.push(part);
        let address = parts.get(skip).cloned().unwrap_or_default();
        let port = parts.get(skip + 1).cloned().unwrap_or_default();
        (address, port)
    };
    let mut found = Vec::new();
    for (list, port) in [side(source, 2), side(target, 0)] {
        if list.contains('!') {
            continue;
        }
        for one in list.trim_matches(['[', ']']).split(',').map(str::trim) {
            let is_address =
                one.split('/').next().is_some_and(|a| a.parse::<std::net::IpAddr>().is_ok());
            let number: Option<u16> = port.parse().ok();
            match (is_address, number.filter(|_| !one.contains('/'))) {
                (true, Some(port)) if one.contains(':') => found.push(format!("[{one}]:{port}")),
                (true, Some(port)) => found.push(format!("{one}:{port}")),
                (true, None) => found.push(one.to_owned()),
                (false, _) => {}
            }
        }
    }
    found
}
