//! A contact with an indicator, or a behaviour, with everything there is to say about it.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hash};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use foldhash::fast::FixedState;
use ioc_feeds::threat::Severity;
use ioc_feeds::{Confidence, Date, Role};
use serde::{Deserialize, Serialize};

use crate::{Message, Time, spelled};

/// The form of a record that this program writes. It goes up when what stood there means something
/// else, not when something is added.
pub const FORM: u16 = 1;

/// Everything there is to say about an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertRecord {
    /// [`FORM`] of the program that wrote it.
    pub form: u16,
    /// Time of the latest contact that is counted.
    pub time: Time,
    /// How bad, at that time.
    pub severity: Severity,
    /// Of which threat.
    pub threat: Threat,
    /// Our host.
    pub host: Host,
    /// The other end.
    pub peer: End,
    /// Where it was seen: `dns.query`, `ip`, `behaviour.NAME` ...
    pub place: String,
    /// What was seen: the name asked for, the endpoint met.
    pub seen: String,
    /// What the behaviour means, if it is one.
    pub explanation: Option<Message>,
    /// The one thing to do now.
    pub action: Message,
    /// Contacts of this kind since the first alert, this one included.
    pub count: u64,
    /// Time of the earliest of them.
    pub first: Time,
    /// Time of the contact that was told first: the same for as long as they are folded.
    pub opened: Time,
    /// What was met.
    pub indicator: Indicator,
    /// How sure: the indicator's word, or high when a behaviour and an indicator agree.
    #[serde(with = "spelled::confidence")]
    pub confidence: Confidence,
    /// What else the same connection met. Usually empty.
    pub also: Vec<String>,
    /// Why it is weak evidence, if it is.
    pub weakness: Option<Weakness>,
    /// Whom else it stands for, when too many came to say each.
    pub crowd: Option<Crowd>,
    /// Did the packet go from the client to the server?
    pub to_server: bool,
    /// Its packet.
    pub sighting: Sighting,
}

/// A threat, as the words of threats call it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threat {
    /// `redline`, `mustang-panda`, `canary` ...
    pub key: String,
    /// What people call it.
    pub name: Message,
}

/// A host of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Its address.
    pub address: IpAddr,
    /// Its port; 0 where there is none.
    pub port: u16,
    /// Its name, as far as it is known.
    pub name: Option<String>,
    /// Its hardware address: as it told itself, else as the frame shows it (which behind a router is
    /// the router's).
    pub mac: Option<String>,
}

/// An address and a port; 0 where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The address.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
}

/// What was met, and why we believe it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Indicator {
    /// As feeds write it.
    pub text: String,
    /// `domain`, `ip`, `ip:port` ...
    pub kind: String,
    /// Malware as the report names it; may be empty.
    pub malware: String,
    /// What it was used for.
    #[serde(with = "spelled::role")]
    pub role: Role,
    /// The feed it came from.
    pub feed: String,
    /// Link to the report; may be empty.
    pub reference: String,
    /// First reported.
    #[serde(with = "spelled::date", default)]
    pub first_seen: Option<Date>,
    /// Last seen in use.
    #[serde(with = "spelled::date", default)]
    pub last_seen: Option<Date>,
    /// Its age in days at the time of the contact, where it weakens the alert.
    pub old_days: Option<i64>,
}

impl Indicator {
    /// When it was last known to be in use.
    pub fn known(&self) -> Option<Date> {
        self.last_seen.or(self.first_seen)
    }
}

/// Why evidence is weak.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weakness {
    /// `certificate_beside_name`, `reverse_lookup`, `tunnel_from_outside`.
    pub kind: String,
    /// Why.
    pub why: Message,
    /// What to look at first, before anything is unplugged.
    pub check: Message,
}

/// What the alerts of a crowd have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Crowding {
    /// The indicator: many hosts met it.
    Indicator,
    /// The host: it met many indicators.
    Host,
    /// The sender of a tunnel: many hosts in it met indicators.
    Tunnel(IpAddr),
    /// The threat: many hosts met many indicators.
    Threat,
    /// Nothing but that they came together.
    All,
}

/// What an alert says of the others that it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crowd {
    /// What they have in common.
    pub by: Crowding,
    /// The same for every record of the same crowd.
    pub group: String,
    /// Different hosts of ours, nearly.
    pub hosts: u64,
    /// Different indicators, nearly.
    pub indicators: u64,
    /// The first of the hosts.
    pub first_hosts: Vec<IpAddr>,
    /// The first of the indicators, as feeds write them.
    pub first_indicators: Vec<String>,
}

impl Crowd {
    /// Does it stand for more than one host?
    pub const fn is_of_many(&self) -> bool {
        !matches!(self.by, Crowding::Host)
    }
}

/// What a packet says of itself, under the names that EVE has for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Number of the flow.
    pub flow_id: u64,
    /// The interface it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_iface: Option<Arc<str>>,
    /// Number of the frame in its capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pcap_cnt: Option<u64>,
    /// The capture it came from, as it was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pcap_filename: Option<Arc<str>>,
    /// VLAN ids, outermost first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub vlan: Vec<u16>,
    /// The sender.
    pub src_ip: IpAddr,
    /// Its port, of protocols that have ports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub src_port: Option<u16>,
    /// The receiver.
    pub dest_ip: IpAddr,
    /// Its port, of protocols that have ports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dest_port: Option<u16>,
    /// `TCP`, `UDP`, `ICMP`, `IPv6-ICMP`, `SCTP` or three digits.
    pub proto: Cow<'static, str>,
    /// ICMP type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icmp_type: Option<u8>,
    /// ICMP code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icmp_code: Option<u8>,
    /// `wire/pcap`, `gre tunnel`, `vxlan encapsulation` ...
    pub pkt_src: Cow<'static, str>,
    /// The innermost outer layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<Tunnel>,
    /// Hardware addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ether: Option<Ether>,
    /// Community ID v1, seed 0 (<https://github.com/corelight/community-id-spec>).
    pub community_id: String,
}

/// An outer layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tunnel {
    /// Its sender.
    pub src_ip: IpAddr,
    /// Its port, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub src_port: Option<u16>,
    /// Its receiver.
    pub dest_ip: IpAddr,
    /// Its port, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dest_port: Option<u16>,
    /// `IP`, `GRE`, `UDP`, `ESP`.
    pub proto: Cow<'static, str>,
    /// How many outer layers there are.
    pub depth: usize,
    /// As the packet's own.
    pub pkt_src: Cow<'static, str>,
}

/// Hardware addresses of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ether {
    /// The sender's.
    pub src_mac: String,
    /// The receiver's.
    pub dest_mac: String,
}

/// What a frame shows where it has no hardware address.
const NO_MAC: &str = "00:00:00:00:00:00";

impl AlertRecord {
    /// The hardware address of our side as the frame shows it. Cooked captures show none of the
    /// receiver.
    pub fn frame_mac(&self) -> Option<&str> {
        let ether = self.sighting.ether.as_ref()?;
        let port = self.sighting.src_port.unwrap_or(self.host.port);
        let is_sender = (self.host.address, self.host.port) == (self.sighting.src_ip, port);
        let mac = if is_sender { &ether.src_mac } else { &ether.dest_mac };
        Some(mac.as_str()).filter(|mac| *mac != NO_MAC)
    }

    /// The same for all records that are one contact: of one host with one peer, by one indicator, in
    /// one place.
    pub fn contact(&self) -> u64 {
        let weakness = self.weakness.as_ref().map(|weakness| &weakness.kind);
        let group = self.crowd.as_ref().map(|crowd| (crowd.by, &crowd.group));
        hash((
            (self.host.address, self.peer.address, &self.place),
            (&self.indicator.kind, &self.indicator.text, &self.threat.key),
            (weakness, group),
        ))
    }

    /// The same for the same host of ours and indicator, or for the same crowd: of lines that wait for
    /// a disk, the latest of these may stand for all.
    pub fn fold(&self) -> u64 {
        match &self.crowd {
            Some(crowd) => hash((crowd.by, &crowd.group)),
            None => {
                let Indicator { kind, text, .. } = &self.indicator;
                hash((self.host.address, kind, text, &self.threat.key))
            }
        }
    }
}

fn hash(thing: impl Hash) -> u64 {
    FixedState::with_seed(0).hash_one(thing)
}

impl std::fmt::Display for End {
    /// An endpoint without a port that means nothing.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.port {
            0 => write!(f, "{}", self.address),
            port => write!(f, "{}", SocketAddr::new(self.address, port)),
        }
    }
}
