//! The original's own client: no `auth`, no acknowledgement ever asked for. Every row of the
//! contract in one conversation, over every transport.

use hubbub_test_client::shape::{assert_timestamp, default_rooms_json, keys};
use hubbub_test_client::{Client, Event, Transport};
use serde_json::json;

use super::HUBBUB;

#[tokio::test]
async fn the_originals_conversation_works_over_every_transport() {
    for transport in Transport::ALL {
        let server = HUBBUB.start().await;
        let mut ada = Client::connect(&server, transport).await;
        let mut bob = Client::connect(&server, transport).await;
        ada.greeted().await;
        bob.greeted().await;

        first_join(&mut ada).await;
        let seen = bob.expect("room_update").await;
        assert_eq!(seen.raw, default_rooms_json(&[("tech", 1)]));

        second_join(&mut bob, &mut ada).await;
        talk(&mut ada, &mut bob).await;
        switch(&mut bob, &mut ada).await;
        wrong_room(&mut ada).await;
    }
}

async fn first_join(ada: &mut Client) {
    ada.emit(
        "join_room",
        &json!({ "room_name": "tech", "username": "Ada" }),
    );
    let confirm = ada.expect("join_confirm").await;
    assert_starts_with(&confirm, &["room", "users_count", "username"]);
    assert_eq!(confirm["room"], "tech");
    assert_eq!(confirm["users_count"], 1);
    assert_eq!(confirm["username"], "Ada");
    let update = ada.expect("room_update").await;
    assert_eq!(update.raw, default_rooms_json(&[("tech", 1)]));
    assert_notice(
        &ada.expect("system_message").await,
        "Ada has joined the room",
    );
}

async fn second_join(bob: &mut Client, ada: &mut Client) {
    bob.emit(
        "join_room",
        &json!({ "room_name": "tech", "username": "Bob" }),
    );
    assert_eq!(bob.expect("join_confirm").await["users_count"], 2);
    assert_eq!(
        bob.expect("room_update").await.raw,
        default_rooms_json(&[("tech", 2)])
    );
    assert_notice(
        &bob.expect("system_message").await,
        "Bob has joined the room",
    );
    assert_told(ada, "Bob has joined the room", &[("tech", 2)]).await;
}

async fn talk(ada: &mut Client, bob: &mut Client) {
    ada.emit("send_message", &json!({ "text": "Hello, world!" }));
    for hearer in [ada, bob] {
        let message = hearer.expect("receive_message").await;
        assert_starts_with(&message, &["sender", "text", "timestamp", "room"]);
        assert_eq!(message["sender"], "Ada");
        assert_eq!(message["text"], "Hello, world!");
        assert_eq!(message["room"], "tech");
        assert_timestamp(&message["timestamp"]);
    }
}

async fn switch(bob: &mut Client, ada: &mut Client) {
    bob.emit(
        "join_room",
        &json!({ "room_name": "music", "username": "Bob" }),
    );
    assert_eq!(bob.expect("join_confirm").await["room"], "music");
    let update = bob.expect("room_update").await;
    assert_eq!(update.raw, default_rooms_json(&[("tech", 1), ("music", 1)]));
    assert_notice(
        &bob.expect("system_message").await,
        "Bob has joined the room",
    );
    assert_told(ada, "Bob has left the room", &[("tech", 1), ("music", 1)]).await;
}

async fn wrong_room(ada: &mut Client) {
    ada.emit(
        "join_room",
        &json!({ "room_name": "lobby", "username": "Ada" }),
    );
    let error = ada.expect("error").await;
    assert_eq!(keys(&error.raw)[0], "message");
    assert_eq!(error["message"], "Invalid room name");
}

/// A member receives the notice that a user came or went, and the counts.
async fn assert_told(member: &mut Client, text: &str, counts: &[(&str, u64)]) {
    let events = member.until_notice_and_counts(text, counts).await;
    let mut notices = events.iter().filter(|event| event.name != "room_update");
    assert_notice(notices.next().unwrap(), text);
    assert!(notices.next().is_none(), "{events:?}");
}

fn assert_notice(notice: &Event, text: &str) {
    assert_eq!(notice.name, "system_message", "{notice:?}");
    assert_starts_with(notice, &["text", "timestamp"]);
    assert_eq!(notice["text"], text);
    assert_timestamp(&notice["timestamp"]);
}

/// The original's keys come first; what is added stands behind them.
fn assert_starts_with(event: &Event, expected: &[&str]) {
    let keys = keys(&event.raw);
    assert_eq!(keys[..expected.len()], *expected, "{event:?}");
}
