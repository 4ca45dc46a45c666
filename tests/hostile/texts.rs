//! What is said: rows 47 to 50 and 54.

use hubbub_test_client::chat::{come_back, resumable, with_token};
use hubbub_test_client::shape::{assert_accepted, assert_refused};
use hubbub_test_client::{Client, Event, Transport};
use serde_json::{Value, json};

use crate::watched_server::{WatchedServer, leave};

const UNHURRIED: (&str, &str) = ("MESSAGE_RATE", "0");

fn count(events: &[Event], text: &str) -> usize {
    events.iter().filter(|event| event["text"] == *text).count()
}

#[tokio::test]
async fn row_47_joining_and_leaving_in_any_order_is_counted_and_told_once() {
    let watched = WatchedServer::with(&[UNHURRIED]).await;
    let mut bob = Client::joined(watched.server(), "tech", "Bob").await;
    for transport in Transport::ALL {
        let mut eve = Client::connect(watched.server(), transport).await;
        assert_refused(&eve.ask("leave_room", &json!({})).await, "not_in_room");
        for room in ["tech", "tech", "music", "tech"] {
            let join = json!({ "room_name": room, "username": "Eve" });
            assert_accepted(&eve.ask("join_room", &join).await);
        }
        assert_accepted(&eve.ask("leave_room", &json!({})).await);
        assert_refused(&eve.ask("leave_room", &json!({})).await, "not_in_room");
        // A join right before the end.
        eve.emit(
            "join_room",
            &json!({ "room_name": "tech", "username": "Last" }),
        );
        eve.send_raw("41");
        let events = bob
            .events_until(|e| e["text"] == "Last has left the room")
            .await;
        let told = [
            "Eve has joined the room",
            "Eve has left the room",
            "Last has joined the room",
        ];
        assert_eq!(
            told.map(|text| count(&events, text)),
            [2, 2, 1],
            "{transport}: {events:?}"
        );
        bob.events_until_echo("and nothing after that").await;
        leave(eve).await;
    }
    leave(bob).await;
    watched.finish(&["not_in_room"]).await;
}

#[tokio::test]
async fn row_48_what_is_no_message_is_refused() {
    let watched = WatchedServer::with(&[UNHURRIED]).await;
    for transport in [Transport::WebSocket, Transport::Polling] {
        let mut eve = Client::connect(watched.server(), transport).await;
        assert_refused(
            &eve.ask("send_message", &json!({ "text": "hi" })).await,
            "not_in_room",
        );
        eve.join("tech", "Eve").await;
        for text in ["", "   ", "\u{3000}\n", "\u{200b}"] {
            assert_refused(
                &eve.ask("send_message", &json!({ "text": text })).await,
                "invalid_text",
            );
        }
        let huge = "x".repeat(1_000_000);
        assert_refused(
            &eve.ask("send_message", &json!({ "text": huge })).await,
            "text_too_long",
        );
        for text in [
            json!(7),
            json!({ "text": "hi" }),
            json!(null),
            json!(["hi"]),
            json!(true),
        ] {
            let refused = eve.ask("send_message", &json!({ "text": text })).await;
            assert_refused(&refused, "invalid_payload");
        }
        let echo = eve.events_until_echo("the only one").await;
        assert!(
            echo.iter().filter(|e| e.name == "receive_message").count() == 1,
            "{echo:?}"
        );
        leave(eve).await;
    }
    watched
        .finish(&[
            "not_in_room",
            "invalid_text",
            "text_too_long",
            "invalid_payload",
        ])
        .await;
}

/// The server's part: text is text, byte for byte. That the page shows it as text is shown in the
/// browser (`tests/web/`).
#[tokio::test]
async fn row_49_markup_is_text() {
    let watched = WatchedServer::with(&[UNHURRIED]).await;
    let mut bob = Client::joined(watched.server(), "tech", "Bob").await;
    let mut eve = Client::connect(watched.server(), Transport::Polling).await;
    for text in [
        "<img src=x onerror=alert(1)>",
        "<script>alert(1)</script>",
        "</script><svg onload=alert(1)>",
        "javascript:alert(1)",
        "data:text/html,<b>",
        "&lt;b&gt; & \"quotes\"",
    ] {
        let name: String = text.chars().take(32).collect();
        let join = json!({ "room_name": "tech", "username": name });
        assert_accepted(&eve.ask("join_room", &join).await);
        assert_accepted(&eve.ask("send_message", &json!({ "text": text })).await);
        let heard = bob.next_message().await;
        assert_eq!(
            (&heard["text"], &heard["sender"]),
            (&json!(text), &json!(name))
        );
        let room = json!({ "room_name": text, "username": "Eve" });
        assert_refused(&eve.ask("join_room", &room).await, "unknown_room");
    }
    leave(eve).await;
    leave(bob).await;
    watched.finish(&["unknown_room"]).await;
}

#[tokio::test]
async fn row_50_letters_that_act_beyond_themselves_are_no_names_and_bounded_texts() {
    let watched = WatchedServer::with(&[UNHURRIED]).await;
    let zalgo = format!("e{}", "\u{301}".repeat(500));
    let tags = "a\u{e0061}\u{e0062}";
    let mut eve = Client::joined(watched.server(), "tech", "Eve").await;
    for name in [
        "\u{202e}Eve",
        "Eve\u{2066}",
        "E\u{200d}ve",
        "\u{200b}",
        &zalgo,
        tags,
        "E\u{fe0f}ve",
    ] {
        let join = json!({ "room_name": "tech", "username": name });
        assert_refused(&eve.ask("join_room", &join).await, "invalid_username");
    }
    // In a text they are whoever's who says them; readers isolate them. One character of 100 kB is
    // too long all the same.
    for text in ["\u{202e}olleh", "👩\u{200d}👩\u{200d}👧", zalgo.as_str()] {
        assert_accepted(&eve.ask("send_message", &json!({ "text": text })).await);
        assert_eq!(eve.next_message().await["text"], text);
    }
    let grapheme = format!("e{}", "\u{301}".repeat(50_000));
    assert_refused(
        &eve.ask("send_message", &json!({ "text": grapheme })).await,
        "text_too_long",
    );
    leave(eve).await;
    watched.finish(&["invalid_username", "text_too_long"]).await;
}

#[tokio::test]
async fn row_54_a_message_sent_again_is_one_message() {
    let watched = WatchedServer::with(&[UNHURRIED]).await;
    let mut bob = Client::joined(watched.server(), "tech", "Bob").await;
    let (mut ada, mut token) = resumable(watched.server(), Transport::WebSocket, "Ada").await;
    let message = json!({ "text": "once", "client_id": "k" });
    let first = ada.ask("send_message", &message).await;
    let mut answers: Vec<Value> = Vec::new();
    for _ in 0..2 {
        answers.push(ada.ask("send_message", &message).await);
        drop(ada);
        ada = with_token(watched.server(), Transport::WebSocket, &token).await;
        token = ada.greeted().await["token"].clone();
        come_back(&mut ada, "tech", "Ada").await;
        answers.push(ada.ask("send_message", &message).await);
    }
    for answer in answers {
        assert_eq!(
            (&answer["id"], &answer["duplicate"]),
            (&first["id"], &json!(true))
        );
    }
    let other = json!({ "text": "twice", "client_id": "k" });
    assert_refused(&ada.ask("send_message", &other).await, "conflict");
    ada.say("the end");
    let heard = bob.events_until_message("the end").await;
    assert_eq!((count(&heard, "once"), count(&heard, "twice")), (1, 0));
    ada.send_raw("41");
    leave(ada).await;
    leave(bob).await;
    watched.finish(&["conflict"]).await;
}
