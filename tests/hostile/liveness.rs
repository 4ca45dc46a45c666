//! Clients that say nothing, or nothing but pings: rows 16, 18, 25.

use hubbub_test_client::Raw;
use hubbub_test_client::frames::{PING, TEXT, frame};
use hubbub_test_client::{Client, Dial, Transport};
use serde_json::json;

use crate::watched_server::{MARK, WatchedServer};

#[tokio::test]
async fn row_16_a_connection_that_never_connects_is_closed() {
    let watched = WatchedServer::with(&[("CONNECT_TIMEOUT", "1s")]).await;
    for (so_far, transport) in [Transport::WebSocket, Transport::Polling]
        .into_iter()
        .enumerate()
    {
        let mut eve = Dial::new(watched.server(), transport).open().await;
        eve.until_closed().await;
        watched
            .until_rejected(
                "connect_timeout",
                so_far as u64 + 1,
                hubbub_test_client::EVENT_TIMEOUT,
            )
            .await;
    }
    // Who leaves in time has done nothing wrong.
    for transport in [Transport::WebSocket, Transport::Polling] {
        crate::watched_server::leave(Dial::new(watched.server(), transport).open().await).await;
    }
    watched.until_metric("hubbub_connections", 1).await;
    assert_eq!(watched.rejected("connect_timeout").await, 2);
    assert_eq!(watched.rejected("packet").await, 0);
    watched.finish(&["connect_timeout"]).await;
}

#[tokio::test]
async fn row_18_who_never_answers_a_ping_is_closed_and_left_once() {
    let watched = WatchedServer::with(&[("PING_INTERVAL", "1s"), ("PING_TIMEOUT", "3s")]).await;
    let mut bob = Client::joined(watched.server(), "tech", "Bob").await;
    for transport in [Transport::WebSocket, Transport::Polling] {
        let dial = Dial::new(watched.server(), transport).without_pongs();
        let mut eve = dial.connect().await;
        eve.emit(
            "join_room",
            &json!({ "room_name": "tech", "username": "Eve" }),
        );
        eve.until_closed().await;
        let left = "Eve has left the room";
        let mut told = bob
            .until_notice_and_counts(left, &[("general", 1), ("tech", 1)])
            .await;
        told.extend(bob.events_until_echo("a fence").await);
        let times = told.iter().filter(|event| event["text"] == left).count();
        assert_eq!(times, 1, "{told:?}");
    }
    assert_eq!(watched.rejected("heartbeat").await, 2);
    drop(bob);
    watched.finish(&["heartbeat"]).await;
}

/// They are answered as the protocol wants it, and the connection goes on: a ping costs the server
/// no more than its bytes.
#[tokio::test]
async fn row_25_a_flood_of_pings_is_borne() {
    const PINGS: usize = 100_000;
    let watched = WatchedServer::start().await;
    let mut eve = Raw::chat(watched.server()).await;
    for payload in [&b""[..], &[b'h'; 125]] {
        let piece = frame(PING, payload).repeat(1000);
        for _ in 0..PINGS / 1000 {
            assert!(eve.send_while_reading(&piece).await);
        }
    }
    let join = format!("421[\"join_room\",{{\"room_name\":\"tech\",\"username\":\"{MARK}\"}}]");
    assert!(eve.send(frame(TEXT, join.as_bytes())).await);
    let answer = eve.until_text("431[").await;
    assert!(answer.contains("\"ok\":true"), "{answer}");
    drop(eve);
    watched.finish(&[]).await;
}

/// Answers that the client does not read would fill the memory, so the server reads no more of such a
/// connection, and closes it as a slow reader.
#[tokio::test]
async fn row_25_a_flood_of_pings_whose_answers_nobody_reads_holds_nothing() {
    let watched = WatchedServer::with(&[("SLOW_TIMEOUT", "2s")]).await;
    let mut eve = Raw::chat(watched.server()).await;
    let before = watched.server().resident_kib();
    let piece = frame(PING, &[b'h'; 125]).repeat(1000);
    let mut pieces = 0;
    while eve.send(&piece).await {
        pieces += 1;
        assert!(pieces < 1000, "nobody stops it");
    }
    let grown = watched.server().resident_kib().saturating_sub(before);
    assert!(grown < 4096, "{grown} KiB");
    drop(eve);
    watched
        .until_metric("hubbub_slow_readers_closed_total", 1)
        .await;
    watched.finish(&[]).await;
}
