//! Who a connection is: the token of one connection makes the next one the same user.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use hubbub_test_client::chat::{come_back, resumable, with_token};
use hubbub_test_client::dial::Dial;
use hubbub_test_client::shape::assert_refused;
use hubbub_test_client::{Client, Transport};
use serde_json::json;
use sha2::Sha256;

use super::HUBBUB;

const KEY: (&str, &str) = ("SECRET_KEY", "a key of these tests, 32 bytes long");

fn signed(key: &str, content: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(b"hubbub identity token\0");
    mac.update(content.as_bytes());
    let mac = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{content}.{mac}")
}

#[tokio::test]
async fn a_token_makes_a_connection_the_same_user() {
    for transport in Transport::ALL {
        let server = HUBBUB.start().await;
        let mut first = Client::connect(&server, transport).await;
        let session = first.greeted().await;
        let token = session["token"].clone();
        assert!(token.as_str().unwrap().len() <= 512, "{token}");
        assert!(!session["user_id"].as_str().unwrap().is_empty());

        let mut second = with_token(&server, transport, &token).await;
        let again = second.greeted().await;
        assert_eq!(again["user_id"], session["user_id"], "{transport}");
        assert!(again.payload.get("code").is_none(), "{}", again.raw);
        let third = with_token(&server, transport, &again["token"]).await;
        drop((first, second, third));
    }
}

#[tokio::test]
async fn whoever_brings_no_token_is_somebody_new() {
    let server = HUBBUB.start().await;
    let mut ids = Vec::new();
    for auth in [None, Some("{}"), Some(r#"{"token":null}"#)] {
        let dial = Dial::new(&server, Transport::WebSocket);
        let dial = match auth {
            Some(auth) => dial.auth(auth),
            None => dial,
        };
        let session = dial.connect().await.greeted().await;
        assert!(session.payload.get("code").is_none(), "{}", session.raw);
        ids.push(session["user_id"].to_string());
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn a_token_outlives_the_server_while_its_key_is_the_same() {
    let first = HUBBUB.start_with(&[KEY]).await;
    let session = Client::connect(&first, Transport::WebSocket)
        .await
        .greeted()
        .await;
    drop(first);
    let second = HUBBUB.start_with(&[KEY]).await;
    let mut back = with_token(&second, Transport::WebSocket, &session["token"]).await;
    assert_eq!(back.greeted().await["user_id"], session["user_id"]);
}

#[tokio::test]
async fn a_token_that_is_not_good_gives_a_fresh_identity_and_says_why() {
    let server = HUBBUB.start_with(&[KEY]).await;
    let session = Client::connect(&server, Transport::WebSocket)
        .await
        .greeted()
        .await;
    let good = session["token"].as_str().unwrap();
    let user_id = session["user_id"].as_str().unwrap();
    let (content, mac) = good.rsplit_once('.').unwrap();
    let bad = [
        String::new(),
        "none".to_owned(),
        good[..good.len() - 1].to_owned(),
        good[1..].to_owned(),
        format!("{content}."),
        format!("{content}.{}", "A".repeat(mac.len())),
        format!("{content}0.{mac}"),
        signed("another key", content),
        signed(KEY.1, &content.replacen('1', "2", 1)),
        signed(KEY.1, user_id),
        format!("{good}{}", "A".repeat(512)),
        "a".repeat(16_000),
    ];
    let expired = signed(KEY.1, &format!("1.{user_id}.1"));
    let cases = bad.iter().map(|token| (token, "token_invalid"));
    for (token, code) in cases.chain([(&expired, "token_expired")]) {
        let shown = &token[..token.len().min(150)];
        let mut client = with_token(&server, Transport::WebSocket, &json!(token)).await;
        let fresh = client.greeted().await;
        assert_eq!(fresh["code"], code, "{shown}");
        assert_ne!(fresh["user_id"], session["user_id"], "{shown}");
        client.join("tech", "Ada").await;
        client.events_until_echo("nothing is in the way").await;
    }
    let forever = signed(KEY.1, &format!("1.{user_id}.99999999999"));
    let mut same = with_token(&server, Transport::WebSocket, &json!(forever)).await;
    assert_eq!(
        same.greeted().await["user_id"],
        user_id,
        "these tests sign as the server does"
    );
}

#[tokio::test]
async fn idempotency_keys_belong_to_the_user_not_to_the_connection() {
    let server = HUBBUB.start().await;
    let (mut ada, token) = resumable(&server, Transport::WebSocket, "Ada").await;
    let message = json!({ "text": "once", "client_id": "k1" });
    let first = ada.ask("send_message", &message).await;
    drop(ada);
    let mut ada = with_token(&server, Transport::Polling, &token).await;
    come_back(&mut ada, "tech", "Ada").await;
    let again = ada.ask("send_message", &message).await;
    assert_eq!(
        (&again["id"], &again["duplicate"]),
        (&first["id"], &json!(true)),
        "{again}"
    );
    let other = json!({ "text": "twice", "client_id": "k1" });
    assert_refused(&ada.ask("send_message", &other).await, "conflict");

    let mut eve = Client::joined(&server, "tech", "Eve").await;
    let hers = eve.ask("send_message", &message).await;
    assert!(
        hers.get("duplicate").is_none(),
        "another user's key: {hers}"
    );
}
