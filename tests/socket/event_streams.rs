//! A room's log as Server-Sent Events: every entry once and in order from a position on, live, until
//! the connection ends.

use hubbub_test_client::packet::event_frame;
use hubbub_test_client::shape::assert_accepted;
use hubbub_test_client::{Client, EventSource, Metrics, Raw, ServerSent, TestServer, Transport};
use hyper::http::StatusCode;
use serde_json::json;

use super::HUBBUB;

const TOKEN: &str = "the-token-of-the-admin-of-a-test-server";
const ADMIN: (&str, &str) = ("ADMIN_TOKEN", TOKEN);
const UNLIMITED: (&str, &str) = ("MESSAGE_RATE", "0");
const BEARER: (&str, &str) = (
    "authorization",
    "Bearer the-token-of-the-admin-of-a-test-server",
);

/// Opens a stream of `tech` that must be accepted, and reads its opening.
async fn open(server: &TestServer, query: &str, last: Option<&str>) -> EventSource {
    let path = format!("/api/v1/rooms/tech/events{query}");
    let mut headers = vec![BEARER];
    headers.extend(last.map(|id| ("last-event-id", id)));
    let mut events = EventSource::open(server.address(), &path, &headers).await;
    assert_eq!(events.status, StatusCode::OK);
    assert_eq!(events.headers["content-type"], "text/event-stream");
    assert_eq!(events.headers["cache-control"], "no-store");
    let opening = events.block().await.unwrap();
    assert!(opening.retry_ms.is_some(), "{opening:?}");
    events
}

/// Sends messages with these numbers as texts, and waits until the sender has received them.
async fn send(sender: &mut Client, numbers: std::ops::Range<usize>) {
    let last = numbers.end - 1;
    let payload = |n: usize| json!({ "text": n.to_string() }).to_string();
    let frame = |n: usize| event_frame("send_message", Some(&payload(n)), None);
    sender.send_all(numbers.map(frame).collect());
    sender.events_until_message(&last.to_string()).await;
}

fn number(event: &ServerSent) -> usize {
    event.data["text"].as_str().unwrap().parse().unwrap()
}

/// The position that the id of an event names.
fn position(event: &ServerSent) -> u64 {
    let (epoch, id) = event.id.rsplit_once(':').unwrap();
    assert!(!epoch.is_empty());
    id.parse().unwrap()
}

#[tokio::test]
async fn a_stream_has_what_members_receive() {
    let server = HUBBUB.start_with(&[ADMIN]).await;
    let mut events = open(&server, "", None).await;
    let mut client = Client::joined(&server, "tech", "Alice").await;
    let joined = events.expect("system_message").await;
    assert_eq!(joined.data["kind"], "joined");
    assert_eq!(joined.data["username"], "Alice");
    assert_eq!(joined.data["id"], position(&joined));
    client.say("hello \"you\"\nthere");
    let delivered = client.next_message().await;
    let message = events.expect("receive_message").await;
    assert_eq!(message.data, delivered.payload);
    assert_eq!(message.data["id"], position(&message));
    // A reader is no member.
    assert_eq!(client.ask("list_users", &json!({})).await["total"], 1);
}

#[tokio::test]
async fn a_client_that_comes_back_again_and_again_misses_nothing_and_gets_nothing_twice() {
    const MESSAGES: usize = 600;
    let server = HUBBUB
        .start_with(&[ADMIN, UNLIMITED, ("MAILBOX", "8192")])
        .await;
    let mut sender = Client::joined(&server, "tech", "Alice").await;
    let first = open(&server, "?after=0", None).await.event().await.unwrap();
    let mut last = first.id;
    let reading = async {
        let mut expected = 0;
        while expected < MESSAGES {
            // The header wins over the address, which stays the same in browsers.
            let mut events = open(&server, "?after=0", Some(&last)).await;
            for _ in 0..57 {
                let event = events.expect("receive_message").await;
                assert_eq!(number(&event), expected);
                (last, expected) = (event.id, expected + 1);
                if expected == MESSAGES {
                    return;
                }
            }
        }
    };
    let sending = async {
        for from in (0..MESSAGES).step_by(50) {
            send(&mut sender, from..from + 50).await;
        }
    };
    tokio::join!(reading, sending);
}

/// A store that keeps all messages sends all of them. A notice that is gone is no gap.
#[tokio::test]
async fn what_is_gone_is_a_gap() {
    let settings = [
        ADMIN,
        UNLIMITED,
        ("HISTORY_MESSAGES", "10"),
        ("SLOW_TIMEOUT", "0"),
    ];
    let server = HUBBUB.start_with(&settings).await;
    let mut sender = Client::joined(&server, "tech", "Alice").await;
    send(&mut sender, 0..40).await;
    let mut events = open(&server, "?after=0", None).await;
    // The notice of the join has the first id.
    let id_of = |n: u64| n + 2;
    let (mut expected, mut gaps) = (0, 0);
    while expected < 40 {
        let event = events.event().await.unwrap();
        match &*event.event {
            "gap" => {
                let to = event.data["to"].as_u64().unwrap();
                assert_eq!((event.data["from"].as_u64(), gaps), (Some(1), 0));
                assert_eq!(position(&event), to);
                (expected, gaps) = (to - 1, 1);
            }
            "receive_message" => {
                assert_eq!(number(&event) as u64, expected);
                assert_eq!(position(&event), id_of(expected));
                expected += 1;
            }
            other => assert_eq!((other, position(&event)), ("system_message", 1)),
        }
    }
    let keeps_all = HUBBUB.store().keeps_all_messages();
    assert_eq!(gaps == 0, keeps_all);
}

#[tokio::test]
async fn a_position_of_another_log_is_a_gap_and_then_live() {
    let server = HUBBUB.start_with(&[ADMIN]).await;
    let mut client = Client::joined(&server, "tech", "Alice").await;
    for after in ["?after=another:1", "?after=1000"] {
        let mut events = open(&server, after, None).await;
        let gap = events.expect("gap").await;
        assert_eq!(
            (&gap.data["room"], &gap.data["from"]),
            (&json!("tech"), &json!(1))
        );
        assert_eq!(gap.data["to"], position(&gap));
        client.say("hello");
        let message = client.next_message().await.payload;
        assert_eq!(events.expect("receive_message").await.data, message);
    }
}

#[tokio::test]
async fn a_quiet_stream_lives_on_heartbeats_beyond_the_keep_alive_time() {
    for keep_alive in ["1s", "0"] {
        let settings = [ADMIN, ("PING_INTERVAL", "2s"), ("KEEP_ALIVE", keep_alive)];
        let server = HUBBUB.start_with(&settings).await;
        let mut events = open(&server, "", None).await;
        for _ in 0..2 {
            assert!(events.block().await.unwrap().is_comment);
        }
        let _member = Client::joined(&server, "tech", "Alice").await;
        events.expect("system_message").await;
    }
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_closed() {
    let settings = [
        ADMIN,
        UNLIMITED,
        ("MAILBOX", "8192"),
        ("SLOW_TIMEOUT", "2s"),
    ];
    let settings = [&settings[..], &[("METRICS_ADDR", "127.0.0.1:0")]].concat();
    let server = HUBBUB.start_with(&settings).await;
    let mut sender = Client::joined(&server, "tech", "Alice").await;
    let mut slow = Raw::open(&server).await;
    let request = format!(
        "GET /api/v1/rooms/tech/events?after=0 HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\n\r\n",
        BEARER.1
    );
    assert!(slow.send(request).await);
    slow.head().await;
    let text = |n: usize| format!("{n} {}", "x".repeat(1900));
    for first in (0..6000).step_by(200) {
        let payload = |n: usize| json!({ "text": text(n) }).to_string();
        let frame = |n: usize| event_frame("send_message", Some(&payload(n)), None);
        sender.send_all((first..first + 200).map(frame).collect());
        sender.events_until_message(&text(first + 199)).await;
    }
    let metrics = Metrics::of(&server);
    metrics.until("hubbub_slow_readers_closed_total", 1).await;
    metrics.until("hubbub_connections", 1).await;
    slow.until_closed().await;
    // The one who reads is not disturbed.
    sender.say("still here");
    sender.events_until_message("still here").await;
}

#[tokio::test]
async fn streams_count_as_connections_of_their_address() {
    let settings = [ADMIN, ("MAX_CONNECTIONS_PER_IP", "1")];
    let server = HUBBUB.start_with(&settings).await;
    let only = open(&server, "", None).await;
    let path = "/api/v1/rooms/tech/events";
    let second = EventSource::open(server.address(), path, &[BEARER]).await;
    assert_eq!(second.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(second.headers.contains_key("retry-after"));
    drop(only);
    // The slot is free as soon as the server has noticed.
    let deadline = tokio::time::Instant::now() + hubbub_test_client::EVENT_TIMEOUT;
    while EventSource::open(server.address(), path, &[BEARER])
        .await
        .status
        != StatusCode::OK
    {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the slot is never free"
        );
    }
}

#[tokio::test]
async fn a_shutdown_ends_streams_after_everything_that_was_sent() {
    let mut server = HUBBUB.start_with(&[ADMIN]).await;
    let mut events = open(&server, "", None).await;
    let mut client = Client::connect(&server, Transport::WebSocket).await;
    client.join("tech", "Alice").await;
    client.say("the last word");
    client.next_message().await;
    server.signal("TERM").await;
    events.expect("system_message").await;
    assert_eq!(
        events.expect("receive_message").await.data["text"],
        "the last word"
    );
    let mut last = events.event().await.unwrap();
    // The member leaves too.
    while last.event == "system_message" {
        last = events.event().await.unwrap();
    }
    assert_eq!(last.event, "shutdown");
    assert!(last.data["reconnect_in_ms"].is_u64());
    while events.block().await.is_some() {}
    assert!(server.exit().await.success());
}

#[tokio::test]
async fn a_retry_of_a_message_is_not_sent_again() {
    let server = HUBBUB.start_with(&[ADMIN]).await;
    let mut client = Client::joined(&server, "tech", "Alice").await;
    let mut events = open(&server, "", None).await;
    let message = json!({ "text": "once", "client_id": "key" });
    for _ in 0..2 {
        assert_accepted(&client.ask("send_message", &message).await);
    }
    client.say("next");
    assert_eq!(events.expect("receive_message").await.data["text"], "once");
    assert_eq!(events.expect("receive_message").await.data["text"], "next");
}

/// From memory or from the store's archive, which has what memory no longer has.
#[tokio::test]
async fn a_stream_has_changes_and_nothing_of_what_was_deleted() {
    let bounds = [("HISTORY_BYTES", "20000"), ("SLOW_TIMEOUT", "0")];
    let settings = [&[ADMIN, UNLIMITED], &bounds[..]].concat();
    let server = HUBBUB.start_with(&settings).await;
    let mut client = Client::joined(&server, "tech", "Alice").await;
    let mut ids = Vec::new();
    for text in ["secret", "first", "kept"] {
        let sent = client.ask("send_message", &json!({ "text": text })).await;
        assert_accepted(&sent);
        ids.push(sent["id"].clone());
    }
    let deletion = json!({ "id": ids[0] });
    assert_accepted(&client.ask("delete_message", &deletion).await);
    let edit = json!({ "id": ids[1], "text": "second" });
    assert_accepted(&client.ask("edit_message", &edit).await);
    if HUBBUB.store().keeps_all_messages() {
        send(&mut client, 0..200).await;
    }
    let mut events = open(&server, "?after=0", None).await;
    let mut kinds = Vec::new();
    while kinds.len() < 4 {
        let event = events.event().await.unwrap();
        assert!(!event.data.to_string().contains("secret"), "{event:?}");
        if event.event != "system_message" {
            let what = &event.data[if event.event == "message_changed" {
                "of"
            } else {
                "id"
            }];
            kinds.push((event.event.clone(), what.clone()));
        }
    }
    let of = |event: &str, id: usize| (event.to_owned(), ids[id].clone());
    let expected = [
        of("receive_message", 1),
        of("receive_message", 2),
        of("message_changed", 0),
        of("message_changed", 1),
    ];
    assert_eq!(kinds, expected);
}
