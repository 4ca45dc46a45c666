//! Nodes that die, and nodes that go in an orderly way.

use std::time::Duration;

use hubbub_test_client::chat::{come_back, resumable, with_token};
use hubbub_test_client::redis::{Keeps, Redis};
use hubbub_test_client::shape::{assert_accepted, count};
use hubbub_test_client::{Client, TestServer, Transport};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::nodes::{
    LEASE, SLACK, node, nodes, notices, resuming, said, until_listed, until_nodes_are,
};

#[tokio::test]
async fn the_members_of_a_killed_node_are_gone_within_fifteen_seconds_and_the_room_is_told() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[]).await;
    let mut bob = Client::joined(&two, "tech", "Bob").await;
    let mut watcher = Client::connect(&two, Transport::WebSocket).await;
    let (_resumable, _) = resumable(&one, Transport::WebSocket, "Ada").await;
    let _old = Client::joined(&one, "tech", "Old").await;
    let _elsewhere = Client::joined(&one, "music", "Eve").await;
    watcher.until_counts(&[("tech", 3), ("music", 1)]).await;
    until_listed(&mut bob, SLACK, &["Ada", "Bob", "Old"]).await;

    let since = Instant::now();
    drop(one);
    // The rest of the service goes on meanwhile.
    said(&mut bob, "is anybody there").await;
    let mut told = Vec::new();
    while notices(&told).len() < 4 {
        told.push(bob.event().await);
    }
    watcher.until_counts(&[("tech", 1)]).await;
    let took = since.elapsed();
    assert!(took < LEASE + SLACK, "{took:?}");
    let mut told = notices(&told);
    told.sort_unstable();
    let expected = [
        "Ada has joined the room",
        "Ada has left the room",
        "Old has joined the room",
        "Old has left the room",
    ];
    assert_eq!(told, expected);
    until_listed(&mut bob, Duration::ZERO, &["Bob"]).await;
    // A node that starts now finds it all in order.
    let third = node(&redis.url(), &[]).await;
    let mut fresh = Client::connect(&third, Transport::WebSocket).await;
    let list = fresh.expect("room_list").await;
    assert_eq!((count(&list, "tech"), count(&list, "music")), (1, 0));
    let events = bob.events_until_echo("a fence").await;
    assert_eq!(notices(&events), [""; 0], "each is told once");
}

#[tokio::test]
async fn whoever_flees_from_a_killed_node_was_never_away() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[]).await;
    let mut bob = Client::joined(&two, "tech", "Bob").await;
    let (mut ada, token) = resumable(&one, Transport::WebSocket, "Ada").await;
    bob.until_notice_and_counts("Ada has joined the room", &[("tech", 2)])
        .await;
    let last = said(&mut ada, "said on a node that will die").await;
    bob.events_until(|event| event["id"] == last).await;
    let answer = bob
        .ask(
            "join_room",
            &json!({ "room_name": "tech", "username": "Bob" }),
        )
        .await;
    drop(one);
    said(&mut bob, "said while Ada is away").await;

    let mut ada = with_token(&two, Transport::WebSocket, &token).await;
    ada.greeted().await;
    let join = resuming("tech", "Ada", &answer["epoch"], last);
    let answer = ada.ask("join_room", &join).await;
    assert_accepted(&answer);
    assert_eq!(
        (&answer["recovered"], &answer["users_count"]),
        (&json!(true), &json!(2)),
        "{answer}"
    );
    assert_eq!(ada.next_message().await["text"], "said while Ada is away");
    // Nor is a notice sent when the lease of the dead node is over.
    until_nodes_are(&redis, 1).await;
    ada.say("a fence");
    let events = bob.events_until_message("a fence").await;
    assert_eq!(notices(&events), [""; 0], "{events:?}");
    until_listed(&mut bob, Duration::ZERO, &["Ada", "Bob"]).await;
}

/// A deploy: all clients of a node are closed and come back elsewhere, and no other member notices.
#[tokio::test]
async fn a_node_is_drained_and_nobody_is_told_that_those_who_move_have_left() {
    const MEMBERS: usize = 20;
    const GRACE: Duration = Duration::from_secs(3);
    let settings = [("DRAIN_TIMEOUT", "3s"), ("RESUME_GRACE", "3s")];
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [mut one, two] = nodes(&redis.url(), &settings).await;
    let mut bob = Client::joined(&two, "tech", "Bob").await;
    let mut members = Vec::new();
    for number in 0..MEMBERS {
        let transport = Transport::ALL[number % 3];
        members.push(resumable(&one, transport, &format!("Member {number}")).await);
    }
    let all = u64::try_from(MEMBERS).unwrap() + 1;
    bob.until_counts(&[("tech", all)]).await;
    bob.events_until_echo("before").await;

    one.signal("TERM").await;
    let mut moved = Vec::new();
    for (number, (mut member, token)) in members.into_iter().enumerate() {
        member.until_closed().await;
        let mut again = with_token(&two, Transport::WebSocket, &token).await;
        again.greeted().await;
        come_back(&mut again, "tech", &format!("Member {number}")).await;
        moved.push(again);
    }
    assert_eq!(one.exit().await.code(), Some(0));
    // The node is gone for the others, and then time itself is tested: nothing may happen when the
    // grace of its members is over.
    until_nodes_are(&redis, 1).await;
    sleep(GRACE + SLACK).await;
    let events = bob.events_until_echo("after").await;
    assert_eq!(notices(&events), [""; 0]);
    let mut updates = events.iter().filter(|e| e.name == "room_update");
    assert!(updates.all(|e| count(e, "tech") == all), "{events:?}");
    let users = bob.ask("list_users", &json!({})).await;
    assert_eq!(users["total"], all, "{users}");
}

#[tokio::test]
async fn whoever_does_not_come_back_from_a_drained_node_has_left() {
    let settings = [("DRAIN_TIMEOUT", "1s"), ("RESUME_GRACE", "2s")];
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [mut one, two] = nodes(&redis.url(), &settings).await;
    let mut bob = Client::joined(&two, "tech", "Bob").await;
    let (_ada, _) = resumable(&one, Transport::WebSocket, "Ada").await;
    let _old = Client::joined(&one, "tech", "Old").await;
    bob.until_counts(&[("tech", 3)]).await;
    bob.events_until_echo("before").await;
    one.signal("TERM").await;
    assert_eq!(one.exit().await.code(), Some(0));
    let since = Instant::now();
    let mut told = Vec::new();
    while notices(&told).len() < 2 {
        told.push(bob.event().await);
    }
    let took = since.elapsed();
    assert!(took < LEASE + SLACK, "{took:?}");
    let mut told = notices(&told);
    told.sort_unstable();
    assert_eq!(told, ["Ada has left the room", "Old has left the room"]);
    until_listed(&mut bob, SLACK, &["Bob"]).await;
}

/// A node that does not run for a while is taken for dead; when it runs on, it and its members
/// find their way back.
#[tokio::test]
async fn a_node_that_was_paused_for_longer_than_its_lease_finds_its_way_back() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let settings = [("PING_TIMEOUT", "10m")];
    let nodes: [TestServer; 2] = nodes(&redis.url(), &settings).await;
    let mut bob = Client::joined(&nodes[1], "tech", "Bob").await;
    let mut ada = Client::joined(&nodes[0], "tech", "Ada").await;
    bob.until_counts(&[("tech", 2)]).await;
    nodes[0].signal("STOP").await;
    bob.until_notice_and_counts("Ada has left the room", &[("tech", 1)])
        .await;
    said(&mut bob, "said meanwhile").await;
    nodes[0].signal("CONT").await;
    bob.until_counts(&[("tech", 2)]).await;
    assert_eq!(ada.next_message().await["text"], "said meanwhile");
    said(&mut ada, "still here").await;
    bob.events_until_message("still here").await;
    for client in [&mut ada, &mut bob] {
        until_listed(client, SLACK, &["Ada", "Bob"]).await;
    }
}
