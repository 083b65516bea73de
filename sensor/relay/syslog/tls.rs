//! TLS to a syslog server (RFC 5425): who the server must be, and the open connection.
//!
//! Trusts the named CA and nobody else, not even the system's. Files are read before the process
//! gives up its rights, and again at a reload, as far as it may still read them then.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ioc_feeds::file;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use sha2::{Digest, Sha256};

use super::target::TlsFiles;
use super::way::PATIENCE;

/// No file of certificates is longer.
const LONGEST_FILE: u64 = 4 * 1024 * 1024;
/// How long a server may take to refuse us once the handshake is over: in TLS 1.3 that is when it
/// looks at our certificate.
const LAST_WORD: Duration = Duration::from_millis(300);

/// Why TLS cannot be spoken as the configuration wants it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file holds something else.
    #[error("{} holds no {what} in PEM form: {reason}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
        /// Why it was not found.
        reason: String,
    },
    /// A certificate that nobody can trust by.
    #[error("{} cannot be used as a CA: {reason}", path.display())]
    Ca {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Certificate and key are not a pair, or of a kind that is not known.
    #[error("certificate {} and key {} cannot be used together: {reason}", cert.display(), key.display())]
    Identity {
        /// The certificate.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why.
        reason: String,
    },
    /// A name that cannot stand in a certificate.
    #[error("server_name `{0}` is neither a host name nor an address")]
    Name(String),
    /// The library refuses.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

/// Why a server and we do not come together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// Nobody whom we trust vouches for it.
    #[error("the server's certificate is not signed by the CA in {}", ca.display())]
    Issuer { ca: PathBuf },
    /// It is somebody else.
    #[error(
        "the server's certificate is not for {0}; set server_name to the name that stands in it"
    )]
    OtherName(String),
    #[error("the server's certificate has expired (is the clock of this machine right?)")]
    Expired,
    #[error("the server's certificate is not valid yet (is the clock of this machine right?)")]
    NotYet,
    #[error("the server's certificate cannot be trusted: {0}")]
    Certificate(String),
    /// It does not want us.
    #[error("the server refuses us: {0}; does it want `cert` and `key`?")]
    Alert(String),
    #[error("the server does not speak TLS")]
    NotTls,
    #[error("TLS: {0}")]
    Other(String),
}

/// Who the server must be, and who we are.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    ca: PathBuf,
    /// SHA-256 of what was read.
    digest: [u8; 32],
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`] names the file and what is wrong with it.
    pub fn load(files: &TlsFiles, address: IpAddr) -> Result<Self, TlsError> {
        let name = match &files.server_name {
            Some(name) => {
                ServerName::try_from(name.clone()).map_err(|_| TlsError::Name(name.clone()))?
            }
            None => ServerName::IpAddress(address.into()),
        };
        let mut reader = Reader::default();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Setup(error.to_string()))?
            .with_root_certificates(reader.roots(&files.ca)?);
        let config = match &files.identity {
            None => config.with_no_client_auth(),
            Some((cert, key)) => {
                let (chain, secret) = (reader.certificates(cert)?, reader.private_key(key)?);
                config.with_client_auth_cert(chain, secret).map_err(|error| {
                    let reason = error.to_string();
                    TlsError::Identity { cert: cert.clone(), key: key.clone(), reason }
                })?
            }
        };
        let digest = reader.0.finalize().into();
        Ok(Self { config: Arc::new(config), name, ca: files.ca.clone(), digest })
    }

    /// Do the files say the same as those of the other?
    pub(super) fn is_as(&self, other: &Self) -> bool {
        self.digest == other.digest
    }

    /// Connects, and has the server show who it is.
    pub(super) fn connect(&self, address: SocketAddr) -> io::Result<Connection> {
        let socket = TcpStream::connect_timeout(&address, PATIENCE)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let client = ClientConnection::new(self.config.clone(), self.name.clone());
        let client = client.map_err(|error| self.explain(&error))?;
        let mut stream = StreamOwned::new(client, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(|error| self.explain_io(error))?;
        }
        let mut open = Connection { stream: Box::new(stream), tls: self.clone() };
        open.listen(Some(LAST_WORD))?;
        Ok(open)
    }

    fn explain_io(&self, error: io::Error) -> io::Error {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner {
            Some(inner) => self.explain(inner),
            None => error,
        }
    }

    /// The library's word as a sentence with a remedy, where there is one.
    fn explain(&self, error: &rustls::Error) -> io::Error {
        let refusal = match error {
            rustls::Error::InvalidCertificate(why) => match why {
                CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                    Refusal::Issuer { ca: self.ca.clone() }
                }
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => {
                    Refusal::OtherName(self.name.to_str().into())
                }
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    Refusal::Expired
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Refusal::NotYet
                }
                other => Refusal::Certificate(other.to_string()),
            },
            rustls::Error::AlertReceived(alert) => Refusal::Alert(format!("{alert:?}")),
            rustls::Error::InvalidMessage(_) => Refusal::NotTls,
            other => Refusal::Other(other.to_string()),
        };
        io::Error::other(refusal)
    }
}

/// An open connection to a server that has shown who it is.
pub(super) struct Connection {
    stream: Box<StreamOwned<ClientConnection, TcpStream>>,
    tls: Tls,
}

impl Connection {
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        // A server that has gone is found before the message is lost, not after.
        self.listen(None)?;
        let sent = self.stream.write_all(bytes).and_then(|()| self.stream.flush());
        sent.map_err(|error| self.tls.explain_io(error))
    }

    /// Says good-bye, as RFC 5425 4.4 demands.
    pub(super) fn close(mut self) {
        self.stream.conn.send_close_notify();
        let _ = self.stream.flush();
    }

    /// Takes what the server says by itself: tickets, refusals, good-bye. Waits so long for the
    /// first word.
    fn listen(&mut self, wait: Option<Duration>) -> io::Result<()> {
        let StreamOwned { conn, sock } = &mut *self.stream;
        match wait {
            Some(_) => sock.set_read_timeout(wait)?,
            None => sock.set_nonblocking(true)?,
        }
        let heard = hear(conn, sock);
        sock.set_nonblocking(false)?;
        sock.set_read_timeout(Some(PATIENCE))?;
        match heard {
            Ok(()) => Ok(()),
            Err(Heard::Refusal(error)) => Err(self.tls.explain(&error)),
            Err(Heard::End(error)) => Err(error),
        }
    }
}

/// How a connection ends.
enum Heard {
    Refusal(rustls::Error),
    End(io::Error),
}

/// Reads what is there. A syslog server has nothing to tell: text from it is thrown away.
fn hear(conn: &mut ClientConnection, sock: &mut TcpStream) -> Result<(), Heard> {
    let gone = || Heard::End(io::Error::other("the server has closed the connection"));
    match conn.read_tls(sock) {
        Ok(0) => return Err(gone()),
        Ok(_) => {}
        Err(error) => {
            return match error.kind() {
                io::ErrorKind::WouldBlock
                | io::ErrorKind::TimedOut
                | io::ErrorKind::Interrupted => Ok(()),
                _ => Err(Heard::End(error)),
            };
        }
    }
    let state = conn.process_new_packets().map_err(Heard::Refusal)?;
    let mut thrown_away = vec![0; state.plaintext_bytes_to_read().min(64 * 1024)];
    let _ = conn.reader().read(&mut thrown_away);
    if state.peer_has_closed() { Err(gone()) } else { Ok(()) }
}

/// Reads files and remembers what it has read.
#[derive(Default)]
struct Reader(Sha256);

impl Reader {
    fn roots(&mut self, path: &Path) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates(path)? {
            roots
                .add(certificate)
                .map_err(|error| TlsError::Ca { path: path.into(), reason: error.to_string() })?;
        }
        Ok(roots)
    }

    fn certificates(&mut self, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let bytes = self.read(path)?;
        let refused =
            |reason: String| TlsError::Pem { path: path.into(), what: "certificate", reason };
        let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        let all = all.map_err(|error| refused(error.to_string()))?;
        match all.is_empty() {
            true => Err(refused("there is no BEGIN CERTIFICATE".into())),
            false => Ok(all),
        }
    }

    fn private_key(&mut self, path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
        PrivateKeyDer::from_pem_slice(&self.read(path)?).map_err(|error| TlsError::Pem {
            path: path.into(),
            what: "private key",
            reason: error.to_string(),
        })
    }

    fn read(&mut self, path: &Path) -> Result<Vec<u8>, TlsError> {
        let bytes = file::read(path, LONGEST_FILE).map_err(|error| TlsError::Read {
            path: path.into(),
            reason: wardwatch_record::describe(&error),
        })?;
        // With its length, so that bytes cannot pass from one file to the next unseen.
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(&bytes);
        Ok(bytes)
    }
}
