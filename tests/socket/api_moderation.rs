//! The HTTP API, acting: moderation, bans, the audit log, revoked tokens.

use hubbub_test_client::chat::with_token;
use hubbub_test_client::http::{Answer, Line};
use hubbub_test_client::shape::{assert_error, assert_timestamp};
use hubbub_test_client::tokens::{KEY, made};
use hubbub_test_client::{Client, EventSource, TestServer, Transport};
use hyper::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::HUBBUB;

const ADMIN: (&str, &str) = ("ADMIN_TOKEN", "the-token-of-the-admin-of-a-test-server");

async fn call(
    server: &TestServer,
    method: Method,
    path: &str,
    token: &str,
    body: Option<&Value>,
) -> Answer {
    let mut headers = vec![("authorization".to_owned(), format!("Bearer {token}"))];
    let body = body.map(|body| {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        body.to_string()
    });
    let path = format!("/api/v1/{path}");
    let mut line = Line::new(server.address());
    line.request(method, &path, &headers, body.unwrap_or_default())
        .await
        .unwrap()
}

async fn post(server: &TestServer, path: &str, token: &str, body: &Value) -> Answer {
    call(server, Method::POST, path, token, Some(body)).await
}

/// `GET` that must succeed.
async fn read(server: &TestServer, path: &str, token: &str) -> Value {
    let answer = call(server, Method::GET, path, token, None).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

fn code(answer: &Answer) -> String {
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    body["error"]["code"].as_str().unwrap().to_owned()
}

async fn user(server: &TestServer, name: &str) -> (Client, Value) {
    let mut client = with_token(server, Transport::WebSocket, &Value::Null).await;
    let session = client.greeted().await;
    client.join("tech", name).await;
    (client, session["user_id"].clone())
}

#[tokio::test]
async fn what_is_done_over_http_holds_in_the_room_and_is_in_the_audit_log() {
    let server = HUBBUB.start_with(&[ADMIN, KEY]).await;
    let token = made(HUBBUB, &["--role", "moderator", "--name", "Mo"]).await;
    let mo = token["token"].as_str().unwrap();
    let (mut bob, id) = user(&server, "Bob").await;
    let lock = json!({ "action": "lock", "room": "tech", "locked": true });
    assert_eq!(
        post(&server, "moderation", mo, &lock).await.body,
        r#"{"ok":true}"#
    );
    bob.events_until(|event| event.name == "room_changed" && event["locked"] == true)
        .await;
    assert_eq!(read(&server, "rooms/tech", mo).await["locked"], true);
    // Twice is the same as once.
    assert_eq!(
        post(&server, "moderation", mo, &lock).await.status,
        StatusCode::OK
    );
    let ban = json!({ "action": "ban", "user_id": id, "for_s": 600, "reason": "spam" });
    assert_eq!(
        post(&server, "moderation", mo, &ban).await.status,
        StatusCode::OK
    );
    assert_error(&bob.wait_for("error").await, "moderate", "banned");

    let bans = read(&server, "bans", mo).await;
    let listed = &bans["bans"][0];
    assert_eq!(bans["more"], false);
    assert_eq!((&listed["kind"], &listed["user_id"]), (&json!("ban"), &id));
    assert_eq!(
        (&listed["username"], &listed["reason"]),
        (&json!("Bob"), &json!("spam"))
    );
    assert_eq!(listed["by"], token["user_id"]);
    assert_timestamp(&listed["until"]);

    let audit = call(&server, Method::GET, "audit", mo, None).await;
    assert_eq!(
        (audit.status, &*code(&audit)),
        (StatusCode::FORBIDDEN, "forbidden")
    );
    let first = read(&server, "audit?limit=1", ADMIN.1).await;
    let line = &first["lines"][0];
    assert_eq!((&line["action"], &line["user_id"]), (&json!("ban"), &id));
    assert_eq!(
        (&line["actor"], &line["actor_name"]),
        (&token["user_id"], &json!("Mo"))
    );
    assert_eq!(line["address"], "127.0.0.1");
    assert_timestamp(&line["at"]);
    assert_eq!(first["more"], true);
    let rest = format!("audit?before={}", line["id"]);
    let rest = read(&server, &rest, ADMIN.1).await;
    let actions: Vec<_> = rest["lines"].as_array().unwrap().iter().collect();
    assert_eq!(actions.len(), 2, "{rest}");
    assert_eq!(
        (&actions[0]["action"], &actions[0]["room"]),
        (&json!("lock"), &json!("tech"))
    );
    assert_eq!(rest["more"], false);

    let unban = json!({ "action": "unban", "user_id": id });
    assert_eq!(
        post(&server, "moderation", mo, &unban).await.status,
        StatusCode::OK
    );
    assert_eq!(read(&server, "bans", mo).await["bans"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_and_changes_nothing() {
    let server = HUBBUB.start_with(&[ADMIN, KEY]).await;
    let moderate = async |token: &str, body: Value| post(&server, "moderation", token, &body).await;
    let (bob, id) = user(&server, "Bob").await;
    for (body, status, code_of) in [
        (json!([]), 400, "invalid_request"),
        (json!({}), 400, "invalid_request"),
        (json!({ "action": "sing" }), 400, "invalid_request"),
        (
            json!({ "action": "lock", "locked": true }),
            400,
            "invalid_request",
        ),
        (
            json!({ "action": "ban", "room": 7, "user_id": id }),
            400,
            "invalid_request",
        ),
        (
            json!({ "action": "lock", "locked": true, "room": "none" }),
            404,
            "unknown_room",
        ),
        (
            json!({ "action": "kick", "user_id": "nobody", "room": "tech" }),
            404,
            "not_found",
        ),
        (
            json!({ "action": "pin", "id": 999, "on": true, "room": "tech" }),
            404,
            "not_found",
        ),
    ] {
        let answer = moderate(ADMIN.1, body.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), &*code(&answer)),
            (status, code_of),
            "{body}"
        );
    }
    let made_for = ["--role", "moderator", "--name", "Mo", "--rooms", "music"];
    let of_music = made(HUBBUB, &made_for).await;
    let of_music = of_music["token"].as_str().unwrap();
    for body in [
        json!({ "action": "lock", "locked": true, "room": "tech" }),
        json!({ "action": "ban", "user_id": id }),
        json!({ "action": "mute", "user_id": id }),
    ] {
        let answer = moderate(of_music, body.clone()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{body}");
    }
    let own = json!({ "action": "topic", "text": "jazz", "room": "music" });
    assert_eq!(moderate(of_music, own).await.status, StatusCode::OK);
    let member = made(HUBBUB, &["--role", "member", "--name", "Al"]).await;
    let answer = moderate(member["token"].as_str().unwrap(), json!({})).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let no_json = call(&server, Method::POST, "moderation", ADMIN.1, None).await;
    assert_eq!(
        (no_json.status.as_u16(), &*code(&no_json)),
        (400, "invalid_request")
    );
    assert_eq!(read(&server, "bans", ADMIN.1).await["bans"], json!([]));
    let audit = read(&server, "audit", ADMIN.1).await;
    assert_eq!(audit["lines"].as_array().unwrap().len(), 1, "{audit}");
    drop(bob);
}

#[tokio::test]
async fn a_revoked_token_ends_its_connections_and_opens_no_more() {
    let server = HUBBUB.start_with(&[ADMIN, KEY]).await;
    let by_id = made(HUBBUB, &["--role", "moderator", "--name", "One"]).await;
    let by_user = made(HUBBUB, &["--role", "moderator", "--name", "Two"]).await;
    let other = made(HUBBUB, &["--role", "moderator", "--name", "Three"]).await;
    let mut clients = Vec::new();
    for token in [&by_id, &by_user] {
        let mut client = with_token(&server, Transport::WebSocket, &token["token"]).await;
        assert_eq!(client.greeted().await["role"], "moderator");
        clients.push(client);
    }
    for body in [
        json!({ "token_id": by_id["token_id"] }),
        json!({ "user_id": by_user["user_id"] }),
    ] {
        let answer = post(&server, "tokens/revoke", ADMIN.1, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        clients.remove(0).until_closed().await;
    }
    for token in [&by_id, &by_user] {
        let mut client = with_token(&server, Transport::WebSocket, &token["token"]).await;
        let session = client.greeted().await;
        assert_eq!(session["code"], "token_revoked");
        assert_eq!(session["role"], "member");
        let answer = call(
            &server,
            Method::GET,
            "rooms",
            token["token"].as_str().unwrap(),
            None,
        );
        assert_eq!(answer.await.status, StatusCode::UNAUTHORIZED);
    }
    let three = other["token"].as_str().unwrap();
    read(&server, "rooms", three).await;
    let bearer = format!("Bearer {three}");
    let path = "/api/v1/rooms/tech/events";
    let headers = [("authorization", &*bearer)];
    let mut stream = EventSource::open(server.address(), path, &headers).await;
    assert!(stream.block().await.is_some());
    let all = json!({ "issued_before": 4_000_000_000u64 });
    assert_eq!(
        post(&server, "tokens/revoke", ADMIN.1, &all).await.status,
        StatusCode::OK
    );
    // Also a stream that is open ends.
    while stream.block().await.is_some() {}
    // An earlier time after it takes nothing back of that.
    let earlier = json!({ "issued_before": 1 });
    let answer = post(&server, "tokens/revoke", ADMIN.1, &earlier).await;
    assert_eq!(answer.status, StatusCode::OK);
    let answer = call(&server, Method::GET, "rooms", three, None).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    // The first admin's token is a setting.
    read(&server, "rooms", ADMIN.1).await;
    for wrong in [
        json!({}),
        json!({ "token_id": "" }),
        json!({ "token_id": "a", "user_id": "b" }),
        json!({ "issued_before": -1 }),
        json!({ "token": "x" }),
    ] {
        let answer = post(&server, "tokens/revoke", ADMIN.1, &wrong).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn a_program_posts_a_message_once_and_members_see_that_it_is_one() {
    let server = HUBBUB.start_with(&[ADMIN, KEY]).await;
    let (mut bob, _) = user(&server, "Bob").await;
    let path = "rooms/tech/messages";
    let message = json!({ "sender": "CI", "text": "build 7 passed", "client_id": "build 7" });
    let posted = post(&server, path, ADMIN.1, &message).await;
    assert_eq!(posted.status, StatusCode::OK, "{}", posted.body);
    let posted: Value = serde_json::from_str(&posted.body).unwrap();
    let received = bob.next_message().await;
    assert_eq!(received["id"], posted["id"]);
    assert_eq!(
        (&received["sender"], &received["text"]),
        (&message["sender"], &message["text"])
    );
    assert_eq!(received["user_id"], "bot:root-admin");
    assert_eq!(received["bot"], true);
    let again = post(&server, path, ADMIN.1, &message).await;
    let again: Value = serde_json::from_str(&again.body).unwrap();
    assert_eq!(
        (&again["id"], &again["duplicate"]),
        (&posted["id"], &json!(true))
    );
    let other = json!({ "sender": "CI", "text": "build 8 failed", "client_id": "build 7" });
    let conflict = post(&server, path, ADMIN.1, &other).await;
    assert_eq!(conflict.status, StatusCode::CONFLICT, "{}", conflict.body);
    // What people write is no program's, and the program is in no list of users.
    let seen = bob.events_until_echo("thanks").await;
    let echo = seen.last().unwrap();
    assert!(!echo.raw.contains("bot"), "{echo:?}");
    let users = read(&server, "rooms/tech/users", ADMIN.1).await;
    assert_eq!(users["total"], 1, "{users}");
    let made_for = ["--role", "moderator", "--name", "Mo", "--rooms", "music"];
    let of_music = made(HUBBUB, &made_for).await;
    let of_music = of_music["token"].as_str().unwrap();
    assert_eq!(
        post(&server, path, of_music, &message).await.status,
        StatusCode::FORBIDDEN
    );
    for wrong in [
        json!({}),
        json!({ "sender": "", "text": "x" }),
        json!({ "sender": "CI", "text": " " }),
        json!({ "sender": "CI", "text": "x", "client_id": "" }),
        json!({ "sender": "CI", "text": "x", "colour": "red" }),
        json!({ "sender": "CI", "text": "x".repeat(60_000) }),
    ] {
        let answer = post(&server, path, ADMIN.1, &wrong).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}
