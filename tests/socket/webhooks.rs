//! Outgoing webhooks: every entry, in order and signed, whatever the receiver answers.

use std::time::Duration;

use hubbub_test_client::http::{Answer, Line};
use hubbub_test_client::packet::event_frame;
use hubbub_test_client::shape::assert_timestamp;
use hubbub_test_client::tokens::{KEY, made};
use hubbub_test_client::{Client, EVENT_TIMEOUT, Reaction, Receiver, TestServer};
use hyper::http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::HUBBUB;

const ADMIN: (&str, &str) = ("ADMIN_TOKEN", "the-token-of-the-admin-of-a-test-server");
const LOCAL: (&str, &str) = ("WEBHOOK_ALLOW", "127.0.0.1");
const UNLIMITED: (&str, &str) = ("MESSAGE_RATE", "0");

async fn call(server: &TestServer, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let bearer = format!("Bearer {}", ADMIN.1);
    let mut headers = vec![("authorization".to_owned(), bearer)];
    if body.is_some() {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    let body = body.map(Value::to_string).unwrap_or_default();
    let path = format!("/api/v1/{path}");
    let mut line = Line::new(server.address());
    line.request(method, &path, &headers, body).await.unwrap()
}

/// A call that must succeed.
async fn done(server: &TestServer, method: Method, path: &str, body: Option<&Value>) -> Value {
    let answer = call(server, method, path, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

async fn add(server: &TestServer, body: &Value) -> Value {
    done(server, Method::POST, "webhooks", Some(body)).await
}

async fn list(server: &TestServer) -> Value {
    done(server, Method::GET, "webhooks", None).await["webhooks"].clone()
}

/// Waits until the only webhook is as a test says, which nothing announces.
async fn until(server: &TestServer, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + EVENT_TIMEOUT;
    loop {
        let listed = list(server).await;
        if holds(&listed[0]) {
            return listed[0].clone();
        }
        assert!(Instant::now() < deadline, "not in time: {what}: {listed}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Sends messages with these numbers as texts, and waits until the sender has received them.
async fn send(sender: &mut Client, numbers: std::ops::Range<usize>) {
    let last = numbers.end - 1;
    let payload = |n: usize| json!({ "text": n.to_string() }).to_string();
    let frame = |n: usize| event_frame("send_message", Some(&payload(n)), None);
    sender.send_all(numbers.map(frame).collect());
    sender.events_until_message(&last.to_string()).await;
}

#[tokio::test]
async fn every_kind_of_entry_is_delivered_signed_and_in_order() {
    let mut receiver = Receiver::start().await;
    let server = HUBBUB.start_with(&[ADMIN, LOCAL]).await;
    let mut alice = Client::joined(&server, "tech", "Alice").await;
    alice.events_until_echo("before").await;
    let new = json!({ "url": receiver.url(), "rooms": ["tech"] });
    let webhook = add(&server, &new).await;
    let secret = webhook["secret"].as_str().unwrap();
    assert_timestamp(&webhook["created_at"]);
    assert_eq!(
        (&webhook["state"], &webhook["by"]),
        (&json!("active"), &json!("root-admin"))
    );

    alice.say("hello");
    let hello = alice.next_message().await;
    let message = receiver.accepted().await;
    assert_eq!(
        (message.kind(), &message.body["data"]),
        ("message", &hello.payload)
    );
    assert_eq!(message.body["timestamp"], hello["timestamp"]);
    assert_eq!(message.headers["content-type"], "application/json");
    assert_eq!(message.path, "/receive?token=of-the-receiver");
    message.assert_signed(secret);
    let edit = json!({ "id": hello["id"], "text": "hello, world" });
    alice.ask("edit_message", &edit).await;
    let changed = receiver.accepted().await;
    assert_eq!(changed.kind(), "message_changed");
    assert_eq!(changed.body["data"]["of"], hello["id"]);
    let bob = Client::joined(&server, "tech", "Bob").await;
    let joined = receiver.accepted().await;
    assert_eq!(
        (joined.kind(), &joined.body["data"]["kind"]),
        ("system_message", &json!("joined"))
    );
    joined.assert_signed(secret);
    // Not of a room that it does not have.
    let eve = Client::joined(&server, "music", "Eve").await;
    eve.say("elsewhere");
    bob.say("here");
    assert_eq!(receiver.accepted().await.body["data"]["text"], "here");

    let listed = until(&server, "delivered", |webhook| webhook["delivered"] == 4).await;
    assert_eq!(
        (&listed["state"], &listed["behind"]),
        (&json!("active"), &json!(0))
    );
    assert_eq!(listed["secret"], Value::Null);
    let test = format!("webhooks/{}/test", webhook["id"].as_str().unwrap());
    let test = done(&server, Method::POST, &test, None).await;
    assert_eq!(
        test,
        json!({ "delivered": true, "status": 200, "body": "received" })
    );
    let ping = receiver.accepted().await;
    assert_eq!(ping.kind(), "ping");
    ping.assert_signed(secret);
    // Neither the secret nor the receiver's own is in what the server says.
    let audit = done(&server, Method::GET, "audit", None).await.to_string();
    assert!(audit.contains("webhook_added"), "{audit}");
    for said in [server.log(), audit] {
        assert!(
            !said.contains(&secret[10..]) && !said.contains("of-the-receiver"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn nothing_is_lost_or_out_of_order_while_a_receiver_fails() {
    const MESSAGES: usize = 60;
    let mut receiver = Receiver::start().await;
    let server = HUBBUB.start_with(&[ADMIN, LOCAL, UNLIMITED]).await;
    let mut alice = Client::joined(&server, "tech", "Alice").await;
    let new = json!({ "url": receiver.url(), "events": ["message"] });
    let webhook = add(&server, &new).await;
    let elsewhere = format!("http://127.0.0.1:{}/elsewhere", receiver.port());
    receiver.plan([
        Reaction::Status(500, None),
        Reaction::Status(200, None),
        Reaction::Drop,
        Reaction::Status(302, Some(("location", elsewhere))),
        Reaction::Status(200, None),
        Reaction::Status(429, Some(("retry-after", "1".to_owned()))),
        Reaction::Drop,
        Reaction::Status(204, None),
        Reaction::Late(Duration::from_secs(11)),
    ]);
    send(&mut alice, 0..MESSAGES).await;
    let first = receiver.request().await;
    let again = receiver.request().await;
    assert_eq!((first.status, again.status), (500, 200));
    // The same payload under the same id, so that a receiver knows it again.
    assert_eq!((&first.id, &first.text), (&again.id, &again.text));
    assert_eq!(again.body["data"]["text"], "0");
    let accepted = receiver.expect_numbers(1..MESSAGES).await;
    let secret = webhook["secret"].as_str().unwrap();
    for received in &accepted {
        received.assert_signed(secret);
        // No redirect was followed.
        assert!(!received.path.contains("elsewhere"));
    }
    let listed = until(&server, "all", |webhook| webhook["delivered"] == MESSAGES).await;
    assert_eq!(
        (&listed["state"], &listed["failing_since"]),
        (&json!("active"), &Value::Null)
    );
}

#[tokio::test]
async fn a_webhook_that_fails_for_too_long_is_paused_and_resumes_where_it_was() {
    let mut receiver = Receiver::start().await;
    let settings = [ADMIN, LOCAL, ("WEBHOOK_RETRY_FOR", "1s")];
    let server = HUBBUB.start_with(&settings).await;
    let mut alice = Client::joined(&server, "tech", "Alice").await;
    let new = json!({ "url": receiver.url(), "events": ["message"] });
    let webhook = add(&server, &new).await;
    let id = webhook["id"].as_str().unwrap();
    receiver.always(Some(Reaction::Status(503, None)));
    send(&mut alice, 0..3).await;
    let failing = |webhook: &Value| webhook["state"] != "active";
    let listed = until(&server, "failing", failing).await;
    assert!(
        listed["last_error"].as_str().unwrap().contains("503"),
        "{listed}"
    );
    assert_timestamp(&listed["failing_since"]);
    let paused = |webhook: &Value| webhook["state"] == "paused";
    let listed = until(&server, "paused", paused).await;
    assert_timestamp(&listed["paused_since"]);
    assert_eq!(
        (&listed["behind"], &listed["delivered"]),
        (&json!(3), &json!(0))
    );
    receiver.pending();
    receiver.always(None);
    send(&mut alice, 3..5).await;
    let resume = format!("webhooks/{id}/resume");
    done(&server, Method::POST, &resume, None).await;
    receiver.expect_numbers(0..5).await;
    until(&server, "active", |webhook| webhook["delivered"] == 5).await;

    // Who wants nothing more is asked once.
    receiver.plan([Reaction::Status(410, None)]);
    send(&mut alice, 5..6).await;
    assert_eq!(receiver.request().await.status, 410);
    until(&server, "paused", paused).await;
    assert_eq!(receiver.pending().len(), 0);
    let remove = format!("webhooks/{id}");
    done(&server, Method::DELETE, &remove, None).await;
    assert_eq!(list(&server).await, json!([]));
    for (method, path) in [(Method::DELETE, remove), (Method::POST, resume)] {
        let answer = call(&server, method, &path, None).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    // Another one is a fence: the removed one would be faster.
    let mut other = Receiver::start().await;
    add(
        &server,
        &json!({ "url": other.url(), "events": ["message"] }),
    )
    .await;
    send(&mut alice, 6..7).await;
    other.expect_numbers(6..7).await;
    assert_eq!(receiver.pending().len(), 0);
}

#[tokio::test]
async fn what_the_room_no_longer_has_is_a_gap() {
    let mut receiver = Receiver::start().await;
    let settings = [
        ADMIN,
        LOCAL,
        UNLIMITED,
        ("HISTORY_MESSAGES", "10"),
        ("SLOW_TIMEOUT", "0"),
    ];
    let server = HUBBUB.start_with(&settings).await;
    let mut alice = Client::joined(&server, "tech", "Alice").await;
    receiver.plan([Reaction::Status(500, Some(("retry-after", "2".to_owned())))]);
    let new = json!({ "url": receiver.url(), "events": ["message"], "rooms": ["tech"] });
    add(&server, &new).await;
    send(&mut alice, 0..1).await;
    assert_eq!(receiver.request().await.status, 500);
    send(&mut alice, 1..60).await;
    let mut seen = Vec::new();
    let mut gaps = Vec::new();
    while seen.last() != Some(&59) {
        let next = receiver.accepted().await;
        match next.kind() {
            "gap" => gaps.push(next.body["data"].clone()),
            _ => {
                let text = next.body["data"]["text"].as_str().unwrap();
                seen.push(text.parse::<usize>().unwrap());
            }
        }
    }
    assert!(seen.is_sorted(), "{seen:?}");
    let lost = 60 - seen.len();
    if HUBBUB.store().keeps_all_messages() {
        assert_eq!((lost, gaps.len()), (0, 0), "{seen:?}");
    } else {
        let of_gap = |gap: &Value| 1 + gap["to"].as_u64().unwrap() - gap["from"].as_u64().unwrap();
        assert!(lost > 0 && gaps[0]["room"] == "tech", "{gaps:?}");
        assert_eq!(
            gaps.iter().map(of_gap).sum::<u64>(),
            lost as u64,
            "{gaps:?}"
        );
    }
}

#[tokio::test]
async fn no_spelling_of_an_address_reaches_what_is_not_public() {
    let mut receiver = Receiver::start().await;
    let server = HUBBUB.start_with(&[ADMIN, KEY]).await;
    let port = receiver.port();
    for host in [
        "127.0.0.1",
        "[::1]",
        "localhost",
        "LOCALHOST",
        "10.0.0.1",
        "169.254.169.254",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "0",
        "[::ffff:127.0.0.1]",
        "[::]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "192.168.0.1",
        "100.64.0.1",
        "[fd00::1]",
    ] {
        let new = json!({ "url": format!("http://{host}:{port}/") });
        let answer = call(&server, Method::POST, "webhooks", Some(&new)).await;
        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "{host}: {}",
            answer.body
        );
        assert!(
            answer.body.contains("WEBHOOK_ALLOW"),
            "{host}: {}",
            answer.body
        );
    }
    let moderator = made(HUBBUB, &["--role", "moderator", "--name", "Mo"]).await;
    let bearer = format!("Bearer {}", moderator["token"].as_str().unwrap());
    let headers = [("authorization".to_owned(), bearer)];
    let mut line = Line::new(server.address());
    let asked = line.request(Method::GET, "/api/v1/webhooks", &headers, String::new());
    assert_eq!(asked.await.unwrap().status, StatusCode::FORBIDDEN);
    for new in [
        json!({}),
        json!({ "url": "ftp://example.com" }),
        json!({ "url": "https://me:pw@example.com" }),
        json!({ "url": "nonsense" }),
        json!({ "url": "http://no-such-host.invalid/" }),
        json!({ "url": "https://1.1.1.1/", "events": ["everything"] }),
        json!({ "url": "https://1.1.1.1/", "events": [] }),
        json!({ "url": "https://1.1.1.1/", "rooms": [] }),
        json!({ "url": "https://1.1.1.1/", "colour": "blue" }),
    ] {
        let answer = call(&server, Method::POST, "webhooks", Some(&new)).await;
        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "{new}: {}",
            answer.body
        );
    }
    let unknown = json!({ "url": "https://1.1.1.1/", "rooms": ["nowhere"] });
    let answer = call(&server, Method::POST, "webhooks", Some(&unknown)).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.body);
    assert_eq!(list(&server).await, json!([]));
    assert_eq!(receiver.pending().len(), 0);

    // A name that is allowed by itself is, whatever it resolves to.
    let server = HUBBUB
        .start_with(&[ADMIN, ("WEBHOOK_ALLOW", "localhost")])
        .await;
    let url = format!("http://localhost:{port}/");
    add(&server, &json!({ "url": url })).await;
    let alice = Client::joined(&server, "tech", "Alice").await;
    alice.say("hello");
    assert_eq!(receiver.accepted().await.kind(), "system_message");
}
