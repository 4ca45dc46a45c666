//! Outgoing webhooks of several nodes: one of them delivers, and another one goes on when it is
//! gone.

use std::time::Duration;

use hubbub_test_client::http::Line;
use hubbub_test_client::redis::{Keeps, Redis};
use hubbub_test_client::{Client, Metrics, Reaction, Receiver, TestServer};
use hyper::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::nodes::{SLACK, nodes, said, until};

const ADMIN: (&str, &str) = ("ADMIN_TOKEN", "an admin's token of this test, long enough");
const DELIVERED: &str = "hubbub_webhook_deliveries_total{outcome=\"delivered\"}";
/// How long the webhooks of a killed node may rest.
const TAKEN_OVER: Duration = Duration::from_secs(8);

async fn api(node: &TestServer, method: Method, path: &str, body: Option<&Value>) -> Value {
    let headers = [
        ("authorization", format!("Bearer {}", ADMIN.1)),
        ("content-type", "application/json".to_owned()),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value));
    let mut line = Line::new(node.address());
    let path = format!("/api/v1/{path}");
    let body = body.map(Value::to_string).unwrap_or_default();
    let answer = line.request(method, &path, &headers, body).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

async fn add(node: &TestServer, receiver: &Receiver) -> Value {
    let new = json!({ "url": receiver.url(), "events": ["message"] });
    api(node, Method::POST, "webhooks", Some(&new)).await
}

async fn say(client: &mut Client, numbers: std::ops::Range<usize>) {
    for n in numbers {
        said(client, &n.to_string()).await;
    }
}

#[tokio::test]
async fn one_node_delivers_and_another_takes_over_when_it_is_gone() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let settings = [ADMIN, ("WEBHOOK_ALLOW", "127.0.0.1"), ("MESSAGE_RATE", "0")];
    for signal in ["TERM", "KILL"] {
        let [one, two] = nodes(&redis.url(), &settings).await;
        let mut receiver = Receiver::start().await;
        let webhook = add(&two, &receiver).await;
        let mut ada = Client::joined(&one, "tech", "Ada").await;
        let mut bob = Client::joined(&two, "tech", "Bob").await;
        say(&mut ada, 0..20).await;
        bob.events_until_message("19").await;
        say(&mut bob, 20..40).await;
        receiver.expect_numbers(0..40).await;
        // Each came once, from one node.
        assert_eq!(receiver.pending().len(), 0);
        let counted = async || {
            let one = Metrics::of(&one).value(DELIVERED).await;
            (one, Metrics::of(&two).value(DELIVERED).await)
        };
        until(SLACK, "one node has delivered all", async || {
            matches!(counted().await, (0, 40) | (40, 0))
        })
        .await;
        let is_one = Metrics::of(&one).value(DELIVERED).await == 40;
        let (mut active, mut other, mut sender) = if is_one {
            (one, two, bob)
        } else {
            (two, one, ada)
        };
        assert!(other.is_running());
        receiver.always(Some(Reaction::Status(500, None)));
        say(&mut sender, 40..50).await;
        assert_eq!(receiver.request().await.status, 500);
        active.signal(signal).await;
        active.exit().await;
        receiver.always(None);
        say(&mut sender, 50..60).await;
        let since = tokio::time::Instant::now();
        receiver.expect_numbers(40..60).await;
        assert!(
            since.elapsed() < TAKEN_OVER + SLACK,
            "{:?}",
            since.elapsed()
        );
        until(SLACK, "all is delivered", async || {
            let listed = api(&other, Method::GET, "webhooks", None).await;
            let status = &listed["webhooks"][0];
            status["delivered"] == 60 && status["state"] == "active"
        })
        .await;
        let remove = format!("webhooks/{}", webhook["id"].as_str().unwrap());
        api(&other, Method::DELETE, &remove, None).await;
    }
}
