//! Events that cannot be done, and too many of them: rows 5 to 10, 12, 28.

use hubbub_test_client::packet::event_frame;
use hubbub_test_client::shape::{assert_accepted, assert_error, assert_refused};
use hubbub_test_client::{Client, Dial, EVENT_TIMEOUT, Packet, Transport};
use serde_json::json;

use crate::watched_server::{MARK, WatchedServer, leave};

/// Sends a payload with and without asking for an acknowledgement: both are answered with the code,
/// and the connection goes on.
async fn is_refused(watched: &WatchedServer, payload: Option<&str>, code: &str) {
    for transport in [Transport::WebSocket, Transport::Polling] {
        let mut eve = Client::connect(watched.server(), transport).await;
        eve.join("tech", MARK).await;
        assert_refused(&eve.ask_raw("send_message", payload).await, code);
        eve.emit_raw("send_message", payload);
        assert_error(&eve.wait_for("error").await, "send_message", code);
        let heard = eve.events_until_echo("goes on").await;
        let messages = heard.iter().filter(|e| e.name == "receive_message").count();
        assert_eq!(messages, 1, "{heard:?}");
        leave(eve).await;
    }
}

#[tokio::test]
async fn row_05_an_event_without_its_argument_is_refused() {
    let watched = WatchedServer::start().await;
    is_refused(&watched, None, "invalid_payload").await;
    watched.finish(&["invalid_payload"]).await;
}

/// An unknown event is dropped as soon as its name is read, which is the cheapest answer there
/// is. `floods.rs` shows what comes of a client that goes on.
#[tokio::test]
async fn row_06_unknown_events_are_ignored_and_counted() {
    let watched = WatchedServer::start().await;
    let mut eve = Client::joined(watched.server(), "tech", MARK).await;
    eve.send_all(vec![r#"42["h0st1le",1]"#.to_owned(); 5000]);
    let heard = eve.events_until_echo("goes on").await;
    assert!(heard.iter().all(|event| event.name != "error"), "{heard:?}");
    assert_eq!(watched.rejected("unknown_event").await, 5000);
    drop(eve);
    watched.finish(&["unknown_event"]).await;
}

#[tokio::test]
async fn row_07_names_that_mean_something_to_javascript_mean_nothing() {
    let watched = WatchedServer::start().await;
    let mut eve = Client::joined(watched.server(), "tech", MARK).await;
    eve.send_raw(r#"42["__proto__",{"a":1}]"#);
    eve.send_raw(r#"42["constructor",{"prototype":{}}]"#);
    let hidden = r#"{"__proto__":{"x":1},"constructor":{"prototype":{"y":1}},"text":"plain"}"#;
    assert_accepted(&eve.ask_raw("send_message", Some(hidden)).await);
    let message = eve.next_message().await;
    assert_eq!(message["text"], "plain");
    assert!(!message.raw.contains("proto"), "{message:?}");
    let join = r#"{"room_name":"tech","username":"Eve","__proto__":{"toString":1}}"#;
    assert_accepted(&eve.ask_raw("join_room", Some(join)).await);
    let confirm = eve.wait_for("join_confirm").await;
    assert!(!confirm.raw.contains("proto"), "{confirm:?}");
    let ack = eve
        .ask("join_room", &json!({ "room_name": "__proto__" }))
        .await;
    assert_refused(&ack, "unknown_room");
    drop(eve);
    watched.finish(&["unknown_event", "unknown_room"]).await;
}

#[tokio::test]
async fn row_08_nesting_without_end_is_refused() {
    let watched = WatchedServer::start().await;
    let deep = "[".repeat(5000);
    let whole = format!("{deep}{}", "]".repeat(5000));
    for payload in [whole.clone(), format!("{{\"text\":{whole}}}")] {
        is_refused(&watched, Some(&payload), "invalid_payload").await;
    }
    // Where the brackets are never closed the packet is no array, and there is no event in it.
    let mut eve = Client::joined(watched.server(), "tech", MARK).await;
    eve.send_raw(&format!("42[\"send_message\",{deep}"));
    eve.until_closed().await;
    watched.finish(&["invalid_payload", "packet"]).await;
}

#[tokio::test]
async fn row_09_half_a_surrogate_pair_is_refused() {
    let watched = WatchedServer::start().await;
    for text in [r#"{"text":"\ud800"}"#, r#"{"text":"h0st1le \udc00\ud800"}"#] {
        is_refused(&watched, Some(text), "invalid_text").await;
    }
    watched.finish(&["invalid_text"]).await;
}

#[tokio::test]
async fn row_10_doubled_keys_are_refused() {
    let watched = WatchedServer::start().await;
    is_refused(
        &watched,
        Some(r#"{"text":"a","text":"b"}"#),
        "invalid_payload",
    )
    .await;
    watched.finish(&["invalid_payload"]).await;
}

#[tokio::test]
async fn row_12_what_is_sent_after_goodbye_is_not_delivered() {
    let watched = WatchedServer::with(&[("CONNECT_TIMEOUT", "1s")]).await;
    let mut bob = Client::joined(watched.server(), "tech", "Bob").await;
    for sends_more in [true, false] {
        let mut eve = Client::joined(watched.server(), "tech", "Eve").await;
        bob.until_notice_and_counts("Eve has joined the room", &[("general", 1), ("tech", 2)])
            .await;
        eve.send_raw("41");
        if sends_more {
            for _ in 0..10 {
                eve.say(MARK);
            }
        }
        // At once where more came, and by the timeout where nothing did.
        eve.until_closed().await;
        let left = "Eve has left the room";
        let told = bob
            .until_notice_and_counts(left, &[("general", 1), ("tech", 1)])
            .await;
        let fence = bob.events_until_echo("a fence").await;
        let all: Vec<_> = told.iter().chain(&fence).collect();
        assert_eq!(
            all.iter().filter(|e| e["text"] == left).count(),
            1,
            "{all:?}"
        );
        assert!(all.iter().all(|e| e["text"] != MARK), "{all:?}");
    }
    drop(bob);
    watched.finish(&["packet"]).await;
}

#[tokio::test]
async fn row_28_a_burst_is_answered_in_order_and_most_of_it_refused() {
    const EVENTS: u64 = 5000;
    let watched = WatchedServer::start().await;
    // Packets that may be on their way to one client.
    for (transport, window_packets) in [(Transport::WebSocket, 96), (Transport::Polling, 12)] {
        let mut eve = Dial::new(watched.server(), transport).connect().await;
        eve.join("tech", MARK).await;
        let before = watched.metric("hubbub_messages_total").await;
        eve.pause_reading();
        let frame = |n| {
            let payload = json!({ "text": format!("{n}") }).to_string();
            event_frame("send_message", Some(&payload), Some(n))
        };
        eve.send_all((0..EVENTS).map(frame).collect());
        // Each accepted message makes two packets, and so many are said to a client that takes none.
        // (The bystander's few count here too: then it is almost as many.)
        let said = before + window_packets / 2;
        watched
            .until_metric_reaches("hubbub_messages_total", said, EVENT_TIMEOUT)
            .await;
        eve.resume_reading();
        let (mut next, mut accepted, mut heard) = (0, Vec::new(), Vec::new());
        while next < EVENTS || heard.len() < accepted.len() {
            match eve.packet().await {
                Packet::Ack { id, body } => {
                    assert_eq!(id, next, "acknowledgements keep the order");
                    next += 1;
                    if body["ok"] == true {
                        accepted.push(id.to_string());
                    } else {
                        let code = body["error"]["code"].as_str().unwrap();
                        assert!(matches!(code, "rate_limited" | "busy"), "{body}");
                    }
                }
                Packet::Event(event) if event.name == "receive_message" => {
                    heard.push(event["text"].as_str().unwrap().to_owned());
                }
                Packet::Event(_) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(heard, accepted);
        assert!((50..500).contains(&accepted.len()), "{}", accepted.len());
        leave(eve).await;
    }
    watched.finish(&["rate_limited"]).await;
}
