//! Taking over from one's own ghost, and the time a lost connection's place is kept.

use hubbub_test_client::chat::{come_back, resumable, with_token};
use hubbub_test_client::packet::{Event, Packet, event_frame};
use hubbub_test_client::shape::{assert_accepted, assert_refused};
use hubbub_test_client::{Client, Transport};
use serde_json::json;

use super::HUBBUB;

fn notices(events: &[Event]) -> Vec<&str> {
    let notices = events.iter().filter(|e| e.name == "system_message");
    notices.map(|e| e["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_connection_takes_over_from_its_own_ghost_and_nobody_notices() {
    for transport in Transport::ALL {
        let server = HUBBUB.start_with(&[("CONNECT_TIMEOUT", "1s")]).await;
        let mut bob = Client::joined(&server, "tech", "Bob").await;
        let (mut ghost, token) = resumable(&server, transport, "Ada").await;
        bob.until_notice_and_counts("Ada has joined the room", &[("tech", 2)])
            .await;

        let mut ada = with_token(&server, transport, &token).await;
        ada.greeted().await;
        let confirm = come_back(&mut ada, "tech", "Ada").await;
        assert_eq!(confirm["users_count"], 2, "{transport}");
        ada.say("it is still me");
        let heard = bob.events_until_message("it is still me").await;
        assert_eq!(notices(&heard), [""; 0], "{transport}");
        assert!(heard.iter().all(|e| e.name != "room_update"), "{heard:?}");
        let users = bob.ask("list_users", &json!({})).await;
        assert_eq!(users["total"], 2, "{users}");

        // The ghost is closed in a way that keeps stock clients from coming back by themselves.
        let told = ghost.until_closed().await;
        assert!(
            told.iter().any(|p| matches!(p, Packet::Disconnected)),
            "{transport}: {told:?}"
        );
    }
}

#[tokio::test]
async fn a_ghost_without_the_token_key_is_taken_over_from_too() {
    let server = HUBBUB.start().await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let mut ghost = Client::connect(&server, Transport::WebSocket).await;
    let token = ghost.greeted().await["token"].clone();
    ghost.join("tech", "Ada").await;
    bob.wait_for_kind("joined").await;
    let mut ada = with_token(&server, Transport::WebSocket, &token).await;
    come_back(&mut ada, "tech", "Ada").await;
    ada.say("it is still me");
    assert_eq!(
        notices(&bob.events_until_message("it is still me").await),
        [""; 0]
    );
}

#[tokio::test]
async fn what_the_ghost_was_asked_happens_before_what_its_successor_is_asked() {
    let server = HUBBUB.start_with(&[("MESSAGE_RATE", "0")]).await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let (ghost, mut token) = resumable(&server, Transport::WebSocket, "Ada").await;
    let mut ghosts = vec![ghost];
    for round in 0..5 {
        let last = ghosts.last().unwrap();
        let messages = (0..300).map(|n| json!({ "text": format!("{round}: {n}") }));
        let frames = messages.map(|m| event_frame("send_message", Some(&m.to_string()), None));
        last.send_all(frames.collect());
        bob.events_until_message(&format!("{round}: 0")).await;
        let mut next = with_token(&server, Transport::WebSocket, &token).await;
        token = next.greeted().await["token"].clone();
        come_back(&mut next, "tech", "Ada").await;
        next.say(&format!("{round}: over"));
        let events = bob.events_until_message(&format!("{round}: over")).await;
        let heard: Vec<_> = events
            .iter()
            .filter(|e| e.name == "receive_message")
            .collect();
        for (n, event) in heard[..heard.len() - 1].iter().enumerate() {
            assert_eq!(event["text"], format!("{round}: {}", n + 1));
        }
        assert_eq!(notices(&events), [""; 0]);
        ghosts.push(next);
    }
}

#[tokio::test]
async fn a_lost_connection_that_comes_back_in_time_was_never_away() {
    for transport in Transport::ALL {
        let server = HUBBUB.start().await;
        let mut bob = Client::joined(&server, "tech", "Bob").await;
        let (ada, token) = resumable(&server, transport, "Ada").await;
        bob.until_notice_and_counts("Ada has joined the room", &[("tech", 2)])
            .await;
        ada.hang_up();
        let before = bob.events_until_echo("said meanwhile").await;
        let last = before.last().unwrap()["id"].as_u64().unwrap();

        let mut ada = with_token(&server, transport, &token).await;
        ada.greeted().await;
        let epoch = bob
            .ask(
                "join_room",
                &json!({ "room_name": "tech", "username": "Bob" }),
            )
            .await["epoch"]
            .clone();
        let join = json!({ "room_name": "tech", "username": "Ada", "after": { "epoch": epoch, "id": last - 1 } });
        let ack = ada.ask("join_room", &join).await;
        assert_eq!(
            (&ack["recovered"], &ack["users_count"]),
            (&json!(true), &json!(2)),
            "{ack}"
        );
        assert_eq!(ada.next_message().await["text"], "said meanwhile");
        ada.say("back");
        let after = bob.events_until_message("back").await;
        let all: Vec<_> = before.into_iter().chain(after).collect();
        assert_eq!(notices(&all), [""; 0], "{transport}");
        let last_counts = all.iter().rfind(|e| e.name == "room_update");
        assert!(
            last_counts.is_none_or(|e| e["tech"]["count"] == 2),
            "{all:?}"
        );
    }
}

#[tokio::test]
async fn a_lost_connection_that_does_not_come_back_has_left_after_the_grace() {
    let server = HUBBUB.start_with(&[("RESUME_GRACE", "1s")]).await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let (ada, token) = resumable(&server, Transport::WebSocket, "Ada").await;
    bob.until_notice_and_counts("Ada has joined the room", &[("tech", 2)])
        .await;
    drop(ada);
    let users = bob.ask("list_users", &json!({})).await;
    assert_eq!(users["total"], 2, "the place is kept: {users}");
    bob.until_notice_and_counts("Ada has left the room", &[("tech", 1)])
        .await;
    let mut ada = with_token(&server, Transport::WebSocket, &token).await;
    ada.join("tech", "Ada").await;
    bob.until_notice_and_counts("Ada has joined the room", &[("tech", 2)])
        .await;
}

#[tokio::test]
async fn others_are_told_at_once_of_whoever_cannot_resume_or_says_goodbye() {
    let server = HUBBUB.start_with(&[("RESUME_GRACE", "10m")]).await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;

    let old_client = Client::joined(&server, "tech", "Old").await;
    drop(old_client);
    bob.until_notice_and_counts("Old has left the room", &[("tech", 1)])
        .await;

    let (polite, _) = resumable(&server, Transport::WebSocket, "Polite").await;
    polite.send_raw("41");
    bob.until_notice_and_counts("Polite has left the room", &[("tech", 1)])
        .await;

    let (mut leaver, _) = resumable(&server, Transport::Polling, "Leaver").await;
    assert_accepted(&leaver.ask("leave_room", &json!({})).await);
    bob.until_notice_and_counts("Leaver has left the room", &[("tech", 1)])
        .await;
}

#[tokio::test]
async fn a_grace_of_nothing_tells_at_once() {
    let server = HUBBUB.start_with(&[("RESUME_GRACE", "0")]).await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let (ada, _) = resumable(&server, Transport::WebSocket, "Ada").await;
    drop(ada);
    bob.until_notice_and_counts("Ada has left the room", &[("tech", 1)])
        .await;
}

/// The one way to be in two rooms would be to be lost in one and join another.
#[tokio::test]
async fn whoever_comes_back_elsewhere_or_leaves_gives_up_the_kept_place() {
    let server = HUBBUB.start_with(&[("RESUME_GRACE", "10m")]).await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;

    let (ada, token) = resumable(&server, Transport::WebSocket, "Ada").await;
    drop(ada);
    let mut ada = with_token(&server, Transport::WebSocket, &token).await;
    ada.join("music", "Ada").await;
    bob.until_notice_and_counts("Ada has left the room", &[("tech", 1), ("music", 1)])
        .await;

    let (eve, token) = resumable(&server, Transport::WebSocket, "Eve").await;
    drop(eve);
    let mut eve = with_token(&server, Transport::WebSocket, &token).await;
    assert_accepted(&eve.ask("leave_room", &json!({})).await);
    bob.until_notice_and_counts("Eve has left the room", &[("tech", 1), ("music", 1)])
        .await;
    assert_refused(&eve.ask("leave_room", &json!({})).await, "not_in_room");

    let (dan, token) = resumable(&server, Transport::WebSocket, "Dan").await;
    drop(dan);
    let mut dan = with_token(&server, Transport::WebSocket, &token).await;
    dan.greeted().await;
    dan.send_raw("41");
    bob.until_notice_and_counts("Dan has left the room", &[("tech", 1), ("music", 1)])
        .await;
}

#[tokio::test]
async fn whoever_comes_back_under_another_name_is_renamed() {
    let server = HUBBUB.start().await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let (ada, token) = resumable(&server, Transport::WebSocket, "Ada").await;
    bob.wait_for_kind("joined").await;
    drop(ada);
    let mut ada = with_token(&server, Transport::WebSocket, &token).await;
    come_back(&mut ada, "tech", "Countess").await;
    let notice = bob.wait_for("system_message").await;
    assert_eq!(notice["text"], "Ada is now known as Countess");
}

#[tokio::test]
async fn a_transport_carries_one_session_and_a_second_connect_closes_it() {
    let server = HUBBUB.start().await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    for transport in Transport::ALL {
        let mut ada = Client::connect(&server, transport).await;
        ada.join("tech", "Ada").await;
        ada.send_raw("41");
        bob.events_until(|event| event["text"] == "Ada has left the room")
            .await;
        ada.send_raw("40");
        for packet in ada.until_closed().await {
            assert!(!matches!(packet, Packet::Connected(_)), "{packet:?}");
        }
    }
}

#[tokio::test]
async fn a_transport_without_a_session_is_closed() {
    let server = HUBBUB.start_with(&[("CONNECT_TIMEOUT", "1s")]).await;
    for transport in Transport::ALL {
        let mut ada = Client::connect(&server, transport).await;
        ada.join("tech", "Ada").await;
        ada.send_raw("41");
        ada.send_raw(r#"42["send_message",{"text":"from nobody"}]"#);
        ada.until_closed().await;
    }
}
