//! What is said on one node, as the other nodes deliver it.

use hubbub_test_client::chat::{come_back, resumable, with_token};
use hubbub_test_client::redis::{Keeps, Redis};
use hubbub_test_client::shape::{assert_accepted, assert_refused};
use hubbub_test_client::{Client, Event, TestServer, Transport};
use serde_json::{Value, json};

use super::nodes::{ids, node, nodes, resuming, said, until};

const UNLIMITED: [(&str, &str); 1] = [("MESSAGE_RATE", "0")];
const EACH: u64 = 100;

/// What a message looks like to a member who receives it.
fn told(events: &[Event]) -> Vec<(u64, String)> {
    let messages = events.iter().filter(|e| e.name == "receive_message");
    messages
        .map(|e| (e["id"].as_u64().unwrap(), e.raw.clone()))
        .collect()
}

#[tokio::test]
async fn what_is_said_on_any_node_reaches_all_nodes_in_one_order() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let nodes: [TestServer; 3] = nodes(&redis.url(), &UNLIMITED).await;
    let (mut clients, mut epochs, mut joined_at) = (Vec::new(), Vec::new(), Vec::new());
    for (number, node) in nodes.iter().enumerate() {
        let transport = Transport::ALL[number];
        let mut client = Client::connect(node, transport).await;
        let confirm = client.join("tech", &format!("Member {number}")).await;
        epochs.push(confirm["epoch"].clone());
        joined_at.push(confirm["last_id"].as_u64().unwrap());
        clients.push(client);
    }
    assert!(
        epochs
            .iter()
            .all(|epoch| *epoch == epochs[0] && epoch.is_string())
    );

    for n in 0..EACH {
        for (number, client) in clients.iter().enumerate() {
            client.say(&format!("{number}: {n}"));
        }
    }
    let mut all_told = Vec::new();
    for (number, client) in clients.iter_mut().enumerate() {
        let mut events = Vec::new();
        while told(&events).len() < clients_say(nodes.len()) {
            events.push(client.event().await);
        }
        // The own notice has been read; what follows has every id.
        let ids = ids(&events);
        assert!(ids.is_sorted_by(|a, b| a + 1 == *b), "{number}: {ids:?}");
        assert!(ids[0] > joined_at[number]);
        all_told.push(told(&events));
    }
    assert_eq!(all_told[0], all_told[1]);
    assert_eq!(all_told[0], all_told[2]);
    for number in 0..nodes.len() {
        let sender = format!("\"sender\":\"Member {number}\"");
        let own = all_told[0].iter().filter(|(_, raw)| raw.contains(&sender));
        for (n, (_, raw)) in own.enumerate() {
            assert!(raw.contains(&format!("\"{number}: {n}\"")), "{n}: {raw}");
        }
    }
}

fn clients_say(clients: usize) -> usize {
    clients * usize::try_from(EACH).unwrap()
}

#[tokio::test]
async fn an_acknowledgement_has_the_id_and_the_time_that_everybody_is_told() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[]).await;
    let mut ada = Client::joined(&one, "tech", "Ada").await;
    let mut bob = Client::joined(&two, "tech", "Bob").await;
    let answer = ada.ask("send_message", &json!({ "text": "hello" })).await;
    assert_accepted(&answer);
    let (here, there) = (ada.next_message().await, bob.next_message().await);
    assert_eq!(here.raw, there.raw);
    for key in ["id", "timestamp"] {
        assert_eq!(answer[key], there[key], "{key}");
    }
    assert_eq!(there["sender"], "Ada");
}

/// As with one node: a user who says something and goes to another room immediately has received it
/// before.
#[tokio::test]
async fn whoever_says_something_and_goes_to_another_room_at_once_has_heard_it() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let node = node(&redis.url(), &UNLIMITED).await;
    let mut ada = Client::joined(&node, "tech", "Ada").await;
    for round in 0..20 {
        for n in 0..3 {
            ada.say(&format!("{round}: {n}"));
        }
        if round % 2 == 0 {
            ada.emit("leave_room", &json!({}));
        }
        let room = ["music", "tech"][round % 2];
        ada.emit(
            "join_room",
            &json!({ "room_name": room, "username": "Ada" }),
        );
        let events = ada.events_until(|e| e.name == "join_confirm").await;
        let heard = told(&events);
        assert_eq!(heard.len(), 3, "{round}: {events:?}");
    }
}

#[tokio::test]
async fn rooms_with_something_new_are_told_on_all_nodes_also_on_those_that_come_later() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[]).await;
    let mut ada = Client::joined(&one, "tech", "Ada").await;
    let mut watcher = with_token(&two, Transport::WebSocket, &Value::Null).await;
    let id = said(&mut ada, "hello").await;
    watcher
        .events_until(|e| e.name == "activity" && e["rooms"]["tech"] == id)
        .await;
    let third = node(&redis.url(), &[]).await;
    let mut late = with_token(&third, Transport::WebSocket, &Value::Null).await;
    assert_eq!(late.wait_for("activity").await["rooms"]["tech"], id);
}

#[tokio::test]
async fn a_client_resumes_on_another_node_and_misses_nothing() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &UNLIMITED).await;
    let mut bob = Client::joined(&one, "tech", "Bob").await;
    let mut ada = Client::connect(&one, Transport::WebSocket).await;
    let epoch = ada.join("tech", "Ada").await["epoch"].clone();
    let last = said(&mut bob, "the last that Ada hears here").await;
    ada.events_until(|event| event["id"] == last).await;
    drop(ada);
    bob.wait_for_kind("left").await;
    for n in 0..50 {
        said(&mut bob, &format!("missed {n}")).await;
    }

    let mut ada = Client::connect(&two, Transport::WebSocket).await;
    ada.greeted().await;
    let answer = ada
        .ask("join_room", &resuming("tech", "Ada", &epoch, last))
        .await;
    assert_eq!(answer["recovered"], true, "{answer}");
    assert_eq!(answer["epoch"], epoch);
    for n in 0..50 {
        assert_eq!(ada.next_message().await["text"], format!("missed {n}"));
    }
    said(&mut bob, "live").await;
    assert_eq!(ada.next_message().await["text"], "live");
}

#[tokio::test]
async fn a_message_sent_again_on_another_node_is_not_said_twice() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[]).await;
    let mut bob = Client::joined(&two, "tech", "Bob").await;
    let (mut ada, token) = resumable(&one, Transport::WebSocket, "Ada").await;
    let message = json!({ "text": "once", "client_id": "key" });
    let first = ada.ask("send_message", &message).await;
    assert_accepted(&first);
    drop(ada);

    let mut ada = with_token(&two, Transport::WebSocket, &token).await;
    come_back(&mut ada, "tech", "Ada").await;
    let again = ada.ask("send_message", &message).await;
    assert_eq!(
        (&again["duplicate"], &again["id"], &again["timestamp"]),
        (&json!(true), &first["id"], &first["timestamp"]),
        "{again}"
    );
    let other = json!({ "text": "something else", "client_id": "key" });
    assert_refused(&ada.ask("send_message", &other).await, "conflict");
    // The key is Ada's own.
    let of_bob = bob.ask("send_message", &message).await;
    assert_eq!(of_bob["duplicate"], Value::Null, "{of_bob}");
    let own = of_bob["id"].as_u64().unwrap();
    let events = bob.events_until(|event| event["id"] == own).await;
    assert_eq!(told(&events).len(), 2, "{events:?}");
}

#[tokio::test]
async fn a_node_that_starts_later_knows_what_was_said() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let first = node(&redis.url(), &UNLIMITED).await;
    let mut ada = Client::connect(&first, Transport::WebSocket).await;
    let epoch = ada.join("tech", "Ada").await["epoch"].clone();
    let mut before = Vec::new();
    for n in 0..100 {
        before.push(said(&mut ada, &format!("number {n}")).await);
    }
    let second = node(&redis.url(), &UNLIMITED).await;
    drop(first);

    let mut bob = Client::connect(&second, Transport::WebSocket).await;
    bob.greeted().await;
    let join = json!({ "room_name": "tech", "username": "Bob", "history": 100 });
    let answer = bob.ask("join_room", &join).await;
    assert_eq!(answer["epoch"], epoch, "{answer}");
    let history = answer["history"].as_array().unwrap();
    let known: Vec<_> = history.iter().map(|m| m["id"].as_u64().unwrap()).collect();
    assert_eq!(known, before);
    assert_eq!(history[99]["text"], "number 99");
    let page = json!({ "before": before[50], "limit": 10 });
    let page = bob.ask("get_history", &page).await;
    assert_eq!(page["messages"][9]["id"], before[49], "{page}");
    assert!(said(&mut bob, "ids go on").await > before[99]);
}

#[tokio::test]
async fn no_node_keeps_more_than_the_settings_say() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    // About fifty messages.
    let settings = [("MESSAGE_RATE", "0"), ("HISTORY_BYTES", "10000")];
    let [one, two] = nodes(&redis.url(), &settings).await;
    let mut ada = Client::connect(&one, Transport::WebSocket).await;
    let joined = ada.join("tech", "Ada").await;
    let mut last = 0;
    for n in 0..200 {
        last = said(&mut ada, &format!("number {n}")).await;
    }
    let mut bob = Client::connect(&two, Transport::WebSocket).await;
    bob.greeted().await;
    let from = joined["last_id"].as_u64().unwrap();
    let answer = bob
        .ask(
            "join_room",
            &resuming("tech", "Bob", &joined["epoch"], from),
        )
        .await;
    assert_eq!(answer["recovered"], false, "{answer}");
    let gap = bob.wait_for("gap").await;
    assert_eq!(
        (&gap["from"], &gap["to"]),
        (&json!(from + 1), &answer["last_id"])
    );
    assert!(gap["to"].as_u64().unwrap() >= last, "{gap:?}");
    // A node says every two seconds what it no longer keeps.
    until(super::nodes::LEASE, "trimmed", async || {
        let length = redis.ask(&["XLEN", "hubbub:room:tech:log"]).await.number();
        (10..100).contains(&length)
    })
    .await;
}

#[tokio::test]
async fn two_services_share_a_redis_and_nothing_else() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let ours = node(&redis.url(), &[("REDIS_PREFIX", "ours")]).await;
    let theirs = node(&redis.url(), &[("REDIS_PREFIX", "theirs")]).await;
    let mut ada = Client::joined(&ours, "tech", "Ada").await;
    let mut eve = Client::joined(&theirs, "tech", "Eve").await;
    ada.emit("typing", &json!({ "typing": true }));
    said(&mut ada, "ours").await;
    said(&mut eve, "theirs").await;
    assert_eq!(eve.next_message().await["text"], "theirs");
    assert_eq!(ada.next_message().await["text"], "ours");
    for client in [&mut ada, &mut eve] {
        let users = client.ask("list_users", &json!({})).await;
        assert_eq!(users["total"], 1, "{users}");
        let events = client.events_until_echo("a fence").await;
        let counts = events.iter().filter(|e| e.name == "room_update");
        assert!(
            counts.into_iter().all(|e| e["tech"]["count"] == 1),
            "{events:?}"
        );
    }
    for key in redis.keys().await {
        let is_of_one = key.starts_with("ours:") || key.starts_with("theirs:");
        assert!(is_of_one, "{key} is nobody's");
    }
}
