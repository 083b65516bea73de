//! `wardwatch selftest`: proves that every protocol is read, every type of indicator can be met,
//! and every feed can fire, with one synthetic conversation each through the real path: frame,
//! worker, queue, writer.
//!
//! Nothing leaves the process: frames are made in memory.

mod packets;
mod probes;
mod types;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::Arc;

use crossbeam_channel::bounded;
use ioc_feeds::{Indicator, Pattern, Scope};
use wardwatch_record::AlertRecord;

use super::{load, settings};
use crate::alert::event::EventKinds;
use crate::alert::{Origin, Outbox};
use crate::app::indicators::Indicators;
use crate::app::writer::Writer;
use crate::app::{AppError, clock};
use crate::capture::{Frame, LinkType};
use crate::cli::{FeedOptions, Global};
use crate::config::Settings;
use crate::enrich::Enricher;
use crate::lang::{self, Language};
use crate::matching::{IndicatorId, IndicatorSet, Matcher};
use crate::net::Timestamp;
use crate::observation::{Kind, Observation, Value};
use crate::sink::{Sink, escape};
use crate::worker::{Assignment, Worker};
use packets::Conversation;
use probes::Probe;

/// Records of one conversation that the queue has room for.
const QUEUE: usize = 4096;

pub(super) fn selftest(global: &Global, options: &FeedOptions) -> Result<u8, AppError> {
    let settings = settings(global, options)?;
    let loaded = load(&settings, global)?;
    let types = types::set().map_err(|error| AppError::System {
        what: "the indicators of the self test cannot be made",
        reason: error.to_string(),
    })?;
    let mut clean = true;
    let path = Path { settings: &settings, set: &types };
    for (id, probe) in types::each(&types) {
        clean &= path.tell(id, &probe)?;
    }
    let path = Path { settings: &settings, set: &loaded.set };
    let chosen = chosen(&loaded.set);
    for id in &chosen {
        for probe in path.set.get(*id).map(probes::probes).unwrap_or_default() {
            clean &= path.tell(*id, &probe)?;
        }
    }
    for feed in silent(&loaded, &chosen) {
        clean = false;
        print(&nothing_usable(settings.language, feed))?;
    }
    print(match settings.language {
        Language::Vi if clean => "Mọi giao thức và mọi nguồn dấu hiệu đều hoạt động.",
        Language::En if clean => "Every protocol is read and every feed can fire.",
        Language::Vi => "CÓ DẤU HIỆU KHÔNG HOẠT ĐỘNG: xem các dòng LỖI ở trên.",
        Language::En => "SOMETHING CANNOT FIRE: see the lines marked FAILED above.",
    })?;
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

/// Of each feed and type the first by its text, so that every run tests the same; one that is not
/// past its last day, if there is one. What an allow list silences is not meant to fire.
fn chosen(set: &IndicatorSet) -> Vec<IndicatorId> {
    let shadowed: HashSet<IndicatorId> = set.shadowed().iter().copied().collect();
    let today = clock::today();
    let mut first = BTreeMap::new();
    for (indicator, id) in set.indicators().iter().zip((0..).map(IndicatorId)) {
        if shadowed.contains(&id) {
            continue;
        }
        let exact = matches!(indicator.pattern, Pattern::Domain { scope: Scope::Exact, .. });
        let key = (indicator.feed.clone(), indicator.pattern.kind(), exact);
        let rank = (set.is_expired(id, today), indicator.pattern.text());
        let best = first.entry(key).or_insert_with(|| (rank.clone(), id));
        if rank < best.0 {
            *best = (rank, id);
        }
    }
    first.into_values().map(|(_, id)| id).collect()
}

/// Feeds that were read and of which nothing is left to try.
fn silent<'a>(loaded: &'a Indicators, chosen: &[IndicatorId]) -> BTreeSet<&'a Arc<str>> {
    let tried: HashSet<_> =
        chosen.iter().filter_map(|id| loaded.set.get(*id)).map(|one| &one.feed).collect();
    loaded.feeds.iter().filter(|feed| !tried.contains(feed)).collect()
}

fn nothing_usable(language: Language, feed: &str) -> String {
    let why = match language {
        Language::Vi => {
            "không có dấu hiệu nào dùng được: tệp trống, mọi dòng bị từ chối hoặc bị danh sách cho phép vô hiệu hóa"
        }
        Language::En => {
            "no indicator can be used: it is empty, or every line is refused or covered by the allow list"
        }
    };
    format!("{:6} {}  {why}", verdict(language, false), escape::field(feed))
}

/// The real path, with these indicators.
struct Path<'a> {
    settings: &'a Settings,
    set: &'a Arc<IndicatorSet>,
}

impl Path<'_> {
    /// Tries a probe and prints how that went.
    fn tell(&self, id: IndicatorId, probe: &Probe) -> Result<bool, AppError> {
        let Some(indicator) = self.set.get(id) else { return Ok(false) };
        let fires = match &probe.conversation {
            Some(conversation) => self.fires(indicator, conversation, probe.kind),
            None => self.is_found(id, indicator),
        };
        let language = self.settings.language;
        let kind = lang::pattern(language, indicator.pattern.kind());
        let text = indicator.pattern.text();
        let (feed, text) = (escape::field(&indicator.feed), escape::field(&text));
        let past = match (indicator.expires, language) {
            (Some(day), Language::Vi) if self.set.is_expired(id, clock::today()) => {
                format!(" (hết hạn ngày {})", lang::day(language, day))
            }
            (Some(day), Language::En) if self.set.is_expired(id, clock::today()) => {
                format!(" (expired {})", lang::day(language, day))
            }
            _ => String::new(),
        };
        let word = verdict(language, fires);
        print(&format!("{word:6} {feed}  {kind}  {text}{past}  {}", probe.label))?;
        Ok(fires)
    }

    /// What a digest was made of is not known: the matcher is asked for it directly. That such
    /// digests are made of what passes, the indicators of [`types`] prove.
    fn is_found(&self, id: IndicatorId, indicator: &Indicator) -> bool {
        let (kind, text) = match &indicator.pattern {
            Pattern::Ja3(text) => (Kind::Ja3, text),
            Pattern::Ja4(text) => (Kind::Ja4, text),
            Pattern::CertSha1(text) => (Kind::TlsCertSha1, text),
            _ => return false,
        };
        let mut found = false;
        let observation = Observation { kind, value: Value::Text(text.as_bytes()) };
        Matcher::new(self.set.clone()).find(&observation, &mut |hit| found |= hit.id == id);
        found && !self.set.is_expired(id, clock::today())
    }

    /// Does the conversation raise an alert of this indicator, or of a more specific one of the
    /// same threat, which then speaks for it, seen where it was said?
    fn fires(&self, indicator: &Indicator, conversation: &Conversation, kind: Kind) -> bool {
        let (sender, records) = bounded(QUEUE);
        let assignment = Assignment {
            limits: self.settings.limits,
            home: self.settings.home.clone(),
            events: EventKinds::default(),
            origin: Origin::Capture("selftest".into()),
        };
        let outbox = Outbox::new(sender);
        let mut worker = Worker::new(assignment, self.set.clone(), outbox);
        let today = clock::today().seconds();
        for (number, data) in (1..).zip(conversation.frames()) {
            worker.frame(&Frame {
                time: Timestamp::new(today, number as u32 * 1000),
                link: LinkType(1),
                wire_length: u32::try_from(data.len()).unwrap_or(u32::MAX),
                data: &data,
                number,
                stripped_vlan: None,
            });
        }
        let heard = Rc::new(RefCell::new(false));
        let ear = Ear { threat: indicator.threat.clone(), kind, heard: heard.clone() };
        let enricher = Enricher::new(self.settings.threats.clone());
        let mut writer = Writer::new(enricher, vec![Box::new(ear)]);
        worker.finish();
        for record in records.try_iter() {
            let _ = writer.write(record);
        }
        let _ = writer.flush();
        heard.take()
    }
}

/// A sink that listens for one threat, seen in one place.
struct Ear {
    threat: Arc<str>,
    kind: Kind,
    heard: Rc<RefCell<bool>>,
}

impl Sink for Ear {
    fn alert(&mut self, alert: &AlertRecord) -> io::Result<()> {
        let is_there = match self.kind {
            Kind::Behaviour => alert.place.starts_with("behaviour."),
            kind => alert.place == kind.label(),
        };
        if alert.threat.key == *self.threat && is_there {
            *self.heard.borrow_mut() = true;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::packets::Protocol;
    use super::*;
    use crate::config::Overrides;

    #[test]
    fn a_conversation_about_something_else_proves_nothing() {
        let settings = Settings::load(None, Overrides::default()).unwrap();
        let set = types::set().unwrap();
        let path = Path { settings: &settings, set: &set };
        let indicator = set.get(IndicatorId(0)).unwrap();
        let fires = |name: &str, kind| {
            let protocol = Protocol::Tls(name.into());
            let conversation = Conversation { protocol, server: probes::NOBODY, port: 443 };
            path.fires(indicator, &conversation, kind)
        };
        assert!(fires("subtree.selftest.test", Kind::TlsSni));
        assert!(!fires("other.selftest.test", Kind::TlsSni));
        assert!(!fires("subtree.selftest.test", Kind::QuicSni), "seen, but not there");
    }

    #[test]
    fn every_type_of_indicator_is_tried() {
        let set = types::set().unwrap();
        let tried = types::each(&set);
        let kinds: BTreeSet<_> =
            tried.iter().filter_map(|(id, _)| set.get(*id)).map(|one| one.pattern.kind()).collect();
        let all = "behaviour cert-sha1 cidr domain ip ip:port ja3 ja4 path url user-agent";
        assert_eq!(kinds.into_iter().collect::<Vec<_>>().join(" "), all);
        assert_eq!(tried.iter().filter(|(_, probe)| probe.kind == Kind::Behaviour).count(), 3);
        assert!(tried.iter().all(|(_, probe)| probe.conversation.is_some()));
    }
}
