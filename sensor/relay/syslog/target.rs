//! Where syslog messages go, as the configuration spells it. Opens nothing.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use wardwatch_record::Message;

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One datagram a message.
    Udp(SocketAddr),
    /// One connection, each message behind its length.
    Tcp(SocketAddr),
    /// The same, encrypted to a server that shows who it is (RFC 5425).
    Tls(SocketAddr),
    /// A unix socket, datagrams or else a stream.
    Unix(PathBuf),
}

impl FromStr for Target {
    type Err = Message;

    /// Reads `udp://ADDRESS:PORT`, `tcp://ADDRESS:PORT`, `tls://ADDRESS:PORT` or `unix:///PATH`.
    /// An address and no name: the relay asks no resolver.
    fn from_str(text: &str) -> Result<Self, Message> {
        let known = "write udp://ADDRESS:PORT, tcp://ADDRESS:PORT, tls://ADDRESS:PORT or \
                     unix:///PATH; a number and no name, because wardwatch asks no resolver";
        let vi = "hãy ghi udp://ĐỊA_CHỈ:CỔNG, tcp://ĐỊA_CHỈ:CỔNG, tls://ĐỊA_CHỈ:CỔNG hoặc \
                  unix:///ĐƯỜNG/DẪN; ghi địa chỉ số, không ghi tên, vì wardwatch không phân giải tên";
        let host = |rest: &str| {
            rest.parse().map_err(|_| {
                Message::new(
                    format!("`{text}` không có địa chỉ kèm cổng: {vi}"),
                    format!("`{text}` names no address and port: {known}"),
                )
            })
        };
        match text.split_once("://") {
            Some(("udp", rest)) => host(rest).map(Self::Udp),
            Some(("tcp", rest)) => host(rest).map(Self::Tcp),
            Some(("tls", rest)) => host(rest).map(Self::Tls),
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            _ => Err(Message::new(
                format!("`{text}` không phải đích nhận: {vi}"),
                format!("`{text}` is no target: {known}"),
            )),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(host) => write!(f, "udp://{host}"),
            Self::Tcp(host) => write!(f, "tcp://{host}"),
            Self::Tls(host) => write!(f, "tls://{host}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

/// A server, and for `tls://` how it is known. Paths only: the courier reads them, at its start and at a reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where it is.
    pub target: Target,
    /// How it is known; of `tls://` only.
    pub tls: Option<TlsFiles>,
}

/// How a server of `tls://` is known, and how we are known to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificates of those who may vouch for the server, in PEM form.
    pub ca: PathBuf,
    /// The name in its certificate; else the address of the target must stand there.
    pub server_name: Option<String>,
    /// Our own certificate (with those between it and its CA) and its key, in PEM form.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl TlsFiles {
    /// Every file.
    pub fn all(&self) -> impl Iterator<Item = &PathBuf> {
        let identity = self.identity.iter().flat_map(|(cert, key)| [cert, key]);
        std::iter::once(&self.ca).chain(identity)
    }
}

impl Server {
    /// What its reader of the spool is called: a name for a file.
    pub fn name(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
        self.target.to_string().replace("://", "-").chars().map(plain).collect()
    }

    /// Puts the settings of one server together.
    ///
    /// # Errors
    /// Which setting is missing, or has no meaning for this target.
    pub fn new(
        target: Target,
        ca: Option<PathBuf>,
        server_name: Option<String>,
        identity: (Option<PathBuf>, Option<PathBuf>),
    ) -> Result<Self, Message> {
        let identity = match identity {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            _ => {
                let said = Message::new(
                    "`cert` và `key` phải đi cùng nhau; hãy ghi thêm mục còn thiếu",
                    "`cert` and `key` go together; add the other",
                );
                return Err(said.of(&target.to_string()));
            }
        };
        match (&target, ca) {
            (Target::Tls(_), Some(ca)) => {
                Ok(Self { target, tls: Some(TlsFiles { ca, server_name, identity }) })
            }
            (Target::Tls(_), None) => Err(Message::new(
                "thiếu `ca`; hãy ghi tệp PEM của CA đã ký chứng thư của máy chủ, vì nếu không thì bất kỳ \
                 ai cũng có thể nhận được cảnh báo",
                "`ca` is missing; name the PEM file of the CA that signed the server's certificate, for \
                 without it anybody could receive the alerts",
            )
            .of(&target.to_string())),
            (_, None) if server_name.is_none() && identity.is_none() => {
                Ok(Self { target, tls: None })
            }
            _ => Err(Message::new(
                "ca, server_name, cert và key chỉ dùng cho tls://",
                "ca, server_name, cert and key are for tls:// only",
            )
            .of(&target.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_as_they_are_printed_and_others_are_explained() {
        for text in [
            "udp://127.0.0.1:514",
            "tcp://192.0.2.1:601",
            "tls://192.0.2.1:6514",
            "udp://[::1]:514",
            "unix:///dev/log",
        ] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
        for text in
            ["127.0.0.1:514", "udp://host", "tls://host:6514", "unix://relative", "udp://:1"]
        {
            let error = text.parse::<Target>().unwrap_err().to_string();
            assert!(error.contains("udp://ADDRESS:PORT"), "{text}");
        }
    }

    #[test]
    fn a_reader_is_named_after_its_server_and_its_file_stays_where_it_is() {
        let name = |text: &str| Server { target: text.parse().unwrap(), tls: None }.name();
        assert_eq!(name("udp://192.0.2.1:514"), "udp-192.0.2.1-514");
        assert_eq!(name("udp://[::1]:514"), "udp----1--514");
        assert_eq!(name("unix:///../x"), "unix--..-x");
    }

    #[test]
    fn settings_that_do_not_fit_the_target_are_explained() {
        let server = |target: &str, ca: Option<&str>, name: Option<&str>, cert: Option<&str>| {
            let path = |text: Option<&str>| text.map(PathBuf::from);
            let target = target.parse().unwrap();
            Server::new(target, path(ca), name.map(str::to_owned), (path(cert), None))
                .map_err(|error| error.to_string())
        };
        let tls = "tls://192.0.2.1:6514";
        assert!(server(tls, Some("ca.pem"), Some("log.example"), None).is_ok());
        assert!(server("udp://192.0.2.1:514", None, None, None).is_ok());
        assert!(server(tls, None, None, None).unwrap_err().contains("`ca` is missing"));
        assert!(server(tls, Some("ca"), None, Some("c")).unwrap_err().contains("go together"));
        for (ca, name) in [(Some("ca.pem"), None), (None, Some("log.example"))] {
            let error = server("tcp://192.0.2.1:601", ca, name, None).unwrap_err();
            assert!(error.contains("for tls:// only"), "{error}");
        }
    }
}
