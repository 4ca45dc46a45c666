//! `send_message` and `receive_message`: who receives what, and in which shape.

use hubbub_test_client::shape::{assert_accepted, assert_refused, assert_timestamp, keys};
use hubbub_test_client::{Client, Event, Transport};
use serde_json::json;

use super::HUBBUB;

fn heard(events: &[Event]) -> Vec<&str> {
    let messages = events
        .iter()
        .filter(|event| event.name == "receive_message");
    messages
        .map(|event| event["text"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_room_hears_it_once_and_nobody_else_does() {
    for transport in Transport::ALL {
        let server = HUBBUB.start().await;
        let mut ada = Client::joined(&server, "tech", "Ada").await;
        let mut bob = Client::connect(&server, transport).await;
        bob.join("tech", "Bob").await;
        let mut eve = Client::connect(&server, transport).await;
        eve.join("music", "Eve").await;
        let mut roomless = Client::connect(&server, transport).await;

        assert_eq!(
            heard(&ada.events_until_echo("for tech").await),
            ["for tech"]
        );
        assert_eq!(heard(&ada.events_until_echo("a fence").await), ["a fence"]);
        assert_eq!(
            heard(&bob.events_until_message("a fence").await),
            ["for tech", "a fence"]
        );
        assert_eq!(
            heard(&eve.events_until_echo("for music").await),
            ["for music"]
        );
        roomless.emit("join_room", &json!({ "room_name": "tech" }));
        let before = roomless
            .events_until(|event| event.name == "join_confirm")
            .await;
        assert_eq!(heard(&before), [""; 0]);
    }
}

#[tokio::test]
async fn a_message_has_the_originals_keys_and_then_ours() {
    let server = HUBBUB.start().await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    ada.say("a message");
    let message = ada.next_message().await;
    assert_eq!(
        keys(&message.raw),
        ["sender", "text", "timestamp", "room", "id", "user_id"]
    );
    ada.emit(
        "send_message",
        &json!({ "text": "with a key", "client_id": "k-1" }),
    );
    let message = ada.next_message().await;
    let with_key = [
        "sender",
        "text",
        "timestamp",
        "room",
        "id",
        "user_id",
        "client_id",
    ];
    assert_eq!(keys(&message.raw), with_key);
    assert_eq!(message["client_id"], "k-1");
}

#[tokio::test]
async fn every_member_gets_the_same_bytes() {
    let server = HUBBUB.start().await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let mut bob = Client::connect(&server, Transport::Polling).await;
    bob.join("tech", "Bob").await;
    ada.say("the same for all");
    assert_eq!(ada.next_message().await.raw, bob.next_message().await.raw);
}

#[tokio::test]
async fn a_message_is_acknowledged_with_its_place_and_time() {
    for transport in Transport::ALL {
        let server = HUBBUB.start().await;
        let mut ada = Client::connect(&server, transport).await;
        ada.join("tech", "Ada").await;
        let ack = ada
            .ask("send_message", &json!({ "text": "a message" }))
            .await;
        assert_accepted(&ack);
        assert_timestamp(&ack["timestamp"]);
        let message = ada.next_message().await;
        assert_eq!(ack["id"], message["id"], "{transport}");
        assert_eq!(ack["timestamp"], message["timestamp"], "{transport}");
        assert!(ack.get("duplicate").is_none(), "{ack}");
    }
}

#[tokio::test]
async fn other_fields_are_ignored() {
    let server = HUBBUB.start().await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    ada.emit(
        "send_message",
        &json!({
            "text": "mine",
            "sender": "Mallory",
            "room": "music",
            "timestamp": 0,
            "id": 77,
            "__proto__": { "admin": true },
            "nested": [[{}]],
        }),
    );
    let message = ada.next_message().await;
    assert_eq!(message["sender"], "Ada");
    assert_eq!(message["room"], "tech");
    assert_timestamp(&message["timestamp"]);
    assert_eq!(
        keys(&message.raw),
        ["sender", "text", "timestamp", "room", "id", "user_id"]
    );
}

#[tokio::test]
async fn text_is_passed_on_as_it_is() {
    let server = HUBBUB.start().await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let texts = [
        "<img src=x onerror=alert(1)> & \"quotes\" 'n' </script>",
        "  blanks around  ",
        "line\nline\ttab",
        r"back\slash \u0041 \n",
        "{\"json\": [1]}",
    ];
    for text in texts {
        ada.say(text);
        assert_eq!(ada.next_message().await["text"], text);
    }
}

#[tokio::test]
async fn ids_count_up_without_holes_over_messages_and_notices() {
    let server = HUBBUB.start().await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    bob.events_until_echo("one").await;
    bob.join("tech", "Robert").await;
    drop(Client::joined(&server, "music", "somewhere else").await);
    bob.emit("leave_room", &json!({}));
    ada.wait_for_kind("left").await;
    Client::joined(&server, "tech", "Carol")
        .await
        .events_until_echo("two")
        .await;
    ada.wait_for_kind("left").await;

    let mut dave = Client::connect(&server, Transport::WebSocket).await;
    let confirm = dave.ask("join_room", &json!({ "room_name": "tech" })).await;
    // Ada and Bob came, one, Bob was renamed and left, Carol came, two, Carol left.
    assert_eq!(confirm["last_id"], 8, "{confirm}");
}

#[tokio::test]
async fn every_entry_a_member_sees_has_the_next_id() {
    let server = HUBBUB.start().await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    for number in 0..5 {
        let mut guest = Client::joined(&server, "tech", "Guest").await;
        guest.events_until_echo(&format!("message {number}")).await;
        assert_accepted(&guest.ask("leave_room", &json!({})).await);
    }
    let events = ada.events_until_echo("the last").await;
    let ids: Vec<u64> = events
        .iter()
        .filter_map(|event| event["id"].as_u64())
        .collect();
    let expected: Vec<u64> = (2..).take(5 * 3 + 1).collect();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn every_room_counts_for_itself() {
    let server = HUBBUB.start().await;
    for room in ["tech", "music"] {
        let mut client = Client::joined(&server, room, "Ada").await;
        assert_eq!(
            client.ask("send_message", &json!({ "text": "hi" })).await["id"],
            2,
            "{room}"
        );
    }
}

#[tokio::test]
async fn outside_a_room_nothing_can_be_said() {
    let server = HUBBUB.start().await;
    let mut ada = Client::connect(&server, Transport::WebSocket).await;
    let message = json!({ "text": "anybody?" });
    assert_refused(&ada.ask("send_message", &message).await, "not_in_room");
    ada.join("tech", "Ada").await;
    assert_accepted(&ada.ask("send_message", &message).await);
    assert_accepted(&ada.ask("leave_room", &json!({})).await);
    assert_refused(&ada.ask("send_message", &message).await, "not_in_room");
}

/// Who knows a session id can speak for a polling session.
#[tokio::test]
async fn nobody_learns_anothers_session_id() {
    let server = HUBBUB.start().await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let mut ada = Client::connect(&server, Transport::Polling).await;
    let engine_sid = ada.handshake()["sid"].as_str().unwrap().to_owned();
    let secrets = [ada.sid().to_owned(), engine_sid];
    ada.join("tech", "Ada").await;
    ada.emit("typing", &json!({ "typing": true }));
    ada.say("hello");
    let mut seen = bob.events_until_message("hello").await;
    ada.emit("leave_room", &json!({}));
    seen.extend(bob.events_until(|event| event["kind"] == "left").await);
    for event in &seen {
        assert!(
            !secrets.iter().any(|secret| event.raw.contains(secret)),
            "{event:?}"
        );
    }
}
