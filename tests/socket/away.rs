//! Users who are away: a client that says so and closes its connection, and comes back.

use std::time::Duration;

use hubbub_test_client::chat::{come_back, resumable, with_token};
use hubbub_test_client::packet::{Event, event_frame};
use hubbub_test_client::shape::{assert_accepted, assert_refused};
use hubbub_test_client::{Client, Dial, TestServer, Transport};
use serde_json::{Value, json};

use super::HUBBUB;

/// Longer than a membership is held for a client that closes.
const LONGER: Duration = Duration::from_millis(2500);
/// A lost connection is the end of a membership, so that only being away keeps it.
const NO_RESUME: (&str, &str) = ("RESUME_GRACE", "0");
/// What may be held of a small room, and of one address.
const HELD: u64 = 16;

fn away() -> Value {
    json!({ "closing": true, "away": true })
}

fn notices(events: &[Event]) -> usize {
    let notices = events.iter().filter(|e| e.name == "system_message");
    notices.count()
}

/// Says that the user is away, and closes the connection.
async fn go(mut client: Client) {
    assert_accepted(&client.ask("leave_room", &away()).await);
    client.hang_up();
    client.until_closed().await;
}

/// The names of a list of users, with whether each is away.
fn listed(users: &Value) -> Vec<(String, bool)> {
    let users = users.as_array().unwrap().iter();
    let of = |user: &Value| {
        let away = user.get("away").map(|away| {
            assert_eq!(away, &json!(true), "absent means false: {user}");
            true
        });
        let name = user["username"].as_str().unwrap().to_owned();
        (name, away.unwrap_or(false))
    };
    users.map(of).collect()
}

/// Asks for the users until so many of them are away; returns how many there are.
async fn until_away(client: &mut Client, count: usize) -> u64 {
    for _ in 0..200 {
        let answer = client.ask("list_users", &json!({})).await;
        let users = listed(&answer["users"]);
        if users.iter().filter(|(_, away)| *away).count() == count {
            return answer["total"].as_u64().unwrap();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("there are never {count} users away");
}

/// Bob, and Ada who is able to resume, in one room.
async fn bob_and_ada(server: &TestServer, transport: Transport) -> (Client, Client, Value) {
    let mut bob = Client::joined(server, "tech", "Bob").await;
    let (ada, token) = resumable(server, transport, "Ada").await;
    bob.until_notice_and_counts("Ada has joined the room", &[("tech", 2)])
        .await;
    (bob, ada, token)
}

/// Ada is away, Bob sees it, and she comes back to what she missed.
async fn is_away_and_comes_back(server: &TestServer, transport: Transport) {
    let (mut bob, mut ada, token) = bob_and_ada(server, transport).await;
    let confirm = come_back(&mut ada, "tech", "Ada").await;
    ada.emit("typing", &json!({ "typing": true }));
    bob.events_until(|e| e.name == "typing" && e["users"][0]["username"] == "Ada")
        .await;
    go(ada).await;
    // Who is away does not type.
    bob.events_until(|e| e.name == "typing" && e["users"] == json!([]))
        .await;
    assert_eq!(until_away(&mut bob, 1).await, 2, "{transport}");
    let users = bob.ask("list_users", &json!({})).await;
    let expected = [("Bob".to_owned(), false), ("Ada".to_owned(), true)];
    assert_eq!(listed(&users["users"]), expected);
    // A newcomer sees the same, and counts the same.
    let mut eve = Client::connect(server, Transport::WebSocket).await;
    let join = json!({ "room_name": "tech", "username": "Eve", "users": true });
    let joined = eve.ask("join_room", &join).await;
    assert_eq!(joined["users_count"], 3, "{joined}");
    assert_eq!(listed(&joined["users"])[..2], expected);
    drop(eve);
    bob.until_notice_and_counts("Eve has left the room", &[("tech", 2)])
        .await;
    tokio::time::sleep(LONGER).await;
    let seen = bob.events_until_echo("said meanwhile").await;
    assert_eq!(notices(&seen), 0, "{transport}: {seen:?}");

    let mut ada = with_token(server, transport, &token).await;
    ada.greeted().await;
    let after = json!({ "epoch": confirm["epoch"], "id": confirm["last_id"] });
    let join = json!({ "room_name": "tech", "username": "Ada", "after": after, "users": true });
    let ack = ada.ask("join_room", &join).await;
    assert_eq!(ack["recovered"], true, "{ack}");
    assert_eq!(listed(&ack["users"])[1], ("Ada".to_owned(), false));
    assert_eq!(ada.next_message().await["text"], "said meanwhile");
    ada.say("back");
    assert_eq!(notices(&bob.events_until_message("back").await), 0);
    assert_eq!(until_away(&mut bob, 0).await, 2);
    // Away is over: what follows is a lost connection like any other.
    drop(ada);
    bob.until_notice_and_counts("Ada has left the room", &[("tech", 1)])
        .await;
}

#[tokio::test]
async fn who_is_away_is_listed_as_such_and_comes_back_without_a_notice() {
    for transport in Transport::ALL {
        let server = HUBBUB.start_with(&[NO_RESUME]).await;
        is_away_and_comes_back(&server, transport).await;
    }
}

/// As everybody who was a member before. A host that stops a machine without connections does so.
#[cfg(feature = "disk")]
#[tokio::test]
async fn after_a_restart_on_disk_who_was_away_is_a_member_for_the_resume_grace() {
    for signal in ["TERM", "KILL"] {
        let folder = hubbub_test_client::room_store::folder_in_memory();
        let data = ("DATA_DIR", folder.path().to_str().unwrap());
        let mut server = HUBBUB.start_with(&[data]).await;
        let (mut bob, ada, token) = bob_and_ada(&server, Transport::WebSocket).await;
        let confirm = come_back(&mut bob, "tech", "Bob").await;
        go(ada).await;
        until_away(&mut bob, 1).await;
        bob.events_until_echo("said meanwhile").await;
        // The last connection, which says nothing of coming back.
        drop(bob);
        server.signal(signal).await;
        server.exit().await;
        let server = HUBBUB.start_with(&[data, ("RESUME_GRACE", "3s")]).await;
        let mut eve = Client::joined(&server, "tech", "Eve").await;
        let users = eve.ask("list_users", &json!({})).await;
        let ada = ("Ada".to_owned(), false);
        assert!(listed(&users["users"]).contains(&ada), "{signal}: {users}");
        eve.events_until(|e| e["text"] == "Ada has left the room")
            .await;
        // Later she is announced again, and has missed nothing.
        let mut ada = with_token(&server, Transport::WebSocket, &token).await;
        let after = json!({ "epoch": confirm["epoch"], "id": confirm["last_id"] });
        let join = json!({ "room_name": "tech", "username": "Ada", "after": after });
        let ack = ada.ask("join_room", &join).await;
        assert_eq!(ack["recovered"], true, "{signal}: {ack}");
        assert_eq!(ada.next_message().await["text"], "said meanwhile");
    }
}

#[tokio::test]
async fn who_stays_away_has_left_after_the_grace() {
    for grace in ["1s", "0"] {
        let server = HUBBUB
            .start_with(&[("AWAY_GRACE", grace), ("RESUME_GRACE", "10m")])
            .await;
        let (mut bob, ada, token) = bob_and_ada(&server, Transport::WebSocket).await;
        go(ada).await;
        bob.until_notice_and_counts("Ada has left the room", &[("tech", 1)])
            .await;
        let mut ada = with_token(&server, Transport::WebSocket, &token).await;
        ada.join("tech", "Ada").await;
        bob.until_notice_and_counts("Ada has joined the room", &[("tech", 2)])
            .await;
    }
}

/// A page that is shown again may take its time from the connection to the room.
#[tokio::test]
async fn who_has_connected_when_the_grace_ends_is_waited_for() {
    let server = HUBBUB
        .start_with(&[("AWAY_GRACE", "1s"), ("RESUME_GRACE", "10m")])
        .await;
    let (mut bob, ada, token) = bob_and_ada(&server, Transport::WebSocket).await;
    go(ada).await;
    let mut ada = with_token(&server, Transport::WebSocket, &token).await;
    ada.greeted().await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    come_back(&mut ada, "tech", "Ada").await;
    ada.say("back");
    assert_eq!(notices(&bob.events_until_message("back").await), 0);
}

#[tokio::test]
async fn a_join_on_the_same_connection_takes_it_back() {
    let server = HUBBUB.start_with(&[NO_RESUME]).await;
    let (mut bob, mut ada, _) = bob_and_ada(&server, Transport::WebSocket).await;
    assert_accepted(&ada.ask("leave_room", &away()).await);
    // Nothing happens while the connection is there.
    assert_eq!(until_away(&mut bob, 0).await, 2);
    come_back(&mut ada, "tech", "Ada").await;
    drop(ada);
    bob.until_notice_and_counts("Ada has left the room", &[("tech", 1)])
        .await;
}

#[tokio::test]
async fn of_closing_and_being_away_the_last_word_counts() {
    let settings = [("RESUME_GRACE", "10m"), ("AWAY_GRACE", "10m")];
    let server = HUBBUB.start_with(&settings).await;
    let (mut bob, mut ada, _) = bob_and_ada(&server, Transport::WebSocket).await;
    assert_accepted(&ada.ask("leave_room", &away()).await);
    let closing = json!({ "closing": true });
    assert_accepted(&ada.ask("leave_room", &closing).await);
    drop(ada);
    bob.until_notice_and_counts("Ada has left the room", &[("tech", 1)])
        .await;
}

#[tokio::test]
async fn the_word_counts_that_comes_with_the_end_of_the_connection() {
    let server = HUBBUB.start_with(&[NO_RESUME]).await;
    let (mut bob, ada, _) = bob_and_ada(&server, Transport::WebSocket).await;
    let frame = event_frame("leave_room", Some(&away().to_string()), None);
    ada.send_all(vec![frame]);
    ada.hang_up();
    assert_eq!(until_away(&mut bob, 1).await, 2);
}

#[tokio::test]
async fn away_is_yes_or_no_of_a_room_and_together_with_closing() {
    let server = HUBBUB.start().await;
    let mut ada = Client::connect(&server, Transport::WebSocket).await;
    assert_refused(&ada.ask("leave_room", &away()).await, "not_in_room");
    ada.join("tech", "Ada").await;
    for odd in [
        json!({ "closing": true, "away": "yes" }),
        json!({ "closing": false, "away": true }),
        json!({ "away": true }),
    ] {
        assert_refused(&ada.ask("leave_room", &odd).await, "invalid_payload");
    }
    let plain = json!({ "closing": false, "away": false });
    assert_accepted(&ada.ask("leave_room", &plain).await);
}

/// It has no identity to come back with.
#[tokio::test]
async fn a_client_that_cannot_resume_leaves() {
    let server = HUBBUB.start().await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let ada = Client::joined(&server, "tech", "Ada").await;
    go(ada).await;
    bob.until_notice_and_counts("Ada has left the room", &[("tech", 1)])
        .await;
}

#[tokio::test]
async fn nothing_is_new_to_a_client_that_knows_nothing_of_it() {
    let server = HUBBUB.start().await;
    let mut bob = Client::connect(&server, Transport::WebSocket).await;
    assert_eq!(bob.greeted().await["limits"]["park_after_ms"], 0);
    bob.join("tech", "Bob").await;
    let users = bob.ask("list_users", &json!({})).await;
    let keys: Vec<_> = users["users"][0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["user_id", "username"]);
}

#[tokio::test]
async fn the_session_says_when_pages_park() {
    let server = HUBBUB.start_with(&[("PARK_AFTER", "90s")]).await;
    let mut bob = Client::connect(&server, Transport::WebSocket).await;
    assert_eq!(bob.greeted().await["limits"]["park_after_ms"], 90_000);
}

const PROXIES: (&str, &str) = ("TRUSTED_PROXIES", "127.0.0.0/8");

/// Somebody of an address of their own, able to resume, in the room.
async fn person(server: &TestServer, number: u64) -> Client {
    let address = format!("198.51.100.{number}");
    let dial = Dial::new(server, Transport::WebSocket).header("x-forwarded-for", &address);
    let mut client = dial.auth(r#"{"token":null}"#).connect().await;
    client.greeted().await;
    come_back(&mut client, "tech", &format!("P{number}")).await;
    client
}

#[tokio::test]
async fn who_is_away_as_soon_as_they_have_joined_cannot_fill_a_room() {
    let server = HUBBUB.start_with(&[PROXIES, NO_RESUME]).await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    for number in 1..=30 {
        go(person(&server, number).await).await;
    }
    let total = until_away(&mut bob, usize::try_from(HELD).unwrap()).await;
    // One may be on their way out.
    assert!((HELD + 1..=HELD + 2).contains(&total), "{total}");
}

#[tokio::test]
async fn a_room_whose_people_are_mostly_away_keeps_them_and_works() {
    let settings = [PROXIES, ("PARK_AFTER", "500ms"), ("RESUME_GRACE", "10m")];
    let server = HUBBUB.start_with(&settings).await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let mut people = Vec::new();
    for number in 1..=40 {
        people.push(person(&server, number).await);
    }
    tokio::time::sleep(Duration::from_millis(600)).await;
    bob.events_until_echo("all here").await;
    for person in people {
        go(person).await;
    }
    assert_eq!(until_away(&mut bob, 40).await, 41);
    // They take no place of those whose connections are lost.
    for number in 41..=44 {
        drop(person(&server, number).await);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(until_away(&mut bob, 40).await, 45);
    let seen = bob.events_until_echo("still all here").await;
    let left = seen.iter().filter(|event| event["kind"] == "left");
    assert_eq!(left.count(), 0, "{seen:?}");
}

#[tokio::test]
async fn one_address_has_only_so_many_who_are_away() {
    let settings = [PROXIES, ("PARK_AFTER", "1ms"), NO_RESUME];
    let server = HUBBUB.start_with(&settings).await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    for _ in 0..HELD + 9 {
        go(person(&server, 1).await).await;
    }
    until_away(&mut bob, usize::try_from(HELD).unwrap()).await;
}
