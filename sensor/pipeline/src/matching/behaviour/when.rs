//! One alternative of a behaviour, as the table writes it.

use std::net::IpAddr;

use serde::{Deserialize, Deserializer};

use super::predicates::Rule;
use super::table::BehaviourId;
use crate::net::Address;

/// One alternative of a behaviour; everything it names must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct When {
    #[serde(skip)]
    pub(super) id: BehaviourId,
    pub(super) on: On,
    pub(super) public: Option<bool>,
    pub(super) ports: Vec<u16>,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) starts: Vec<Bytes>,
    pub(super) contains: Vec<String>,
    /// The needles of [`super::table::Heads::needles`] that stand for `contains`.
    #[serde(skip)]
    pub(super) needles: u64,
    pub(super) methods: Vec<String>,
    pub(super) paths: Vec<String>,
    pub(super) path_starts: Vec<String>,
    pub(super) path_ends: Vec<String>,
    pub(super) path_contains: Vec<Needle>,
    pub(super) agents: Vec<String>,
    pub(super) agent_contains: Vec<Needle>,
    pub(super) hosts: Vec<String>,
    pub(super) not_hosts: Vec<String>,
    pub(super) names: Vec<String>,
    pub(super) address_host: bool,
    pub(super) headers: Vec<String>,
    pub(super) head_contains: Vec<Needle>,
    pub(super) body_starts: Vec<Bytes>,
    pub(super) body_contains: Vec<Needle>,
    #[serde(deserialize_with = "networks")]
    pub(super) outside: Vec<(u128, u128)>,
    pub(super) rule: Option<Rule>,
}

/// What an alternative looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum On {
    #[default]
    Connection,
    Question,
    Name,
    Client,
    Server,
    Request,
}

/// Bytes written as hexadecimal pairs with blanks between.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl TryFrom<String> for Bytes {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let pair = |pair: &str| {
            u8::from_str_radix(pair, 16).map_err(|_| format!("`{text}`: `{pair}` is no byte"))
        };
        let bytes: Vec<u8> = text.split_whitespace().map(pair).collect::<Result<_, _>>()?;
        if bytes.is_empty() { Err("a start without bytes".into()) } else { Ok(Self(bytes)) }
    }
}

/// A text to be found, with its search made ready: making it costs more than searching a head.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "String")]
pub(super) struct Needle(memchr::memmem::Finder<'static>);

impl From<String> for Needle {
    fn from(text: String) -> Self {
        Self(memchr::memmem::Finder::new(&text).into_owned())
    }
}

impl Needle {
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.needle()
    }

    pub(super) fn is_in(&self, bytes: &[u8]) -> bool {
        self.0.find(bytes).is_some()
    }
}

/// Networks as base and mask.
fn networks<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(u128, u128)>, D::Error> {
    let parse = |text: &String| {
        let (base, prefix) = text.split_once('/')?;
        let (ip, prefix): (IpAddr, u32) = (base.parse().ok()?, prefix.parse().ok()?);
        let width = if ip.is_ipv4() { 96 + prefix } else { prefix };
        let mask = u128::MAX.checked_shl(128_u32.checked_sub(width)?).unwrap_or(0);
        Some((Address::from(ip).bits() & mask, mask))
    };
    let texts = Vec::<String>::deserialize(from)?;
    let wrong = |text| serde::de::Error::custom(format!("`{text}` is no network"));
    texts.iter().map(|text| parse(text).ok_or_else(|| wrong(text))).collect()
}
