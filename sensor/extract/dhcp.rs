//! Placeholder until its parser lands.
use crate::observation::Observer;
/// Placeholder.
pub fn read(_bytes: &[u8], _observer: &mut dyn Observer) -> bool {
    false
}
