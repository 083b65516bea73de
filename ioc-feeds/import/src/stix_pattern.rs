//! Patterns of STIX 2 (section 9 of the standard): comparisons for equality, joined by AND and OR,
//! become values; anything that needs order, time or likeness does not.

use ioc_feeds::judge::Column;

/// One value that a pattern compares with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Compared {
    /// What it is.
    pub column: Column,
    /// The value; an endpoint as `address:port`.
    pub value: String,
    /// A port was named beside a name, which a name cannot have.
    pub port_lost: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

/// Reads a pattern: its values, or the word that cannot be taken.
pub(crate) fn read(pattern: &str) -> Result<Vec<Compared>, String> {
    let tokens = tokens(pattern)?;
    let mut found = Vec::new();
    let mut group: Vec<(String, String)> = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            Token::Word(word) => match word.to_ascii_uppercase().as_str() {
                "OR" => flush(&mut group, &mut found)?,
                "AND" => {}
                bad @ ("FOLLOWEDBY" | "WITHIN" | "REPEATS" | "START" | "STOP" | "NOT"
                | "EXISTS") => {
                    return Err(bad.to_owned());
                }
                _ => {
                    let (values, next) = comparison(&tokens, at + 1)?;
                    // Each value of a set is an alternative.
                    if let [value] = values.as_slice() {
                        group.push((word.clone(), value.clone()));
                    } else {
                        for value in values {
                            flush(&mut vec![(word.clone(), value)], &mut found)?;
                        }
                    }
                    at = next;
                    continue;
                }
            },
            Token::Sign(']') => flush(&mut group, &mut found)?,
            Token::Sign(_) => {}
            Token::Text(text) => return Err(text.clone()),
        }
        at += 1;
    }
    flush(&mut group, &mut found)?;
    if found.is_empty() { Err(pattern.chars().take(60).collect()) } else { Ok(found) }
}

/// `= 'x'`, `IN ('x', 'y')`, `ISSUBSET 'x'`: the values, and what follows.
fn comparison(tokens: &[Token], at: usize) -> Result<(Vec<String>, usize), String> {
    let word = |token: Option<&Token>| match token {
        Some(Token::Word(word)) => word.to_ascii_uppercase(),
        Some(Token::Sign(sign)) => sign.to_string(),
        Some(Token::Text(text)) => text.clone(),
        None => String::new(),
    };
    let operator = word(tokens.get(at));
    let one = |at: usize| match tokens.get(at) {
        Some(Token::Text(text) | Token::Word(text)) => Ok(text.clone()),
        other => Err(format!("{other:?}")),
    };
    match operator.as_str() {
        "=" | "ISSUBSET" => Ok((vec![one(at + 1)?], at + 2)),
        "IN" => {
            let mut values = Vec::new();
            let mut next = at + 1;
            while let Some(token) = tokens.get(next) {
                next += 1;
                match token {
                    Token::Text(text) | Token::Word(text) => values.push(text.clone()),
                    Token::Sign(')') => break,
                    Token::Sign(_) => {}
                }
            }
            Ok((values, next))
        }
        other => Err(other.to_owned()),
    }
}

fn tokens(pattern: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => {
                let mut text = String::new();
                loop {
                    match letters.next() {
                        Some('\\') => text.extend(letters.next()),
                        Some('\'') => break,
                        Some(other) => text.push(other),
                        None => return Err("'".into()),
                    }
                }
                found.push(Token::Text(text));
            }
            '[' | ']' | '(' | ')' | ',' | '=' => found.push(Token::Sign(letter)),
            '!' | '<' | '>' => return Err(letter.into()),
            c if c.is_whitespace() => {}
            c => {
                // A path: it may hold quoted parts and an index in brackets.
                let mut word = String::from(c);
                while let Some(next) = letters.peek().copied() {
                    if next == '\'' && word.ends_with('.') {
                        word.push(next);
                        letters.next();
                        for inner in letters.by_ref() {
                            word.push(inner);
                            if inner == '\'' {
                                break;
                            }
                        }
                    } else if next == '[' && word.contains(':') {
                        for inner in letters.by_ref() {
                            word.push(inner);
                            if inner == ']' {
                                break;
                            }
                        }
                    } else if next.is_whitespace() || "[](),=!<>'".contains(next) {
                        break;
                    } else {
                        word.push(next);
                        letters.next();
                    }
                }
                found.push(Token::Word(word));
            }
        }
    }
    Ok(found)
}

/// What is joined by AND is one thing: an address with its port, a name with its address.
fn flush(group: &mut Vec<(String, String)>, found: &mut Vec<Compared>) -> Result<(), String> {
    let group = std::mem::take(group);
    if group.is_empty() {
        return Ok(());
    }
    let port =
        group.iter().find(|(path, _)| path.ends_with("dst_port")).map(|(_, value)| value.clone());
    let before = found.len();
    let mut unknown = None;
    for (path, value) in &group {
        let lower = path.to_ascii_lowercase();
        let column = if lower.starts_with("domain-name:value") {
            Column::Domain
        } else if lower.ends_with("resolves_to_refs[*].value")
            || lower.starts_with("ipv4-addr:value")
            || lower.starts_with("ipv6-addr:value")
            || lower.ends_with("_ref.value")
        {
            Column::Value
        } else if lower.starts_with("url:value") {
            Column::Url
        } else if lower.contains("request_header.") && lower.contains("host") {
            Column::Domain
        } else if lower.contains("request_header.") && lower.contains("user-agent") {
            Column::UserAgent
        } else if lower.starts_with("x509-certificate:hashes") && lower.contains("sha-1") {
            Column::CertSha1
        } else if lower.contains("hashes") {
            Column::Hash
        } else if lower.starts_with("file:name") {
            Column::FileName
        } else if lower.starts_with("email-addr:") {
            Column::Mail
        } else {
            if !lower.ends_with("port") && !lower.ends_with(".type") && !lower.contains("protocols")
            {
                unknown = Some(path.clone());
            }
            continue;
        };
        let address = column == Column::Value && value.parse::<std::net::IpAddr>().is_ok();
        let value = match (&port, address) {
            (Some(port), true) if value.contains(':') => format!("[{value}]:{port}"),
            (Some(port), true) => format!("{value}:{port}"),
            _ => value.clone(),
        };
        let port_lost = port.is_some() && column == Column::Domain;
        found.push(Compared { column, value, port_lost });
    }
    match unknown {
        Some(path) if found.len() == before => Err(path),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pattern: &str) -> Vec<String> {
        match read(pattern) {
            Ok(found) => found.into_iter().map(|one| one.value).collect(),
            Err(word) => vec![format!("!{word}")],
        }
    }

    #[test]
    fn every_form_that_stands_for_values_gives_them() {
        for (pattern, expected) in [
            ("[domain-name:value = 'bad.example']", &["bad.example"][..]),
            ("[domain-name:value='bad.example']", &["bad.example"]),
            ("[ipv4-addr:value ISSUBSET '198.51.100.0/24']", &["198.51.100.0/24"]),
            ("[url:value = 'http://bad.example/a\\'b']", &["http://bad.example/a'b"]),
            (
                "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '198.51.100.7' AND network-traffic:dst_port = 6677]",
                &["198.51.100.7:6677"],
            ),
            (
                "[network-traffic:dst_ref.value = '198.51.100.7' AND network-traffic:dst_port = '6677']",
                &["198.51.100.7:6677"],
            ),
            ("[domain-name:value IN ('a.example', 'b.example')]", &["a.example", "b.example"]),
            (
                "[domain-name:value = 'a.example'] OR [ipv4-addr:value = '198.51.100.7']",
                &["a.example", "198.51.100.7"],
            ),
            (
                "[domain-name:value = 'a.example' OR domain-name:value = 'b.example']",
                &["a.example", "b.example"],
            ),
            (
                "[domain-name:value = 'a.example' AND domain-name:resolves_to_refs[*].value = '198.51.100.7']",
                &["a.example", "198.51.100.7"],
            ),
            (
                "[network-traffic:extensions.'http-request-ext'.request_header.'Host' = 'bad.example']",
                &["bad.example"],
            ),
            ("[x509-certificate:hashes.'SHA-1' = '00']", &["00"]),
            ("[domain-name:value LIKE '%.example']", &["!LIKE"]),
            ("[domain-name:value MATCHES 'x']", &["!MATCHES"]),
            (
                "[domain-name:value = 'a.example'] FOLLOWEDBY [ipv4-addr:value = '198.51.100.7']",
                &["!FOLLOWEDBY"],
            ),
            ("[NOT domain-name:value = 'a.example']", &["!NOT"]),
            ("[domain-name:value != 'a.example']", &["!!"]),
            ("[process:name = 'x']", &["!process:name"]),
        ] {
            assert_eq!(values(pattern), expected, "{pattern}");
        }
    }
}
