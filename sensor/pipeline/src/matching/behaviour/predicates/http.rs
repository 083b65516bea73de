//! Predicates over HTTP in clear text: requests, and the heads of responses.

use super::Answer;
use crate::observation::HttpRequest;

/// The head of a response and what is shown of its body.
fn response(bytes: &[u8]) -> Result<(&[u8], &[u8]), Answer> {
    let after = |at: usize| match bytes.get(at + 1..).unwrap_or_default() {
        [b'\r', b'\n', ..] => Some(at + 3),
        [b'\n', ..] => Some(at + 2),
        _ => None,
    };
    let end = memchr::memchr_iter(b'\n', bytes).find_map(after);
    end.and_then(|end| bytes.split_at_checked(end)).ok_or(Answer::Wait)
}

/// Most responses say what they are, and that it is something else, before their head has ended.
pub(super) fn hta_response(bytes: &[u8]) -> Answer {
    let mut ends = memchr::memchr_iter(b'\n', bytes);
    let mut start = ends.next().map_or(bytes.len(), |end| end + 1);
    for end in ends {
        let line = bytes.get(start..end).unwrap_or_default();
        start = end + 1;
        if matches!(line, b"" | b"\r") {
            return Answer::No;
        }
        let Some(kind) = value(line, b"content-type") else { continue };
        let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
        return match kind.trim_ascii().eq_ignore_ascii_case(b"application/hta") {
            true => response(bytes).map_or_else(|answer| answer, |_| Answer::Yes),
            false => Answer::No,
        };
    }
    Answer::Wait
}

pub(super) fn msi_for_picture(bytes: &[u8], picture: bool) -> Answer {
    const COMPOUND: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
    match response(bytes) {
        Ok((_, body)) if body.len() < COMPOUND.len() && COMPOUND.starts_with(body) => Answer::Wait,
        Ok((head, body)) => {
            let kind = || header(head, "content-type").unwrap_or_default();
            (body.starts_with(COMPOUND) && (picture || kind().starts_with(b"image/"))).into()
        }
        Err(answer) => answer,
    }
}

/// The fields of a head: name and trimmed value, first line passed over.
pub(in crate::matching::behaviour) fn headers(head: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    lines(head).filter_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        let (name, value) = line.split_at_checked(colon)?;
        Some((name.trim_ascii(), value.get(1..)?.trim_ascii()))
    })
}

/// The lines of a head behind its first one.
fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = head;
    let mut line = move || {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest.get(..end).filter(|_| !rest.is_empty())?;
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(line)
    };
    let _ = line();
    std::iter::from_fn(line)
}

/// The trimmed value of a line if it is the field of this name.
fn value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let line = line.trim_ascii_start();
    // Other names end at their first letter.
    if !line.first()?.eq_ignore_ascii_case(name.first()?) {
        return None;
    }
    let (start, rest) = line.split_at_checked(name.len())?;
    let value = start.eq_ignore_ascii_case(name).then(|| rest.trim_ascii_start())?;
    Some(value.strip_prefix(b":")?.trim_ascii())
}

pub(super) fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a [u8]> {
    lines(head).find_map(|line| value(line, name.as_bytes()))
}

/// Do headers of these names follow each other in this order (others may stand between)?
pub(in crate::matching::behaviour) fn in_order(head: &[u8], names: &[String]) -> bool {
    let mut fields = headers(head);
    names.iter().all(|name| fields.any(|(field, _)| field.eq_ignore_ascii_case(name.as_bytes())))
}

/// Does a path end so, in any case?
pub(in crate::matching::behaviour) fn ends_with(path: &[u8], end: &[u8]) -> bool {
    let tail = path.len().checked_sub(end.len()).and_then(|at| path.get(at..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// The target from its first `/`, without the query.
pub(in crate::matching::behaviour) fn path(target: &[u8]) -> &[u8] {
    let target = origin(target);
    target.get(..memchr::memchr2(b'?', b'#', target).unwrap_or(target.len())).unwrap_or(target)
}

/// The target from its first `/`: scheme and authority of an absolute one are passed over.
pub(in crate::matching::behaviour) fn origin(target: &[u8]) -> &[u8] {
    if target.first() == Some(&b'/') {
        return target;
    }
    let Some(at) = memchr::memmem::find(target, b"://") else { return target };
    let rest = target.get(at + 3..).unwrap_or_default();
    memchr::memchr(b'/', rest).and_then(|slash| rest.get(slash..)).unwrap_or(b"/")
}

/// An action of older RedLine builds, with or without quotation mark and scheme.
pub(super) fn soap_action(head: &[u8]) -> bool {
    let action = header(head, "soapaction").unwrap_or_default();
    let action = action.strip_prefix(b"\"").unwrap_or(action);
    let action = action.strip_prefix(b"http://").unwrap_or(action);
    action.starts_with(b"tempuri.org/Endpoint/") || action.starts_with(b"tempuri.org/IRemotePanel/")
}

/// Base64 of hexadecimal pairs, each followed by a comma: every group of four characters comes
/// from few letters. Six groups by accident: about one in 10^27.
pub(super) fn loader_token(path: &[u8]) -> bool {
    let Some(rest) = [&b"/loader/"[..], b"/clpr/", b"/api/", b"/task/", b"/tasks/"]
        .iter()
        .find_map(|start| path.strip_prefix(*start))
    else {
        return false;
    };
    let token = rest.strip_prefix(b"screen/").unwrap_or(rest);
    let (groups, odd) = token.as_chunks::<4>();
    groups.len() >= 6 && odd.is_empty() && groups.iter().all(is_token_group)
}

fn is_token_group(group: &[u8; 4]) -> bool {
    let [a, b, c, d] = group;
    matches!(a, b'M'..=b'O' | b'Y' | b'Z')
        && b"DGTWjmz2".contains(b)
        && b"AEIMQUYcgk".contains(c)
        && *d == b's'
}

pub(super) fn update_wd(request: &HttpRequest<'_>) -> bool {
    let query = origin(request.target).strip_prefix(b"/update?wd=").unwrap_or_default();
    let digits = query.len() == 8 && query.iter().all(u8::is_ascii_alphanumeric);
    let family = ["x-debug", "x-request", "x-content", "x-storage"];
    digits && family.iter().any(|name| header(request.head, name).is_some())
}

pub(super) fn hex_path_and_cookie(request: &HttpRequest<'_>) -> bool {
    let digit = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'A'..=b'F');
    let name = origin(request.target).get(1..).unwrap_or_default();
    name.len() == 24
        && name.iter().all(digit)
        && header(request.head, "cookie").is_some_and(|cookie| {
            let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
            cookie.len() == 28 && cookie.iter().all(base64)
        })
}

/// Eight, four, four, four and twelve hexadecimal digits, in braces or not.
pub(super) fn is_guid(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"{").and_then(|text| text.strip_suffix(b"}")).unwrap_or(text);
    text.len() == 36
        && text.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
