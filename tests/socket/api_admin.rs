//! The HTTP API, for the people who run the service: whose token it is, mutes, the newest refusals,
//! the settings in force.

use hubbub_test_client::chat::refused;
use hubbub_test_client::http::{Answer, Line};
use hubbub_test_client::shape::{assert_error, assert_timestamp};
use hubbub_test_client::tokens::{KEY, made};
use hubbub_test_client::{Client, TestServer, Transport};
use hyper::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::HUBBUB;

const ADMIN: (&str, &str) = ("ADMIN_TOKEN", "the-token-of-the-admin-of-a-test-server");

async fn call(server: &TestServer, path: &str, token: &str, body: Option<&Value>) -> Answer {
    let mut headers = vec![("authorization".to_owned(), format!("Bearer {token}"))];
    let method = match body {
        None => Method::GET,
        Some(_) => {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
            Method::POST
        }
    };
    let body = body.map(ToString::to_string).unwrap_or_default();
    let path = format!("/api/v1/{path}");
    let mut line = Line::new(server.address());
    line.request(method, &path, &headers, body).await.unwrap()
}

/// `GET` that must succeed.
async fn read(server: &TestServer, path: &str, token: &str) -> Value {
    let answer = call(server, path, token, None).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

#[tokio::test]
async fn a_token_says_whose_it_is_and_its_role_decides_what_it_reads() {
    let server = HUBBUB.start_with(&[ADMIN, KEY]).await;
    let root = read(&server, "me", ADMIN.1).await;
    assert_eq!(root["role"], "admin");
    assert!(root.get("token_id").is_none() && root.get("expires").is_none());
    let arguments = ["--role", "moderator", "--name", "Mo", "--rooms", "tech"];
    let mo = made(HUBBUB, &arguments).await;
    let token = mo["token"].as_str().unwrap();
    let me = read(&server, "me", token).await;
    assert_eq!(
        (&me["name"], &me["role"], &me["rooms"]),
        (&json!("Mo"), &json!("moderator"), &json!(["tech"]))
    );
    for field in ["user_id", "token_id", "expires"] {
        assert_eq!(me[field], mo[field], "{field}");
    }
    for path in ["refusals", "settings"] {
        let refused = call(&server, path, token, None).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
    }
    let stats = read(&server, "stats", token).await;
    assert_eq!(stats["connections_max"], 20_000);
    assert_eq!(stats["held_bytes_max"], 134_217_728);
    assert!(["memory", "disk", "redis"].contains(&stats["store"].as_str().unwrap()));
    if cfg!(target_os = "linux") {
        assert!(stats["resident_bytes"].as_u64().unwrap() > 1_000_000);
    }
}

#[tokio::test]
async fn mutes_are_a_list_of_their_own_in_pages() {
    let server = HUBBUB.start_with(&[ADMIN]).await;
    for (action, user) in [("ban", "b1"), ("mute", "m1"), ("mute", "m2")] {
        let body = json!({ "action": action, "user_id": user, "for_s": 600, "reason": "noise" });
        let done = call(&server, "moderation", ADMIN.1, Some(&body)).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    }
    let first = read(&server, "mutes?limit=1", ADMIN.1).await;
    assert_eq!(first["more"], true);
    let mute = &first["mutes"][0];
    assert_eq!(
        (&mute["kind"], &mute["reason"]),
        (&json!("mute"), &json!("noise"))
    );
    assert_timestamp(&mute["until"]);
    let path = format!("mutes?after={}", mute["key"].as_str().unwrap());
    let second = read(&server, &path, ADMIN.1).await;
    assert_eq!(second["more"], false);
    let users = [&mute["user_id"], &second["mutes"][0]["user_id"]];
    assert_eq!(users, [&json!("m1"), &json!("m2")]);
    let bans = read(&server, "bans", ADMIN.1).await;
    assert_eq!(bans["bans"].as_array().unwrap().len(), 3);
    let unknown = call(&server, "mutes?after=nothing", ADMIN.1, None).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn equal_refusals_are_one_with_a_count_and_show_nothing_that_was_sent() {
    let server = HUBBUB.start_with(&[ADMIN]).await;
    let mut client = Client::joined(&server, "tech", "Alice").await;
    for _ in 0..3 {
        let refused = client
            .ask("join_room", &json!({ "room_name": "hidden-words" }))
            .await;
        assert_eq!(refused["error"]["code"], "unknown_room");
    }
    let empty = client.ask("send_message", &json!({ "text": "" })).await;
    assert_eq!(empty["ok"], false);
    for path in ["rooms/hidden-words", "rooms?hidden-words=1", "hidden-words"] {
        assert!(
            call(&server, path, ADMIN.1, None)
                .await
                .status
                .is_client_error()
        );
    }
    let page = read(&server, "refusals", ADMIN.1).await;
    assert!(!page.to_string().contains("hidden-words"), "{page}");
    let refusals = page["refusals"].as_array().unwrap();
    let found = |code: &str, what: &str| {
        let mut all = refusals.iter();
        all.find(|refusal| refusal["code"] == code && refusal["what"] == what)
            .unwrap_or_else(|| panic!("no {code} of {what} in {page}"))
    };
    let rooms = found("unknown_room", "join_room");
    assert_eq!(
        (&rooms["count"], &rooms["network"], &rooms["message"]),
        (&json!(3), &json!("127.0.0.1"), &json!("Invalid room name"))
    );
    assert_timestamp(&rooms["first"]);
    assert_timestamp(&rooms["last"]);
    found("invalid_text", "send_message");
    let api = found("api_not_found", "/api/v1/rooms/{room}");
    assert_eq!(api["network"], "127.0.0.1");
    found("api_invalid_request", "/api/v1/rooms");
    found("api_not_found", "/api/v1");
    let newest = read(&server, "refusals?limit=1", ADMIN.1).await;
    assert_eq!(newest["refusals"].as_array().unwrap().len(), 1);
    assert_eq!(newest["refusals"][0]["code"], "api_not_found");
    let wrong = call(&server, "refusals?limit=201", ADMIN.1, None).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_banned_client_is_among_the_refusals_with_its_network() {
    let server = HUBBUB.start_with(&[ADMIN]).await;
    let mut client = Client::joined(&server, "tech", "Bob").await;
    let id = client.ask("list_users", &json!({})).await["users"][0]["user_id"].clone();
    let body = json!({ "action": "ban", "user_id": id, "for_s": 600, "address": true });
    let done = call(&server, "moderation", ADMIN.1, Some(&body)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    assert_error(&client.wait_for("error").await, "moderate", "banned");
    refused(&server, Transport::WebSocket, &Value::Null).await;
    let page = read(&server, "refusals", ADMIN.1).await;
    let newest = &page["refusals"][0];
    assert_eq!(
        (&newest["code"], &newest["what"], &newest["network"]),
        (&json!("banned"), &json!("CONNECT"), &json!("127.0.0.1")),
        "{page}"
    );
}

#[tokio::test]
async fn settings_in_force_show_where_they_come_from_and_no_secret() {
    let secret = ("SECRET_KEY", "a key that is never shown, 32 bytes");
    let settings = [
        ADMIN,
        secret,
        ("MESSAGE_RATE", "7"),
        ("ROOMS", "tech,music"),
    ];
    let server = HUBBUB.start_with(&settings).await;
    let page = read(&server, "settings", ADMIN.1).await;
    let text = page.to_string();
    assert!(
        !text.contains(secret.1) && !text.contains(ADMIN.1),
        "{text}"
    );
    // The address of Redis may contain a password.
    assert!(!text.contains("redis://127"), "{text}");
    let all = page["settings"].as_array().unwrap();
    let shown = |name: &str| {
        let setting = all.iter().find(|setting| setting["name"] == name);
        let setting = setting.unwrap_or_else(|| panic!("no {name} in {page}"));
        (
            setting["value"].as_str().unwrap(),
            setting["source"].as_str().unwrap(),
        )
    };
    for (name, expected) in [
        ("MESSAGE_RATE", ("7", "environment")),
        ("ROOMS", ("tech,music", "environment")),
        ("MAX_CONNECTIONS", ("20000", "default")),
        ("SECRET_KEY", ("set", "environment")),
        ("ADMIN_TOKEN", ("set", "environment")),
        ("JWT_SECRET", ("not set", "default")),
    ] {
        assert_eq!(shown(name), expected, "{name}");
    }
    assert!(["set", "not set"].contains(&shown("REDIS_URL").0));
    let group =
        |name: &str| all.iter().find(|setting| setting["name"] == name).unwrap()["group"].clone();
    assert_eq!(group("MESSAGE_RATE"), "Messages and rates");
}
