//! Handshakes that no client claims: row 40.

use std::time::Duration;

use hubbub_test_client::EVENT_TIMEOUT;
use hubbub_test_client::http::Line;
use hyper::http::{Method, StatusCode};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::watched_server::WatchedServer;

const OPENING: &str = "/socket.io/?EIO=4&transport=polling";

#[tokio::test]
async fn row_40_many_handshakes_that_nobody_claims_hold_little_and_go() {
    const LINES: usize = 8;
    const EACH: usize = 2500;
    let watched = WatchedServer::with(&[("CONNECT_TIMEOUT", "1s")]).await;
    let before = watched.server().resident_kib();
    let mut lines = JoinSet::new();
    for _ in 0..LINES {
        let address = watched.server().address();
        lines.spawn(async move {
            let mut line = Line::new(address);
            for _ in 0..EACH {
                let answer = line.get(OPENING).await.unwrap();
                assert_eq!(answer.status, StatusCode::OK);
            }
            assert_eq!(line.opened(), 1);
        });
    }
    lines.join_all().await;
    let grown = watched.server().resident_kib().saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} KiB");
    watched.until_metric("hubbub_connections", 1).await;
    watched.finish(&["connect_timeout"]).await;
}

#[tokio::test]
async fn row_40_an_address_that_opens_too_many_too_fast_is_told_to_wait() {
    let watched =
        WatchedServer::with(&[("CONNECT_RATE_PER_IP", "5"), ("CONNECT_TIMEOUT", "1s")]).await;
    let mut line = Line::new(watched.server().address());
    let (mut refused, mut told) = (0, Duration::ZERO);
    for _ in 0..200 {
        let answer = line
            .request(Method::GET, OPENING, &[], String::new())
            .await
            .unwrap();
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            let seconds = answer.headers["retry-after"].to_str().unwrap();
            told = Duration::from_secs(seconds.parse().unwrap());
            refused += 1;
        }
    }
    assert!(refused > 100, "{refused}");
    assert!(!told.is_zero() && told < EVENT_TIMEOUT, "{told:?}");
    // A client that waits for `retry-after` is accepted, and so is `finish` after that.
    sleep(told).await;
    assert_eq!(line.get(OPENING).await.unwrap().status, StatusCode::OK);
    watched.finish(&["connect_rate"]).await;
}
