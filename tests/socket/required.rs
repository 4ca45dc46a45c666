//! A service that requires tokens, and settings of who may connect.

use std::process::Stdio;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hubbub_test_client::chat::with_token;
use hubbub_test_client::dial::Dial;
use hubbub_test_client::packet::Packet;
use hubbub_test_client::shape::assert_accepted;
use hubbub_test_client::tokens::{JWT, KEY, jwt, made, now_s, unsigned_jwt};
use hubbub_test_client::{Client, Metrics, TestServer, Transport};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::HUBBUB;

const REQUIRED: (&str, &str) = ("AUTH", "required");

/// A connection that has presented this, and how it was answered.
async fn refused(server: &TestServer, transport: Transport, auth: &str) -> (Client, Value) {
    let mut client = Dial::new(server, transport).open().await;
    client.send_raw(&format!("40{auth}"));
    match client.packet().await {
        Packet::ConnectError(text) => (client, serde_json::from_str(&text).unwrap()),
        other => panic!("{transport} {auth}: {other:?}"),
    }
}

fn presenting(token: &str) -> String {
    json!({ "token": token }).to_string()
}

#[tokio::test]
async fn where_tokens_are_required_others_are_refused_with_a_code() {
    let metrics = ("METRICS_ADDR", "127.0.0.1:0");
    let open = HUBBUB.start_with(&[KEY]).await;
    let issued = Client::connect(&open, Transport::WebSocket)
        .await
        .greeted()
        .await;
    let issued = presenting(issued["token"].as_str().unwrap());
    let server = HUBBUB.start_with(&[KEY, JWT, REQUIRED, metrics]).await;
    let expired = jwt(&json!({ "sub": "ada", "exp": now_s() - 1 }));
    let valid = made(HUBBUB, &["--role", "moderator", "--name", "Ada"]).await;
    for transport in Transport::ALL {
        for auth in [
            "",
            "{}",
            r#"{"token":null}"#,
            r#"{"token":"none"}"#,
            &issued,
        ] {
            let (_client, error) = refused(&server, transport, auth).await;
            assert_eq!(error["data"], json!({ "code": "unauthorized" }), "{error}");
            assert!(
                error["message"].as_str().unwrap().contains("token"),
                "{error}"
            );
        }
        let mut ada = with_token(&server, transport, &valid["token"]).await;
        let session = ada.greeted().await;
        assert_eq!(session["auth"], "required");
        assert_eq!(session["role"], "moderator");
        assert_accepted(&ada.ask("join_room", &json!({ "room_name": "tech" })).await);
    }
    for transport in Transport::ALL {
        let auth = presenting(expired.as_str().unwrap());
        let (_client, error) = refused(&server, transport, &auth).await;
        assert_eq!(error["data"], json!({ "code": "expired" }), "{error}");
    }
    let metrics = Metrics::of(&server).text().await;
    assert!(
        metrics.contains(r#"{reason="unauthorized"} 15"#),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_refused_connection_may_present_a_valid_token_next() {
    let server = HUBBUB.start_with(&[KEY, REQUIRED]).await;
    let valid = made(HUBBUB, &["--role", "member", "--name", "Ada"]).await;
    for transport in [Transport::WebSocket, Transport::Polling] {
        let (mut client, _) = refused(&server, transport, "").await;
        client.send_raw(&format!(
            "40{}",
            presenting(valid["token"].as_str().unwrap())
        ));
        client.connected().await;
        assert_eq!(client.greeted().await["name"], "Ada", "{transport}");
    }
}

#[tokio::test]
async fn settings_that_let_everyone_in_or_out_are_refused() {
    let short = ("ADMIN_TOKEN", "too short");
    for (settings, named) in [
        (&[REQUIRED][..], "AUTH: with `required`"),
        (&[("AUTH", "closed")], "AUTH: \"closed\" is neither"),
        (&[short], "ADMIN_TOKEN: give one of 32"),
        (
            &[("JWT_SECRET", "too short")],
            "JWT_SECRET: it has fewer than 32",
        ),
        (
            &[("JWT_PUBLIC_KEY", "/no/such/file")],
            "JWT_PUBLIC_KEY: it is neither PEM",
        ),
        (
            &[("JWT_PUBLIC_KEY", "{}")],
            "JWT_PUBLIC_KEY: it is neither a public key",
        ),
        (
            &[("PUBLIC_URL", "chat.example")],
            "PUBLIC_URL: \"chat.example\" is no address",
        ),
    ] {
        let finished = HUBBUB.run_to_end(settings, &[]).await;
        assert_eq!(finished.code, Some(64), "{settings:?}");
        assert!(
            finished.stderr.contains(named),
            "{settings:?}: {finished:?}"
        );
        assert!(
            !finished.stderr.contains("too short"),
            "secrets are not shown"
        );
    }
}

/// Runs openssl, and returns what it wrote.
async fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl is installed");
    child.stdin.take().unwrap().write_all(input).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    output.stdout
}

/// Keys and signatures of another implementation.
#[tokio::test]
async fn jwts_of_a_public_key_in_a_file_or_in_the_setting_are_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (private, public) = (file("private.pem"), file("public.pem"));
    let bits = "rsa_keygen_bits:2048";
    openssl(
        &[
            "genpkey",
            "-algorithm",
            "RSA",
            "-pkeyopt",
            bits,
            "-out",
            &private,
        ],
        b"",
    )
    .await;
    openssl(&["pkey", "-in", &private, "-pubout", "-out", &public], b"").await;
    let inline = std::fs::read_to_string(&public).unwrap();
    let content = unsigned_jwt("RS256", &json!({ "sub": "ada", "exp": now_s() + 1000 }));
    let sign = ["dgst", "-sha256", "-sign", &private];
    let signature = URL_SAFE_NO_PAD.encode(openssl(&sign, content.as_bytes()).await);
    let token = json!(format!("{content}.{signature}"));
    for key in [&public, &inline] {
        let server = HUBBUB
            .start_with(&[REQUIRED, ("JWT_PUBLIC_KEY", key)])
            .await;
        let mut ada = with_token(&server, Transport::WebSocket, &token).await;
        assert_eq!(ada.greeted().await["user_id"], "jwt:ada");
        let (_eve, error) = refused(&server, Transport::Polling, &presenting("a.b.c")).await;
        assert_eq!(error["data"]["code"], "unauthorized");
    }
    let own = std::fs::read_to_string(&private).unwrap();
    let refused = HUBBUB.run_to_end(&[("JWT_PUBLIC_KEY", &own)], &[]).await;
    assert_eq!(refused.code, Some(64));
    assert!(
        refused.stderr.contains("it is a private key"),
        "{refused:?}"
    );
}
