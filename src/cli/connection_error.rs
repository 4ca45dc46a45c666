//! Why a connection or a request failed, and what to do about it: from the errors of the system, of TLS
//! and of HTTP to words for operators.

use std::error::Error;
use std::io;

use tokio_rustls::rustls::{self, AlertDescription, CertificateError};

/// What happened, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{seen}; {remedy}")]
pub struct ConnectionError {
    /// What happened.
    pub seen: String,
    /// What to do.
    pub remedy: String,
}

impl ConnectionError {
    /// Something that happened, and what to do.
    pub fn new(seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            seen: seen.into(),
            remedy: remedy.into(),
        }
    }

    /// Explains an error by the deepest cause that says something.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        if let Some(tls) = cause(error).find_map(tls_error) {
            return Self::of_tls(tls);
        }
        if let Some(system) = cause(error).find_map(|error| error.downcast_ref::<io::Error>()) {
            return Self::of_system(system);
        }
        let deepest = cause(error).last().map(ToString::to_string);
        let seen = deepest.unwrap_or_else(|| error.to_string());
        Self::new(
            seen,
            "check the address, and what is in front of the server",
        )
    }

    /// Explains an error of the system.
    #[must_use]
    pub fn of_system(error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        let running = "check that the server runs, its HOST and PORT, and the port in the address";
        match error.kind() {
            Kind::ConnectionRefused => Self::new("nothing listens there", running),
            Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe => Self::new(
                "the connection was closed",
                "look into the logs of the server and of the proxy in front of it",
            ),
            Kind::UnexpectedEof => Self::new(
                "the connection ended in the middle of an answer",
                "look into the logs of the server and of the proxy in front of it",
            ),
            Kind::HostUnreachable | Kind::NetworkUnreachable => Self::new(
                "no way leads there from this machine",
                "check the network, and whether the name's addresses are right",
            ),
            Kind::TimedOut => Self::new(
                "there was no answer in time",
                "check firewalls and security groups between here and there",
            ),
            _ if is_unknown_name(error) => Self::new(
                "the name is unknown",
                "check its spelling, and that its A or AAAA record exists",
            ),
            _ => Self::new(error.to_string(), running),
        }
    }

    fn of_tls(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(why) => Self::of_certificate(why),
            rustls::Error::InvalidMessage(_) => Self::new(
                "it does not speak TLS",
                "begin the address with http://, or set up TLS in the proxy (nginx: `listen 443 ssl`)",
            ),
            rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)
            | rustls::Error::NoApplicationProtocol => Self::new(
                "it refuses HTTP/1.1",
                "WebSockets need HTTP/1.1: let TLS offer it beside HTTP/2 (ALPN `http/1.1`)",
            ),
            rustls::Error::AlertReceived(AlertDescription::UnrecognisedName) => Self::new(
                "it has no certificate for this name",
                "add the name to the proxy (nginx: `server_name`), with a certificate for it",
            ),
            other => Self::new(
                format!("TLS failed: {other}"),
                "offer TLS 1.2 or 1.3 (nginx: `ssl_protocols TLSv1.2 TLSv1.3;`)",
            ),
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::new(
                "the certificate has expired",
                "renew it, reload the proxy, and let both happen by themselves (certbot, Caddy)",
            ),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::new(
                    "the certificate is not valid yet",
                    "check the clock of this machine, and of the one that made the certificate",
                )
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::new(
                    "the certificate is for another name",
                    "use the name that it is for, or get one for this name",
                )
            }
            CertificateError::UnknownIssuer => Self::new(
                "no authority that this machine trusts has signed the certificate",
                "serve the whole chain (nginx: `ssl_certificate fullchain.pem;`), or name your own \
                 authority with --ca or HUBBUB_CA",
            ),
            other => Self::new(
                format!("the certificate is not valid: {other}"),
                "get another one, of version 3 and with the name among its alternative names",
            ),
        }
    }
}

/// The error and its causes, from the outside to the inside.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| inside(error))
}

/// The cause of an error. An io::Error does not name what is inside as its source.
fn inside<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    error.downcast_ref::<rustls::Error>()
}

/// The standard library has no kind for it.
fn is_unknown_name(error: &io::Error) -> bool {
    error.to_string().contains("failed to lookup address")
}
