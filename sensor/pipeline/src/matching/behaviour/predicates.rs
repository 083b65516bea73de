//! What data cannot say: small predicates over the first bytes of a stream, a request or a name.
//!
//! Each is a pure function that the table names in `rule`. Over a stream it may answer that more
//! bytes are needed; the answer never depends on how the bytes were cut.

pub(super) mod http;

use serde::Deserialize;

use crate::net::{Address, Endpoint};
use crate::observation::HttpRequest;

/// The answer over bytes that are still arriving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Answer {
    Yes,
    No,
    /// More bytes are needed.
    Wait,
}

impl From<bool> for Answer {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// A predicate by its name in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Rule {
    /// A net.tcp preamble without security whose address is the server's own.
    NetTcpToAddress,
    /// The same with a host name, a port and no service.
    NetTcpToName,
    /// `Entity/Id` followed by a digit.
    EntityNumber,
    /// `Authorization` followed soon by exactly 32 hexadecimal digits.
    AuthorizationToken,
    /// Bytes 3 and 4 are a plausible record size, in either byte order.
    RecordSize,
    /// Three bytes of mark, then a size that is not text.
    MarkAndSize,
    /// Both sides begin with the same three bytes and a plausible size.
    SameStartOnOtherSide,
    /// An MQTT CONNECT.
    MqttConnect,
    /// `dm`, a type and a length that fit.
    DmtpPacket,
    /// An FTP command that stores an archive.
    FtpArchive,
    /// A response of type `application/hta`.
    HtaResponse,
    /// A response whose body is a compound file although a picture was asked for or said.
    MsiForPicture,
    /// A `SOAPAction` of older RedLine builds.
    RedlineSoapAction,
    /// The path ends in six or more groups of the loader's token.
    LoaderToken,
    /// A body that begins with a bitmap's header.
    BitmapBody,
    /// The third header of the family has the value 61456.
    #[serde(rename = "third-header-61456")]
    ThirdHeader61456,
    /// `/update?wd=` and eight letters or digits, with one of the family's headers.
    UpdateWd,
    /// 24 upper-case hexadecimal digits as path and 28 characters of Base64 as cookie.
    HexPathAndCookie,
    /// A header `Guid` that holds one.
    GuidHeader,
    /// A label of 60 or more letters from a to p.
    #[serde(rename = "letters-a-to-p")]
    LettersAToP,
}

/// The beginning of one side of a stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'a> {
    pub(super) bytes: &'a [u8],
    /// What is known of the other side's beginning.
    pub(super) other: &'a [u8],
    pub(super) server: Endpoint,
    /// A picture was asked for on this connection.
    pub(super) picture: bool,
}

/// Longest record a TLS sender may write (RFC 8446 5.2), and so the longest believed here.
const RECORD_LIMIT: u16 = 16_384 + 256;

impl Rule {
    /// Over a stream's first bytes.
    pub(super) fn of_head(self, head: &Head<'_>) -> Answer {
        let bytes = head.bytes;
        match self {
            Self::NetTcpToAddress => {
                net_tcp(bytes, |via| via_address(via) == Some(head.server.address))
            }
            Self::NetTcpToName => net_tcp(bytes, is_bare_name),
            Self::FtpArchive => found(stores_archive(bytes)),
            Self::EntityNumber => found(followed_by_digit(bytes, b"tempuri.org/Entity/Id")),
            Self::AuthorizationToken => found(authorization(bytes)),
            Self::RecordSize => sized(bytes, |big, little| plausible(big) || plausible(little)),
            Self::MarkAndSize => mark_and_size(bytes),
            Self::SameStartOnOtherSide => same_start(bytes, head.other),
            Self::MqttConnect => mqtt_connect(bytes),
            Self::DmtpPacket => match bytes {
                [b'd', b'm', _, _, a, b, c, d, ..] => {
                    let small = |length: u32| (1..=0x10_0000).contains(&length);
                    let length = [*a, *b, *c, *d];
                    (small(u32::from_be_bytes(length)) || small(u32::from_le_bytes(length))).into()
                }
                _ => Answer::Wait,
            },
            Self::HtaResponse => http::hta_response(bytes),
            Self::MsiForPicture => http::msi_for_picture(bytes, head.picture),
            _ => Answer::No,
        }
    }

    /// Over a request's head.
    pub(super) fn of_request(self, request: &HttpRequest<'_>) -> bool {
        match self {
            Self::RedlineSoapAction => http::soap_action(request.head),
            Self::LoaderToken => http::loader_token(http::path(request.target)),
            Self::ThirdHeader61456 => {
                http::headers(request.head).any(|(_, value)| value == b"61456")
            }
            Self::UpdateWd => http::update_wd(request),
            Self::HexPathAndCookie => http::hex_path_and_cookie(request),
            Self::GuidHeader => http::header(request.head, "guid").is_some_and(http::is_guid),
            // Judged over the body.
            Self::BitmapBody => true,
            _ => false,
        }
    }

    /// Over the beginning of a request's body.
    pub(super) fn of_body(self, body: &[u8]) -> bool {
        match self {
            // Reserved words zero, and a pixel offset behind both headers: not any "BM".
            Self::BitmapBody => matches!(
                body,
                [b'B', b'M', _, _, _, _, 0, 0, 0, 0, offset, high, 0, 0, ..]
                    if u16::from_le_bytes([*offset, *high]) >= 26
            ),
            _ => true,
        }
    }

    /// Over a name in comparable spelling.
    pub(super) fn of_name(self, name: &str) -> bool {
        self == Self::LettersAToP && name.split('.').any(is_tunnel_label)
    }
}

/// A search that may still succeed when more is shown.
fn found(yes: bool) -> Answer {
    if yes { Answer::Yes } else { Answer::Wait }
}

fn plausible(size: u16) -> bool {
    (1..=RECORD_LIMIT).contains(&size)
}

/// The size behind three bytes of mark, read in both byte orders.
fn sized(bytes: &[u8], believes: impl Fn(u16, u16) -> bool) -> Answer {
    match bytes {
        [_, _, _, a, b, ..] => {
            let size = [*a, *b];
            believes(u16::from_be_bytes(size), u16::from_le_bytes(size)).into()
        }
        _ => Answer::Wait,
    }
}

/// Text that begins with the same letters has no size behind them.
fn mark_and_size(bytes: &[u8]) -> Answer {
    match bytes {
        [_, _, _, a, b, ..] if a.is_ascii_graphic() && b.is_ascii_graphic() => Answer::No,
        _ => sized(bytes, |big, little| plausible(big) || plausible(little)),
    }
}

/// Both sides begin with one mark and a size each. The other side may not have spoken yet: when it
/// does, it asks in its turn.
fn same_start(bytes: &[u8], other: &[u8]) -> Answer {
    let size = |bytes: &[u8]| match bytes {
        [b'F', ..] => mark_and_size(bytes),
        _ => sized(bytes, |big, little| plausible(big) || plausible(little)),
    };
    match size(bytes) {
        Answer::Yes => (size(other) == Answer::Yes && bytes.get(..3) == other.get(..3)).into(),
        answer => answer,
    }
}

/// A number of seven bits a byte, and what follows it.
fn varint(bytes: &[u8]) -> Result<(usize, &[u8]), Answer> {
    let mut value = 0;
    for (nth, byte) in bytes.iter().enumerate().take(4) {
        value |= usize::from(byte & 0x7f) << (7 * nth);
        if byte & 0x80 == 0 {
            return Ok((value, bytes.get(nth + 1..).unwrap_or_default()));
        }
    }
    Err(if bytes.len() < 4 { Answer::Wait } else { Answer::No })
}

/// Version, mode duplex, via, known encoding, end: no upgrade to a protected stream in between,
/// and the via is one of those meant ([MC-NMF] 2.2.3).
fn net_tcp(bytes: &[u8], meant: impl Fn(&[u8]) -> bool) -> Answer {
    let Some(rest) = bytes.get(6..) else { return Answer::Wait };
    let (length, rest) = match varint(rest) {
        Ok(found) => found,
        Err(answer) => return answer,
    };
    if !(11..=1024).contains(&length) {
        return Answer::No;
    }
    let Some((via, rest)) = rest.split_at_checked(length) else { return Answer::Wait };
    match rest {
        _ if !meant(via) => Answer::No,
        [3, _, 12, ..] => Answer::Yes,
        [] | [3] | [3, _] => Answer::Wait,
        _ => Answer::No,
    }
}

/// What stands between the scheme and the service, and the service.
fn via_parts(via: &[u8]) -> Option<(&str, &str)> {
    let rest = std::str::from_utf8(via).ok()?.strip_prefix("net.tcp://")?;
    Some(rest.split_once('/').unwrap_or((rest, "")))
}

/// A name of several labels with a port of its own and no service behind it: an honest service has
/// a name.
fn is_bare_name(via: &[u8]) -> bool {
    let Some((authority, "")) = via_parts(via) else { return false };
    let Some((host, port)) = authority.split_once(':') else { return false };
    let labels = host.split('.').filter(|label| !label.is_empty()).count();
    port.parse::<u16>().is_ok_and(|port| port != 808)
        && labels > 1
        && labels == host.split('.').count()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
        && host.parse::<std::net::IpAddr>().is_err()
}

/// A whole line that stores a file of an archive's name (RFC 959 4.1.3).
fn stores_archive(bytes: &[u8]) -> bool {
    const ENDS: [&[u8]; 6] = [b".rar", b".zip", b".7z", b".cab", b".tgz", b".tar.gz"];
    let whole = memchr::memrchr(b'\n', bytes).map_or(0, |end| end + 1);
    let lines = bytes.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n');
    lines.map(<[u8]>::trim_ascii).any(|line| {
        let (command, name) = line.split_at_checked(5).unwrap_or_default();
        command.eq_ignore_ascii_case(b"STOR ") && ENDS.iter().any(|end| http::ends_with(name, end))
    })
}

fn via_address(via: &[u8]) -> Option<Address> {
    let (authority, _) = via_parts(via)?;
    let host = match authority.strip_prefix('[') {
        Some(six) => six.split(']').next()?,
        None => authority.split(':').next()?,
    };
    Some(host.parse::<std::net::IpAddr>().ok()?.into())
}

fn followed_by_digit(bytes: &[u8], text: &[u8]) -> bool {
    memchr::memmem::find_iter(bytes, text)
        .any(|at| bytes.get(at + text.len()).is_some_and(u8::is_ascii_digit))
}

fn authorization(bytes: &[u8]) -> bool {
    const NAME: &[u8] = b"Authorization";
    memchr::memmem::find_iter(bytes, NAME).any(|at| {
        let start = at + NAME.len();
        let near = bytes.get(start..bytes.len().min(start + 96)).unwrap_or_default();
        // The last run may go on in bytes that have not come.
        let ended = near.iter().rposition(|byte| !byte.is_ascii_hexdigit()).unwrap_or(0);
        let near = near.get(..ended).unwrap_or_default();
        near.split(|byte| !byte.is_ascii_hexdigit()).any(|run| run.len() == 32)
    })
}

/// Fixed header, remaining length, protocol name (MQTT 3.1 and later, 3.1).
fn mqtt_connect(bytes: &[u8]) -> Answer {
    let rest = match varint(bytes.get(1..).unwrap_or_default()) {
        Ok((_, rest)) => rest,
        Err(answer) => return answer,
    };
    let names: [&[u8]; 2] = [b"\x00\x04MQTT", b"\x00\x06MQIsdp"];
    if names.iter().any(|name| rest.starts_with(name)) {
        Answer::Yes
    } else if names.iter().any(|name| name.starts_with(rest)) {
        Answer::Wait
    } else {
        Answer::No
    }
}

/// Bytes written as two letters each of sixteen: sixty and more letters from a to p, most of the
/// sixteen among them. Hexadecimal digits and Base32 have other letters or digits.
fn is_tunnel_label(label: &str) -> bool {
    let mut letters = 0_u32;
    label.len() >= 60
        && label.bytes().all(|byte| {
            letters |= 1_u32.checked_shl(u32::from(byte.wrapping_sub(b'a'))).unwrap_or(0);
            matches!(byte, b'a'..=b'p')
        })
        && letters.count_ones() >= 10
}

/// Is this an address that anybody on the Internet may reach? Documentation ranges count as such.
pub(super) fn is_global(address: Address) -> bool {
    match address.to_ip() {
        std::net::IpAddr::V4(ip) => {
            let shared = matches!(ip.octets(), [100, second, ..] if second & 0xc0 == 64);
            let first = ip.octets().first().copied().unwrap_or(0);
            !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || shared)
                && (1..224).contains(&first)
        }
        std::net::IpAddr::V6(ip) => {
            !(ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_multicast()
                || ip.is_unique_local()
                || ip.is_unicast_link_local())
        }
    }
}
