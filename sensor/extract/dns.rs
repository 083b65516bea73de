//! Placeholder until its parser lands.
use crate::observation::Observer;
/// Placeholder.
#[derive(Debug, Default)]
pub struct Reader {}
/// Placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// a
    Whole,
    /// b
    Damaged,
    /// c
    NotDns,
}
impl Reader {
    /// Placeholder.
    pub fn read(&mut self, _bytes: &[u8], _observer: &mut dyn Observer) -> Reading {
        Reading::Whole
    }
}
/// Placeholder.
pub fn plausible(bytes: &[u8], port_hint: bool) -> bool {
    bytes.len() >= 12 && (port_hint || bytes.get(4..6) == Some(&[0, 1]))
}
/// Placeholder.
pub mod tcp {
    use crate::extract::{Context, Probe};
    use crate::flow::stream::{Chunk, Verdict};
    /// Placeholder.
    pub fn probe(bytes: &[u8]) -> Probe {
        match bytes {
            [0, n, ..] if *n > 12 && bytes.get(6..8) == Some(&[0, 1]) => Probe::Yes,
            [0] => Probe::Unsure,
            [0, n, ..] if *n > 12 && bytes.len() < 8 => Probe::Unsure,
            _ => Probe::No,
        }
    }
    /// Placeholder.
    #[derive(Debug, Default)]
    pub struct TcpMessages {}
    impl TcpMessages {
        /// Placeholder.
        pub fn advance(&mut self, chunk: Chunk<'_>, _cx: &mut Context<'_>) -> Verdict {
            Verdict::Consumed(chunk.bytes.len() as u64)
        }
    }
}
