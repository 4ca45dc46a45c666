//! Every way out of a room, and what the other members receive.

use hubbub_test_client::shape::{assert_accepted, assert_refused, default_rooms_json};
use hubbub_test_client::{Client, Transport};
use serde_json::json;

use super::HUBBUB;

#[tokio::test]
async fn leaving_tells_the_room_and_everybody_the_counts() {
    for transport in Transport::ALL {
        let server = HUBBUB.start().await;
        let mut bob = Client::joined(&server, "tech", "Bob").await;
        let mut ada = Client::connect(&server, transport).await;
        ada.join("tech", "Ada").await;
        bob.until_notice_and_counts("Ada has joined the room", &[("tech", 2)])
            .await;

        assert_accepted(&ada.ask("leave_room", &json!({})).await);
        ada.until_counts(&[("tech", 1)]).await;
        let told = bob
            .until_notice_and_counts("Ada has left the room", &[("tech", 1)])
            .await;
        let left = told
            .iter()
            .find(|event| event.name == "system_message")
            .unwrap();
        assert_eq!(
            (&left["kind"], &left["room"]),
            (&json!("left"), &json!("tech"))
        );
        assert_eq!(left["username"], "Ada");
    }
}

#[tokio::test]
async fn who_has_left_hears_nothing_more_of_the_room() {
    let server = HUBBUB.start().await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    ada.events_until_echo("a fence").await;
    assert_accepted(&ada.ask("leave_room", &json!({})).await);
    bob.events_until_echo("behind her back").await;
    ada.emit(
        "join_room",
        &json!({ "room_name": "music", "username": "Ada" }),
    );
    let between = ada.events_until(|event| event.name == "join_confirm").await;
    let only_counts = between[..between.len() - 1]
        .iter()
        .all(|event| event.name == "room_update");
    assert!(only_counts, "{between:?}");
}

#[tokio::test]
async fn leaving_takes_no_payload_or_an_empty_one() {
    let server = HUBBUB.start().await;
    let mut ada = Client::connect(&server, Transport::WebSocket).await;
    for payload in [None, Some("null"), Some("{}")] {
        ada.join("tech", "Ada").await;
        assert_accepted(&ada.ask_raw("leave_room", payload).await);
        assert_refused(&ada.ask_raw("leave_room", payload).await, "not_in_room");
    }
}

#[tokio::test]
async fn one_can_come_back() {
    let server = HUBBUB.start().await;
    let mut ada = Client::connect(&server, Transport::WebSocket).await;
    for _ in 0..3 {
        assert_eq!(ada.join("tech", "Ada").await["users_count"], 1);
        ada.emit("leave_room", &json!({}));
    }
    ada.join("tech", "Ada").await;
    ada.say("back again");
    assert_eq!(ada.next_message().await["text"], "back again");
}

/// How a connection may end.
#[derive(Debug, Clone, Copy)]
enum Ending {
    /// The Socket.IO client says goodbye.
    Goodbye,
    /// The transport is closed in an orderly way.
    HungUp,
    /// The connection is lost without a word.
    Lost,
}

/// Ends it; what is left of the client must be kept, as dropping it would be another ending.
async fn end(mut client: Client, ending: Ending) -> Option<Client> {
    match ending {
        Ending::Goodbye => client.send_raw("41"),
        Ending::HungUp => client.hang_up(),
        Ending::Lost => return None,
    }
    if matches!(ending, Ending::HungUp) {
        client.until_closed().await;
    }
    Some(client)
}

#[tokio::test]
async fn every_way_to_disconnect_is_told_once_and_at_once() {
    let endings = [
        (Transport::WebSocket, Ending::Goodbye),
        (Transport::WebSocket, Ending::HungUp),
        (Transport::WebSocket, Ending::Lost),
        (Transport::Upgrade, Ending::Goodbye),
        (Transport::Upgrade, Ending::HungUp),
        (Transport::Upgrade, Ending::Lost),
        (Transport::Polling, Ending::Goodbye),
        (Transport::Polling, Ending::HungUp),
    ];
    for (transport, ending) in endings {
        let server = HUBBUB.start().await;
        let mut bob = Client::joined(&server, "tech", "Bob").await;
        let mut ada = Client::connect(&server, transport).await;
        ada.join("tech", "Ada").await;
        bob.until_notice_and_counts("Ada has joined the room", &[("tech", 2)])
            .await;
        let _rest = end(ada, ending).await;
        bob.until_notice_and_counts("Ada has left the room", &[("tech", 1)])
            .await;

        // A newcomer's notice is a fence: a second one about Ada would come before it.
        let _carol = Client::joined(&server, "tech", "Carol").await;
        let told = bob
            .until_notice_and_counts("Carol has joined the room", &[("tech", 2)])
            .await;
        let notices = told
            .iter()
            .filter(|event| event.name == "system_message")
            .count();
        assert_eq!(notices, 1, "{transport} {ending:?}: {told:?}");
    }
}

#[tokio::test]
async fn disconnecting_without_a_room_tells_nobody() {
    let server = HUBBUB.start().await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let mut roomless = Client::connect(&server, Transport::WebSocket).await;
    roomless.greeted().await;
    roomless.hang_up();
    roomless.until_closed().await;
    let events = bob.events_until_echo("a fence").await;
    assert_eq!(events.len(), 1, "{events:?}");
}

#[tokio::test]
async fn after_everybody_is_gone_the_counts_are_zero() {
    let server = HUBBUB.start().await;
    let mut watcher = Client::connect(&server, Transport::WebSocket).await;
    watcher.greeted().await;
    let mut clients = Vec::new();
    for room in ["general", "tech", "sports", "music", "gaming", "tech"] {
        clients.push(Client::joined(&server, room, "Somebody").await);
    }
    drop(clients);
    let nobody = default_rooms_json(&[]);
    watcher
        .events_until(|event| event.name == "room_update" && event.raw == nobody)
        .await;
    let list = Client::connect(&server, Transport::WebSocket)
        .await
        .expect("room_list")
        .await;
    assert_eq!(list.raw, nobody);
}
