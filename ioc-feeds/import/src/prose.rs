//! Texts of lines: lists, letters, whatever was pasted.

use ioc_feeds::Reason;
use ioc_feeds::handover::{Place, number};
use ioc_feeds::judge::line::LONGEST;
use ioc_feeds::judge::lines::{self, Look};
use ioc_feeds::judge::table::Facts;

use crate::Out;

/// Reads lines; `place` says where each stands.
pub fn read(text: &str, place: &dyn Fn(usize) -> Place, out: &mut Out<'_>) {
    read_with(text, place, &Facts::default(), out);
}

/// The same, with facts that hold for all of them.
pub fn read_with(text: &str, place: &dyn Fn(usize) -> Place, facts: &Facts, out: &mut Out<'_>) {
    let lines = || {
        text.split('\n')
            .map(|line| if line.len() > LONGEST { "" } else { line.trim_matches(['\r', '\u{c}']) })
    };
    for (at, line) in text.split('\n').enumerate().filter(|(_, line)| line.len() > LONGEST) {
        let shown: String = line.chars().take(40).collect();
        let reason = Reason::new(
            format!("dòng dài hơn {} KiB", LONGEST / 1024),
            format!("a line longer than {} KiB", LONGEST / 1024),
        );
        out.refused(place(at), &shown, reason);
    }
    let look = Look::of(lines());
    let words = lines::judge(&look, lines(), &mut |at, finding| {
        out.finding(place(at), &finding, facts);
    });
    if words > 0 {
        let place = Place { line: 0, cell: 0, ..place(0) };
        out.note(
            place,
            format!("{words} dòng chữ không có dấu hiệu nào"),
            format!("{words} lines of words without an indicator"),
        );
    }
}

/// Lines of a plain file.
pub fn numbered(text: &str, out: &mut Out<'_>) {
    read(text, &|at| Place { line: number(at), ..Place::default() }, out);
}
