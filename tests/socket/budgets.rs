//! Budgets belong to users, not to connections, and rooms have a ceiling.

use std::time::Instant;

use hubbub_test_client::chat::{come_back, with_token};
use hubbub_test_client::packet::event_frame;
use hubbub_test_client::shape::{assert_accepted, assert_refused};
use hubbub_test_client::tokens::{KEY, made};
use hubbub_test_client::{Client, Dial, Packet, Transport};
use serde_json::{Value, json};

use super::HUBBUB;

/// One message a second, and a burst of five.
const TIGHT: [(&str, &str); 2] = [("MESSAGE_RATE", "1"), ("MESSAGE_BURST", "5")];

/// Sends a burst of `count` messages. Returns how many were accepted; the others came too fast.
async fn accepted_of(client: &mut Client, count: u64) -> u64 {
    let frame = |n: u64| event_frame("send_message", Some(r#"{"text":"spam"}"#), Some(10_000 + n));
    client.send_all((0..count).map(frame).collect());
    let mut accepted = 0;
    for n in 0..count {
        let answer = client.answer(10_000 + n).await;
        if answer["ok"] == true {
            accepted += 1;
        } else {
            assert_refused(&answer, "rate_limited");
        }
    }
    accepted
}

/// What may be accepted since then of `users` users: their bursts and what they gained.
fn allowed(users: u64, since: Instant) -> u64 {
    users * (5 + since.elapsed().as_secs() + 1)
}

/// Whether the connection before is lost, or still there and taken over from.
#[tokio::test]
async fn a_reconnect_with_the_same_token_does_not_refill_the_budget() {
    for transport in Transport::ALL {
        for is_lost in [true, false] {
            let server = HUBBUB.start_with(&TIGHT).await;
            let (since, mut accepted) = (Instant::now(), 0);
            let (mut token, mut before) = (Value::Null, None);
            for _ in 0..6 {
                let mut ada = with_token(&server, transport, &token).await;
                token = ada.greeted().await["token"].clone();
                come_back(&mut ada, "tech", "Ada").await;
                accepted += accepted_of(&mut ada, 20).await;
                before = (!is_lost).then_some(ada).or(before);
            }
            let most = allowed(1, since);
            assert!(
                (5..=most).contains(&accepted),
                "{accepted} of {most}, {transport}"
            );
        }
    }
}

/// The longest wait that a user is told who sends too much at once.
async fn longest_wait(client: &mut Client) -> u64 {
    let frame = |n: u64| event_frame("send_message", Some(r#"{"text":"spam"}"#), Some(20_000 + n));
    client.send_all((0..20).map(frame).collect());
    let mut longest = 0;
    for n in 0..20 {
        let answer = client.answer(20_000 + n).await;
        if answer["ok"] != true {
            assert_refused(&answer, "rate_limited");
            longest = longest.max(answer["error"]["retry_after_ms"].as_u64().unwrap());
        }
    }
    longest
}

#[tokio::test]
async fn who_is_new_sends_at_a_lower_rate_also_after_a_reconnect() {
    // At twenty a second a full bucket is 250 ms away, at one a second 5 s.
    let settings = [KEY, ("MESSAGE_RATE", "20"), ("MESSAGE_BURST", "5")];
    let server = HUBBUB.start_with(&settings).await;
    let mut token = Value::Null;
    for _ in 0..2 {
        let mut ada = with_token(&server, Transport::WebSocket, &token).await;
        token = ada.greeted().await["token"].clone();
        come_back(&mut ada, "tech", "Ada").await;
        assert!(longest_wait(&mut ada).await > 1000);
    }
    let made = made(HUBBUB, &["--role", "member", "--name", "Known"]).await;
    let mut known = with_token(&server, Transport::WebSocket, &made["token"]).await;
    known.join("tech", "Known").await;
    assert!(longest_wait(&mut known).await <= 251);
}

/// Joins, history and lists are counted in the same way.
#[tokio::test]
async fn a_reconnect_does_not_refill_what_else_may_be_asked() {
    let server = HUBBUB.start_with(&TIGHT).await;
    let mut ada = with_token(&server, Transport::WebSocket, &Value::Null).await;
    let token = ada.greeted().await["token"].clone();
    come_back(&mut ada, "tech", "Ada").await;
    for (event, payload) in [
        ("list_users", json!({})),
        ("get_history", json!({ "limit": 1 })),
    ] {
        let mut asked = 0;
        while ada.ask(event, &payload).await["ok"] == true {
            asked += 1;
            assert!(asked < 1000, "{event} is never refused");
        }
        drop(ada);
        ada = with_token(&server, Transport::WebSocket, &token).await;
        ada.greeted().await;
        let frame = |n: u64| event_frame(event, Some(&payload.to_string()), Some(500 + n));
        ada.send_all((0..20).map(frame).collect());
        let mut in_time = 0;
        for n in 0..20 {
            let answer = ada.answer(500 + n).await;
            in_time += u64::from(answer["error"]["code"] != "rate_limited");
        }
        assert!(in_time < 20, "{event}: a full budget after a reconnect");
        // Until a join is welcome again.
        while ada
            .ask(
                "join_room",
                &json!({ "room_name": "tech", "username": "Ada" }),
            )
            .await["ok"]
            != true
        {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
}

/// With the user's token, and as a new user.
#[tokio::test]
async fn goodbye_and_a_new_session_on_the_same_socket_do_not_refill_the_budget() {
    for transport in [Transport::WebSocket, Transport::Polling] {
        for keeps_its_token in [true, false] {
            let server = HUBBUB.start_with(&TIGHT).await;
            let mut bob = Client::joined(&server, "tech", "Bob").await;
            let (since, mut heard) = (Instant::now(), Vec::new());
            let mut eve = with_token(&server, transport, &Value::Null).await;
            let token = eve.greeted().await["token"].clone();
            let auth = if keeps_its_token {
                json!({ "token": token }).to_string()
            } else {
                String::new()
            };
            let join = r#"{"room_name":"tech","username":"Eve"}"#;
            let say = event_frame("send_message", Some(r#"{"text":"spam"}"#), None);
            'sessions: for round in 0..10 {
                if round > 0 {
                    eve.send_raw("41");
                    heard.extend(bob.events_until(|event| event["kind"] == "left").await);
                    // Where one transport carries one session only, it is closed by now.
                    if !eve.try_send_raw(&format!("40{auth}")) {
                        break 'sessions;
                    }
                    loop {
                        match eve.packet().await {
                            Packet::Connected(_) => break,
                            Packet::TransportClosed(_) => break 'sessions,
                            _ => {}
                        }
                    }
                }
                eve.send_raw(&event_frame("join_room", Some(join), None));
                eve.send_all(vec![say.clone(); 20]);
                eve.wait_for("error").await;
            }
            heard.extend(bob.events_until_echo("a fence").await);
            let spam = heard.iter().filter(|event| event["text"] == "spam").count() as u64;
            let most = allowed(1, since);
            assert!(
                spam <= most,
                "{spam} of {most} over {transport}, token: {keeps_its_token}"
            );
        }
    }
}

#[tokio::test]
async fn new_identities_draw_on_the_budget_of_their_address_where_addresses_are_limited() {
    for (setting, value, users) in [
        ("MAX_CONNECTIONS_PER_IP", "3", 3),
        ("CONNECT_RATE_PER_IP", "1", 10),
    ] {
        let behind_proxy = ("TRUSTED_PROXIES", "127.0.0.0/8");
        let server = HUBBUB
            .start_with(&[&TIGHT[..], &[(setting, value), behind_proxy]].concat())
            .await;
        let dial = |address: &str| {
            Dial::new(&server, Transport::WebSocket).header("x-forwarded-for", address)
        };
        let (since, mut accepted) = (Instant::now(), 0);
        for _ in 0..users + 5 {
            let mut eve = loop {
                // Of too many new connections in a row some are refused.
                let opened = tokio::spawn(dial("198.51.100.1").connect()).await;
                if let Ok(client) = opened {
                    break client;
                }
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            };
            eve.join("tech", "Eve").await;
            accepted += accepted_of(&mut eve, 20).await;
            eve.hang_up();
            eve.until_closed().await;
        }
        let most = allowed(users, since);
        assert!(
            (5 * users..=most).contains(&accepted),
            "{accepted} of {most}, {setting}"
        );
        let mut bob = dial("198.51.100.2").connect().await;
        bob.join("tech", "Bob").await;
        assert_eq!(accepted_of(&mut bob, 5).await, 5, "another address");
    }
}

/// Newcomers, each with a full budget of their own, fill the room; who was there before them says
/// what they want to say.
#[tokio::test]
async fn a_flood_of_new_identities_is_bounded_and_those_who_were_there_first_go_on() {
    // Two bursts of a user fit, and 20 messages a second after that.
    let server = HUBBUB.start_with(&[("ROOM_RATE", "20")]).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let (since, mut accepted, mut refused) = (Instant::now(), 0, 0);
    for round in 0..12 {
        let mut eve = Client::joined(&server, "tech", "Eve").await;
        let of_eve = accepted_of(&mut eve, 50).await;
        accepted += of_eve;
        refused += 50 - of_eve;
        for _ in 0..2 {
            let said = json!({ "text": format!("still here in round {round}") });
            assert_accepted(&ada.ask("send_message", &said).await);
            accepted += 1;
        }
    }
    let most = 100 + 20 * (since.elapsed().as_secs() + 1);
    assert!(accepted <= most, "{accepted} accepted of {most}");
    assert!(refused > 0, "there was no flood");
}

#[tokio::test]
async fn a_person_who_pastes_fifty_messages_is_not_refused_in_the_middle_of_talk() {
    for transport in Transport::ALL {
        let server = HUBBUB.start().await;
        let mut talkers = Vec::new();
        for number in 0..5 {
            let mut talker = Client::joined(&server, "tech", &format!("Talker {number}")).await;
            assert_eq!(accepted_of(&mut talker, 10).await, 10);
            talkers.push(talker);
        }
        let mut ada = Client::connect(&server, transport).await;
        ada.join("tech", "Ada").await;
        assert_eq!(accepted_of(&mut ada, 50).await, 50, "{transport}");
    }
}

#[tokio::test]
async fn a_room_rate_of_zero_and_a_message_rate_of_zero_limit_no_room() {
    for (setting, each) in [("ROOM_RATE", 50), ("MESSAGE_RATE", 300)] {
        let server = HUBBUB.start_with(&[(setting, "0")]).await;
        let mut guests = Vec::new();
        for number in 0..10 {
            guests.push(Client::joined(&server, "tech", &format!("Guest {number}")).await);
        }
        for guest in &mut guests {
            assert_eq!(accepted_of(guest, each).await, each, "{setting}=0");
        }
    }
}
