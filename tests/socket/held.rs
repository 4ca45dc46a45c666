//! The places that are kept for lost connections are bounded, and do not count where the size of a
//! room matters.

use hubbub_test_client::chat::{come_back, resumable, with_token};
use hubbub_test_client::{Client, Metrics, TestServer, Transport};
use serde_json::{Value, json};

use super::HUBBUB;

const METRICS: (&str, &str) = ("METRICS_ADDR", "127.0.0.1:0");
/// What may be kept of a small room, and of one address.
const HELD: u64 = 16;

async fn members(metrics: Metrics, room: &str) -> u64 {
    metrics
        .value(&format!("hubbub_members{{room=\"{room}\"}}"))
        .await
}

/// Somebody able to resume, who is lost as soon as they are in the room.
async fn visit(server: &TestServer, transport: Transport, room: &str) {
    let mut ghost = with_token(server, transport, &Value::Null).await;
    ghost.greeted().await;
    come_back(&mut ghost, room, "Ghost").await;
    ghost.hang_up();
    ghost.until_closed().await;
}

#[tokio::test]
async fn connections_that_come_and_go_cannot_fill_a_room_with_ghosts() {
    for transport in Transport::ALL {
        let server = HUBBUB.start_with(&[METRICS, ("RESUME_GRACE", "10m")]).await;
        let metrics = Metrics::of(&server);
        let mut bob = Client::joined(&server, "tech", "Bob").await;
        for _ in 0..60 {
            visit(&server, transport, "tech").await;
        }
        let total = bob.ask("list_users", &json!({})).await["total"].as_u64();
        // Bob, those who are kept, and one who is on their way out.
        assert!(
            total.is_some_and(|total| (2..=HELD + 2).contains(&total)),
            "{total:?}"
        );
        assert!(members(metrics, "tech").await <= HELD + 2);
    }
}

/// Also where they take over from themselves instead of being lost.
#[tokio::test]
async fn takeovers_that_come_to_nothing_cannot_fill_a_room_either() {
    let server = HUBBUB.start_with(&[METRICS, ("RESUME_GRACE", "10m")]).await;
    let metrics = Metrics::of(&server);
    let _bob = Client::joined(&server, "tech", "Bob").await;
    for _ in 0..60 {
        let (first, token) = resumable(&server, Transport::WebSocket, "Ghost").await;
        let mut second = with_token(&server, Transport::WebSocket, &token).await;
        second.greeted().await;
        drop(first);
        second.hang_up();
        second.until_closed().await;
    }
    let total = members(metrics, "tech").await;
    assert!(total <= HELD + 3, "{total} members");
}

#[tokio::test]
async fn one_address_cannot_fill_all_rooms_with_ghosts() {
    let settings = [
        METRICS,
        ("RESUME_GRACE", "10m"),
        ("TRUSTED_PROXIES", "127.0.0.0/8"),
    ];
    let server = HUBBUB.start_with(&settings).await;
    let metrics = Metrics::of(&server);
    for room in ["tech", "music", "sports"] {
        for _ in 0..HELD {
            visit(&server, Transport::WebSocket, room).await;
        }
    }
    let mut total = 0;
    for room in ["tech", "music", "sports"] {
        total += members(metrics, room).await;
    }
    assert!(
        (HELD..=HELD + 1).contains(&total),
        "{total} ghosts of one address"
    );
    // Another address has places of its own.
    let dial = hubbub_test_client::Dial::new(&server, Transport::WebSocket);
    let dial = dial.header("x-forwarded-for", "198.51.100.1");
    let mut ada = dial.auth(r#"{"token":null}"#).connect().await;
    ada.greeted().await;
    come_back(&mut ada, "gaming", "Ada").await;
    ada.hang_up();
    ada.until_closed().await;
    assert_eq!(members(metrics, "gaming").await, 1);
}

#[tokio::test]
async fn ghosts_do_not_count_towards_the_limit_of_notices() {
    let server = HUBBUB
        .start_with(&[("NOTICE_LIMIT", "3"), ("RESUME_GRACE", "10m")])
        .await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    for _ in 0..8 {
        visit(&server, Transport::WebSocket, "tech").await;
    }
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let told = |events: &[hubbub_test_client::Event], text: &str| {
        events.iter().filter(|event| event["text"] == text).count()
    };
    let events = bob.events_until_echo("a fence").await;
    assert_eq!(told(&events, "Ada has joined the room"), 1, "{events:?}");
    ada.join("tech", "Grace").await;
    let events = bob.events_until_echo("another fence").await;
    assert_eq!(told(&events, "Ada is now known as Grace"), 1, "{events:?}");
    drop(ada);
    bob.wait_for_kind("left").await;
}

/// Everybody behind one router, say. None of that is an attack.
#[tokio::test]
async fn a_small_room_that_loses_its_network_as_a_whole_is_told_nothing() {
    let settings = [("RESUME_GRACE", "10m"), ("TRUSTED_PROXIES", "127.0.0.0/8")];
    let server = HUBBUB.start_with(&settings).await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let mut people = Vec::new();
    for number in 0..HELD {
        people.push(resumable(&server, Transport::WebSocket, &format!("P{number}")).await);
    }
    bob.events_until_echo("all here").await;
    let tokens: Vec<_> = people.into_iter().map(|(_, token)| token).collect();
    let mut back = Vec::new();
    for (number, token) in tokens.iter().enumerate() {
        let mut person = with_token(&server, Transport::WebSocket, token).await;
        come_back(&mut person, "tech", &format!("P{number}")).await;
        back.push(person);
    }
    let events = bob.events_until_echo("all here again").await;
    let notices = events.iter().filter(|event| event.name == "system_message");
    assert_eq!(notices.count(), 0, "{events:?}");
}
