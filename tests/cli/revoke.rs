//! `hubbub token revoke`: tokens are revoked one by one, by user, or all those from before a time.

use hubbub_test_client::TestServer;
use hubbub_test_client::tokens::{KEY, made};
use serde_json::Value;

use super::{ADMIN, HUBBUB, done, fails, run, url};

async fn token(user: &str) -> Value {
    made(
        HUBBUB,
        &["--role", "moderator", "--name", "Mo", "--user", user],
    )
    .await
}

/// Whether the server accepts a token, which is in a file.
async fn is_accepted(server: &TestServer, token: &Value) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{}\n", token["token"].as_str().unwrap())).unwrap();
    let arguments = ["ctl", "whoami", "--token-file", file.to_str().unwrap()];
    let finished = run(server, &arguments).await;
    assert!(
        finished.code == Some(0) || finished.stderr.contains("revoked"),
        "{finished:?}"
    );
    finished.code == Some(0)
}

#[tokio::test]
async fn tokens_are_revoked_one_by_one_by_user_and_by_time() {
    let server = HUBBUB.start_with(&[KEY, ADMIN]).await;
    let (one, two, three) = (token("mo").await, token("mo").await, token("jo").await);
    assert!(is_accepted(&server, &one).await);

    let id = one["token_id"].as_str().unwrap();
    let text = done(&server, &["token", "revoke", "--id", id]).await;
    assert_eq!(text, format!("revoked: token {id}\n"));
    assert!(!is_accepted(&server, &one).await);
    assert!(is_accepted(&server, &two).await);

    done(&server, &["token", "revoke", "--user", "mo"]).await;
    assert!(!is_accepted(&server, &two).await);
    assert!(is_accepted(&server, &three).await);

    let text = done(&server, &["token", "revoke", "--before", "2020-01-01"]).await;
    assert!(text.contains("before 2020-01-01T00:00:00.000Z"), "{text}");
    assert!(is_accepted(&server, &three).await);
    let text = done(
        &server,
        &[
            "token",
            "revoke",
            "--before",
            "2199-01-01T00:00:00Z",
            "--json",
        ],
    )
    .await;
    assert_eq!(text, "{\"ok\":true}\n");
    assert!(!is_accepted(&server, &three).await);

    let audit = done(&server, &["ctl", "audit", "--json"]).await;
    assert_eq!(audit.matches(r#""action":"revoke""#).count(), 4, "{audit}");
}

#[tokio::test]
async fn only_admins_revoke_and_exactly_one_of_the_three() {
    let server = HUBBUB.start_with(&[KEY, ADMIN]).await;
    for wrong in [
        &["token", "revoke"][..],
        &["token", "revoke", "--id", "a", "--user", "b"],
        &["token", "revoke", "--before", "yesterday"],
        &["token", "revoke", "--id", "a", "--role", "admin"],
        &["token", "--role", "admin", "revoke", "--id", "a"],
        &["token"],
    ] {
        fails(&server, wrong, 64, &[]).await;
    }
    let moderator = token("mo").await;
    let address = url(&server);
    let settings = [
        ("HUBBUB_URL", &*address),
        ("HUBBUB_TOKEN", moderator["token"].as_str().unwrap()),
    ];
    let refused = HUBBUB
        .run_to_end(&settings, &["token", "revoke", "--id", "a"])
        .await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("role admin"), "{refused:?}");
}
