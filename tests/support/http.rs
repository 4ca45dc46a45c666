//! Plain HTTP against the server, over one connection a request or over one that is kept.

use std::net::SocketAddr;

use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
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

/// Sends one request.
pub async fn request(
    address: SocketAddr,
    method: Method,
    path: &str,
    headers: &[(String, String)],
    body: String,
) -> Answered {
    let mut sender = connect(address).await?;
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", address.to_string())
        .header("connection", "close");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let answer = sender
        .send_request(request.body(Full::new(Bytes::from(body)))?)
        .await?;
    let (parts, body) = answer.into_parts();
    let body = String::from_utf8(body.collect().await?.to_bytes().to_vec())?;
    Ok(Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    })
}

/// `GET` of a path.
pub async fn get(address: SocketAddr, path: &str) -> Answered {
    request(address, Method::GET, path, &[], String::new()).await
}

/// A connection that is kept open between requests, as monitors and proxies keep theirs.
pub struct KeptAlive {
    address: SocketAddr,
    sender: http1::SendRequest<Full<Bytes>>,
}

impl KeptAlive {
    /// Opens the connection.
    pub async fn open(address: SocketAddr) -> Self {
        Self {
            address,
            sender: connect(address).await.unwrap(),
        }
    }

    /// `GET` of a path.
    pub async fn get(&mut self, path: &str) -> Answered {
        self.sender.ready().await?;
        let request = Request::get(path).header("host", self.address.to_string());
        read(
            self.sender
                .send_request(request.body(Full::default())?)
                .await?,
        )
        .await
    }
}

async fn connect(address: SocketAddr) -> Result<http1::SendRequest<Full<Bytes>>, Failure> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Ends when the sender is dropped.
    let _connection = tokio::spawn(connection);
    Ok(sender)
}

async fn read(answer: Response<Incoming>) -> Answered {
    let (parts, body) = answer.into_parts();
    let body = String::from_utf8(body.collect().await?.to_bytes().to_vec())?;
    Ok(Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    })
}
