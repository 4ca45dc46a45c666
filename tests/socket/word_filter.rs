//! WORD_FILTER: words that messages must not have, and the messages that wait for a moderator.

use std::path::Path;
use std::time::Duration;

use hubbub_test_client::chat::with_token;
use hubbub_test_client::http::{Answer, Line};
use hubbub_test_client::shape::{assert_accepted, assert_refused};
use hubbub_test_client::{Backing, Client, EVENT_TIMEOUT, TestServer, Transport};
use hyper::http::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::HUBBUB;

const ADMIN: (&str, &str) = ("ADMIN_TOKEN", "the-token-of-the-admin-of-a-test-server");
const RULES: &str = "# what this room does not want\nrefuse slur*\nmask darn\nhold /https?:/\n";

/// A folder with a filter in it.
fn filter() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("words.txt");
    std::fs::write(&file, RULES).unwrap();
    let path = file.to_str().unwrap().to_owned();
    (folder, path)
}

async fn call(server: &TestServer, method: Method, path: &str, body: Option<Value>) -> Answer {
    let mut headers = vec![("authorization".to_owned(), format!("Bearer {}", ADMIN.1))];
    if body.is_some() {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let path = format!("/api/v1/{path}");
    let mut line = Line::new(server.address());
    line.request(method, &path, &headers, body).await.unwrap()
}

async fn read(server: &TestServer, path: &str) -> Value {
    let answer = call(server, Method::GET, path, None).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

async fn review(server: &TestServer, id: &Value, action: &str) -> StatusCode {
    let path = format!("held/{}", id.as_str().unwrap());
    let body = json!({ "action": action });
    call(server, Method::POST, &path, Some(body)).await.status
}

fn said(text: &str, client_id: &str) -> Value {
    json!({ "text": text, "client_id": client_id })
}

#[tokio::test]
async fn a_message_is_refused_masked_or_held_and_moderators_write_what_they_want() {
    let (_folder, path) = filter();
    let server = HUBBUB.start_with(&[ADMIN, ("WORD_FILTER", &path)]).await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let slur = said("such a SLÜRRY thing", "1");
    assert_refused(&ada.ask("send_message", &slur).await, "forbidden");
    // Once under its key, though the room has it in another form.
    for duplicate in [None, Some(true)] {
        let answer = ada.ask("send_message", &said("darn it", "2")).await;
        assert_accepted(&answer);
        assert_eq!(answer["duplicate"].as_bool(), duplicate);
    }
    let link = said("see http://example.com", "3");
    for _ in 0..2 {
        assert_refused(&ada.ask("send_message", &link).await, "held");
    }
    let sent = ada.ask("send_message", &said("fine", "4")).await;
    let of = sent["id"].as_u64().unwrap();
    let edit = |text: &str| json!({ "id": of, "text": text });
    assert_refused(&ada.ask("edit_message", &edit("a slur")).await, "forbidden");
    assert_refused(&ada.ask("edit_message", &edit("http:")).await, "forbidden");
    assert_accepted(&ada.ask("edit_message", &edit("Darn!")).await);
    let edited = |text| move |event: &hubbub_test_client::packet::Event| event["text"] == text;
    bob.events_until(edited("#### it")).await;
    bob.events_until(edited("####!")).await;
    let rename = json!({ "room_name": "tech", "username": "Slur" });
    assert_refused(&ada.ask("join_room", &rename).await, "invalid_username");

    let mut admin = with_token(&server, Transport::WebSocket, &json!(ADMIN.1)).await;
    admin.join("tech", "Root").await;
    assert_accepted(
        &admin
            .ask("send_message", &said("slur, http:, darn", "5"))
            .await,
    );
    bob.events_until(edited("slur, http:, darn")).await;

    // It was held once, and appears under its key and its sender's name.
    let held = read(&server, "held").await;
    assert_eq!(
        (&held["more"], held["held"].as_array().map(Vec::len)),
        (&json!(false), Some(1))
    );
    let held = &held["held"][0];
    assert_eq!(
        (&held["text"], &held["room"]),
        (&link["text"], &json!("tech"))
    );
    assert_eq!(
        (&held["username"], &held["matched"]),
        (&json!("Ada"), &json!("http:"))
    );
    assert_eq!(
        review(&server, &held["id"], "release").await,
        StatusCode::OK
    );
    let event = bob.next_message().await;
    assert_eq!(
        (&event["text"], &event["sender"]),
        (&link["text"], &json!("Ada"))
    );
    assert_eq!(
        (&event["client_id"], &event["user_id"]),
        (&json!("3"), &held["user_id"])
    );
    assert_eq!(ada.ask("send_message", &link).await["duplicate"], true);
    assert_eq!(
        review(&server, &held["id"], "release").await,
        StatusCode::NOT_FOUND
    );

    assert_refused(
        &ada.ask("send_message", &said("https://x", "6")).await,
        "held",
    );
    let held = read(&server, "held").await;
    assert_eq!(
        review(&server, &held["held"][0]["id"], "discard").await,
        StatusCode::OK
    );
    assert_eq!(read(&server, "held").await["held"], json!([]));
    let audit = read(&server, "audit").await;
    let actions: Vec<_> = audit["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| &line["action"])
        .collect();
    assert_eq!(actions, ["discard", "release"]);
    for (path, body) in [
        ("held/none", json!({ "action": "release" })),
        ("held/none", json!({ "action": "eat" })),
        ("held/none", json!({})),
    ] {
        let status = call(&server, Method::POST, path, Some(body)).await.status;
        assert!(status.is_client_error(), "{status}");
    }
    // One user's messages do not fill the list.
    let mut last = Value::Null;
    for n in 0..11 {
        last = ada
            .ask("send_message", &said("http:", &format!("many {n}")))
            .await;
    }
    assert_refused(&last, "rate_limited");
}

#[tokio::test]
async fn the_file_is_read_again_on_sighup_and_a_broken_one_changes_nothing() {
    let (_folder, path) = filter();
    let server = HUBBUB.start_with(&[("WORD_FILTER", &path)]).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let reload = async |rules: &str, logged: &str| {
        std::fs::write(Path::new(&path), rules).unwrap();
        server.signal("HUP").await;
        let is_logged = async {
            while !server.log().contains(logged) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(EVENT_TIMEOUT, is_logged)
            .await
            .unwrap();
    };
    reload("refuse darn\nrefuse banana", "rules=2").await;
    assert_refused(
        &ada.ask("send_message", &said("Banana", "1")).await,
        "forbidden",
    );
    assert_accepted(&ada.ask("send_message", &said("slur", "2")).await);
    reload(
        "refuse darn\neat /(/",
        "line 2: begin it with refuse, hold or mask",
    )
    .await;
    assert_refused(
        &ada.ask("send_message", &said("darn", "3")).await,
        "forbidden",
    );
    for (rules, problem) in [
        ("hold /(/", "line 1: the pattern cannot be used"),
        ("\u{fffd}", "line 1"),
    ] {
        std::fs::write(Path::new(&path), rules).unwrap();
        let finished = HUBBUB.run_to_end(&[("WORD_FILTER", &path)], &[]).await;
        assert_eq!(finished.code, Some(1));
        assert!(
            finished.stderr.contains("WORD_FILTER") && finished.stderr.contains(problem),
            "{}",
            finished.stderr
        );
    }
}

#[tokio::test]
async fn what_is_held_outlasts_the_process_where_the_rooms_do() {
    let Some(backing) = Backing::of(HUBBUB.store()).await else {
        return;
    };
    let (_folder, path) = filter();
    let settings = [
        &backing.settings()[..],
        &[ADMIN, ("WORD_FILTER", path.as_str())],
    ]
    .concat();
    let mut server = HUBBUB.start_with(&settings).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    assert_refused(
        &ada.ask("send_message", &said("http://example.com", "1"))
            .await,
        "held",
    );
    server.signal("KILL").await;
    server.exit().await;
    let server = HUBBUB.start_with(&settings).await;
    let held = read(&server, "held").await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    assert_eq!(
        review(&server, &held["held"][0]["id"], "release").await,
        StatusCode::OK
    );
    assert_eq!(bob.next_message().await["text"], "http://example.com");
}
