//! Nodes of one service, and what tests do with several of them again and again.

use std::time::Duration;

use hubbub_test_client::http::get;
use hubbub_test_client::redis::Redis;
use hubbub_test_client::shape::assert_accepted;
use hubbub_test_client::{Client, EVENT_TIMEOUT, Event, TestServer};
use hyper::http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep};

use crate::HUBBUB;

/// What all nodes of a service must share.
pub const KEY: &str = "a key that all the nodes of one service have in common";

/// How long something may take to show on the other nodes.
pub const SHOWN: Duration = Duration::from_secs(1);
/// How long the members of a killed node may be seen.
pub const LEASE: Duration = Duration::from_secs(15);
/// Longer than a lease and a renewal, for tests of what a lease that runs out must not do where
/// nothing announces that it would.
pub const LEASE_IS_OVER: Duration = Duration::from_secs(10);
/// How long a refusal may take while Redis is away.
pub const REFUSED: Duration = Duration::from_secs(5);
/// How long everything may take to be well again once Redis is back.
pub const HEALED: Duration = Duration::from_secs(5);
/// What a busy machine may add to each of them.
pub const SLACK: Duration = Duration::from_secs(2);

/// Held by tests that keep the processor busy: two of them at a time would measure each other.
pub async fn only_busy_test() -> MutexGuard<'static, ()> {
    static BUSY: Mutex<()> = Mutex::const_new(());
    BUSY.lock().await
}

/// Starts a node, without waiting until it is ready.
pub async fn launched(url: &str, settings: &[(&str, &str)]) -> TestServer {
    let own = [
        ("SECRET_KEY", KEY),
        ("REDIS_URL", url),
        ("METRICS_ADDR", "127.0.0.1:0"),
    ];
    HUBBUB.start_with(&[&own[..], settings].concat()).await
}

/// Starts a node, and waits until it is ready.
pub async fn node(url: &str, settings: &[(&str, &str)]) -> TestServer {
    let server = launched(url, settings).await;
    until_ready(&server, EVENT_TIMEOUT).await;
    server
}

/// Starts so many of them.
pub async fn nodes<const N: usize>(url: &str, settings: &[(&str, &str)]) -> [TestServer; N] {
    let mut servers = Vec::new();
    for _ in 0..N {
        servers.push(node(url, settings).await);
    }
    servers.try_into().ok().expect("so many were started")
}

/// Waits until something holds, which nothing announces: it is looked at every 20 ms.
pub async fn until(patience: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !holds().await {
        assert!(Instant::now() < deadline, "not within {patience:?}: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until Redis knows so many nodes: those whose lease is over have been ended by the others.
pub async fn until_nodes_are(redis: &Redis, count: i64) {
    until(LEASE + SLACK, "the dead nodes are ended", async || {
        redis.ask(&["SCARD", "hubbub:nodes"]).await.number() == count
    })
    .await;
}

/// Waits until all leases are over, as when no node reaches Redis.
pub async fn until_leases_are_over(redis: &Redis) {
    until(LEASE + SLACK, "all leases are over", async || {
        let keys = redis.keys().await;
        !keys.iter().any(|key| key.starts_with("hubbub:lease:"))
    })
    .await;
}

/// Whether a node wants new connections.
pub async fn is_ready(server: &TestServer) -> bool {
    let answer = get(server.address(), "/readyz").await.unwrap();
    answer.status == StatusCode::OK
}

/// Waits until a node wants new connections.
pub async fn until_ready(server: &TestServer, patience: Duration) {
    until(patience, "ready", async || is_ready(server).await).await;
}

/// Waits until a node wants none.
pub async fn until_not_ready(server: &TestServer, patience: Duration) {
    until(patience, "not ready", async || !is_ready(server).await).await;
}

/// Waits until a request is accepted that may be refused as `unavailable`. Returns the answer.
pub async fn until_accepted(
    client: &mut Client,
    patience: Duration,
    event: &str,
    payload: &Value,
) -> Value {
    let deadline = Instant::now() + patience;
    loop {
        let answer = client.ask(event, payload).await;
        if answer["ok"] == true {
            return answer;
        }
        assert_eq!(answer["error"]["code"], "unavailable", "{answer}");
        assert!(
            Instant::now() < deadline,
            "not within {patience:?}: {answer}"
        );
        sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until exactly these are listed in the client's room.
pub async fn until_listed(client: &mut Client, patience: Duration, names: &[&str]) {
    let mut wanted = names.to_vec();
    wanted.sort_unstable();
    let deadline = Instant::now() + patience;
    loop {
        let answer = client.ask("list_users", &json!({})).await;
        assert_accepted(&answer);
        let users = answer["users"].as_array().unwrap();
        let mut listed: Vec<_> = users.iter().map(|user| user["username"].as_str()).collect();
        listed.sort_unstable();
        if listed.into_iter().eq(wanted.iter().copied().map(Some)) && answer["total"] == names.len()
        {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "not within {patience:?}: {names:?} in {answer}"
        );
        sleep(Duration::from_millis(20)).await;
    }
}

/// Says something that must be accepted. Returns its id.
pub async fn said(client: &mut Client, text: &str) -> u64 {
    let answer = client.ask("send_message", &json!({ "text": text })).await;
    assert_accepted(&answer);
    answer["id"].as_u64().unwrap()
}

/// The texts of the notices among events.
pub fn notices(events: &[Event]) -> Vec<&str> {
    let notices = events.iter().filter(|e| e.name == "system_message");
    notices.map(|e| e["text"].as_str().unwrap()).collect()
}

/// The ids of everything that stands in the log among events.
pub fn ids(events: &[Event]) -> Vec<u64> {
    let entries = events
        .iter()
        .filter(|e| matches!(e.name.as_str(), "system_message" | "receive_message"));
    entries.map(|e| e["id"].as_u64().unwrap()).collect()
}

/// A join that resumes.
pub fn resuming(room: &str, name: &str, epoch: &Value, id: u64) -> Value {
    json!({ "room_name": room, "username": name, "after": { "epoch": epoch, "id": id } })
}
