//! `wardwatch selftest`: proves that every protocol is read and every feed can fire, with one
//! synthetic conversation each through the real path: frame, worker, queue, writer.
//!
//! Nothing leaves the process: frames are made in memory.

mod packets;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;

use crossbeam_channel::bounded;
use ioc_feeds::{Host, Indicator, Pattern};

use super::{load, settings};
use crate::alert::event::EventKinds;
use crate::alert::{Origin, Outbox, WhenFull};
use crate::app::AppError;
use crate::app::writer::Writer;
use crate::capture::{Frame, LinkType};
use crate::cli::{FeedOptions, Global};
use crate::config::Settings;
use crate::enrich::{Enricher, FullAlert};
use crate::lang::{self, Language};
use crate::matching::{IndicatorId, IndicatorSet, Matcher};
use crate::net::Timestamp;
use crate::observation::{Kind, Observation, Value};
use crate::sink::{Sink, escape};
use crate::worker::{Assignment, Worker};
use packets::{Conversation, Protocol};

/// A server nobody has: documentation range (RFC 5737).
const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 200));
/// Records of one conversation that the queue has room for.
const QUEUE: usize = 4096;

pub(super) fn selftest(global: &Global, options: &FeedOptions) -> Result<u8, AppError> {
    let settings = settings(global, options)?;
    let set = load(&settings, global)?.set;
    let mut clean = true;
    for (feed, id) in chosen(&set) {
        let Some(indicator) = set.get(id) else { continue };
        let pattern = indicator.pattern.text();
        let pattern = escape::field(&pattern);
        for probe in probes(indicator) {
            let fires = match &probe.conversation {
                Some(conversation) => fires(&settings, &set, indicator, conversation),
                None => is_found(&set, id, indicator),
            };
            clean &= fires;
            let word = verdict(settings.language, fires);
            let kind = lang::pattern(settings.language, &indicator.pattern);
            let line = format!("{word:6} {feed}  {kind}  {}  {}", pattern, probe.protocol);
            print(&line)?;
        }
    }
    let every = match settings.language {
        Language::Vi if clean => "Mọi giao thức và mọi nguồn dấu hiệu đều hoạt động.",
        Language::En if clean => "Every protocol is read and every feed can fire.",
        Language::Vi => "CÓ DẤU HIỆU KHÔNG HOẠT ĐỘNG: xem các dòng LỖI ở trên.",
        Language::En => "SOMETHING CANNOT FIRE: see the lines marked FAILED above.",
    };
    print(every)?;
    Ok(u8::from(!clean))
}

const fn verdict(language: Language, fires: bool) -> &'static str {
    match (fires, language) {
        (true, _) => "ok",
        (false, Language::Vi) => "LỖI",
        (false, Language::En) => "FAILED",
    }
}

/// Prints a line; a reader that has gone away is no failure.
fn print(line: &str) -> Result<(), AppError> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if !super::is_closed(&error) => Err(AppError::System {
            what: "cannot write the output",
            reason: crate::capture::describe(&error),
        }),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Of each feed and type the first by its text, so that every run tests the same. What an allow
/// list silences is not meant to fire.
fn chosen(set: &IndicatorSet) -> Vec<(Arc<str>, IndicatorId)> {
    let shadowed: HashSet<IndicatorId> = set.shadowed().iter().copied().collect();
    let mut first: BTreeMap<(Arc<str>, &str), (String, IndicatorId)> = BTreeMap::new();
    for (indicator, id) in set.indicators().iter().zip((0..).map(IndicatorId)) {
        if shadowed.contains(&id) {
            continue;
        }
        let key = (indicator.feed.clone(), indicator.pattern.kind());
        let text = indicator.pattern.text();
        let best = first.entry(key).or_insert_with(|| (text.clone(), id));
        if text < best.0 {
            *best = (text, id);
        }
    }
    first.into_iter().map(|((feed, _), (_, id))| (feed, id)).collect()
}

/// A way to meet an indicator; without a conversation the matcher itself is asked.
struct Probe {
    protocol: &'static str,
    conversation: Option<Conversation>,
}

fn probes(indicator: &Indicator) -> Vec<Probe> {
    let probe = |protocol: Protocol, server: IpAddr, port: u16| Probe {
        protocol: protocol.label(),
        conversation: Some(Conversation { protocol, server, port }),
    };
    let http = |host: String, port: u16, target: &str, agent: &str| {
        let head = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\n\r\n");
        probe(Protocol::Http(head), NOBODY, port)
    };
    match &indicator.pattern {
        Pattern::Domain { name, .. } => {
            let name = || name.as_str().to_owned();
            vec![
                probe(Protocol::DnsUdp(name()), NOBODY, 53),
                probe(Protocol::DnsTcp(name()), NOBODY, 53),
                probe(Protocol::Tls(name()), NOBODY, 443),
                probe(Protocol::Quic(name()), NOBODY, 443),
                http(name(), 80, "/", "-"),
                probe(Protocol::Socks(name()), NOBODY, 1080),
            ]
        }
        Pattern::Ip(ip) | Pattern::Cidr(ip, _) => {
            let tcp = probe(Protocol::Syn, *ip, 443);
            vec![tcp, probe(Protocol::Udp, *ip, 9), probe(Protocol::Ping, *ip, 0)]
        }
        Pattern::IpPort(ip, port) => {
            vec![probe(Protocol::Syn, *ip, *port), probe(Protocol::Udp, *ip, *port)]
        }
        Pattern::Url { host, port, path } => {
            let host = match host {
                Host::Name(name) => name.as_str().to_owned(),
                Host::Address(_) => host.to_string(),
            };
            let named = port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
            vec![http(named, port.unwrap_or(80), path, "-")]
        }
        Pattern::Path(path) => vec![http("host.test".into(), 80, path, "-")],
        Pattern::UserAgent(agent) => vec![http("host.test".into(), 80, "/", agent)],
        // No feed lists behaviours; their own tests speak them.
        Pattern::Behaviour(_) | Pattern::Ja3(_) | Pattern::Ja4(_) | Pattern::CertSha1(_) => {
            vec![Probe { protocol: "-", conversation: None }]
        }
    }
}

/// What a digest was made of is not known: the matcher is asked for it directly.
fn is_found(set: &Arc<IndicatorSet>, id: IndicatorId, indicator: &Indicator) -> bool {
    let (kind, text) = match &indicator.pattern {
        Pattern::Ja3(text) => (Kind::Ja3, text),
        Pattern::Ja4(text) => (Kind::Ja4, text),
        Pattern::CertSha1(text) => (Kind::TlsCertSha1, text),
        _ => return false,
    };
    let mut found = false;
    let observation = Observation { kind, value: Value::Text(text.as_bytes()) };
    Matcher::new(set.clone()).find(&observation, &mut |hit| found |= hit.id == id);
    found
}

/// Does the conversation raise an alert of this indicator, or of a more specific one of the same
/// threat, which then speaks for it?
fn fires(
    settings: &Settings,
    set: &Arc<IndicatorSet>,
    indicator: &Indicator,
    conversation: &Conversation,
) -> bool {
    let (sender, records) = bounded(QUEUE);
    let assignment = Assignment {
        limits: settings.limits,
        home: settings.home.clone(),
        events: EventKinds::default(),
        origin: Origin::Capture("selftest".into()),
    };
    let mut worker = Worker::new(assignment, set.clone(), Outbox::new(sender, WhenFull::GoOn));
    for (number, data) in (1..).zip(conversation.frames()) {
        worker.frame(&Frame {
            time: Timestamp::new(1_718_676_000, number as u32 * 1000),
            link: LinkType(1),
            wire_length: u32::try_from(data.len()).unwrap_or(u32::MAX),
            data: &data,
            number,
            stripped_vlan: None,
        });
    }
    let heard = Rc::new(RefCell::new(false));
    let ear = Ear { wanted: indicator.threat.clone(), heard: heard.clone() };
    let mut writer = Writer::new(Enricher::new(settings.threats.clone()), vec![Box::new(ear)]);
    worker.finish();
    for record in records.try_iter() {
        let _ = writer.write(record);
    }
    let _ = writer.flush();
    heard.take()
}

/// A sink that listens for one threat.
struct Ear {
    wanted: Arc<str>,
    heard: Rc<RefCell<bool>>,
}

impl Sink for Ear {
    fn alert(&mut self, full: &FullAlert<'_>) -> io::Result<()> {
        if full.indicator.threat == self.wanted {
            *self.heard.borrow_mut() = true;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
