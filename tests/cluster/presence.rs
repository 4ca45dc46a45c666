//! Who is where, and who types: the same on all nodes.

use hubbub_test_client::redis::{Keeps, Redis};
use hubbub_test_client::shape::{ROOMS, assert_accepted, assert_refused, default_rooms_json};
use hubbub_test_client::{Client, Event, TestServer, Transport};
use serde_json::json;
use tokio::time::Instant;

use super::nodes::{SHOWN, SLACK, nodes, until_listed};

#[tokio::test]
async fn joins_and_leaves_are_counted_listed_and_told_on_every_node_within_a_second() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let nodes: [TestServer; 3] = nodes(&redis.url(), &[]).await;
    let mut watchers = Vec::new();
    for node in &nodes {
        watchers.push(Client::connect(node, Transport::WebSocket).await);
    }
    let mut ada = Client::joined(&nodes[0], "tech", "Ada").await;
    for (members, node) in (2..).zip(&nodes) {
        let mut client = Client::connect(node, Transport::WebSocket).await;
        client.greeted().await;
        let join = json!({ "room_name": "tech", "username": "Guest" });
        let since = Instant::now();
        let answer = client.ask("join_room", &join).await;
        assert_eq!(answer["users_count"], members, "{answer}");
        for watcher in &mut watchers {
            watcher.until_counts(&[("tech", members)]).await;
        }
        ada.wait_for_kind("joined").await;
        let took = since.elapsed();
        assert!(took < SHOWN + SLACK, "{members}: {took:?}");
        watchers.push(client);
    }
    for client in watchers.iter_mut().skip(nodes.len()) {
        until_listed(client, SHOWN + SLACK, &["Ada", "Guest", "Guest", "Guest"]).await;
    }
    // One leaves by asking, one with a goodbye, one without a word.
    let since = Instant::now();
    let lost = watchers.pop().unwrap();
    let polite = watchers.pop().unwrap();
    let mut leaver = watchers.pop().unwrap();
    drop(lost);
    polite.send_raw("41");
    assert_accepted(&leaver.ask("leave_room", &json!({})).await);
    for watcher in &mut watchers {
        watcher.until_counts(&[("tech", 1)]).await;
    }
    for _ in 0..3 {
        ada.wait_for_kind("left").await;
    }
    let took = since.elapsed();
    assert!(took < SHOWN + SLACK, "{took:?}");
    until_listed(&mut ada, SHOWN, &["Ada"]).await;
}

#[tokio::test]
async fn of_many_who_join_many_rooms_at_once_everybody_is_known_everywhere() {
    const EACH: u64 = 8;
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[]).await;
    let mut watcher = Client::connect(&two, Transport::WebSocket).await;
    for _ in 0..3 {
        let mut clients = Vec::new();
        for _ in 0..EACH * 5 {
            let mut client = Client::connect(&one, Transport::WebSocket).await;
            client.greeted().await;
            clients.push(client);
        }
        for (client, room) in clients.iter().zip(ROOMS.into_iter().cycle()) {
            client.emit("join_room", &json!({ "room_name": room }));
        }
        watcher.until_counts(&ROOMS.map(|room| (room, EACH))).await;
        drop(clients);
        watcher.until_counts(&[]).await;
    }
}

#[tokio::test]
async fn somebody_new_on_another_node_is_greeted_with_the_counts_of_all() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[]).await;
    let mut watcher = Client::connect(&two, Transport::WebSocket).await;
    let _ada = Client::joined(&one, "tech", "Ada").await;
    let _bob = Client::joined(&one, "music", "Bob").await;
    let counts = [("tech", 1), ("music", 1)];
    watcher.until_counts(&counts).await;
    let mut fresh = Client::connect(&two, Transport::WebSocket).await;
    assert_eq!(
        fresh.expect("room_list").await.raw,
        default_rooms_json(&counts)
    );
    let join = json!({ "room_name": "tech", "username": "Carl", "users": true });
    fresh.expect("session").await;
    let answer = fresh.ask("join_room", &join).await;
    assert_eq!(answer["users"].as_array().unwrap().len(), 2, "{answer}");
}

/// Waits for the state in which exactly these are typing.
async fn until_typing(client: &mut Client, names: &[&str]) {
    let wanted = |event: &Event| {
        let users = event["users"].as_array();
        event.name == "typing"
            && users.is_some_and(|users| users.iter().map(|u| &u["username"]).eq(names))
    };
    client.events_until(wanted).await;
}

#[tokio::test]
async fn who_types_is_seen_on_the_other_nodes() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[]).await;
    let mut ada = Client::joined(&one, "tech", "Ada").await;
    let mut bob = Client::joined(&two, "tech", "Bob").await;
    let typing = json!({ "typing": true });
    for stop in ["not any more", "said", "left"] {
        assert_accepted(&ada.ask("typing", &typing).await);
        until_typing(&mut bob, &["Ada"]).await;
        match stop {
            "said" => ada.say("said"),
            "left" => ada.emit("leave_room", &json!({})),
            _ => ada.emit("typing", &json!({ "typing": false })),
        }
        until_typing(&mut bob, &[]).await;
    }
    // A member who joins later receives the state as well.
    bob.emit("typing", &typing);
    until_typing(&mut bob, &["Bob"]).await;
    let mut late = Client::connect(&one, Transport::WebSocket).await;
    let join = json!({ "room_name": "tech", "username": "Late" });
    late.emit("join_room", &join);
    until_typing(&mut late, &["Bob"]).await;
}

#[tokio::test]
async fn names_are_unique_across_nodes() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[("UNIQUE_NAMES", "true")]).await;
    let mut ada = Client::joined(&one, "tech", "Ada").await;
    let mut eve = Client::connect(&two, Transport::WebSocket).await;
    eve.greeted().await;
    for name in ["Ada", "ADA", "А\u{64}\u{430}"] {
        let join = json!({ "room_name": "tech", "username": name });
        assert_refused(&eve.ask("join_room", &join).await, "username_taken");
    }
    let join = json!({ "room_name": "tech", "username": "Ada" });
    assert_accepted(&ada.ask("leave_room", &json!({})).await);
    assert_accepted(&eve.ask("join_room", &join).await);
    assert_refused(&ada.ask("join_room", &join).await, "username_taken");
}

/// Both ask simultaneously, on different nodes: one of them has it.
#[tokio::test]
async fn of_two_who_want_one_name_at_once_one_gets_it() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[("UNIQUE_NAMES", "true")]).await;
    let mut first = Client::connect(&one, Transport::WebSocket).await;
    let mut second = Client::connect(&two, Transport::WebSocket).await;
    for round in 0..20 {
        let join = json!({ "room_name": "tech", "username": format!("Round {round}") });
        let (a, b) = tokio::join!(
            first.ask("join_room", &join),
            second.ask("join_room", &join)
        );
        let (got, not) = if a["ok"] == true { (a, b) } else { (b, a) };
        assert_accepted(&got);
        assert_refused(&not, "username_taken");
        for client in [&mut first, &mut second] {
            client.ask("leave_room", &json!({})).await;
        }
    }
}
