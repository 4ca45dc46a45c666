//! Slow on purpose: row 41.

use std::time::Duration;

use hubbub_test_client::Raw;
use hubbub_test_client::polling::connected_by_hand;
use tokio::net::TcpSocket;
use tokio::time::{Instant, sleep};

use crate::watched_server::WatchedServer;

/// The server's ten seconds and what a busy machine adds.
const SOON: Duration = Duration::from_secs(15);

const GET: &str = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";

/// Sends one byte a second until the server closes. Returns what it said.
async fn dribble(mut raw: Raw, byte: &[u8]) -> String {
    let since = Instant::now();
    while raw.send(byte).await {
        assert!(since.elapsed() < SOON, "still open");
        // Nothing to wait for: being slow is what is tested.
        sleep(Duration::from_secs(1)).await;
    }
    raw.until_closed().await
}

#[tokio::test]
async fn row_41_a_head_that_comes_slowly_ends_the_connection() {
    let watched = WatchedServer::start().await;
    let mut first = Raw::open(watched.server()).await;
    assert!(first.send("GET /livez HTTP/1.1\r\nx-h0st1le: ").await);
    // The second request of a connection is no different.
    let mut second = Raw::open(watched.server()).await;
    assert!(second.send("GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await);
    assert!(second.answer().await.starts_with("HTTP/1.1 200"));
    assert!(second.send("GET /livez HTTP/1.1\r\nx-h0st1le: ").await);
    // A part of a second request right behind the first is no different either.
    let mut third = Raw::open(watched.server()).await;
    let pipelined = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\nGET /livez HTTP/1.1\r\nx-h0st1le: ";
    assert!(third.send(pipelined).await);
    assert!(third.answer().await.starts_with("HTTP/1.1 200"));
    // A client that opens a connection and waits, as browsers do, or keeps one after a request,
    // is not slow.
    let idle = Raw::open(watched.server()).await;
    let mut kept = Raw::open(watched.server()).await;
    assert!(kept.send(GET).await);
    kept.answer().await;
    tokio::join!(
        dribble(first, b"x"),
        dribble(second, b"x"),
        dribble(third, b"x")
    );
    for mut connection in [idle, kept] {
        assert!(connection.send(GET).await);
        assert!(connection.answer().await.starts_with("HTTP/1.1 200"));
    }
    watched.until_rejected("slow_header", 3, SOON).await;
    assert_eq!(watched.rejected("slow_header").await, 3);
    watched.finish(&["slow_header"]).await;
}

/// A request that comes in pieces has its own ten seconds each time, whatever came before.
#[tokio::test]
async fn row_41_a_head_that_comes_in_pieces_is_in_time_again_and_again() {
    let watched = WatchedServer::start().await;
    let mut raw = Raw::open(watched.server()).await;
    for _ in 0..3 {
        for piece in ["GET /livez HTTP/1.1\r\nx-h0st1le: ", "x\r\nhost: x\r\n\r\n"] {
            assert!(raw.send(piece).await);
            // Nothing to wait for: in all it takes longer than one head may.
            sleep(Duration::from_secs(2)).await;
        }
        assert!(raw.answer().await.starts_with("HTTP/1.1 200"));
    }
    assert_eq!(watched.rejected("slow_header").await, 0);
    watched.finish(&[]).await;
}

#[tokio::test]
async fn row_41_a_body_that_comes_slowly_ends_the_session() {
    let watched = WatchedServer::start().await;
    let (eve, _) = connected_by_hand(watched.server().address()).await;
    let mut said = Vec::new();
    for framing in [
        "content-length: 100000\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\nffff\r\n",
    ] {
        let (slow, _) = connected_by_hand(watched.server().address()).await;
        let mut raw = Raw::open(watched.server()).await;
        let head = format!(
            "POST /socket.io/?EIO=4&transport=polling&sid={} HTTP/1.1\r\nhost: x\r\n{framing}",
            slow.sid()
        );
        assert!(raw.send(head).await);
        said.push(tokio::spawn(dribble(raw, b"3")));
    }
    for said in said {
        let said = said.await.unwrap();
        assert!(
            said.is_empty() || said.starts_with("HTTP/1.1 400"),
            "{said}"
        );
    }
    eve.clone().post("1".to_owned()).await.unwrap();
    watched.until_rejected("slow_body", 2, SOON).await;
    watched.finish(&["slow_body", "packet"]).await;
}

/// Ended by the system, which is set to give up after 30 s without any progress.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn row_41_an_answer_that_nobody_takes_ends_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), "a page").unwrap();
    std::fs::write(folder.path().join("large.bin"), vec![7; 32 * 1024 * 1024]).unwrap();
    let watched = WatchedServer::with(&[("WEB_DIR", folder.path().to_str().unwrap())]).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(watched.server().address()).await.unwrap();
    let mut raw = Raw::over(stream);
    assert!(raw.send("GET /large.bin HTTP/1.1\r\nhost: x\r\n\r\n").await);
    assert!(raw.head().await.starts_with("HTTP/1.1 200"));
    watched
        .until_rejected("slow_reader", 1, Duration::from_secs(60))
        .await;
    drop(raw);
    watched.finish(&["slow_reader"]).await;
}
