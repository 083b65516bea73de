//! The `stats` record: every figure by its dotted name, and what Suricata's readers look for.

use serde_json::{Map, Value, json};

use crate::sink::{EveClock, Status};
use crate::stats::Counter;

/// Counters of frames that could not be decoded, which Suricata calls invalid.
const INVALID: [Counter; 2] = [Counter::SkipShort, Counter::SkipMalformed];

pub(super) fn record(status: &Status, clock: &EveClock) -> Value {
    let mut stats = Map::new();
    let count = |counter| status.counters.get(counter);
    for figure in status.figures() {
        put(&mut stats, &figure.name, json!(figure.value));
    }
    let decoder = [
        ("pkts", count(Counter::Frames)),
        ("bytes", count(Counter::Bytes)),
        ("invalid", INVALID.iter().map(|counter| count(*counter)).sum()),
        ("ipv4", count(Counter::Ipv4)),
        ("ipv6", count(Counter::Ipv6)),
        ("tcp", count(Counter::Tcp)),
        ("udp", count(Counter::Udp)),
        ("arp", count(Counter::Arp)),
    ];
    for (name, value) in decoder {
        put(&mut stats, &format!("decoder.{name}"), value.into());
    }
    let newest = status.newest.map_or_else(String::new, |date| date.to_string());
    put(&mut stats, "indicators.newest", newest.into());
    json!({ "timestamp": clock.time(status.time.0), "event_type": "stats", "stats": stats })
}

/// Puts a value under a dotted name, one object a step.
fn put(object: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        None => {
            object.insert(name.into(), value);
        }
        Some((first, rest)) => {
            let inner = object.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Clock;

    #[test]
    fn every_counter_stands_under_its_dotted_name() {
        let mut status = Status { uptime: 60, ..Status::default() };
        for counter in Counter::ALL {
            status.counters.add(*counter, 7);
        }
        let record = record(&status, &EveClock::new(Clock::new(jiff::tz::TimeZone::UTC)));
        assert_eq!(record["event_type"], "stats");
        assert_eq!(record["stats"]["uptime"], 60);
        for counter in Counter::ALL {
            let pointer = format!("/stats/{}", counter.name().replace('.', "/"));
            assert_eq!(record.pointer(&pointer), Some(&json!(7)), "{pointer}");
        }
        for figure in status.figures() {
            let pointer = format!("/stats/{}", figure.name.replace('.', "/"));
            assert_eq!(record.pointer(&pointer), Some(&json!(figure.value)), "{pointer}");
        }
        assert_eq!(record["stats"]["decoder"]["invalid"], 14);
    }
}
