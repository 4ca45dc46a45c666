//! Sending again: a message with a `client_id` is in the log once, however often it is sent.

use hubbub_test_client::chat::{come_back, resumable, with_token};
use hubbub_test_client::packet::{Event, event_frame};
use hubbub_test_client::shape::{assert_accepted, assert_refused};
use hubbub_test_client::{Client, Transport};
use serde_json::{Value, json};

use super::HUBBUB;

const UNLIMITED: [(&str, &str); 2] = [("MESSAGE_RATE", "0"), ("MAILBOX", "8192")];
/// Above the numbers that clients give their acknowledgements.
const ACKS_FROM: u64 = 1000;

fn message(text: &str, key: &str) -> Value {
    json!({ "text": text, "client_id": key })
}

/// Sends messages without waiting in between. Returns their acknowledgements.
async fn ask_all(client: &mut Client, messages: &[Value]) -> Vec<Value> {
    let frame = |(message, ack): (&Value, u64)| {
        event_frame("send_message", Some(&message.to_string()), Some(ack))
    };
    client.send_all(messages.iter().zip(ACKS_FROM..).map(frame).collect());
    let mut answers = Vec::new();
    for (_, ack) in messages.iter().zip(ACKS_FROM..) {
        answers.push(client.answer(ack).await);
    }
    answers
}

/// The texts of messages, up to and without the fence that this client sends.
async fn texts_to_fence(client: &mut Client) -> Vec<String> {
    let events = client.events_until_echo("a fence").await;
    let is_text = |event: &&Event| event.name == "receive_message" && event["text"] != "a fence";
    let texts = events.iter().filter(is_text);
    texts
        .map(|event| event["text"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_message_sent_again_is_answered_as_the_first_and_delivered_once() {
    for transport in Transport::ALL {
        let server = HUBBUB.start().await;
        let mut bob = Client::joined(&server, "tech", "Bob").await;
        let mut ada = Client::connect(&server, transport).await;
        ada.join("tech", "Ada").await;
        let first = ada.ask("send_message", &message("once", "k")).await;
        assert_accepted(&first);
        for _ in 0..3 {
            let again = ada.ask("send_message", &message("once", "k")).await;
            assert_accepted(&again);
            assert_eq!(again["duplicate"], true, "{transport}: {again}");
            for key in ["id", "timestamp"] {
                assert_eq!(again[key], first[key], "{transport}: {again}");
            }
        }
        assert_eq!(texts_to_fence(&mut bob).await, ["once"], "{transport}");
    }
}

/// A store may take all of them in one transaction.
#[tokio::test]
async fn messages_under_one_key_that_come_together_are_one() {
    let server = HUBBUB.start_with(&UNLIMITED).await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    for round in 0..20 {
        let text = format!("round {round}");
        let key = format!("key {round}");
        let mut messages = vec![message(&text, &key); 10];
        messages.push(message("another text", &key));
        let answers = ask_all(&mut ada, &messages).await;
        assert_accepted(&answers[0]);
        assert!(answers[0].get("duplicate").is_none(), "{answers:?}");
        for again in &answers[1..10] {
            assert_eq!(
                (&again["id"], &again["duplicate"]),
                (&answers[0]["id"], &json!(true)),
                "{answers:?}"
            );
        }
        assert_refused(&answers[10], "conflict");
        assert_eq!(texts_to_fence(&mut bob).await, [text]);
    }
}

#[tokio::test]
async fn a_key_belongs_to_a_room() {
    let server = HUBBUB.start().await;
    let mut ada = Client::connect(&server, Transport::WebSocket).await;
    for room in ["tech", "music"] {
        ada.join(room, "Ada").await;
        let answer = ada.ask("send_message", &message("once", "k")).await;
        assert_accepted(&answer);
        assert!(answer.get("duplicate").is_none(), "{room}: {answer}");
    }
    ada.join("tech", "Ada").await;
    let again = ada.ask("send_message", &message("once", "k")).await;
    assert_eq!(again["duplicate"], true, "{again}");
}

/// What a client does that does not know what became of its messages.
#[tokio::test]
async fn messages_sent_again_after_a_lost_connection_are_all_there_once_and_in_order() {
    const MESSAGES: usize = 300;
    for transport in Transport::ALL {
        let server = HUBBUB.start_with(&UNLIMITED).await;
        let mut bob = Client::joined(&server, "tech", "Bob").await;
        let (ada, token) = resumable(&server, transport, "Ada").await;
        let messages: Vec<_> = (0..MESSAGES)
            .map(|n| message(&n.to_string(), &format!("key {n}")))
            .collect();
        let frame = |m: &Value| event_frame("send_message", Some(&m.to_string()), Some(1));
        ada.send_all(messages.iter().map(frame).collect());
        bob.events_until_message("0").await;
        drop(ada);
        let mut ada = with_token(&server, transport, &token).await;
        ada.greeted().await;
        come_back(&mut ada, "tech", "Ada").await;
        for answer in ask_all(&mut ada, &messages).await {
            assert_accepted(&answer);
        }
        let expected: Vec<_> = (1..MESSAGES).map(|n| n.to_string()).collect();
        assert_eq!(texts_to_fence(&mut bob).await, expected, "{transport}");
    }
}

#[tokio::test]
async fn a_key_is_known_for_as_long_as_its_message_is_kept() {
    let settings = [
        UNLIMITED[0],
        ("HISTORY_MESSAGES", "10"),
        ("SLOW_TIMEOUT", "0"),
    ];
    let server = HUBBUB.start_with(&settings).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let first = ada.ask("send_message", &message("once", "k")).await;
    for (count, is_known) in [(5, true), (500, HUBBUB.store().keeps_all_messages())] {
        for n in 0..count {
            assert_accepted(
                &ada.ask("send_message", &json!({ "text": n.to_string() }))
                    .await,
            );
        }
        let again = ada.ask("send_message", &message("once", "k")).await;
        assert_accepted(&again);
        assert_eq!(again["duplicate"] == true, is_known, "{again}");
        assert_eq!(again["id"] == first["id"], is_known, "{again}");
    }
}
