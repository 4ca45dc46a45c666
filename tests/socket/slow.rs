//! Readers that are slower than the room: they fall behind in the log and nowhere else, are told
//! what they can no longer have, and are ended when they take nothing at all.

use hubbub_test_client::packet::event_frame;
use hubbub_test_client::polling::connected_by_hand;
use hubbub_test_client::{Client, Event, Transport};
use serde_json::json;

use super::HUBBUB;

/// More than the buffers of both systems take, so that the server itself has to hold it back.
const MESSAGES: usize = 4000;

/// The sender is never refused, and the slow reader never ended.
const PATIENT: [(&str, &str); 3] = [
    ("MESSAGE_RATE", "0"),
    ("MAILBOX", "8192"),
    ("SLOW_TIMEOUT", "10m"),
];

fn text(number: usize) -> String {
    format!("{number} {}", "x".repeat(1000))
}

/// Sends the flood, never faster than the sender itself receives it.
async fn flood(sender: &mut Client) {
    for first in (0..MESSAGES).step_by(500) {
        let payload = |n: usize| json!({ "text": text(n) }).to_string();
        let frame = |n: usize| event_frame("send_message", Some(&payload(n)), None);
        sender.send_all((first..first + 500).map(frame).collect());
        sender.events_until_message(&text(first + 499)).await;
    }
}

fn number(message: &Event) -> usize {
    let text = message["text"].as_str().unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_member_that_reads_nothing_for_a_while_gets_everything_afterwards() {
    let server = HUBBUB.start_with(&PATIENT).await;
    let mut slow = Client::joined(&server, "tech", "Slow").await;
    let mut sender = Client::joined(&server, "tech", "Sender").await;
    slow.pause_reading();
    flood(&mut sender).await;
    slow.resume_reading();
    for expected in 0..MESSAGES {
        let others = ["room_update", "system_message"];
        let message = slow.expect_but_others("receive_message", &others).await;
        assert_eq!(number(&message), expected);
    }
}

/// The log keeps less than the flood: what is gone is announced as a gap, and nothing else is
/// missing. A store that keeps all messages sends all of them.
#[tokio::test]
async fn a_member_that_falls_off_the_log_is_told_exactly_what_it_missed() {
    let server = HUBBUB
        .start_with(&[&PATIENT[..], &[("HISTORY_BYTES", "100000")]].concat())
        .await;
    let mut slow = Client::joined(&server, "tech", "Slow").await;
    let mut sender = Client::joined(&server, "tech", "Sender").await;
    slow.pause_reading();
    flood(&mut sender).await;
    slow.resume_reading();
    let events = slow.events_until_message(&text(MESSAGES - 1)).await;
    let (mut position, mut missed) = (1, 0);
    for event in events.iter().filter(|event| event.name != "room_update") {
        let from = if event.name == "gap" { "from" } else { "id" };
        assert_eq!(event[from], position + 1, "{}", event.name);
        if event.name == "gap" {
            assert_eq!(event["room"], "tech");
            position = event["to"].as_u64().unwrap();
            missed += position + 1 - event["from"].as_u64().unwrap();
        } else {
            position += 1;
        }
    }
    assert_eq!(
        missed == 0,
        HUBBUB.store().keeps_all_messages(),
        "the flood was meant to be more than the log keeps"
    );
}

#[tokio::test]
async fn a_member_that_takes_nothing_for_too_long_is_ended_and_the_room_is_told() {
    let settings = [
        ("MESSAGE_RATE", "0"),
        ("MAILBOX", "8192"),
        ("SLOW_TIMEOUT", "2s"),
    ];
    let server = HUBBUB.start_with(&settings).await;
    let mut sender = Client::joined(&server, "tech", "Sender").await;
    let mut slow = Client::connect(&server, Transport::WebSocket).await;
    slow.join("tech", "Over a WebSocket").await;
    slow.pause_reading();
    let (mut polling, _) = connected_by_hand(server.address()).await;
    let join = r#"{"room_name":"tech","username":"By polling"}"#;
    polling
        .post(event_frame("join_room", Some(join), None))
        .await
        .unwrap();
    sender
        .events_until(|event| event["username"] == "By polling")
        .await;

    let mut gone = Vec::new();
    for first in 0..MESSAGES {
        sender.say(&text(first));
    }
    while gone.len() < 2 {
        let left = sender.wait_for_kind("left").await;
        gone.push(left["username"].as_str().unwrap().to_owned());
    }
    gone.sort_unstable();
    assert_eq!(gone, ["By polling", "Over a WebSocket"]);
}
