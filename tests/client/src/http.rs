//! Plain HTTP against the server, over connections that are kept open between requests.

use std::net::SocketAddr;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::http::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Why there was no answer.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What an HTTP request came to.
pub type Answered = Result<Answer, Failure>;

/// An HTTP answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

/// `GET` of a path, over a connection of its own.
pub async fn get(address: SocketAddr, path: &str) -> Answered {
    Line::new(address).get(path).await
}

/// A line to the server: one connection, kept open between requests as browsers, monitors and
/// proxies keep theirs, and opened again if the server has closed it.
pub struct Line {
    address: SocketAddr,
    sender: Option<http1::SendRequest<Full<Bytes>>>,
    opened: u32,
}

impl Line {
    /// A line without a connection yet.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            sender: None,
            opened: 0,
        }
    }

    /// The other end.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it took so far.
    pub fn opened(&self) -> u32 {
        self.opened
    }

    /// `GET` of a path.
    pub async fn get(&mut self, path: &str) -> Answered {
        self.request(Method::GET, path, &[], String::new()).await
    }

    /// Sends one request.
    pub async fn request(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(String, String)],
        body: String,
    ) -> Answered {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.address.to_string());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let mut sender = self.sender().await?;
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let body = String::from_utf8(body.collect().await?.to_bytes().to_vec())?;
        self.sender = Some(sender);
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }

    /// The kept connection if it can still be used, or a new one.
    async fn sender(&mut self) -> Result<http1::SendRequest<Full<Bytes>>, Failure> {
        if let Some(mut kept) = self.sender.take()
            && kept.ready().await.is_ok()
        {
            return Ok(kept);
        }
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends when the sender is dropped.
        let _connection = tokio::spawn(connection);
        self.opened += 1;
        Ok(sender)
    }
}
