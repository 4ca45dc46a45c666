//! Names of rooms and people: rows 45, 46, 51 and 52.

use hubbub_test_client::dial::Dial;
use hubbub_test_client::packet::event_frame;
use hubbub_test_client::shape::{assert_refused, default_rooms_json};
use hubbub_test_client::{Client, Transport};
use serde_json::{Value, json};

use crate::HUBBUB;
use crate::watched_server::{MARK, WatchedServer, leave};

const UNHURRIED: (&str, &str) = ("MESSAGE_RATE", "0");

#[tokio::test]
async fn row_45_rooms_that_are_none_are_refused_and_not_made() {
    let watched = WatchedServer::with(&[UNHURRIED]).await;
    let long = MARK.repeat(1500);
    let names = [
        json!(""),
        json!(long),
        json!("../x"),
        json!("tech\u{0}"),
        json!("te\u{7}ch"),
        json!("general\u{200b}"),
        json!("General"),
        json!("h0st1le"),
        json!("__proto__"),
    ];
    for transport in [Transport::WebSocket, Transport::Polling] {
        let mut eve = Client::connect(watched.server(), transport).await;
        eve.greeted().await;
        for name in &names {
            let join = json!({ "room_name": name, "username": "Eve" });
            let refused = eve.ask("join_room", &join).await;
            assert_refused(&refused, "unknown_room");
            assert_eq!(refused["error"]["message"], "Invalid room name");
        }
        for name in [
            json!(7),
            json!(null),
            json!(["tech"]),
            json!({ "name": "tech" }),
        ] {
            let join = json!({ "room_name": name, "username": "Eve" });
            assert_refused(&eve.ask("join_room", &join).await, "invalid_payload");
        }
        assert_refused(
            &eve.ask_raw("join_room", Some("[\"tech\"]")).await,
            "invalid_payload",
        );
        assert_refused(&eve.ask("join_room", &json!({})).await, "invalid_payload");
        // Without a name one is Anonymous, as in the original.
        let joined = eve.ask("join_room", &json!({ "room_name": "tech" })).await;
        assert_eq!(joined["username"], "Anonymous");
        let list = Client::connect(watched.server(), transport).await;
        leave(eve).await;
        leave(list).await;
    }
    watched.finish(&["unknown_room", "invalid_payload"]).await;
}

#[tokio::test]
async fn row_46_thousands_of_rooms_that_are_none_cost_nothing() {
    let watched = WatchedServer::with(&[UNHURRIED, ("MAILBOX", "20000")]).await;
    let before = watched.server().resident_kib();
    let mut eve = Client::connect(watched.server(), Transport::WebSocket).await;
    eve.greeted().await;
    for round in 0..10 {
        let join = |n: usize| {
            let payload = json!({ "room_name": format!("room-{round}-{n}"), "username": MARK });
            event_frame("join_room", Some(&payload.to_string()), None)
        };
        eve.send_all((0..1000).map(join).collect());
        for _ in 0..1000 {
            let refused = eve.expect_but_counts("error").await;
            assert_eq!(refused["code"], "unknown_room");
        }
    }
    let grown = watched.server().resident_kib().saturating_sub(before);
    assert!(
        grown < 16 * 1024,
        "{grown} KiB for rooms that are not there"
    );
    let list = Client::connect(watched.server(), Transport::WebSocket)
        .await
        .expect("room_list")
        .await;
    assert_eq!(list.raw, default_rooms_json(&[("general", 1)]));
    leave(eve).await;
    watched.finish(&["unknown_room"]).await;
}

#[tokio::test]
async fn row_51_names_that_pose_as_others_are_refused_or_tellable() {
    let alike = ["\u{410}lice", "Al1ce", " alice ", "ALICE", "\u{ff21}lice"];
    let watched = WatchedServer::with(&[UNHURRIED, ("UNIQUE_NAMES", "true")]).await;
    let alice = Client::joined(watched.server(), "tech", "Alice").await;
    let mut eve = Client::connect(watched.server(), Transport::WebSocket).await;
    for name in alike {
        assert_refused(&join(&mut eve, name).await, "username_taken");
    }
    for name in ["admin", "System"] {
        assert_refused(&join(&mut eve, name).await, "invalid_username");
    }
    leave(eve).await;
    leave(alice).await;
    watched
        .finish(&["username_taken", "invalid_username"])
        .await;

    let watched = WatchedServer::with(&[UNHURRIED]).await;
    let mut ids = vec![];
    for name in ["Alice"].into_iter().chain(alike) {
        let mut somebody = Client::connect(watched.server(), Transport::WebSocket).await;
        ids.push(join(&mut somebody, name).await["user_id"].to_string());
        leave(somebody).await;
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), alike.len() + 1, "two of one name have one id");
    watched.finish(&[]).await;
}

async fn join(client: &mut Client, name: &str) -> Value {
    let payload = json!({ "room_name": "tech", "username": name });
    client.ask("join_room", &payload).await
}

/// The watched checks that each line of the log is one JSON object without control characters and
/// without what was sent.
#[tokio::test]
async fn row_52_nothing_that_is_sent_writes_to_the_log() {
    let watched = WatchedServer::with(&[UNHURRIED, ("RUST_LOG", "debug")]).await;
    let forged = [
        "h0st1le\r\n2026-01-01T00:00:00Z ERROR all is lost",
        "h0st1le\u{1b}[2J",
        "h0st1le\u{2028}{\"level\":\"ERROR\"}",
        "h0st1le\u{2028}2026-01-01 ERROR",
        "h0st1le\",\"level\":\"ERROR",
    ];
    let mut eve = Client::connect(watched.server(), Transport::WebSocket).await;
    for text in forged {
        let payload = json!({ "room_name": "tech", "username": text });
        let answer = eve.ask("join_room", &payload).await;
        assert_eq!(
            answer["ok"],
            text.contains('"') && !text.contains('\u{2028}'),
            "{answer}"
        );
        eve.ask("send_message", &json!({ "text": text })).await;
        // The library closes a connection whose event's name needs escapes.
        if !text.contains(|c: char| c.is_control() || c == '"') {
            eve.emit(text, &json!({ "text": text }));
        }
    }
    leave(eve).await;
    for agent in [
        "h0st1le \\x1b[2J",
        "h0st1le\",\"level\":\"ERROR",
        "${jndi:ldap://h0st1le}",
    ] {
        for transport in [Transport::WebSocket, Transport::Polling] {
            let dial = Dial::new(watched.server(), transport);
            let client = dial
                .header("user-agent", agent)
                .header("referer", agent)
                .connect()
                .await;
            leave(client).await;
        }
    }
    watched
        .finish(&["invalid_username", "invalid_text", "unknown_event"])
        .await;
}

/// The key that a test gives must not come back from anywhere.
#[tokio::test]
async fn row_56_the_secret_key_is_never_shown() {
    let secret = "a-secret-that-nobody-may-see-h0st1le";
    for (key, warned) in [(secret, false), ("h0st1le-and-short", true), ("", true)] {
        let settings = [("SECRET_KEY", key), ("RUST_LOG", "trace")];
        let server = HUBBUB.start_with(&settings).await;
        let mut eve = Client::connect(&server, Transport::WebSocket).await;
        let session = eve.greeted().await;
        assert!(!session.raw.contains(MARK), "{}", session.raw);
        let log = server.log();
        assert!(!log.contains(MARK), "{log}");
        assert_eq!(log.contains("SECRET_KEY"), warned, "{log}");
    }
    let settings = [("SECRET_KEY", secret), ("PORT", "nonsense")];
    for arguments in [&["--help"][..], &["--version"], &["--nonsense"], &[]] {
        let finished = HUBBUB.run_to_end(&settings, arguments).await;
        let said = finished.stdout + &finished.stderr;
        assert!(!said.contains(MARK), "{said}");
    }
    let flag = HUBBUB.run_to_end(&[], &["--secret-key", secret]).await;
    assert_eq!(
        flag.code,
        Some(64),
        "a flag would show the key to every user of the machine"
    );
}
