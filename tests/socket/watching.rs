//! Looking into rooms: what a watcher receives, that no user sees them, and what they may watch.

use hubbub_test_client::chat::with_token;
use hubbub_test_client::packet::Event;
use hubbub_test_client::shape::{assert_accepted, assert_refused};
use hubbub_test_client::{Client, TestServer, Transport};
use serde_json::{Value, json};

use super::HUBBUB;

const UNLIMITED: (&str, &str) = ("MESSAGE_RATE", "0");

async fn ask(client: &mut Client, event: &str, payload: Value) -> Value {
    let answer = client.ask(event, &payload).await;
    assert_accepted(&answer);
    answer
}

async fn send(client: &mut Client, text: &str) -> u64 {
    let answer = ask(client, "send_message", json!({ "text": text })).await;
    client.events_until_message(text).await;
    answer["id"].as_u64().unwrap()
}

async fn watcher(server: &TestServer, transport: Transport) -> Client {
    let mut client = Client::connect(server, transport).await;
    client.greeted().await;
    client
}

fn texts(events: &[Event]) -> Vec<String> {
    let messages = events
        .iter()
        .filter(|event| event.name == "receive_message");
    messages
        .map(|event| event["text"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_watcher_receives_several_rooms_and_is_seen_by_nobody() {
    let server = HUBBUB.start_with(&[UNLIMITED]).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let mut ben = Client::joined(&server, "gaming", "Ben").await;
    let first = send(&mut ada, "before").await;
    for transport in [Transport::WebSocket, Transport::Polling] {
        let mut eve = watcher(&server, transport).await;
        let watch = json!({ "room_name": "tech", "history": 1 });
        let answer = ask(&mut eve, "watch_room", watch.clone()).await;
        assert!(
            answer["epoch"].is_string() && answer["room"] == "tech",
            "{answer}"
        );
        assert_eq!(answer["history"].as_array().unwrap().len(), 1);
        let last_id = answer["last_id"].as_u64().unwrap();
        assert!(last_id >= first);
        ask(&mut eve, "watch_room", json!({ "room_name": "gaming" })).await;
        // Her own room is a third one.
        eve.join("general", "Eve").await;
        let id = send(&mut ada, "in tech").await;
        assert!(id > last_id);
        let message = eve.events_until_message("in tech").await.pop().unwrap();
        assert_eq!(
            (&message["room"], &message["id"]),
            (&json!("tech"), &json!(id))
        );
        ask(
            &mut ada,
            "edit_message",
            json!({ "id": id, "text": "edited" }),
        )
        .await;
        let changed = eve.wait_for("message_changed").await;
        assert_eq!(
            (&changed["of"], &changed["room"]),
            (&json!(id), &json!("tech"))
        );
        send(&mut ben, "in gaming").await;
        let message = eve.events_until_message("in gaming").await.pop().unwrap();
        assert_eq!(message["room"], "gaming");
        let carl = Client::joined(&server, "tech", "Carl").await;
        let notice = eve.wait_for("system_message").await;
        assert_eq!(
            (&notice["kind"], &notice["room"]),
            (&json!("joined"), &json!("tech"))
        );
        drop(carl);
        assert_eq!(eve.wait_for("system_message").await["kind"], "left");
        let users = ask(&mut ada, "list_users", json!({})).await;
        assert_eq!(users["total"], 1, "{users}");
        // What she writes goes to her own room.
        eve.say("in general");
        assert_eq!(eve.next_message().await["room"], "general");

        ask(&mut eve, "unwatch_room", json!({ "room_name": "tech" })).await;
        send(&mut ada, "unseen").await;
        send(&mut ben, "seen").await;
        assert_eq!(texts(&eve.events_until_message("seen").await), ["seen"]);
        // Not watched any more is no error.
        ask(&mut eve, "unwatch_room", json!({ "room_name": "tech" })).await;
    }
}

#[tokio::test]
async fn a_watcher_who_joins_the_room_misses_nothing_and_gets_nothing_twice() {
    const MESSAGES: usize = 300;
    let server = HUBBUB.start_with(&[UNLIMITED, ("MAILBOX", "8192")]).await;
    let ada = Client::joined(&server, "tech", "Ada").await;
    let mut eve = watcher(&server, Transport::WebSocket).await;
    ask(&mut eve, "watch_room", json!({ "room_name": "tech" })).await;
    for n in 0..MESSAGES {
        ada.say(&n.to_string());
        if n == MESSAGES / 2 {
            eve.emit(
                "join_room",
                &json!({ "room_name": "tech", "username": "Eve" }),
            );
        }
    }
    let last = (MESSAGES - 1).to_string();
    let seen = eve.events_until_message(&last).await;
    let expected: Vec<_> = (0..MESSAGES).map(|n| n.to_string()).collect();
    assert_eq!(texts(&seen), expected);
    let again = eve.ask("watch_room", &json!({ "room_name": "tech" })).await;
    assert_refused(&again, "forbidden");
}

#[tokio::test]
async fn rooms_that_are_not_there_not_allowed_or_too_many_are_refused() {
    let names: Vec<_> = (0..18).map(|n| format!("room-{n}")).collect();
    let rooms = names.join(",");
    let settings = [
        ("ROOMS", &*rooms),
        ("ADMIN_TOKEN", "the-token-of-the-admin-of-a-test-server"),
    ];
    let server = HUBBUB.start_with(&settings).await;
    let mut eve = watcher(&server, Transport::WebSocket).await;
    for name in &names[..16] {
        ask(&mut eve, "watch_room", json!({ "room_name": name })).await;
    }
    let watch = |name: &str| json!({ "room_name": name });
    assert_refused(&eve.ask("watch_room", &watch("room-16")).await, "forbidden");
    ask(&mut eve, "watch_room", watch("room-3")).await;
    ask(&mut eve, "unwatch_room", watch("room-3")).await;
    ask(&mut eve, "watch_room", watch("room-16")).await;
    assert_refused(
        &eve.ask("watch_room", &watch("nowhere")).await,
        "unknown_room",
    );
    assert_refused(
        &eve.ask("unwatch_room", &watch("nowhere")).await,
        "unknown_room",
    );
    assert_refused(&eve.ask("watch_room", &json!({})).await, "invalid_payload");
    // How a room is run comes after the answer, and on change.
    let mut root = with_token(
        &server,
        Transport::WebSocket,
        &json!("the-token-of-the-admin-of-a-test-server"),
    )
    .await;
    root.greeted().await;
    root.join("room-0", "Root").await;
    let topic = json!({ "action": "topic", "text": "tea" });
    ask(&mut root, "moderate", topic).await;
    let changed = eve.wait_for("room_changed").await;
    assert_eq!(
        (&changed["room"], &changed["topic"]),
        (&json!("room-0"), &json!("tea"))
    );
    let mut fay = watcher(&server, Transport::WebSocket).await;
    ask(&mut fay, "watch_room", watch("room-0")).await;
    assert_eq!(fay.wait_for("room_changed").await["topic"], "tea");
}
