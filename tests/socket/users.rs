//! `list_users` and `typing`: who is here, and who is about to say something.

use hubbub_test_client::shape::{assert_accepted, assert_error, assert_refused, keys};
use hubbub_test_client::{Client, Event, Transport};
use serde_json::{Value, json};

use super::HUBBUB;

fn usernames(users: &Value) -> Vec<&str> {
    let users = users
        .as_array()
        .unwrap_or_else(|| panic!("no list of users: {users}"));
    users
        .iter()
        .map(|user| user["username"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_users_of_the_room_are_listed_with_their_ids() {
    for transport in Transport::ALL {
        let server = HUBBUB.start().await;
        let mut ada = Client::connect(&server, transport).await;
        let ada_id = ada.join("tech", "Ada").await["user_id"].clone();
        let mut bob = Client::joined(&server, "tech", "Bob").await;
        let _eve = Client::joined(&server, "music", "Eve").await;

        let ack = ada.ask("list_users", &json!({})).await;
        assert_accepted(&ack);
        assert_eq!(ack["total"], 2, "{ack}");
        assert_eq!(usernames(&ack["users"]), ["Ada", "Bob"]);
        assert_eq!(ack["users"][0]["user_id"], ada_id);
        assert_eq!(ack["users"][0].as_object().unwrap().len(), 2, "{ack}");

        bob.join("tech", "Robert").await;
        let ack = ada.ask("list_users", &json!({})).await;
        assert_eq!(usernames(&ack["users"]), ["Ada", "Robert"]);
        assert_accepted(&bob.ask("leave_room", &json!({})).await);
        let ack = ada.ask("list_users", &json!({})).await;
        assert_eq!(
            (usernames(&ack["users"]), &ack["total"]),
            (vec!["Ada"], &json!(1))
        );
    }
}

#[tokio::test]
async fn listing_takes_no_payload_or_an_empty_one() {
    let server = HUBBUB.start().await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    for payload in [None, Some("null"), Some("{}"), Some(r#"{"unknown":1}"#)] {
        let ack = ada.ask_raw("list_users", payload).await;
        assert_eq!(usernames(&ack["users"]), ["Ada"], "{payload:?}");
    }
}

#[tokio::test]
async fn outside_a_room_there_are_no_users_and_there_is_no_typing() {
    let server = HUBBUB.start().await;
    let mut ada = Client::connect(&server, Transport::WebSocket).await;
    ada.greeted().await;
    for (event, payload) in [
        ("list_users", json!({})),
        ("typing", json!({ "typing": true })),
    ] {
        assert_refused(&ada.ask(event, &payload).await, "not_in_room");
        ada.emit(event, &payload);
        assert_error(&ada.expect("error").await, event, "not_in_room");
    }
}

/// Waits for the state in which exactly these are typing.
async fn until_typing(client: &mut Client, names: &[&str]) -> Event {
    let wanted = |event: &Event| event.name == "typing" && usernames(&event["users"]) == names;
    client.events_until(wanted).await.pop().unwrap()
}

#[tokio::test]
async fn the_room_sees_who_starts_and_stops_typing() {
    for transport in Transport::ALL {
        let server = HUBBUB.start().await;
        let mut bob = Client::joined(&server, "tech", "Bob").await;
        let mut ada = Client::connect(&server, transport).await;
        let ada_id = ada.join("tech", "Ada").await["user_id"].clone();

        ada.emit("typing", &json!({ "typing": true }));
        let state = until_typing(&mut bob, &["Ada"]).await;
        assert_eq!(keys(&state.raw), ["room", "users"]);
        assert_eq!(
            (&state["room"], &state["users"][0]["user_id"]),
            (&json!("tech"), &ada_id)
        );

        ada.emit("typing", &json!({ "typing": false }));
        until_typing(&mut bob, &[]).await;
    }
}

#[tokio::test]
async fn several_may_be_typing() {
    let server = HUBBUB.start().await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let mut typists = Vec::new();
    for name in ["Ada", "Grace", "Joan"] {
        let typist = Client::joined(&server, "tech", name).await;
        typist.emit("typing", &json!({ "typing": true }));
        typists.push(typist);
    }
    until_typing(&mut bob, &["Ada", "Grace", "Joan"]).await;
}

#[tokio::test]
async fn saying_it_leaving_and_vanishing_end_the_typing() {
    let server = HUBBUB.start().await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let start = json!({ "typing": true });

    ada.emit("typing", &start);
    until_typing(&mut bob, &["Ada"]).await;
    ada.say("said");
    until_typing(&mut bob, &[]).await;

    ada.emit("typing", &start);
    until_typing(&mut bob, &["Ada"]).await;
    ada.emit("leave_room", &json!({}));
    until_typing(&mut bob, &[]).await;

    ada.join("tech", "Ada").await;
    ada.emit("typing", &start);
    until_typing(&mut bob, &["Ada"]).await;
    drop(ada);
    until_typing(&mut bob, &[]).await;
}

#[tokio::test]
async fn only_the_room_sees_the_typing() {
    let server = HUBBUB.start().await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let mut eve = Client::joined(&server, "music", "Eve").await;
    let ada = Client::joined(&server, "tech", "Ada").await;
    ada.emit("typing", &json!({ "typing": true }));
    until_typing(&mut bob, &["Ada"]).await;
    let events = eve.events_until_echo("a fence").await;
    assert!(
        events.iter().all(|event| event.name != "typing"),
        "{events:?}"
    );
}

#[tokio::test]
async fn typing_is_acknowledged_where_that_is_asked() {
    let server = HUBBUB.start().await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    for typing in [true, true, false, false] {
        assert_accepted(&ada.ask("typing", &json!({ "typing": typing })).await);
    }
}

/// What is typed is a state, so a user who was not there when it changed receives it, too.
#[tokio::test]
async fn who_comes_in_sees_who_is_typing() {
    let server = HUBBUB.start().await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    ada.emit("typing", &json!({ "typing": true }));
    until_typing(&mut ada, &["Ada"]).await;
    let mut bob = Client::connect(&server, Transport::WebSocket).await;
    bob.emit("join_room", &json!({ "room_name": "tech" }));
    bob.wait_for("join_confirm").await;
    let is_typing = |event: &Event| event.name == "typing";
    let events = bob.events_until(is_typing).await;
    assert_eq!(usernames(&events.last().unwrap()["users"]), ["Ada"]);
    if HUBBUB.store().answers_joins_with_their_notice() {
        let has_notice = events.iter().any(|event| event.name == "system_message");
        assert!(has_notice, "{events:?}");
    }
}

#[tokio::test]
async fn who_types_under_a_new_name_is_shown_under_it() {
    let server = HUBBUB.start().await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    ada.emit("typing", &json!({ "typing": true }));
    until_typing(&mut bob, &["Ada"]).await;
    ada.join("tech", "Grace").await;
    ada.emit("typing", &json!({ "typing": true }));
    until_typing(&mut bob, &["Grace"]).await;
}
