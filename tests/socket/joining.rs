//! `join_room`: coming in, moving on, changing one's name.

use hubbub_test_client::shape::{
    assert_accepted, assert_error, assert_refused, count, default_rooms_json, keys,
};
use hubbub_test_client::{Client, Event, TestServer, Transport};
use serde_json::json;

use super::HUBBUB;

/// Two members of one room who have received everything so far.
async fn pair(server: &TestServer, first: &str, second: &str) -> (Client, Client) {
    let mut one = Client::joined(server, "tech", first).await;
    let other = Client::joined(server, "tech", second).await;
    one.until_notice_and_counts(&format!("{second} has joined the room"), &[("tech", 2)])
        .await;
    (one, other)
}

/// Names of events, for sequences.
fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.name.as_str()).collect()
}

#[tokio::test]
async fn a_join_is_acknowledged_with_its_confirmation() {
    for transport in Transport::ALL {
        let server = HUBBUB.start().await;
        let mut ada = Client::connect(&server, transport).await;
        let session = ada.greeted().await;
        let ack = ada
            .ask(
                "join_room",
                &json!({ "room_name": "tech", "username": "Ada" }),
            )
            .await;
        assert_accepted(&ack);
        let confirm = ada.expect("join_confirm").await;
        for (key, value) in confirm.payload.as_object().unwrap() {
            assert_eq!(&ack[key], value, "{key}");
        }
        assert_eq!(confirm["user_id"], session["user_id"]);
        assert!(
            confirm["epoch"]
                .as_str()
                .is_some_and(|epoch| !epoch.is_empty()),
            "{confirm:?}"
        );
        assert!(confirm["last_id"].is_u64(), "{confirm:?}");
        for absent in ["recovered", "history", "users"] {
            assert!(
                confirm.payload.get(absent).is_none(),
                "{absent} was not asked for: {confirm:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_own_notice_is_the_first_entry_behind_the_confirmed_position() {
    let server = HUBBUB.start().await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    ada.events_until_echo("something before").await;
    let mut bob = Client::connect(&server, Transport::WebSocket).await;
    bob.emit(
        "join_room",
        &json!({ "room_name": "tech", "username": "Bob" }),
    );
    let confirm = bob.wait_for("join_confirm").await;
    let notice = bob.wait_for("system_message").await;
    assert_eq!(
        notice["id"].as_u64(),
        confirm["last_id"].as_u64().map(|id| id + 1)
    );
    assert_eq!(notice["kind"], "joined");
    assert_eq!(notice["username"], "Bob");
    assert_eq!(notice["user_id"], confirm["user_id"]);
    assert_eq!(notice["room"], "tech");
}

#[tokio::test]
async fn without_a_name_one_is_anonymous() {
    let server = HUBBUB.start().await;
    for payload in [
        json!({ "room_name": "tech" }),
        json!({ "room_name": "tech", "username": null }),
    ] {
        let mut client = Client::connect(&server, Transport::WebSocket).await;
        client.greeted().await;
        client.emit("join_room", &payload);
        assert_eq!(
            client.wait_for("join_confirm").await["username"],
            "Anonymous",
            "{payload}"
        );
        let notice = client.wait_for("system_message").await;
        assert_eq!(notice["text"], "Anonymous has joined the room", "{payload}");
        client.say("who am I?");
        assert_eq!(
            client.next_message().await["sender"],
            "Anonymous",
            "{payload}"
        );
    }
}

#[tokio::test]
async fn two_may_have_one_name() {
    let server = HUBBUB.start().await;
    let first = Client::joined(&server, "tech", "Ada").await;
    let mut second = Client::joined(&server, "tech", "Ada").await;
    first.say("I am Ada");
    let one = second.next_message().await;
    second.say("So am I");
    let other = second.next_message().await;
    assert_eq!(
        (&one["sender"], &other["sender"]),
        (&json!("Ada"), &json!("Ada"))
    );
    assert_ne!(one["user_id"], other["user_id"]);
}

#[tokio::test]
async fn joining_another_room_leaves_the_first() {
    let server = HUBBUB.start().await;
    let (mut stays, mut moves) = pair(&server, "Stays", "Moves").await;

    moves.emit(
        "join_room",
        &json!({ "room_name": "music", "username": "Moves" }),
    );
    assert_eq!(moves.expect("join_confirm").await["users_count"], 1);
    let update = moves.expect("room_update").await;
    assert_eq!(update.raw, default_rooms_json(&[("tech", 1), ("music", 1)]));
    assert_eq!(moves.expect("system_message").await["kind"], "joined");

    let notice = stays.expect_but_counts("system_message").await;
    assert_eq!(notice["text"], "Moves has left the room");
    assert_eq!(
        (&notice["kind"], &notice["room"]),
        (&json!("left"), &json!("tech"))
    );

    stays.events_until_echo("only for tech").await;
    let heard = moves.events_until_echo("only for music").await;
    assert_eq!(
        heard.iter().filter(|e| e.name == "receive_message").count(),
        1,
        "{heard:?}"
    );
}

#[tokio::test]
async fn joining_the_own_room_under_another_name_renames() {
    let server = HUBBUB.start().await;
    let (mut bob, mut ada) = pair(&server, "Bob", "Ada").await;

    ada.emit(
        "join_room",
        &json!({ "room_name": "tech", "username": "Grace" }),
    );
    let confirm = ada.expect("join_confirm").await;
    assert_eq!(
        (&confirm["username"], &confirm["users_count"]),
        (&json!("Grace"), &json!(2))
    );
    assert_eq!(
        ada.expect("room_update").await.raw,
        default_rooms_json(&[("tech", 2)])
    );
    let at_bob = bob.expect("system_message").await;
    assert_eq!(
        (&at_bob["kind"], &at_bob["user_id"]),
        (&json!("renamed"), &confirm["user_id"])
    );
    let text = at_bob["text"].as_str().unwrap();
    assert!(text.contains("Ada") && text.contains("Grace"), "{text}");
    assert_eq!(ada.expect("system_message").await.raw, at_bob.raw);

    ada.say("under my new name");
    let message = bob.expect("receive_message").await;
    assert_eq!(
        (&message["sender"], &message["user_id"]),
        (&json!("Grace"), &confirm["user_id"])
    );
}

#[tokio::test]
async fn joining_the_own_room_under_the_same_name_is_told_to_nobody_else() {
    let server = HUBBUB.start().await;
    let (mut bob, mut ada) = pair(&server, "Bob", "Ada").await;

    ada.emit(
        "join_room",
        &json!({ "room_name": "tech", "username": "Ada" }),
    );
    let at_ada = ada.events_until_echo("a fence").await;
    assert_eq!(
        names(&at_ada),
        ["join_confirm", "room_update", "receive_message"]
    );
    assert_eq!(at_ada[0]["users_count"], 2);
    assert_eq!(at_ada[1].raw, default_rooms_json(&[("tech", 2)]));
    let at_bob = bob.events_until_message("a fence").await;
    assert_eq!(names(&at_bob), ["receive_message"]);
}

#[tokio::test]
async fn a_refused_join_changes_nothing() {
    let server = HUBBUB.start().await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let ack = ada
        .ask(
            "join_room",
            &json!({ "room_name": "lobby", "username": "Eve" }),
        )
        .await;
    assert_refused(&ack, "unknown_room");
    assert_eq!(ack["error"]["message"], "Invalid room name");
    ada.emit(
        "join_room",
        &json!({ "room_name": "lobby", "username": "Eve" }),
    );
    let error = ada.expect("error").await;
    assert_error(&error, "join_room", "unknown_room");
    assert_eq!(error["message"], "Invalid room name");
    assert_eq!(
        ada.events_until_echo("still here").await[0]["sender"],
        "Ada"
    );
    let list = Client::connect(&server, Transport::WebSocket)
        .await
        .expect("room_list")
        .await;
    assert_eq!(list.raw, default_rooms_json(&[("tech", 1)]));
}

#[tokio::test]
async fn the_users_come_with_the_confirmation_where_asked() {
    let server = HUBBUB.start().await;
    let _bob = Client::joined(&server, "tech", "Bob").await;
    let mut ada = Client::connect(&server, Transport::WebSocket).await;
    let payload = json!({ "room_name": "tech", "username": "Ada", "users": true });
    let ack = ada.ask("join_room", &payload).await;
    let users = ack["users"].as_array().unwrap();
    let mut names: Vec<_> = users
        .iter()
        .map(|user| user["username"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["Ada", "Bob"]);
}

/// The counts are a map of rooms and nothing else, whatever else the service learns to do.
#[tokio::test]
async fn an_update_has_the_keys_of_the_list() {
    let server = HUBBUB.start().await;
    let mut ada = Client::connect(&server, Transport::WebSocket).await;
    let list = ada.expect("room_list").await;
    ada.emit(
        "join_room",
        &json!({ "room_name": "sports", "username": "Ada" }),
    );
    let update = ada.wait_for("room_update").await;
    assert_eq!(keys(&update.raw), keys(&list.raw));
    assert_eq!(update.raw, default_rooms_json(&[("sports", 1)]));
    assert_eq!(count(&update, "sports"), 1);
}

#[tokio::test]
async fn above_the_limit_nobody_is_told_of_comings_and_goings_but_the_joiner_of_its_own() {
    let server = HUBBUB.start_with(&[("NOTICE_LIMIT", "2")]).await;
    let mut first = Client::joined(&server, "tech", "First").await;
    let _second = Client::joined(&server, "tech", "Second").await;
    assert_eq!(first.wait_for("system_message").await["username"], "Second");
    let _third = Client::joined(&server, "tech", "Third").await;
    first.events_until_echo("a fence").await;

    let mut fourth = Client::connect(&server, Transport::WebSocket).await;
    fourth.emit(
        "join_room",
        &json!({ "room_name": "tech", "username": "Fourth" }),
    );
    let own = fourth.wait_for("system_message").await;
    assert_eq!(own["text"], "Fourth has joined the room");
    assert!(
        own.payload.get("id").is_none(),
        "it has no place in the room's log: {own:?}"
    );
    assert_accepted(&fourth.ask("leave_room", &json!({})).await);
    let at_first = first.events_until_echo("another fence").await;
    assert!(
        !names(&at_first).contains(&"system_message"),
        "{at_first:?}"
    );
}
