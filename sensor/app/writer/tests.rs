use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use wardwatch_record::AlertRecord;

use super::*;
use crate::alert::{Origin, Sighting};
use crate::decode::packet::Packet;
use crate::matching::{IndicatorId, IndicatorSet};
use crate::net::Endpoint;
use crate::observation::Kind;

/// Counts alerts; one of its kind is faulty.
struct Counting {
    taken: Rc<RefCell<Vec<String>>>,
    is_faulty: bool,
}

impl Sink for Counting {
    fn alert(&mut self, alert: &AlertRecord) -> io::Result<()> {
        assert!(!self.is_faulty, "a sink of a test");
        self.taken.borrow_mut().push(alert.seen.clone());
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn alert(threat: &str, seconds: i64) -> Record {
    let text = format!("indicator,type,threat\nevil.example,domain,{threat}\n");
    let loaded =
        ioc_feeds::format::load_text("test", &text, ioc_feeds::lint::Lint::Trusted).unwrap();
    let origin = Origin::Interface("m1".into());
    let time = Timestamp::new(seconds, 0);
    Record::Alert(Box::new(Alert {
        sighting: Sighting::new(&Packet::default(), time, 1, origin),
        kind: Kind::TlsSni,
        weakness: None,
        seen: "evil.example".into(),
        set: Arc::new(IndicatorSet::build(loaded.indicators, &[])),
        indicator: IndicatorId(0),
        also: Vec::new(),
        ours: Endpoint::default(),
        peer: Endpoint::default(),
        count: 1,
        opened: Timestamp::default(),
        crowd: None,
        first: time,
    }))
}

fn writer(faulty: &[bool]) -> (Writer<'static>, Rc<RefCell<Vec<String>>>) {
    let taken: Rc<RefCell<Vec<String>>> = Rc::default();
    let sink = |is_faulty: &bool| -> Box<dyn Sink> {
        Box::new(Counting { taken: taken.clone(), is_faulty: *is_faulty })
    };
    let sinks = faulty.iter().map(sink).collect();
    (Writer::new(Enricher::new(ioc_feeds::curated::threats().unwrap()), sinks), taken)
}

#[test]
fn a_sink_whose_code_fails_costs_the_others_nothing_and_its_alert_is_not_lost() {
    panics::keep_quiet_when_caught();
    let (mut writer, taken) = writer(&[true, false]);
    for _ in 0..3 {
        writer.write(alert("redline", 1)).unwrap();
    }
    assert_eq!(taken.borrow().len(), 3);
    assert_eq!(writer.caught, 3);
    let told = writer.faults.first().unwrap();
    assert!(told.alert.as_ref().unwrap().contains("evil.example"), "{told:?}");
    assert!(told.caught.words.contains("a sink of a test"));
}

#[test]
fn faults_that_wait_to_be_told_are_bounded_and_all_are_counted() {
    panics::keep_quiet_when_caught();
    let (mut writer, _) = writer(&[true]);
    for _ in 0..FAULTS + 9 {
        writer.write(alert("redline", 1)).unwrap();
    }
    assert_eq!((writer.faults.len(), writer.caught), (FAULTS, FAULTS as u64 + 9));
}

#[test]
fn a_canary_is_counted_and_its_time_is_remembered() {
    let (mut writer, _) = writer(&[false]);
    writer.write(alert("redline", 1)).unwrap();
    assert_eq!((writer.alerts, writer.canaries, writer.last_canary), (1, 0, None));
    writer.write(alert("canary", 7)).unwrap();
    assert_eq!((writer.alerts, writer.canaries), (2, 1));
    assert_eq!(writer.last_canary, Some(Timestamp::new(7, 0)));
}
