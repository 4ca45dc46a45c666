//! The delivery promise over many sleeps: a server on disk that exits when it is idle, and is started
//! again by whoever comes.

use std::net::SocketAddr;
use std::time::Duration;

use hubbub_test_client::room_store::folder_in_memory;
use hubbub_test_client::{Client, Dial, Transport};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::manager::ServiceManager;

/// How often the server exits.
const NAPS: u32 = 50;
/// The pauses between visits are up to twice the idle time, so that people come before, while and
/// after the server exits.
const IDLE_MS: u64 = 60;

/// Every acknowledged message, in the order of the acknowledgements.
#[derive(Debug, Default)]
struct Sent(Vec<(u64, String)>);

/// A user who comes and goes, with what their client remembers.
struct Visitor {
    name: &'static str,
    token: Value,
    position: Value,
    /// How many of the messages in [`Sent`] this user has received.
    received: usize,
}

impl Visitor {
    const fn new(name: &'static str) -> Self {
        Self {
            name,
            token: Value::Null,
            position: Value::Null,
            received: 0,
        }
    }

    /// Connects and joins: everything that was missed follows.
    async fn come(&mut self, address: SocketAddr, transport: Transport, sent: &Sent) -> Client {
        let auth = json!({ "token": self.token }).to_string();
        let mut client = Dial::at(address, transport).auth(&auth).connect().await;
        let session = client.greeted().await;
        assert!(session.payload["code"].is_null(), "{session:?}");
        self.token = session["token"].clone();
        let mut join = json!({ "room_name": "tech", "username": self.name });
        if !self.position.is_null() {
            join["after"] = self.position.clone();
        }
        let joined = client.ask("join_room", &join).await;
        assert_eq!(joined["ok"], true, "{joined}");
        if self.position.is_null() {
            self.received = sent.0.len();
            self.position = json!({ "epoch": joined["epoch"], "id": joined["last_id"] });
        } else {
            assert_eq!(joined["recovered"], true, "{joined}");
            assert_eq!(joined["epoch"], self.position["epoch"], "{joined}");
        }
        client
    }

    /// Receives every message that was sent and that this user does not have, once and in order.
    async fn catch_up(&mut self, client: &mut Client, sent: &Sent) {
        for (id, text) in &sent.0[self.received..] {
            let message = client.next_message().await;
            assert_eq!(message["id"], *id, "{}: {message:?}", self.name);
            assert_eq!(message["text"], **text, "{}: {message:?}", self.name);
            self.position["id"] = json!(id);
        }
        self.received = sent.0.len();
    }

    async fn say(&self, client: &mut Client, sent: &mut Sent) {
        let text = format!("{} #{}", self.name, sent.0.len());
        let answer = client.ask("send_message", &json!({ "text": text })).await;
        let id = answer["id"].as_u64().unwrap_or_else(|| panic!("{answer}"));
        let newest = sent.0.last().map_or(0, |(newest, _)| *newest);
        assert!(id > newest, "{id} after {newest}");
        sent.0.push((id, text));
    }
}

/// A small generator of numbers, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % end
    }
}

#[tokio::test]
async fn fifty_sleeps_break_no_promise() {
    let folder = folder_in_memory();
    let idle = format!("{IDLE_MS}ms");
    let mut manager = ServiceManager::start(&[
        ("EXIT_WHEN_IDLE", &idle),
        ("DATA_DIR", folder.path().to_str().unwrap()),
        ("MESSAGE_RATE", "0"),
    ]);
    let address = manager.address();
    let mut random = Random(u64::from(std::process::id()));
    eprintln!("seed {}", random.0);
    let mut sent = Sent::default();
    let mut visitors = ["Ada", "Bob", "Eve"].map(Visitor::new);
    let mut visits = 0;
    while manager.naps() < NAPS {
        visits += 1;
        let first = usize::try_from(random.below(3)).unwrap();
        let mut present = Vec::new();
        for turn in 0..=random.below(2) {
            let at = (first + usize::try_from(turn).unwrap()) % visitors.len();
            let transport = Transport::ALL[usize::try_from(random.below(3)).unwrap()];
            let mut client = visitors[at].come(address, transport, &sent).await;
            for _ in 0..random.below(3) {
                visitors[at].say(&mut client, &mut sent).await;
            }
            present.push((at, transport, client));
        }
        for (at, _, client) in &mut present {
            visitors[*at].catch_up(client, &sent).await;
        }
        for (_, transport, mut client) in present {
            // The loss of a client that polls would be noticed by its heartbeat only.
            if transport == Transport::Polling || random.below(2) == 0 {
                client.hang_up();
                client.until_closed().await;
            }
        }
        sleep(Duration::from_millis(random.below(2 * IDLE_MS))).await;
        // A tenth of the sleeps is long enough for certain.
        if visits % 10 == 0 {
            manager.until_asleep().await;
        }
    }
    let mut reader = Visitor::new("Reader");
    let mut client = reader.come(address, Transport::WebSocket, &sent).await;
    let kept = history(&mut client).await;
    assert_eq!(kept, sent.0, "after {visits} visits");
    assert_eq!(reader.position["epoch"], visitors[0].position["epoch"]);
}

/// All messages of the room, oldest first, read in pages.
async fn history(client: &mut Client) -> Vec<(u64, String)> {
    let mut messages = Vec::new();
    let mut page = json!({ "limit": 100 });
    loop {
        let answer = client.ask("get_history", &page).await;
        let older = answer["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| {
                let text = message["text"].as_str().unwrap().to_owned();
                (message["id"].as_u64().unwrap(), text)
            });
        messages.splice(0..0, older);
        if answer["more"] == false {
            return messages;
        }
        page["before"] = json!(messages[0].0);
    }
}
