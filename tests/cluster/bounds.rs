//! Bounds that hold on every node: the places that are kept, what rooms take, what users may ask.

use std::time::Instant;

use hubbub_test_client::chat::{come_back, with_token};
use hubbub_test_client::packet::event_frame;
use hubbub_test_client::redis::{Keeps, Redis};
use hubbub_test_client::shape::{assert_accepted, assert_refused};
use hubbub_test_client::{Client, TestServer, Transport};
use serde_json::{Value, json};

use super::nodes::{HEALED, nodes, notices, until};

/// Somebody able to resume, who is lost as soon as they are in the room.
async fn visit(server: &TestServer) {
    let mut ghost = with_token(server, Transport::WebSocket, &Value::Null).await;
    ghost.greeted().await;
    come_back(&mut ghost, "tech", "Ghost").await;
    ghost.hang_up();
    ghost.until_closed().await;
}

async fn total(client: &mut Client) -> u64 {
    let answer = client.ask("list_users", &json!({})).await;
    answer["total"].as_u64().unwrap()
}

#[tokio::test]
async fn connections_that_come_and_go_cannot_fill_a_shared_room_with_ghosts() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[("RESUME_GRACE", "10m")]).await;
    let mut bob = Client::joined(&two, "tech", "Bob").await;
    for _ in 0..60 {
        visit(&one).await;
    }
    // Sixteen of the node that they were at, Bob, and one whose end is still on its way.
    until(HEALED, "few ghosts", async || {
        (2..=18).contains(&total(&mut bob).await)
    })
    .await;
}

#[tokio::test]
async fn ghosts_do_not_count_towards_the_limit_of_notices_on_any_node() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let settings = [("NOTICE_LIMIT", "3"), ("RESUME_GRACE", "10m")];
    let [one, two] = nodes(&redis.url(), &settings).await;
    let mut bob = Client::joined(&two, "tech", "Bob").await;
    for _ in 0..8 {
        visit(&one).await;
    }
    let mut ada = Client::joined(&one, "tech", "Ada").await;
    bob.events_until(|event| event["text"] == "Ada has joined the room")
        .await;
    ada.join("tech", "Grace").await;
    bob.events_until(|event| event["text"] == "Ada is now known as Grace")
        .await;
    drop(ada);
    bob.events_until(|event| event["text"] == "Grace has left the room")
        .await;
    // What was held is not counted twice when it ends: four live members are too many.
    let _others = [
        Client::joined(&one, "tech", "Carl").await,
        Client::joined(&two, "tech", "Dora").await,
        Client::joined(&one, "tech", "Eve").await,
    ];
    let events = bob.events_until_echo("a fence").await;
    let told = |name: &str| {
        let text = format!("{name} has joined the room");
        events.iter().any(|event| event["text"] == text.as_str())
    };
    assert_eq!(["Carl", "Dora", "Eve"].map(told), [true, true, false]);
}

/// The server sends everybody away itself: the bounds are for those who come and go.
#[tokio::test]
async fn a_node_that_is_replaced_keeps_all_its_places_however_many_there_are() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[]).await;
    let mut bob = Client::joined(&two, "tech", "Bob").await;
    let mut people = Vec::new();
    for number in 0..40 {
        let mut person = with_token(&one, Transport::WebSocket, &Value::Null).await;
        let token = person.greeted().await["token"].clone();
        come_back(&mut person, "tech", &format!("P{number}")).await;
        people.push((person, token));
    }
    until(HEALED, "all there", async || total(&mut bob).await == 41).await;
    bob.events_until_echo("all there").await;
    one.signal("TERM").await;
    let mut back = Vec::new();
    for (number, (mut person, token)) in people.into_iter().enumerate() {
        person.until_closed().await;
        let mut person = with_token(&two, Transport::WebSocket, &token).await;
        person.greeted().await;
        come_back(&mut person, "tech", &format!("P{number}")).await;
        back.push(person);
    }
    let events = bob.events_until_echo("all there again").await;
    assert_eq!(notices(&events), [""; 0]);
    assert_eq!(total(&mut bob).await, 41);
}

/// A user who comes back has been in the room as long as before, also if they have to join again.
#[tokio::test]
async fn a_shared_room_is_bounded_on_each_node_and_those_who_were_there_first_go_on() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[("ROOM_RATE", "20")]).await;
    let mut ada = with_token(&one, Transport::WebSocket, &Value::Null).await;
    let token = ada.greeted().await["token"].clone();
    come_back(&mut ada, "tech", "Ada").await;
    let mut watcher = Client::joined(&two, "tech", "Watcher").await;
    let (since, mut accepted, mut refused) = (Instant::now(), 0, 0);
    for round in 0..12 {
        let mut eve = Client::joined(&one, "tech", "Eve").await;
        if round == 6 {
            drop(ada);
            ada = with_token(&one, Transport::WebSocket, &token).await;
            ada.greeted().await;
            come_back(&mut ada, "tech", "Ada").await;
        }
        let spam = |n: u64| event_frame("send_message", Some(r#"{"text":"spam"}"#), Some(1000 + n));
        eve.send_all((0..50).map(spam).collect());
        for n in 0..50 {
            let answer = eve.answer(1000 + n).await;
            if answer["ok"] == true {
                accepted += 1;
            } else {
                assert_refused(&answer, "rate_limited");
                refused += 1;
            }
        }
        let said = json!({ "text": format!("still here in round {round}") });
        assert_accepted(&ada.ask("send_message", &said).await);
    }
    let most = 100 + 20 * (since.elapsed().as_secs() + 1);
    assert!(accepted + 12 <= most, "{accepted} accepted of {most}");
    assert!(refused > 0, "there was no flood");
    watcher.events_until_message("still here in round 11").await;
}

/// Each node counts for itself, so a user has as many budgets as there are nodes, and no more.
#[tokio::test]
async fn going_from_node_to_node_gives_a_budget_for_each_node_and_no_more() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let settings = [("MESSAGE_RATE", "1"), ("MESSAGE_BURST", "5")];
    let nodes: [TestServer; 2] = nodes(&redis.url(), &settings).await;
    let (since, mut accepted, mut token) = (Instant::now(), 0, Value::Null);
    for round in 0..8 {
        let mut eve = with_token(&nodes[round % 2], Transport::WebSocket, &token).await;
        token = eve.greeted().await["token"].clone();
        come_back(&mut eve, "tech", "Eve").await;
        let spam = |n: u64| event_frame("send_message", Some(r#"{"text":"spam"}"#), Some(1000 + n));
        eve.send_all((0..10).map(spam).collect());
        for n in 0..10 {
            accepted += u64::from(eve.answer(1000 + n).await["ok"] == true);
        }
    }
    let most = 2 * (5 + since.elapsed().as_secs() + 1);
    assert!((10..=most).contains(&accepted), "{accepted} of {most}");
}

#[tokio::test]
async fn the_users_of_all_nodes_come_in_pages() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let nodes: [TestServer; 2] = nodes(&redis.url(), &[]).await;
    let mut guests = Vec::new();
    for number in 0..5 {
        let name = format!("Guest {number}");
        guests.push(Client::joined(&nodes[number % 2], "tech", &name).await);
    }
    for guest in &mut guests {
        until(HEALED, "all listed", async || total(guest).await == 5).await;
        let (mut names, mut request) = (Vec::new(), json!({ "limit": 2 }));
        loop {
            let page = guest.ask("list_users", &request).await;
            for user in page["users"].as_array().unwrap() {
                names.push(user["username"].as_str().unwrap().to_owned());
                request["after"] = user["user_id"].clone();
            }
            if page["more"] == false {
                break;
            }
        }
        let expected: Vec<_> = (0..5).map(|number| format!("Guest {number}")).collect();
        assert_eq!(names, expected);
    }
}
