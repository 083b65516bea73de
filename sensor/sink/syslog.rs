//! Alerts to a syslog server: RFC 5424 over UDP, TCP (octet counting, RFC 6587), TLS (RFC 5425)
//! or a unix socket.
//!
//! Owns the settings of a server; with the feature `live`, the thread that speaks to it too.

#[cfg(feature = "live")]
mod sender;
mod target;
#[cfg(all(test, feature = "live"))]
mod tests;
#[cfg(feature = "live")]
mod tls;
#[cfg(feature = "live")]
mod way;
#[cfg(feature = "live")]
mod words;

#[cfg(feature = "live")]
pub use sender::{SyslogSink, message};
pub use target::{Server, Target, TlsFiles};
#[cfg(feature = "live")]
pub use tls::{Tls, TlsError};
