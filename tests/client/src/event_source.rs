//! A client of Server-Sent Events: a request, and its events as they come.

use std::collections::VecDeque;
use std::net::SocketAddr;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::http::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::EVENT_TIMEOUT;

/// One event, or a block of lines without one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServerSent {
    /// Its name; empty if the block has none.
    pub event: String,
    /// Its id.
    pub id: String,
    /// Its data.
    pub data: Value,
    /// When to connect again.
    pub retry_ms: Option<u64>,
    /// Whether the block is only a comment.
    pub is_comment: bool,
}

/// A stream of events.
pub struct EventSource {
    /// Status of the answer.
    pub status: StatusCode,
    /// Headers of the answer.
    pub headers: HeaderMap,
    body: Incoming,
    text: Vec<u8>,
    blocks: VecDeque<ServerSent>,
    // The connection ends when this is dropped.
    _sender: http1::SendRequest<Empty<Bytes>>,
}

impl EventSource {
    /// `GET` of a path, with these headers.
    pub async fn open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let _connection = tokio::spawn(connection);
        let mut request = Request::get(path).header("host", address.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Empty::new()).unwrap();
        let answer = timeout(EVENT_TIMEOUT, sender.send_request(request)).await;
        let (head, body) = answer.expect("an answer in time").unwrap().into_parts();
        Self {
            status: head.status,
            headers: head.headers,
            body,
            text: Vec::new(),
            blocks: VecDeque::new(),
            _sender: sender,
        }
    }

    /// The next block of lines; `None` once the stream has ended.
    pub async fn block(&mut self) -> Option<ServerSent> {
        while self.blocks.is_empty() {
            let frame = timeout(EVENT_TIMEOUT, self.body.frame()).await;
            let frame = frame.expect("an event, a comment or the end in time")?;
            // A connection that is cut ends the stream too.
            let Ok(frame) = frame else { return None };
            if let Some(data) = frame.data_ref() {
                self.text.extend_from_slice(data);
                self.take_blocks();
            }
        }
        self.blocks.pop_front()
    }

    /// The next event, whatever else comes before it; `None` once the stream has ended.
    pub async fn event(&mut self) -> Option<ServerSent> {
        loop {
            let block = self.block().await?;
            if !block.event.is_empty() {
                return Some(block);
            }
        }
    }

    /// The next event, which must have this name.
    pub async fn expect(&mut self, name: &str) -> ServerSent {
        let event = self.event().await;
        match event {
            Some(event) if event.event == name => event,
            other => panic!("expected {name}, found {other:?}"),
        }
    }

    fn take_blocks(&mut self) {
        while let Some(end) = self.text.windows(2).position(|pair| pair == b"\n\n") {
            let block: Vec<u8> = self.text.drain(..end + 2).collect();
            let block = String::from_utf8(block).unwrap();
            let mut found = ServerSent::default();
            for line in block.lines().filter(|line| !line.is_empty()) {
                match line.split_once(": ") {
                    Some(("event", name)) => name.clone_into(&mut found.event),
                    Some(("id", id)) => id.clone_into(&mut found.id),
                    Some(("data", data)) => found.data = serde_json::from_str(data).unwrap(),
                    Some(("retry", time)) => found.retry_ms = Some(time.parse().unwrap()),
                    _ => {
                        assert!(line.starts_with(':'), "an unknown line: {line:?}");
                        found.is_comment = true;
                    }
                }
            }
            self.blocks.push_back(found);
        }
    }
}
