//! What is kept of a room's history: the same cases for every store. What a store keeps is what a
//! process has that starts later; a store in memory has no such process. A store on disk keeps all
//! messages, or as many as RETENTION_BYTES says.

use std::ops::RangeInclusive;
use std::time::Duration;

use hubbub_test_client::packet::event_frame;
use hubbub_test_client::{Backing, Client, EVENT_TIMEOUT, RoomStore, TestServer};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::HUBBUB;

/// Where the rooms of a case are kept.
struct Kept {
    store: RoomStore,
    backing: Option<Backing>,
}

/// The stores that this build and this machine have.
async fn stores() -> Vec<Kept> {
    let mut stores = vec![Kept {
        store: RoomStore::Memory,
        backing: None,
    }];
    let built = [
        (RoomStore::Disk, cfg!(feature = "disk")),
        (RoomStore::Redis, cfg!(feature = "cluster")),
    ];
    for (store, _) in built.into_iter().filter(|(_, is_built)| *is_built) {
        if let Some(backing) = Backing::of(store).await {
            let backing = Some(backing);
            stores.push(Kept { store, backing });
        }
    }
    stores
}

impl Kept {
    /// A server with these settings and no limit on how fast anybody is.
    async fn server(&self, settings: &[(&str, &str)]) -> TestServer {
        let mut all = self
            .backing
            .as_ref()
            .map_or_else(Vec::new, Backing::settings);
        all.extend([("MESSAGE_RATE", "0"), ("SLOW_TIMEOUT", "0")]);
        HUBBUB.start_with(&[&all[..], settings].concat()).await
    }

    /// A server that starts later and has what it reads from the store, if another one can. A folder
    /// has one server at a time.
    async fn later(&self, mut server: TestServer, settings: &[(&str, &str)]) -> Option<TestServer> {
        if self.store == RoomStore::Memory {
            return None;
        }
        if self.store == RoomStore::Disk {
            server.signal("TERM").await;
            server.exit().await;
        }
        Some(self.server(settings).await)
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

/// Checks that a server has the newest of these messages, so many, and resumes from before them.
async fn check_newest(server: &TestServer, sent: &[u64], kept: &RangeInclusive<usize>) {
    let ids = history(server).await;
    assert!(kept.contains(&ids.len()), "{} of {kept:?}", ids.len());
    assert_eq!(ids, sent[sent.len() - ids.len()..]);
    let lost = sent.len() - ids.len();
    if lost > 0 {
        let oldest_lost = sent[lost - 1];
        assert!(resumes_after(server, oldest_lost).await);
        assert!(!resumes_after(server, oldest_lost - 1).await);
    } else {
        assert!(resumes_after(server, sent[0]).await);
    }
}

/// Sends messages of these sizes, and checks that each server has the newest of them, this many; or
/// all, if the store keeps all.
async fn keeps_newest(settings: &[(&str, &str)], sizes: &[usize], kept: RangeInclusive<usize>) {
    for kept_in in stores().await {
        let server = kept_in.server(settings).await;
        let mut ada = Client::joined(&server, "tech", "Ada").await;
        let mut sent = Vec::new();
        for size in sizes {
            sent.push(send(&mut ada, &"x".repeat(*size)).await);
        }
        if let Some(redis) = kept_in.backing.as_ref().and_then(Backing::redis) {
            // The log there is trimmed in steps, and has some notices.
            let entries = redis.ask(&["XLEN", "hubbub:room:tech:log"]).await.number();
            assert!(entries <= *kept.end() as i64 + 40, "{entries} in Redis");
        }
        let kept = if kept_in.store.keeps_all_messages() {
            sent.len()..=sent.len()
        } else {
            kept.clone()
        };
        check_newest(&server, &sent, &kept).await;
        if let Some(later) = kept_in.later(server, settings).await {
            check_newest(&later, &sent, &kept).await;
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
    for kept_in in stores().await {
        let server = kept_in.server(&settings).await;
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
        assert_eq!(history(&server).await, sent);
        if let Some(later) = kept_in.later(server, &settings).await {
            assert_eq!(history(&later).await, sent);
        }
    }
}

/// A store on disk, if this build has it.
async fn disk() -> Option<Kept> {
    let stores = stores().await;
    let mut on_disk = stores
        .into_iter()
        .filter(|kept_in| kept_in.store == RoomStore::Disk);
    on_disk.next()
}

/// Sends so many messages, each of which is its number. Returns their ids.
async fn send_numbers(client: &mut Client, count: u64) -> Vec<u64> {
    let payload = |n: u64| json!({ "text": n.to_string() }).to_string();
    let frame = |n: u64| event_frame("send_message", Some(&payload(n)), Some(1000 + n));
    client.send_all((0..count).map(frame).collect());
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(client.answer(1000 + n).await["id"].as_u64().unwrap());
    }
    ids
}

/// Resumes after an id, and returns the ids of all messages that follow.
async fn resumed_after(server: &TestServer, id: u64, last: u64) -> Vec<u64> {
    let mut client = Client::joined(server, "music", "Returner").await;
    let join = json!({ "room_name": "tech" });
    let epoch = client.ask("join_room", &join).await["epoch"].clone();
    client.ask("leave_room", &json!({})).await;
    client
        .events_until(|event| event.name == "join_confirm")
        .await;
    let join = json!({ "room_name": "tech", "after": { "epoch": epoch, "id": id } });
    client.emit("join_room", &join);
    let confirm = client.wait_for("join_confirm").await;
    assert_eq!(confirm["recovered"], true, "{confirm:?}");
    let events = client.events_until(|event| event["id"] == last).await;
    assert!(events.iter().all(|event| event.name != "gap"), "{events:?}");
    let messages = events
        .iter()
        .filter(|event| event.name == "receive_message");
    messages
        .map(|event| event["id"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn on_disk_history_goes_back_to_the_first_message_and_clients_resume_from_any() {
    const MESSAGES: u64 = 3000;
    let Some(disk) = disk().await else { return };
    let settings = [("HISTORY_MESSAGES", "10"), ("MAILBOX", "8192")];
    let mut server = disk.server(&settings).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let sent = send_numbers(&mut ada, MESSAGES).await;
    let last = sent[sent.len() - 1];
    for is_restarted in [false, true] {
        if is_restarted {
            server = disk.later(server, &settings).await.unwrap();
        }
        assert!(history(&server).await == sent, "restarted: {is_restarted}");
        for from in [0, 1, 2, 1000, 2980, 2989, 2990, 2991, 2998] {
            let received = resumed_after(&server, sent[from], last).await;
            assert!(received == sent[from + 1..], "after message {from}");
        }
    }
}

#[tokio::test]
async fn on_disk_so_many_bytes_of_texts_are_kept_from_the_next_start_on() {
    let Some(disk) = disk().await else { return };
    let settings = [("HISTORY_MESSAGES", "10")];
    let server = disk.server(&settings).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let mut sent = Vec::new();
    for _ in 0..50 {
        sent.push(send(&mut ada, &"x".repeat(500)).await);
    }
    let settings = [("HISTORY_MESSAGES", "10"), ("RETENTION_BYTES", "7000")];
    let server = disk.later(server, &settings).await.unwrap();
    let are_deleted = async {
        while history(&server).await.len() > 14 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(EVENT_TIMEOUT, are_deleted)
        .await
        .expect("RETENTION_BYTES is applied");
    check_newest(&server, &sent, &(14..=14)).await;
    let server = disk.later(server, &settings).await.unwrap();
    check_newest(&server, &sent, &(14..=14)).await;
}
