//! Frames from an interface, through libpcap: promiscuous, at once, full length.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{CaptureError, Drops, Frame, LinkType, Next, Source};
use crate::net::Timestamp;

/// The longest frame asked for: libpcap's own maximum, above any receive offload.
const SNAP_LENGTH: i32 = 262_144;
/// How long one wait for a frame lasts, in milliseconds; bounds how late a stop is noticed.
const WAIT_MS: i32 = 100;
/// How long to rest when no frame waits; the kernel's ring holds what comes meanwhile.
const SILENCE: std::time::Duration = std::time::Duration::from_millis(5);

/// How an interface is to be opened.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// Size of the kernel's ring in bytes.
    pub ring_bytes: usize,
    /// BPF expression; none by default, because one that names ports also drops PPPoE and tags.
    pub filter: Option<String>,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self { ring_bytes: 32 * 1024 * 1024, filter: None }
    }
}

/// An open interface.
pub struct Live {
    name: String,
    capture: pcap::Capture<pcap::Active>,
    link: LinkType,
    frames: u64,
}

impl Live {
    /// Opens an interface for reading only; nothing is ever sent.
    ///
    /// # Errors
    /// When it does not exist (the error lists those that do), the right is missing, or the
    /// filter does not compile.
    pub fn open(name: &str, options: &LiveOptions) -> Result<Self, CaptureError> {
        let ring = i32::try_from(options.ring_bytes).unwrap_or(i32::MAX);
        let open = pcap::Capture::from_device(name).and_then(|inactive| {
            inactive
                .promisc(true)
                .immediate_mode(true)
                .snaplen(SNAP_LENGTH)
                .buffer_size(ring)
                .timeout(WAIT_MS)
                .open()
                // A read that waits never returns from a silent interface: no stop, no count.
                .and_then(pcap::Capture::setnonblock)
        });
        let mut capture = open.map_err(|error| explain(name, &error))?;
        if let Some(expression) = &options.filter {
            capture.filter(expression, true).map_err(|error| CaptureError::Filter {
                expression: expression.clone(),
                reason: text(&error),
            })?;
        }
        let link = LinkType(u16::try_from(capture.get_datalink().0).unwrap_or(u16::MAX));
        Ok(Self { name: name.into(), capture, link, frames: 0 })
    }

    /// The interface's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the kernel says it could not deliver.
    pub fn drops(&mut self) -> Drops {
        self.capture.stats().map_or_else(
            |_| Drops::default(),
            |stats| Drops {
                received: u64::from(stats.received),
                kernel: u64::from(stats.dropped),
                interface: u64::from(stats.if_dropped),
            },
        )
    }
}

impl Source for Live {
    fn next_frame(&mut self) -> Result<Next<'_>, CaptureError> {
        match self.capture.next_packet() {
            Ok(packet) => {
                self.frames += 1;
                let micros = u32::try_from(packet.header.ts.tv_usec).unwrap_or(0);
                Ok(Next::Frame(Frame {
                    time: Timestamp::new(packet.header.ts.tv_sec, micros.saturating_mul(1000)),
                    link: self.link,
                    wire_length: packet.header.len,
                    data: packet.data,
                    number: self.frames,
                    stripped_vlan: None,
                }))
            }
            Err(pcap::Error::TimeoutExpired) => {
                std::thread::sleep(SILENCE);
                Ok(Next::Idle(now()))
            }
            Err(pcap::Error::NoMorePackets) => Ok(Next::End),
            Err(error) => {
                Err(CaptureError::Interface { name: self.name.clone(), reason: text(&error) })
            }
        }
    }
}

/// The machine's time, in the same clock the kernel stamps frames with.
#[allow(clippy::disallowed_methods)] // capture is where the clock may be read
pub fn now() -> Timestamp {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or_else(
        |_| Timestamp::default(),
        |d| Timestamp::new(d.as_secs() as i64, d.subsec_nanos()),
    )
}

/// Names of the interfaces of this machine, comma separated.
pub fn interfaces() -> String {
    let names: Vec<String> = pcap::Device::list()
        .map(|devices| devices.into_iter().map(|device| device.name).collect())
        .unwrap_or_default();
    if names.is_empty() { "none that may be seen".into() } else { names.join(", ") }
}

fn text(error: &pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(text) => text.clone(),
        other => other.to_string(),
    }
}

fn explain(name: &str, error: &pcap::Error) -> CaptureError {
    let reason = text(error);
    let lower = reason.to_lowercase();
    let name = name.to_owned();
    if lower.contains("no such device") || lower.contains("doesn't exist") {
        CaptureError::NoInterface { name, existing: interfaces() }
    } else if lower.contains("permission") || lower.contains("not permitted") {
        CaptureError::Permission { name }
    } else {
        CaptureError::Interface { name, reason }
    }
}
