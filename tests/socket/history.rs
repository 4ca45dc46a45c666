//! `get_history`: its pages, and what pushes messages out of a room's history: other messages, and
//! nothing else.

use hubbub_test_client::shape::assert_accepted;
use hubbub_test_client::visits::{self, Room};
use hubbub_test_client::{Client, Transport};
use serde_json::{Value, json};

use super::HUBBUB;

const UNLIMITED: (&str, &str) = ("MESSAGE_RATE", "0");

/// Sends a message, and returns it as it was delivered.
async fn sent(client: &mut Client, message: &Value) -> Value {
    assert_accepted(&client.ask("send_message", message).await);
    client.next_message().await.payload
}

/// A page of history and whether there is more.
async fn page(client: &mut Client, request: &Value) -> (Vec<Value>, bool) {
    let answer = client.ask("get_history", request).await;
    assert_accepted(&answer);
    let messages = answer["messages"].as_array().unwrap().clone();
    (messages, answer["more"].as_bool().unwrap())
}

#[tokio::test]
async fn visitors_push_no_message_out_of_history() {
    for settings in [
        &[][..],
        &[("HISTORY_MESSAGES", "40"), ("SLOW_TIMEOUT", "0")],
    ] {
        let settings = [&[UNLIMITED], settings].concat();
        let server = HUBBUB.start_with(&settings).await;
        let mut room = Room::with_messages(&server).await;
        room.is_whole(&server).await;
        visits::visit(&server).await;
        room.is_whole(&server).await;
    }
}

#[tokio::test]
async fn renames_with_long_names_push_no_message_out_of_history() {
    for history in [("HISTORY_BYTES", "20000"), ("HISTORY_MESSAGES", "40")] {
        let server = HUBBUB.start_with(&[UNLIMITED, history]).await;
        let mut room = Room::with_messages(&server).await;
        visits::rename(&server, 3_000).await;
        room.is_whole(&server).await;
    }
}

/// A store that keeps all messages reads those from there that are not in memory.
#[tokio::test]
async fn history_has_the_newest_messages_or_all_as_they_were_delivered() {
    let bounds = [("HISTORY_MESSAGES", "10"), ("SLOW_TIMEOUT", "0"), UNLIMITED];
    let texts = [
        "plain",
        "\"quotes\" \\ and\nlines\t",
        "日本語 👩‍👩‍👧‍👦",
        "e\u{301} \u{1f1e6}",
    ];
    let server = HUBBUB.start_with(&bounds).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let mut delivered = Vec::new();
    for n in 0..40 {
        let text = format!("{} {n}", texts[n % texts.len()]);
        let mut message = json!({ "text": text });
        if n % 3 == 0 {
            message["client_id"] = json!(format!("key {n}"));
        }
        delivered.push(sent(&mut ada, &message).await);
        // Its sender keeps the name of then.
        if n == 20 {
            ada.join("tech", "Grace 🦀").await;
        }
    }
    let kept = if HUBBUB.store().keeps_all_messages() {
        &delivered[..]
    } else {
        &delivered[30..]
    };
    let (messages, more) = page(&mut ada, &json!({ "limit": 200 })).await;
    assert_eq!((&messages[..], more), (kept, false));
}

/// A room with messages and notices between them; the messages.
async fn talked_in(client: &mut Client) -> Vec<Value> {
    let mut messages = Vec::new();
    for n in 0..60 {
        if n % 5 == 0 {
            client.join("tech", &format!("Ada {n}")).await;
        }
        messages.push(sent(client, &json!({ "text": n.to_string() })).await);
    }
    messages
}

#[tokio::test]
async fn pages_in_both_directions_have_every_message_once() {
    let server = HUBBUB.start_with(&[UNLIMITED]).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let all = talked_in(&mut ada).await;
    for limit in [1, 7, 20, 60, 200] {
        let (mut backwards, mut request) = (Vec::new(), json!({ "limit": limit }));
        loop {
            let (messages, more) = page(&mut ada, &request).await;
            assert!(messages.len() <= limit && !messages.is_empty());
            request["before"] = messages[0]["id"].clone();
            backwards.splice(0..0, messages);
            if !more {
                break;
            }
        }
        assert_eq!(backwards, all, "{limit} at a time");

        let (mut forwards, mut request) = (Vec::new(), json!({ "limit": limit, "after": 0 }));
        loop {
            let (messages, more) = page(&mut ada, &request).await;
            assert!(messages.len() <= limit && !messages.is_empty());
            request["after"] = messages[messages.len() - 1]["id"].clone();
            forwards.extend(messages);
            if !more {
                break;
            }
        }
        assert_eq!(forwards, all, "{limit} at a time");
    }
    let newest = all[all.len() - 1]["id"].clone();
    for nothing in [
        json!({ "after": newest }),
        json!({ "before": all[0]["id"] }),
    ] {
        let mut request = nothing;
        request["limit"] = json!(10);
        assert_eq!(page(&mut ada, &request).await, (vec![], false));
    }
}

#[tokio::test]
async fn a_join_has_the_newest_messages_before_it() {
    let server = HUBBUB.start_with(&[UNLIMITED]).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let mut all = talked_in(&mut ada).await;
    for transport in Transport::ALL {
        for count in [0, 1, 10, 60, 200] {
            let mut bob = Client::connect(&server, transport).await;
            let join = json!({ "room_name": "tech", "username": "Bob", "history": count });
            let answer = bob.ask("join_room", &join).await;
            let newest = &all[all.len().saturating_sub(count)..];
            assert_eq!(answer["history"], json!(newest), "{count}");
            let next = sent(&mut ada, &json!({ "text": "after the join" })).await;
            assert_eq!(bob.next_message().await.payload, next);
            assert!(next["id"].as_u64() > answer["last_id"].as_u64());
            all.push(next);
        }
    }
}

#[tokio::test]
async fn messages_around_an_id_come_from_both_sides_and_fill_the_page() {
    let bounds = [("HISTORY_MESSAGES", "20"), ("SLOW_TIMEOUT", "0"), UNLIMITED];
    let server = HUBBUB.start_with(&bounds).await;
    let mut client = Client::joined(&server, "tech", "Ada").await;
    for n in 0..20 {
        sent(&mut client, &json!({ "text": n.to_string() })).await;
    }
    let (all, _) = page(&mut client, &json!({ "limit": 200 })).await;
    let id = |index: usize| all[index]["id"].as_u64().unwrap();
    let past = id(19) + 1000;
    // Which id, how many, and the messages that come: the first, and the one after the last.
    for (around, limit, from, upto) in [
        (id(10), 5, 8, 13),
        (id(10), 1, 10, 11),
        (id(10), 4, 9, 13),
        (id(1), 6, 0, 6),
        (id(18), 6, 14, 20),
        (id(10), 200, 0, 20),
        (0, 3, 0, 3),
        (past, 3, 17, 20),
    ] {
        let request = json!({ "around": around, "limit": limit });
        let answer = client.ask("get_history", &request).await;
        assert_accepted(&answer);
        assert_eq!(answer["messages"], json!(all[from..upto]), "{request}");
        assert_eq!(
            (&answer["more"], &answer["more_after"]),
            (&json!(from > 0), &json!(upto < 20)),
            "{request}"
        );
    }
    let both = json!({ "around": id(1), "before": id(2), "limit": 1 });
    let refused = client.ask("get_history", &both).await;
    assert_eq!(refused["error"]["code"], "invalid_payload");
    // Older ones that only the store has, if it keeps them.
    for n in 20..40 {
        sent(&mut client, &json!({ "text": n.to_string() })).await;
    }
    let answer = client
        .ask("get_history", &json!({ "around": id(10), "limit": 3 }))
        .await;
    let keeps_all = answer["messages"][1]["id"] == id(10);
    assert!(keeps_all == (answer["more"] == true), "{answer}");
    assert_eq!(answer["more_after"], true);
}
