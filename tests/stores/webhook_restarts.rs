//! Outgoing webhooks over the end of a server, in order and not: the next one goes on from the
//! cursor.

use hubbub_test_client::http::Line;
use hubbub_test_client::shape::assert_accepted;
use hubbub_test_client::{Backing, Client, Reaction, Receiver, TestServer};
use hyper::http::{Method, StatusCode};
use serde_json::json;

use super::HUBBUB;

const ADMIN: (&str, &str) = ("ADMIN_TOKEN", "the-token-of-the-admin-of-a-test-server");

async fn start(backing: &Backing) -> TestServer {
    let settings = [
        ADMIN,
        ("WEBHOOK_ALLOW", "127.0.0.1"),
        ("MESSAGE_RATE", "0"),
        ("HISTORY_MESSAGES", "10"),
        ("SLOW_TIMEOUT", "10m"),
    ];
    HUBBUB
        .start_with(&[&backing.settings()[..], &settings].concat())
        .await
}

async fn add(server: &TestServer, receiver: &Receiver) {
    let headers = [
        ("authorization", format!("Bearer {}", ADMIN.1)),
        ("content-type", "application/json".to_owned()),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value));
    let new = json!({ "url": receiver.url(), "events": ["message"] });
    let mut line = Line::new(server.address());
    let path = "/api/v1/webhooks";
    let adding = line.request(Method::POST, path, &headers, new.to_string());
    let answer = adding.await.unwrap();
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
}

async fn send(sender: &mut Client, numbers: std::ops::Range<usize>) {
    for n in numbers {
        let message = json!({ "text": n.to_string() });
        assert_accepted(&sender.ask("send_message", &message).await);
    }
}

#[tokio::test]
async fn deliveries_go_on_where_they_were() {
    for signal in ["TERM", "KILL"] {
        let Some(backing) = Backing::of(HUBBUB.store()).await else {
            return;
        };
        let mut receiver = Receiver::start().await;
        let mut server = start(&backing).await;
        add(&server, &receiver).await;
        let mut ada = Client::joined(&server, "tech", "Ada").await;
        send(&mut ada, 0..30).await;
        receiver.expect_numbers(0..30).await;
        receiver.always(Some(Reaction::Status(500, None)));
        send(&mut ada, 30..60).await;
        assert_eq!(receiver.request().await.status, 500);
        drop(ada);
        server.signal(signal).await;
        server.exit().await;
        receiver.always(None);
        let _before = receiver.pending();

        let server = start(&backing).await;
        let mut ada = Client::joined(&server, "tech", "Ada").await;
        send(&mut ada, 60..70).await;
        receiver.expect_numbers(30..70).await;
    }
}

/// Nothing was on its way, so nothing comes twice.
#[tokio::test]
async fn what_was_delivered_before_an_orderly_end_is_not_delivered_again() {
    let Some(backing) = Backing::of(HUBBUB.store()).await else {
        return;
    };
    let mut receiver = Receiver::start().await;
    let mut server = start(&backing).await;
    add(&server, &receiver).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    send(&mut ada, 0..5).await;
    receiver.expect_numbers(0..5).await;
    server.signal("TERM").await;
    server.exit().await;
    let server = start(&backing).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    send(&mut ada, 5..6).await;
    let next = receiver.request().await;
    assert_eq!(next.body["data"]["text"], "5");
}
