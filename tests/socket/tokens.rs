//! Tokens that say more than who: made by `hubbub token`, by another service, or by the operator.

use hubbub_test_client::chat::{resumable, with_token};
use hubbub_test_client::packet::{Event, Packet};
use hubbub_test_client::shape::{assert_accepted, assert_error, assert_refused};
use hubbub_test_client::tokens::{JWT, KEY, jwt, made, now_s};
use hubbub_test_client::{Client, TestServer, Transport};
use serde_json::{Value, json};

use super::HUBBUB;

const ADMIN: (&str, &str) = ("ADMIN_TOKEN", "an admin token of these tests, 32 bytes");

async fn enters(client: &mut Client, room: &str, name: Option<&str>) -> Value {
    let mut join = json!({ "room_name": room });
    if let Some(name) = name {
        join["username"] = json!(name);
    }
    client.ask("join_room", &join).await
}

async fn greeting(server: &TestServer, transport: Transport, token: &Value) -> (Client, Event) {
    let mut client = with_token(server, transport, token).await;
    let session = client.greeted().await;
    (client, session)
}

#[tokio::test]
async fn a_session_says_its_role_and_everyone_without_a_token_is_a_member() {
    let server = HUBBUB.start_with(&[KEY, ADMIN]).await;
    let moderator = made(
        HUBBUB,
        &["--role", "moderator", "--name", "Mo", "--user", "mo"],
    )
    .await;
    for transport in Transport::ALL {
        let (_ada, session) = greeting(&server, transport, &Value::Null).await;
        assert_eq!(session["role"], "member");
        assert_eq!(session["auth"], "open");
        assert!(session.payload.get("name").is_none(), "{}", session.raw);

        let (_mo, session) = greeting(&server, transport, &moderator["token"]).await;
        assert_eq!(session["role"], "moderator", "{}", session.raw);
        assert_eq!(session["user_id"], "mo");
        assert_eq!(session["name"], "Mo");
        // It is the same token: none that lasts longer, or says less.
        assert_eq!(session["token"], moderator["token"]);

        let (mut root, session) = greeting(&server, transport, &json!(ADMIN.1)).await;
        assert_eq!(session["role"], "admin");
        assert_eq!(session["user_id"], "root-admin");
        assert_accepted(&enters(&mut root, "tech", Some("Any name")).await);
    }
    assert!(!server.log().contains(ADMIN.1) && !server.log().contains(KEY.1));
}

#[tokio::test]
async fn the_link_has_the_token_where_browsers_do_not_send_it() {
    let link = ("PUBLIC_URL", "https://chat.example/here/");
    let arguments = ["token", "--role", "admin", "--name", "Ada Ó"];
    let text = HUBBUB.run_to_end(&[KEY, link], &arguments).await;
    assert_eq!(text.code, Some(0), "{text:?}");
    let mut lines = text.stdout.lines();
    let token = lines.next().unwrap();
    let expected = format!("https://chat.example/here/#token={token}");
    assert_eq!(lines.next(), Some(&*expected));
    assert!(text.stdout.contains("role admin, name Ada Ó"), "{text:?}");

    let without_key = HUBBUB.run_to_end(&[], &arguments).await;
    assert_eq!(without_key.code, Some(64), "{without_key:?}");
    assert!(without_key.stderr.contains("SECRET_KEY"), "{without_key:?}");
    for wrong in [
        &["--role", "root", "--name", "Ada"][..],
        &["--role", "admin", "--name", ""],
        &["--role", "admin"],
        &["--role", "admin", "--name", "Ada", "--user", "a b"],
        &["--role", "admin", "--name", "Ada", "--rooms", "NO"],
        &["--role", "admin", "--name", "Ada", "--expires", "0s"],
    ] {
        let refused = HUBBUB
            .run_to_end(&[KEY], &[&["token"], wrong].concat())
            .await;
        assert_eq!(refused.code, Some(64), "{wrong:?}: {refused:?}");
    }
}

#[tokio::test]
async fn a_name_in_a_token_is_its_users_alone() {
    let server = HUBBUB.start_with(&[KEY]).await;
    let (mut eve, _) = resumable(&server, Transport::WebSocket, "Eve").await;
    // A reserved name, which only a token can give.
    let token = made(HUBBUB, &["--role", "member", "--name", "Admin Ada"]).await;
    let (mut ada, _) = greeting(&server, Transport::WebSocket, &token["token"]).await;
    for other in ["Bob", "admin ada"] {
        assert_refused(&enters(&mut ada, "tech", Some(other)).await, "forbidden");
    }
    let joined = enters(&mut ada, "tech", None).await;
    assert_accepted(&joined);
    assert_eq!(joined["username"], "Admin Ada");
    assert_refused(&enters(&mut ada, "tech", Some("Bob")).await, "forbidden");
    assert_accepted(&enters(&mut ada, "tech", Some("Admin Ada")).await);

    let plain = made(HUBBUB, &["--role", "member", "--name", "Grace"]).await;
    drop(greeting(&server, Transport::Polling, &plain["token"]).await);
    for like in ["Grace", "GRACE", "Gr\u{430}ce"] {
        assert_refused(
            &enters(&mut eve, "tech", Some(like)).await,
            "username_taken",
        );
        assert_refused(
            &enters(&mut eve, "music", Some(like)).await,
            "username_taken",
        );
    }
    assert_accepted(&enters(&mut eve, "tech", Some("Gracie")).await);
    let (mut grace, _) = greeting(&server, Transport::WebSocket, &plain["token"]).await;
    assert_accepted(&enters(&mut grace, "tech", Some("Grace")).await);
}

#[tokio::test]
async fn a_token_may_allow_some_rooms_only() {
    let server = HUBBUB.start_with(&[KEY]).await;
    let token = made(
        HUBBUB,
        &["--role", "member", "--name", "Ada", "--rooms", "tech,music"],
    )
    .await;
    assert_eq!(token["rooms"], json!(["tech", "music"]));
    let (mut ada, _) = greeting(&server, Transport::WebSocket, &token["token"]).await;
    for room in ["tech", "music"] {
        assert_accepted(&enters(&mut ada, room, None).await);
    }
    assert_refused(&enters(&mut ada, "sports", None).await, "forbidden");
    // She is still where she was.
    ada.events_until_echo("in the music room").await;
}

#[tokio::test]
async fn a_jwt_names_a_user_of_another_service() {
    let server = HUBBUB.start_with(&[KEY, JWT]).await;
    let exp = now_s() + 1000;
    let claims = json!({ "sub": "ada", "name": "Ada", "role": "admin", "exp": exp });
    let token = jwt(&claims);
    for transport in Transport::ALL {
        let (mut ada, session) = greeting(&server, transport, &token).await;
        assert_eq!(session["user_id"], "jwt:ada");
        assert_eq!(session["role"], "admin");
        assert_eq!(session["token"], token, "no other, which would outlive it");
        assert_accepted(&enters(&mut ada, "tech", None).await);
    }
    for (claims, code) in [
        (json!({ "sub": "ada" }), "token_invalid"),
        (json!({ "exp": exp }), "token_invalid"),
        (json!({ "sub": "ada", "exp": 1 }), "token_expired"),
    ] {
        let (_fresh, session) = greeting(&server, Transport::WebSocket, &jwt(&claims)).await;
        assert_eq!(session["code"], code, "{claims}");
        assert_eq!(session["role"], "member");
        assert_ne!(session["user_id"], "jwt:ada");
    }
    let without_keys = HUBBUB.start_with(&[KEY]).await;
    let (_fresh, session) = greeting(&without_keys, Transport::WebSocket, &token).await;
    assert_eq!(session["code"], "token_invalid");
}

#[tokio::test]
async fn a_connection_ends_when_its_token_expires_and_says_so_before() {
    let server = HUBBUB
        .start_with(&[KEY, JWT, ("RESUME_GRACE", "60s")])
        .await;
    let (mut bob, _) = resumable(&server, Transport::WebSocket, "Bob").await;
    for transport in Transport::ALL {
        let sub = format!("ada-{transport}");
        let ends = |in_s| json!({ "sub": sub, "iat": now_s() - 1000, "exp": now_s() + in_s });
        let (mut ada, _) = greeting(&server, transport, &jwt(&ends(2))).await;
        assert_accepted(&enters(&mut ada, "tech", Some("Ada")).await);
        let warning = ada.wait_for("token_expiring").await;
        let left = warning["expires_in_ms"].as_u64().unwrap();
        assert!(left <= 2000, "{transport}: {}", warning.raw);
        let last = ada.until_closed().await;
        let Some(Packet::Event(error)) = last.iter().rfind(|p| matches!(p, Packet::Event(_)))
        else {
            panic!("{transport}: {last:?}");
        };
        assert_error(error, "session", "token_expired");
        let disconnected = |packet: &Packet| matches!(packet, Packet::Disconnected);
        assert!(
            !last.iter().any(disconnected),
            "stock clients would stay away"
        );

        // With a new token she is who she was, and the room has seen nothing.
        let (mut ada, session) = greeting(&server, transport, &jwt(&ends(1000))).await;
        assert!(session.payload.get("code").is_none(), "{}", session.raw);
        assert_accepted(&enters(&mut ada, "tech", Some("Ada")).await);
        let seen = bob.events_until_echo(&format!("after {transport}")).await;
        let left = |event: &Event| event["kind"] == "left";
        assert!(!seen.iter().any(left), "{transport}: {seen:?}");
    }
}
