//! The HTTP long-polling transport: one task that polls and answers pings, one that posts.

use std::net::SocketAddr;

use hyper::http::{Method, StatusCode};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::http::{Answered, Line};
use super::packet::Packet;
use super::session::{Channels, Outgoing};

/// Between packets in one body.
pub const SEPARATOR: char = '\x1e';

/// Bytes of packets put into one post, well below what the server takes.
const POST_BYTES: usize = 32 * 1024;

/// Where one polling session lives, and a line to there. Clones have a line of their own: a poll
/// must not keep a post waiting.
pub struct Endpoint {
    line: Line,
    path: String,
    headers: Vec<(String, String)>,
}

impl Clone for Endpoint {
    fn clone(&self) -> Self {
        Self {
            line: Line::new(self.address()),
            path: self.path.clone(),
            headers: self.headers.clone(),
        }
    }
}

impl Endpoint {
    /// Where sessions are opened. The headers go with every request.
    pub fn new(address: SocketAddr, headers: Vec<(String, String)>) -> Self {
        let path = "/socket.io/?EIO=4&transport=polling".to_owned();
        Self {
            line: Line::new(address),
            path,
            headers,
        }
    }

    /// Where this session lives.
    pub fn of_session(mut self, sid: &str) -> Self {
        self.path = format!("{}&sid={sid}", self.path);
        self
    }

    /// The id of this session.
    pub fn sid(&self) -> String {
        let (_, sid) = self.path.split_once("&sid=").expect("there is a session");
        sid.to_owned()
    }

    /// The server.
    pub fn address(&self) -> SocketAddr {
        self.line.address()
    }

    /// What goes with every request.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// One poll.
    pub async fn poll(&mut self) -> Answered {
        let Self {
            line,
            path,
            headers,
        } = self;
        line.request(Method::GET, path, headers, String::new())
            .await
    }

    /// One post of packets.
    pub async fn post(&mut self, body: String) -> Answered {
        let Self {
            line,
            path,
            headers,
        } = self;
        line.request(Method::POST, path, headers, body).await
    }
}

/// The two tasks of a polling session.
pub(crate) struct Running {
    /// Where the session lives.
    pub endpoint: Endpoint,
    /// Ends after the poll in flight once `stop` is set.
    pub poller: JoinHandle<()>,
    /// Ends at [`Outgoing::StopPolling`] and hands back what was not yet posted.
    pub poster: JoinHandle<UnboundedReceiver<Outgoing>>,
    /// Ends the poller.
    pub stop: watch::Sender<bool>,
}

/// Starts the two tasks on an open session.
pub(crate) fn run(
    endpoint: Endpoint,
    outgoing: UnboundedReceiver<Outgoing>,
    channels: &Channels,
) -> Running {
    let (stop, stopped) = watch::channel(false);
    let pongs = channels.answers_pings.then(|| channels.outgoing.clone());
    let reading = channels.reading.subscribe();
    let poll = poll_until(
        endpoint.clone(),
        channels.incoming.clone(),
        pongs,
        reading,
        stopped,
    );
    let post = post_until(endpoint.clone(), outgoing, channels.incoming.clone());
    Running {
        endpoint,
        poller: tokio::spawn(poll),
        poster: tokio::spawn(post),
        stop,
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.poller.abort();
        self.poster.abort();
    }
}

async fn poll_until(
    mut endpoint: Endpoint,
    incoming: UnboundedSender<Packet>,
    pongs: Option<UnboundedSender<Outgoing>>,
    mut reading: watch::Receiver<bool>,
    stopped: watch::Receiver<bool>,
) {
    while !*stopped.borrow() {
        if reading.wait_for(|&reading| reading).await.is_err() {
            return;
        }
        let body = match endpoint.poll().await {
            Ok(answer) if answer.status == StatusCode::OK && !answer.body.is_empty() => answer.body,
            ended => {
                let _gone = incoming
                    .send(Packet::TransportClosed(format!("poll: {ended:?}")))
                    .is_err();
                return;
            }
        };
        for frame in body.split(SEPARATOR) {
            let packet = Packet::parse(frame);
            if let (Packet::Ping, Some(pongs)) = (&packet, &pongs) {
                let _gone = pongs.send(Outgoing::Texts(vec!["3".to_owned()])).is_err();
            }
            if incoming.send(packet).is_err() {
                return;
            }
        }
    }
}

/// A failed post needs no report: the next poll sees the same end.
async fn post_until(
    mut endpoint: Endpoint,
    mut outgoing: UnboundedReceiver<Outgoing>,
    incoming: UnboundedSender<Packet>,
) -> UnboundedReceiver<Outgoing> {
    while let Some(next) = outgoing.recv().await {
        let bodies = match next {
            Outgoing::Texts(texts) => bodies(texts),
            Outgoing::Binary(bytes) => vec![binary_packet(&bytes)],
            Outgoing::HangUp => vec!["1".to_owned()],
            Outgoing::StopPolling => break,
        };
        for body in bodies {
            match endpoint.post(body).await {
                Ok(answer) if answer.status == StatusCode::OK => {}
                ended => {
                    let closed = Packet::TransportClosed(format!("post: {ended:?}"));
                    let _gone = incoming.send(closed).is_err();
                    return outgoing;
                }
            }
        }
    }
    outgoing
}

/// Packets put together into as few bodies as the server's limit allows.
fn bodies(texts: Vec<String>) -> Vec<String> {
    let mut bodies: Vec<String> = Vec::new();
    for text in texts {
        match bodies.last_mut() {
            Some(body) if body.len() + text.len() < POST_BYTES => {
                body.push(SEPARATOR);
                body.push_str(&text);
            }
            _ => bodies.push(text),
        }
    }
    bodies
}

/// `b` and base64, for the one kind of payload the tests send as binary: zeros.
fn binary_packet(bytes: &[u8]) -> String {
    assert!(
        bytes.iter().all(|&b| b == 0) && bytes.len().is_multiple_of(3),
        "zeros, in threes"
    );
    format!("b{}", "AAAA".repeat(bytes.len() / 3))
}

/// Opens a session that no task polls, and does not connect it.
pub async fn opened(address: SocketAddr) -> Endpoint {
    let mut endpoint = Endpoint::new(address, Vec::new());
    let answer = endpoint.poll().await.unwrap();
    assert_eq!(answer.status, StatusCode::OK, "handshake: {answer:?}");
    let Packet::Open(open) = Packet::parse(&answer.body) else {
        panic!("no handshake: {answer:?}")
    };
    endpoint.of_session(open["sid"].as_str().unwrap())
}

/// Opens and connects a session that no task polls: what is sent to it from now on waits. Returns
/// the packets it was greeted with, too.
pub async fn connected_by_hand(address: SocketAddr) -> (Endpoint, Vec<String>) {
    let mut endpoint = opened(address).await;
    let posted = endpoint.post("40".to_owned()).await.unwrap();
    assert_eq!(
        (posted.status, posted.body.as_str()),
        (StatusCode::OK, "ok")
    );
    let mut frames: Vec<String> = Vec::new();
    while !frames
        .iter()
        .any(|frame| frame.starts_with("42[\"session\""))
    {
        let body = endpoint.poll().await.unwrap().body;
        frames.extend(body.split(SEPARATOR).map(str::to_owned));
    }
    (endpoint, frames)
}
