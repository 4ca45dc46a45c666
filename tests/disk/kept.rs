//! A folder in which one server after the other keeps its rooms.

use hubbub_test_client::room_store::folder_in_memory;
use hubbub_test_client::{Client, TestServer, Transport, chat};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::HUBBUB;

/// The folder.
pub struct Kept(TempDir);

impl Kept {
    pub fn new() -> Self {
        Self(folder_in_memory())
    }

    pub fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    /// A server that keeps its rooms there. Nothing limits how fast people are.
    pub async fn server(&self, settings: &[(&str, &str)]) -> TestServer {
        let mut all = vec![("DATA_DIR", self.path()), ("MESSAGE_RATE", "0")];
        all.extend(settings);
        HUBBUB.start_with(&all).await
    }
}

/// How a server ends.
#[derive(Debug, Clone, Copy)]
pub enum End {
    Orderly,
    Killed,
}

impl End {
    pub const ALL: [Self; 2] = [Self::Orderly, Self::Killed];

    /// Ends a server and waits until it has ended.
    pub async fn of(self, mut server: TestServer) {
        match self {
            Self::Orderly => {
                server.signal("TERM").await;
                assert_eq!(server.exit().await.code(), Some(0), "{}", server.log());
            }
            Self::Killed => {
                server.signal("KILL").await;
                server.exit().await;
            }
        }
    }
}

/// A person who comes back, with what their client remembers.
pub struct Person {
    pub client: Client,
    pub name: &'static str,
    token: Value,
    pub position: Value,
}

impl Person {
    /// A user who joins for the first time.
    pub async fn joining(server: &TestServer, name: &'static str) -> Self {
        Self::connect(server, name, Value::Null, Value::Null)
            .await
            .0
    }

    /// The same person on another server, with the answer to the join.
    pub async fn back_on(self, server: &TestServer) -> (Self, Value) {
        Self::connect(server, self.name, self.token, self.position).await
    }

    /// The same person connected to another server, in no room.
    pub async fn elsewhere(self, server: &TestServer) -> Client {
        let mut client = chat::with_token(server, Transport::WebSocket, &self.token).await;
        client.greeted().await;
        client
    }

    async fn connect(
        server: &TestServer,
        name: &'static str,
        token: Value,
        position: Value,
    ) -> (Self, Value) {
        let mut client = chat::with_token(server, Transport::WebSocket, &token).await;
        let session = client.greeted().await;
        let mut join = json!({ "room_name": "tech", "username": name });
        if !position.is_null() {
            join["after"] = position;
        }
        let joined = client.ask("join_room", &join).await;
        assert_eq!(joined["ok"], true, "{joined}");
        let position = json!({ "epoch": joined["epoch"], "id": joined["last_id"] });
        let person = Self {
            client,
            name,
            token: session["token"].clone(),
            position,
        };
        (person, joined)
    }

    /// Sends a message and returns its id.
    pub async fn say(&mut self, text: &str) -> u64 {
        let answer = self.send(&json!({ "text": text })).await;
        answer["id"].as_u64().unwrap_or_else(|| panic!("{answer}"))
    }

    /// Sends a message and returns the answer.
    pub async fn send(&mut self, message: &Value) -> Value {
        self.client.ask("send_message", message).await
    }

    /// Remembers that everything up to this id was received.
    pub fn has_received(&mut self, id: u64) {
        self.position["id"] = json!(id);
    }

    /// All messages of the room, oldest first, read in pages.
    pub async fn history(&mut self) -> Vec<Value> {
        let mut messages = Vec::new();
        let mut page = json!({ "limit": 100 });
        loop {
            let answer = self.client.ask("get_history", &page).await;
            let older = answer["messages"]
                .as_array()
                .unwrap_or_else(|| panic!("{answer}"));
            messages.splice(0..0, older.iter().cloned());
            if answer["more"] == false {
                return messages;
            }
            page["before"] = messages[0]["id"].clone();
        }
    }

    /// The next messages that arrive, this many.
    pub async fn next(&mut self, count: usize) -> Vec<Value> {
        let mut messages = Vec::new();
        for _ in 0..count {
            messages.push(self.client.next_message().await.payload);
        }
        messages
    }
}

/// The texts of messages.
pub fn texts(messages: &[Value]) -> Vec<&str> {
    messages
        .iter()
        .map(|message| message["text"].as_str().unwrap())
        .collect()
}

/// The ids of messages.
pub fn ids(messages: &[Value]) -> Vec<u64> {
    messages
        .iter()
        .map(|message| message["id"].as_u64().unwrap())
        .collect()
}
