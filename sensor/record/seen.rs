//! Who met what: one row of history.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::Time;

/// A host of ours and a name or address it went to, over a span of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The host of ours.
    pub client: IpAddr,
    /// The name or address.
    pub value: String,
    /// Where it was seen, as [`AlertRecord::place`](crate::AlertRecord) spells it.
    pub kind: String,
    /// The first time.
    pub first: Time,
    /// The last time.
    pub last: Time,
    /// How often.
    pub count: u64,
}
