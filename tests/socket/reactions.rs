//! Reactions: what the room receives of them, what history and search have, what a client gets that was
//! away, and that many of them cost each member little.

use std::collections::BTreeMap;

use hubbub_test_client::chat::with_token;
use hubbub_test_client::http::Line;
use hubbub_test_client::packet::Event;
use hubbub_test_client::shape::{assert_accepted, assert_refused};
use hubbub_test_client::{Client, TestServer, Transport};
use hyper::http::Method;
use serde_json::{Value, json};

use super::HUBBUB;

const TOKEN: &str = "the-token-of-the-admin-of-a-test-server";
const ADMIN: (&str, &str) = ("ADMIN_TOKEN", TOKEN);
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

/// Reacts, and returns the id that the answer names.
async fn react(client: &mut Client, id: u64, emoji: &str, on: bool) -> u64 {
    let payload = json!({ "id": id, "emoji": emoji, "on": on });
    let answer = ask(client, "react", payload).await;
    answer["id"].as_u64().unwrap()
}

/// Waits for the event with this id.
async fn event(client: &mut Client, id: u64) -> Event {
    loop {
        let event = client.wait_for("message_changed").await;
        if event["id"] == id {
            return event;
        }
    }
}

/// The message `id` in the history that the client reads.
async fn message(client: &mut Client, id: u64) -> Value {
    let history = ask(client, "get_history", json!({ "limit": 200 })).await;
    let mut messages = history["messages"].as_array().unwrap().iter();
    messages.find(|m| m["id"] == id).unwrap().clone()
}

#[tokio::test]
async fn reactions_reach_the_room_and_are_counted_with_their_message() {
    let server = HUBBUB.start_with(&[ADMIN, UNLIMITED]).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let mut ben = Client::joined(&server, "tech", "Ben").await;
    let id = send(&mut ada, "good news").await;
    ben.next_message().await;
    let first = react(&mut ben, id, "👍", true).await;
    for client in [&mut ada, &mut ben] {
        let event = event(client, first).await;
        assert_eq!(
            (&event["kind"], &event["of"]),
            (&json!("reacted"), &json!(id))
        );
        assert_eq!(
            (&event["emoji"], &event["count"]),
            (&json!("👍"), &json!(1))
        );
        assert_eq!(
            (&event["username"], &event["room"]),
            (&json!("Ben"), &json!("tech"))
        );
        assert!(event["user_id"].is_string() && event["timestamp"].is_string());
    }
    // The same again, and written otherwise, is the same reaction.
    assert_eq!(react(&mut ben, id, "👍\u{fe0f}", true).await, first);
    let second = react(&mut ada, id, "👍", true).await;
    assert_eq!(event(&mut ben, second).await["count"], 2);
    let third = react(&mut ada, id, "❤", true).await;
    assert_eq!(event(&mut ben, third).await["emoji"], "❤️");
    let expected = |mine: [bool; 2]| {
        json!([
            { "emoji": "❤️", "count": 1, "mine": mine[0] },
            { "emoji": "👍", "count": 2, "mine": mine[1] },
        ])
    };
    assert_eq!(
        message(&mut ada, id).await["reactions"],
        expected([true, true])
    );
    assert_eq!(
        message(&mut ben, id).await["reactions"],
        expected([false, true])
    );
    let found = ask(&mut ben, "search", json!({ "text": "good", "limit": 1 })).await;
    assert_eq!(found["messages"][0]["reactions"], expected([false, true]));
    let mut carl = Client::connect(&server, Transport::WebSocket).await;
    carl.greeted().await;
    let join = json!({ "room_name": "tech", "username": "Carl", "history": 10 });
    let joined = ask(&mut carl, "join_room", join).await;
    assert_eq!(joined["history"][0]["reactions"], expected([false, false]));
    let shown = over_http(&server).await;
    assert_eq!(
        shown[0]["reactions"][1],
        json!({ "emoji": "👍", "count": 2 })
    );

    // Taken back, with the message edited in between; the last one takes the emoji with it.
    ask(
        &mut ada,
        "edit_message",
        json!({ "id": id, "text": "better news" }),
    )
    .await;
    let fourth = react(&mut ben, id, "👍", false).await;
    let taken = event(&mut ada, fourth).await;
    assert_eq!(
        (&taken["kind"], &taken["count"]),
        (&json!("unreacted"), &json!(1))
    );
    assert_eq!(react(&mut ben, id, "👍", false).await, fourth);
    let fifth = react(&mut ada, id, "❤️", false).await;
    assert_eq!(event(&mut ada, fifth).await["count"], 0);
    let edited = message(&mut ben, id).await;
    assert_eq!(edited["text"], "better news");
    assert_eq!(
        edited["reactions"],
        json!([{ "emoji": "👍", "count": 1, "mine": false }])
    );

    // A deleted message has none, and takes none.
    let deleted = ask(&mut ada, "delete_message", json!({ "id": id })).await;
    event(&mut ben, deleted["id"].as_u64().unwrap()).await;
    assert!(message(&mut ben, id).await.get("reactions").is_none());
    for id in [id, 0, 1, id + 1000, u64::MAX] {
        let payload = json!({ "id": id, "emoji": "👍", "on": true });
        assert_refused(&ben.ask("react", &payload).await, "not_found");
    }
    let id = send(&mut ada, "other news").await;
    for emoji in [json!("a"), json!("👍👍"), json!(""), json!(1)] {
        let payload = json!({ "id": id, "emoji": emoji, "on": true });
        assert_refused(&ben.ask("react", &payload).await, "invalid_payload");
    }
    let payload = json!({ "id": id, "emoji": "👍" });
    assert_refused(&ben.ask("react", &payload).await, "invalid_payload");
}

async fn over_http(server: &TestServer) -> Value {
    let mut line = Line::new(server.address());
    let headers = [("authorization".to_owned(), format!("Bearer {TOKEN}"))];
    let path = "/api/v1/rooms/tech/messages";
    let answer = line.request(Method::GET, path, &headers, String::new());
    let page: Value = serde_json::from_str(&answer.await.unwrap().body).unwrap();
    page["messages"].clone()
}

#[tokio::test]
async fn who_may_not_write_may_not_react() {
    let server = HUBBUB.start_with(&[ADMIN, UNLIMITED]).await;
    let mut admin = with_token(&server, Transport::WebSocket, &json!(TOKEN)).await;
    admin.greeted().await;
    admin.join("tech", "Root").await;
    let mut ben = Client::joined(&server, "tech", "Ben").await;
    let id = send(&mut ben, "mine").await;
    let users = ask(&mut admin, "list_users", json!({})).await;
    let ben_id = users["users"][1]["user_id"].clone();
    let payload = json!({ "id": id, "emoji": "👍", "on": true });
    ask(
        &mut admin,
        "moderate",
        json!({ "action": "lock", "locked": true }),
    )
    .await;
    assert_refused(&ben.ask("react", &payload).await, "locked");
    ask(&mut admin, "react", payload.clone()).await;
    ask(
        &mut admin,
        "moderate",
        json!({ "action": "lock", "locked": false }),
    )
    .await;
    let mute = json!({ "action": "mute", "user_id": ben_id, "for_s": 60 });
    ask(&mut admin, "moderate", mute).await;
    assert_refused(&ben.ask("react", &payload).await, "muted");
}

/// The newest count of each message and emoji that events have.
fn counts_of(events: &[Event]) -> BTreeMap<(u64, String), u64> {
    let mut counts = BTreeMap::new();
    for event in events
        .iter()
        .filter(|event| event.payload.get("emoji").is_some())
    {
        let emoji = event["emoji"].as_str().unwrap().to_owned();
        counts.insert(
            (event["of"].as_u64().unwrap(), emoji),
            event["count"].as_u64().unwrap(),
        );
    }
    counts
}

#[tokio::test]
async fn who_was_away_gets_the_newest_count_of_each_emoji() {
    let server = HUBBUB.start_with(&[UNLIMITED]).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let mut carl = Client::joined(&server, "tech", "Carl").await;
    let mut ben = with_token(&server, Transport::WebSocket, &Value::Null).await;
    let token = ben.greeted().await["token"].clone();
    let confirm = ben.join("tech", "Ben").await;
    let one = send(&mut ada, "one").await;
    let seen = react(&mut ada, one, "👍", true).await;
    let mut events = ben.events_until_message("one").await;
    events.push(event(&mut ben, seen).await);
    let after = json!({ "epoch": confirm["epoch"], "id": seen });
    ben.hang_up();
    let two = send(&mut ada, "two").await;
    react(&mut carl, one, "👍", true).await;
    react(&mut carl, one, "🎉", true).await;
    react(&mut ada, one, "🎉", true).await;
    react(&mut carl, two, "👀", true).await;
    react(&mut carl, two, "👀", false).await;
    react(&mut ada, one, "👍", false).await;
    send(&mut ada, "three").await;

    let mut ben = with_token(&server, Transport::WebSocket, &token).await;
    ben.greeted().await;
    let join = json!({ "room_name": "tech", "username": "Ben", "after": after });
    ben.emit("join_room", &join);
    assert_eq!(ben.wait_for("join_confirm").await["recovered"], true);
    let missed = ben.events_until_message("three").await;
    let ids: Vec<_> = missed
        .iter()
        .filter_map(|event| event.payload.get("id")?.as_u64())
        .collect();
    assert!(ids.is_sorted(), "{ids:?}");
    let changes = missed
        .iter()
        .filter(|event| event.name == "message_changed");
    assert_eq!(changes.count(), 3, "one of each emoji: {missed:?}");
    events.extend(missed);
    let expected = [((one, "🎉"), 2), ((one, "👍"), 1), ((two, "👀"), 0)];
    let expected = expected.map(|((id, emoji), count)| ((id, emoji.to_owned()), count));
    assert_eq!(counts_of(&events), BTreeMap::from(expected));
}

#[tokio::test]
async fn many_reactions_are_few_events_and_push_no_message_out() {
    const USERS: usize = 40;
    let settings = [
        UNLIMITED,
        ("HISTORY_MESSAGES", "3"),
        ("SLOW_TIMEOUT", "0"),
        ("COUNTS_INTERVAL", "500ms"),
    ];
    let server = HUBBUB.start_with(&settings).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(send(&mut ada, &n.to_string()).await);
    }
    let mut users = Vec::new();
    for _ in 0..USERS {
        users.push(Client::joined(&server, "tech", "User").await);
    }
    let payload = json!({ "id": ids[0], "emoji": "🎉", "on": true });
    let begun = std::time::Instant::now();
    let answers: Vec<_> = users
        .iter_mut()
        .map(|user| user.ask("react", &payload))
        .collect();
    for answer in futures_util::future::join_all(answers).await {
        assert_accepted(&answer);
    }
    let intervals = begun.elapsed().as_millis() / 500;
    let mut events = 0;
    loop {
        let event = ada.wait_for("message_changed").await;
        events += 1;
        if event["count"] == USERS {
            break;
        }
    }
    assert!(
        events <= intervals + 2,
        "{events} events in {intervals} intervals"
    );
    // Different emoji, as many as may be.
    let emoji = "😀😁😂😃😄😅😆😇😈😉😊😋😌😍😎😏😐😑😒";
    for emoji in emoji.chars() {
        react(&mut ada, ids[0], &emoji.to_string(), true).await;
    }
    let payload = json!({ "id": ids[0], "emoji": "😓", "on": true });
    assert_refused(&ada.ask("react", &payload).await, "forbidden");
    react(&mut ada, ids[0], "😒", false).await;
    react(&mut ada, ids[0], "😓", true).await;
    let history = ask(&mut ada, "get_history", json!({ "limit": 200 })).await;
    assert_eq!(history["messages"].as_array().unwrap().len(), 3);
    let reactions = history["messages"][0]["reactions"].as_array().unwrap();
    assert_eq!(reactions.len(), 20);
    assert!(reactions.contains(&json!({ "emoji": "🎉", "count": USERS, "mine": false })));
}
