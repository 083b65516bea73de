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

use wardwatch_record::status::{Figure, Figures};

use super::source::Snapshot;

/// What the text is, in HTTP's words.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Counters of traffic by protocol and direction: one metric with labels instead of many names.
const BY_PROTOCOL: [(&str, &str, &str); 2] = [
    ("packets", "traffic_by_protocol_packets", "Packets of flows, by protocol and direction"),
    ("bytes", "traffic_by_protocol_bytes", "Bytes of frames of flows, by protocol and direction"),
];

/// The whole page.
///
/// # Errors
/// When the library cannot write it, which a `String` gives no reason for.
pub(super) fn text(snapshot: Arc<Snapshot>) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("wardwatch");
    registry.register_collector(Box::new(Page(snapshot)));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Page(Arc<Snapshot>);

impl Page {
    /// What the sensor wrote, and what the relay knows beside it.
    fn figures(&self) -> Vec<Figure> {
        let Snapshot { status, age, is_up, refused } = &*self.0;
        let figure = |name: &'static str, help: &'static str, kind, value| Figure {
            name: name.into(),
            help: help.into(),
            kind,
            value,
        };
        let own = [
            figure("up", "Is the sensor alive?", Figures::Level, Some(u64::from(*is_up))),
            figure("status_age_seconds", "Seconds since it said so", Figures::Level, *age),
            figure(
                "metrics.refused",
                "Clients of /metrics turned away or given up",
                Figures::Total,
                Some(*refused),
            ),
        ];
        let theirs = status.iter().flat_map(|status| status.figures.iter().cloned());
        theirs.chain(own).collect()
    }
}

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (labelled, plain): (Vec<_>, Vec<_>) =
            self.figures().into_iter().partition(|figure| labels(&figure.name).is_some());
        for figure in &plain {
            self::plain(&mut encoder, figure)?;
        }
        for (what, name, help) in BY_PROTOCOL {
            let mut family =
                encoder.encode_descriptor(name, help, None, ConstCounter::<u64>::TYPE)?;
            for figure in &labelled {
                let Some((protocol, of, direction)) = labels(&figure.name) else { continue };
                if of == what {
                    let labels = [("protocol", protocol), ("direction", direction)];
                    let counter = ConstCounter::new(figure.value.unwrap_or(0));
                    counter.encode(family.encode_family(&labels)?)?;
                }
            }
        }
        let version = self.0.status.as_ref().map(|status| status.version.as_str());
        let build = [("version", version.unwrap_or(env!("CARGO_PKG_VERSION")))];
        let help = "The version that runs";
        let mut info = encoder.encode_descriptor("build", help, None, MetricType::Info)?;
        info.encode_info(&build)
    }
}

/// One figure under its own name; one that is not known is left out.
fn plain(encoder: &mut DescriptorEncoder<'_>, figure: &Figure) -> fmt::Result {
    let Some(value) = figure.value else { return Ok(()) };
    let name = match &*figure.name {
        "uptime" => "uptime_seconds".to_owned(),
        "memory.resident" => "memory_resident_bytes".to_owned(),
        name => name.replace('.', "_"),
    };
    match figure.kind {
        Figures::Total => {
            let counter = ConstCounter::new(value);
            let help = &*figure.help;
            counter.encode(encoder.encode_descriptor(&name, help, None, counter.metric_type())?)
        }
        Figures::Level => {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            let help = &*figure.help;
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
    use wardwatch_record::Status;

    use super::*;

    #[test]
    fn every_figure_is_on_the_page_with_help_and_type() {
        let figure = |name: &'static str, kind, value| Figure {
            name: name.into(),
            help: format!("Help of {name}").into(),
            kind,
            value,
        };
        let figures = vec![
            figure("capture.frames", Figures::Total, Some(7)),
            figure("uptime", Figures::Level, Some(60)),
            figure("memory.resident", Figures::Level, None),
            figure("traffic.tcp.packets_out", Figures::Total, Some(9)),
        ];
        let status = Status { figures, version: "9.9".into(), ..Status::default() };
        let snapshot = Snapshot { status: Some(status), age: Some(3), is_up: true, refused: 2 };
        let page = text(Arc::new(snapshot)).unwrap();
        for line in [
            "wardwatch_capture_frames_total 7",
            "wardwatch_uptime_seconds 60",
            "wardwatch_traffic_by_protocol_packets_total{protocol=\"tcp\",direction=\"out\"} 9",
            "wardwatch_up 1",
            "wardwatch_status_age_seconds 3",
            "wardwatch_metrics_refused_total 2",
            "# TYPE wardwatch_capture_frames counter",
            "# HELP wardwatch_capture_frames Help of capture.frames",
            "wardwatch_build_info{version=\"9.9\"} 1",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
        let heads = |head: &str| page.lines().filter(|line| line.starts_with(head)).count();
        assert_eq!(heads("# HELP "), heads("# TYPE "));
        assert!(page.ends_with("# EOF\n"));
        assert!(!page.contains("memory_resident"), "what is not known is left out");
    }

    #[test]
    fn without_a_sensor_the_page_says_that_there_is_none() {
        let page = text(Arc::default()).unwrap();
        assert!(page.contains("\nwardwatch_up 0\n") && !page.contains("status_age"), "{page}");
    }
}
