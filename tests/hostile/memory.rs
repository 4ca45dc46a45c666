//! Whatever connections make the server hold, all together hold no more than MEMORY_BUDGET, the
//! process stays small with the default settings, and those who behave notice nothing: row 66.
#![cfg(target_os = "linux")]

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use hubbub_test_client::Raw;
use hubbub_test_client::frames::{TEXT, frame, header};
use hubbub_test_client::packet::event_frame;
use hubbub_test_client::polling::{Endpoint, connected_by_hand};
use hubbub_test_client::server::raise_file_limit;
use hubbub_test_client::{Client, TestServer};
use serde_json::json;
use tokio::net::TcpSocket;
use tokio::time::{Instant, sleep};

use crate::watched_server::{WatchedServer, leave};

/// The most that the process may have resident, ever.
const PEAK_MAX_KIB: u64 = 256 * 1024;
/// A busy machine handles hundreds of megabytes in this time.
const LOAD_TIMEOUT: Duration = Duration::from_secs(120);
/// What a packet may have at most, nearly.
const LARGE: usize = 1_090_000;

async fn watched() -> WatchedServer {
    raise_file_limit().await;
    WatchedServer::start().await
}

fn assert_small(server: &TestServer, what: &str) {
    let peak = server.peak_resident_kib();
    eprintln!("{what}: at most {} MiB resident", peak / 1024);
    assert!(peak < PEAK_MAX_KIB, "{what}: {peak} KiB resident");
}

/// Runs futures, a few of them simultaneously, and keeps what they return. What was sent stays with
/// the server, so this is no milder than all of them together, and a busy machine serves others
/// meanwhile.
async fn a_few_at_once<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    futures_util::stream::iter(all)
        .buffer_unordered(16)
        .collect()
        .await
}

/// Keeps connections open until those that the server closes for their memory have been counted.
async fn until_memory_is_short(watched: &WatchedServer) {
    watched.until_rejected("memory", 1, LOAD_TIMEOUT).await;
}

#[tokio::test]
async fn row_66_epochs_of_a_megabyte_are_not_kept() {
    let watched = watched().await;
    let epoch = "e".repeat(LARGE);
    let join = json!({
        "room_name": "tech",
        "username": "Eve",
        "users": true,
        "after": { "epoch": epoch, "id": 1 },
    });
    let packet = Arc::new(frame(
        TEXT,
        event_frame("join_room", Some(&join.to_string()), Some(1)).as_bytes(),
    ));
    let floods = (0..4).map(|_| {
        let (packet, server) = (Arc::clone(&packet), watched.server());
        async move {
            let mut eve = Raw::chat(server).await;
            for _ in 0..80 {
                // Nothing of the answers is read.
                if !eve.send(packet.as_slice()).await {
                    break;
                }
            }
            eve
        }
    });
    let floods = join_all(floods).await;
    assert_small(watched.server(), "epochs of a megabyte");
    drop(floods);
    watched.finish(&["invalid_payload"]).await;
}

/// The first bytes of a message that never ends, as one frame.
fn half_sent() -> Vec<u8> {
    let mut bytes = header(TEXT, LARGE, 0x80);
    bytes.extend([0; 4]);
    bytes.extend(br#"42["send_message",{"text":""#);
    bytes.resize(LARGE - 10, b'x');
    bytes
}

/// The same in fragments, none of which is large.
fn half_sent_in_fragments() -> Vec<u8> {
    let mut bytes = frame(0x01, br#"42["send_message",{"text":""#);
    while bytes.len() < LARGE - 20_000 {
        bytes.extend(frame(0x00, &[b'x'; 10_000]));
    }
    bytes
}

async fn half_sent_over_websocket(bytes: Vec<u8>, what: &str) {
    let watched = watched().await;
    let (bytes, server) = (bytes.as_slice(), watched.server());
    let floods = a_few_at_once((0..480).map(|_| async move {
        let mut eve = Raw::chat_if_let_in(server).await?;
        // Fails where the server closes this one.
        eve.send(bytes).await;
        Some(eve)
    }))
    .await;
    until_memory_is_short(&watched).await;
    assert_small(watched.server(), what);
    drop(floods);
    watched.finish(&["memory"]).await;
}

#[tokio::test]
async fn row_66_half_sent_packets_over_websocket_close_the_heaviest() {
    half_sent_over_websocket(half_sent(), "480 half-sent packets").await;
}

#[tokio::test]
async fn row_66_half_sent_fragments_over_websocket_close_the_heaviest() {
    half_sent_over_websocket(half_sent_in_fragments(), "480 packets in fragments").await;
}

#[tokio::test]
async fn row_66_half_sent_bodies_over_polling_close_the_heaviest() {
    let watched = watched().await;
    let server = watched.server();
    let mut body = br#"42["send_message",{"text":""#.to_vec();
    body.resize(LARGE, b'x');
    let body = body.as_slice();
    let floods = a_few_at_once((0..480).map(|_| async move {
        let (session, _) = connected_by_hand_if_let_in(server).await?;
        let mut raw = Raw::open(server).await;
        let head = format!(
            "POST /socket.io/?EIO=4&transport=polling&sid={} HTTP/1.1\r\nhost: x\r\n\
             content-length: {}\r\n\r\n",
            session.sid(),
            LARGE + 1
        );
        let sent = raw.send(head).await && raw.send(body).await;
        Some((session, raw, sent))
    }))
    .await;
    until_memory_is_short(&watched).await;
    assert_small(watched.server(), "480 half-sent bodies");
    drop(floods);
    watched.finish(&["memory"]).await;
}

async fn connected_by_hand_if_let_in(server: &TestServer) -> Option<(Endpoint, Vec<String>)> {
    let session = tokio::spawn(connected_by_hand(server.address()));
    session.await.ok()
}

/// Fills a room's history with as many bytes as one answer may have, and more.
async fn fill_history(server: &TestServer) -> Vec<Client> {
    let mut talkers = Vec::new();
    for number in 0..3 {
        let mut talker = Client::joined(server, "tech", &format!("Talker {number}")).await;
        let text = "€".repeat(1_900);
        for _ in 0..45 {
            talker.say(&text);
        }
        talker.events_until_echo("that is all").await;
        talkers.push(talker);
    }
    talkers
}

#[tokio::test]
async fn row_66_answers_that_nobody_reads_are_not_built_without_end() {
    let watched = watched().await;
    let server = watched.server();
    let talkers = fill_history(server).await;
    let join = json!({ "room_name": "tech", "username": "Eve", "history": 200, "users": true });
    let history = json!({ "limit": 200 });
    let mut requests = frame(
        TEXT,
        event_frame("join_room", Some(&join.to_string()), Some(1)).as_bytes(),
    );
    for id in 2..60 {
        let again = event_frame("join_room", Some(&join.to_string()), Some(id));
        requests.extend(frame(TEXT, again.as_bytes()));
        let page = event_frame("get_history", Some(&history.to_string()), Some(100 + id));
        requests.extend(frame(TEXT, page.as_bytes()));
    }
    let requests = requests.as_slice();
    let silent = a_few_at_once((0..480).map(|_| async move {
        let mut eve = Raw::chat_if_let_in(server).await?;
        eve.send(requests).await;
        Some(eve)
    }))
    .await;
    // They are let go of for taking nothing, or before that for holding too much.
    let since = Instant::now();
    while watched.metric("hubbub_slow_readers_closed_total").await == 0
        && watched.rejected("memory").await == 0
    {
        assert!(since.elapsed() < LOAD_TIMEOUT, "nobody is let go of");
        sleep(Duration::from_millis(50)).await;
    }
    assert_small(server, "answers that 480 do not read");
    drop(silent);
    for talker in talkers {
        leave(talker).await;
    }
    watched.finish(&[]).await;
}

#[tokio::test]
async fn row_66_what_a_busy_room_says_waits_for_nobody_in_memory() {
    let watched = watched().await;
    let server = watched.server();
    let join = json!({ "room_name": "tech", "username": "Eve" });
    let join = frame(
        TEXT,
        event_frame("join_room", Some(&join.to_string()), None).as_bytes(),
    );
    let mut silent = Vec::new();
    for _ in 0..300 {
        let mut eve = Raw::chat(server).await;
        assert!(eve.send(&join).await);
        silent.push(eve);
    }
    let talkers = fill_history(server).await;
    assert_small(server, "a busy room that 300 do not read");
    drop(silent);
    for talker in talkers {
        leave(talker).await;
    }
    watched.finish(&[]).await;
}

#[tokio::test]
async fn row_66_sessions_that_never_poll_hold_little() {
    let watched = watched().await;
    let server = watched.server();
    let join = json!({ "room_name": "tech", "username": "Eve" });
    let join = event_frame("join_room", Some(&join.to_string()), None);
    let mut silent = Vec::new();
    for _ in 0..300 {
        let (mut eve, _) = connected_by_hand(server.address()).await;
        eve.post(join.clone()).await.unwrap();
        silent.push(eve);
    }
    let talkers = fill_history(server).await;
    assert_small(server, "300 sessions that never poll");
    for mut eve in silent {
        // Those that were let go of meanwhile are not known any more.
        eve.post("1".to_owned()).await.unwrap();
    }
    for talker in talkers {
        leave(talker).await;
    }
    watched.finish(&[]).await;
}

/// Their packets are out of the session's hands, and wait in as many connections as it has polls.
#[tokio::test]
async fn row_66_polls_whose_answers_nobody_reads_hold_no_more_than_there_is() {
    let watched = watched().await;
    let server = watched.server();
    let talkers = fill_history(server).await;
    let join = json!({ "room_name": "tech", "username": "Eve" }).to_string();
    let history = json!({ "limit": 200 }).to_string();
    let mut requests = vec![event_frame("join_room", Some(&join), None)];
    requests.extend((0..100).map(|id| event_frame("get_history", Some(&history), Some(id))));
    let requests = requests.join("\x1e");
    let requests = requests.as_str();
    let silent = a_few_at_once((0..16).map(|_| async move {
        let (mut eve, _) = connected_by_hand_if_let_in(server).await?;
        eve.post(requests.to_owned()).await.ok()?;
        let mut polls = Vec::new();
        for _ in 0..60 {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(4096).unwrap();
            let mut poll = Raw::over(socket.connect(server.address()).await.ok()?);
            let request = format!(
                "GET /socket.io/?EIO=4&transport=polling&sid={} HTTP/1.1\r\nhost: x\r\n\r\n",
                eve.sid()
            );
            // Only its beginning is read, so that the next poll does not overlap.
            if !poll.send(request).await || !poll.begins().await {
                break;
            }
            polls.push(poll);
        }
        Some((eve, polls))
    }))
    .await;
    let polls: usize = silent.iter().flatten().map(|(_, polls)| polls.len()).sum();
    assert_small(server, &format!("{polls} polls that nobody reads"));
    assert!(polls > 100, "{polls} polls");
    for (mut eve, polls) in silent.into_iter().flatten() {
        drop(polls);
        eve.post("1".to_owned()).await.unwrap();
    }
    for talker in talkers {
        leave(talker).await;
    }
    watched.finish(&[]).await;
}
