//! Incoming webhooks: a key posts to its room, in the form that programs for Slack have.

use hubbub_test_client::chat::with_token;
use hubbub_test_client::http::{Answer, Line};
use hubbub_test_client::tokens::{JWT, jwt};
use hubbub_test_client::{Client, TestServer, Transport};
use hyper::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::HUBBUB;

const ADMIN: (&str, &str) = ("ADMIN_TOKEN", "the-token-of-the-admin-of-a-test-server");

async fn api(server: &TestServer, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let bearer = format!("Bearer {}", ADMIN.1);
    let mut headers = vec![("authorization".to_owned(), bearer)];
    if body.is_some() {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    let body = body.map(Value::to_string).unwrap_or_default();
    let path = format!("/api/v1/{path}");
    let mut line = Line::new(server.address());
    line.request(method, &path, &headers, body).await.unwrap()
}

/// A call that must succeed.
async fn done(server: &TestServer, method: Method, path: &str, body: Option<&Value>) -> Value {
    let answer = api(server, method, path, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// Posts as `curl -d` does, whose type is that of a form.
async fn post(server: &TestServer, path: &str, body: impl Into<String>) -> Answer {
    let form = "application/x-www-form-urlencoded";
    let headers = [("content-type".to_owned(), form.to_owned())];
    let mut line = Line::new(server.address());
    let posting = line.request(Method::POST, path, &headers, body.into());
    posting.await.unwrap()
}

async fn moderate(server: &TestServer, action: Value) {
    done(server, Method::POST, "moderation", Some(&action)).await;
}

#[tokio::test]
async fn a_program_with_a_key_posts_and_is_shown_as_a_bot() {
    let server = HUBBUB.start_with(&[ADMIN]).await;
    let mut alice = Client::joined(&server, "tech", "Alice").await;
    let new = json!({ "room": "tech", "username": "CI" });
    let hook = done(&server, Method::POST, "hooks", Some(&new)).await;
    let path = hook["path"].as_str().unwrap();
    let key = path.strip_prefix("/hooks/tech/").unwrap();

    let json = json!({ "text": "<https://ci.example/7|build 7> passed", "icon_emoji": ":x:" });
    let answer = post(&server, path, json.to_string()).await;
    assert_eq!((answer.status, &*answer.body), (StatusCode::OK, "ok"));
    assert!(
        answer.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
    let message = alice.next_message().await;
    assert_eq!(message["text"], "build 7 (https://ci.example/7) passed");
    assert_eq!(
        (&message["sender"], &message["bot"]),
        (&json!("CI"), &json!(true))
    );
    assert_eq!(message["user_id"], hook["user_id"]);
    let form = "payload=%7B%22text%22%3A%22one%22%2C%22username%22%3A%22Deploys%22%2C\
        %22attachments%22%3A%5B%7B%22fallback%22%3A%22two%22%7D%5D%7D";
    assert_eq!(post(&server, path, form).await.body, "ok");
    let message = alice.next_message().await;
    assert_eq!(
        (&message["sender"], &message["text"]),
        (&json!("Deploys"), &json!("one\ntwo"))
    );

    let listed = done(&server, Method::GET, "hooks", None).await;
    assert_eq!(
        (&listed["hooks"][0]["id"], &listed["more"]),
        (&hook["id"], &json!(false))
    );
    let audit = done(&server, Method::GET, "audit", None).await;
    assert_eq!(audit["lines"][0]["action"], "hook_added");
    for said in [listed.to_string(), audit.to_string(), server.log()] {
        assert!(!said.contains(key), "{said}");
    }
    let remove = format!("hooks/{}", hook["id"].as_str().unwrap());
    done(&server, Method::DELETE, &remove, None).await;
    let answer = post(&server, path, json.to_string()).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let again = api(&server, Method::DELETE, &remove, None).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_a_key_does_not_allow_is_refused() {
    let settings = [ADMIN, JWT, ("MESSAGE_RATE", "1"), ("MESSAGE_BURST", "30")];
    let server = HUBBUB.start_with(&settings).await;
    let hook = async |room: &str| {
        let new = json!({ "room": room });
        done(&server, Method::POST, "hooks", Some(&new)).await
    };
    let (tech, music) = (hook("tech").await, hook("music").await);
    let path = tech["path"].as_str().unwrap();
    let key = path.strip_prefix("/hooks/tech/").unwrap();
    let hello = r#"{"text": "hello"}"#;
    let cut = &path[..path.len() - 1];
    for wrong in [
        &*format!("/hooks/music/{key}"),
        &format!("/hooks/nowhere/{key}"),
        &format!("{path}0"),
        cut,
        "/hooks/tech/x",
        "/hooks/tech/%ff",
    ] {
        let answer = post(&server, wrong, hello).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{wrong}");
    }
    let token = json!({ "sub": "ada", "name": "Ada", "exp": 4_000_000_000_u32 });
    let mut ada = with_token(&server, Transport::WebSocket, &jwt(&token)).await;
    ada.join("tech", "Ada").await;
    let large = json!({ "text": "x".repeat(100_000) }).to_string();
    for (body, status) in [
        ("{}", 400),
        (r#"{"text": " "}"#, 400),
        ("text=hello", 400),
        (r#"{"text": "x", "username": "a\nb"}"#, 400),
        (r#"{"text": "x", "username": "server"}"#, 403),
        (r#"{"text": "x", "username": "AD\u0410"}"#, 403),
        (&large, 413),
        (&json!({ "text": "x".repeat(3000) }).to_string(), 400),
    ] {
        let answer = post(&server, path, body).await;
        let shown = &body[..body.len().min(80)];
        assert_eq!(answer.status.as_u16(), status, "{shown}: {}", answer.body);
        assert!(
            answer.body.len() > 10 && answer.body.ends_with('\n'),
            "{}",
            answer.body
        );
    }
    let user_id = &tech["user_id"];
    let mute = json!({ "action": "mute", "user_id": user_id });
    let unmute = json!({ "action": "unmute", "user_id": user_id });
    let lock = json!({ "action": "lock", "room": "tech", "locked": true });
    let unlock = json!({ "action": "lock", "room": "tech", "locked": false });
    let ban = json!({ "action": "ban", "user_id": user_id });
    for (forbids, allows) in [(mute, Some(unmute)), (lock, Some(unlock)), (ban, None)] {
        moderate(&server, forbids).await;
        assert_eq!(
            post(&server, path, hello).await.status,
            StatusCode::FORBIDDEN
        );
        let Some(allows) = allows else { break };
        moderate(&server, allows).await;
        assert_eq!(post(&server, path, hello).await.status, StatusCode::OK);
    }
    // Each key has a rate of its own.
    let path = music["path"].as_str().unwrap();
    let mut accepted = 0;
    let limited = loop {
        let answer = post(&server, path, hello).await;
        if answer.status != StatusCode::OK {
            break answer;
        }
        accepted += 1;
    };
    assert_eq!(
        limited.status,
        StatusCode::TOO_MANY_REQUESTS,
        "{}",
        limited.body
    );
    assert!(limited.headers.contains_key("retry-after") && accepted >= 30);
    for (new, status) in [
        (json!({ "room": "nowhere" }), 404),
        (json!({}), 400),
        (json!({ "room": "tech", "username": "" }), 400),
        (json!({ "room": "tech", "key": "mine" }), 400),
    ] {
        let answer = api(&server, Method::POST, "hooks", Some(&new)).await;
        assert_eq!(answer.status.as_u16(), status, "{new}: {}", answer.body);
    }
}
