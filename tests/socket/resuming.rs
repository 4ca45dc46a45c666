//! Resuming: a client that names the last id it has received gets what came after it, in order and
//! before anything newer, or a `gap`.

use hubbub_test_client::chat::with_token;
use hubbub_test_client::packet::{Event, event_frame};
use hubbub_test_client::shape::assert_accepted;
use hubbub_test_client::{Client, TestServer, Transport};
use serde_json::{Value, json};

use super::HUBBUB;

const UNLIMITED: (&str, &str) = ("MESSAGE_RATE", "0");

/// A client that can come back, and what it needs for that.
struct Member {
    client: Client,
    token: Value,
    /// The epoch of the log, and the last id received.
    after: Value,
}

impl Member {
    /// A new user in `tech`.
    async fn new(server: &TestServer, transport: Transport) -> Self {
        let mut client = with_token(server, transport, &Value::Null).await;
        let token = client.greeted().await["token"].clone();
        let confirm = client.join("tech", "Ada").await;
        let own_notice = confirm["last_id"].as_u64().unwrap() + 1;
        let after = json!({ "epoch": confirm["epoch"], "id": own_notice });
        Self {
            client,
            token,
            after,
        }
    }

    /// Connects again. Returns the confirmation of the join.
    async fn come_back(&mut self, server: &TestServer, transport: Transport) -> Event {
        self.client = with_token(server, transport, &self.token).await;
        self.client.greeted().await;
        let join = json!({ "room_name": "tech", "username": "Ada", "after": self.after });
        self.client.emit("join_room", &join);
        self.client.wait_for("join_confirm").await
    }
}

/// Sends numbered messages, and waits until the last has been delivered.
async fn send_numbers(sender: &mut Client, numbers: std::ops::Range<usize>) {
    let last = numbers.end - 1;
    let payload = |n: usize| json!({ "text": n.to_string() }).to_string();
    let frames = numbers.map(|n| event_frame("send_message", Some(&payload(n)), None));
    sender.send_all(frames.collect());
    sender.events_until_message(&last.to_string()).await;
}

/// What is sent beside the log, at any time.
const STATES: [&str; 2] = ["room_update", "activity"];

fn is_state(event: &Event) -> bool {
    STATES.contains(&event.name.as_str())
}

/// The numbers of messages; no notice and no gap may have come between them.
fn numbers(events: &[Event]) -> Vec<usize> {
    let others = events.iter().filter(|event| !is_state(event));
    let number = |event: &Event| {
        assert_eq!(event.name, "receive_message", "{event:?}");
        event["text"].as_str().unwrap().parse().unwrap()
    };
    others.map(number).collect()
}

#[tokio::test]
async fn what_was_missed_comes_in_order_and_before_anything_newer() {
    for transport in Transport::ALL {
        let server = HUBBUB.start_with(&[UNLIMITED]).await;
        let mut ada = Member::new(&server, transport).await;
        let mut bob = Client::joined(&server, "tech", "Bob").await;
        ada.client.wait_for_kind("joined").await;
        ada.client.hang_up();
        send_numbers(&mut bob, 0..30).await;
        drop(Client::joined(&server, "tech", "Visitor").await);
        bob.wait_for_kind("left").await;
        send_numbers(&mut bob, 30..60).await;

        let confirm = ada.come_back(&server, transport).await;
        assert_eq!(confirm["recovered"], true, "{transport}: {confirm:?}");
        send_numbers(&mut bob, 60..61).await;
        let events = ada.client.events_until_message("60").await;
        let expected: Vec<_> = (0..61).collect();
        assert_eq!(numbers(&events), expected, "{transport}");
    }
}

/// Whatever is being written while the client is on its way, it receives once.
#[tokio::test]
async fn a_client_that_resumes_again_and_again_in_a_busy_room_misses_nothing() {
    const MESSAGES: usize = 600;
    let server = HUBBUB.start_with(&[UNLIMITED]).await;
    let mut ada = Member::new(&server, Transport::WebSocket).await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    ada.client.wait_for_kind("joined").await;
    let sending = tokio::spawn(async move {
        for n in 0..MESSAGES {
            let message = json!({ "text": n.to_string() });
            assert_accepted(&bob.ask("send_message", &message).await);
        }
        bob
    });
    let mut received = 0;
    for transport in Transport::ALL.into_iter().cycle() {
        let confirm = ada.come_back(&server, transport).await;
        assert_eq!(confirm["recovered"], true, "{confirm:?}");
        for _ in 0..20.min(MESSAGES - received) {
            let message = ada.client.expect_but_others("receive_message", &STATES);
            let message = message.await;
            assert_eq!(message["text"], received.to_string());
            ada.after["id"] = message["id"].clone();
            received += 1;
        }
        if received == MESSAGES {
            break;
        }
    }
    sending.await.unwrap();
}

#[tokio::test]
async fn who_has_everything_receives_nothing_again() {
    let server = HUBBUB.start().await;
    let mut ada = Member::new(&server, Transport::WebSocket).await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let last = bob.events_until_echo("0").await.pop().unwrap();
    ada.after["id"] = last["id"].clone();
    let confirm = ada.come_back(&server, Transport::WebSocket).await;
    assert_eq!(confirm["recovered"], true, "{confirm:?}");
    assert_eq!(confirm["last_id"], last["id"], "{confirm:?}");
    bob.say("1");
    let events = ada.client.events_until_message("1").await;
    assert_eq!(numbers(&events), [1]);
}

#[tokio::test]
async fn a_position_that_is_none_of_the_log_is_answered_with_a_gap() {
    let server = HUBBUB.start().await;
    let mut ada = Member::new(&server, Transport::WebSocket).await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    bob.events_until_echo("missed").await;
    let epoch = ada.after["epoch"].clone();
    for after in [
        json!({ "epoch": "another", "id": 1 }),
        json!({ "epoch": epoch, "id": 1_000_000 }),
    ] {
        ada.after = after;
        let confirm = ada.come_back(&server, Transport::WebSocket).await;
        assert_eq!(confirm["recovered"], false, "{confirm:?}");
        let gap = ada.client.expect_but_others("gap", &STATES).await;
        let ids = (&gap["room"], &gap["from"], &gap["to"]);
        assert_eq!(ids, (&json!("tech"), &json!(1), &confirm["last_id"]));
        assert_eq!(confirm["epoch"], epoch);
    }
}

/// A store that keeps all messages resumes from any of them, whatever HISTORY_MESSAGES says.
#[tokio::test]
async fn who_was_away_for_longer_than_the_history_receives_all_or_a_gap() {
    let settings = [UNLIMITED, ("HISTORY_MESSAGES", "10"), ("SLOW_TIMEOUT", "0")];
    let server = HUBBUB.start_with(&settings).await;
    let mut ada = Member::new(&server, Transport::WebSocket).await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    ada.client.wait_for_kind("joined").await;
    ada.client.hang_up();
    send_numbers(&mut bob, 0..500).await;
    let confirm = ada.come_back(&server, Transport::WebSocket).await;
    let keeps_all = HUBBUB.store().keeps_all_messages();
    assert_eq!(confirm["recovered"], keeps_all, "{confirm:?}");
    bob.say("500");
    let mut events = ada.client.events_until_message("500").await;
    events.retain(|event| !is_state(event));
    if keeps_all {
        let expected: Vec<_> = (0..501).collect();
        assert_eq!(numbers(&events), expected);
    } else {
        assert_eq!(events[0].name, "gap");
        let from = ada.after["id"].as_u64().unwrap() + 1;
        assert_eq!(
            (&events[0]["from"], &events[0]["to"]),
            (&json!(from), &confirm["last_id"])
        );
        assert_eq!(numbers(&events[1..]), [500]);
    }
}
