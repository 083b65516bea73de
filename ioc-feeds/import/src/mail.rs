//! Mails: the text as it was meant, and what is attached.

use mailparse::{DispositionType, MailHeaderMap, ParsedMail, parse_mail};

use crate::zipped::damaged;
use crate::{Out, Refusal, html, prose};

/// Do these lines begin a mail?
pub(crate) fn looks_like(lines: &[&str]) -> bool {
    const KNOWN: [&str; 13] = [
        "from",
        "to",
        "subject",
        "date",
        "received",
        "return-path",
        "message-id",
        "mime-version",
        "content-type",
        "delivered-to",
        "dkim-signature",
        "x-mailer",
        "reply-to",
    ];
    let mut known = 0;
    for line in lines.iter().take(20) {
        let Some((name, _)) = line.split_once(':') else { continue };
        known += usize::from(KNOWN.contains(&name.to_lowercase().as_str()));
    }
    let first = lines.first().and_then(|line| line.split_once(':')).is_some_and(|(name, _)| {
        !name.contains(' ') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    });
    first && known >= 3
}

/// Most parts that are read.
const PARTS: usize = 500;

/// Reads a mail.
pub(crate) fn read(bytes: &[u8], out: &mut Out<'_>) -> Result<(), Refusal> {
    let mail = parse_mail(bytes).map_err(|error| damaged(&error.to_string()))?;
    let mut waiting = vec![&mail];
    let mut read = 0;
    while let Some(part) = waiting.pop() {
        read += 1;
        if read > PARTS {
            return Err(Refusal::new(
                format!("thư có hơn {PARTS} phần"),
                format!("a mail with more than {PARTS} parts"),
            ));
        }
        let kind = part.ctype.mimetype.to_lowercase();
        if kind == "multipart/alternative" {
            waiting.extend(chosen(part));
        } else if kind.starts_with("multipart/") {
            waiting.extend(part.subparts.iter().rev());
        } else {
            one(part, &kind, out)?;
        }
    }
    Ok(())
}

/// Of several spellings of one text: the plain one, unless it is empty.
fn chosen<'m, 'b>(part: &'m ParsedMail<'b>) -> Option<&'m ParsedMail<'b>> {
    let plain = part.subparts.iter().find(|one| {
        one.ctype.mimetype == "text/plain"
            && one.get_body().is_ok_and(|body| !body.trim().is_empty())
    });
    plain.or_else(|| part.subparts.last())
}

fn one(part: &ParsedMail<'_>, kind: &str, out: &mut Out<'_>) -> Result<(), Refusal> {
    let disposition = part.get_content_disposition();
    let name =
        disposition.params.get("filename").or_else(|| part.ctype.params.get("name")).cloned();
    let attached = disposition.disposition == DispositionType::Attachment || name.is_some();
    if attached || kind == "message/rfc822" {
        let body = part.get_body_raw().map_err(|error| damaged(&error.to_string()))?;
        let name = name
            .or_else(|| part.headers.get_first_value("Subject"))
            .unwrap_or_else(|| kind.to_owned());
        let mut inner = out.within(&name);
        // What is attached and cannot be read is said; the rest of the mail is.
        if let Err(refusal) = crate::read(&body, None, &mut inner) {
            inner.refused(refusal.place, &name, refusal.why);
        }
        return Ok(());
    }
    if !kind.starts_with("text/") && !kind.is_empty() {
        return Ok(());
    }
    let body = part.get_body_raw().map_err(|error| damaged(&error.to_string()))?;
    let text = crate::text::decode_as(&body, &part.ctype.charset);
    match kind {
        "text/html" => html::read(&text, out),
        _ => prose::numbered(&text, out),
    }
    Ok(())
}
