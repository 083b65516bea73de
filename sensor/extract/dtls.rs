//! Placeholder until its parser lands.
use super::Context;
/// Placeholder.
pub fn probe(_bytes: &[u8]) -> bool {
    false
}
/// Placeholder.
#[derive(Debug, Default)]
pub struct Hellos {}
impl Hellos {
    /// Placeholder.
    pub fn datagram(&mut self, _bytes: &[u8], _cx: &mut Context<'_>) -> bool {
        true
    }
    /// Placeholder.
    pub fn finish(&mut self, _cx: &mut Context<'_>) {}
}
