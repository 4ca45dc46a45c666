//! What moderators do, and what others notice of it.

use hubbub_test_client::chat::{refused, resumable, with_token};
use hubbub_test_client::packet::Event;
use hubbub_test_client::shape::{assert_accepted, assert_error, assert_refused, assert_timestamp};
use hubbub_test_client::{Client, TestServer, Transport};
use serde_json::{Value, json};

use super::HUBBUB;

const ADMIN_TOKEN: &str = "an admin's token of this test, long enough";
const SETTINGS: [(&str, &str); 1] = [("ADMIN_TOKEN", ADMIN_TOKEN)];

async fn server() -> TestServer {
    HUBBUB.start_with(&SETTINGS).await
}

/// An admin in the room, who acts.
async fn admin(server: &TestServer) -> Client {
    let mut admin = with_token(server, Transport::WebSocket, &json!(ADMIN_TOKEN)).await;
    admin.greeted().await;
    admin.join("tech", "Root").await;
    admin
}

/// A user who can resume, with their token and user_id.
async fn user(server: &TestServer, name: &str) -> (Client, Value, Value) {
    let mut client = with_token(server, Transport::WebSocket, &Value::Null).await;
    let session = client.greeted().await;
    client.join("tech", name).await;
    (client, session["token"].clone(), session["user_id"].clone())
}

async fn moderate(moderator: &mut Client, action: Value) {
    assert_accepted(&moderator.ask("moderate", &action).await);
}

fn said(text: &str) -> Value {
    json!({ "text": text })
}

/// Reads up to the notice of a user's removal.
async fn until_removed(client: &mut Client, user_id: &Value) -> Event {
    let is_removal = |event: &Event| {
        event.name == "system_message" && event["kind"] == "removed" && event["user_id"] == *user_id
    };
    client.events_until(is_removal).await.pop().unwrap()
}

/// Reads how the room is run until that is as wanted.
async fn until_run(client: &mut Client, field: &str, value: Value) -> Event {
    let is_wanted = |event: &Event| event.name == "room_changed" && event[field] == value;
    client.events_until(is_wanted).await.pop().unwrap()
}

#[tokio::test]
async fn members_may_not_moderate() {
    let server = server().await;
    let mut member = Client::joined(&server, "tech", "Ada").await;
    let (_bob, _, bob) = user(&server, "Bob").await;
    let actions = [
        json!({ "action": "mute", "user_id": bob, "for_s": 60 }),
        json!({ "action": "kick", "user_id": bob }),
        json!({ "action": "ban", "user_id": bob }),
        json!({ "action": "unban", "user_id": bob }),
        json!({ "action": "slow_mode", "seconds": 5 }),
        json!({ "action": "lock", "locked": true }),
        json!({ "action": "topic", "text": "mine" }),
        json!({ "action": "pin", "id": 1, "on": true }),
    ];
    for action in actions {
        let ack = member.ask("moderate", &action).await;
        assert_refused(&ack, "forbidden");
    }
}

#[tokio::test]
async fn what_is_no_action_is_refused() {
    let server = server().await;
    let mut admin = admin(&server).await;
    let wrong = [
        json!({}),
        json!({ "action": "sing" }),
        json!({ "action": "mute" }),
        json!({ "action": "mute", "user_id": "" }),
        json!({ "action": "mute", "user_id": "x".repeat(129) }),
        json!({ "action": "mute", "user_id": "x", "for_s": 0 }),
        json!({ "action": "mute", "user_id": "x", "for_s": -1 }),
        json!({ "action": "ban", "user_id": "x", "for_s": 99_999_999_999u64 }),
        json!({ "action": "slow_mode" }),
        json!({ "action": "slow_mode", "seconds": 21_601 }),
        json!({ "action": "lock", "locked": "yes" }),
        json!({ "action": "topic" }),
        json!({ "action": "pin", "id": 1 }),
    ];
    for action in wrong {
        let ack = admin.ask("moderate", &action).await;
        assert_refused(&ack, "invalid_payload");
    }
    let long = json!({ "action": "topic", "text": "x".repeat(301) });
    assert_refused(&admin.ask("moderate", &long).await, "text_too_long");
    let pin = json!({ "action": "pin", "id": 9_999, "on": true });
    assert_refused(&admin.ask("moderate", &pin).await, "not_found");
}

#[tokio::test]
async fn who_is_muted_reads_but_does_not_write_also_after_a_reconnect() {
    let server = server().await;
    let mut admin = admin(&server).await;
    let (mut bob, token, id) = user(&server, "Bob").await;
    let before = json!({ "text": "before", "client_id": "k1" });
    assert_accepted(&bob.ask("send_message", &before).await);
    moderate(
        &mut admin,
        json!({ "action": "mute", "user_id": id, "for_s": 600, "reason": "noise" }),
    )
    .await;
    let ack = bob.ask("send_message", &said("during")).await;
    assert_refused(&ack, "muted");
    let left = ack["error"]["retry_after_ms"].as_u64().unwrap();
    assert!((1..=600_000).contains(&left), "{ack}");
    // What was accepted before is still answered as that.
    let again = bob.ask("send_message", &before).await;
    assert_accepted(&again);
    assert_eq!(again["duplicate"], true, "{again}");
    admin.say("do you read this?");
    bob.events_until_message("do you read this?").await;
    drop(bob);
    let mut bob = with_token(&server, Transport::WebSocket, &token).await;
    bob.greeted().await;
    let join = json!({ "room_name": "tech", "username": "Bob" });
    assert_accepted(&bob.ask("join_room", &join).await);
    assert_refused(&bob.ask("send_message", &said("back")).await, "muted");
    moderate(&mut admin, json!({ "action": "unmute", "user_id": id })).await;
    assert_accepted(&bob.ask("send_message", &said("free")).await);
    let seen = admin.events_until_message("free").await;
    assert!(
        seen.iter().all(|event| event["text"] != "during"),
        "{seen:?}"
    );
}

#[tokio::test]
async fn who_is_kicked_is_out_of_the_room_and_may_come_back() {
    let server = server().await;
    let mut admin = admin(&server).await;
    let (mut bob, _, id) = user(&server, "Bob").await;
    moderate(&mut admin, json!({ "action": "kick", "user_id": id })).await;
    let own = until_removed(&mut bob, &id).await;
    assert_eq!(own["text"], "Bob was removed from the room");
    until_removed(&mut admin, &id).await;
    assert_refused(&bob.ask("send_message", &said("hey")).await, "not_in_room");
    bob.join("tech", "Bob").await;
    assert_accepted(&bob.ask("send_message", &said("sorry")).await);
    admin.events_until_message("sorry").await;
}

#[tokio::test]
async fn who_is_banned_is_disconnected_and_stays_out_with_every_connection() {
    let server = server().await;
    let mut admin = admin(&server).await;
    let (mut bob, token, id) = user(&server, "Bob").await;
    moderate(
        &mut admin,
        json!({ "action": "ban", "user_id": id, "reason": "spam" }),
    )
    .await;
    let error = bob.wait_for("error").await;
    assert_error(&error, "moderate", "banned");
    // A Socket.IO disconnect, so that clients do not come back by themselves.
    bob.until_closed().await;
    until_removed(&mut admin, &id).await;
    for transport in Transport::ALL {
        let error = refused(&server, transport, &token).await;
        assert_eq!(error["data"], json!({ "code": "banned" }), "{error}");
    }
    // Others come and go as before.
    let (mut eve, _, _) = user(&server, "Eve").await;
    assert_accepted(&eve.ask("send_message", &said("hello")).await);
    moderate(&mut admin, json!({ "action": "unban", "user_id": id })).await;
    let mut bob = with_token(&server, Transport::WebSocket, &token).await;
    bob.greeted().await;
    bob.join("tech", "Bob").await;
}

#[tokio::test]
async fn a_membership_that_is_held_for_a_banned_user_ends() {
    let server = HUBBUB
        .start_with(&[SETTINGS[0], ("RESUME_GRACE", "10m")])
        .await;
    let mut admin = admin(&server).await;
    let (bob, _) = resumable(&server, Transport::WebSocket, "Bob").await;
    let joined = admin.wait_for_kind("joined").await;
    let id = joined["user_id"].clone();
    bob.hang_up();
    drop(bob);
    moderate(&mut admin, json!({ "action": "ban", "user_id": id })).await;
    until_removed(&mut admin, &id).await;
}

#[tokio::test]
async fn a_ban_with_the_address_keeps_its_other_users_out_but_no_admin() {
    let server = server().await;
    let mut admin = admin(&server).await;
    let (mut bob, _, id) = user(&server, "Bob").await;
    let (mut eve, _, _) = user(&server, "Eve").await;
    let ban = json!({ "action": "ban", "user_id": id, "for_s": 600, "address": true });
    moderate(&mut admin, ban).await;
    for client in [&mut bob, &mut eve] {
        let error = client.wait_for("error").await;
        assert_error(&error, "moderate", "banned");
        assert!(error["retry_after_ms"].as_u64().unwrap() <= 600_000);
        client.until_closed().await;
    }
    let new = refused(&server, Transport::WebSocket, &Value::Null).await;
    assert_eq!(new["data"]["code"], "banned", "{new}");
    assert_timestamp(&new["data"]["until"]);
    assert_accepted(&admin.ask("send_message", &said("still here")).await);
    moderate(&mut admin, json!({ "action": "unban", "user_id": id })).await;
    let (mut eve, _, _) = user(&server, "Eve").await;
    assert_accepted(&eve.ask("send_message", &said("back")).await);
}

#[tokio::test]
async fn a_ban_ends_when_its_time_is_over() {
    let server = server().await;
    let mut admin = admin(&server).await;
    let (mut bob, token, id) = user(&server, "Bob").await;
    moderate(
        &mut admin,
        json!({ "action": "ban", "user_id": id, "for_s": 1 }),
    )
    .await;
    let error = bob.wait_for("error").await;
    let left = error["retry_after_ms"].as_u64().unwrap();
    assert!((1..=1000).contains(&left), "{error:?}");
    tokio::time::sleep(std::time::Duration::from_millis(left + 50)).await;
    let mut bob = with_token(&server, Transport::WebSocket, &token).await;
    bob.greeted().await;
    bob.join("tech", "Bob").await;
}

#[tokio::test]
async fn slow_mode_makes_members_wait_and_no_moderator() {
    let server = server().await;
    let mut admin = admin(&server).await;
    let (mut bob, _, _) = user(&server, "Bob").await;
    moderate(&mut admin, json!({ "action": "slow_mode", "seconds": 600 })).await;
    until_run(&mut bob, "slow_mode_s", json!(600)).await;
    let first = json!({ "text": "one", "client_id": "k1" });
    assert_accepted(&bob.ask("send_message", &first).await);
    let ack = bob.ask("send_message", &said("two")).await;
    assert_refused(&ack, "slow_mode");
    assert!(ack["error"]["retry_after_ms"].as_u64().unwrap() <= 600_000);
    // A retry is no second message.
    assert_eq!(bob.ask("send_message", &first).await["duplicate"], true);
    for text in ["three", "four"] {
        assert_accepted(&admin.ask("send_message", &said(text)).await);
    }
    moderate(&mut admin, json!({ "action": "slow_mode", "seconds": 0 })).await;
    until_run(&mut bob, "slow_mode_s", json!(0)).await;
    assert_accepted(&bob.ask("send_message", &said("five")).await);
}

#[tokio::test]
async fn in_a_locked_room_only_moderators_write() {
    let server = server().await;
    let mut admin = admin(&server).await;
    let (mut bob, _, _) = user(&server, "Bob").await;
    moderate(&mut admin, json!({ "action": "lock", "locked": true })).await;
    until_run(&mut bob, "locked", json!(true)).await;
    assert_refused(&bob.ask("send_message", &said("hey")).await, "locked");
    assert_accepted(&admin.ask("send_message", &said("closed for today")).await);
    // Other rooms are as before.
    let mut eve = Client::joined(&server, "general", "Eve").await;
    assert_accepted(&eve.ask("send_message", &said("hello")).await);
    moderate(&mut admin, json!({ "action": "lock", "locked": false })).await;
    until_run(&mut bob, "locked", json!(false)).await;
    assert_accepted(&bob.ask("send_message", &said("hey")).await);
}

#[tokio::test]
async fn how_a_room_is_run_is_sent_to_who_is_there_and_to_who_comes() {
    let server = server().await;
    let mut admin = admin(&server).await;
    let sent = admin.ask("send_message", &said("read this first")).await;
    let id = sent["id"].clone();
    moderate(
        &mut admin,
        json!({ "action": "topic", "text": " Rust & more " }),
    )
    .await;
    let changed = until_run(&mut admin, "topic", json!("Rust & more")).await;
    assert_eq!(
        changed.raw,
        r#"{"room":"tech","topic":"Rust & more","slow_mode_s":0,"locked":false,"pinned":[]}"#
    );
    moderate(&mut admin, json!({ "action": "pin", "id": id, "on": true })).await;
    until_run(&mut admin, "pinned", json!([id])).await;
    let mut bob = Client::connect(&server, Transport::WebSocket).await;
    bob.emit(
        "join_room",
        &json!({ "room_name": "tech", "username": "Bob" }),
    );
    let changed = until_run(&mut bob, "pinned", json!([id])).await;
    assert_eq!(changed["topic"], "Rust & more");
    // A room of which nothing was decided says nothing, and one that is left says no more.
    bob.join("general", "Bob").await;
    moderate(
        &mut admin,
        json!({ "action": "pin", "id": id, "on": false }),
    )
    .await;
    moderate(&mut admin, json!({ "action": "topic", "text": "" })).await;
    until_run(&mut admin, "topic", json!("")).await;
    let seen = bob.events_until_echo("here").await;
    assert!(
        seen.iter().all(|event| event.name != "room_changed"),
        "{seen:?}"
    );
}

#[tokio::test]
async fn nobody_moderates_themselves() {
    let server = server().await;
    let mut admin = with_token(&server, Transport::WebSocket, &json!(ADMIN_TOKEN)).await;
    let id = admin.greeted().await["user_id"].clone();
    admin.join("tech", "Root").await;
    for action in ["mute", "kick", "ban"] {
        let ack = admin
            .ask("moderate", &json!({ "action": action, "user_id": id }))
            .await;
        assert_refused(&ack, "forbidden");
    }
}

#[tokio::test]
async fn a_moderator_deletes_a_message_and_all_of_a_user() {
    let server = server().await;
    let mut admin = admin(&server).await;
    let (mut bob, _, bobs) = user(&server, "Bob").await;
    let (mut eve, _, _) = user(&server, "Eve").await;
    let mut ids = Vec::new();
    for n in 0..30 {
        let sent = bob.ask("send_message", &said(&format!("spam {n}"))).await;
        ids.push(sent["id"].clone());
    }
    assert_accepted(&eve.ask("send_message", &said("a question")).await);
    let delete = json!({ "action": "delete", "id": ids[3] });
    let ack = eve.ask("moderate", &delete).await;
    assert_refused(&ack, "forbidden");
    moderate(&mut admin, delete.clone()).await;
    let is_change = |event: &Event| event.name == "message_changed";
    let change = eve.events_until(is_change).await.pop().unwrap();
    assert_eq!(
        (&change["of"], &change["kind"]),
        (&ids[3], &json!("deleted"))
    );
    assert_eq!(change["username"], "Root");
    // Again is no other deletion.
    moderate(&mut admin, delete).await;
    let none = json!({ "action": "delete", "id": 999_999 });
    assert_refused(&admin.ask("moderate", &none).await, "not_found");

    moderate(&mut admin, json!({ "action": "clear", "user_id": bobs })).await;
    let mut left: Vec<_> = ids.iter().filter(|id| **id != ids[3]).cloned().collect();
    while !left.is_empty() {
        let change = eve.events_until(is_change).await.pop().unwrap();
        let before = left.len();
        left.retain(|id| *id != change["of"]);
        assert_eq!(left.len(), before - 1, "{change:?}");
    }
    let history = eve.ask("get_history", &json!({ "limit": 100 })).await;
    let messages = history["messages"].as_array().unwrap();
    let texts: Vec<_> = messages.iter().filter(|m| m["deleted"] != true).collect();
    assert_eq!(texts.len(), 1, "{history}");
    assert_eq!(texts[0]["text"], "a question");
}
