//! What may be posted: rows 37, 38.

use std::time::Duration;

use hubbub_test_client::Raw;
use hubbub_test_client::polling::{Endpoint, SEPARATOR, connected_by_hand};
use hyper::http::StatusCode;

use crate::watched_server::WatchedServer;

/// More than any packet may have, with the default settings.
const TOO_LARGE: usize = 1_200_000;

/// Checks that the session is gone.
async fn is_closed(session: &Endpoint) {
    // What was still queued for the session may come first.
    for _ in 0..3 {
        // Over a line of its own: the other may be on its way down.
        if session.clone().poll().await.unwrap().status == StatusCode::BAD_REQUEST {
            return;
        }
    }
    panic!("the session lives");
}

#[tokio::test]
async fn row_37_a_body_that_is_too_large_ends_the_session() {
    let watched = WatchedServer::start().await;
    let (mut eve, _) = connected_by_hand(watched.server().address()).await;
    let text = format!(
        "42[\"send_message\",{{\"text\":\"{}\"}}]",
        "x".repeat(TOO_LARGE)
    );
    // The answer can be lost: the server closes while it is still being written to.
    if let Ok(answer) = eve.post(text).await {
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{answer:?}");
    }
    is_closed(&eve).await;
    watched.finish(&["payload_too_large", "packet"]).await;
}

#[tokio::test]
async fn row_37_a_body_without_end_ends_the_session_and_the_connection() {
    let watched = WatchedServer::start().await;
    let (eve, _) = connected_by_hand(watched.server().address()).await;
    let mut raw = Raw::open(watched.server()).await;
    let head = format!(
        "POST /socket.io/?EIO=4&transport=polling&sid={} HTTP/1.1\r\nhost: x\r\n\
         transfer-encoding: chunked\r\n\r\n",
        eve.sid()
    );
    assert!(raw.send(head).await);
    let chunk = format!("{:x}\r\n{}\r\n", 10_000, "x".repeat(10_000));
    let said = raw
        .flood_until_closed(chunk.as_bytes(), Duration::from_secs(20))
        .await;
    assert!(
        said.is_empty() || said.starts_with("HTTP/1.1 413"),
        "{said}"
    );
    is_closed(&eve).await;
    watched.finish(&["payload_too_large", "packet"]).await;
}

#[tokio::test]
async fn row_38_a_body_of_many_packets_ends_the_session() {
    let watched = WatchedServer::start().await;
    for (packet, count) in [
        ("3", 1600),
        ("3", 30_000),
        (r#"42["h0st1le"]"#, 30_000),
        ("", 2000),
    ] {
        let (mut eve, _) = connected_by_hand(watched.server().address()).await;
        let before = watched.rejected("unknown_event").await;
        let body = vec![packet; count].join(&SEPARATOR.to_string());
        let answer = eve.post(body).await.unwrap();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{packet} {count}");
        is_closed(&eve).await;
        let done = watched.rejected("unknown_event").await - before;
        assert!(done <= 1000, "{done} were handled");
    }
    watched.finish(&["too_many_packets", "packet"]).await;
}

#[tokio::test]
async fn row_38_a_body_of_a_thousand_packets_is_taken() {
    let watched = WatchedServer::start().await;
    let (mut eve, _) = connected_by_hand(watched.server().address()).await;
    for packet in ["3", r#"42["h0st1le"]"#] {
        let body = vec![packet; 1000].join(&SEPARATOR.to_string());
        assert_eq!(eve.post(body).await.unwrap().status, StatusCode::OK);
    }
    assert_eq!(watched.rejected("unknown_event").await, 1000);
    eve.post("1".to_owned()).await.unwrap();
    watched.finish(&["unknown_event"]).await;
}
