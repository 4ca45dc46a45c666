//! Connections that do not stop: rows 59 to 62.

use std::time::Duration;

use futures_util::future::join_all;
use hubbub_test_client::chat::{come_back, with_token};
use hubbub_test_client::packet::event_frame;
use hubbub_test_client::{Client, Packet, Transport};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::watched_server::{MARK, WatchedServer, leave};

/// A few seconds, on a busy machine.
const A_FEW_SECONDS: Duration = Duration::from_secs(20);
/// Over which transports.
const TRANSPORTS: [Transport; 3] = Transport::ALL;

/// Sends the packet again and again, so many every 100 ms, until the connection is closed, which it
/// must be within a few seconds.
async fn closed_by(client: &mut Client, packet: &str, at_once: usize) -> Duration {
    let (since, mut heard) = (Instant::now(), 0);
    loop {
        client.send_all(vec![packet.to_owned(); at_once]);
        let pause = sleep(Duration::from_millis(100));
        let closed = async {
            loop {
                match client.packet().await {
                    // It would keep a stock client from coming back.
                    Packet::Disconnected => panic!("a goodbye"),
                    Packet::TransportClosed(_) => return,
                    _ => heard += 1,
                }
            }
        };
        tokio::select! {
            biased;
            () = closed => return since.elapsed(),
            () = pause => {}
        }
        let elapsed = since.elapsed();
        assert!(
            elapsed < A_FEW_SECONDS,
            "{} is still open after {elapsed:?} and {heard} packets",
            client.label()
        );
    }
}

async fn resumable(watched: &WatchedServer, transport: Transport) -> (Client, Value) {
    let mut eve = with_token(watched.server(), transport, &Value::Null).await;
    let token = eve.greeted().await["token"].clone();
    come_back(&mut eve, "tech", MARK).await;
    (eve, token)
}

#[tokio::test]
async fn row_59_a_connection_that_keeps_exceeding_its_limits_is_closed_and_may_come_back() {
    let watched = WatchedServer::with(&[("RESUME_GRACE", "0")]).await;
    let say = event_frame("send_message", Some(r#"{"text":"h0st1le"}"#), None);
    for (so_far, transport) in TRANSPORTS.into_iter().enumerate() {
        let (mut eve, token) = resumable(&watched, transport).await;
        let first = closed_by(&mut eve, &say, 400).await;
        watched
            .until_rejected("flood", so_far as u64 * 2 + 1, A_FEW_SECONDS)
            .await;
        // As the same user, with what is left of their budget: nothing.
        let mut eve = with_token(watched.server(), transport, &token).await;
        eve.greeted().await;
        let second = closed_by(&mut eve, &say, 400).await;
        assert!(
            second < first.max(Duration::from_secs(1)),
            "{first:?}, then {second:?}"
        );
        watched
            .until_rejected("flood", so_far as u64 * 2 + 2, A_FEW_SECONDS)
            .await;
    }
    watched.finish(&["flood", "rate_limited"]).await;
}

#[tokio::test]
async fn row_60_a_connection_that_keeps_sending_what_is_no_event_of_ours_is_closed() {
    // The servers run side by side, because most of the time is waiting.
    let floods = [
        (r#"42["h0st1le",1]"#.to_owned(), "unknown_event"),
        (
            format!(r#"42["h0st1le","{}"]"#, "x".repeat(100_000)),
            "unknown_event",
        ),
        (
            r#"42["send_message",{"text":7}]"#.to_owned(),
            "invalid_payload",
        ),
        (
            r#"42["join_room",{"room_name":"h0st1le"}]"#.to_owned(),
            "unknown_room",
        ),
        (
            r#"420["get_history",{"limit":1}]"#.to_owned(),
            "not_in_room",
        ),
    ];
    join_all(floods.map(|(packet, reason)| async move {
        let watched = WatchedServer::start().await;
        for transport in [Transport::WebSocket, Transport::Polling] {
            let mut eve = Client::connect(watched.server(), transport).await;
            let at_once = if packet.len() > 1000 { 20 } else { 400 };
            closed_by(&mut eve, &packet, at_once).await;
        }
        watched.until_rejected("flood", 2, A_FEW_SECONDS).await;
        watched.finish(&["flood", reason]).await;
    }))
    .await;
}

#[tokio::test]
async fn row_61_a_flood_that_is_steady_and_slow_is_closed_too() {
    let watched = WatchedServer::start().await;
    let server = watched.server();
    let floods = [Transport::WebSocket, Transport::Polling].map(|transport| async move {
        let mut eve = Client::connect(server, transport).await;
        closed_by(&mut eve, r#"42["h0st1le",1]"#, 20).await;
    });
    join_all(floods).await;
    watched.finish(&["flood"]).await;
}

/// A burst of anything, a client that tries again after `retry_after_ms`, and a storm of resuming
/// ones.
#[tokio::test]
async fn row_62_bursts_of_honest_clients_are_never_a_flood() {
    let watched = WatchedServer::start().await;
    let all = TRANSPORTS.map(|transport| {
        let watched = &watched;
        async move {
            tokio::join!(
                says_a_hundred_things(watched, transport),
                says_what_it_had_buffered(watched, transport),
                comes_back_again_and_again(watched, transport),
            )
        }
    });
    join_all(all).await;
    assert_eq!(watched.rejected("flood").await, 0);
    watched.finish(&["rate_limited"]).await;
}

fn say(n: u64) -> String {
    let payload = json!({ "text": format!("{n}"), "client_id": n.to_string() });
    event_frame("send_message", Some(&payload.to_string()), Some(100 + n))
}

/// Twice as much as the burst that is allowed, and what is refused again until it is said.
async fn says_a_hundred_things(watched: &WatchedServer, transport: Transport) {
    let mut ada = Client::connect(watched.server(), transport).await;
    ada.join("tech", "Ada").await;
    let mut left: Vec<u64> = (0..100).collect();
    while !left.is_empty() {
        ada.send_all(left.iter().copied().map(say).collect());
        let (mut again, mut wait) = (Vec::new(), 0);
        for n in left {
            let answer = ada.answer(100 + n).await;
            if answer["ok"] != true {
                again.push(n);
                wait = wait.max(answer["error"]["retry_after_ms"].as_u64().unwrap());
            }
        }
        left = again;
        sleep(Duration::from_millis(wait)).await;
    }
    leave(ada).await;
}

/// As stock clients do before the application can join again.
async fn says_what_it_had_buffered(watched: &WatchedServer, transport: Transport) {
    let mut bob = Client::connect(watched.server(), transport).await;
    bob.send_all((0..50).map(say).collect());
    for n in 0..50 {
        assert_eq!(bob.answer(100 + n).await["error"]["code"], "not_in_room");
    }
    bob.join("tech", "Bob").await;
    leave(bob).await;
}

async fn comes_back_again_and_again(watched: &WatchedServer, transport: Transport) {
    let (mut carl, mut token) = resumable(watched, transport).await;
    for _ in 0..20 {
        drop(carl);
        carl = with_token(watched.server(), transport, &token).await;
        token = carl.greeted().await["token"].clone();
        come_back(&mut carl, "tech", MARK).await;
    }
    leave(carl).await;
}
