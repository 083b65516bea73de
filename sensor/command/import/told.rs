//! The report of an import: by verdict, then by reason, with how many and three samples each.

use ioc_feeds::handover::Place;

use super::place_of;
use super::sorted::{Shown, Sorted};
use crate::lang::{self, Language};

/// Samples of a reason.
const SAMPLES: usize = 3;
/// Most reasons of a verdict that are listed.
const REASONS: usize = 40;
/// Longest value that is shown, in characters.
const LONGEST: usize = 90;

/// The lines of the report; all values instead of three with `whole`.
pub(super) fn lines(sorted: &Sorted, file: &str, language: Language, whole: bool) -> Vec<String> {
    let both = |said: &ioc_feeds::handover::Said| match language {
        Language::Vi => said.vi.clone(),
        Language::En => said.en.clone(),
    };
    let mut lines = Vec::new();
    for (part, what) in &sorted.read_as {
        let name = if part.is_empty() { file.to_owned() } else { format!("{file}, {part}") };
        lines.push(lang::import_read_as(language, &name, &both(what)));
    }
    let accepted = (lang::import_accepted(language), sorted.accepted);
    lines.push(format!("{}: {}", accepted.0, accepted.1));
    lines.extend(sorted.samples.iter().map(|(place, text)| sample(place, text, language)));
    let groups = [
        (
            lang::import_changed(language),
            sorted.changed.iter().collect::<Vec<_>>(),
            sorted.more_changed,
        ),
        (
            lang::import_doubtful(language),
            sorted.doubtful.iter().map(|doubt| &doubt.shown).collect(),
            0,
        ),
        (lang::import_refused(language), sorted.refused.iter().collect(), sorted.more_refused),
    ];
    for (name, values, more) in groups {
        if values.len() + more > 0 {
            lines.push(format!("{name}: {}", values.len() + more));
            lines.extend(reasons(&values, language, whole));
        }
    }
    if !sorted.doubtful.is_empty() {
        let taken = sorted.doubtful.len().saturating_sub(sorted.declined);
        lines.push(lang::import_decided(language, taken, sorted.declined));
    }
    for (place, what) in &sorted.said {
        let place = place_of(place, language);
        lines.push(if place.is_empty() { both(what) } else { format!("{place}: {}", both(what)) });
    }
    lines.push(lang::import_counted(
        language,
        sorted.rows.len(),
        sorted.duplicates,
        sorted.left_out(),
    ));
    lines
}

/// Values by what is said of them, the most first.
fn reasons(values: &[&Shown], language: Language, whole: bool) -> Vec<String> {
    let mut groups: Vec<(&str, Vec<&Shown>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for value in values {
        let reason = value.why.in_language(language);
        let at = *places.entry(reason).or_insert_with(|| {
            groups.push((reason, Vec::new()));
            groups.len() - 1
        });
        if let Some((_, group)) = groups.get_mut(at) {
            group.push(value);
        }
    }
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.len()));
    let mut lines = Vec::new();
    let most = if whole { usize::MAX } else { REASONS };
    for (reason, group) in groups.iter().take(most) {
        lines.push(format!("  {reason}: {}", group.len()));
        let samples = if whole { usize::MAX } else { SAMPLES };
        lines.extend(
            group.iter().take(samples).map(|one| sample(&one.place, &one.written, language)),
        );
        if group.len() > samples {
            lines.push(format!("    {}", lang::import_more(language, group.len() - samples)));
        }
    }
    if groups.len() > most {
        let rest: usize = groups.iter().skip(most).map(|(_, group)| group.len()).sum();
        lines.push(format!("  {}", lang::import_more(language, rest)));
    }
    lines
}

fn sample(place: &Place, text: &str, language: Language) -> String {
    let mut shown: String = text.replace('\n', " ").chars().take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    match place_of(place, language) {
        place if place.is_empty() => format!("    {shown}"),
        place => format!("    {shown}  ({place})"),
    }
}
