//! An Engine.IO session and the tasks of its transport.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

use super::dial::Transport;
use super::http::Failure;
use super::packet::Packet;
use super::polling::{self, Endpoint, Running};
use super::websocket;

/// What a client asks its transport to send.
pub enum Outgoing {
    /// Text packets, written as one burst.
    Texts(Vec<String>),
    /// A binary packet.
    Binary(Vec<u8>),
    /// An orderly end of the transport.
    HangUp,
    /// The polling transport hands over to a WebSocket.
    StopPolling,
}

/// What connects a client with the tasks of its transport. Dropping it drops the connection.
pub(crate) struct Channels {
    /// To the transport.
    pub outgoing: UnboundedSender<Outgoing>,
    /// From the transport.
    pub incoming: UnboundedSender<Packet>,
    /// Whether the transport takes from the network.
    pub reading: watch::Sender<bool>,
    /// Whether it answers pings.
    pub answers_pings: bool,
    /// The transport.
    pub tasks: JoinSet<()>,
}

/// An open Engine.IO session. Dropping it loses the connection without a packet to the server.
pub struct Session {
    channels: Channels,
    incoming: UnboundedReceiver<Packet>,
    polling: Option<Running>,
    handshake: Value,
}

impl Session {
    /// Opens a session and sends no CONNECT. [`Transport::Upgrade`] starts as polling, and is moved
    /// with [`Self::upgrade`].
    pub async fn open(
        address: SocketAddr,
        transport: Transport,
        headers: Vec<(String, String)>,
        answers_pings: bool,
    ) -> Result<Self, Failure> {
        let (outgoing, to_send) = mpsc::unbounded_channel();
        let (incoming, mut received) = mpsc::unbounded_channel();
        let mut channels = Channels {
            outgoing,
            incoming,
            reading: watch::Sender::new(true),
            answers_pings,
            tasks: JoinSet::new(),
        };
        let (open, polling) = if transport == Transport::WebSocket {
            let socket = websocket::open(address, None, &headers).await?;
            websocket::run(socket, to_send, &mut channels);
            (received.recv().await, None)
        } else {
            let mut endpoint = Endpoint::new(address, headers);
            let open = Packet::parse(&endpoint.poll().await?.body);
            let sid = match &open {
                Packet::Open(handshake) => handshake["sid"].as_str().unwrap_or_default(),
                _ => "",
            };
            let running = polling::run(endpoint.of_session(sid), to_send, &channels);
            (Some(open), Some(running))
        };
        let Some(Packet::Open(handshake)) = open else {
            return Err(format!("instead of the handshake: {open:?}").into());
        };
        Ok(Self {
            channels,
            incoming: received,
            polling,
            handshake,
        })
    }

    /// The Engine.IO handshake.
    pub fn handshake(&self) -> &Value {
        &self.handshake
    }

    /// Whether the session polls, so that it could be moved.
    pub fn polls(&self) -> bool {
        self.polling.is_some()
    }

    /// Hands something to the transport; false if that has ended.
    pub fn send(&self, outgoing: Outgoing) -> bool {
        self.channels.outgoing.send(outgoing).is_ok()
    }

    /// Whether the transport takes anything from the network from now on. Over polling, a poll in
    /// flight is still answered.
    pub fn set_reading(&self, reading: bool) {
        self.channels.reading.send_replace(reading);
    }

    /// The next packet, pings included; `None` behind the end of the transport. Cancel safe.
    pub async fn packet(&mut self) -> Option<Packet> {
        self.incoming.recv().await
    }

    /// Moves a polling session to a WebSocket, as stock clients do.
    pub async fn upgrade(&mut self) -> Result<(), Failure> {
        let mut running = self.polling.take().ok_or("only polling can be upgraded")?;
        running.stop.send_replace(true);
        let endpoint = &running.endpoint;
        let (address, sid) = (endpoint.address(), endpoint.sid());
        let mut socket = websocket::open(address, Some(&sid), endpoint.headers()).await?;
        socket.send(Message::Text("2probe".into())).await?;
        let answer = socket.next().await.ok_or("no answer to the probe")??;
        if answer.to_text()? != "3probe" {
            return Err(format!("the probe was answered with {answer}").into());
        }
        (&mut running.poller).await?;
        let _ended = self.send(Outgoing::StopPolling);
        let mut outgoing = (&mut running.poster).await?;
        if outgoing.try_recv().is_ok() {
            // It stopped before it was asked to: what it failed to post must not be overtaken.
            return Err("a post failed before the upgrade".into());
        }
        websocket::finish_upgrade(&mut socket).await?;
        websocket::run(socket, outgoing, &mut self.channels);
        Ok(())
    }
}
