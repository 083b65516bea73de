//! The command line, as types.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::alert::event::{EventKind, EventKinds};
#[cfg(feature = "live")]
use crate::config::Workers;
use crate::lang::Language;
use crate::lang::Said;

/// Finds PCs that talk to known RedLine Stealer or Mustang Panda infrastructure.
#[derive(Debug, Parser)]
#[command(name = "wardwatch", version, about, max_term_width = 100)]
#[command(after_help = "\
Exit codes: 0 done (also when stopped by a signal), 1 could not do it, 2 usage or configuration.
wardwatch only listens: it resolves no name, contacts no indicator and has no network. What leaves
this machine is wardwatch-relay's to send.")]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// Configuration file (TOML) [default: /etc/wardwatch/wardwatch.toml if it is there]
    #[arg(short, long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Language of alerts and the log [default: from the locale]
    #[arg(long, global = true, value_name = "vi|en")]
    pub lang: Option<Lang>,
    /// Say more on standard error
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// Languages, as the command line spells them.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Lang {
    /// Tiếng Việt
    Vi,
    /// English
    En,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Vi => Self::Vi,
            Lang::En => Self::En,
        }
    }
}

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read captures: pcap, pcapng, snoop, also packed (gzip, zstd, xz, bzip2); a directory; `-` is
    /// standard input
    Scan(Scan),
    /// Watch interfaces and write the log; needs CAP_NET_RAW, not root
    #[cfg(feature = "live")]
    Run(Run),
    /// Say on one screen how the sensor fares; exits with 1 when something is wrong, not for mere hints
    #[cfg(feature = "live")]
    Status(Status),
    /// Listen to a mirror port for some seconds; say what is wrong with it and what mends it
    #[cfg(feature = "live")]
    Doctor(Doctor),
    /// Look at the indicators
    #[command(subcommand)]
    Feeds(Feeds),
    /// Prove that every protocol is read and every feed can fire, else exit with 1; nothing is sent
    Selftest(FeedOptions),
}

/// Where indicators come from.
#[derive(Clone, Debug, Args)]
pub struct FeedOptions {
    /// Load indicators from a file or a directory of files too; may be given again
    #[arg(long, value_name = "PATH")]
    pub feeds: Vec<PathBuf>,
    /// Do not load the curated RedLine and Mustang Panda feeds (the canary stays)
    #[arg(long)]
    pub no_builtin_feeds: bool,
}

/// `wardwatch scan`.
#[derive(Debug, Args)]
#[command(after_help = "\
Captures of one directory whose names differ only in numbers (x.pcap0 and x.pcap1, x-1200.pcap and
x-1205.pcap) are taken for parts of one recording: they are read in the order of their first packets,
and where one begins no more than 2 s before and 15 min after the end of the one before, connections
and counts go on. Any other capture is read by itself.

A directory is searched to its depth; links are not followed. Whatever looks like a capture there and
cannot be read is named, and the exit code is 1. A scan that a signal stops says how much was read and
exits with 130.")]
pub struct Scan {
    /// Captures, directories or `-`; behind them a BPF expression, in one word or several
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Write EVE JSON lines to a file, or with `-` to standard output instead of text
    #[arg(long, value_name = "FILE|-")]
    pub eve: Option<PathBuf>,
    /// Event records in EVE beside alerts: dns,tls,quic,http,dhcp or all
    #[arg(long, value_name = "LIST|all", value_parser = event_kinds, requires = "eve")]
    pub events: Option<EventKinds>,
    /// Indicators.
    #[command(flatten)]
    pub feeds: FeedOptions,
    /// How alerts are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Exit with N when alerts were raised
    #[arg(long, value_name = "N")]
    pub exit_code: Option<u8>,
    /// Threads that read, each another recording: a number or `auto`, one a processor; the output
    /// is the same for any N
    #[arg(short, long, value_name = "N|auto", default_value = "1", value_parser = jobs)]
    pub jobs: u16,
}

/// How `scan` prints alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One line an alert, as in alerts.log
    Text,
    /// One EVE record an alert
    Json,
}

/// `wardwatch run`.
#[cfg(feature = "live")]
#[derive(Debug, Args)]
pub struct Run {
    /// Interface to watch; may be given again
    #[arg(short, long = "interface", value_name = "IFACE")]
    pub interfaces: Vec<String>,
    /// Workers an interface, each with its own socket: a number or `auto`, one a processor
    /// [default: 1]
    #[arg(short, long, value_name = "N|auto")]
    pub workers: Option<Workers>,
    /// Directory of alerts.log and eve.json
    #[arg(long, value_name = "DIR")]
    pub log_dir: Option<PathBuf>,
    /// Write EVE JSON lines to this file, or with `-` to standard output [default: eve.json in
    /// the log directory]
    #[arg(long, value_name = "FILE|-")]
    pub eve: Option<PathBuf>,
    /// Print each alert on standard output too, as it stands in alerts.log
    #[arg(long)]
    pub stdout: bool,
    /// Event records in EVE beside alerts: dns,tls,quic,http,dhcp or all
    #[arg(long, value_name = "LIST|all", value_parser = event_kinds)]
    pub events: Option<EventKinds>,
    /// Indicators.
    #[command(flatten)]
    pub feeds: FeedOptions,
    /// Check configuration, feeds, log directory and interfaces, then exit
    #[arg(short = 'T', long)]
    pub test: bool,
    /// BPF expression; none by default, because one that names ports also drops tags and PPPoE
    #[arg(value_name = "BPF expression")]
    pub filter: Vec<String>,
}

/// `wardwatch status`.
#[cfg(feature = "live")]
#[derive(Debug, Args)]
pub struct Status {
    /// Directory of the log of the sensor that is asked about
    #[arg(long, value_name = "DIR")]
    pub log_dir: Option<PathBuf>,
    /// Print the figures as JSON, for programs
    #[arg(long)]
    pub json: bool,
}

/// `wardwatch doctor`.
#[cfg(feature = "live")]
#[derive(Debug, Args)]
#[command(after_help = "\
Each finding has an id, a severity and a remedy. Exit codes: 0 the port can be used (there may be
NOTEs), 1 there is a PROBLEM. Ctrl-C ends the listening and judges what was heard so far.")]
pub struct Doctor {
    /// Interface to listen on [default: the first of the configuration]
    #[arg(short, long, value_name = "IFACE")]
    pub interface: Option<String>,
    /// Seconds to listen
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub seconds: u16,
    /// Directory the log is to be written in
    #[arg(long, value_name = "DIR")]
    pub log_dir: Option<PathBuf>,
    /// Indicators.
    #[command(flatten)]
    pub feeds: FeedOptions,
}

/// `wardwatch feeds`.
#[derive(Debug, Subcommand)]
pub enum Feeds {
    /// List the indicators that are loaded
    List {
        /// Explain the behaviours that are looked for, in both languages, instead
        #[arg(long)]
        behaviours: bool,
        /// Indicators.
        #[command(flatten)]
        feeds: FeedOptions,
    },
    /// Check feed files: every bad or doubtful line, by its number
    Check {
        /// Files to check; without any, everything that would be loaded
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Turn documents and foreign lists into a feed; what is doubtful is asked about
    Import(Import),
    /// Write the indicators in the format of another program
    Export {
        /// The format
        #[arg(long = "as", value_name = "FORMAT", value_enum)]
        format: ExportAs,
        /// Files to write; without any, everything that would be loaded
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// File that is written [default: standard output]
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        /// Indicators.
        #[command(flatten)]
        feeds: FeedOptions,
    },
    /// Say which indicators one list has more, fewer or otherwise than another; exit code 1 when
    /// they differ
    Diff {
        /// The list before
        #[arg(value_name = "OLD")]
        old: PathBuf,
        /// The list now
        #[arg(value_name = "NEW")]
        new: PathBuf,
    },
    /// Say that what a feed holds now is meant, although it has lost more than half of its rows
    Confirm {
        /// Feed files, or directories of them
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Say whether a name, address, address:port or url would raise an alert, and why; exit code 1
    /// when none would
    Lookup {
        /// What to look up, plain or as reports write it (hxxp, [.]); nothing is contacted
        #[arg(required = true, value_name = "VALUE")]
        values: Vec<String>,
        /// Indicators.
        #[command(flatten)]
        feeds: FeedOptions,
    },
}

/// `wardwatch feeds import`.
#[derive(Debug, Args)]
#[command(after_help = "\
A document is read by a process of its own that can reach no file and no network. Exit codes: 0
everything was taken, 1 something was refused or left out, 3 nothing was.")]
pub struct Import {
    /// Documents and lists: PDF, DOCX, XLSX, EML, HTML, CSV, STIX, MISP ...; a directory is one feed;
    /// `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Read as this format, whatever it looks like
    #[arg(long = "as", value_name = "FORMAT", value_parser = IMPORT_FORMATS)]
    pub as_kind: Option<String>,
    /// File or directory the feed is written to, or `-` for standard output [default: the first
    /// directory of feeds in the configuration]
    #[arg(long, value_name = "PATH")]
    pub to: Option<PathBuf>,
    /// Load what is doubtful too, without a question
    #[arg(long, conflicts_with = "no_doubtful")]
    pub yes: bool,
    /// Leave out what is doubtful, without a question
    #[arg(long)]
    pub no_doubtful: bool,
    /// Threat of every row, such as redline or mustang-panda
    #[arg(long, value_name = "KEY")]
    pub threat: Option<String>,
    /// Report of every row: a link or the number of a letter
    #[arg(long, value_name = "TEXT")]
    pub reference: Option<String>,
    /// Confidence of every row: low, medium or high
    #[arg(long, value_name = "WORD")]
    pub confidence: Option<String>,
    /// Last day the rows are used, or never [default: 90 days for addresses, never for the rest]
    #[arg(long, value_name = "DAY")]
    pub expires: Option<String>,
}

/// Formats that `feeds import --as` knows.
const IMPORT_FORMATS: [&str; 12] = [
    "pdf", "docx", "xlsx", "eml", "html", "markdown", "csv", "json", "xml", "rules", "dataset",
    "text",
];

/// Formats that `feeds export --as` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportAs {
    /// STIX 2.1
    Stix,
    /// A MISP event
    Misp,
    /// Zeek Intelligence Framework
    Zeek,
    /// Suricata dataset (base64 of names)
    Suricata,
    /// Suricata rules
    Rules,
    /// One value a line
    Plain,
    /// A hosts file
    Hosts,
    /// A response policy zone
    Rpz,
    /// The native CSV
    Csv,
}

impl ExportAs {
    /// The word of the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stix => "stix",
            Self::Misp => "misp",
            Self::Zeek => "zeek",
            Self::Suricata => "suricata",
            Self::Rules => "rules",
            Self::Plain => "plain",
            Self::Hosts => "hosts",
            Self::Rpz => "rpz",
            Self::Csv => "csv",
        }
    }
}

/// Reads how many threads: 1 to 256, or `auto`.
pub fn jobs(text: &str) -> Result<u16, Said> {
    let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    match (text, text.parse()) {
        ("auto", _) => Ok(u16::try_from(processors()).unwrap_or(256).min(256)),
        (_, Ok(number @ 1..=256)) => Ok(number),
        _ => Err(Said::new(
            format!("`{text}` không phải số từ 1 đến 256, cũng không phải `auto`"),
            format!("`{text}` is neither a number from 1 to 256 nor `auto`"),
        )),
    }
}

/// Reads `dns,tls` or `all`.
pub fn event_kinds(text: &str) -> Result<EventKinds, Said> {
    if text == "all" {
        return Ok(EventKinds::all());
    }
    let mut kinds = EventKinds::default();
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty() && *word != "alert") {
        let Some(kind) = EventKind::ALL.into_iter().find(|kind| kind.label() == word) else {
            let known = EventKind::ALL.map(EventKind::label).join(", ");
            return Err(Said::new(
                format!("`{word}` không phải loại sự kiện; có các loại {known}, hoặc all"),
                format!("`{word}` is no event; there are {known}, or all"),
            ));
        };
        kinds = kinds.with(kind);
    }
    Ok(kinds)
}
