//! What answers cost: lists come once and in pages, and large answers are charged for their size.

use std::time::{Duration, Instant};

use hubbub_test_client::packet::event_frame;
use hubbub_test_client::shape::{assert_accepted, assert_refused};
use hubbub_test_client::{Client, EVENT_TIMEOUT, TestServer, Transport};
use serde_json::{Value, json};

use super::HUBBUB;

#[tokio::test]
async fn a_join_that_is_acknowledged_has_its_lists_only_there() {
    for transport in Transport::ALL {
        let server = HUBBUB.start().await;
        let mut bob = Client::joined(&server, "tech", "Bob").await;
        bob.events_until_echo("something before").await;
        let mut ada = Client::connect(&server, transport).await;
        let join = json!({ "room_name": "tech", "username": "Ada", "history": 10, "users": true });
        for _ in 0..2 {
            let answer = ada.ask("join_room", &join).await;
            assert_accepted(&answer);
            assert_eq!(answer["history"][0]["text"], "something before");
            assert_eq!(answer["users"].as_array().map(Vec::len), Some(2));
            let confirm = ada.wait_for("join_confirm").await;
            for (key, value) in confirm.payload.as_object().unwrap() {
                assert_eq!(&answer[key], value, "{key}");
            }
            for list in ["history", "users"] {
                assert!(
                    confirm.payload.get(list).is_none(),
                    "{list} over {transport}"
                );
            }
        }
        // Who asks for no acknowledgement has them in the confirmation.
        ada.emit("join_room", &join);
        let confirm = ada.wait_for("join_confirm").await;
        assert_eq!(confirm["history"][0]["text"], "something before");
        assert_eq!(confirm["users"].as_array().map(Vec::len), Some(2));
    }
}

fn ids(answer: &Value) -> Vec<String> {
    let users = answer["users"].as_array().unwrap();
    let id = |user: &Value| user["user_id"].as_str().unwrap().to_owned();
    users.iter().map(id).collect()
}

#[tokio::test]
async fn users_come_in_pages_in_order_of_joining() {
    for transport in [Transport::WebSocket, Transport::Polling] {
        let server = HUBBUB.start().await;
        let mut guests = Vec::new();
        for number in 0..7 {
            guests.push(Client::joined(&server, "tech", &format!("Guest {number}")).await);
        }
        let mut ada = Client::connect(&server, transport).await;
        ada.join("tech", "Ada").await;
        let all = ada.ask("list_users", &json!({})).await;
        assert_eq!((&all["total"], &all["more"]), (&json!(8), &json!(false)));
        for limit in [1, 3, 4, 8, 1000, u64::MAX] {
            let (mut pages, mut request) = (Vec::new(), json!({ "limit": limit }));
            loop {
                let page = ada.ask("list_users", &request).await;
                assert_accepted(&page);
                assert_eq!(page["total"], 8);
                let page_ids = ids(&page);
                assert!(
                    page_ids.len() as u64 <= limit && !page_ids.is_empty(),
                    "{page}"
                );
                pages.extend(page_ids);
                if page["more"] == false {
                    break;
                }
                request["after"] = json!(pages.last());
            }
            assert_eq!(pages, ids(&all), "{limit} at a time");
        }
        let last = json!({ "after": ids(&all).last(), "limit": null });
        let nothing = ada.ask("list_users", &last).await;
        assert_eq!((ids(&nothing), &nothing["more"]), (vec![], &json!(false)));
    }
}

#[tokio::test]
async fn a_page_that_cannot_be_is_refused() {
    let server = HUBBUB.start().await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let elsewhere = Client::connect(&server, Transport::WebSocket)
        .await
        .greeted()
        .await["user_id"]
        .clone();
    for payload in [
        json!({ "limit": 0 }),
        json!({ "limit": -1 }),
        json!({ "limit": "10" }),
        json!({ "after": 7 }),
        json!({ "after": "" }),
        json!({ "after": "nobody" }),
        json!({ "after": elsewhere }),
        json!({ "after": "x".repeat(100_000) }),
    ] {
        assert_refused(&ada.ask("list_users", &payload).await, "invalid_payload");
    }
}

/// A room with the largest page of history there is.
async fn talked_in(server: &TestServer) -> Client {
    let text = json!({ "text": "x".repeat(2000) }).to_string();
    let mut talker = Client::joined(server, "tech", "Talker").await;
    for _ in 0..4 {
        let frame = |n| event_frame("send_message", Some(&text), Some(n));
        talker.send_all((1000..1050).map(frame).collect());
        for n in 1000..1050 {
            assert_accepted(&talker.answer(n).await);
        }
    }
    talker
}

/// Requests that are answered, and the bytes of what comes for them.
async fn answers_to(client: &mut Client, event: &str, payload: &Value, count: u64) -> (u64, usize) {
    let frame = |n| event_frame(event, Some(&payload.to_string()), Some(5000 + n));
    client.send_all((0..count).map(frame).collect());
    let (mut accepted, mut bytes) = (0, 0);
    for n in 0..count {
        let answer = client.answer(5000 + n).await;
        bytes += answer.to_string().len();
        if answer["ok"] == true {
            accepted += 1;
        } else {
            assert_refused(&answer, "rate_limited");
        }
    }
    (accepted, bytes)
}

/// The default limits, with a sender who is not held up by them.
const FREE_TO_TALK: [(&str, &str); 3] = [
    ("MESSAGE_RATE", "50"),
    ("MESSAGE_BURST", "500"),
    ("HISTORY_BYTES", "0"),
];

#[tokio::test]
async fn a_few_requests_cannot_ask_for_hundreds_of_megabytes() {
    const ANSWER_MAX: usize = 300 * 1024;
    let server = HUBBUB.start_with(&FREE_TO_TALK).await;
    let _talker = talked_in(&server).await;
    let page = json!({ "limit": 200 });
    let join = json!({ "room_name": "tech", "username": "Eve", "history": 200, "users": true });
    let again = json!({ "room_name": "tech", "username": "Eve" });
    for (event, payload) in [("get_history", page), ("join_room", join)] {
        for transport in [Transport::WebSocket, Transport::Polling] {
            let mut eve = Client::connect(&server, transport).await;
            eve.join("tech", "Eve").await;
            let since = Instant::now();
            let (accepted, bytes) = answers_to(&mut eve, event, &payload, 400).await;
            let most = 4 * 1024 * 1024 + since.elapsed().as_millis() as usize * 263;
            assert!(accepted >= 10, "{accepted} of {event}");
            assert!(
                bytes < most + ANSWER_MAX + 400 * 200,
                "{bytes} bytes for {event}"
            );
            // What is small is refused too until that is paid for, and then it is not.
            assert_eventually_accepted(&mut eve, &again).await;
        }
    }
}

/// Joins, and comes again whenever a refusal says.
async fn assert_eventually_accepted(client: &mut Client, join: &Value) {
    let deadline = Instant::now() + EVENT_TIMEOUT;
    loop {
        let answer = client.ask("join_room", join).await;
        if answer["ok"] == true {
            return;
        }
        assert_refused(&answer, "rate_limited");
        assert!(Instant::now() < deadline, "still refused: {answer}");
        let wait = answer["error"]["retry_after_ms"].as_u64().unwrap();
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
}

/// Resuming sends the log again, whatever a request for it costs.
#[tokio::test]
async fn resuming_from_the_same_position_again_and_again_is_charged() {
    let server = HUBBUB.start_with(&FREE_TO_TALK).await;
    let mut talker = talked_in(&server).await;
    let confirm = talker.join("tech", "Talker again").await;
    let after = json!({ "epoch": confirm["epoch"], "id": 0 });
    let join = json!({ "room_name": "tech", "username": "Eve", "after": after });
    let mut eve = Client::connect(&server, Transport::WebSocket).await;
    let since = Instant::now();
    let (accepted, _) = answers_to(&mut eve, "join_room", &join, 100).await;
    // Each sends 200 messages of 2,000 characters.
    let gained = since.elapsed().as_secs_f64() * 262_144.0 / 400_000.0;
    assert!(accepted >= 5, "an honest client resumes: {accepted}");
    assert!((accepted as f64) < 14.0 + gained, "{accepted} resumed");
}

#[tokio::test]
async fn going_through_the_rooms_with_history_and_users_is_never_refused() {
    for transport in Transport::ALL {
        let server = HUBBUB.start().await;
        let mut talker = Client::joined(&server, "tech", "Talker").await;
        for n in 0..50 {
            talker.say(&format!(
                "message {n}, as long as people's messages usually are"
            ));
        }
        talker
            .events_until_message("message 49, as long as people's messages usually are")
            .await;
        let mut ada = Client::connect(&server, transport).await;
        for room in hubbub_test_client::shape::ROOMS.iter().cycle().take(100) {
            let join =
                json!({ "room_name": room, "username": "Ada", "history": 100, "users": true });
            assert_accepted(&ada.ask("join_room", &join).await);
        }
    }
}
