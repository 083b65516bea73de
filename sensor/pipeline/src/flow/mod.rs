//! Stage 3: packets become flows, and each side's segments become bytes in order.
//!
//! Owns every piece of state that outlives a packet on this side of the parsers: the flow table,
//! held segments with their contradictions, IP fragments. All of it is capped. Generic over the
//! state a flow carries, so it never names a parser.

mod credit;
pub mod fragment;
mod index;
mod overlap;
mod runs;
mod secrets;
pub mod stream;

pub use credit::Credit;
pub use overlap::evidence::{Opening, Peer};
pub use stream::{Chunk, Cut, Stream, StreamLimits, Verdict};

pub mod table;
pub use table::{Flow, FlowIndex, FlowLimits, FlowTable};
