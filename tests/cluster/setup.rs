//! How a node reaches its Redis: passwords, users, TLS, and the errors if that is wrong.

use std::path::Path;
use std::process::Stdio;

use hubbub_test_client::redis::{Keeps, PASSWORD, PASSWORD_IN_URL, Redis};
use hubbub_test_client::{Client, EVENT_TIMEOUT, TestServer, Transport};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use super::nodes::{KEY, is_ready, launched, node, nodes, said, until};
use crate::HUBBUB;

/// Exit code for a configuration that cannot be used.
const USAGE: i32 = 64;
/// Exit code for something else that cannot be.
const FAILURE: i32 = 1;

/// Two nodes with such a URL form one service.
async fn check_together(url: &str, settings: &[(&str, &str)]) {
    let [one, two] = nodes(url, settings).await;
    let mut ada = Client::joined(&one, "tech", "Ada").await;
    let mut bob = Client::joined(&two, "tech", "Bob").await;
    said(&mut ada, "hello").await;
    bob.events_until_message("hello").await;
    for node in [&one, &two] {
        assert_keeps_secret(&node.log());
    }
}

/// The password is not in what a node says, in whatever form.
fn assert_keeps_secret(said: &str) {
    for secret in [PASSWORD, PASSWORD_IN_URL] {
        assert!(!said.contains(secret), "a password is shown:\n{said}");
    }
}

#[tokio::test]
async fn a_redis_with_a_password() {
    let Some(redis) = Redis::with_password().await else {
        return;
    };
    let url = format!("redis://:{PASSWORD_IN_URL}@{}", redis.address());
    check_together(&url, &[]).await;
}

/// The user may do no more than `docs/scaling.md` says that a node needs.
#[tokio::test]
async fn a_user_with_few_rights() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let password = format!(">{PASSWORD}");
    let rights = "~chat:* +@read +@write +@scripting +@connection +time";
    let user = ["ACL", "SETUSER", "node", "on", &password];
    let user: Vec<_> = user.into_iter().chain(rights.split(' ')).collect();
    redis.ask(&user).await;
    redis.ask(&["ACL", "SETUSER", "default", "off"]).await;
    let url = format!("redis://node:{PASSWORD_IN_URL}@{}", redis.address());
    check_together(&url, &[("REDIS_PREFIX", "chat")]).await;
}

#[tokio::test]
async fn one_redis_has_several_databases() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let zero = node(&redis.url(), &[]).await;
    let mut ada = Client::joined(&zero, "tech", "Ada").await;
    check_together(&format!("{}/1", redis.url()), &[]).await;
    let users = ada.ask("list_users", &json!({})).await;
    assert_eq!(users["total"], 1, "{users}");
}

/// Makes a certificate for 127.0.0.1 that only those believe who are given it.
async fn certificate(folder: &Path) {
    let options = "req -x509 -newkey rsa:2048 -noenc -days 2 -subj /CN=localhost \
                   -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
                   -keyout key.pem -out cert.pem";
    let made = Command::new("openssl")
        .args(options.split_whitespace())
        .current_dir(folder)
        .stderr(Stdio::null())
        .status()
        .await;
    assert!(made.is_ok_and(|made| made.success()), "openssl is needed");
}

/// A Redis that speaks TLS only, with its certificate; none where it cannot.
async fn encrypted() -> Option<(Redis, TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path()).await;
    let path = |file: &str| folder.path().join(file).to_str().unwrap().to_owned();
    let redis = Redis::encrypted(&path("cert.pem"), &path("key.pem")).await?;
    Some((redis, folder))
}

#[tokio::test]
async fn a_redis_that_speaks_tls() {
    let Some((redis, folder)) = encrypted().await else {
        return;
    };
    let authority = folder.path().join("cert.pem");
    let authority = [("SSL_CERT_FILE", authority.to_str().unwrap())];
    check_together(&redis.url(), &authority).await;
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_not_believed() {
    let Some((redis, _folder)) = encrypted().await else {
        return;
    };
    let node = launched(&redis.url(), &[]).await;
    until(EVENT_TIMEOUT, "the certificate is refused", async || {
        node.log().to_lowercase().contains("certificate")
    })
    .await;
    assert!(!is_ready(&node).await);
}

/// Ends with one of these codes, says so in one line that names the setting, and keeps the
/// password.
async fn check_refused(settings: &[(&str, &str)], codes: &[i32], named: &str) {
    let refused = HUBBUB.run_to_end(settings, &[]).await;
    assert!(codes.contains(&refused.code.unwrap()), "{refused:?}");
    let naming = refused.stderr.lines().filter(|line| line.contains(named));
    assert_eq!(naming.count(), 1, "{refused:?}");
    assert_keeps_secret(&refused.stderr);
    assert_keeps_secret(&refused.stdout);
}

#[tokio::test]
async fn a_wrong_password_is_said_at_the_start_without_showing_it() {
    let Some(redis) = Redis::with_password().await else {
        return;
    };
    let wrong = format!("redis://:{PASSWORD_IN_URL}-wrong@{}", redis.address());
    let unknown = format!("redis://eve:{PASSWORD_IN_URL}@{}", redis.address());
    for url in [wrong, unknown, redis.url()] {
        let settings = [("SECRET_KEY", KEY), ("REDIS_URL", url.as_str())];
        check_refused(&settings, &[FAILURE], "REDIS_URL").await;
    }
}

#[tokio::test]
async fn nodes_without_a_common_key_are_refused() {
    let settings = [("REDIS_URL", "redis://127.0.0.1:1")];
    check_refused(&settings, &[USAGE], "SECRET_KEY").await;
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_without_showing_its_password() {
    for url in [
        "127.0.0.1:6379".to_owned(),
        format!("http://:{PASSWORD_IN_URL}@127.0.0.1:6379"),
        format!("redis://:{PASSWORD_IN_URL}@"),
        format!("redis://:{PASSWORD_IN_URL}@127.0.0.1:port"),
    ] {
        let settings = [("SECRET_KEY", KEY), ("REDIS_URL", url.as_str())];
        check_refused(&settings, &[USAGE, FAILURE], "REDIS_URL").await;
    }
}

#[tokio::test]
async fn without_an_address_a_node_stands_alone() {
    let settings = [("SECRET_KEY", KEY), ("REDIS_URL", "")];
    let alone: TestServer = HUBBUB.start_with(&settings).await;
    let mut ada = Client::connect(&alone, Transport::WebSocket).await;
    ada.join("tech", "Ada").await;
    said(&mut ada, "hello").await;
}
