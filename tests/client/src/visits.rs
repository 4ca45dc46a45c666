//! Visitors of a room with a history, and what they must not do to it. The same on every store.

use serde_json::{Value, json};

use super::chat::with_token;
use super::client::Client;
use super::dial::Transport;
use super::packet::Event;
use super::server::TestServer;
use super::shape::assert_accepted;

/// Messages that a room has before the visitors come.
const MESSAGES: u64 = 40;
/// Visits without a word: twice as many notices, which is more than are kept.
const VISITS: usize = 1_000;

/// A room with messages, and the position of a reader who left before they were sent.
pub struct Room {
    speaker: Client,
    /// What the one who left would resume with.
    after: Value,
    texts: Vec<String>,
}

impl Room {
    /// Says so much in `tech`.
    pub async fn with_messages(server: &TestServer) -> Self {
        let mut speaker = Client::joined(server, "tech", "Speaker").await;
        let mut reader = with_token(server, Transport::WebSocket, &Value::Null).await;
        let confirm = reader.join("tech", "Reader").await;
        let id = confirm["last_id"].as_u64().unwrap() + 1;
        reader.send_raw("41");
        let mut texts = Vec::new();
        for n in 0..MESSAGES {
            let text = format!("message {n}");
            let answer = speaker.ask("send_message", &json!({ "text": text })).await;
            assert_accepted(&answer);
            texts.push(text);
        }
        Self {
            speaker,
            after: json!({ "epoch": confirm["epoch"], "id": id }),
            texts,
        }
    }

    /// Everything is still there: as history, and for a user who resumes, in order and without a gap.
    pub async fn is_whole(&mut self, server: &TestServer) {
        let history = json!({ "limit": 200 });
        let answer = self.speaker.ask("get_history", &history).await;
        let messages = answer["messages"].as_array().unwrap();
        let told: Vec<_> = messages.iter().map(|message| &message["text"]).collect();
        assert_eq!(told, self.texts.iter().collect::<Vec<_>>());

        let mut reader = Client::connect(server, Transport::WebSocket).await;
        let join = json!({ "room_name": "tech", "username": "Reader", "after": self.after });
        reader.emit("join_room", &join);
        let confirm = reader.wait_for("join_confirm").await;
        assert_eq!(confirm["recovered"], true, "{confirm:?}");
        let is_own = |e: &Event| e.name == "system_message" && e["user_id"] == confirm["user_id"];
        let told = reader.events_until(is_own).await;
        assert!(told.iter().all(|e| e.name != "gap"), "{told:?}");
        let messages = told.iter().filter(|e| e.name == "receive_message");
        let texts: Vec<_> = messages.map(|message| &message["text"]).collect();
        assert_eq!(texts, self.texts.iter().collect::<Vec<_>>());
        reader.send_raw("41");
    }
}

/// Visitors come and go without a word.
pub async fn visit(server: &TestServer) {
    let mut visitor = Client::connect(server, Transport::WebSocket).await;
    let join = json!({ "room_name": "tech", "username": "Visitor" });
    for _ in 0..VISITS {
        assert_accepted(&visitor.ask("join_room", &join).await);
        assert_accepted(&visitor.ask("leave_room", &json!({})).await);
    }
}

/// Somebody changes a long name again and again.
pub async fn rename(server: &TestServer, times: usize) {
    let mut member = Client::connect(server, Transport::WebSocket).await;
    for n in 0..times {
        let name = ["🦀", "🐢"][n % 2].repeat(32);
        let join = json!({ "room_name": "tech", "username": name });
        assert_accepted(&member.ask("join_room", &join).await);
    }
}
