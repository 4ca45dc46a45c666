//! A Socket.IO client that hides nothing: every packet can be looked at in the order it came.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::PATIENCE;
use super::dial::{Dial, Transport};
use super::packet::{Event, Packet, event_frame};
use super::polling::Running;
use super::server::Server;
use super::websocket;

/// What a client tells its transport to send.
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
pub struct Wire {
    /// To the transport.
    pub outgoing: UnboundedSender<Outgoing>,
    /// From the transport.
    pub incoming: UnboundedSender<Packet>,
    /// Whether the transport takes from the network; see [`Client::pause_reading`].
    pub reading: watch::Sender<bool>,
    /// Whether it answers pings.
    pub answers_pings: bool,
    /// The transport.
    pub tasks: JoinSet<()>,
}

/// One connection. Dropping it loses the connection without a word to the server.
pub struct Client {
    label: String,
    wire: Wire,
    incoming: UnboundedReceiver<Packet>,
    polling: Option<Running>,
    /// Came while an acknowledgement was waited for.
    pending: VecDeque<Packet>,
    /// Came while an event was waited for.
    acks: BTreeMap<u64, Value>,
    next_ack: u64,
    handshake: Value,
    sid: String,
}

impl Client {
    /// Connects as the original's client does.
    pub async fn connect(server: &Server, transport: Transport) -> Self {
        Dial::new(server, transport).connect().await
    }

    /// A client on a transport that is already running.
    pub fn new(
        label: String,
        wire: Wire,
        incoming: UnboundedReceiver<Packet>,
        polling: Option<Running>,
    ) -> Self {
        Self {
            label,
            wire,
            incoming,
            polling,
            pending: VecDeque::new(),
            acks: BTreeMap::new(),
            next_ack: 0,
            handshake: Value::Null,
            sid: String::new(),
        }
    }

    /// Takes note of the handshake.
    pub fn opened(&mut self, open: Packet) {
        let Packet::Open(handshake) = open else {
            panic!("{}: no handshake: {open:?}", self.label)
        };
        self.handshake = handshake;
    }

    /// Waits until CONNECT is answered.
    pub async fn connected(&mut self) {
        match self.packet().await {
            Packet::Connected(body) => body["sid"].as_str().unwrap().clone_into(&mut self.sid),
            other => panic!("{}: CONNECT was answered with {other:?}", self.label),
        }
    }

    /// What it is called where something goes wrong.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The Engine.IO handshake.
    pub fn handshake(&self) -> &Value {
        &self.handshake
    }

    /// The Socket.IO session id, a secret between this client and the server.
    pub fn sid(&self) -> &str {
        &self.sid
    }

    /// Moves the session from polling to a WebSocket, as stock clients do.
    pub async fn upgrade(&mut self) {
        let mut running = self
            .polling
            .take()
            .expect("only a polling session can be upgraded");
        running.stop.send_replace(true);
        let sid = self.handshake["sid"].as_str().unwrap();
        let endpoint = &running.endpoint;
        let mut socket = websocket::open(endpoint.address(), Some(sid), endpoint.headers())
            .await
            .unwrap();
        let probed = websocket::probe(&mut socket);
        timeout(PATIENCE, probed)
            .await
            .expect("the probe is answered");
        (&mut running.poller).await.unwrap();
        self.send(Outgoing::StopPolling);
        let outgoing = (&mut running.poster).await.unwrap();
        websocket::finish_upgrade(&mut socket).await;
        websocket::run(socket, outgoing, &mut self.wire);
    }

    // ---- sending

    fn send(&self, outgoing: Outgoing) {
        assert!(
            self.wire.outgoing.send(outgoing).is_ok(),
            "{}: already closed",
            self.label
        );
    }

    /// Sends one packet, whatever it is.
    pub fn send_raw(&self, packet: &str) {
        self.send_all(vec![packet.to_owned()]);
    }

    /// As [`Self::send_raw`]; false if the transport has ended.
    pub fn try_send_raw(&self, packet: &str) -> bool {
        let texts = Outgoing::Texts(vec![packet.to_owned()]);
        self.wire.outgoing.send(texts).is_ok()
    }

    /// Sends packets as one burst.
    pub fn send_all(&self, packets: Vec<String>) {
        self.send(Outgoing::Texts(packets));
    }

    /// Sends a binary packet.
    pub fn send_binary(&self, bytes: Vec<u8>) {
        self.send(Outgoing::Binary(bytes));
    }

    /// Ends the transport in an orderly way.
    pub fn hang_up(&self) {
        self.send(Outgoing::HangUp);
    }

    /// Stops taking anything from the network, as a phone in a tunnel does. Over polling, once
    /// the poll in flight has been answered.
    pub fn pause_reading(&self) {
        self.wire.reading.send_replace(false);
    }

    /// Reads on after [`Self::pause_reading`].
    pub fn resume_reading(&self) {
        self.wire.reading.send_replace(true);
    }

    /// Sends an event that asks for no acknowledgement.
    pub fn emit(&self, name: &str, payload: &Value) {
        self.emit_raw(name, Some(&payload.to_string()));
    }

    /// As [`Self::emit`], with the payload as JSON text, or none at all.
    pub fn emit_raw(&self, name: &str, payload: Option<&str>) {
        self.send_raw(&event_frame(name, payload, None));
    }

    /// Sends an event and waits for its acknowledgement.
    pub async fn ask(&mut self, name: &str, payload: &Value) -> Value {
        self.ask_raw(name, Some(&payload.to_string())).await
    }

    /// As [`Self::ask`], with the payload as JSON text, or none at all.
    pub async fn ask_raw(&mut self, name: &str, payload: Option<&str>) -> Value {
        self.next_ack += 1;
        let id = self.next_ack;
        self.send_raw(&event_frame(name, payload, Some(id)));
        self.answer(id).await
    }

    // ---- receiving

    /// The next packet of any kind, but for heartbeats.
    pub async fn packet(&mut self) -> Packet {
        match self.pending.pop_front() {
            Some(packet) => packet,
            None => self.receive("a packet").await,
        }
    }

    async fn receive(&mut self, what: &str) -> Packet {
        // One deadline for all of it: heartbeats must not put it off.
        let deadline = Instant::now() + PATIENCE;
        loop {
            match timeout_at(deadline, self.incoming.recv()).await {
                Ok(Some(Packet::Ping | Packet::Noop)) => {}
                Ok(Some(packet)) => return packet,
                Ok(None) => panic!("{}: waits for {what} on a closed connection", self.label),
                Err(_) => panic!(
                    "{}: waited {PATIENCE:?} for {what}; not yet looked at: {:?} {:?}",
                    self.label, self.pending, self.acks
                ),
            }
        }
    }

    /// Waits for the next heartbeat, whatever comes before it.
    pub async fn ping(&mut self) {
        let ping = async {
            while let Some(packet) = self.incoming.recv().await {
                if matches!(packet, Packet::Ping) {
                    return;
                }
            }
            panic!("the connection closed before a ping");
        };
        timeout(PATIENCE, ping).await.expect("a ping comes");
    }

    /// The acknowledgement `id`; events that come before it are kept for later.
    pub async fn answer(&mut self, id: u64) -> Value {
        loop {
            if let Some(body) = self.acks.remove(&id) {
                return body;
            }
            match self.receive(&format!("acknowledgement {id}")).await {
                Packet::Ack { id, body } => {
                    let doubled = self.acks.insert(id, body).is_some();
                    assert!(!doubled, "{}: acknowledgement {id} came twice", self.label);
                }
                packet @ Packet::Event(_) => self.pending.push_back(packet),
                other => panic!("{}: {other:?} instead of acknowledgement {id}", self.label),
            }
        }
    }

    /// The next event; acknowledgements that come before it are kept for later.
    pub async fn event(&mut self) -> Event {
        loop {
            match self.packet().await {
                Packet::Event(event) => return event,
                Packet::Ack { id, body } => {
                    self.acks.insert(id, body);
                }
                other => panic!("{}: {other:?} instead of an event", self.label),
            }
        }
    }

    /// The next event, which must be `name`.
    pub async fn expect(&mut self, name: &str) -> Event {
        let event = self.event().await;
        assert_eq!(event.name, name, "{}: {event:?}", self.label);
        event
    }

    /// As [`Self::expect`], past any `room_update`: the counts come when they come.
    pub async fn expect_but_counts(&mut self, name: &str) -> Event {
        self.expect_but_others(name, &["room_update"]).await
    }

    /// As [`Self::expect`], past events of these other names.
    pub async fn expect_but_others(&mut self, name: &str, others: &[&str]) -> Event {
        let other = |event: &Event| others.contains(&event.name.as_str());
        let event = self
            .events_until(|event| !other(event))
            .await
            .pop()
            .unwrap();
        assert_eq!(event.name, name, "{}: {event:?}", self.label);
        event
    }

    /// All events up to and with the first that is wanted.
    pub async fn events_until(&mut self, wanted: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            events.push(self.event().await);
            if wanted(&events[events.len() - 1]) {
                return events;
            }
        }
    }

    /// The next event of that name, whatever comes before it.
    pub async fn wait_for(&mut self, name: &str) -> Event {
        self.events_until(|event| event.name == name)
            .await
            .pop()
            .unwrap()
    }

    /// All packets up to the end of the connection, without that end.
    pub async fn until_closed(&mut self) -> Vec<Packet> {
        let mut packets = Vec::new();
        loop {
            match self.packet().await {
                Packet::TransportClosed(_) => return packets,
                packet => packets.push(packet),
            }
        }
    }
}
