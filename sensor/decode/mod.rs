//! Stage 2: a frame becomes a packet. Link layers, tags, tunnels, IP and transport headers.
//!
//! Pure functions over borrowed bytes: no state, no allocation, no clock. Lenient on purpose:
//! a cut capture, a zero total length or a wrong checksum still gives what can be read, because
//! the victim's machine may read it too.

pub mod packet;
