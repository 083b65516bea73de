//! `wardwatch scan`: captures in, alerts out, a summary at the end.

use std::cell::RefCell;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use wardwatch_record::AlertRecord;

use super::{complain, expression, load, settings, unwritable};
use crate::alert::Origin;
use crate::alert::event::EventKinds;
use crate::app::scan::{Found, Input, Remark, ScanJob, ScanOutcome, inputs, recordings};
use crate::app::writer::Writer;
use crate::app::{self, AppError};
use crate::capture::{Filter, LinkType};
use crate::cli::{Format, Global, Scan};
use crate::config::Settings;
use crate::decode::link_type_name;
use crate::enrich::Enricher;
use crate::lang::{self, Language};
use crate::sink::eve::EveSink;
use crate::sink::summary::Summary;
use crate::sink::target;
use crate::sink::text::{LineFormat, TextSink};
use crate::sink::{Clock, Sink};
use crate::stats::Counter;
use crate::worker::Assignment;

/// How long a scan has for its last words once it is told to stop.
const GRACE: Duration = Duration::from_millis(1500);
/// How late a wish to stop is noticed.
const BREATH: Duration = Duration::from_millis(100);
/// The exit code of a scan that a signal ended before everything was read, as a shell gives it.
const INTERRUPTED: u8 = 130;

pub(super) fn scan(global: &Global, options: Scan) -> Result<u8, AppError> {
    let settings = settings(global, &options.feeds)?;
    let language = settings.language;
    let (paths, filter) = expression::split(options.paths.clone())?;
    if let Some(expression) = &filter {
        Filter::new(expression)?;
    }
    let indicators = load(&settings, global)?;
    let found = inputs(&paths);
    say_found(language, &found);
    let (inputs, unusable) = (found.inputs, found.failures.len());
    if inputs.is_empty() {
        return Ok(1);
    }
    let format = LineFormat {
        language: settings.language,
        clock: Clock::local(),
        threats: settings.threats.clone(),
    };
    let summary = Rc::new(RefCell::new(Summary::new()));
    let sinks = sinks(&options, &format, &summary)?;
    let mut writer = Writer::new(Enricher::new(settings.threats.clone()), sinks);
    let all = Whole { captures: inputs.len(), bytes: inputs.iter().map(size).sum() };
    let progress = progress(all.bytes);
    let job = job(&options, &settings, inputs, filter, indicators.set, progress.clone())?;
    // Under a progress bar, messages go above it.
    let outcome = app::scan::scan(&job, &mut writer, |remark| {
        progress.suspend(|| say(language, remark));
    })?;
    progress.finish_and_clear();
    let interrupted = all.is_interrupted(language, &job, &outcome);
    for fault in &writer.faults {
        let what = fault.caught.to_string();
        complain(&match &fault.alert {
            Some(alert) => lang::alert_failed(language, alert, &what),
            None => lang::record_failed(language, &what),
        });
    }
    let faults = outcome.counters.get(Counter::Panics) > 0 || writer.caught > 0;
    let incomplete = interrupted || faults || !outcome.failures.is_empty() || unusable > 0;
    // Nobody may take "nothing was found" from what could not be read.
    if !outcome.closed && (!incomplete || !summary.borrow().is_clean()) {
        let _ = io::stderr().write_all(summary.borrow().render(&format).as_bytes());
    }
    if global.verbose {
        for counter in Counter::ALL {
            complain(&format_args!("{} {}", counter.name(), outcome.counters.get(*counter)));
        }
        for (link, frames) in outcome.undecoded.iter() {
            complain(&format_args!("decode.skip.link_type.{} {frames}", link_type(link)));
        }
    }
    Ok(match options.exit_code {
        _ if interrupted => INTERRUPTED,
        _ if incomplete => 1,
        Some(code) if writer.alerts > 0 => code,
        _ => 0,
    })
}

fn say(language: Language, remark: &Remark<'_>) {
    match remark {
        Remark::Failure(failure) => complain(&lang::capture(language, failure)),
        Remark::Fault { name, frame, caught } => {
            complain(&lang::frame_failed(language, (name, *frame), &caught.to_string()));
        }
        Remark::Undecoded { name, link, frames } => {
            let text = lang::undecoded(language, name, (link_type(*link), link.0), *frames);
            complain(&text);
        }
    }
}

/// Says what the search for captures met besides captures.
fn say_found(language: Language, found: &Found) {
    for error in &found.failures {
        complain(&error.in_language(language));
    }
    for notice in &found.notices {
        complain(&lang::capture(language, notice));
    }
    if found.passed_over > 0 {
        complain(&lang::passed_over(language, found.passed_over));
    }
}

/// Everything there was to read.
struct Whole {
    captures: usize,
    bytes: u64,
}

impl Whole {
    /// Was the scan stopped before everything was read? Then that is said.
    fn is_interrupted(&self, language: Language, job: &ScanJob, outcome: &ScanOutcome) -> bool {
        let stopped = job.stop.load(Ordering::Relaxed) && !outcome.closed;
        if !stopped || outcome.captures >= self.captures {
            return false;
        }
        let bytes = (job.bytes.load(Ordering::Relaxed), self.bytes);
        complain(&lang::interrupted(language, (outcome.captures, self.captures), bytes));
        true
    }
}

fn link_type(link: LinkType) -> &'static str {
    link_type_name(link).unwrap_or("unknown")
}

fn job(
    options: &Scan,
    settings: &Settings,
    inputs: Vec<Input>,
    filter: Option<String>,
    set: Arc<crate::matching::IndicatorSet>,
    progress: ProgressBar,
) -> Result<ScanJob, AppError> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        let code = i32::from(INTERRUPTED);
        // A second one ends it at once: a reader that takes nothing more must not hold us.
        signal_hook::flag::register_conditional_shutdown(signal, code, stop.clone())
            .and_then(|_| signal_hook::flag::register(signal, stop.clone()))
            .map_err(|error| AppError::System {
                what: "cannot listen for signals",
                reason: error.to_string(),
            })?;
    }
    guard(stop.clone())?;
    let events = match (&options.eve, options.events) {
        (Some(_), Some(kinds)) => kinds,
        (Some(_), None) | (None, _) => EventKinds::default(),
    };
    Ok(ScanJob {
        recordings: recordings(inputs),
        filter,
        set,
        assignment: Assignment {
            limits: settings.limits,
            home: settings.home.clone(),
            events,
            origin: Origin::Capture("".into()),
        },
        jobs: usize::from(options.jobs),
        progress,
        bytes: Arc::new(AtomicU64::new(0)),
        stop,
    })
}

/// A signal ends a scan in good order; but where nobody takes what it prints, or a disk does not
/// answer, it ends all the same. The thread ends with the process.
fn guard(stop: Arc<AtomicBool>) -> Result<(), AppError> {
    let watch = move || {
        while !stop.load(Ordering::Relaxed) {
            thread::sleep(BREATH);
        }
        thread::sleep(GRACE);
        std::process::exit(i32::from(INTERRUPTED));
    };
    thread::Builder::new().name("guard".into()).spawn(watch).map(drop).map_err(|error| {
        AppError::System { what: "cannot start a thread", reason: error.to_string() }
    })
}

/// Where records go: EVE and text, never both on standard output.
fn sinks(
    options: &Scan,
    format: &LineFormat,
    summary: &Rc<RefCell<Summary>>,
) -> Result<Vec<Box<dyn Sink>>, AppError> {
    let clock = format.clock.clone();
    let stdout = || BufWriter::with_capacity(64 * 1024, io::stdout());
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(Shared(summary.clone()))];
    let mut stdout_taken = false;
    match options.eve.as_deref() {
        Some(path) if target::is_stdout(path) => {
            stdout_taken = true;
            sinks.push(Box::new(EveSink::new(clock.clone(), stdout())));
        }
        Some(path) => {
            let file = target::create(path).map_err(|error| unwritable(path, &error))?;
            let file = BufWriter::with_capacity(64 * 1024, file);
            sinks.push(Box::new(EveSink::new(clock.clone(), file)));
        }
        None => {}
    }
    match options.format {
        _ if stdout_taken => {}
        Format::Text => sinks.push(Box::new(TextSink::new(format.clone(), stdout()))),
        Format::Json => sinks.push(Box::new(AlertsOnly(EveSink::new(clock, stdout())))),
    }
    Ok(sinks)
}

/// A summary that is also read at the end.
struct Shared(Rc<RefCell<Summary>>);

impl Sink for Shared {
    fn alert(&mut self, alert: &AlertRecord) -> io::Result<()> {
        self.0.borrow_mut().alert(alert)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `--format json` beside `--eve FILE --events ...`: events go to the file alone.
struct AlertsOnly<S>(S);

impl<S: Sink> Sink for AlertsOnly<S> {
    fn alert(&mut self, alert: &AlertRecord) -> io::Result<()> {
        self.0.alert(alert)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Bytes of a file; of a pipe nobody knows.
fn size(input: &Input) -> u64 {
    match input {
        Input::File(path) => path.metadata().map_or(0, |metadata| metadata.len()),
        Input::Stdin => 0,
    }
}

/// A bar over the bytes of all files, on a terminal only.
fn progress(total: u64) -> ProgressBar {
    if !io::stderr().is_terminal() || total == 0 {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
    let style = "{wide_bar} {percent} %  {bytes}/{total_bytes}  {bytes_per_sec}  {eta}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}
