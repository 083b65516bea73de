//! Alerts to a syslog server: RFC 5424 over UDP, TCP (octet counting, RFC 6587), TLS (RFC 5425)
//! or a unix socket.

mod courier;
mod target;
#[cfg(test)]
mod tests;
mod tls;
mod way;
mod words;

pub use courier::{Courier, Orders, message};
pub use target::{Server, Target, TlsFiles};
pub use tls::{Tls, TlsError};
