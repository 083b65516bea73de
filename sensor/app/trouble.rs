//! What becomes of a destination's trouble: a notice that says it.

use std::path::Path;

use wardwatch_record::{Language, Message, Notice, Topic};

use crate::lang;
use crate::net::Timestamp;
use crate::sink::Trouble;

/// As every destination takes it.
pub(super) fn notice(trouble: &Trouble, now: Timestamp) -> Notice {
    let message = Message::made(|language| text(language, trouble));
    match trouble {
        Trouble::Spool(event) if event.is_warning() => {
            Notice::warning(now.0, Topic::Spool, message)
        }
        Trouble::Spool(_) => Notice::information(now.0, Topic::Spool, message),
        _ => Notice::warning(now.0, Topic::Output, message),
    }
}

fn text(language: Language, trouble: &Trouble) -> String {
    let shown = |path: &Path| path.to_string_lossy().into_owned();
    match trouble {
        Trouble::Failing { path, reason } => lang::failing(language, &shown(path), reason),
        Trouble::Resumed { path, held, folded, gone, events } => {
            let numbers = [*held as u64, *folded, *gone, *events];
            lang::resumed(language, &shown(path), numbers)
        }
        Trouble::Unreachable { target, reason } => lang::unreachable(language, target, reason),
        Trouble::Reachable { target, dropped } => lang::reachable(language, target, *dropped),
        Trouble::TooSlow { target, dropped } => lang::too_slow(language, target, *dropped),
        Trouble::Closed { target, reason } => lang::closed(language, target, reason),
        Trouble::NotSynced { path, reason } => lang::not_synced(language, &shown(path), reason),
        Trouble::Spool(event) => event.message().in_language(language).to_owned(),
        Trouble::NotRotated { path, reason } => lang::not_rotated(language, &shown(path), reason),
    }
}
