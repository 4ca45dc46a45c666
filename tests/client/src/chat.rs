//! What tests do with a client again and again, in the words of the chat.

use serde_json::{Value, json};

use super::client::Client;
use super::dial::{Dial, Transport};
use super::packet::{Event, Packet};
use super::server::TestServer;
use super::shape::{assert_accepted, default_rooms_json};

impl Client {
    /// Connects over a WebSocket, reads past the greeting and joins a room.
    pub async fn joined(server: &TestServer, room: &str, username: &str) -> Self {
        let mut client = Self::connect(server, Transport::WebSocket).await;
        client.join(room, username).await;
        client
    }

    /// Reads what every connection is greeted with, and returns the `session`.
    pub async fn greeted(&mut self) -> Event {
        self.expect("room_list").await;
        self.expect("session").await
    }

    /// Joins a room without asking for an acknowledgement and reads up to the own notice.
    /// Returns the confirmation.
    pub async fn join(&mut self, room: &str, username: &str) -> Event {
        self.emit(
            "join_room",
            &json!({ "room_name": room, "username": username }),
        );
        let confirm = self.wait_for("join_confirm").await;
        assert_eq!(confirm["room"], room, "{confirm:?}");
        let user_id = confirm["user_id"].clone();
        self.events_until(|e| e.name == "system_message" && e["user_id"] == user_id)
            .await;
        confirm
    }

    /// Says something without asking for an acknowledgement.
    pub fn say(&self, text: &str) {
        self.emit("send_message", &json!({ "text": text }));
    }

    /// The next chat message, whatever comes before it.
    pub async fn next_message(&mut self) -> Event {
        self.wait_for("receive_message").await
    }

    /// Says something and returns all events up to and with its echo: a fence behind whatever
    /// the room was sent before.
    pub async fn events_until_echo(&mut self, text: &str) -> Vec<Event> {
        self.say(text);
        self.events_until_message(text).await
    }

    /// All events up to and with the message of that text.
    pub async fn events_until_message(&mut self, text: &str) -> Vec<Event> {
        self.events_until(|e| e.name == "receive_message" && e["text"] == text)
            .await
    }

    /// The next notice of that kind, whatever comes before it.
    pub async fn wait_for_kind(&mut self, kind: &str) -> Event {
        let wanted = |event: &Event| event.name == "system_message" && event["kind"] == kind;
        self.events_until(wanted).await.pop().unwrap()
    }

    /// Reads until the counts are these, the other rooms being empty.
    pub async fn until_counts(&mut self, counts: &[(&str, u64)]) -> Vec<Event> {
        let wanted = default_rooms_json(counts);
        self.events_until(|event| event.name == "room_update" && event.raw == wanted)
            .await
    }

    /// Reads until the notice of that text and these counts have come, in either order: the log
    /// and the counts are sent independently of each other.
    pub async fn until_notice_and_counts(
        &mut self,
        notice: &str,
        counts: &[(&str, u64)],
    ) -> Vec<Event> {
        let counts = default_rooms_json(counts);
        let mut events: Vec<Event> = Vec::new();
        let is_notice = |event: &Event| event.name == "system_message" && event["text"] == notice;
        let is_counts = |event: &Event| event.name == "room_update" && event.raw == counts;
        while !(events.iter().any(is_notice) && events.iter().any(is_counts)) {
            events.push(self.event().await);
        }
        events
    }
}

/// Connects with the token of an earlier session, or with `null`.
pub async fn with_token(server: &TestServer, transport: Transport, token: &Value) -> Client {
    let auth = json!({ "token": token }).to_string();
    Dial::new(server, transport).auth(&auth).connect().await
}

/// Connects with a token and is refused; returns the CONNECT_ERROR.
pub async fn refused(server: &TestServer, transport: Transport, token: &Value) -> Value {
    let mut client = Dial::new(server, transport).open().await;
    client.send_raw(&format!("40{}", json!({ "token": token })));
    match client.packet().await {
        Packet::ConnectError(text) => serde_json::from_str(&text).expect("JSON"),
        other => panic!("{transport}: {other:?}"),
    }
}

/// Connects with no token yet but able to resume, joins, and returns the token it was given.
pub async fn resumable(server: &TestServer, transport: Transport, name: &str) -> (Client, Value) {
    let mut client = with_token(server, transport, &Value::Null).await;
    let token = client.greeted().await["token"].clone();
    client.join("tech", name).await;
    (client, token)
}

/// Joins again where one's place was kept, so that no notice follows. Returns the answer.
pub async fn come_back(client: &mut Client, room: &str, name: &str) -> Value {
    let join = json!({ "room_name": room, "username": name });
    let ack = client.ask("join_room", &join).await;
    assert_accepted(&ack);
    ack
}
