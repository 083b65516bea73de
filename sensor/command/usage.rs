//! Help and usage errors in the language of whoever asks, and hints for habits of other tools.
//!
//! The command line is defined once, in English, in [`crate::cli`]; [`lang::usage`] has the
//! Vietnamese of each of its texts. The language is found before anything is parsed.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};

use crate::cli::Cli;
use crate::config;
use crate::lang::{self, Language, Said, usage as words};
use crate::sink::escape;

/// Reads the command line.
///
/// # Errors
/// The exit code, when help was asked for or the command line cannot be used; all is said then.
pub(super) fn parse() -> Result<Cli, ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let language = language_of(&arguments);
    read(&arguments, language).map_err(|error| match error.use_stderr() {
        false => help(&error, language),
        // The same with arguments that are harmless: an error repeats them, and their letters must
        // not move a cursor.
        true => {
            let plain: Vec<OsString> = arguments
                .iter()
                .map(|argument| escape::line(&argument.to_string_lossy()).into_owned().into())
                .collect();
            let same = read(&plain, language).err();
            complain(same.as_ref().unwrap_or(&error), &plain, language)
        }
    })
}

fn read(arguments: &[OsString], language: Language) -> Result<Cli, clap::Error> {
    let mut command = command(language);
    let mut matches = command.try_get_matches_from_mut(arguments)?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// The language that is asked for by `--lang`, wherever it stands, else the locale's.
fn language_of(arguments: &[OsString]) -> Language {
    let mut words = arguments.iter().map(|argument| argument.to_string_lossy());
    let mut asked = None;
    while let Some(word) = words.next() {
        match word.strip_prefix("--lang") {
            Some("") => asked = words.next().and_then(|next| spelt(&next)),
            Some(rest) => asked = rest.strip_prefix('=').and_then(spelt),
            None => {}
        }
    }
    config::spoken(asked)
}

fn spelt(text: &str) -> Option<Language> {
    match text {
        "vi" => Some(Language::Vi),
        "en" => Some(Language::En),
        _ => None,
    }
}

/// The command line with its texts in a language.
pub fn command(language: Language) -> clap::Command {
    match language {
        Language::En => Cli::command(),
        Language::Vi => {
            let mut command = Cli::command();
            // Help and version are options like others from here on.
            command.build();
            translated(command)
        }
    }
}

fn translated(command: clap::Command) -> clap::Command {
    let about = command.get_about().map(|text| words::vietnamese(&text.to_string()));
    let long = command.get_long_about().map(|text| words::vietnamese(&text.to_string()));
    let after = command.get_after_help().map(|text| words::vietnamese(&text.to_string()));
    let mut command = command
        .subcommand_help_heading("Lệnh")
        .subcommand_value_name("LỆNH")
        .mut_args(translated_argument);
    if let Some(about) = about {
        command = command.about(about);
    }
    if let Some(long) = long {
        command = command.long_about(long);
    }
    if let Some(after) = after {
        command = command.after_help(after);
    }
    command.mut_subcommands(translated)
}

fn translated_argument(argument: clap::Arg) -> clap::Arg {
    let help = argument.get_help().map(|text| words::vietnamese(&text.to_string()));
    let heading = if argument.is_positional() { "Tham số" } else { "Tùy chọn" };
    let names: Vec<&'static str> = argument
        .get_value_names()
        .into_iter()
        .flatten()
        .map(|name| words::value_name(name))
        .collect();
    let takes_values = argument.get_action().takes_values();
    let mut argument = argument.help_heading(heading);
    if let Some(help) = help {
        // The longer text of help and version says no more.
        argument = argument.long_help(None::<&str>).help(help);
    }
    match takes_values && !names.is_empty() {
        true => argument.value_names(names),
        false => argument,
    }
}

fn help(error: &clap::Error, language: Language) -> ExitCode {
    if language == Language::En {
        // On a terminal, with its colours.
        let _ = error.print();
    } else {
        let text = words::frame(&error.render().to_string());
        let _ = io::stdout().write_all(text.as_bytes());
    }
    ExitCode::SUCCESS
}

/// Says what is wrong with the command line, and what would be right.
fn complain(error: &clap::Error, arguments: &[OsString], language: Language) -> ExitCode {
    let mut text = match language {
        Language::En => error.render().to_string(),
        Language::Vi => in_vietnamese(error),
    };
    if let Some(hint) = habit(error, arguments) {
        let head = lang::hint(language);
        text = format!("{}\n{head} {}\n", text.trim_end(), hint.in_language(language));
    }
    for line in text.lines() {
        let _ = writeln!(io::stderr(), "{}", escape::line(line));
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn in_vietnamese(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return words::frame(&error.render().to_string());
    }
    let mut text = format!("lỗi: {}\n", what_is_wrong(error));
    for kind in
        [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue]
    {
        if let Some(near) = context(error, kind) {
            text += &format!("\n  gợi ý: có phải bạn muốn ghi `{near}`?\n");
        }
    }
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        text += &format!("\n{}\n", words::frame(&usage.to_string()));
    }
    text + "\nXem thêm: thêm '--help' vào lệnh.\n"
}

fn what_is_wrong(error: &clap::Error) -> String {
    let given = |kind| context(error, kind).unwrap_or_default();
    let argument = words::names_in(&given(ContextKind::InvalidArg));
    let value = given(ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::UnknownArgument => format!("không có tham số {argument}"),
        ErrorKind::InvalidSubcommand => {
            format!("không có lệnh {}", given(ContextKind::InvalidSubcommand))
        }
        ErrorKind::InvalidValue if value.is_empty() || value == "''" => {
            format!("{argument} cần có giá trị")
        }
        ErrorKind::InvalidValue => format!(
            "giá trị {value} của {argument} không hợp lệ; các giá trị dùng được: {}",
            given(ContextKind::ValidValue)
        ),
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map(said).unwrap_or_default();
            format!("giá trị {value} của {argument} không hợp lệ: {why}")
        }
        ErrorKind::ArgumentConflict => match given(ContextKind::PriorArg) {
            prior if prior == given(ContextKind::InvalidArg) => {
                format!("{argument} chỉ được ghi một lần")
            }
            prior => format!("không dùng {argument} cùng với {}", words::names_in(&prior)),
        },
        ErrorKind::MissingRequiredArgument => format!("còn thiếu {argument}"),
        ErrorKind::MissingSubcommand => {
            format!("còn thiếu lệnh; có các lệnh: {}", given(ContextKind::ValidSubcommand))
        }
        ErrorKind::InvalidUtf8 => "tham số không phải văn bản UTF-8".into(),
        ErrorKind::NoEquals => format!("{argument} cần có dấu = trước giá trị"),
        ErrorKind::TooManyValues => format!("{argument} không nhận giá trị {value}"),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("{argument} có số giá trị không đúng")
        }
        _ => error.kind().to_string(),
    }
}

/// What a reader of values says: our own in Vietnamese, a range in numbers.
fn said(source: &(dyn std::error::Error + 'static)) -> String {
    if let Some(said) = source.downcast_ref::<Said>() {
        return said.in_language(Language::Vi).to_owned();
    }
    let english = source.to_string();
    match english.split_once(" is not in ") {
        Some((value, range)) => format!("{value} nằm ngoài khoảng {range}"),
        None if english.starts_with("invalid digit") => "không phải số nguyên".into(),
        None if english.contains("empty string") => "không được để trống".into(),
        None => english,
    }
}

/// What stands in the error, several joined.
fn context(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(format!("'{text}'")),
        ContextValue::Strings(list) if list.is_empty() => None,
        ContextValue::Strings(list) => Some(list.join(", ")),
        ContextValue::StyledStr(text) => Some(text.to_string()),
        ContextValue::StyledStrs(list) => {
            Some(list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
        ContextValue::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// What users of tcpdump, Snort and Suricata mean by an option that is not one here.
fn habit(error: &clap::Error, arguments: &[OsString]) -> Option<Said> {
    if !matches!(
        error.kind(),
        ErrorKind::UnknownArgument
            | ErrorKind::MissingRequiredArgument
            | ErrorKind::InvalidSubcommand
    ) {
        return None;
    }
    let words: Vec<_> = arguments.iter().skip(1).map(|word| word.to_string_lossy()).collect();
    let unknown = context(error, ContextKind::InvalidArg).unwrap_or_default();
    let option = unknown.trim_matches('\'');
    let behind = |name: &str| {
        let place = words.iter().position(|word| word == name);
        place.and_then(|place| words.get(place + 1)).map_or("FILE", |word| word)
    };
    let first = words.first().map(|word| &**word);
    Some(match (option, first) {
        ("-r" | "--read" | "--pcap-file", _) => {
            let file = behind(option);
            Said::new(
                format!("để đọc tệp bắt gói tin: wardwatch scan {file}"),
                format!("to read a capture: wardwatch scan {file}"),
            )
        }
        ("-i" | "--interface", Some("-i" | "--interface" | "scan")) => {
            let name = behind(option);
            Said::new(
                format!("để giám sát một card mạng: wardwatch run -i {name}"),
                format!("to watch an interface: wardwatch run -i {name}"),
            )
        }
        ("-w" | "--write", _) => Said::new(
            "wardwatch không ghi lại gói tin; hãy dùng tcpdump -w. Cảnh báo dạng JSON: --eve TỆP. \
             Số luồng (chỉ với run): -w N",
            "wardwatch writes no packets; use tcpdump -w. Alerts as JSON: --eve FILE. Workers \
             (of run only): -w N",
        ),
        ("-l", _) => Said::new(
            "thư mục nhật ký: wardwatch run --log-dir THƯ_MỤC. Đầu ra luôn được ghi ngay từng dòng",
            "directory of the log: wardwatch run --log-dir DIR. Output is never held back",
        ),
        ("-D", _) => Said::new(
            "để chạy nền: sudo systemctl start wardwatch. Danh sách card mạng: ip link",
            "to run in the background: sudo systemctl start wardwatch. Interfaces: ip link",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_command(command: &clap::Command) -> Vec<clap::Command> {
        let below = command.get_subcommands().flat_map(every_command);
        std::iter::once(command.clone()).chain(below).collect()
    }

    #[test]
    fn every_text_of_the_command_line_has_its_vietnamese() {
        let mut english = Cli::command();
        english.build();
        let mut found = 0;
        for command in every_command(&english) {
            let mut texts: Vec<String> =
                [command.get_about(), command.get_long_about(), command.get_after_help()]
                    .into_iter()
                    .flatten()
                    .map(ToString::to_string)
                    .collect();
            texts.extend(
                command.get_arguments().filter_map(|one| one.get_help()).map(ToString::to_string),
            );
            for text in texts {
                assert!(words::known(&text).is_some(), "{}: {text:?}", command.get_name());
                found += 1;
            }
            let with_values = command.get_arguments().filter(|one| one.get_action().takes_values());
            for name in with_values.filter_map(|one| one.get_value_names()).flatten() {
                assert!(words::known_name(name).is_some(), "{}: {name}", command.get_name());
            }
        }
        assert!(found > 40, "{found} found: is this test still reading what it should?");
    }

    #[test]
    fn the_help_of_every_command_is_vietnamese_to_its_headings() {
        for command in every_command(&command(Language::Vi)) {
            if command.get_name() == "help" {
                continue;
            }
            let text = words::frame(&command.clone().render_long_help().to_string());
            for english in [
                "Usage",
                "Options",
                "Arguments",
                "Commands",
                "default",
                "possible",
                "Print",
                " an ",
                "English",
                " the ",
            ] {
                assert!(!text.contains(english), "{english} in {text}");
            }
            assert!(text.contains("Cách dùng:"), "{text}");
        }
    }

    fn complaint(words: &[&str]) -> String {
        let arguments: Vec<OsString> =
            std::iter::once("wardwatch").chain(words.iter().copied()).map(OsString::from).collect();
        let error = read(&arguments, Language::Vi).unwrap_err();
        let hint = habit(&error, &arguments);
        let hint = hint.map_or_else(String::new, |hint| hint.in_language(Language::Vi).to_owned());
        in_vietnamese(&error) + &hint
    }

    #[test]
    fn usage_errors_are_vietnamese_and_name_what_is_wrong() {
        for (words, said) in [
            (&["scan", "--no-such", "x"][..], "không có tham số '--no-such'"),
            (&["scan"], "còn thiếu <ĐƯỜNG_DẪN>..."),
            (&["explode"], "không có lệnh 'explode'"),
            (&["sacn", "x"], "có phải bạn muốn ghi `scan`?"),
            (&["scan", "--events", "telex", "--eve", "-", "x"], "không phải loại sự kiện"),
            (&["scan", "-j", "0", "x"], "không phải số từ 1 đến 256"),
            (&["scan", "--format", "xml", "x"], "các giá trị dùng được: text, json"),
            (&["scan", "--exit-code", "256", "x"], "256 nằm ngoài khoảng 0..=255"),
            (&["scan", "--events", "dns", "x"], "còn thiếu --eve <TỆP|->"),
            (&["scan", "--eve"], "--eve <TỆP|->' cần có giá trị"),
            (&["-r", "old.pcap"], "wardwatch scan old.pcap"),
            (&["-i", "eth1"], "wardwatch run -i eth1"),
            (&["scan", "x", "-w", "y"], "tcpdump -w"),
            (&["run", "-D"], "systemctl start wardwatch"),
            (&["run", "-l", "/x"], "--log-dir"),
        ] {
            let text = complaint(words);
            assert!(text.contains(said), "{words:?}: {text}");
            for english in ["error", "Usage", "tip:", "For more", "OPTIONS", "required"] {
                assert!(!text.contains(english), "{english} in {text}");
            }
        }
    }

    #[test]
    fn the_language_is_known_before_anything_is_read() {
        let of =
            |words: &[&str]| language_of(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(of(&["wardwatch", "--lang", "vi", "--nonsense"]), Language::Vi);
        assert_eq!(of(&["wardwatch", "scan", "--lang=en"]), Language::En);
        assert_eq!(of(&["wardwatch", "--lang"]), config::spoken(None));
    }
}
