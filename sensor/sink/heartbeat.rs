//! The line that says the sensor lives, and what it sees: at start, every hour, at stop.

use wardwatch_record::{Message, Notice, Topic};

use super::Status;
use crate::lang::{self, Language, Phrase};
use crate::net::IpProtocol;
use crate::stats::{Counter, Direction};

/// What is said on an occasion: [`Topic::Started`], [`Topic::Running`] or [`Topic::Stopped`].
pub fn notice(occasion: Topic, status: &Status) -> Notice {
    let message = Message::made(|language| text(language, occasion, status));
    Notice::information(status.time.0, occasion, message)
}

fn text(language: Language, occasion: Topic, status: &Status) -> String {
    let word = |phrase| lang::phrase(language, phrase);
    let head = word(match occasion {
        Topic::Started => Phrase::Started,
        Topic::Stopped => Phrase::Stopped,
        _ => Phrase::Running,
    });
    let memory = status.memory.map_or_else(|| "-".into(), |bytes| size(language, bytes));
    [
        head.to_owned(),
        packets(language, status),
        traffic(language, status),
        indicators(language, status),
        format!("{} {}", word(Phrase::Hosts), status.hosts),
        blind(language, status),
        format!("{} {memory}", word(Phrase::Memory)),
        format!("{} {}", word(Phrase::Alerts), status.counters.get(Counter::Alerts)),
    ]
    .into_iter()
    .filter(|part| !part.is_empty())
    .collect::<Vec<_>>()
    .join(" | ")
}

/// How many there were, and how many of them were lost where.
fn packets(language: Language, status: &Status) -> String {
    let word = |phrase| lang::phrase(language, phrase);
    let (frames, lost) = (status.counters.get(Counter::Frames), status.lost());
    format!(
        "{} {frames} ({}), {} {lost} ({}; {} {}, {} {})",
        word(Phrase::Packets),
        size(language, status.counters.get(Counter::Bytes)),
        word(Phrase::Lost),
        percent(language, lost, frames + lost),
        word(Phrase::Kernel),
        status.drops.kernel,
        word(Phrase::Interface),
        status.drops.interface,
    )
}

/// Packets and bytes of each protocol and direction that occurred.
fn traffic(language: Language, status: &Status) -> String {
    let word = |phrase| lang::phrase(language, phrase);
    let count = |counter| status.counters.get(counter);
    let protocols = [
        (IpProtocol::TCP, "TCP"),
        (IpProtocol::UDP, "UDP"),
        (IpProtocol::ICMP, "ICMP"),
        (IpProtocol::SCTP, word(Phrase::OtherProtocols)),
    ];
    let directions = [
        (Direction::Out, Phrase::Outward),
        (Direction::In, Phrase::Inward),
        (Direction::Local, Phrase::Within),
    ];
    let one = |protocol, (direction, name): (Direction, Phrase)| {
        let (packets, bytes) = Counter::traffic(protocol, direction);
        let (packets, bytes) = (count(packets), size(language, count(bytes)));
        (packets > 0).then(|| format!(" {} {packets} ({bytes})", word(name)))
    };
    let of = |(protocol, name): (IpProtocol, &str)| {
        let parts: String = directions.into_iter().filter_map(|d| one(protocol, d)).collect();
        (!parts.is_empty()).then(|| format!("{name}{parts}"))
    };
    protocols.into_iter().filter_map(of).collect::<Vec<_>>().join(", ")
}

fn indicators(language: Language, status: &Status) -> String {
    let word = |phrase| lang::phrase(language, phrase);
    let newest = status.newest.map_or_else(|| "-".into(), |date| lang::day(language, date));
    let age = status
        .age_days
        .map_or_else(String::new, |days| format!(", {}", lang::days_old(language, days.max(0))));
    format!(
        "{} {} ({} {newest}{age})",
        word(Phrase::Indicators),
        status.indicators,
        word(Phrase::Newest)
    )
}

/// The share of connections whose name is hidden, and how.
fn blind(language: Language, status: &Status) -> String {
    let (hidden, connections) = status.blind();
    let share = percent(language, hidden, connections);
    let ways = [
        ("ECH", Counter::TlsEchHidden),
        ("DoH", Counter::DnsOverHttps),
        ("DoT", Counter::DnsOverTls),
        ("DoQ", Counter::DnsOverQuic),
        ("QUIC", Counter::QuicUndecodable),
    ];
    let ways = ways.map(|(name, counter)| format!("{name} {}", status.counters.get(counter)));
    format!("{} {share} ({})", lang::phrase(language, Phrase::Blind), ways.join(", "))
}

/// Bytes as people read them, in steps of a thousand.
fn size(language: Language, bytes: u64) -> String {
    let (mut tenths, mut unit) = (bytes.saturating_mul(10), "B");
    for next in ["kB", "MB", "GB", "TB", "PB"] {
        if tenths < 10_000 {
            break;
        }
        (tenths, unit) = (tenths / 1000, next);
    }
    match unit {
        "B" => format!("{bytes} B"),
        unit => format!("{}{}{} {unit}", tenths / 10, comma(language), tenths % 10),
    }
}

/// A share with one decimal, spelled as the language does.
fn percent(language: Language, part: u64, whole: u64) -> String {
    let tenths = (part.min(whole) * 1000).checked_div(whole).unwrap_or(0);
    format!("{}{}{} %", tenths / 10, comma(language), tenths % 10)
}

/// What stands before decimals.
const fn comma(language: Language) -> char {
    match language {
        Language::Vi => ',',
        Language::En => '.',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Drops;

    #[test]
    fn the_line_tells_traffic_by_protocol_and_direction_loss_by_place_and_blindness_by_kind() {
        let drops = Drops { received: 0, kernel: 3, interface: 2 };
        let mut status =
            Status { drops, indicators: 7, memory: Some(45_678_901), ..Status::default() };
        for (counter, n) in [
            (Counter::Frames, 995),
            (Counter::Bytes, 1_234_567),
            (Counter::TcpPacketsOut, 60),
            (Counter::TcpBytesOut, 12_345),
            (Counter::UdpPacketsLocal, 1),
            (Counter::UdpBytesLocal, 99),
            (Counter::Tls, 10),
            (Counter::TlsEch, 9),
            (Counter::TlsEchHidden, 1),
            (Counter::DnsOverTls, 2),
            (Counter::EncryptedDns, 2),
        ] {
            status.counters.add(counter, n);
        }
        let Message { vi: vietnamese, en: english } = notice(Topic::Running, &status).message;
        for part in [
            "running | packets 995 (1.2 MB), lost 5 (0.5 %; kernel 3, interface 2) | ",
            " | TCP out 60 (12.3 kB), UDP local 1 (99 B) | ",
            " | names not readable 30.0 % (ECH 1, DoH 0, DoT 2, DoQ 0, QUIC 0) | memory 45.6 MB | ",
        ] {
            assert!(english.contains(part), "{part}\n{english}");
        }
        assert!(vietnamese.contains("TCP ra 60 (12,3 kB), UDP nội bộ 1 (99 B)"), "{vietnamese}");
    }

    #[test]
    fn sizes_are_never_longer_than_people_read() {
        for (bytes, text) in [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_999, "999.9 kB")] {
            assert_eq!(size(Language::En, bytes), text);
        }
        assert!(size(Language::En, u64::MAX).ends_with(" PB"));
    }
}
