//! Names that no user may have, and names that look like another user's.

use hubbub_test_client::chat::{come_back, resumable, with_token};
use hubbub_test_client::shape::{assert_accepted, assert_refused};
use hubbub_test_client::{Client, Transport};
use serde_json::{Value, json};

use super::HUBBUB;

const UNIQUE: (&str, &str) = ("UNIQUE_NAMES", "true");

/// What looks like `Alice`: other case, other script, digits, full width.
const ALIKE: [&str; 6] = [
    "Alice",
    "ALICE",
    " alice ",
    "\u{410}lice",
    "Al1ce",
    "\u{ff21}\u{ff4c}\u{ff49}\u{ff43}\u{ff45}",
];

async fn join(client: &mut Client, room: &str, name: &str) -> Value {
    let payload = json!({ "room_name": room, "username": name });
    client.ask("join_room", &payload).await
}

#[tokio::test]
async fn a_reserved_name_is_refused_however_it_is_written() {
    let server = HUBBUB.start().await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    for name in [
        "admin",
        "System",
        "HUBBUB",
        "\u{430}dmin",
        "adm1n",
        "moderator",
    ] {
        assert_refused(&join(&mut ada, "tech", name).await, "invalid_username");
        assert_refused(&join(&mut ada, "music", name).await, "invalid_username");
    }
    let echo = ada.events_until_echo("still Ada, still here").await;
    assert_eq!(echo.last().unwrap()["sender"], "Ada");
    assert!(echo.iter().all(|e| e.name == "receive_message"), "{echo:?}");
}

/// What a reader sees counts: `src/domain/reserved_tests.rs` has the whole list.
#[tokio::test]
async fn a_name_that_would_be_taken_for_the_service_is_refused_and_names_of_people_are_not() {
    let server = HUBBUB.start_with(&[("MESSAGE_RATE", "0")]).await;
    let mut eve = Client::joined(&server, "tech", "Eve").await;
    for name in [
        "ᴀᴅᴍɪɴ",
        "admin ✔",
        "Server notice",
        "the admin",
        "admin_bot",
        "4dm1n",
        "a d m i n",
        "ⓐⓓⓜⓘⓝ",
        "🇦🇩🇲🇮🇳",
        "𝖘𝖞𝖘𝖙𝖊𝖒",
        "ѕуѕтем",
        "ꓮꓓꓟꓲꓠ",
        "a\u{332}d\u{332}m\u{332}i\u{332}n\u{332}",
        "[SYSTEM]",
    ] {
        for room in ["tech", "music"] {
            assert_refused(&join(&mut eve, room, name).await, "invalid_username");
        }
    }
    for name in [
        "Administrate",
        "Modesta",
        "Serverin",
        "Сергей",
        "李小龍",
        "O'Neill",
        "👩‍💻",
    ] {
        assert_accepted(&join(&mut eve, "music", name).await);
    }
}

#[tokio::test]
async fn which_names_are_reserved_is_a_setting() {
    let server = HUBBUB
        .start_with(&[("RESERVED_NAMES", "king, queen")])
        .await;
    let mut ada = Client::connect(&server, Transport::WebSocket).await;
    assert_refused(&join(&mut ada, "tech", "King").await, "invalid_username");
    assert_accepted(&join(&mut ada, "tech", "admin").await);
}

#[tokio::test]
async fn by_default_names_may_look_alike_and_ids_tell_them_apart() {
    let server = HUBBUB.start().await;
    let mut alice = Client::joined(&server, "tech", "Alice").await;
    let mut others = Vec::new();
    for name in ALIKE {
        let mut other = Client::connect(&server, Transport::WebSocket).await;
        assert_accepted(&join(&mut other, "tech", name).await);
        others.push(other);
    }
    let listed = alice.ask("list_users", &json!({})).await;
    let users = listed["users"].as_array().unwrap();
    let mut ids: Vec<_> = users.iter().map(|u| u["user_id"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), ALIKE.len() + 1);
}

#[tokio::test]
async fn where_names_are_unique_one_that_looks_like_anothers_is_taken() {
    let server = HUBBUB.start_with(&[UNIQUE]).await;
    let mut alice = Client::joined(&server, "tech", "Alice").await;
    let mut eve = Client::connect(&server, Transport::WebSocket).await;
    eve.join("music", "Eve").await;
    for name in ALIKE {
        assert_refused(&join(&mut eve, "tech", name).await, "username_taken");
    }
    eve.events_until_echo("still in music").await;
    assert_accepted(&join(&mut eve, "music", "Alice").await);
    assert_refused(&join(&mut eve, "tech", "Alice").await, "username_taken");
    assert_accepted(&join(&mut eve, "tech", "Eve").await);
    assert_refused(
        &join(&mut eve, "tech", "\u{391}lice").await,
        "username_taken",
    );

    // Her own name in other letters is hers, and the old one is free after a change.
    assert_accepted(&join(&mut alice, "tech", "ALICE").await);
    assert_accepted(&join(&mut alice, "tech", "Countess").await);
    assert_accepted(&join(&mut eve, "tech", "Alice").await);
    assert_accepted(&eve.ask("leave_room", &json!({})).await);
    assert_accepted(&join(&mut alice, "tech", "Alice").await);
}

#[tokio::test]
async fn any_number_may_be_anonymous() {
    let server = HUBBUB.start_with(&[UNIQUE]).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = Client::connect(&server, Transport::WebSocket).await;
        let ack = client
            .ask("join_room", &json!({ "room_name": "tech" }))
            .await;
        assert_accepted(&ack);
        clients.push(client);
    }
}

#[tokio::test]
async fn nobody_is_refused_because_of_their_own_ghost() {
    let server = HUBBUB.start_with(&[UNIQUE]).await;
    let (lost, token) = resumable(&server, Transport::WebSocket, "Alice").await;
    drop(lost);
    let mut eve = Client::connect(&server, Transport::WebSocket).await;
    assert_refused(&join(&mut eve, "tech", "Alice").await, "username_taken");
    let mut alice = with_token(&server, Transport::WebSocket, &token).await;
    let token = alice.greeted().await["token"].clone();
    assert_eq!(
        come_back(&mut alice, "tech", "Alice").await["username"],
        "Alice"
    );
    // The ghost of a live connection, too.
    let mut again = with_token(&server, Transport::Polling, &token).await;
    come_back(&mut again, "tech", "alice").await;
    assert_refused(&join(&mut eve, "tech", "Alice").await, "username_taken");
    assert_accepted(&again.ask("leave_room", &json!({})).await);
    assert_accepted(&join(&mut eve, "tech", "Alice").await);
}
