//! Placeholder until its parser lands.
use super::Context;
/// Placeholder.
pub fn read(_payload: &[u8], _cx: &mut Context<'_>) -> bool {
    false
}
