//! A request head's lines (RFC 9112 3, 5): request line and fields, as sloppily as peers take them.
//!
//! Owns what a line is. Knows neither bodies nor connections.

use crate::extract::Probe;
use crate::extract::spelling::trim;

/// Longest method taken for one that we do not know. Servers limit the line, not the method.
const METHOD_LIMIT: usize = 4 * 1024;

/// Longest method waited for where it is not sure that a request begins.
const LIKELY_METHOD: usize = 32;

/// Longest field name waited for where it is not sure that a field begins.
const LIKELY_NAME: usize = 256;

/// Methods believed without seeing the end of the request line.
const METHODS: &[&[u8]] = &[
    b"GET",
    b"POST",
    b"HEAD",
    b"PUT",
    b"DELETE",
    b"OPTIONS",
    b"CONNECT",
    b"PATCH",
    b"TRACE",
    b"PROPFIND",
    b"M-SEARCH",
    b"NOTIFY",
    b"SUBSCRIBE",
    b"UNSUBSCRIBE",
    b"PROPPATCH",
    b"REPORT",
    b"SEARCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"PURGE",
    b"BITS_POST",
    b"RPC_IN_DATA",
    b"RPC_OUT_DATA",
];

/// The parts of a request line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RequestLine<'a> {
    /// Method as sent.
    pub(super) method: &'a [u8],
    /// Target as sent; may hold blanks and any other byte but a line end.
    pub(super) target: &'a [u8],
    /// `HTTP/1.1`; empty when missing.
    pub(super) version: &'a [u8],
}

/// Splits a request line (without its line end) at its first blank and before its version.
pub(super) fn request_line(line: &[u8]) -> RequestLine<'_> {
    let line = trim(line);
    let blank = line.iter().position(|byte| is_blank(*byte)).unwrap_or(line.len());
    let (method, rest) = line.split_at_checked(blank).unwrap_or((line, &[]));
    let rest = trim(rest);
    let last = rest.iter().rposition(|byte| is_blank(*byte)).map_or(0, |at| at + 1);
    let (target, version) = rest.split_at_checked(last).unwrap_or((rest, &[]));
    if is_version(version) && !target.is_empty() {
        RequestLine { method, target: trim(target), version }
    } else {
        RequestLine { method, target: rest, version: &[] }
    }
}

/// Is this the start of a request? Known methods before an origin-form or absolute target are
/// believed at once, any other token once its line ends in a version. So is `*`, which RTSP
/// (RFC 7826) shares. Blanks and line ends before it are passed over, as servers do.
pub(super) fn probe(bytes: &[u8]) -> Probe {
    let bytes = skip_leading(bytes);
    let blank = match method_end(bytes) {
        Ok(blank) => blank,
        Err(probe) => return probe,
    };
    let (method, rest) = bytes.split_at_checked(blank).unwrap_or((bytes, &[]));
    let target = skip_blanks(rest);
    let plain = target.first() == Some(&b'/')
        || target.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"http"));
    if METHODS.contains(&method) && plain {
        return Probe::Yes;
    }
    probe_line(bytes)
}

/// Does a request stand here, where a body or something else may stand as well? It must have a
/// plain request line with a version, and behind it a field or the end of the head. Unsure only
/// while that is likely.
pub(super) fn begins_request(bytes: &[u8]) -> Probe {
    let line = skip_line_ends(bytes);
    match method_end(line) {
        Err(Probe::Unsure) if line.len() > LIKELY_METHOD => return Probe::No,
        Err(probe) => return probe,
        Ok(_) if !may_become(line) => return Probe::No,
        Ok(_) => {}
    }
    let Some(end) = memchr::memchr(b'\n', line) else { return Probe::Unsure };
    if probe_line(line) != Probe::Yes {
        return Probe::No;
    }
    match line.get(end + 1..).unwrap_or_default() {
        [b'\n', ..] | [b'\r', b'\n', ..] => Probe::Yes,
        [] | [b'\r'] => Probe::Unsure,
        field => probe_field(field),
    }
}

/// May these bytes, which are no whole line, become a request line? Stricter than a line is read.
pub(super) fn may_become(bytes: &[u8]) -> bool {
    let blank = bytes.iter().take(LIKELY_METHOD + 1).position(|byte| !is_token(*byte));
    let Some((method, rest)) = blank.and_then(|blank| bytes.split_at_checked(blank)) else {
        return bytes.len() <= LIKELY_METHOD;
    };
    let target = skip_blanks(rest);
    let absolute = target.iter().zip(b"http").all(|(byte, of)| byte.eq_ignore_ascii_case(of));
    let plain = absolute || method == b"CONNECT" || matches!(target.first(), Some(b'/' | b'*'));
    rest.first().is_some_and(|byte| is_blank(*byte)) && !method.is_empty() && plain
}

/// May these bytes begin with a request line, its method in capitals as clients send it?
pub(super) fn may_follow(bytes: &[u8]) -> bool {
    let line = skip_line_ends(bytes);
    let mut method = line.iter().take_while(|byte| is_token(**byte));
    method.all(|byte| !byte.is_ascii_lowercase()) && probe_line(line) != Probe::No
}

/// Does a header field stand here: a name and a colon?
pub(super) fn probe_field(bytes: &[u8]) -> Probe {
    match bytes.iter().take(LIKELY_NAME).position(|byte| !is_token(*byte)) {
        None if bytes.len() < LIKELY_NAME => Probe::Unsure,
        None | Some(0) => Probe::No,
        Some(end) => match skip_blanks(bytes.get(end..).unwrap_or_default()).first() {
            Some(b':') => Probe::Yes,
            None => Probe::Unsure,
            Some(_) => Probe::No,
        },
    }
}

/// Does the version of a request line stand anywhere in here? Without one no line is whole.
pub(super) fn mentions_version(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'/', bytes).any(|slash| {
        bytes
            .get(..slash)
            .and_then(<[u8]>::last_chunk::<4>)
            .is_some_and(|name| name.eq_ignore_ascii_case(b"HTTP"))
    })
}

/// The scheme of an absolute-form target, of any length (RFC 3986 3.1), and what is behind `://`.
pub(super) fn split_scheme(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let (scheme, rest) = target.split_at_checked(memchr::memchr(b':', target)?)?;
    let named = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    Some((scheme, rest.strip_prefix(b"://")?)).filter(|(scheme, _)| scheme.iter().all(named))
}

/// Is this a whole request line, version included?
pub(super) fn probe_line(bytes: &[u8]) -> Probe {
    let bytes = skip_line_ends(bytes);
    if let Err(probe) = method_end(bytes) {
        return probe;
    }
    let Some(end) = memchr::memchr(b'\n', bytes) else { return Probe::Unsure };
    let line = request_line(bytes.get(..end).unwrap_or_default());
    if line.version.is_empty() || line.target.is_empty() { Probe::No } else { Probe::Yes }
}

/// Where the method ends, or why that cannot be said.
fn method_end(bytes: &[u8]) -> Result<usize, Probe> {
    match bytes.iter().take(METHOD_LIMIT + 1).position(|byte| !is_token(*byte)) {
        Some(0) => Err(Probe::No),
        Some(at) if bytes.get(at).is_some_and(|byte| is_blank(*byte)) => Ok(at),
        Some(_) => Err(Probe::No),
        None if bytes.len() > METHOD_LIMIT => Err(Probe::No),
        None => Err(Probe::Unsure),
    }
}

/// Bytes after any leading line ends and blanks.
pub(super) fn skip_leading(bytes: &[u8]) -> &[u8] {
    let odd = |byte: &u8| matches!(byte, b'\r' | b'\n') || is_blank(*byte);
    let start = bytes.iter().position(|byte| !odd(byte));
    bytes.get(start.unwrap_or(bytes.len())..).unwrap_or_default()
}

fn skip_blanks(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !is_blank(*byte));
    bytes.get(start.unwrap_or(bytes.len())..).unwrap_or_default()
}

/// Bytes after any leading line ends.
pub(super) fn skip_line_ends(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'));
    bytes.get(start.unwrap_or(bytes.len())..).unwrap_or_default()
}

/// One past the blank line that ends a head, looking from `from` on; otherwise where to look from
/// when there is more.
pub(super) fn end(bytes: &[u8], from: usize) -> Result<usize, usize> {
    let mut resume = bytes.len();
    for at in memchr::memchr_iter(b'\n', bytes.get(from..).unwrap_or_default()) {
        let line_end = from + at;
        match bytes.get(line_end + 1..).unwrap_or_default() {
            [b'\n', ..] => return Ok(line_end + 2),
            [b'\r', b'\n', ..] => return Ok(line_end + 3),
            [b'\r', b'\r', b'\n', ..] => return Ok(line_end + 4),
            [] | [b'\r'] | [b'\r', b'\r'] => resume = resume.min(line_end),
            _ => {}
        }
    }
    Err(resume)
}

/// The length of the fields at the front that are over: behind each stands the first byte of a
/// line that does not continue it. No end of a head is passed over.
pub(super) fn finished(bytes: &[u8]) -> usize {
    memchr::memrchr_iter(b'\n', bytes)
        .map(|at| at + 1)
        .find(|next| {
            let first = bytes.get(*next);
            first.is_some_and(|byte| !is_blank(*byte) && !matches!(byte, b'\r' | b'\n'))
        })
        .unwrap_or(0)
}

/// The length of the blank line at the front, 0 if there is none.
pub(super) fn blank_line(bytes: &[u8]) -> usize {
    match bytes {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        [b'\r', b'\r', b'\n', ..] => 3,
        _ => 0,
    }
}

/// The part of a cut head whose line ends were seen.
pub(super) fn whole_lines(bytes: &[u8]) -> &[u8] {
    let end = memchr::memrchr2(b'\r', b'\n', bytes).map_or(0, |at| at + 1);
    bytes.get(..end).unwrap_or_default()
}

/// A header field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field<'a> {
    /// Name without surrounding blanks.
    pub(super) name: &'a [u8],
    /// Value without surrounding blanks; line ends inside are folds.
    pub(super) value: &'a [u8],
    /// Written as the standard wants it: no blank before the colon, no fold.
    pub(super) tidy: bool,
}

impl Field<'_> {
    /// Compares the name without regard to case.
    pub(super) fn is(&self, name: &[u8]) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// The fields in whole lines that are no head of their own.
pub(super) const fn fields(lines: &[u8]) -> Fields<'_> {
    Fields(lines)
}

/// Splits a head into its request line and its fields.
pub(super) fn split(head: &[u8]) -> (RequestLine<'_>, Fields<'_>) {
    let head = skip_leading(head);
    let end = memchr::memchr(b'\n', head).unwrap_or(head.len());
    let (line, rest) = head.split_at_checked(end).unwrap_or((head, &[]));
    (request_line(line), Fields(rest))
}

/// The fields of a head in order. Lines end in CR LF, LF or CR; a line that begins with a blank
/// continues the one before (obs-fold); lines without a colon are passed over.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        loop {
            let rest = skip_line_ends(self.0);
            if rest.is_empty() {
                return None;
            }
            let (line, after) = field_line(rest);
            self.0 = after;
            let Some(colon) = memchr::memchr(b':', line) else { continue };
            let name = line.get(..colon).unwrap_or_default();
            let value = line.get(colon + 1..).unwrap_or_default().trim_ascii();
            let bare = trim(name);
            let tidy = bare.len() == name.len() && memchr::memchr2(b'\r', b'\n', value).is_none();
            return Some(Field { name: bare, value, tidy });
        }
    }
}

/// A field with its continuation lines, and what follows.
fn field_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    for at in memchr::memchr2_iter(b'\r', b'\n', bytes) {
        let next = match bytes.get(at..).unwrap_or_default() {
            [b'\r', b'\n', ..] => continue,
            _ => at + 1,
        };
        if !bytes.get(next).is_some_and(|byte| is_blank(*byte)) {
            return bytes.split_at_checked(next).unwrap_or((bytes, &[]));
        }
    }
    (bytes, &[])
}

/// Blanks as servers split a request line at them (RFC 9112 3).
const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0b | 0x0c)
}

/// `tchar` of RFC 9110 5.6.2.
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

fn is_version(text: &[u8]) -> bool {
    text.split_at_checked(5).is_some_and(|(name, number)| {
        name.eq_ignore_ascii_case(b"HTTP/")
            && number.first().is_some_and(u8::is_ascii_digit)
            && number.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'.')
    })
}
