//! The deployment that is checked: its address, and requests to it, each over a connection of its own.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use url::{Host, Url};

use crate::cli::access::{self, CONNECT_TIMEOUT, Token};
use crate::cli::connection_error::ConnectionError;
use crate::cli::error::CliError;
use crate::cli::tls::Trust;
use crate::config::{Config, DoctorArgs};

/// How long an ordinary answer may take.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A connection, with or without TLS.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// An HTTP answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
    /// How long it took.
    pub took: Duration,
}

impl Answer {
    /// A header's value, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The status and the beginning of the body, for people.
    #[must_use]
    pub fn shown(&self) -> String {
        let text: String = self.body.trim().chars().take(80).collect();
        match text.is_empty() {
            true => format!("{}", self.status),
            false => format!("{}, {text:?}", self.status),
        }
    }

    /// The cookies that it sets, as a browser sends them back.
    #[must_use]
    pub fn cookies(&self) -> String {
        let set = self.headers.get_all("set-cookie").iter();
        let pairs = set.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        pairs.collect::<Vec<_>>().join("; ")
    }
}

/// The deployment.
#[derive(Debug)]
pub struct Target {
    /// Its address, with a slash at the end.
    pub base: Url,
    /// The operator's token.
    pub token: Option<Token>,
    /// Which certificates are trusted.
    pub trust: Trust,
    client: Client,
}

impl Target {
    /// The deployment that the command line names.
    ///
    /// # Errors
    /// A file that it names cannot be used.
    pub fn new(config: &Config, args: &DoctorArgs) -> Result<Self, CliError> {
        let base = access::url_of(config, args.url.as_ref())?;
        let trust = Trust::load(base.scheme() == "https", args.access.ca.as_deref())?;
        // Without a pool each request has a connection of its own, as from another browser.
        let client = access::client(&trust, |builder| builder.pool_max_idle_per_host(0))?;
        Ok(Self {
            token: Token::find(config, &args.access)?,
            base,
            trust,
            client,
        })
    }

    /// An address below that of the deployment.
    #[must_use]
    pub fn url(&self, path: &str) -> Url {
        self.base.join(path).unwrap_or_else(|_| self.base.clone())
    }

    /// `GET` of a path below that of the deployment.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn get(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Answer, ConnectionError> {
        let url = self.url(path);
        self.request(Method::GET, url, headers, None, ANSWER_TIMEOUT)
            .await
    }

    /// `GET` with the operator's token.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn get_as(
        &self,
        token: &Token,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Answer, ConnectionError> {
        let bearer = token.value.to_str().unwrap_or_default();
        let mut all = vec![("authorization", bearer)];
        all.extend(headers);
        self.get(path, &all).await
    }

    /// A request, whose answer is read within this time.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn request(
        &self,
        method: Method,
        url: Url,
        headers: &[(&str, &str)],
        body: Option<String>,
        within: Duration,
    ) -> Result<Answer, ConnectionError> {
        let began = Instant::now();
        let mut request = self.client.request(method, url).timeout(within);
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
                request = request.header(name, value);
            }
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let failed = |error: reqwest::Error| match error.is_timeout() {
            true => ConnectionError::new(
                format!("no answer within {} s", within.as_secs()),
                "check firewalls, and the timeouts and logs of the proxy",
            ),
            false => ConnectionError::of(&error),
        };
        let mut response = request.send().await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > BODY_BYTES_MAX {
                return Err(ConnectionError::new(
                    format!("an answer of more than {BODY_BYTES_MAX} bytes"),
                    "check the address: hubbub does not answer so",
                ));
            }
        }
        Ok(Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body: String::from_utf8_lossy(&body).into_owned(),
            took: began.elapsed(),
        })
    }

    /// A stream whose body is not read yet.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn open(
        &self,
        path: &str,
        token: &Token,
    ) -> Result<reqwest::Response, ConnectionError> {
        let request = self.client.get(self.url(path));
        let sent = request.header("authorization", token.value.clone()).send();
        match timeout(ANSWER_TIMEOUT, sent).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(ConnectionError::of(&error)),
            Err(_) => Err(ConnectionError::of_system(
                &std::io::ErrorKind::TimedOut.into(),
            )),
        }
    }

    /// The host as it is in the address.
    #[must_use]
    pub fn host(&self) -> String {
        match self.base.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => String::new(),
        }
    }

    /// The port, given or not.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.base.port_or_known_default().unwrap_or(0)
    }

    /// The origin of pages there, as browsers send it.
    #[must_use]
    pub fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    /// Whether it uses TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// Whether it is on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self.base.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// The addresses of the host.
    ///
    /// # Errors
    /// The name is unknown.
    pub async fn addresses(&self) -> Result<Vec<SocketAddr>, ConnectionError> {
        let (host, port) = (self.host(), self.port());
        let found = timeout(CONNECT_TIMEOUT, tokio::net::lookup_host((&*host, port))).await;
        let found = found.map_err(|_| {
            ConnectionError::new("DNS did not answer", "check the resolver of this machine")
        })?;
        let found: Vec<SocketAddr> = found
            .map_err(|error| ConnectionError::of_system(&error))?
            .collect();
        if found.is_empty() {
            return Err(ConnectionError::new(
                "the name has no address",
                "add an A or AAAA record",
            ));
        }
        Ok(found)
    }

    /// A connection to the host, without TLS, to an address of its own or to any.
    ///
    /// # Errors
    /// It cannot be made.
    pub async fn connect_tcp(
        &self,
        address: Option<SocketAddr>,
    ) -> Result<TcpStream, ConnectionError> {
        let (host, port) = (self.host(), self.port());
        let connecting = async {
            match address {
                Some(address) => TcpStream::connect(address).await,
                None => TcpStream::connect((&*host, port)).await,
            }
        };
        match timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(ConnectionError::of_system(&error)),
            Err(_) => Err(ConnectionError::of_system(
                &std::io::ErrorKind::TimedOut.into(),
            )),
        }
    }

    /// A connection with TLS that offers these protocols.
    ///
    /// # Errors
    /// It cannot be made.
    pub async fn connect_tls(
        &self,
        protocols: &[&str],
    ) -> Result<TlsStream<TcpStream>, ConnectionError> {
        let config = self.trust.config(protocols);
        let config =
            config.map_err(|error| ConnectionError::new(error.to_string(), "report this"))?;
        let name = self.server_name()?;
        let stream = self.connect_tcp(None).await?;
        let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
        match timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(ConnectionError::of(&error)),
            Err(_) => Err(ConnectionError::new(
                "TLS was not set up in time",
                "check that the port is one for HTTPS",
            )),
        }
    }

    /// The name that the certificate must be for.
    ///
    /// # Errors
    /// The host is no name of a certificate.
    pub fn server_name(&self) -> Result<ServerName<'static>, ConnectionError> {
        let host = self.host();
        let name = match host.parse::<IpAddr>() {
            Ok(address) => Ok(ServerName::from(address)),
            Err(_) => ServerName::try_from(host),
        };
        name.map_err(|error| {
            ConnectionError::new(error.to_string(), "check the name in the address")
        })
    }

    /// A connection as the address says, for HTTP/1.1.
    ///
    /// # Errors
    /// It cannot be made.
    pub async fn connect(&self) -> Result<Box<dyn Stream>, ConnectionError> {
        if self.is_https() {
            Ok(Box::new(self.connect_tls(&["http/1.1"]).await?))
        } else {
            Ok(Box::new(self.connect_tcp(None).await?))
        }
    }
}
