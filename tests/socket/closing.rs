//! A client that says it closes the connection, as a page does that is closed or reloaded.

use std::time::Duration;

use hubbub_test_client::chat::{come_back, resumable, with_token};
use hubbub_test_client::packet::{Event, event_frame};
use hubbub_test_client::shape::{assert_accepted, assert_refused};
use hubbub_test_client::{Client, TestServer, Transport};
use serde_json::{Value, json};

use super::HUBBUB;

/// Longer than a place is kept for a client that closes.
const LONGER: Duration = Duration::from_millis(2500);

fn closing() -> Value {
    json!({ "closing": true })
}

fn notices(events: &[Event]) -> usize {
    let notices = events.iter().filter(|e| e.name == "system_message");
    notices.count()
}

async fn bob_and_ada(grace: &str, transport: Transport) -> (TestServer, Client, Client, Value) {
    let server = HUBBUB.start_with(&[("RESUME_GRACE", grace)]).await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let (ada, token) = resumable(&server, transport, "Ada").await;
    bob.until_notice_and_counts("Ada has joined the room", &[("tech", 2)])
        .await;
    (server, bob, ada, token)
}

#[tokio::test]
async fn a_page_that_was_closed_has_left_soon_and_not_after_the_grace() {
    for transport in Transport::ALL {
        let (_server, mut bob, mut ada, _) = bob_and_ada("10m", transport).await;
        assert_accepted(&ada.ask("leave_room", &closing()).await);
        ada.say("still here");
        let before = bob.events_until_message("still here").await;
        assert_eq!(notices(&before), 0, "{transport}");
        ada.hang_up();
        bob.until_notice_and_counts("Ada has left the room", &[("tech", 1)])
            .await;
    }
}

#[tokio::test]
async fn the_word_counts_that_comes_with_the_end_of_the_connection() {
    let (_server, mut bob, ada, _) = bob_and_ada("10m", Transport::WebSocket).await;
    ada.send_all(vec![event_frame(
        "leave_room",
        Some(&closing().to_string()),
        None,
    )]);
    ada.hang_up();
    bob.until_notice_and_counts("Ada has left the room", &[("tech", 1)])
        .await;
}

#[tokio::test]
async fn a_page_that_was_reloaded_was_never_away() {
    for transport in Transport::ALL {
        let (server, mut bob, mut ada, token) = bob_and_ada("10m", transport).await;
        assert_accepted(&ada.ask("leave_room", &closing()).await);
        ada.hang_up();
        let mut ada = with_token(&server, transport, &token).await;
        ada.greeted().await;
        // However long the page takes from there to the room.
        tokio::time::sleep(LONGER).await;
        assert_eq!(come_back(&mut ada, "tech", "Ada").await["users_count"], 2);
        ada.say("reloaded");
        let heard = bob.events_until_message("reloaded").await;
        assert_eq!(notices(&heard), 0, "{transport}: {heard:?}");
    }
}

#[tokio::test]
async fn a_page_that_stays_after_all_keeps_its_place_as_before() {
    let (server, mut bob, mut ada, token) = bob_and_ada("10m", Transport::WebSocket).await;
    assert_accepted(&ada.ask("leave_room", &closing()).await);
    come_back(&mut ada, "tech", "Ada").await;
    ada.hang_up();
    tokio::time::sleep(LONGER).await;
    let mut ada = with_token(&server, Transport::WebSocket, &token).await;
    come_back(&mut ada, "tech", "Ada").await;
    ada.say("back");
    assert_eq!(notices(&bob.events_until_message("back").await), 0);
}

#[tokio::test]
async fn a_shorter_grace_stays_shorter() {
    let (_server, mut bob, mut ada, _) = bob_and_ada("0", Transport::WebSocket).await;
    assert_accepted(&ada.ask("leave_room", &closing()).await);
    drop(ada);
    bob.until_notice_and_counts("Ada has left the room", &[("tech", 1)])
        .await;
}

#[tokio::test]
async fn closing_is_yes_or_no_and_of_a_room() {
    let server = HUBBUB.start().await;
    let mut ada = Client::connect(&server, Transport::WebSocket).await;
    assert_refused(&ada.ask("leave_room", &closing()).await, "not_in_room");
    ada.join("tech", "Ada").await;
    let odd = json!({ "closing": "soon" });
    assert_refused(&ada.ask("leave_room", &odd).await, "invalid_payload");
    assert_accepted(&ada.ask("leave_room", &json!({ "closing": false })).await);
    assert_refused(&ada.ask("leave_room", &json!({})).await, "not_in_room");
}
