//! Opening a connection: over which transport, with which headers and `auth`.

use std::fmt;
use std::net::SocketAddr;

use tokio::time::timeout;

use super::EVENT_TIMEOUT;
use super::client::Client;
use super::server::TestServer;
use super::session::Session;

/// The transports that a client may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// WebSocket from the start.
    WebSocket,
    /// HTTP long-polling throughout.
    Polling,
    /// HTTP long-polling first, as stock clients do, then a WebSocket for the same session.
    Upgrade,
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::WebSocket, Self::Polling, Self::Upgrade];
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WebSocket => "websocket",
            Self::Polling => "polling",
            Self::Upgrade => "upgrade",
        })
    }
}

/// A connection to be opened.
#[derive(Clone)]
pub struct Dial {
    address: SocketAddr,
    transport: Transport,
    headers: Vec<(String, String)>,
    auth: String,
    answers_pings: bool,
}

impl Dial {
    /// A connection as the original's client opens it: no headers of its own, no `auth`.
    pub fn new(server: &TestServer, transport: Transport) -> Self {
        Self::at(server.address(), transport)
    }

    /// The same to a server at this address, which may be in this process.
    pub fn at(address: SocketAddr, transport: Transport) -> Self {
        Self {
            address,
            transport,
            headers: Vec::new(),
            auth: String::new(),
            answers_pings: true,
        }
    }

    /// Sends a header with every request.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends this JSON text as the `auth` of CONNECT.
    pub fn auth(mut self, json: &str) -> Self {
        json.clone_into(&mut self.auth);
        self
    }

    /// Leaves the server's pings unanswered.
    pub fn without_pongs(mut self) -> Self {
        self.answers_pings = false;
        self
    }

    /// Opens the Engine.IO session and nothing more: no CONNECT is sent.
    pub async fn open(self) -> Client {
        let label = format!("client over {}", self.transport);
        let session = Session::open(
            self.address,
            self.transport,
            self.headers,
            self.answers_pings,
        );
        let session = timeout(EVENT_TIMEOUT, session).await;
        let session = session.unwrap_or_else(|_| panic!("{label}: no handshake"));
        Client::new(label, session.unwrap())
    }

    /// Opens the session, sends CONNECT, waits for its answer, and upgrades if that was asked.
    pub async fn connect(self) -> Client {
        let connect = format!("40{}", self.auth);
        let transport = self.transport;
        let mut client = self.open().await;
        client.send_raw(&connect);
        client.connected().await;
        if transport == Transport::Upgrade {
            client.upgrade().await;
        }
        client
    }
}
