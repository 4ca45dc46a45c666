//! How large a packet may be, by what it is and when it comes; and what stays when connections have
//! gone.

use std::time::Duration;

use hubbub_test_client::Raw;
use hubbub_test_client::frames::{TEXT, frame, header};
use hubbub_test_client::packet::event_frame;
use hubbub_test_client::polling::{connected_by_hand, opened};
use hubbub_test_client::server::raise_file_limit;
use hubbub_test_client::{Client, Transport};
use hyper::http::StatusCode;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::watched_server::{WatchedServer, leave};

/// What a packet may have that is no message.
const SMALL: usize = 16 * 1024;

#[tokio::test]
async fn row_66_before_connect_sixteen_kibibytes_are_enough_over_websocket() {
    let watched = WatchedServer::start().await;
    let large = "x".repeat(SMALL);
    let announced = [header(TEXT, 1_000_000, 0x80), vec![0; 4]].concat();
    let auth = frame(TEXT, format!("40{{\"token\":\"{large}\"}}").as_bytes());
    let event = frame(TEXT, format!("42[\"{large}\"]").as_bytes());
    let part = frame(0x01, large.as_bytes());
    let parts = [part, frame(0x00, b"x")].concat();
    for (n, bytes) in [announced, auth, event, parts].into_iter().enumerate() {
        let (mut eve, head) = Raw::websocket(watched.server(), "").await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        eve.send(bytes).await;
        eve.until_closed().await;
        watched
            .until_rejected(
                "payload_too_large",
                n as u64 + 1,
                hubbub_test_client::EVENT_TIMEOUT,
            )
            .await;
    }
    watched.finish(&["payload_too_large"]).await;
}

#[tokio::test]
async fn row_66_before_connect_sixteen_kibibytes_are_enough_over_polling() {
    let watched = WatchedServer::start().await;
    let large = "x".repeat(SMALL);
    for body in [
        format!("40{{\"token\":\"{large}\"}}"),
        format!("3\x1e42[\"{large}\"]"),
        format!("40/x,\x1e42[\"{large}\"]"),
    ] {
        let mut eve = opened(watched.server().address()).await;
        let answer = eve.post(body).await.unwrap();
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    }
    watched.finish(&["payload_too_large"]).await;
}

/// A message that a client sends in the same write as CONNECT may be as large as any.
#[tokio::test]
async fn row_66_what_follows_connect_at_once_may_be_large() {
    let watched = WatchedServer::start().await;
    let text = json!({ "text": "x".repeat(100_000) });
    let message = event_frame("send_message", Some(&text.to_string()), Some(7));
    let (mut eve, _) = Raw::websocket(watched.server(), "").await;
    let both = [frame(TEXT, b"40"), frame(TEXT, message.as_bytes())].concat();
    assert!(eve.send(both).await);
    let answer = eve.until_text("437[").await;
    assert!(answer.contains("text_too_long"), "{answer}");
    let mut bob = opened(watched.server().address()).await;
    let posted = bob.post(format!("40\x1e{message}")).await.unwrap();
    assert_eq!(posted.status, StatusCode::OK);
    let mut heard = String::new();
    while !heard.contains("437[") {
        heard = bob.poll().await.unwrap().body;
    }
    assert!(heard.contains("text_too_long"), "{heard}");
    bob.post("1".to_owned()).await.unwrap();
    drop(eve);
    watched.finish(&[]).await;
}

#[tokio::test]
async fn row_66_events_other_than_messages_are_refused_above_sixteen_kibibytes() {
    let watched = WatchedServer::start().await;
    for transport in Transport::ALL {
        let mut eve = Client::connect(watched.server(), transport).await;
        let padding = "x".repeat(SMALL);
        for event in [
            "join_room",
            "leave_room",
            "get_history",
            "list_users",
            "typing",
        ] {
            let payload = json!({ "room_name": "tech", "typing": true, "limit": 1, "x": padding });
            let answer = eve.ask(event, &payload).await;
            let error = &answer["error"];
            assert_eq!(error["code"], "invalid_payload", "{event}: {answer}");
            let message = error["message"].as_str().unwrap();
            assert!(message.contains("16384 bytes"), "{message}");
        }
        eve.emit("typing", &json!({ "typing": true, "x": padding }));
        let error = eve.wait_for("error").await;
        assert_eq!(error["event"], "typing");
        let joined = eve
            .ask(
                "join_room",
                &json!({ "room_name": "tech", "username": "Eve" }),
            )
            .await;
        assert_eq!(joined["ok"], true, "the connection lives: {joined}");
        leave(eve).await;
    }
    watched.finish(&["invalid_payload"]).await;
}

/// What the system holds for a connection whose peer does not read.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn row_66_the_system_holds_little_for_a_connection_that_nobody_reads() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), "a page").unwrap();
    std::fs::write(folder.path().join("large.bin"), vec![7; 32 * 1024 * 1024]).unwrap();
    let watched = WatchedServer::with(&[("WEB_DIR", folder.path().to_str().unwrap())]).await;
    let mut raw = Raw::open(watched.server()).await;
    assert!(raw.send("GET /large.bin HTTP/1.1\r\nhost: x\r\n\r\n").await);
    let head = raw.head().await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let port = watched.server().address().port();
    let (mut queued, mut same) = (0, 0);
    while same < 10 {
        let now = send_queue_bytes(port);
        same = if now == queued { same + 1 } else { 0 };
        queued = queued.max(now);
        sleep(Duration::from_millis(50)).await;
    }
    eprintln!("the system holds at most {queued} bytes of an answer that nobody reads");
    assert!(queued > 0 && queued < 512 * 1024, "{queued} bytes");
    drop(raw);
    watched.finish(&[]).await;
}

/// The longest send queue of the connections to a port, as Linux counts them (`proc_net_tcp`).
#[cfg(target_os = "linux")]
fn send_queue_bytes(port: u16) -> u64 {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let local = format!(":{port:04X}");
    let queues = table.lines().filter_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let is_ours = fields.next()?.ends_with(&local);
        let queues = fields.nth(2)?;
        let sent = u64::from_str_radix(queues.split(':').next()?, 16).ok()?;
        is_ours.then_some(sent)
    });
    queues.max().unwrap_or(0)
}

/// Resident memory once connections have come and gone, above that of an idle process.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn row_66_memory_goes_back_to_the_system_when_connections_have_gone() {
    const CONNECTIONS: usize = 3_000;
    const KEPT_MAX_KIB: u64 = 20 * 1024;
    raise_file_limit().await;
    let watched = WatchedServer::start().await;
    let idle = watched.server().resident_kib();
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS {
        open.push(Raw::chat(watched.server()).await);
    }
    let full = watched.server().resident_kib();
    assert!(
        full > idle + KEPT_MAX_KIB,
        "{idle} KiB idle, {full} KiB full"
    );
    drop(open);
    let since = Instant::now();
    loop {
        let now = watched.server().resident_kib();
        if now < idle + KEPT_MAX_KIB {
            eprintln!("{idle} KiB idle, {full} KiB full, {now} KiB again");
            break;
        }
        assert!(
            since.elapsed() < Duration::from_secs(90),
            "{idle}, {full}, {now} KiB"
        );
        sleep(Duration::from_millis(100)).await;
    }
    watched.finish(&[]).await;
}

/// Nothing of a large message stays with its connection.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn row_66_a_connection_keeps_nothing_of_a_large_message() {
    const CONNECTIONS: u64 = 40;
    const EACH_MAX_KIB: u64 = 128;
    let watched = WatchedServer::start().await;
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS {
        open.push(Raw::chat(watched.server()).await);
    }
    let before = watched.server().resident_kib();
    let text = json!({ "text": "x".repeat(1_000_000) });
    let message = event_frame("send_message", Some(&text.to_string()), Some(7));
    let message = frame(TEXT, message.as_bytes());
    for eve in &mut open {
        assert!(eve.send(&message).await);
        eve.until_text("437[").await;
    }
    let since = Instant::now();
    loop {
        let each = watched.server().resident_kib().saturating_sub(before) / CONNECTIONS;
        if each < EACH_MAX_KIB {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "{each} KiB each");
        sleep(Duration::from_millis(100)).await;
    }
    drop(open);
    let (eve, _) = connected_by_hand(watched.server().address()).await;
    eve.clone().post("1".to_owned()).await.unwrap();
    watched.finish(&["text_too_long"]).await;
}
