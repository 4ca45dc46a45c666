//! Edits and deletions of messages: who may, what the room receives, what history and search have
//! after them, and what a client gets that was away.

use hubbub_test_client::chat::with_token;
use hubbub_test_client::packet::Event;
use hubbub_test_client::shape::assert_accepted;
use hubbub_test_client::{Client, Transport};
use serde_json::{Value, json};

use super::HUBBUB;

const UNLIMITED: (&str, &str) = ("MESSAGE_RATE", "0");

async fn send(client: &mut Client, text: &str) -> u64 {
    let sent = json!({ "text": text, "client_id": format!("key of {text}") });
    let answer = client.ask("send_message", &sent).await;
    assert_accepted(&answer);
    client.events_until_message(text).await;
    answer["id"].as_u64().unwrap()
}

async fn history(client: &mut Client) -> Vec<Value> {
    let answer = client.ask("get_history", &json!({ "limit": 200 })).await;
    assert_accepted(&answer);
    answer["messages"].as_array().unwrap().clone()
}

async fn refused(client: &mut Client, event: &str, payload: Value) -> String {
    let answer = client.ask(event, &payload).await;
    assert_eq!(answer["ok"], false, "{event} {payload}: {answer}");
    answer["error"]["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_edit_reaches_the_room_and_is_what_history_has_from_then_on() {
    let server = HUBBUB.start().await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let mut ben = Client::joined(&server, "tech", "Ben").await;
    let id = send(&mut ada, "a draft").await;
    let edit = json!({ "id": id, "text": "first", "client_id": "edit" });
    let answer = ada.ask("edit_message", &edit).await;
    assert_accepted(&answer);
    let changed = answer["id"].as_u64().unwrap();
    assert!(changed > id && answer["timestamp"].is_string(), "{answer}");
    for client in [&mut ada, &mut ben] {
        let event = client.wait_for("message_changed").await;
        assert_eq!(event["id"], changed);
        assert_eq!(event["of"], id);
        assert_eq!(event["kind"], "edited");
        assert_eq!(event["text"], "first");
        assert_eq!(event["username"], "Ada");
        assert_eq!(event["room"], "tech");
        assert_eq!(event["timestamp"], answer["timestamp"]);
    }
    let messages = history(&mut ben).await;
    assert_eq!(messages.len(), 1, "a change is no message: {messages:?}");
    assert_eq!(messages[0]["text"], "first");
    assert_eq!(messages[0]["sender"], "Ada");
    assert_eq!(messages[0]["edited_at"], answer["timestamp"]);
    // The same again is the same edit, and the message itself is known under its key.
    let again = ada.ask("edit_message", &edit).await;
    assert_eq!(
        (&again["id"], &again["duplicate"]),
        (&answer["id"], &json!(true))
    );
    let sent = json!({ "text": "a draft", "client_id": "key of a draft" });
    let again = ada.ask("send_message", &sent).await;
    assert_eq!(
        (again["id"].as_u64(), &again["duplicate"]),
        (Some(id), &json!(true))
    );
}

#[tokio::test]
async fn a_deleted_message_is_a_tombstone_and_its_text_is_gone() {
    let server = HUBBUB.start().await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let id = send(&mut ada, "a secret word").await;
    let kept = send(&mut ada, "a harmless word").await;
    let answer = ada.ask("delete_message", &json!({ "id": id })).await;
    assert_accepted(&answer);
    let event = ada.wait_for("message_changed").await;
    assert_eq!(
        (&event["kind"], &event["of"]),
        (&json!("deleted"), &json!(id))
    );
    assert_eq!(event["id"], answer["id"]);
    let messages = history(&mut ada).await;
    assert_eq!(messages.len(), 2, "{messages:?}");
    let fields: Vec<_> = messages[0].as_object().unwrap().keys().collect();
    assert_eq!(fields.len(), 4, "{fields:?}");
    assert_eq!(
        (&messages[0]["id"], &messages[0]["deleted"]),
        (&json!(id), &json!(true))
    );
    assert_eq!(messages[0]["room"], "tech");
    assert_eq!(messages[1]["id"], kept);
    let search = json!({ "text": "word", "limit": 10 });
    let found = ada.ask("search", &search).await;
    assert_eq!(found["messages"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["messages"][0]["id"], kept);
    // Again is no other deletion, a retry does not bring it back, and nothing can be done to it.
    let again = ada.ask("delete_message", &json!({ "id": id })).await;
    assert_eq!((&again["ok"], &again["id"]), (&json!(true), &answer["id"]));
    let sent = json!({ "text": "a secret word", "client_id": "key of a secret word" });
    let again = ada.ask("send_message", &sent).await;
    assert_eq!(
        (again["id"].as_u64(), &again["duplicate"]),
        (Some(id), &json!(true))
    );
    let edit = json!({ "id": id, "text": "back" });
    assert_eq!(refused(&mut ada, "edit_message", edit).await, "not_found");
}

#[tokio::test]
async fn search_finds_an_edited_message_by_its_new_text_only() {
    let server = HUBBUB.start().await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let id = send(&mut ada, "the old wording").await;
    for text in ["the second wording", "the newest wording"] {
        let answer = ada
            .ask("edit_message", &json!({ "id": id, "text": text }))
            .await;
        assert_accepted(&answer);
        ada.wait_for("message_changed").await;
    }
    for (text, count) in [("old", 0), ("second", 0), ("newest", 1), ("wording", 1)] {
        let found = ada
            .ask("search", &json!({ "text": text, "limit": 10 }))
            .await;
        assert_eq!(
            found["messages"].as_array().unwrap().len(),
            count,
            "{text}: {found}"
        );
    }
}

#[tokio::test]
async fn only_own_messages_can_be_changed_and_only_messages() {
    let server = HUBBUB.start().await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let mut ben = Client::joined(&server, "tech", "Ben").await;
    let id = send(&mut ada, "mine").await;
    let edit = |id: u64| json!({ "id": id, "text": "yours" });
    assert_eq!(
        refused(&mut ben, "edit_message", edit(id)).await,
        "forbidden"
    );
    assert_eq!(
        refused(&mut ben, "delete_message", json!({ "id": id })).await,
        "forbidden"
    );
    // A notice, an id that comes later, and one that cannot be.
    for id in [1, id + 1000, u64::MAX >> 11] {
        assert_eq!(
            refused(&mut ada, "edit_message", edit(id)).await,
            "not_found"
        );
        assert_eq!(
            refused(&mut ada, "delete_message", json!({ "id": id })).await,
            "not_found"
        );
    }
    let blank = json!({ "id": id, "text": " " });
    assert_eq!(
        refused(&mut ada, "edit_message", blank).await,
        "invalid_text"
    );
    for payload in [
        json!({ "text": "x" }),
        json!({ "id": "1", "text": "x" }),
        json!({ "id": 1 }),
    ] {
        assert_eq!(
            refused(&mut ada, "edit_message", payload).await,
            "invalid_payload"
        );
    }
    assert_eq!(
        refused(&mut ada, "delete_message", json!({})).await,
        "invalid_payload"
    );
    assert_eq!(history(&mut ben).await[0]["text"], "mine");
    let mut carl = Client::connect(&server, Transport::WebSocket).await;
    carl.greeted().await;
    assert_eq!(
        refused(&mut carl, "delete_message", json!({ "id": id })).await,
        "not_in_room"
    );
}

#[tokio::test]
async fn with_a_window_of_0_no_message_is_edited() {
    let server = HUBBUB.start_with(&[("EDIT_WINDOW", "0")]).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let id = send(&mut ada, "carved in stone").await;
    let edit = json!({ "id": id, "text": "chalk" });
    assert_eq!(refused(&mut ada, "edit_message", edit).await, "too_late");
    let answer = ada.ask("delete_message", &json!({ "id": id })).await;
    assert_accepted(&answer);
}

/// The state of a room's messages by what a client has received: id to text, or to null if deleted.
fn state_of(events: &[Event]) -> serde_json::Map<String, Value> {
    let mut state = serde_json::Map::new();
    for event in events {
        match event.name.as_str() {
            "receive_message" => {
                state.insert(event["id"].to_string(), event["text"].clone());
            }
            "message_changed" => {
                if let Some(text) = state.get_mut(&event["of"].to_string()) {
                    *text = event.payload.get("text").cloned().unwrap_or(Value::Null);
                }
            }
            "gap" => panic!("{event:?}"),
            _ => {}
        }
    }
    state
}

#[tokio::test]
async fn who_was_away_ends_with_the_same_state_as_who_stayed() {
    let server = HUBBUB.start_with(&[UNLIMITED]).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let mut ben = with_token(&server, Transport::WebSocket, &Value::Null).await;
    let token = ben.greeted().await["token"].clone();
    let confirm = ben.join("tech", "Ben").await;
    let (one, two) = (send(&mut ada, "one").await, send(&mut ada, "two").await);
    let seen = ben.events_until_message("two").await;
    let after = json!({ "epoch": confirm["epoch"], "id": two });
    ben.hang_up();
    let three = send(&mut ada, "three").await;
    let four = send(&mut ada, "four").await;
    for (id, text) in [(one, "one, once more"), (one, "one, at last"), (four, "4")] {
        let answer = ada
            .ask("edit_message", &json!({ "id": id, "text": text }))
            .await;
        assert_accepted(&answer);
    }
    for id in [two, three] {
        assert_accepted(&ada.ask("delete_message", &json!({ "id": id })).await);
    }
    send(&mut ada, "five").await;

    let mut ben = with_token(&server, Transport::WebSocket, &token).await;
    ben.greeted().await;
    ben.emit(
        "join_room",
        &json!({ "room_name": "tech", "username": "Ben", "after": after }),
    );
    let confirm = ben.wait_for("join_confirm").await;
    assert_eq!(confirm["recovered"], true);
    let missed = ben.events_until_message("five").await;
    let is_three = |event: &&Event| event["id"] == three;
    assert_eq!(
        missed.iter().find(is_three).map(|e| &e.name),
        None,
        "it is deleted"
    );
    let ids: Vec<_> = missed
        .iter()
        .filter_map(|event| event.payload.get("id")?.as_u64())
        .collect();
    assert!(ids.is_sorted(), "{ids:?}");
    let state = state_of(&[seen, missed].concat());
    assert_eq!(state[&one.to_string()], "one, at last");
    assert_eq!(state[&two.to_string()], Value::Null);
    assert_eq!(state.get(&three.to_string()), None);
    assert_eq!(state[&four.to_string()], "4");
}

#[tokio::test]
async fn edits_push_no_message_out_of_history() {
    let settings = [UNLIMITED, ("HISTORY_MESSAGES", "5"), ("SLOW_TIMEOUT", "0")];
    let server = HUBBUB.start_with(&settings).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(send(&mut ada, &n.to_string()).await);
    }
    for n in 0..30 {
        let id = ids[n % ids.len()];
        let edit = json!({ "id": id, "text": format!("edit {n}") });
        assert_accepted(&ada.ask("edit_message", &edit).await);
        ada.wait_for("message_changed").await;
    }
    let texts: Vec<_> = history(&mut ada)
        .await
        .iter()
        .map(|m| m["text"].clone())
        .collect();
    assert_eq!(
        texts,
        ["edit 25", "edit 26", "edit 27", "edit 28", "edit 29"]
    );
}

#[tokio::test]
async fn a_pin_is_told_in_order_and_shown_in_history() {
    const TOKEN: &str = "the-token-of-the-admin-of-a-test-server";
    let server = HUBBUB
        .start_with(&[UNLIMITED, ("ADMIN_TOKEN", TOKEN)])
        .await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let mut root = with_token(&server, Transport::WebSocket, &json!(TOKEN)).await;
    root.greeted().await;
    let confirm = root.join("tech", "Root").await;
    let id = send(&mut ada, "to be kept in mind").await;
    let other = send(&mut ada, "another one").await;
    let mut pin = async |id: u64, on: bool| {
        let action = json!({ "action": "pin", "id": id, "on": on });
        assert_accepted(&root.ask("moderate", &action).await);
    };
    // Twice the same is one change.
    pin(id, true).await;
    pin(id, true).await;
    let event = ada.wait_for("message_changed").await;
    assert_eq!(
        (&event["kind"], &event["of"]),
        (&json!("pinned"), &json!(id))
    );
    assert_eq!(
        (&event["username"], &event["room"]),
        (&json!("Root"), &json!("tech"))
    );
    let edit = json!({ "id": id, "text": "a better wording" });
    assert_accepted(&ada.ask("edit_message", &edit).await);
    let event = ada.wait_for("message_changed").await;
    assert_eq!(event["kind"], "edited");
    let messages = history(&mut ada).await;
    assert_eq!(
        (&messages[0]["pinned"], messages[1].get("pinned")),
        (&json!(true), None)
    );
    assert_eq!(messages[0]["text"], "a better wording");
    pin(other, true).await;
    pin(id, false).await;
    for (kind, of) in [("pinned", other), ("unpinned", id)] {
        let event = ada.wait_for("message_changed").await;
        assert_eq!((&event["kind"], &event["of"]), (&json!(kind), &json!(of)));
    }
    assert!(history(&mut ada).await[0].get("pinned").is_none());
    send(&mut ada, "the end").await;
    // A client that resumes gets the newest of each kind.
    let mut ben = with_token(&server, Transport::WebSocket, &Value::Null).await;
    ben.greeted().await;
    let after = json!({ "epoch": confirm["epoch"], "id": other });
    let join = json!({ "room_name": "tech", "username": "Ben", "after": after });
    ben.emit("join_room", &join);
    let missed = ben.events_until_message("the end").await;
    let changes = missed
        .iter()
        .filter(|event| event.name == "message_changed");
    let kinds: Vec<_> = changes.map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["edited", "pinned", "unpinned"]);
}
