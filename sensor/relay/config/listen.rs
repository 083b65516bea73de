//! Where the metrics page may be asked for: this machine and nobody else.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use wardwatch_record::Message;

/// Where the metrics page is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A loopback address and its port.
    Tcp(SocketAddr),
    /// A unix socket.
    Unix(PathBuf),
}

impl Listen {
    /// The file of a unix socket.
    pub const fn socket(&self) -> Option<&PathBuf> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(path) => Some(path),
        }
    }
}

impl FromStr for Listen {
    type Err = Message;

    /// Reads `127.0.0.1:PORT`, `[::1]:PORT` or `unix:/PATH`.
    fn from_str(text: &str) -> Result<Self, Message> {
        let known = "write 127.0.0.1:PORT, [::1]:PORT or unix:/PATH";
        let vi = "hãy ghi 127.0.0.1:CỔNG, [::1]:CỔNG hoặc unix:/ĐƯỜNG/DẪN";
        if let Some(path) = text.strip_prefix("unix:") {
            return match path.starts_with('/') {
                true => Ok(Self::Unix(path.into())),
                false => Err(Message::new(
                    format!("`{text}` không phải đường dẫn tuyệt đối: {vi}"),
                    format!("`{text}` names no absolute path: {known}"),
                )),
            };
        }
        let address: SocketAddr = text.parse().map_err(|_| {
            Message::new(
                format!("`{text}` không phải địa chỉ kèm cổng: {vi}"),
                format!("`{text}` is no address and port: {known}"),
            )
        })?;
        match address.ip().is_loopback() {
            true => Ok(Self::Tcp(address)),
            false => Err(Message::new(
                format!(
                    "`{text}` có thể được truy cập từ máy khác, mà trang số liệu không được mã hóa và \
                     không có mật khẩu: {vi}, rồi để phần mềm giám sát trên chính máy này lấy số liệu"
                ),
                format!(
                    "`{text}` could be reached from other machines, and the page is neither encrypted \
                 nor protected: {known}, and let the monitoring agent of this machine fetch it"
                ),
            )),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_ask_and_the_refusal_says_why() {
        for text in ["127.0.0.1:9477", "127.8.8.8:1", "[::1]:9477", "unix:/run/wardwatch/m.sock"] {
            assert_eq!(text.parse::<Listen>().unwrap().to_string(), text);
        }
        for text in ["0.0.0.0:9477", "[::]:9477", "192.0.2.1:9477", "[2001:db8::1]:9477"] {
            let error = text.parse::<Listen>().unwrap_err().to_string();
            assert!(error.contains("other machines"), "{error}");
        }
        for text in ["9477", "localhost:9477", "127.0.0.1", "unix:relative", "unix:"] {
            let error = text.parse::<Listen>().unwrap_err().to_string();
            assert!(error.contains("127.0.0.1:PORT"), "{text}");
        }
    }
}
