//! Changes to messages under faults: a client whose connections are cut over and over ends with the same
//! state of every message as one that stayed, and as history has it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use hubbub_test_client::connection::Connection;
use hubbub_test_client::packet::{Event, Packet, event_frame};
#[cfg(feature = "disk")]
use hubbub_test_client::room_store::folder_in_memory;
use hubbub_test_client::shape::assert_accepted;
use hubbub_test_client::{Client, Transport};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::proxy::{Fault, Proxy};
use super::random::Random;
use crate::HUBBUB;

/// What is done in one run.
const STEPS: usize = 400;
const EMOJI: [&str; 3] = ["👍", "🎉", "❤️"];

/// A message in its newest state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Message {
    /// `None` if it is deleted.
    text: Option<String>,
    reply_to: Option<u64>,
    reactions: BTreeMap<String, u64>,
}

/// What a client knows of a room by the events that it has received.
#[derive(Debug, Default)]
struct View {
    messages: BTreeMap<u64, Message>,
    epoch: Value,
    id: u64,
    token: Value,
}

impl View {
    fn take(&mut self, event: &Event) {
        match event.name.as_str() {
            "session" => self.token = event["token"].clone(),
            "join_confirm" => {
                if self.epoch.is_null() {
                    self.id = event["last_id"].as_u64().unwrap();
                } else {
                    assert_eq!(event["recovered"], true, "{event:?}");
                }
                self.epoch = event["epoch"].clone();
            }
            "receive_message" => {
                let message = Message {
                    text: event["text"].as_str().map(str::to_owned),
                    reply_to: event.payload.get("reply_to").and_then(Value::as_u64),
                    ..Message::default()
                };
                let before = self.messages.insert(event["id"].as_u64().unwrap(), message);
                assert_eq!(before, None, "{event:?}");
            }
            "message_changed" => self.change(event),
            "gap" | "error" => panic!("{event:?}"),
            _ => {}
        }
        let id = event.payload.get("id").and_then(Value::as_u64);
        if event.name != "room_changed" {
            assert!(
                id.is_none_or(|id| id > self.id),
                "{event:?} after {}",
                self.id
            );
            self.id = id.unwrap_or(self.id);
        }
    }

    fn change(&mut self, event: &Event) {
        let Some(message) = self.messages.get_mut(&event["of"].as_u64().unwrap()) else {
            return;
        };
        match event["kind"].as_str().unwrap() {
            "edited" => message.text = event["text"].as_str().map(str::to_owned),
            "deleted" => *message = Message::default(),
            _ => {
                let emoji = event["emoji"].as_str().unwrap().to_owned();
                match event["count"].as_u64().unwrap() {
                    0 => drop(message.reactions.remove(&emoji)),
                    count => drop(message.reactions.insert(emoji, count)),
                }
            }
        }
    }

    fn has_ended(&self) -> bool {
        let newest = self.messages.values().next_back();
        newest.is_some_and(|message| message.text.as_deref() == Some("the end"))
    }

    /// The messages that are not deleted: one that was deleted while a client was away is never sent.
    fn shown(&self) -> BTreeMap<u64, Message> {
        let mut shown = self.messages.clone();
        shown.retain(|_, message| message.text.is_some());
        shown
    }
}

/// Receives the room through a proxy that cuts connections, and comes back each time, until the end.
async fn come_and_go(
    address: SocketAddr,
    mut random: Random,
    has_come: watch::Sender<bool>,
) -> View {
    let mut view = View::default();
    let transports = [Transport::WebSocket, Transport::Polling];
    while !view.has_ended() {
        let auth = json!({ "token": view.token }).to_string();
        let opened = Connection::open(address, random.one_of(&transports), &auth).await;
        let Ok(mut connection) = opened else {
            continue;
        };
        loop {
            match connection.packet().await {
                Packet::Event(event) => {
                    view.take(&event);
                    if event.name == "session" {
                        let mut join = json!({ "room_name": "tech", "username": "Ben" });
                        if !view.epoch.is_null() {
                            join["after"] = json!({ "epoch": view.epoch, "id": view.id });
                        }
                        let join = event_frame("join_room", Some(&join.to_string()), None);
                        connection.send(vec![join]);
                    }
                    has_come.send_replace(!view.epoch.is_null());
                    if view.has_ended() {
                        break;
                    }
                }
                Packet::Ping | Packet::Noop | Packet::Connected(_) => {}
                _ => break,
            }
        }
    }
    view
}

/// Sends and changes messages, as one of two users.
async fn act(
    users: &mut [Client; 2],
    sent: &mut Vec<(usize, u64)>,
    random: &mut Random,
    step: usize,
) {
    let who = usize::from(random.percent(50));
    let own: Vec<u64> = sent
        .iter()
        .filter(|(by, _)| *by == who)
        .map(|(_, id)| *id)
        .collect();
    let any: Vec<u64> = sent.iter().map(|(_, id)| *id).collect();
    let text = format!("step {step}");
    let what = random.within(0..100);
    let (event, payload) = if any.len() < 5 || own.is_empty() || what < 30 {
        let mut message = json!({ "text": text });
        if random.percent(30) && !any.is_empty() {
            message["reply_to"] = json!(random.one_of(&any));
        }
        ("send_message", message)
    } else if what < 50 {
        (
            "edit_message",
            json!({ "id": random.one_of(&own), "text": text }),
        )
    } else if what < 55 {
        ("delete_message", json!({ "id": random.one_of(&own) }))
    } else {
        let emoji = random.one_of(&EMOJI);
        let on = random.percent(60);
        (
            "react",
            json!({ "id": random.one_of(&any), "emoji": emoji, "on": on }),
        )
    };
    let answer = users[who].ask(event, &payload).await;
    if answer["ok"] == false {
        // Deleted before.
        assert_eq!(
            answer["error"]["code"], "not_found",
            "{event} {payload}: {answer}"
        );
        return;
    }
    let id = answer["id"].as_u64().unwrap();
    match event {
        "send_message" => sent.push((who, id)),
        "delete_message" => sent.retain(|(_, found)| payload["id"] != *found),
        _ => {}
    }
}

async fn run(seed: u64, settings: &[(&str, &str)]) {
    let settings = [&[("MESSAGE_RATE", "0")], settings].concat();
    let server = HUBBUB.start_with(&settings).await;
    let mut ada = Client::connect(&server, Transport::WebSocket).await;
    ada.greeted().await;
    let mut stayed = View::default();
    stayed.take(&ada.join("tech", "Ada").await);
    let carl = Client::joined(&server, "tech", "Carl").await;
    let (_gates, open) = watch::channel(vec![Some(server.address())]);
    let proxy = Proxy::start(open, None).await;
    let (has_come, mut come) = watch::channel(false);
    let away = tokio::spawn(come_and_go(proxy.address(), Random::new(seed, 1), has_come));
    come.wait_for(|come| *come).await.unwrap();

    let (mut random, mut sent, mut users) = (Random::new(seed, 0), Vec::new(), [ada, carl]);
    for step in 0..STEPS {
        act(&mut users, &mut sent, &mut random, step).await;
        if random.percent(10) {
            proxy.inflict(Fault::Reset);
        }
    }
    assert_accepted(
        &users[0]
            .ask("send_message", &json!({ "text": "the end" }))
            .await,
    );
    for event in users[0].events_until_message("the end").await {
        stayed.take(&event);
    }
    let away = tokio::time::timeout(Duration::from_secs(60), away).await;
    let away = away.expect("the end is received").unwrap();
    let mut expected = stayed.shown();
    let joined_at = away.messages.keys().next().copied().unwrap_or_default();
    expected.retain(|id, _| *id >= joined_at);
    assert_eq!(away.shown(), expected, "seed {seed}");
    let history = users[1].ask("get_history", &json!({ "limit": 200 })).await;
    for message in history["messages"].as_array().unwrap() {
        // One that is deleted before its turn comes is never sent, also to a client that stays.
        let id = message["id"].as_u64().unwrap();
        let known = stayed.messages.get(&id).cloned().unwrap_or_default();
        let reactions = message["reactions"].as_array().into_iter().flatten();
        let count = |reaction: &Value| {
            let emoji = reaction["emoji"].as_str().unwrap().to_owned();
            (emoji, reaction["count"].as_u64().unwrap())
        };
        let shown = Message {
            text: message["text"].as_str().map(str::to_owned),
            reply_to: message["reply_to"].as_u64(),
            reactions: reactions.map(count).collect(),
        };
        assert_eq!(shown, known, "{message}");
    }
}

#[tokio::test]
async fn who_is_cut_off_again_and_again_ends_with_the_state_of_who_stayed() {
    run(1, &[]).await;
}

#[cfg(feature = "disk")]
#[tokio::test]
async fn on_disk_too_where_most_of_it_is_read_from_the_file() {
    let folder = folder_in_memory();
    let folder = ("DATA_DIR", folder.path().to_str().unwrap());
    run(
        2,
        &[folder, ("HISTORY_MESSAGES", "3"), ("SLOW_TIMEOUT", "0")],
    )
    .await;
}
