//! `activity`: the newest message of each room, sent to clients that can use it.

use std::time::Duration;

use hubbub_test_client::chat::with_token;
use hubbub_test_client::packet::Event;
use hubbub_test_client::shape::keys;
use hubbub_test_client::{Client, Dial, TestServer, Transport};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::HUBBUB;

const PAUSE: Duration = Duration::from_secs(2);

/// A client that is sent `activity`, in no room, past the greeting. Returns what the greeting said
/// too.
async fn watcher(server: &TestServer, transport: Transport) -> (Client, Event) {
    let mut client = with_token(server, transport, &Value::Null).await;
    client.greeted().await;
    let first = client.expect("activity").await;
    (client, first)
}

/// Reads on until `room` has had a message `id`.
async fn until_newest(client: &mut Client, room: &str, id: u64) -> Vec<Event> {
    let events = client
        .events_until(|event| event.name == "activity" && event["rooms"][room] == id)
        .await;
    events.into_iter().filter(is_activity).collect()
}

fn is_activity(event: &Event) -> bool {
    event.name == "activity"
}

async fn say(client: &mut Client, text: &str) -> u64 {
    let answer = client.ask("send_message", &json!({ "text": text })).await;
    answer["id"].as_u64().unwrap()
}

#[tokio::test]
async fn whoever_can_resume_is_told_all_rooms_after_the_session() {
    for transport in Transport::ALL {
        let server = HUBBUB.start().await;
        let (mut bob, empty) = watcher(&server, transport).await;
        assert_eq!(
            empty.raw,
            r#"{"rooms":{"general":0,"tech":0,"sports":0,"music":0,"gaming":0}}"#
        );
        let mut ada = Client::joined(&server, "tech", "Ada").await;
        let id = say(&mut ada, "hello").await;
        until_newest(&mut bob, "tech", id).await;
        let (_late, first) = watcher(&server, transport).await;
        assert_eq!(
            first["rooms"],
            json!({ "general": 0, "tech": id, "sports": 0, "music": 0, "gaming": 0 })
        );
        let rooms = first.payload["rooms"].to_string();
        assert_eq!(keys(&rooms).len(), 5);
    }
}

#[tokio::test]
async fn clients_that_cannot_resume_are_never_told() {
    let server = HUBBUB.start().await;
    let mut old = Vec::new();
    for transport in Transport::ALL {
        for auth in ["", "{}", r#"{"name":"x"}"#] {
            let mut client = Dial::new(&server, transport).auth(auth).connect().await;
            let mut heard = vec![
                client.expect("room_list").await,
                client.expect("session").await,
            ];
            client.emit("join_room", &json!({ "room_name": "music" }));
            heard.extend(client.events_until_echo("in the room").await);
            old.push((client, heard, format!("{transport} {auth}")));
        }
    }
    let (mut bob, _) = watcher(&server, Transport::WebSocket).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let id = say(&mut ada, "hello").await;
    until_newest(&mut bob, "tech", id).await;
    for (mut client, mut heard, which) in old {
        heard.extend(client.events_until_echo("a fence").await);
        assert!(!heard.iter().any(is_activity), "{which}: {heard:?}");
    }
}

#[tokio::test]
async fn the_newest_message_counts_and_notices_do_not() {
    let server = HUBBUB.start().await;
    let (mut bob, _) = watcher(&server, Transport::WebSocket).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let id = say(&mut ada, "hello").await;
    assert!(id > 1, "there was a notice before it");
    until_newest(&mut bob, "tech", id).await;
    // Notices in two rooms, then a message in a third: only the last is announced.
    let eve = Client::joined(&server, "tech", "Eve").await;
    let mut music = Client::joined(&server, "music", "Mia").await;
    drop(eve);
    ada.wait_for_kind("left").await;
    music.join("sports", "Mia").await;
    let other = say(&mut music, "hello").await;
    let told = until_newest(&mut bob, "sports", other).await;
    assert_eq!(told.len(), 1, "{told:?}");
    let rooms = json!({ "general": 0, "tech": id, "sports": other, "music": 0, "gaming": 0 });
    assert_eq!(told[0]["rooms"], rooms);
}

#[tokio::test]
async fn members_are_told_too_wherever_they_are() {
    let server = HUBBUB.start().await;
    let (mut bob, _) = watcher(&server, Transport::Polling).await;
    bob.join("music", "Bob").await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let id = say(&mut ada, "hello").await;
    until_newest(&mut bob, "tech", id).await;
    let own = say(&mut bob, "hello").await;
    until_newest(&mut bob, "music", own).await;
}

#[tokio::test]
async fn the_first_message_is_told_at_once_and_a_storm_once_a_pause() {
    let server = HUBBUB.start_with(&[("MESSAGE_RATE", "0")]).await;
    let (mut bob, _) = watcher(&server, Transport::WebSocket).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let first = say(&mut ada, "the first").await;
    let told = timeout(PAUSE / 2, until_newest(&mut bob, "tech", first)).await;
    assert!(told.is_ok(), "the first one need not wait");
    let since = Instant::now();
    let mut last = first;
    while since.elapsed() < PAUSE * 2 {
        last = say(&mut ada, "one of many").await;
    }
    let told = until_newest(&mut bob, "tech", last).await;
    let pauses = since.elapsed().as_secs() / PAUSE.as_secs() + 1;
    assert!(told.len() as u64 <= pauses, "{} times", told.len());
    let ids: Vec<u64> = told
        .iter()
        .map(|event| event["rooms"]["tech"].as_u64().unwrap())
        .collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
}
