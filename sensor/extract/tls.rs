//! Placeholder until its parser lands.
use super::{Context, Probe};
use crate::flow::stream::{Chunk, Verdict};
use crate::observation::{Kind, Observation, Value};
/// Placeholder.
pub fn probe(bytes: &[u8]) -> Probe {
    match bytes {
        [] | [0x16] | [0x16, 3] | [0x16, 3, _] | [0x16, 3, _, _] | [0x16, 3, _, _, _] => {
            Probe::Unsure
        }
        [0x16, 3, _, _, _, 1, ..] => Probe::Yes,
        _ => Probe::No,
    }
}
/// Placeholder.
pub fn probe_server(bytes: &[u8]) -> Probe {
    match bytes {
        [] | [0x16] | [0x16, 3] | [0x16, 3, _] | [0x16, 3, _, _] | [0x16, 3, _, _, _] => {
            Probe::Unsure
        }
        [0x16, 3, _, _, _, 2, ..] => Probe::Yes,
        _ => Probe::No,
    }
}
/// Placeholder.
pub fn find_hello(bytes: &[u8]) -> Option<usize> {
    bytes.windows(11).position(|w| matches!(w, [0x16, 3, _, _, _, 1, 0, _, _, 3, _]))
}
/// Placeholder.
#[derive(Debug, Default)]
pub struct Hellos {}
impl Hellos {
    /// Placeholder: 11 bytes are a hello.
    pub fn advance(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Verdict {
        if chunk.bytes.len() < 11 {
            return Verdict::Consumed(0);
        }
        cx.observer.seen(Observation { kind: Kind::TlsSni, value: Value::Name("hello.example") });
        Verdict::All
    }
}
/// Placeholder.
#[derive(Debug, Default)]
pub struct Certificates {}
impl Certificates {
    /// Placeholder.
    pub fn advance(&mut self, _chunk: Chunk<'_>, _cx: &mut Context<'_>) -> Verdict {
        Verdict::All
    }
}
