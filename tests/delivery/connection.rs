//! A client's connection that may fail at any moment: every failure is a value, and a server that
//! falls silent counts as gone, as with stock clients.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;

use crate::support::client::{Outgoing, Wire};
use crate::support::http::Failure;
use crate::support::polling::{self, Endpoint, Running};
use crate::support::websocket;
use crate::support::{Packet, Transport};

/// How long opening a connection, or moving it to another transport, may take.
const OPENING: Duration = Duration::from_secs(5);
/// How long a farewell may take to reach the server.
const FAREWELL: Duration = Duration::from_secs(1);

/// One connection. Dropping it loses it without a word to the server.
pub struct Connection {
    wire: Wire,
    incoming: UnboundedReceiver<Packet>,
    polling: Option<Running>,
    sid: String,
    /// The server pings this often, give or take the time a pong may take.
    silence_max: Duration,
    heard: Instant,
}

impl Connection {
    /// Opens a session and sends CONNECT with this `auth`. `Transport::Upgrade` starts as polling,
    /// and is moved with [`Self::upgrade`].
    pub async fn open(
        address: SocketAddr,
        transport: Transport,
        auth: &str,
    ) -> Result<Self, Failure> {
        let opened = timeout(OPENING, Self::opened(address, transport)).await;
        let connection = opened??;
        connection.send(vec![format!("40{auth}")]);
        Ok(connection)
    }

    async fn opened(address: SocketAddr, transport: Transport) -> Result<Self, Failure> {
        let (outgoing, to_send) = mpsc::unbounded_channel();
        let (incoming, mut received) = mpsc::unbounded_channel();
        let mut wire = Wire {
            outgoing,
            incoming,
            reading: watch::Sender::new(true),
            answers_pings: true,
            tasks: JoinSet::new(),
        };
        let (open, polling) = if transport == Transport::WebSocket {
            let socket = websocket::open(address, None, &[]).await?;
            websocket::run(socket, to_send, &mut wire);
            (received.recv().await, None)
        } else {
            let mut endpoint = Endpoint::new(address, Vec::new());
            let open = Packet::parse(&endpoint.poll().await?.body);
            let sid = sid_of(&open).unwrap_or_default();
            let running = polling::run(endpoint.of_session(&sid), to_send, &wire);
            (Some(open), Some(running))
        };
        let Some(Packet::Open(handshake)) = &open else {
            return Err(format!("instead of the handshake: {open:?}").into());
        };
        let ms = |key: &str| handshake[key].as_u64().unwrap_or_default();
        Ok(Self {
            wire,
            incoming: received,
            polling,
            sid: open.as_ref().and_then(sid_of).unwrap_or_default(),
            silence_max: Duration::from_millis(ms("pingInterval") + ms("pingTimeout")),
            heard: Instant::now(),
        })
    }

    /// Whether the session polls, so that it could be moved.
    pub fn polls(&self) -> bool {
        self.polling.is_some()
    }

    /// Writes packets as one burst. On a connection that has ended this does nothing: its end is
    /// read.
    pub fn send(&self, packets: Vec<String>) {
        let _ended = self.wire.outgoing.send(Outgoing::Texts(packets)).is_err();
    }

    /// The next packet; after too long a silence, the end. Cancel safe.
    pub async fn packet(&mut self) -> Packet {
        let packet = timeout_at(self.heard + self.silence_max, self.incoming.recv()).await;
        self.heard = Instant::now();
        match packet {
            Ok(Some(packet)) => packet,
            Ok(None) => Packet::TransportClosed("already".to_owned()),
            Err(_) => Packet::TransportClosed("silence".to_owned()),
        }
    }

    /// Takes nothing from the network for a while.
    pub async fn stop_reading_for(&mut self, time: Duration) {
        self.wire.reading.send_replace(false);
        sleep(time).await;
        self.wire.reading.send_replace(true);
        self.heard = Instant::now();
    }

    /// Moves a polling session to a WebSocket, as stock clients do.
    pub async fn upgrade(&mut self) -> Result<(), Failure> {
        timeout(OPENING, self.upgraded()).await?
    }

    async fn upgraded(&mut self) -> Result<(), Failure> {
        let mut running = self.polling.take().ok_or("only polling can be upgraded")?;
        running.stop.send_replace(true);
        let address = running.endpoint.address();
        let mut socket = websocket::open(address, Some(&self.sid), &[]).await?;
        socket.send(Message::Text("2probe".into())).await?;
        let answer = socket.next().await.ok_or("no answer to the probe")??;
        if answer.to_text()? != "3probe" {
            return Err(format!("the probe was answered with {answer}").into());
        }
        (&mut running.poller).await?;
        let _ended = self.wire.outgoing.send(Outgoing::StopPolling).is_err();
        let mut outgoing = (&mut running.poster).await?;
        if outgoing.try_recv().is_ok() {
            // It stopped before it was asked to: what it failed to post must not be overtaken.
            return Err("a post failed before the upgrade".into());
        }
        socket.send(Message::Text("5".into())).await?;
        websocket::run(socket, outgoing, &mut self.wire);
        self.heard = Instant::now();
        Ok(())
    }

    /// Says goodbye (where `politely`, in Socket.IO's words too) and waits until that has gone
    /// out. Returns what still came.
    pub async fn hang_up(mut self, politely: bool) -> Vec<Packet> {
        if politely {
            self.send(vec!["41".to_owned()]);
        }
        let _ended = self.wire.outgoing.send(Outgoing::HangUp).is_err();
        let mut packets = Vec::new();
        let deadline = Instant::now() + FAREWELL;
        while let Ok(packet) = timeout_at(deadline, self.packet()).await {
            if matches!(packet, Packet::TransportClosed(_)) {
                break;
            }
            packets.push(packet);
        }
        packets
    }
}

fn sid_of(open: &Packet) -> Option<String> {
    match open {
        Packet::Open(handshake) => Some(handshake["sid"].as_str()?.to_owned()),
        _ => None,
    }
}
