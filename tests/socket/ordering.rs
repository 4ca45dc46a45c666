//! One client's events are handled in the order they were written, and every member gets them in
//! that order, however fast they come.

use hubbub_test_client::packet::event_frame;
use hubbub_test_client::shape::{assert_accepted, assert_refused};
use hubbub_test_client::{Client, Event, Packet, Transport};
use serde_json::json;

use super::HUBBUB;

const BURST: u64 = 5000;

fn message_frame(text: &str, ack: Option<u64>) -> String {
    event_frame(
        "send_message",
        Some(&json!({ "text": text }).to_string()),
        ack,
    )
}

/// The numbers of the burst that a member heard, in the order it heard them, up to the last one
/// of `accepted`. Their ids must follow each other.
async fn heard_up_to(client: &mut Client, last: u64) -> Vec<u64> {
    let last = last.to_string();
    let events = client
        .events_until(|e| e.name == "receive_message" && e["text"] == *last)
        .await;
    assert!(
        events.iter().all(|event| event.name != "gap"),
        "a gap in a burst of {BURST}"
    );
    let messages: Vec<&Event> = events
        .iter()
        .filter(|e| e.name == "receive_message")
        .collect();
    for pair in messages.windows(2) {
        let ids = (
            pair[0]["id"].as_u64().unwrap(),
            pair[1]["id"].as_u64().unwrap(),
        );
        assert_eq!(ids.0 + 1, ids.1, "{pair:?}");
    }
    messages
        .iter()
        .map(|event| event["text"].as_str().unwrap().parse().unwrap())
        .collect()
}

/// The fate of a burst at its sender.
#[derive(Default)]
struct Fate {
    accepted: Vec<u64>,
    busy: u64,
    echoed: Vec<u64>,
    answers: u64,
}

/// Reads at the sender until every event of the burst is answered and every accepted one echoed.
async fn fate(sender: &mut Client) -> Fate {
    let mut fate = Fate::default();
    while fate.answers < BURST || fate.echoed.len() < fate.accepted.len() {
        match sender.packet().await {
            Packet::Ack { id, body } => {
                assert_eq!(
                    id, fate.answers,
                    "answers come in the order of the questions"
                );
                fate.answers += 1;
                if body["ok"] == true {
                    fate.accepted.push(id);
                } else {
                    assert_refused(&body, "busy");
                    fate.busy += 1;
                }
            }
            Packet::Event(event) if event.name == "receive_message" => {
                fate.echoed
                    .push(event["text"].as_str().unwrap().parse().unwrap());
            }
            Packet::Event(event) if event.name == "room_update" => {}
            other => panic!("{other:?} in a burst"),
        }
    }
    fate
}

/// Sends the burst and checks what every member received against the sender's acknowledgements.
async fn burst(settings: &[(&str, &str)]) -> Fate {
    let server = HUBBUB.start_with(settings).await;
    let mut sender = Client::joined(&server, "tech", "Sender").await;
    let mut members = Vec::new();
    for transport in Transport::ALL {
        let mut member = Client::connect(&server, transport).await;
        member.join("tech", "Member").await;
        members.push(member);
    }
    sender.events_until_echo("settled").await;
    sender.send_all(
        (0..BURST)
            .map(|n| message_frame(&n.to_string(), Some(n)))
            .collect(),
    );
    let fate = fate(&mut sender).await;
    assert!(
        fate.echoed == fate.accepted,
        "the sender heard what was accepted, in order"
    );
    for member in &mut members {
        member.events_until_message("settled").await;
        let heard = heard_up_to(member, fate.accepted[fate.accepted.len() - 1]).await;
        assert!(
            heard == fate.accepted,
            "a member heard what was accepted, in order"
        );
    }
    fate
}

#[tokio::test]
async fn a_burst_is_delivered_in_order_or_refused_as_busy() {
    let fate = burst(&[("MESSAGE_RATE", "0")]).await;
    assert_eq!(fate.accepted.len() as u64 + fate.busy, BURST);
}

#[tokio::test]
async fn a_burst_that_fits_the_mailbox_is_delivered_whole() {
    let fate = burst(&[("MESSAGE_RATE", "0"), ("MAILBOX", "8192")]).await;
    assert_eq!(fate.busy, 0);
}

/// The original's client asks for no acknowledgement: whatever is not delivered is an `error`.
#[tokio::test]
async fn of_a_burst_without_acknowledgements_nothing_is_lost_in_silence() {
    let server = HUBBUB
        .start_with(&[("MESSAGE_RATE", "0"), ("MAILBOX", "16")])
        .await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    ada.send_all(
        (0..BURST)
            .map(|n| message_frame(&n.to_string(), None))
            .collect(),
    );
    let (mut heard, mut refused) = (Vec::new(), 0);
    while heard.len() as u64 + refused < BURST {
        let event = ada.event().await;
        match event.name.as_str() {
            "receive_message" => {
                heard.push(event["text"].as_str().unwrap().parse::<u64>().unwrap())
            }
            "error" => {
                assert_eq!(event["code"], "busy", "{event:?}");
                refused += 1;
            }
            name => assert_eq!(name, "room_update"),
        }
    }
    assert!(heard.is_sorted_by(|a, b| a < b), "in order, none twice");
}

#[tokio::test]
async fn a_join_and_messages_behind_it_need_no_waiting() {
    for transport in Transport::ALL {
        let server = HUBBUB.start_with(&[("MESSAGE_RATE", "0")]).await;
        let mut ada = Client::connect(&server, transport).await;
        ada.greeted().await;
        let join = json!({ "room_name": "tech", "username": "Ada" }).to_string();
        let mut frames = vec![event_frame("join_room", Some(&join), None)];
        frames.extend((0..200).map(|n| message_frame(&n.to_string(), None)));
        ada.send_all(frames);
        for name in ["join_confirm", "room_update", "system_message"] {
            ada.expect(name).await;
        }
        let expected: Vec<u64> = (0..200).collect();
        assert_eq!(heard_up_to(&mut ada, 199).await, expected, "{transport}");
    }
}

#[tokio::test]
async fn joins_leaves_and_messages_take_effect_in_the_order_they_were_written() {
    let server = HUBBUB.start_with(&[("MESSAGE_RATE", "0")]).await;
    let mut ada = Client::connect(&server, Transport::WebSocket).await;
    ada.greeted().await;
    let mut frames = Vec::new();
    let mut expected = Vec::new();
    for (round, room) in (0..50).zip(
        ["tech", "music", "tech", "gaming", "general"]
            .iter()
            .cycle(),
    ) {
        let join = json!({ "room_name": room, "username": format!("Ada {round}") }).to_string();
        frames.push(event_frame("join_room", Some(&join), None));
        frames.push(message_frame(&format!("in {room} {round}"), None));
        frames.push(event_frame("leave_room", Some("{}"), None));
        frames.push(message_frame("nowhere", None));
        expected.push((
            format!("Ada {round}"),
            (*room).to_owned(),
            format!("in {room} {round}"),
        ));
    }
    ada.send_all(frames);
    let mut heard = Vec::new();
    let mut refused = 0;
    while refused < 50 {
        let event = ada.event().await;
        let text = |key: &str| event[key].as_str().unwrap().to_owned();
        match event.name.as_str() {
            "receive_message" => heard.push((text("sender"), text("room"), text("text"))),
            "error" => {
                assert_eq!(event["code"], "not_in_room");
                refused += 1;
            }
            _ => {}
        }
    }
    assert_eq!(heard, expected);
}

/// What a client sends the moment it is connected, before it has received anything else.
#[tokio::test]
async fn events_right_behind_the_connect_are_handled() {
    for transport in [Transport::WebSocket, Transport::Polling] {
        let server = HUBBUB.start().await;
        for number in 0..100 {
            let mut client = Client::connect(&server, transport).await;
            let join = json!({ "room_name": "tech", "username": format!("Guest {number}") });
            let join = event_frame("join_room", Some(&join.to_string()), Some(1));
            client.send_all(vec![join, message_frame("hi", Some(2))]);
            assert_accepted(&client.answer(1).await);
            assert_accepted(&client.answer(2).await);
            client.greeted().await;
            assert_accepted(&client.ask("leave_room", &json!({})).await);
        }
    }
}

#[tokio::test]
async fn several_senders_are_heard_in_one_order_by_all() {
    let server = HUBBUB.start_with(&[("MESSAGE_RATE", "0")]).await;
    let mut clients = Vec::new();
    for transport in Transport::ALL.into_iter().cycle().take(6) {
        let mut client = Client::connect(&server, transport).await;
        client.join("tech", "Member").await;
        clients.push(client);
    }
    for (number, client) in clients.iter().enumerate() {
        client.send_all(
            (0..100)
                .map(|n| message_frame(&format!("{number}: {n}"), None))
                .collect(),
        );
    }
    let mut orders = Vec::new();
    for client in &mut clients {
        let mut order = Vec::new();
        while order.len() < 600 {
            let message = client.next_message().await;
            order.push((message["id"].as_u64().unwrap(), message["text"].to_string()));
        }
        orders.push(order);
    }
    assert!(
        orders.iter().all(|order| *order == orders[0]),
        "one order for all"
    );
    assert!(
        orders[0].windows(2).all(|pair| pair[0].0 + 1 == pair[1].0),
        "without holes"
    );
}

/// The last message of a user who closes the page right behind it, as the original's client does.
#[tokio::test]
async fn what_is_said_right_before_going_is_heard() {
    for transport in [Transport::WebSocket, Transport::Polling] {
        let server = HUBBUB.start().await;
        let mut bob = Client::joined(&server, "tech", "Bob").await;
        for round in 0..20 {
            let name = format!("Ada {round}");
            let mut ada = Client::connect(&server, transport).await;
            ada.join("tech", &name).await;
            ada.send_all(vec![message_frame("bye", None), "41".to_owned()]);
            let left = format!("{name} has left the room");
            let events = bob.events_until(|event| event["text"] == *left).await;
            let said = events.iter().any(|event| event["sender"] == *name);
            assert!(said, "{name} over {transport} said bye and nobody heard it");
        }
    }
}
