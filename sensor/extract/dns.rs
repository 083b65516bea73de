//! DNS, mDNS and LLMNR messages over UDP and TCP (RFC 1035, 6762, 4795).

/// Walks messages with reused buffers.
#[derive(Debug, Default)]
pub struct Reader {}
