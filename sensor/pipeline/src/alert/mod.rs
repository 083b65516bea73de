//! Stage 6: a hit becomes an alert, repeats are folded, and the queue carries it over.
//!
//! The last stage of a worker. Owns the throttle, the groups that floods are counted in, and the
//! sending end of the queue; formats nothing and knows no sink. From here on everything is owned,
//! because the packet is gone.

mod budget;
pub mod census;
pub mod crowd;
pub mod event;
pub mod familiar;
pub mod home;
pub mod identity;
pub mod outbox;
pub mod reasons;
pub mod throttle;
mod waiting;

use std::sync::Arc;

use crate::decode::packet::{Few, Packet, Tunnel};
use crate::matching::severity::Weakness;
use crate::matching::{IndicatorId, IndicatorSet};
use crate::net::{Endpoint, IpProtocol, Mac, Timestamp};
use crate::observation::Kind;

pub use crowd::{Crowd, Crowding};
pub use event::Event;
pub use home::HomeNetworks;
pub use identity::Identity;
pub use outbox::{Outbox, Record};
pub use reasons::Reasons;
pub use throttle::Throttle;

/// Where and when something was seen: what every record says about its packet.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// The packet's time.
    pub time: Timestamp,
    /// Its sender.
    pub source: Endpoint,
    /// Its receiver.
    pub destination: Endpoint,
    /// Its protocol.
    pub protocol: IpProtocol,
    /// ICMP type and code.
    pub icmp: Option<(u8, u8)>,
    /// Number of the flow.
    pub flow_id: u64,
    /// Who is taken for the client of the flow.
    pub client: Endpoint,
    /// Hardware addresses, source first.
    pub macs: Option<(Mac, Mac)>,
    /// VLAN ids, outermost first.
    pub vlans: Few<u16, 4>,
    /// Outer layers, outermost first; boxed because nearly every packet has none.
    pub tunnels: Option<Box<[Tunnel]>>,
    /// Number of the frame in its capture.
    pub frame: u64,
    /// The capture or interface.
    pub origin: Origin,
}

/// Where frames come from, as records name it.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A capture, by the path it was given with.
    Capture(Arc<str>),
    /// An interface.
    Interface(Arc<str>),
}

impl Sighting {
    /// What a packet says of itself.
    pub fn new(packet: &Packet<'_>, time: Timestamp, frame: u64, origin: Origin) -> Self {
        let icmp = match packet.transport {
            crate::decode::packet::Transport::Icmp { kind, code, .. } => Some((kind, code)),
            _ => None,
        };
        let tunnels = packet.tunnels.as_slice();
        Self {
            time,
            source: packet.source,
            destination: packet.destination,
            protocol: packet.protocol,
            icmp,
            flow_id: 0,
            client: packet.source,
            macs: packet.macs,
            vlans: packet.vlans,
            tunnels: (!tunnels.is_empty()).then(|| tunnels.into()),
            frame,
            origin,
        }
    }

    /// The endpoint that is not the client.
    pub fn server(&self) -> Endpoint {
        if self.client == self.source { self.destination } else { self.source }
    }
}

/// Another reason to believe an alert: what the same connection met before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Where.
    pub kind: Kind,
    /// Which indicator, in the alert's set.
    pub indicator: IndicatorId,
}

/// An indicator was met, or a behaviour was seen.
///
/// An alert comes with the packet, so the address of a server is alerted at its SYN, before the
/// connection has said a word. When the same connection then shows a behaviour (or the other way
/// round), the second alert is the first one brought up to date: it names both reasons
/// ([`Alert::also`]), weighs more, and is not counted as another contact.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Packet of the latest sighting that is counted here.
    pub sighting: Sighting,
    /// Where in it.
    pub kind: Kind,
    /// Why it is weak evidence, if it is.
    pub weakness: Option<Weakness>,
    /// What was seen, as text: the name asked for, the endpoint met.
    pub seen: String,
    /// The indicators it was compared with; kept alive for as long as alerts need them.
    pub set: Arc<IndicatorSet>,
    /// The one that matched, the most specific first.
    pub indicator: IndicatorId,
    /// What else the connection met, when a behaviour is among the reasons. Usually empty.
    pub also: Vec<Reason>,
    /// The endpoint that is ours.
    pub ours: Endpoint,
    /// The other one.
    pub peer: Endpoint,
    /// Contacts of this kind since the first alert, this one included.
    pub count: u64,
    /// Time of the earliest of them.
    pub first: Timestamp,
    /// Time of the contact that was told first. A capture may show earlier ones after it: this
    /// stays the same for as long as they are folded.
    pub opened: Timestamp,
    /// Whom else it stands for, when too many came to say each. The rest is the first of them.
    pub crowd: Option<Box<Crowd>>,
}

impl Alert {
    /// Hardware address of our side, if the frame shows it. Cooked captures show none of the
    /// receiver: zeros.
    pub fn our_mac(&self) -> Option<Mac> {
        let (source, destination) = self.sighting.macs?;
        let mac = if self.ours == self.sighting.source { source } else { destination };
        Some(mac).filter(|mac| *mac != Mac::default())
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! Alerts as tests need them.

    use super::*;

    /// A set of names, threat by threat: `a.test,domain,redline`.
    pub(crate) fn set_of(rows: &[String]) -> Arc<IndicatorSet> {
        let text = format!("indicator,type,threat\n{}\n", rows.join("\n"));
        let lint = ioc_feeds::lint::Lint::Trusted;
        let loaded = ioc_feeds::format::load_text("test", &text, lint).unwrap();
        Arc::new(IndicatorSet::build(loaded.indicators, &[]))
    }

    /// A host of ours meets an indicator.
    pub(crate) fn alert(
        set: &Arc<IndicatorSet>,
        (host, indicator): (u32, u32),
        time: Timestamp,
    ) -> Box<Alert> {
        let end = |octets, port| Endpoint { address: crate::net::Address::v4(octets), port };
        let (ours, peer) = (end(host.to_be_bytes(), 50_000), end([198, 51, 100, 1], 53));
        let packet = Packet {
            source: ours,
            destination: peer,
            protocol: IpProtocol::UDP,
            ..Packet::default()
        };
        let mut sighting = Sighting::new(&packet, time, 1, Origin::Interface("m1".into()));
        sighting.flow_id = u64::from(host) << 32 | u64::from(indicator);
        Box::new(Alert {
            sighting,
            kind: Kind::DnsQuery,
            weakness: None,
            seen: String::new(),
            set: set.clone(),
            indicator: IndicatorId(indicator),
            also: Vec::new(),
            ours,
            peer,
            count: 1,
            first: time,
            opened: time,
            crowd: None,
        })
    }
}
