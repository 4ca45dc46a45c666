//! A Socket.IO client that hides nothing: every packet can be looked at in the order it came.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use super::EVENT_TIMEOUT;
use super::dial::{Dial, Transport};
use super::packet::{Event, Packet, event_frame};
use super::server::TestServer;
use super::session::{Outgoing, Session};

/// One connection. Dropping it loses the connection without a word to the server.
pub struct Client {
    label: String,
    session: Session,
    /// Came while an acknowledgement was waited for.
    pending: VecDeque<Packet>,
    /// Came while an event was waited for.
    acks: BTreeMap<u64, Value>,
    next_ack: u64,
    sid: String,
}

impl Client {
    /// Connects as the original's client does.
    pub async fn connect(server: &TestServer, transport: Transport) -> Self {
        Dial::new(server, transport).connect().await
    }

    /// A client on an open session, called so in what panics say.
    pub fn new(label: String, session: Session) -> Self {
        Self {
            label,
            session,
            pending: VecDeque::new(),
            acks: BTreeMap::new(),
            next_ack: 0,
            sid: String::new(),
        }
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
        self.session.handshake()
    }

    /// The Socket.IO session id, a secret between this client and the server.
    pub fn sid(&self) -> &str {
        &self.sid
    }

    /// Moves the session from polling to a WebSocket, as stock clients do.
    pub async fn upgrade(&mut self) {
        let upgraded = timeout(EVENT_TIMEOUT, self.session.upgrade()).await;
        upgraded.expect("the probe is answered").unwrap();
    }

    // ---- sending

    fn send(&self, outgoing: Outgoing) {
        let sent = self.session.send(outgoing);
        assert!(sent, "{}: already closed", self.label);
    }

    /// Sends one packet, whatever it is.
    pub fn send_raw(&self, packet: &str) {
        self.send_all(vec![packet.to_owned()]);
    }

    /// As [`Self::send_raw`]; false if the transport has ended.
    pub fn try_send_raw(&self, packet: &str) -> bool {
        self.session.send(Outgoing::Texts(vec![packet.to_owned()]))
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
        self.session.set_reading(false);
    }

    /// Reads on after [`Self::pause_reading`].
    pub fn resume_reading(&self) {
        self.session.set_reading(true);
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
        let deadline = Instant::now() + EVENT_TIMEOUT;
        loop {
            match timeout_at(deadline, self.session.packet()).await {
                Ok(Some(Packet::Ping | Packet::Noop)) => {}
                Ok(Some(packet)) => return packet,
                Ok(None) => panic!("{}: waits for {what} on a closed connection", self.label),
                Err(_) => panic!(
                    "{}: waited {EVENT_TIMEOUT:?} for {what}; not yet looked at: {:?} {:?}",
                    self.label, self.pending, self.acks
                ),
            }
        }
    }

    /// Waits for the next heartbeat, whatever comes before it.
    pub async fn ping(&mut self) {
        let ping = async {
            while let Some(packet) = self.session.packet().await {
                if matches!(packet, Packet::Ping) {
                    return;
                }
            }
            panic!("the connection closed before a ping");
        };
        timeout(EVENT_TIMEOUT, ping).await.expect("a ping comes");
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
