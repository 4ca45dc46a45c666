//! What is kept of a room's history: the same cases for every store. What a store keeps is what a
//! process has that starts later; a store in memory has no such process.

use hubbub_test_client::{Client, TestServer};
use serde_json::{Value, json};

use crate::HUBBUB;
use crate::redis::{Keeps, Redis};

const SECRET_KEY: &str = "a key that is the same on all nodes";

/// Where the rooms of a case are kept.
enum Kind {
    Memory,
    Redis(Box<Redis>),
}

/// The stores that can be had here.
async fn stores() -> Vec<Kind> {
    let mut stores = vec![Kind::Memory];
    if cfg!(feature = "cluster") {
        let redis = Redis::start(Keeps::Nothing).await;
        stores.extend(redis.map(|redis| Kind::Redis(Box::new(redis))));
    }
    stores
}

impl Kind {
    /// A server with these settings and no limit on how fast anybody is.
    async fn server(&self, settings: &[(&str, &str)]) -> TestServer {
        let mut all = vec![("MESSAGE_RATE", "0"), ("SLOW_TIMEOUT", "0")];
        let url = match self {
            Self::Memory => None,
            Self::Redis(redis) => Some(redis.url()),
        };
        if let Some(url) = &url {
            all.extend([("REDIS_URL", &**url), ("SECRET_KEY", SECRET_KEY)]);
        }
        all.extend(settings);
        HUBBUB.start_with(&all).await
    }

    /// The server, and another one that has read the log from the store.
    async fn with_later(&self, server: TestServer, settings: &[(&str, &str)]) -> Vec<TestServer> {
        match self {
            Self::Memory => vec![server],
            Self::Redis(_) => vec![server, self.server(settings).await],
        }
    }
}

async fn send(client: &mut Client, text: &str) -> u64 {
    let answer = client.ask("send_message", &json!({ "text": text })).await;
    answer["id"].as_u64().unwrap_or_else(|| panic!("{answer}"))
}

/// The ids of all messages in history, oldest first.
async fn history(server: &TestServer) -> Vec<u64> {
    let mut reader = Client::joined(server, "tech", "Reader").await;
    let mut ids = Vec::new();
    let mut before = Value::Null;
    loop {
        let mut page = json!({ "limit": 200 });
        if !before.is_null() {
            page["before"] = before;
        }
        let answer = reader.ask("get_history", &page).await;
        let messages = answer["messages"].as_array().unwrap();
        let older: Vec<u64> = messages.iter().map(|m| m["id"].as_u64().unwrap()).collect();
        before = json!(older.first());
        assert!(!older.is_empty() || answer["more"] == false, "{answer}");
        ids.splice(0..0, older);
        if answer["more"] == false {
            return ids;
        }
    }
}

/// Whether a client that has received the log up to this id can resume.
async fn resumes_after(server: &TestServer, id: u64) -> bool {
    let mut client = Client::joined(server, "music", "Returner").await;
    let joined = client
        .ask("join_room", &json!({ "room_name": "tech" }))
        .await;
    client.ask("leave_room", &json!({})).await;
    let after = json!({ "epoch": joined["epoch"], "id": id });
    let join = json!({ "room_name": "tech", "after": after });
    client.ask("join_room", &join).await["recovered"] == true
}

/// Sends messages of one size, and checks that each server has the newest of them, this many.
async fn keeps_newest(
    settings: &[(&str, &str)],
    sizes: &[usize],
    kept: std::ops::RangeInclusive<usize>,
) {
    for store in stores().await {
        let server = store.server(settings).await;
        let mut ada = Client::joined(&server, "tech", "Ada").await;
        let mut sent = Vec::new();
        for size in sizes {
            sent.push(send(&mut ada, &"x".repeat(*size)).await);
        }
        if let Kind::Redis(redis) = &store {
            // The log there is trimmed in steps, and has some notices.
            let entries = redis.ask(&["XLEN", "hubbub:room:tech:log"]).await.number();
            assert!(entries <= *kept.end() as i64 + 40, "{entries} in Redis");
        }
        for server in store.with_later(server, settings).await {
            let ids = history(&server).await;
            assert!(kept.contains(&ids.len()), "{} of {kept:?}", ids.len());
            assert_eq!(ids, sent[sent.len() - ids.len()..]);
            let lost = sent.len() - ids.len();
            if lost > 0 {
                let oldest_lost = sent[lost - 1];
                assert!(resumes_after(&server, oldest_lost).await);
                assert!(!resumes_after(&server, oldest_lost - 1).await);
            }
        }
    }
}

#[tokio::test]
async fn so_many_messages_are_kept_and_whoever_has_the_last_that_is_gone_can_resume() {
    keeps_newest(&[("HISTORY_MESSAGES", "10")], &[1; 50], 10..=10).await;
}

#[tokio::test]
async fn so_many_bytes_of_messages_are_kept() {
    // A message of 500 characters has about 700 bytes on the wire.
    let settings = [("HISTORY_BYTES", "7000"), ("HISTORY_MESSAGES", "0")];
    keeps_newest(&settings, &[500; 50], 8..=11).await;
}

#[tokio::test]
async fn the_newest_message_stays_however_large_it_is() {
    let settings = [("HISTORY_BYTES", "500"), ("HISTORY_MESSAGES", "0")];
    keeps_newest(&settings, &[1, 1900, 1900], 1..=1).await;
}

#[tokio::test]
async fn with_a_bound_of_bytes_alone_any_number_of_messages_is_kept() {
    let settings = [("HISTORY_BYTES", "1000000"), ("HISTORY_MESSAGES", "0")];
    keeps_newest(&settings, &[1; 1200], 1200..=1200).await;
}

#[tokio::test]
async fn messages_younger_than_slow_timeout_are_kept_beyond_their_number() {
    let settings = [("HISTORY_MESSAGES", "10"), ("SLOW_TIMEOUT", "1h")];
    keeps_newest(&settings, &[1; 50], 50..=50).await;
}

#[tokio::test]
async fn comings_and_goings_push_no_message_out() {
    let settings = [("HISTORY_MESSAGES", "10"), ("NOTICE_LIMIT", "0")];
    for store in stores().await {
        let server = store.server(&settings).await;
        let mut ada = Client::joined(&server, "tech", "Ada").await;
        let mut sent = Vec::new();
        for n in 0..10 {
            sent.push(send(&mut ada, &format!("{n}")).await);
        }
        for n in 0..200 {
            let name = format!("Ada {n}");
            let rename = json!({ "room_name": "tech", "username": name });
            ada.ask("join_room", &rename).await;
        }
        for server in store.with_later(server, &settings).await {
            assert_eq!(history(&server).await, sent);
        }
    }
}
