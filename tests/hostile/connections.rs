//! Connections beyond MAX_CONNECTIONS and MAX_CONNECTIONS_PER_IP: a full server is alive, says that
//! it is full, and idle connections keep no client out: row 62.

use std::time::Duration;

use hubbub_test_client::Raw;
use hubbub_test_client::http::{Answer, get};
use hubbub_test_client::polling::connected_by_hand;
use hubbub_test_client::server::Finished;
use hubbub_test_client::{Client, EVENT_TIMEOUT, TestServer, Transport};
use hyper::http::StatusCode;
use tokio::time::{Instant, sleep, timeout};

use crate::HUBBUB;
use crate::watched_server::{WatchedServer, leave};

const GET: &str = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
/// As many as are answered simultaneously with why they are refused.
const RESERVE: usize = 256;

async fn ask(server: &TestServer, path: &str) -> Answer {
    get(server.address(), path).await.unwrap()
}

/// What a container's health check says.
async fn healthcheck(server: &TestServer) -> Finished {
    let port = server.address().port().to_string();
    HUBBUB
        .run_to_end(&[("PORT", &port)], &["--healthcheck"])
        .await
}

/// As a probe asks: it waits three seconds, asks again after a while, and gives up after three
/// failures in a row. One try may be pushed out, if the probe is slower to ask than the flood is to
/// connect.
async fn is_alive_to_a_probe(server: &TestServer) {
    let mut failures = Vec::new();
    while failures.len() < 3 {
        let since = Instant::now();
        let answer = get(server.address(), "/livez").await;
        assert!(since.elapsed() < Duration::from_secs(3), "as a probe waits");
        match answer {
            Ok(answer) => return assert_eq!(answer.status, StatusCode::OK),
            Err(failure) => failures.push(failure),
        }
        // The pause of a probe, though shorter: it does not ask again while it is pushed out.
        sleep(Duration::from_millis(500)).await;
    }
    panic!("{failures:?}");
}

async fn is_alive_and(server: &TestServer, readiness: StatusCode) {
    assert_eq!(ask(server, "/livez").await.status, StatusCode::OK);
    let ready = ask(server, "/readyz").await;
    assert_eq!(ready.status, readiness, "{ready:?}");
    if readiness != StatusCode::OK {
        assert!(ready.body.contains("MAX_CONNECTIONS"), "{ready:?}");
    }
    let health = healthcheck(server).await;
    assert_eq!(health.code, Some(0), "{health:?}");
}

#[tokio::test]
async fn row_63_a_full_server_is_alive_and_not_ready() {
    // The bystander has one of them.
    let watched = WatchedServer::with(&[("MAX_CONNECTIONS", "4")]).await;
    is_alive_and(watched.server(), StatusCode::OK).await;
    let mut inside = Vec::new();
    for _ in 0..3 {
        inside.push(Client::connect(watched.server(), Transport::WebSocket).await);
    }
    for _ in 0..3 {
        is_alive_and(watched.server(), StatusCode::SERVICE_UNAVAILABLE).await;
    }
    for path in ["/", "/socket.io/?EIO=4&transport=polling", "/nothing"] {
        let refused = ask(watched.server(), path).await;
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
        assert_eq!(refused.headers["x-content-type-options"], "nosniff");
        assert!(refused.body.contains("MAX_CONNECTIONS"), "{refused:?}");
    }
    for client in inside {
        leave(client).await;
    }
    watched.until_metric("hubbub_connections", 1).await;
    is_alive_and(watched.server(), StatusCode::OK).await;
    watched.finish(&["connections_full"]).await;
}

/// Those who poll hold no connection between two polls, but all the sessions there may be.
#[tokio::test]
async fn row_63_a_server_full_of_sessions_that_poll_is_not_ready_either() {
    let watched = WatchedServer::with(&[("MAX_CONNECTIONS", "3")]).await;
    let (mut first, _) = connected_by_hand(watched.server().address()).await;
    let (mut second, _) = connected_by_hand(watched.server().address()).await;
    is_alive_and(watched.server(), StatusCode::SERVICE_UNAVAILABLE).await;
    first.post("1".to_owned()).await.unwrap();
    second.post("1".to_owned()).await.unwrap();
    watched.until_metric("hubbub_connections", 1).await;
    is_alive_and(watched.server(), StatusCode::OK).await;
    watched.finish(&[]).await;
}

#[tokio::test]
async fn row_63_a_health_check_does_not_fill_a_server_of_one_place() {
    let server = HUBBUB.start_with(&[("MAX_CONNECTIONS", "1")]).await;
    for _ in 0..5 {
        is_alive_and(&server, StatusCode::OK).await;
    }
    let client = Client::connect(&server, Transport::WebSocket).await;
    for _ in 0..5 {
        is_alive_and(&server, StatusCode::SERVICE_UNAVAILABLE).await;
    }
    leave(client).await;
}

/// Those turned away, who say nothing or begin to, cannot take the place of a health check.
#[tokio::test]
async fn row_63_a_flood_of_connections_turned_away_does_not_hide_that_the_server_lives() {
    hubbub_test_client::server::raise_file_limit().await;
    let watched = WatchedServer::with(&[("MAX_CONNECTIONS", "2")]).await;
    let inside = Client::connect(watched.server(), Transport::WebSocket).await;
    let mut held = Vec::new();
    for bytes in ["", "G", "GET /livez HTTP/1.1\r\nhost: x\r\nx-h0st1le: "] {
        for _ in 0..2 * RESERVE {
            let mut raw = Raw::open(watched.server()).await;
            raw.send(bytes).await;
            held.push(raw);
        }
        is_alive_and(watched.server(), StatusCode::SERVICE_UNAVAILABLE).await;
    }
    watched
        .until_rejected("connections_full", 5 * RESERVE as u64, EVENT_TIMEOUT)
        .await;
    drop(held);
    // While they keep coming.
    let address = watched.server().address();
    let flood = tokio::spawn(async move {
        let mut held = std::collections::VecDeque::new();
        while let Ok(stream) = tokio::net::TcpStream::connect(address).await {
            held.push_back(stream);
            if held.len() > RESERVE {
                held.pop_front();
            }
        }
    });
    for _ in 0..20 {
        is_alive_to_a_probe(watched.server()).await;
    }
    flood.abort();
    leave(inside).await;
    watched.finish(&["connections_full"]).await;
}

/// An idle connection gives way, and nothing that is in use does.
#[tokio::test]
async fn row_63_an_idle_connection_makes_room_on_a_full_server() {
    let watched = WatchedServer::with(&[("MAX_CONNECTIONS", "5")]).await;
    let mut kept = Vec::new();
    for _ in 0..4 {
        let mut raw = Raw::open(watched.server()).await;
        assert!(raw.send(GET).await);
        raw.answer().await;
        kept.push(raw);
    }
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(Client::joined(watched.server(), "tech", "Newcomer").await);
    }
    for mut raw in kept {
        assert_eq!(raw.until_closed().await, "");
    }
    is_alive_and(watched.server(), StatusCode::SERVICE_UNAVAILABLE).await;
    clients[0].events_until_echo("all in").await;
    for client in clients {
        leave(client).await;
    }
    watched.finish(&[]).await;
}

#[cfg(target_os = "linux")]
mod of_one_address {
    use super::*;

    /// Fifty connections of one address: silent, with a part of a request, or kept after one.
    async fn fifty(server: &TestServer, bytes: &str) -> Vec<Raw> {
        let mut held = Vec::new();
        for _ in 0..50 {
            let mut raw = Raw::from("127.0.0.2", server).await;
            raw.send(bytes).await;
            if bytes == GET {
                raw.answer().await;
            }
            held.push(raw);
        }
        held
    }

    #[tokio::test]
    async fn row_63_fifty_connections_of_one_address_lock_nobody_else_out() {
        for bytes in ["", "GET /livez HTTP/1.1\r\nx-h0st1le: ", GET] {
            let settings = [("MAX_CONNECTIONS", "50"), ("MAX_CONNECTIONS_PER_IP", "10")];
            let watched = WatchedServer::with(&settings).await;
            let held = fifty(watched.server(), bytes).await;
            is_alive_and(watched.server(), StatusCode::OK).await;
            let newcomer = Client::joined(watched.server(), "tech", "Newcomer").await;
            let page = ask(watched.server(), "/").await;
            assert_eq!(page.status, StatusCode::OK);
            leave(newcomer).await;
            drop(held);
            watched.finish(&[]).await;
        }
    }

    /// A browser opens six connections for a page, and a client that polls two.
    #[tokio::test]
    async fn row_63_the_limit_leaves_room_for_a_browser_and_tells_others_which_it_is() {
        let watched = WatchedServer::with(&[("MAX_CONNECTIONS_PER_IP", "2")]).await;
        let mut held = Vec::new();
        for _ in 0..10 {
            let mut raw = Raw::from("127.0.0.2", watched.server()).await;
            assert!(raw.send("GET /livez HTTP/1.1\r\nx-h0st1le: x\r\n").await);
            held.push(raw);
        }
        let mut one_more = Raw::from("127.0.0.2", watched.server()).await;
        let request = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: x\r\n\r\n";
        assert!(one_more.send(request).await);
        let refused = one_more.answer().await;
        assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
        assert!(refused.contains("MAX_CONNECTIONS_PER_IP"), "{refused}");
        assert_eq!(one_more.until_closed().await, "");
        // It is the address that is full, and not the server.
        for path in ["/livez", "/readyz"] {
            let mut probe = Raw::from("127.0.0.2", watched.server()).await;
            let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
            assert!(probe.send(request).await);
            assert!(probe.answer().await.starts_with("HTTP/1.1 200"), "{path}");
        }
        for raw in &mut held {
            assert!(raw.send("host: x\r\n\r\n").await);
            assert!(raw.answer().await.starts_with("HTTP/1.1 200"));
        }
        watched.finish(&["address_full"]).await;
    }

    #[tokio::test]
    async fn row_63_a_trusted_proxy_may_have_as_many_connections_as_it_likes() {
        let watched = WatchedServer::with(&[
            ("MAX_CONNECTIONS_PER_IP", "2"),
            ("TRUSTED_PROXIES", "127.0.0.2"),
        ])
        .await;
        let mut pool = fifty(watched.server(), GET).await;
        for raw in &mut pool {
            assert!(raw.send(GET).await);
            let answered = timeout(EVENT_TIMEOUT, raw.answer()).await;
            assert!(answered.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")));
        }
        drop(pool);
        assert_eq!(watched.rejected("address_full").await, 0);
        watched.finish(&[]).await;
    }
}

/// A connection that its client opened a while ago without asking for anything gives way.
#[tokio::test]
async fn row_63_a_silent_connection_makes_room_after_a_while() {
    let watched = WatchedServer::with(&[("MAX_CONNECTIONS", "2")]).await;
    let mut silent = Raw::open(watched.server()).await;
    let given_up = timeout(EVENT_TIMEOUT, async {
        while ask(watched.server(), "/").await.status != StatusCode::OK {
            sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(given_up.await.is_ok());
    assert_eq!(silent.until_closed().await, "");
    watched.finish(&[]).await;
}
