//! The doubtful: a person on a terminal is asked about each, a script has said before.

use std::io::{self, BufRead, IsTerminal, Write};

use super::place_of;
use super::sorted::{Doubt, Sorted};
use crate::cli::Import;
use crate::lang::{self, Language};
use crate::sink::escape;

/// Decides about every doubtful value. False if the person wants nothing at all.
pub(super) fn settle(sorted: &mut Sorted, options: &Import, language: Language) -> bool {
    let doubtful = sorted.doubtful.clone();
    if options.yes {
        doubtful.iter().for_each(|doubt| sorted.accept(doubt, 0));
        return true;
    }
    let terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    if options.no_doubtful || !terminal {
        sorted.declined += doubtful.len();
        return true;
    }
    let mut all = None;
    for doubt in &doubtful {
        let answer = match all {
            Some(answer) => answer,
            None => match ask(doubt, language) {
                Answer::All => {
                    all = Some(Answer::Yes(0));
                    Answer::Yes(0)
                }
                Answer::None => {
                    all = Some(Answer::No);
                    Answer::No
                }
                answer => answer,
            },
        };
        match answer {
            Answer::Yes(reading) => sorted.accept(doubt, reading),
            Answer::Quit => return false,
            _ => sorted.declined += 1,
        }
    }
    true
}

/// What a person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Yes(usize),
    No,
    All,
    None,
    Quit,
}

fn ask(doubt: &Doubt, language: Language) -> Answer {
    let mut err = io::stderr().lock();
    let place = place_of(&doubt.shown.place, language);
    let why = doubt.shown.why.in_language(language);
    let line = format!("{place}: {} - {why}", doubt.shown.written.replace('\n', " "));
    let _ = writeln!(err, "{}", escape::line(&line));
    for (at, reading) in doubt.readings.iter().enumerate() {
        let line = format!("  {}) {reading}", at + 1);
        let _ = writeln!(err, "{}", escape::line(&line));
    }
    loop {
        let _ = write!(err, "{} ", lang::import_question(language));
        let _ = err.flush();
        let mut answer = String::new();
        match io::stdin().lock().read_line(&mut answer) {
            Ok(0) | Err(_) => return Answer::None,
            Ok(_) => {}
        }
        if let Some(answer) = understood(answer.trim(), doubt.readings.len()) {
            return answer;
        }
    }
}

fn understood(text: &str, readings: usize) -> Option<Answer> {
    if let Ok(number) = text.parse::<usize>() {
        return (1..=readings).contains(&number).then(|| Answer::Yes(number - 1));
    }
    match text.to_lowercase().as_str() {
        "y" | "yes" | "c" | "có" | "co" => Some(Answer::Yes(0)),
        "" | "n" | "no" | "k" | "không" | "khong" => Some(Answer::No),
        "a" | "all" | "t" | "tất cả" => Some(Answer::All),
        "none" | "x" => Some(Answer::None),
        "q" | "quit" | "thoát" => Some(Answer::Quit),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_understood_in_both_languages_and_a_number_picks_a_reading() {
        for (text, answer) in [
            ("y", Some(Answer::Yes(0))),
            ("Có", Some(Answer::Yes(0))),
            ("", Some(Answer::No)),
            ("k", Some(Answer::No)),
            ("2", Some(Answer::Yes(1))),
            ("3", None),
            ("0", None),
            ("a", Some(Answer::All)),
            ("q", Some(Answer::Quit)),
            ("perhaps", None),
        ] {
            assert_eq!(understood(text, 2), answer, "{text}");
        }
    }
}
