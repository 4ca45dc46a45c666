//! One user, one membership: a user who comes back on another node takes over from their own live
//! connection or ghost there, and no one notices.

use std::time::Duration;

use futures_util::future::join_all;
use hubbub_test_client::chat::{come_back, resumable, with_token};
use hubbub_test_client::packet::event_frame;
use hubbub_test_client::redis::{Keeps, Redis};
use hubbub_test_client::{Client, Packet, TestServer, Transport};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::nodes::{node, nodes, notices, until_listed};
use super::relay::{Relay, Way};

/// A transport whose session has ended is closed soon, so that its end can be waited for.
const SOON_CLOSED: [(&str, &str); 1] = [("CONNECT_TIMEOUT", "1s")];

/// Checks that a witness receives no notice of comings and goings, and no other count, up to a
/// message said now.
async fn notices_nothing(witness: &mut Client, speaker: &Client, text: &str) {
    speaker.say(text);
    let events = witness.events_until_message(text).await;
    assert_eq!(notices(&events), [""; 0], "{events:?}");
    let told_of = |count: u64| {
        let updates = events.iter().filter(|e| e.name == "room_update");
        updates.filter(|e| e["tech"]["count"] != count).count()
    };
    assert_eq!(told_of(2), 0, "{events:?}");
}

#[tokio::test]
async fn a_live_connection_on_another_node_is_taken_over_from_and_told_so() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &SOON_CLOSED).await;
    for (from, to) in [(&one, &two), (&two, &one)] {
        for transport in Transport::ALL {
            let mut bob = Client::joined(&one, "tech", "Bob").await;
            let (mut older, token) = resumable(from, transport, "Ada").await;
            bob.until_notice_and_counts("Ada has joined the room", &[("tech", 2)])
                .await;

            let mut ada = with_token(to, transport, &token).await;
            ada.greeted().await;
            let answer = come_back(&mut ada, "tech", "Ada").await;
            assert_eq!(answer["users_count"], 2, "{transport}: {answer}");
            let told = older.until_closed().await;
            assert!(
                told.iter().any(|p| matches!(p, Packet::Disconnected)),
                "{transport}: {told:?}"
            );
            notices_nothing(&mut bob, &ada, "it is still me").await;
            until_listed(&mut bob, Duration::ZERO, &["Ada", "Bob"]).await;
            // Both go, and the next round starts with an empty room.
            for client in [&ada, &bob] {
                client.send_raw("41");
            }
            empty(&one).await;
        }
    }
}

/// Waits until all rooms are empty.
async fn empty(node: &TestServer) {
    let mut watcher = Client::connect(node, Transport::WebSocket).await;
    let counts = watcher.expect("room_list").await;
    if counts["tech"]["count"] != 0 {
        watcher.until_counts(&[]).await;
    }
}

#[tokio::test]
async fn a_ghost_on_another_node_is_taken_over_from_and_nobody_is_told_later_either() {
    const GRACE: Duration = Duration::from_secs(1);
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[("RESUME_GRACE", "1s")]).await;
    for node_of_bob in [&one, &two] {
        let mut bob = Client::joined(node_of_bob, "tech", "Bob").await;
        let (lost, token) = resumable(&one, Transport::WebSocket, "Ada").await;
        bob.until_notice_and_counts("Ada has joined the room", &[("tech", 2)])
            .await;
        drop(lost);
        let mut ada = with_token(&two, Transport::WebSocket, &token).await;
        ada.greeted().await;
        come_back(&mut ada, "tech", "Ada").await;
        // Time itself is tested: the grace of the ghost ends, unless the takeover has ended it.
        sleep(2 * GRACE).await;
        notices_nothing(&mut bob, &ada, "it is still me").await;
        until_listed(&mut bob, Duration::ZERO, &["Ada", "Bob"]).await;
        for client in [&ada, &bob] {
            client.send_raw("41");
        }
        empty(&one).await;
    }
}

#[tokio::test]
async fn a_ghost_that_is_not_taken_over_from_has_left_after_the_grace_on_every_node() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[("RESUME_GRACE", "1s")]).await;
    let mut bob = Client::joined(&two, "tech", "Bob").await;
    let (lost, _) = resumable(&one, Transport::WebSocket, "Ada").await;
    bob.until_notice_and_counts("Ada has joined the room", &[("tech", 2)])
        .await;
    drop(lost);
    let told = bob
        .until_notice_and_counts("Ada has left the room", &[("tech", 1)])
        .await;
    assert_eq!(notices(&told), ["Ada has left the room"]);
}

#[tokio::test]
async fn whoever_comes_back_elsewhere_in_another_room_gives_up_the_kept_place() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[("RESUME_GRACE", "10m")]).await;
    let mut bob = Client::joined(&one, "tech", "Bob").await;
    let (lost, token) = resumable(&one, Transport::WebSocket, "Ada").await;
    bob.until_notice_and_counts("Ada has joined the room", &[("tech", 2)])
        .await;
    drop(lost);
    let mut ada = with_token(&two, Transport::WebSocket, &token).await;
    ada.join("music", "Ada").await;
    bob.until_notice_and_counts("Ada has left the room", &[("tech", 1), ("music", 1)])
        .await;
    until_listed(&mut ada, Duration::ZERO, &["Ada"]).await;
}

/// The node that a user was connected to shows that they are away, the others an ordinary member.
#[tokio::test]
async fn who_is_away_comes_back_on_another_node_without_a_notice() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[("RESUME_GRACE", "1s")]).await;
    let mut bob = Client::joined(&two, "tech", "Bob").await;
    let (mut ada, token) = resumable(&one, Transport::WebSocket, "Ada").await;
    bob.until_notice_and_counts("Ada has joined the room", &[("tech", 2)])
        .await;
    let away = json!({ "closing": true, "away": true });
    assert_eq!(ada.ask("leave_room", &away).await["ok"], true);
    ada.hang_up();
    ada.until_closed().await;
    sleep(Duration::from_secs(3)).await;
    let there = bob.ask("list_users", &json!({})).await;
    assert_eq!(there["total"], 2, "{there}");
    let is_away = |users: &Value| {
        let users = users["users"].as_array().unwrap().iter();
        users.filter(|user| user["away"] == true).count()
    };
    assert_eq!(is_away(&there), 0, "{there}");
    let mut eve = Client::joined(&one, "tech", "Eve").await;
    let here = eve.ask("list_users", &json!({})).await;
    assert_eq!(is_away(&here), 1, "{here}");
    eve.send_raw("41");
    bob.until_notice_and_counts("Eve has left the room", &[("tech", 2)])
        .await;
    let mut ada = with_token(&two, Transport::WebSocket, &token).await;
    come_back(&mut ada, "tech", "Ada").await;
    notices_nothing(&mut bob, &ada, "it is still me").await;
}

/// A sender's order holds across nodes: what the older connection still had on its way when its
/// successor came in is not said any more.
#[tokio::test]
async fn what_the_older_connection_was_asked_does_not_happen_after_what_its_successor_is_asked() {
    const LATE: Duration = Duration::from_millis(300);
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let relay = Relay::start(redis.address()).await;
    let settings = [("MESSAGE_RATE", "0")];
    let (slow, quick) = (
        node(&relay.url(), &settings).await,
        node(&redis.url(), &settings).await,
    );
    let mut bob = Client::joined(&quick, "tech", "Bob").await;
    let (older, token) = resumable(&slow, Transport::WebSocket, "Ada").await;
    bob.wait_for_kind("joined").await;
    older.say("in time");
    bob.events_until_message("in time").await;
    relay.set(Way {
        up: LATE,
        ..Way::CLEAR
    });
    let messages = (0..100).map(|n| json!({ "text": format!("late {n}") }));
    let frames = messages.map(|m| event_frame("send_message", Some(&m.to_string()), None));
    older.send_all(frames.collect());
    let mut ada = with_token(&quick, Transport::WebSocket, &token).await;
    come_back(&mut ada, "tech", "Ada").await;
    ada.say("over");
    bob.events_until_message("over").await;
    // What was on its way has arrived by then.
    sleep(3 * LATE).await;
    let events = bob.events_until_echo("a fence").await;
    let heard = events.iter().filter(|e| e.name == "receive_message");
    assert_eq!(heard.count(), 1, "{events:?}");
    assert_eq!(notices(&events), [""; 0]);
}

/// A user whose connections come faster than nodes learn of them from each other.
#[tokio::test]
async fn somebody_who_flees_from_node_to_node_is_there_once() {
    const SETTLED: Duration = Duration::from_secs(5);
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let nodes: [TestServer; 3] = nodes(&redis.url(), &SOON_CLOSED).await;
    let mut bob = Client::joined(&nodes[0], "tech", "Bob").await;
    let (first, token) = resumable(&nodes[0], Transport::WebSocket, "Ada").await;
    bob.wait_for_kind("joined").await;
    let mut connections = vec![first];
    for round in 0..15 {
        let node = &nodes[round % nodes.len()];
        let next = with_token(node, Transport::WebSocket, &token).await;
        next.emit(
            "join_room",
            &json!({ "room_name": "tech", "username": "Ada" }),
        );
        connections.push(next);
    }
    let ends = connections.iter_mut().map(|connection| async {
        let told = timeout(SETTLED, connection.until_closed()).await.ok()?;
        Some(told.iter().any(|p| matches!(p, Packet::Disconnected)))
    });
    let ends = join_all(ends).await;
    let are_left = ends.iter().filter(|end| end.is_none()).count();
    assert_eq!(are_left, 1, "{ends:?}");
    assert!(!ends.contains(&Some(false)), "{ends:?}");
    until_listed(&mut bob, Duration::ZERO, &["Ada", "Bob"]).await;
    let events = bob.events_until_echo("a fence").await;
    assert_eq!(notices(&events), [""; 0]);
}

#[tokio::test]
async fn a_page_that_is_closed_has_left_soon_and_one_that_is_reloaded_never_was_away() {
    const LONGER_THAN_A_RELOAD: Duration = Duration::from_millis(2500);
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[("RESUME_GRACE", "10m")]).await;
    let mut bob = Client::joined(&two, "tech", "Bob").await;
    let closing = json!({ "closing": true });
    for back_at in [&one, &two] {
        let (mut page, token) = resumable(&one, Transport::WebSocket, "Ada").await;
        bob.until_notice_and_counts("Ada has joined the room", &[("tech", 2)])
            .await;
        assert_eq!(page.ask("leave_room", &closing).await["ok"], true);
        page.hang_up();
        let mut reloaded = with_token(back_at, Transport::WebSocket, &token).await;
        reloaded.greeted().await;
        come_back(&mut reloaded, "tech", "Ada").await;
        sleep(LONGER_THAN_A_RELOAD).await;
        notices_nothing(&mut bob, &reloaded, "reloaded").await;

        assert_eq!(reloaded.ask("leave_room", &closing).await["ok"], true);
        reloaded.hang_up();
        bob.until_notice_and_counts("Ada has left the room", &[("tech", 1)])
            .await;
    }
}
