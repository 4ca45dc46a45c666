//! How fast one connection may speak.

use hubbub_test_client::packet::event_frame;
use hubbub_test_client::shape::{assert_accepted, assert_error, assert_refused};
use hubbub_test_client::{Client, Transport};
use hyper::http::StatusCode;
use serde_json::json;

use super::HUBBUB;

/// Sends a burst of `count` messages and returns their acknowledgements.
async fn burst(client: &mut Client, count: u64) -> Vec<serde_json::Value> {
    let frame = |n: u64| {
        let payload = json!({ "text": format!("message {n}") }).to_string();
        event_frame("send_message", Some(&payload), Some(1000 + n))
    };
    client.send_all((0..count).map(frame).collect());
    let mut answers = Vec::new();
    for n in 0..count {
        answers.push(client.answer(1000 + n).await);
    }
    answers
}

#[tokio::test]
async fn a_humans_burst_is_not_limited() {
    for transport in Transport::ALL {
        let server = HUBBUB.start().await;
        let mut ada = Client::connect(&server, transport).await;
        ada.join("tech", "Ada").await;
        for answer in burst(&mut ada, 50).await {
            assert_accepted(&answer);
        }
    }
}

#[tokio::test]
async fn beyond_the_burst_messages_are_refused_until_the_time_told() {
    let server = HUBBUB
        .start_with(&[("MESSAGE_RATE", "1"), ("MESSAGE_BURST", "3")])
        .await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let answers = burst(&mut ada, 20).await;
    let (accepted, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer["ok"] == true);
    assert!(
        answers[..3].iter().all(|answer| answer["ok"] == true),
        "{answers:?}"
    );
    assert!(!refused.is_empty());
    for answer in refused {
        assert_refused(answer, "rate_limited");
    }
    for answer in accepted {
        assert_eq!(ada.next_message().await["id"], answer["id"]);
    }
    retry_when_told(&mut ada).await;
}

/// Sends one message again and again, after the time each refusal asks for, until it is accepted.
async fn retry_when_told(client: &mut Client) {
    let payload = json!({ "text": "now?" });
    for _ in 0..10 {
        let answer = client.ask("send_message", &payload).await;
        if answer["ok"] == true {
            return;
        }
        assert_refused(&answer, "rate_limited");
        let wait = answer["error"]["retry_after_ms"].as_u64().unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
    }
    panic!("waiting for as long as was asked for never helped");
}

#[tokio::test]
async fn without_acknowledgement_the_refusal_is_an_error_event() {
    let server = HUBBUB
        .start_with(&[("MESSAGE_RATE", "1"), ("MESSAGE_BURST", "1")])
        .await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    for _ in 0..20 {
        ada.say("fast");
    }
    assert_error(&ada.wait_for("error").await, "send_message", "rate_limited");
}

#[tokio::test]
async fn one_connections_haste_is_nobody_elses() {
    let server = HUBBUB
        .start_with(&[("MESSAGE_RATE", "1"), ("MESSAGE_BURST", "1")])
        .await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    burst(&mut ada, 20).await;
    assert_accepted(&bob.ask("send_message", &json!({ "text": "calmly" })).await);
}

#[tokio::test]
async fn a_rate_of_zero_limits_nothing() {
    let server = HUBBUB
        .start_with(&[("MESSAGE_RATE", "0"), ("MESSAGE_BURST", "1")])
        .await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    for answer in burst(&mut ada, 500).await {
        assert_accepted(&answer);
    }
}

#[tokio::test]
async fn a_connection_too_many_is_told_so_and_the_others_go_on() {
    let server = HUBBUB.start_with(&[("MAX_CONNECTIONS", "2")]).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let bob = Client::joined(&server, "tech", "Bob").await;
    let refused = hubbub_test_client::http::get(server.address(), "/")
        .await
        .unwrap();
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
    drop(bob);
    ada.wait_for_kind("left").await;
    ada.say("still here");
    assert_eq!(ada.next_message().await["text"], "still here");
    Client::connect(&server, Transport::WebSocket)
        .await
        .greeted()
        .await;
}

/// Whoever comes back and resumes must not be held up by what else it asks, nor the other way
/// round.
#[tokio::test]
async fn joins_and_history_have_a_budget_of_their_own() {
    let settings = [("MESSAGE_RATE", "1"), ("MESSAGE_BURST", "2")];
    let server = HUBBUB.start_with(&settings).await;
    let mut ada = Client::connect(&server, Transport::WebSocket).await;
    let session = ada.greeted().await;
    let told = |name: &str| session["limits"][name].as_u64().unwrap();
    assert_eq!((told("request_burst"), told("history_burst")), (8, 8));
    ada.join("tech", "Ada").await;

    let others = until_refused(&mut ada, "list_users", &json!({})).await;
    assert!(others >= 8, "{others} lists");
    assert_accepted(&ada.ask("send_message", &json!({ "text": "hi" })).await);
    let pages = until_refused(&mut ada, "get_history", &json!({ "limit": 1 })).await;
    assert!(pages >= 7, "{pages} pages after a join");
    let join = json!({ "room_name": "tech", "username": "Ada" });
    until_refused(&mut ada, "join_room", &join).await;
}

/// How many requests are accepted before the first that comes too fast.
async fn until_refused(client: &mut Client, event: &str, payload: &serde_json::Value) -> usize {
    for accepted in 0..10_000 {
        let answer = client.ask(event, payload).await;
        if answer["ok"] != true {
            assert_refused(&answer, "rate_limited");
            return accepted;
        }
    }
    panic!("{event} is never refused");
}
