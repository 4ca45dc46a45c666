//! Tokens that are none, and faults of the process: rows 53, 57 and 58.
//!
//! The rest of row 58 is elsewhere: a killed server and lost networks in `tests/delivery/`, a drain in
//! `tests/socket/shutdown.rs`, a panic in `tests/panics.rs`.

use hubbub_test_client::chat::{come_back, resumable, with_token};
use hubbub_test_client::http::get;
use hubbub_test_client::packet::event_frame;
use hubbub_test_client::{Client, Transport};
use hyper::http::StatusCode;
use serde_json::json;

use crate::HUBBUB;
use crate::watched_server::{WatchedServer, leave};

#[tokio::test]
async fn row_53_a_token_that_is_none_is_refused_before_anything_is_looked_up() {
    let watched = WatchedServer::start().await;
    let (ada, token) = resumable(watched.server(), Transport::WebSocket, "Ada").await;
    let good = token.as_str().unwrap();
    let (content, mac) = good.rsplit_once('.').unwrap();
    let mut reversed = mac.to_owned();
    reversed = reversed.chars().rev().collect();
    let bad = [
        "h0st1le".to_owned(),
        good[..good.len() / 2].to_owned(),
        format!("{content}.{reversed}"),
        format!("{content}."),
        format!("eyJhbGciOiJub25lIn0.{content}."),
        "h0st1le".repeat(2_300),
    ];
    for token in &bad {
        let mut eve = with_token(watched.server(), Transport::WebSocket, &json!(token)).await;
        let session = eve.greeted().await;
        assert_eq!(session["code"], "token_invalid");
        assert!(!good.contains(session["user_id"].as_str().unwrap()));
        leave(eve).await;
    }
    // Ada was not taken over from by any of them.
    let mut ada = ada;
    ada.events_until_echo("still me").await;
    ada.send_raw("41");
    leave(ada).await;
    watched.finish(&["token_invalid"]).await;
}

/// A phone in a tunnel: it stops reading, is let go of, comes back, and has missed nothing.
#[tokio::test]
async fn row_57_a_reader_that_stops_is_let_go_of_and_resumes_without_loss() {
    let settings = [
        ("MESSAGE_RATE", "0"),
        ("SLOW_TIMEOUT", "1s"),
        ("HISTORY_MESSAGES", "5000"),
    ];
    let watched = WatchedServer::with(&settings).await;
    let (mut ada, token) = resumable(watched.server(), Transport::WebSocket, "Ada").await;
    let epoch = come_back(&mut ada, "tech", "Ada").await["epoch"].clone();
    let last = ada
        .events_until_echo("the last she heard")
        .await
        .last()
        .unwrap()["id"]
        .clone();
    ada.pause_reading();

    let mut bob = Client::joined(watched.server(), "tech", "Bob").await;
    let text = "x".repeat(1500);
    let message = |n: usize| {
        let payload = json!({ "text": format!("{n} {text}") }).to_string();
        event_frame("send_message", Some(&payload), None)
    };
    for hundred in 0..30 {
        bob.send_all((0..100).map(|n| message(hundred * 100 + n)).collect());
        let last = format!("{} {text}", hundred * 100 + 99);
        bob.events_until_message(&last).await;
    }
    watched
        .until_metric("hubbub_slow_readers_closed_total", 1)
        .await;
    drop(ada);

    let mut ada = with_token(watched.server(), Transport::WebSocket, &token).await;
    let after = json!({ "epoch": epoch, "id": last });
    let join = json!({ "room_name": "tech", "username": "Ada", "after": after });
    let ack = ada.ask("join_room", &join).await;
    assert_eq!(ack["recovered"], true, "{ack}");
    for n in 0..3000 {
        let heard = ada.next_message().await;
        assert_eq!(heard["text"], format!("{n} {text}"));
    }
    ada.send_raw("41");
    leave(ada).await;
    leave(bob).await;
    watched.finish(&[]).await;
}

/// The system's usual limit is below the default of MAX_CONNECTIONS, and may be raised.
#[tokio::test]
async fn row_58_a_limit_of_files_that_may_be_raised_is_no_limit() {
    let server = HUBBUB
        .start_behind("ulimit -Hn 4096; ulimit -Sn 64", &[])
        .await;
    let mut crowd = Vec::new();
    for number in 0..100 {
        crowd.push(Client::joined(&server, "tech", &format!("Guest {number}")).await);
    }
    crowd[0].events_until_echo("all in").await;
}

#[tokio::test]
async fn row_58_without_descriptors_it_serves_on_and_accepts_again_afterwards() {
    let server = HUBBUB.start_behind("ulimit -n 48", &[]).await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let mut crowd = Vec::new();
    for _ in 0..80 {
        // The system takes the connection; the server cannot.
        crowd.push(
            tokio::net::TcpStream::connect(server.address())
                .await
                .unwrap(),
        );
    }
    bob.events_until_echo("those inside notice nothing").await;
    // A container whose health check fails here would be restarted.
    let alive = get(server.address(), "/livez").await.unwrap();
    assert_eq!(alive.status, StatusCode::OK, "{alive:?}");
    drop(crowd);
    let mut ada = Client::connect(&server, Transport::WebSocket).await;
    ada.join("tech", "Ada").await;
    bob.until_notice_and_counts("Ada has joined the room", &[("tech", 2)])
        .await;
    let log = server.log();
    let lines = log.lines().filter(|line| line.contains("accept")).count();
    assert!(lines <= 30, "{lines} lines:\n{log}");
    assert!(log.contains("LimitNOFILE"), "{log}");
}

#[tokio::test]
async fn row_58_a_log_that_cannot_be_written_is_no_reason_not_to_serve() {
    for sink in ["2>/dev/full", "2>&-"] {
        let server = HUBBUB
            .start_behind(&format!("exec {sink}"), &[("RUST_LOG", "debug")])
            .await;
        let mut bob = Client::joined(&server, "tech", "Bob").await;
        let refused = bob
            .ask("join_room", &json!({ "room_name": "nowhere" }))
            .await;
        assert_eq!(refused["error"]["code"], "unknown_room");
        bob.events_until_echo("nobody reads the log").await;
    }
}

/// A small container: the default settings under load stay far below it.
#[tokio::test]
async fn row_58_a_small_machine_is_enough_for_a_busy_room() {
    let server = HUBBUB
        .start_with(&[("MESSAGE_RATE", "0"), ("MAILBOX", "4096")])
        .await;
    let mut members = Vec::new();
    for number in 0..50 {
        members.push(Client::joined(&server, "tech", &format!("Member {number}")).await);
    }
    let text = "x".repeat(2000);
    let message = json!({ "text": text }).to_string();
    let frames = (0..1000).map(|_| event_frame("send_message", Some(&message), None));
    members[0].send_all(frames.collect());
    // Those that do not fit are refused, and so may the first tries of this one be.
    let last = json!({ "text": "the last of them" });
    while members[0].ask("send_message", &last).await["ok"] != true {}
    for member in &mut members {
        member.events_until_message("the last of them").await;
    }
    let resident = server.resident_kib() / 1024;
    assert!(resident < 256, "{resident} MiB");
}
