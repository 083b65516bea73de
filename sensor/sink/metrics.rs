//! The state of the sensor as Prometheus reads it (OpenMetrics 1.0 text). Makes the text; serves
//! nothing.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::Registry;

use super::Status;
use super::status::{Figure, Figures};

/// What the text is, in HTTP's words.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Counters of traffic by protocol and direction: one metric with labels instead of many names.
const BY_PROTOCOL: [(&str, &str, &str); 2] = [
    ("packets", "traffic_by_protocol_packets", "Packets of flows, by protocol and direction"),
    ("bytes", "traffic_by_protocol_bytes", "Bytes of frames of flows, by protocol and direction"),
];

/// The whole page.
///
/// # Errors
/// When the library cannot write it, which a `String` gives no reason for.
pub fn text(status: Arc<Status>) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("wardwatch");
    registry.register_collector(Box::new(Snapshot(status)));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Snapshot(Arc<Status>);

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (labelled, plain): (Vec<_>, Vec<_>) =
            self.0.figures().into_iter().partition(|figure| labels(figure.name).is_some());
        for figure in &plain {
            self::plain(&mut encoder, figure)?;
        }
        for (what, name, help) in BY_PROTOCOL {
            let mut family =
                encoder.encode_descriptor(name, help, None, ConstCounter::<u64>::TYPE)?;
            for figure in &labelled {
                let Some((protocol, of, direction)) = labels(figure.name) else { continue };
                if of == what {
                    let labels = [("protocol", protocol), ("direction", direction)];
                    let counter = ConstCounter::new(figure.value.unwrap_or(0));
                    counter.encode(family.encode_family(&labels)?)?;
                }
            }
        }
        let build = [("version", env!("CARGO_PKG_VERSION"))];
        let help = "The version that runs";
        let mut info = encoder.encode_descriptor("build", help, None, MetricType::Info)?;
        info.encode_info(&build)
    }
}

/// One figure under its own name; one that is not known is left out.
fn plain(encoder: &mut DescriptorEncoder<'_>, figure: &Figure) -> fmt::Result {
    let Some(value) = figure.value else { return Ok(()) };
    let name = match figure.name {
        "uptime" => "uptime_seconds".to_owned(),
        "memory.resident" => "memory_resident_bytes".to_owned(),
        name => name.replace('.', "_"),
    };
    match figure.kind {
        Figures::Total => {
            let counter = ConstCounter::new(value);
            let help = figure.help;
            counter.encode(encoder.encode_descriptor(&name, help, None, counter.metric_type())?)
        }
        Figures::Level => {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            let help = figure.help;
            gauge.encode(encoder.encode_descriptor(&name, help, None, gauge.metric_type())?)
        }
    }
}

/// `tcp`, `packets` and `out` of `traffic.tcp.packets_out`.
fn labels(name: &str) -> Option<(&str, &str, &str)> {
    let (protocol, rest) = name.strip_prefix("traffic.")?.split_once('.')?;
    let (what, direction) = rest.split_once('_')?;
    Some((protocol, what, direction))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Counter;

    #[test]
    fn every_figure_is_on_the_page_with_help_and_type() {
        let mut status = Status { uptime: 60, ..Status::default() };
        for counter in Counter::ALL {
            status.counters.add(*counter, 7);
        }
        let page = text(Arc::new(status.clone())).unwrap();
        assert!(page.ends_with("# EOF\n"));
        for figure in status.figures() {
            let Some(value) = figure.value else { continue };
            let line = match (labels(figure.name), figure.kind, figure.name) {
                (Some((protocol, what, direction)), ..) => format!(
                    "wardwatch_traffic_by_protocol_{what}_total{{protocol=\"{protocol}\",direction=\"{direction}\"}} {value}"
                ),
                (None, _, "uptime") => "wardwatch_uptime_seconds 60".into(),
                (None, Figures::Total, name) => {
                    format!("wardwatch_{}_total {value}", name.replace('.', "_"))
                }
                (None, Figures::Level, name) => {
                    format!("wardwatch_{} {value}", name.replace('.', "_"))
                }
            };
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
        let heads = |head: &str| page.lines().filter(|line| line.starts_with(head)).count();
        assert_eq!(heads("# HELP "), heads("# TYPE "));
        assert!(page.contains("# TYPE wardwatch_capture_frames counter\n"));
        assert!(page.contains("# HELP wardwatch_capture_frames Frames taken from the source."));
        assert!(!page.contains("memory_resident"), "what is not known is left out");
    }
}
