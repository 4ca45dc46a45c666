//! `room_update`: who gets the counts, when, and how many of them a storm costs.

use std::time::Duration;

use hubbub_test_client::packet::event_frame;
use hubbub_test_client::server::raise_file_limit;
use hubbub_test_client::shape::{assert_accepted, default_rooms_json};
use hubbub_test_client::{Client, Dial, EVENT_TIMEOUT, Transport};
use serde_json::json;
use tokio::time::timeout;

use super::HUBBUB;

#[tokio::test]
async fn every_connection_gets_every_change_in_a_room_or_not() {
    let server = HUBBUB.start().await;
    let mut watchers = Vec::new();
    for transport in Transport::ALL {
        watchers.push(Client::connect(&server, transport).await);
    }
    watchers.push(Client::joined(&server, "sports", "Sportive").await);
    let mut ada = Client::connect(&server, Transport::WebSocket).await;

    ada.join("tech", "Ada").await;
    for watcher in &mut watchers {
        watcher.until_counts(&[("sports", 1), ("tech", 1)]).await;
    }
    ada.join("music", "Ada").await;
    for watcher in &mut watchers {
        watcher.until_counts(&[("sports", 1), ("music", 1)]).await;
    }
    assert_accepted(&ada.ask("leave_room", &json!({})).await);
    for watcher in &mut watchers {
        watcher.until_counts(&[("sports", 1)]).await;
    }
    ada.join("gaming", "Ada").await;
    for watcher in &mut watchers {
        watcher.until_counts(&[("sports", 1), ("gaming", 1)]).await;
    }
    drop(ada);
    for watcher in &mut watchers {
        watcher.until_counts(&[("sports", 1)]).await;
    }
}

/// With an interval longer than the test waits, only what is sent immediately can arrive.
#[tokio::test]
async fn the_first_change_after_a_quiet_spell_goes_out_at_once() {
    let server = HUBBUB.start_with(&[("COUNTS_INTERVAL", "10m")]).await;
    let mut watcher = Client::connect(&server, Transport::WebSocket).await;
    watcher.greeted().await;
    let _ada = Client::joined(&server, "tech", "Ada").await;
    let update = watcher.expect("room_update").await;
    assert_eq!(update.raw, default_rooms_json(&[("tech", 1)]));
}

#[tokio::test]
async fn a_joiner_gets_the_counts_of_its_join_whatever_the_interval() {
    let server = HUBBUB.start_with(&[("COUNTS_INTERVAL", "10m")]).await;
    let mut clients = Vec::new();
    for members in 1..=5 {
        let mut client = Client::connect(&server, Transport::WebSocket).await;
        client.greeted().await;
        client.emit("join_room", &json!({ "room_name": "tech" }));
        assert_eq!(
            client.wait_for("join_confirm").await["users_count"],
            members
        );
        let update = client.expect("room_update").await;
        assert_eq!(update.raw, default_rooms_json(&[("tech", members)]));
        clients.push(client);
    }
}

/// Everybody goes from room to room without waiting: at the end everybody is counted once.
#[tokio::test]
async fn whoever_moves_about_is_counted_once() {
    const CLIENTS: usize = 10;
    let server = HUBBUB
        .start_with(&[("MESSAGE_RATE", "0"), ("NOTICE_LIMIT", "0")])
        .await;
    let mut witness = Client::joined(&server, "gaming", "Witness").await;
    let mut clients = Vec::new();
    for transport in Transport::ALL.into_iter().cycle().take(CLIENTS) {
        clients.push(Client::connect(&server, transport).await);
    }
    let rooms = ["gaming", "tech", "gaming", "gaming", "music"];
    for (number, client) in clients.iter().enumerate() {
        let join = |round: usize| {
            let room = rooms[(number + round) % rooms.len()];
            let payload = json!({ "room_name": room, "username": format!("Guest {number}") });
            event_frame("join_room", Some(&payload.to_string()), None)
        };
        let leave = event_frame("leave_room", None, Some(1));
        client.send_all((0..100).map(join).chain([leave]).collect());
    }
    for client in &mut clients {
        assert_accepted(&client.answer(1).await);
    }
    let list = Client::connect(&server, Transport::WebSocket)
        .await
        .expect("room_list")
        .await;
    assert_eq!(list.raw, default_rooms_json(&[("gaming", 1)]));
    let events = witness.events_until_echo("a fence").await;
    for number in 0..CLIENTS {
        let name = format!("Guest {number}");
        let own = events.iter().filter(|event| event["username"] == *name);
        let kinds: Vec<&str> = own.map(|event| event["kind"].as_str().unwrap()).collect();
        let in_turns = kinds.chunks(2).all(|pair| pair == ["joined", "left"]);
        assert!(in_turns && !kinds.is_empty(), "{name}: {kinds:?}");
    }
}

/// Connections that vanish while they are being made: none may stay behind as a member.
#[tokio::test]
async fn connections_that_vanish_at_once_leave_no_ghosts() {
    let server = HUBBUB.start_with(&[("MESSAGE_RATE", "0")]).await;
    let join = event_frame("join_room", Some(r#"{"room_name":"tech"}"#), None);
    for _ in 0..200 {
        let unanswered = Dial::new(&server, Transport::WebSocket).open().await;
        unanswered.send_raw("40");
        let joining = Client::connect(&server, Transport::WebSocket).await;
        joining.send_raw(&join);
        let waiting = Client::connect(&server, Transport::WebSocket).await;
        waiting.send_raw(&join);
        tokio::task::yield_now().await;
    }
    let mut witness = Client::joined(&server, "tech", "Witness").await;
    let alone = async {
        while witness.ask("list_users", &json!({})).await["total"] != 1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(EVENT_TIMEOUT, alone)
        .await
        .expect("in the end only the witness is there");
}

const STORM: u64 = 1000;
const UPDATES_MAX: usize = 30;

/// Where the storm ends: everybody in the first room but for one in ten.
fn room_in_storm(number: u64) -> &'static str {
    if number.is_multiple_of(10) {
        "music"
    } else {
        "general"
    }
}

#[tokio::test]
async fn a_thousand_joins_leave_right_counts_everywhere_for_a_handful_of_updates() {
    raise_file_limit().await;
    let server = HUBBUB.start().await;
    let mut clients = Vec::new();
    for _ in 0..STORM {
        let mut client = Client::connect(&server, Transport::WebSocket).await;
        client.greeted().await;
        clients.push(client);
    }
    for (number, client) in (0..).zip(&clients) {
        let name = format!("Guest {number}");
        client.emit(
            "join_room",
            &json!({ "room_name": room_in_storm(number), "username": name }),
        );
    }
    let counts = [("general", STORM * 9 / 10), ("music", STORM / 10)];
    for (number, client) in (0..).zip(&mut clients) {
        let events = client.until_counts(&counts).await;
        let of = |name: &str| events.iter().filter(|event| event.name == name).count();
        assert_eq!(of("join_confirm"), 1, "client {number}");
        let updates = of("room_update");
        assert!(
            updates <= UPDATES_MAX,
            "client {number} got {updates} updates"
        );
    }
    let last = clients.pop().unwrap();
    drop(clients);
    empty_again(last).await;
}

/// The storm's way out: all but one leave together, without a packet.
async fn empty_again(mut last: Client) {
    let events = last.until_counts(&[(room_in_storm(STORM - 1), 1)]).await;
    let updates = events
        .iter()
        .filter(|event| event.name == "room_update")
        .count();
    assert!(
        updates <= UPDATES_MAX,
        "{updates} updates for {STORM} leaving"
    );
}
