//! A panic is a fault of this program, and is caught where one packet, document or record is handled:
//! what was being handled is lost, and the sensor goes on.
//!
//! Owns the catching and the words of the last panic of each thread. A panic that nobody catches is
//! told by the system's own words, as ever.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

/// Letters of a panic's words that are kept.
const WORDS: usize = 200;

thread_local! {
    /// Catchers around the code that runs.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static LAST: RefCell<Option<Caught>> = const { RefCell::new(None) };
}

/// A panic that was caught.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caught {
    /// File and line, as the compiler knows them.
    pub place: String,
    /// What was said, at most 200 letters. May hold bytes from the wire.
    pub words: String,
}

impl fmt::Display for Caught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.words)
    }
}

/// Does something and catches its panic. What it has changed by then stays changed: the caller sees
/// to what that leaves in doubt.
///
/// # Errors
/// [`Caught`] if there was a panic.
#[inline]
pub fn caught<T>(act: impl FnOnce() -> T) -> Result<T, Caught> {
    DEPTH.set(DEPTH.get().wrapping_add(1));
    let done = panic::catch_unwind(AssertUnwindSafe(act));
    DEPTH.set(DEPTH.get().wrapping_sub(1));
    done.map_err(|payload| last(&*payload))
}

/// What the hook has noted; where none is installed, what the panic carries.
#[cold]
fn last(payload: &(dyn Any + Send)) -> Caught {
    LAST.take().unwrap_or_else(|| Caught { place: String::new(), words: words(payload) })
}

fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("?").chars().take(WORDS).collect()
}

/// From now on a panic that is caught prints nothing: whoever catches it says it, once.
pub fn keep_quiet_when_caught() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| match DEPTH.get() {
            0 => usual(info),
            _ => note(info),
        }));
    });
}

fn note(info: &PanicHookInfo<'_>) {
    let place = info.location().map(|at| format!("{}:{}", at.file(), at.line()));
    let caught = Caught { place: place.unwrap_or_default(), words: words(info.payload()) };
    LAST.set(Some(caught));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_with_its_place_and_a_bounded_part_of_its_words() {
        keep_quiet_when_caught();
        assert_eq!(caught(|| 7), Ok(7));
        let long = "x".repeat(WORDS * 3);
        let one = caught(|| panic!("{long}")).unwrap_err();
        assert!(one.place.starts_with(file!()), "{one}");
        assert_eq!(one.words.len(), WORDS);
        let inner = caught(|| caught(|| panic!("inner")).unwrap_err().words);
        assert_eq!(inner.as_deref(), Ok("inner"));
        assert_eq!(caught(|| panic!("again")).unwrap_err().words, "again");
    }
}
