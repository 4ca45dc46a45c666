//! What clients are promised, over the faulty store.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use hubbub::config::Config;
use hubbub::server::Server;
use hubbub_test_client::packet::event_frame;
use hubbub_test_client::shape::count;
use hubbub_test_client::{Client, Dial, Event, Transport};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::faulty_store::FaultyStore;

const CLIENTS: usize = 6;
const MESSAGES: usize = 40;
/// Above the numbers that clients give their acknowledgements.
const ACKS_FROM: usize = 1000;

/// A server in this process over the faulty store; it ends when the token is dropped.
async fn start() -> (SocketAddr, DropGuard) {
    let config = Config {
        // Every request counts here, and none is to be refused for being one too many.
        message_rate: 0,
        ..Config::default()
    };
    let server = Server::with_store(&config, FaultyStore::new()).unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    tokio::spawn(server.serve(listener, stop.clone()));
    (address, stop.drop_guard())
}

async fn connect(address: SocketAddr, auth: &str) -> Client {
    let dial = Dial::at(address, Transport::WebSocket).auth(auth);
    dial.connect().await
}

/// Asks until the store does it.
async fn insist(client: &mut Client, event: &str, payload: &Value) -> Value {
    loop {
        let answer = client.ask(event, payload).await;
        if answer["ok"] == true {
            return answer;
        }
        assert_eq!(answer["error"]["code"], "unavailable", "{answer}");
    }
}

async fn joined(address: SocketAddr, room: &str, name: &str) -> Client {
    let mut client = connect(address, r#"{"token":null}"#).await;
    insist(
        &mut client,
        "join_room",
        &json!({ "room_name": room, "username": name }),
    )
    .await;
    client.wait_for("join_confirm").await;
    client
}

#[tokio::test]
async fn what_was_acknowledged_comes_to_everybody_once_and_in_order_and_nothing_else_does() {
    let (address, _stop) = start().await;
    let mut clients = Vec::new();
    for n in 0..CLIENTS {
        clients.push(joined(address, "tech", &format!("Client {n}")).await);
    }
    // Everybody sends at the same time, without waiting for an answer.
    let mut asked = vec![Vec::new(); CLIENTS];
    for m in 0..MESSAGES {
        for (n, client) in clients.iter_mut().enumerate() {
            let text = format!("{n}/{m}");
            let ack = (ACKS_FROM + m) as u64;
            let payload = json!({ "text": text }).to_string();
            client.send_raw(&event_frame("send_message", Some(&payload), Some(ack)));
            asked[n].push((ack, text));
        }
    }
    let mut accepted = BTreeMap::new();
    let mut refused = 0;
    for (client, asked) in clients.iter_mut().zip(asked) {
        let mut last = 0;
        for (ack, text) in asked {
            let answer = client.answer(ack).await;
            if answer["ok"] == true {
                let id = answer["id"].as_u64().unwrap();
                assert!(id > last, "a sender's messages keep their order");
                last = id;
                accepted.insert(id, text);
            } else {
                assert_eq!(answer["error"]["code"], "unavailable", "{answer}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "the store has refused nothing");
    let newest = *accepted.keys().next_back().unwrap();
    for client in &mut clients {
        let events = client
            .events_until(|e| e.name == "receive_message" && e["id"] == newest)
            .await;
        let messages = events.iter().filter(|e| e.name == "receive_message");
        let received: Vec<_> = messages
            .map(|e| (e["id"].as_u64().unwrap(), e["text"].as_str().unwrap()))
            .collect();
        let wanted: Vec<_> = accepted.iter().map(|(id, text)| (*id, &**text)).collect();
        assert_eq!(received, wanted);
    }
}

#[tokio::test]
async fn a_client_that_resumes_has_everything_and_retries_are_done_once() {
    let (address, _stop) = start().await;
    let mut speaker = joined(address, "tech", "Speaker").await;
    let mut away = connect(address, r#"{"token":null}"#).await;
    let session = away.wait_for("session").await;
    let auth = json!({ "token": session["token"] }).to_string();
    let joined = insist(&mut away, "join_room", &json!({ "room_name": "tech" })).await;
    drop(away);
    let mut ids = Vec::new();
    for n in 0..MESSAGES {
        let message = json!({ "text": format!("number {n}"), "client_id": format!("k{n}") });
        ids.push(insist(&mut speaker, "send_message", &message).await["id"].clone());
        if n % 5 == 0 {
            let again = insist(&mut speaker, "send_message", &message).await;
            assert_eq!(
                (&again["id"], &again["duplicate"]),
                (ids.last().unwrap(), &json!(true))
            );
        }
    }
    let mut back = connect(address, &auth).await;
    let after = json!({ "epoch": joined["epoch"], "id": joined["last_id"] });
    let join = json!({ "room_name": "tech", "after": after });
    let resumed = insist(&mut back, "join_room", &join).await;
    assert_eq!(resumed["recovered"], true, "{resumed}");
    let newest = ids.last().unwrap().clone();
    let events = back
        .events_until(|e| e.name == "receive_message" && e["id"] == newest)
        .await;
    let messages = events.iter().filter(|e| e.name == "receive_message");
    let received: Vec<_> = messages.map(|e| e["id"].clone()).collect();
    assert_eq!(received, ids);
}

/// Somebody who sends and goes to another room still receives their own message first, and is in one
/// room at a time, whatever the store refuses meanwhile.
#[tokio::test]
async fn going_from_room_to_room_loses_nothing_and_leaves_nobody_behind() {
    let (address, _stop) = start().await;
    let mut walker = joined(address, "tech", "Walker").await;
    for n in 0..20 {
        let (here, there) = [("tech", "music"), ("music", "tech")][n % 2];
        let text = format!("{n} from {here}");
        let sent = insist(&mut walker, "send_message", &json!({ "text": text })).await;
        let name = format!("Walker {}", n % 3);
        let join = json!({ "room_name": there, "username": name });
        let moved = insist(&mut walker, "join_room", &join).await;
        assert_eq!(moved["room"], there);
        let confirmed = walker.events_until(|e| e.name == "join_confirm").await;
        let own: Vec<_> = confirmed
            .iter()
            .filter(|e| e.name == "receive_message")
            .map(|e| (e["id"].clone(), e["room"].clone()))
            .collect();
        assert_eq!(own, [(sent["id"].clone(), json!(here))]);
    }
    let mut watcher = joined(address, "tech", "Watcher").await;
    insist(&mut walker, "leave_room", &json!({})).await;
    let is_alone = |e: &Event| count(e, "tech") == 1 && count(e, "music") == 0;
    watcher
        .events_until(|e| e.name == "room_update" && is_alone(e))
        .await;
}
