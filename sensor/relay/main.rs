//! The command line of `wardwatch-relay`.
#![allow(clippy::print_stderr, clippy::print_stdout)] // it is where the program speaks

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use wardwatch_record::{Language, escape};
use wardwatch_relay::{RelayError, Settings};

/// Where the configuration stands.
const CONFIG: &str = "/etc/wardwatch/relay.toml";

/// Alerts of the spool to syslog servers, and a metrics page / Gửi cảnh báo từ spool đến máy chủ syslog, và trang số liệu.
#[derive(Debug, Parser)]
#[command(name = "wardwatch-relay", version)]
struct Options {
    /// Configuration (default: /etc/wardwatch/relay.toml) / Tệp cấu hình.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Language of lines and messages / Ngôn ngữ: vi, en.
    #[arg(long, value_name = "vi|en", value_parser = language)]
    lang: Option<Language>,
    /// Check the configuration and end / Kiểm tra cấu hình rồi kết thúc.
    #[arg(short = 'T', long)]
    test: bool,
}

fn language(text: &str) -> Result<Language, String> {
    Language::parse(text).ok_or_else(|| "vi, en".into())
}

fn main() -> ExitCode {
    let options = Options::parse();
    let path = options.config.unwrap_or_else(|| CONFIG.into());
    let spoken = wardwatch_relay::config::spoken(options.lang);
    let done = Settings::load(&path, options.lang)
        .map_err(RelayError::from)
        .and_then(|settings| wardwatch_relay::run(&settings, options.test));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let said = error.message();
            eprintln!("wardwatch-relay: {}", escape::line(said.in_language(spoken)));
            ExitCode::from(error.exit_code())
        }
    }
}
