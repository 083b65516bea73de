//! Lines on standard output or standard error of a sensor that must never wait for whoever reads
//! there.
//!
//! A thread of its own writes, through a bounded queue. A reader that has stopped costs lines
//! there, which are counted and said; one that has gone is said once. The log files have
//! everything either way.

use std::fs::File;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::file::{LineOut, Weight};
use super::log::is_due;
use super::{Losses, Trouble};
use crate::net::Timestamp;

/// Lines that wait for a slow reader.
const QUEUE: usize = 8192;
/// Of these, how many an alert may still take when records of traffic may not.
const ALERTS_ONLY: usize = 1024;
/// Bytes handed over at a time.
const GATHERED: usize = 64 * 1024;
/// The pause after a write that failed for another reason than that nobody reads.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the last lines have at the end of the run: so many waits of so long, for all streams
/// together. A run that was told to stop ends within two seconds.
const FAREWELLS: u32 = 24;
const FAREWELL: Duration = Duration::from_millis(50);
/// Waits that are left.
#[cfg(not(test))]
static LEFT: AtomicU32 = AtomicU32::new(FAREWELLS);

/// The waits that all streams and servers of this process share.
#[cfg(not(test))]
pub(super) fn farewells() -> &'static AtomicU32 {
    &LEFT
}

/// In tests, which share a process, each has its own.
#[cfg(test)]
pub(super) fn farewells() -> &'static AtomicU32 {
    Box::leak(Box::new(AtomicU32::new(FAREWELLS)))
}

/// Waits for a thread to end, as long as there are waits left.
pub(super) fn part(ended: &Receiver<()>, farewells: &AtomicU32) {
    let take = |left: u32| left.checked_sub(1);
    while farewells.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
        if ended.recv_timeout(FAREWELL) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}
/// How often, in nanoseconds, it is said that a reader is too slow.
const MINUTE: u64 = 60_000_000_000;
/// What the thread has to tell.
enum State {
    Failing(String),
    Working,
    Closed(String),
}

/// Standard output, standard error, a pipe, or what stands for one in a test.
pub struct Stream {
    /// What it is called in messages.
    name: String,
    /// Does it take what the sensor says of itself?
    notices: bool,
    /// Taken when this is dropped.
    sender: Option<Sender<Box<[u8]>>>,
    states: Receiver<State>,
    /// Hears nothing but the end of the thread.
    ended: Receiver<()>,
    /// What the thread will have in hand, until it begins.
    printer: Option<Printer>,
    lost: u64,
    lost_said: u64,
    said: Timestamp,
    failing: bool,
    closed: bool,
    /// Waits that are left at the end.
    farewells: &'static AtomicU32,
}

impl Stream {
    /// Standard output: alerts and records. Standard error has what the sensor says of itself.
    pub fn stdout() -> Self {
        Self::new("stdout", false, io::stdout(), farewells())
    }

    /// Standard error.
    pub fn stderr() -> Self {
        Self::new("stderr", true, io::stderr(), farewells())
    }

    /// Standard error for alerts and records.
    pub fn stderr_for_records() -> Self {
        Self::new("stderr", false, io::stderr(), farewells())
    }

    /// A pipe or another file that is open already: alerts and records.
    pub fn of(name: &str, file: File) -> Self {
        Self::new(name, false, file, farewells())
    }

    /// Lines go to `out`. The thread begins with the first line, when the process has given up
    /// its rights.
    fn new(
        name: &str,
        notices: bool,
        out: impl Write + Send + 'static,
        farewells: &'static AtomicU32,
    ) -> Self {
        let (sender, lines) = bounded(QUEUE);
        let (tell, states) = bounded(16);
        let (end, ended) = bounded(0);
        let printer = Some(Printer { out: Box::new(out), lines, tell, failing: false, _end: end });
        Self {
            name: name.into(),
            notices,
            sender: Some(sender),
            states,
            ended,
            printer,
            lost: 0,
            lost_said: 0,
            said: Timestamp::default(),
            failing: false,
            closed: false,
            farewells,
        }
    }

    /// How many were lost since this was last said.
    fn unsaid(&mut self, now: Timestamp) -> u64 {
        self.said = now;
        let unsaid = self.lost - self.lost_said;
        self.lost_said = self.lost;
        unsaid
    }
}

impl LineOut for Stream {
    fn line(&mut self, line: &[u8], weight: Weight) -> io::Result<()> {
        if weight == Weight::Notice && !self.notices {
            return Ok(());
        }
        if let Some(printer) = self.printer.take() {
            // Ends when this is dropped. Not joined: a reader that hangs must not hold the end.
            thread::Builder::new().name("stream".into()).spawn(move || printer.work())?;
        }
        let sent = self.sender.as_ref().is_some_and(|sender| {
            let room = weight != Weight::Event || sender.len() < QUEUE - ALERTS_ONLY;
            room && sender.try_send(line.into()).is_ok()
        });
        self.lost += u64::from(!sent);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn losses(&self) -> Losses {
        Losses { undelivered: self.lost, ..Losses::default() }
    }

    fn tend(&mut self, now: Timestamp, say: &mut dyn FnMut(Trouble)) {
        while let Ok(state) = self.states.try_recv() {
            match state {
                State::Failing(reason) => {
                    self.failing = true;
                    say(Trouble::Unreachable { target: self.name.clone(), reason });
                }
                State::Working => {
                    self.failing = false;
                    let dropped = self.unsaid(now);
                    say(Trouble::Reachable { target: self.name.clone(), dropped });
                }
                State::Closed(reason) => {
                    self.closed = true;
                    say(Trouble::Closed { target: self.name.clone(), reason });
                }
            }
        }
        let more = self.lost > self.lost_said && !self.failing && !self.closed;
        if more && is_due(now, self.said, MINUTE) {
            let dropped = self.unsaid(now);
            say(Trouble::TooSlow { target: self.name.clone(), dropped });
        }
    }
}

impl Drop for Stream {
    /// The last lines get a moment to leave.
    fn drop(&mut self) {
        self.sender = None;
        if self.printer.is_none() {
            part(&self.ended, self.farewells);
        }
    }
}

/// What the thread has in hand.
struct Printer {
    out: Box<dyn Write + Send>,
    lines: Receiver<Box<[u8]>>,
    tell: Sender<State>,
    failing: bool,
    /// Dropped with the thread's end.
    _end: Sender<()>,
}

impl Printer {
    /// Prints until the sink is gone and the queue empty, or nobody reads.
    fn work(mut self) {
        let mut bytes = Vec::new();
        while let Ok(line) = self.lines.recv() {
            bytes.extend_from_slice(&line);
            while bytes.len() < GATHERED
                && let Ok(line) = self.lines.try_recv()
            {
                bytes.extend_from_slice(&line);
            }
            if let Err(error) = self.print(&bytes) {
                let reason = crate::capture::describe(&error);
                let _ = self.tell.try_send(State::Closed(reason));
                return;
            }
            bytes.clear();
        }
    }

    /// Prints all of it, however often that takes; an error means that nobody reads.
    fn print(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut done = 0;
        while let Some(rest @ [_, ..]) = bytes.get(done..) {
            match self.out.write(rest) {
                Ok(written @ 1..) => {
                    done += written;
                    if std::mem::take(&mut self.failing) {
                        let _ = self.tell.try_send(State::Working);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Err(error),
                Ok(_) => self.failed(&io::ErrorKind::WriteZero.into()),
                Err(error) => self.failed(&error),
            }
        }
        // A terminal and a pipe have nothing to flush; `io::Stdout` holds what ends no line.
        match Write::flush(&mut self.out) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    /// A full disk behind a redirection, for one: said once, tried again.
    fn failed(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.failing, true) {
            let reason = crate::capture::describe(error);
            let _ = self.tell.try_send(State::Failing(reason));
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods)] // a test may look at the clock
    use std::time::Instant;

    use super::*;

    /// Hands over what it is given; each write may be refused or held up from outside.
    struct Pipe {
        written: Sender<Vec<u8>>,
        answers: Receiver<io::Result<()>>,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.answers.recv().unwrap_or(Ok(()))?;
            let _ = self.written.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    type Answers = Sender<io::Result<()>>;

    fn pipe() -> (Stream, Receiver<Vec<u8>>, Answers) {
        let (written, read) = bounded(100_000);
        let (answer, answers) = bounded(100);
        let farewells = Box::leak(Box::new(AtomicU32::new(FAREWELLS * 100)));
        (Stream::new("test", false, Pipe { written, answers }, farewells), read, answer)
    }

    fn alert(out: &mut Stream, text: &str) {
        out.line(format!("{text}\n").as_bytes(), Weight::Alert { fold: 1 }).unwrap();
    }

    /// Waits for something to be said.
    fn said(out: &mut Stream) -> Trouble {
        let begun = Instant::now();
        loop {
            let mut first = None;
            out.tend(Timestamp::new(100, 0), &mut |trouble| first = first.take().or(Some(trouble)));
            if let Some(trouble) = first {
                return trouble;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "nothing is said");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn alerts_are_printed_and_what_the_sensor_says_of_itself_is_not() {
        let (mut out, read, answer) = pipe();
        drop(answer);
        alert(&mut out, "one");
        out.line(b"started\n", Weight::Notice).unwrap();
        alert(&mut out, "two");
        drop(out);
        assert_eq!(read.iter().flatten().collect::<Vec<_>>(), b"one\ntwo\n");
    }

    #[test]
    fn a_reader_that_has_gone_is_said_once_and_nobody_waits_for_it() {
        let (mut out, _read, answer) = pipe();
        answer.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
        alert(&mut out, "one");
        assert!(matches!(said(&mut out), Trouble::Closed { .. }));
        for _ in 0..QUEUE * 2 {
            alert(&mut out, "more");
        }
        out.tend(Timestamp::new(1000, 0), &mut |trouble| panic!("again: {trouble:?}"));
        assert_eq!(out.losses().undelivered, QUEUE as u64 * 2);
    }

    #[test]
    fn a_reader_that_stands_still_costs_lines_that_are_counted_events_before_alerts() {
        let (mut out, read, answer) = pipe();
        let begun = Instant::now();
        // Longer than the thread takes at a time, so that the queue is what counts.
        let event = format!("event {}\n", "x".repeat(GATHERED / 64));
        for _ in 0..QUEUE * 2 {
            out.line(event.as_bytes(), Weight::Event).unwrap();
        }
        for _ in 0..ALERTS_ONLY / 2 {
            alert(&mut out, "alert");
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "the writer was kept waiting");
        let lost = out.losses().undelivered;
        assert!(lost >= QUEUE as u64, "{lost}");
        let Trouble::TooSlow { dropped, .. } = said(&mut out) else { panic!("not too slow") };
        assert_eq!(dropped, lost);
        drop(answer);
        drop(out);
        let text = String::from_utf8(read.iter().flatten().collect()).unwrap();
        assert_eq!(text.matches("alert\n").count(), ALERTS_ONLY / 2, "no alert was lost");
    }

    #[test]
    fn readers_that_stand_still_hold_the_end_up_together_as_long_as_one() {
        let begun = Instant::now();
        let farewells: &AtomicU32 = Box::leak(Box::new(AtomicU32::new(FAREWELLS)));
        let (written, _read) = bounded(10);
        let (_answer, answers) = bounded(1);
        let pipe = || Pipe { written: written.clone(), answers: answers.clone() };
        let mut streams = [0; 5].map(|_| Stream::new("test", false, pipe(), farewells));
        streams.iter_mut().for_each(|stream| alert(stream, "one"));
        drop(streams);
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    }

    #[test]
    fn a_full_disk_behind_a_redirection_is_tried_again_and_no_line_is_torn() {
        let (mut out, read, answer) = pipe();
        answer.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
        alert(&mut out, "one");
        assert!(matches!(said(&mut out), Trouble::Unreachable { .. }));
        drop(answer);
        assert!(matches!(said(&mut out), Trouble::Reachable { dropped: 0, .. }));
        drop(out);
        assert_eq!(read.iter().flatten().collect::<Vec<_>>(), b"one\n");
    }
}
