//! Edits and deletions over several nodes: the same state everywhere, also on a node that starts later,
//! and nothing in Redis of a text that was deleted or replaced.

use hubbub_test_client::Client;
use hubbub_test_client::redis::{Keeps, Redis};
use hubbub_test_client::shape::assert_accepted;
use serde_json::{Value, json};

use super::nodes::{LEASE, node, nodes, until};

const SETTINGS: [(&str, &str); 3] = [
    ("MESSAGE_RATE", "0"),
    ("HISTORY_MESSAGES", "20"),
    ("SLOW_TIMEOUT", "0"),
];
const LOG: &str = "hubbub:room:tech:log";
const CHANGED: &str = "hubbub:room:tech:changed";
const KEYS: &str = "hubbub:room:tech:keys";

async fn change(client: &mut Client, event: &str, payload: Value) -> u64 {
    let answer = client.ask(event, &payload).await;
    assert_accepted(&answer);
    answer["id"].as_u64().unwrap()
}

async fn send(client: &mut Client, text: &str) -> u64 {
    let message = json!({ "text": text, "client_id": format!("key {text}") });
    change(client, "send_message", message).await
}

async fn history(client: &mut Client) -> Vec<Value> {
    let answer = client.ask("get_history", &json!({ "limit": 200 })).await;
    answer["messages"].as_array().unwrap().clone()
}

#[tokio::test]
async fn all_nodes_have_the_newest_state_and_redis_has_no_text_that_is_gone() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &SETTINGS).await;
    let mut ada = Client::joined(&one, "tech", "Ada").await;
    let mut ben = Client::joined(&two, "tech", "Ben").await;
    let edited = send(&mut ada, "the first wording").await;
    let deleted = send(&mut ada, "the deleted words").await;
    let both = send(&mut ada, "a third text").await;
    send(&mut ada, "unchanged").await;
    ben.events_until_message("unchanged").await;
    for (id, text) in [
        (edited, "a second wording"),
        (edited, "the newest"),
        (both, "other"),
    ] {
        let edit = json!({ "id": id, "text": text, "client_id": text });
        change(&mut ada, "edit_message", edit).await;
    }
    for id in [deleted, both] {
        change(&mut ada, "delete_message", json!({ "id": id })).await;
    }
    let last = change(&mut ada, "send_message", json!({ "text": "the end" })).await;
    let seen = ben.events_until_message("the end").await;
    let changes = seen.iter().filter(|event| event.name == "message_changed");
    assert_eq!(changes.count(), 5, "as they happen: {seen:?}");
    // Another user's messages are not this one's to change, whatever node they are on.
    let refused = ben.ask("delete_message", &json!({ "id": edited })).await;
    assert_eq!(refused["error"]["code"], "forbidden");

    let mut expected = history(&mut ada).await;
    assert_eq!(history(&mut ben).await, expected);
    let third = node(&redis.url(), &SETTINGS).await;
    let mut carl = Client::joined(&third, "tech", "Carl").await;
    assert_eq!(history(&mut carl).await, expected);
    expected.retain(|message| message["deleted"] == true);
    assert_eq!(expected.len(), 2);
    assert_eq!(
        (expected[0]["id"].as_u64(), last > both),
        (Some(deleted), true)
    );

    let stored = format!("{:?}", redis.ask(&["XRANGE", LOG, "-", "+"]).await);
    assert!(
        stored.contains("the newest") && stored.contains("unchanged"),
        "{stored}"
    );
    for key in ["the first wording", "a second wording", "the deleted words"] {
        // The keys that the test uses have the texts in them.
        let text = stored
            .replace(&format!("key {key}"), "")
            .replace(" a second wording", "");
        assert!(!text.contains(&format!("\"{key}\"")), "{key}: {stored}");
    }
    let keys = format!("{:?}", redis.ask(&["HGETALL", KEYS]).await);
    assert_eq!(
        keys.matches(" *").count(),
        5,
        "digests of texts that are gone: {keys}"
    );
}

#[tokio::test]
async fn changes_leave_redis_with_the_messages_around_them() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &SETTINGS).await;
    let mut ada = Client::joined(&one, "tech", "Ada").await;
    let _ben = Client::joined(&two, "tech", "Ben").await;
    for n in 0..60 {
        let id = send(&mut ada, &n.to_string()).await;
        let edit = json!({ "id": id, "text": format!("edited {n}") });
        change(&mut ada, "edit_message", edit).await;
        if n % 2 == 0 {
            change(&mut ada, "delete_message", json!({ "id": id })).await;
        }
    }
    // Her node has everything before it.
    send(&mut ada, "the end").await;
    ada.events_until_message("the end").await;
    let expected = history(&mut ada).await;
    assert_eq!(expected.len(), 20);
    until(LEASE, "trimmed", async || {
        redis.ask(&["XLEN", LOG]).await.number() < 70
            && redis.ask(&["HLEN", CHANGED]).await.number() < 60
    })
    .await;
    let third = node(&redis.url(), &SETTINGS).await;
    let mut carl = Client::joined(&third, "tech", "Carl").await;
    let restored = history(&mut carl).await;
    assert_eq!(restored[restored.len() - 20..], expected[..]);
}

async fn react(client: &mut Client, id: u64, emoji: &str, on: bool) -> u64 {
    let payload = json!({ "id": id, "emoji": emoji, "on": on });
    change(client, "react", payload).await
}

/// The reactions to each message without what is the reader's own.
async fn reactions(client: &mut Client) -> Vec<Value> {
    let mut all = history(client).await;
    for message in &mut all {
        let reactions = message["reactions"].as_array_mut();
        for reaction in reactions.into_iter().flatten() {
            reaction.as_object_mut().unwrap().remove("mine");
        }
    }
    all
}

#[tokio::test]
async fn all_nodes_have_the_same_reactions_and_redis_has_none_of_a_message_that_is_gone() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &SETTINGS).await;
    let mut ada = Client::joined(&one, "tech", "Ada").await;
    let mut ben = Client::joined(&two, "tech", "Ben").await;
    let (first, second) = (
        send(&mut ada, "first").await,
        send(&mut ada, "second").await,
    );
    ben.events_until_message("second").await;
    for (emoji, on) in [("👍", true), ("🎉", true), ("👍", true), ("🎉", false)] {
        react(&mut ada, first, emoji, on).await;
    }
    react(&mut ben, first, "👍", true).await;
    react(&mut ben, second, "👀", true).await;
    // An edit moves the message in the stream; its reactions stay.
    let edit = json!({ "id": first, "text": "edited", "client_id": "e" });
    change(&mut ada, "edit_message", edit).await;
    react(&mut ben, first, "❤️", true).await;
    change(&mut ben, "send_message", json!({ "text": "the end" })).await;
    ada.events_until_message("the end").await;
    ben.events_until_message("the end").await;
    let expected = reactions(&mut ada).await;
    let counts = json!([{ "emoji": "❤️", "count": 1 }, { "emoji": "👍", "count": 2 }]);
    assert_eq!(expected[0]["reactions"], counts);
    assert_eq!(reactions(&mut ben).await, expected);
    let third = node(&redis.url(), &SETTINGS).await;
    let mut carl = Client::joined(&third, "tech", "Carl").await;
    assert_eq!(reactions(&mut carl).await, expected);
    // The one that started later goes on from there.
    let taken = react(&mut ben, first, "👍", false).await;
    let is_taken =
        |event: &hubbub_test_client::packet::Event| event.payload.get("id") == Some(&json!(taken));
    let seen = carl.events_until(is_taken).await;
    assert_eq!(seen.last().unwrap()["count"], 1);

    change(&mut ada, "delete_message", json!({ "id": first })).await;
    let key = |id: u64| format!("hubbub:room:tech:reactions:{id}");
    assert_eq!(redis.ask(&["EXISTS", &key(first)]).await.number(), 0);
    let stored = format!("{:?}", redis.ask(&["XRANGE", LOG, "-", "+"]).await);
    assert!(!stored.contains("❤️") && stored.contains("👀"), "{stored}");
    for n in 0..60 {
        send(&mut ada, &n.to_string()).await;
    }
    until(LEASE, "trimmed", async || {
        redis.ask(&["EXISTS", &key(second)]).await.number() == 0
    })
    .await;
}
