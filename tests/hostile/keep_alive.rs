//! Connections between two requests and how long they are kept (KEEP_ALIVE): row 63.

use std::time::Duration;

use hubbub_test_client::Metrics;
use hubbub_test_client::Raw;
use hubbub_test_client::http::Line;
use hubbub_test_client::polling::connected_by_hand;
use hyper::http::StatusCode;
use tokio::net::TcpSocket;
use tokio::time::{Instant, sleep};

use crate::HUBBUB;
use crate::watched_server::WatchedServer;

const GET: &str = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";

async fn answered(raw: &mut Raw) -> String {
    assert!(raw.send(GET).await);
    let answer = raw.answer().await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer
}

#[tokio::test]
async fn row_64_an_idle_connection_is_kept_for_keep_alive_and_then_closed_without_a_word() {
    let watched = WatchedServer::with(&[("KEEP_ALIVE", "2s")]).await;
    let mut new = Raw::open(watched.server()).await;
    let mut kept = Raw::open(watched.server()).await;
    for _ in 0..3 {
        answered(&mut kept).await;
        // Nothing to wait for: together longer than KEEP_ALIVE, and each pause shorter.
        sleep(Duration::from_secs(1)).await;
    }
    answered(&mut kept).await;
    let since = Instant::now();
    assert_eq!(kept.until_closed().await, "");
    assert!(since.elapsed() >= Duration::from_millis(1900));
    // One that has not asked for anything yet has at least as long as a head may take.
    answered(&mut new).await;
    watched.finish(&[]).await;
}

#[tokio::test]
async fn row_64_without_keep_alive_a_connection_is_closed_after_its_answer() {
    let watched = WatchedServer::with(&[("KEEP_ALIVE", "0")]).await;
    let mut raw = Raw::open(watched.server()).await;
    let answer = answered(&mut raw).await;
    assert!(answer.to_lowercase().contains("connection: close"));
    assert_eq!(raw.until_closed().await, "");
    // Socket.IO goes on over a connection for each request.
    let (mut polling, _) = connected_by_hand(watched.server().address()).await;
    assert_eq!(
        polling.post("1".to_owned()).await.unwrap().status,
        StatusCode::OK
    );
    watched.finish(&[]).await;
}

/// A request that is answered late, and one whose answer is taken slowly, are no idle connection.
#[tokio::test]
async fn row_64_a_connection_in_use_for_longer_than_keep_alive_is_not_closed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), "a page").unwrap();
    let length = 8 * 1024 * 1024;
    std::fs::write(folder.path().join("large.txt"), vec![b'7'; length]).unwrap();
    let watched = WatchedServer::with(&[
        ("KEEP_ALIVE", "1s"),
        ("PING_INTERVAL", "4s"),
        ("WEB_DIR", folder.path().to_str().unwrap()),
    ])
    .await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(256 * 1024).unwrap();
    let stream = socket.connect(watched.server().address()).await.unwrap();
    let mut slow = Raw::over(stream);
    let get = "GET /large.txt HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert!(slow.send(get).await);
    assert!(slow.head().await.starts_with("HTTP/1.1 200"));
    let taken = slow.read_slowly(length, Duration::from_secs(4)).await;
    assert_eq!(taken, length);
    let (mut polling, greeting) = connected_by_hand(watched.server().address()).await;
    // The first ping comes immediately; the second one is waited for.
    let mut pings = 0;
    let mut packets = greeting;
    let since = Instant::now();
    loop {
        for _ in packets.iter().filter(|packet| *packet == "2") {
            pings += 1;
            polling.post("3".to_owned()).await.unwrap();
        }
        if pings == 2 {
            break;
        }
        let poll = polling.poll().await.unwrap();
        assert_eq!(poll.status, StatusCode::OK, "{poll:?}");
        packets = poll.body.split('\x1e').map(str::to_owned).collect();
    }
    assert!(since.elapsed() > Duration::from_secs(1));
    polling.post("1".to_owned()).await.unwrap();
    watched.finish(&[]).await;
}

#[tokio::test]
async fn row_64_the_metrics_are_kept_open_as_well() {
    let server = HUBBUB.start_with(&[("METRICS_ADDR", "127.0.0.1:0")]).await;
    let mut line = Line::new(Metrics::of(&server).address());
    for _ in 0..3 {
        let answer = line.get("/metrics").await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
    }
    assert_eq!(line.opened(), 1);
}
