//! Engine.IO beneath the chat: several packets in one body, the upgrade, the heartbeat.

use hubbub_test_client::packet::event_frame;
use hubbub_test_client::polling::{Endpoint, SEPARATOR, connected_by_hand};
use hubbub_test_client::{Client, Dial, Transport};
use hyper::http::StatusCode;
use serde_json::json;

use super::HUBBUB;

fn numbered(texts: std::ops::Range<u32>) -> Vec<String> {
    let payload = |n| json!({ "text": format!("number {n}") }).to_string();
    texts
        .map(|n| event_frame("send_message", Some(&payload(n)), None))
        .collect()
}

/// Checks that the next messages are these, without a hole, a double or a swap.
async fn check_hears(client: &mut Client, texts: std::ops::Range<u32>) {
    for n in texts {
        assert_eq!(client.next_message().await["text"], format!("number {n}"));
    }
}

#[tokio::test]
async fn a_polling_session_by_hand() {
    let server = HUBBUB.start().await;
    let (mut endpoint, frames) = connected_by_hand(server.address()).await;
    let first = frames.iter().find(|frame| *frame != "2").unwrap();
    assert!(first.starts_with("40{"), "{frames:?}");
    let body = [
        "3".to_owned(),
        event_frame("join_room", Some(r#"{"room_name":"tech"}"#), None),
        event_frame("send_message", Some(r#"{"text":"one body"}"#), None),
    ];
    let posted = endpoint
        .post(body.join(&SEPARATOR.to_string()))
        .await
        .unwrap();
    assert_eq!(posted.status, StatusCode::OK);
    let mut received = String::new();
    while !received.contains("one body") {
        received.push_str(&endpoint.poll().await.unwrap().body);
    }
    assert!(received.contains("join_confirm"), "{received}");
}

#[tokio::test]
async fn nothing_is_lost_or_reordered_while_the_transport_changes() {
    let server = HUBBUB.start_with(&[("MESSAGE_RATE", "0")]).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    for _ in 0..10 {
        let mut bob = Client::connect(&server, Transport::Polling).await;
        bob.join("tech", "Bob").await;
        ada.send_all(numbered(0..100));
        bob.send_raw(r#"42["send_message",{"text":"before"}]"#);
        bob.upgrade().await;
        ada.send_all(numbered(100..200));
        bob.say("after");

        let at_ada = ada.events_until_message("after").await;
        let from_bob = |text: &str| at_ada.iter().position(|event| event["text"] == text);
        assert!(from_bob("before").is_some() && from_bob("before") < from_bob("after"));
        let mut heard = Vec::new();
        while heard.len() < 202 {
            heard.push(
                bob.next_message().await["text"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            );
        }
        heard.retain(|text| text.starts_with("number"));
        let expected: Vec<String> = (0..200).map(|n| format!("number {n}")).collect();
        assert_eq!(heard, expected);
        bob.emit("leave_room", &json!({}));
        ada.wait_for_kind("left").await;
    }
}

#[tokio::test]
async fn an_upgraded_session_is_the_same_session() {
    let server = HUBBUB.start().await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let mut ada = Client::connect(&server, Transport::Polling).await;
    let user_id = ada.join("tech", "Ada").await["user_id"].clone();
    bob.until_notice_and_counts("Ada has joined the room", &[("tech", 2)])
        .await;
    ada.upgrade().await;
    ada.say("over the new one");
    let message = bob.expect("receive_message").await;
    assert_eq!(
        (&message["sender"], &message["user_id"]),
        (&json!("Ada"), &user_id)
    );
    assert_eq!(ada.expect("receive_message").await.raw, message.raw);
}

#[tokio::test]
async fn what_comes_between_two_polls_waits_for_the_next() {
    let server = HUBBUB.start_with(&[("MESSAGE_RATE", "0")]).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let mut bob = Client::connect(&server, Transport::Polling).await;
    bob.join("tech", "Bob").await;
    bob.pause_reading();
    ada.send_all(numbered(0..1000));
    check_hears(&mut ada, 0..1000).await;
    bob.resume_reading();
    check_hears(&mut bob, 0..1000).await;
}

#[tokio::test]
async fn who_answers_the_heartbeat_stays() {
    let server = HUBBUB
        .start_with(&[("PING_INTERVAL", "1s"), ("PING_TIMEOUT", "1s")])
        .await;
    let mut clients = Vec::new();
    for transport in Transport::ALL {
        clients.push(Client::connect(&server, transport).await);
    }
    // Two without an answer would have been the end.
    for client in &mut clients {
        for _ in 0..4 {
            client.ping().await;
        }
        client.join("tech", "Alive").await;
    }
}

#[tokio::test]
async fn who_does_not_answer_the_heartbeat_is_gone_and_the_room_is_told_once() {
    for transport in [Transport::WebSocket, Transport::Polling] {
        let server = HUBBUB
            .start_with(&[("PING_INTERVAL", "1s"), ("PING_TIMEOUT", "1s")])
            .await;
        let mut bob = Client::joined(&server, "tech", "Bob").await;
        let mut ada = Dial::new(&server, transport)
            .without_pongs()
            .connect()
            .await;
        ada.emit(
            "join_room",
            &json!({ "room_name": "tech", "username": "Ada" }),
        );
        ada.until_closed().await;
        bob.until_notice_and_counts("Ada has left the room", &[("tech", 1)])
            .await;
        let _carol = Client::joined(&server, "tech", "Carol").await;
        let told = bob
            .until_notice_and_counts("Carol has joined the room", &[("tech", 2)])
            .await;
        assert!(told.iter().all(|event| event["kind"] != "left"), "{told:?}");
    }
}

#[tokio::test]
async fn an_unknown_session_is_answered_with_400() {
    let server = HUBBUB.start().await;
    let endpoint = Endpoint::new(server.address(), Vec::new());
    let mut endpoint = endpoint.of_session("AAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(
        endpoint.poll().await.unwrap().status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        endpoint.post("40".to_owned()).await.unwrap().status,
        StatusCode::BAD_REQUEST
    );
}
