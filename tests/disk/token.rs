//! `hubbub token` with the key that a server keeps with its rooms.

use hubbub_test_client::Transport;
use hubbub_test_client::chat::with_token;
use serde_json::Value;

use crate::HUBBUB;
use crate::kept::Kept;

#[tokio::test]
async fn the_key_kept_with_the_rooms_signs_tokens_also_while_a_server_runs() {
    let kept = Kept::new();
    let arguments = ["token", "--role", "admin", "--name", "Ada", "--json"];
    let arguments = [&arguments[..], &["--data-dir", kept.path()]].concat();
    let early = HUBBUB.run_to_end(&[], &arguments).await;
    assert_eq!(early.code, Some(1), "{early:?}");
    assert!(early.stderr.contains("there is no"), "{early:?}");

    let server = kept.server(&[]).await;
    let made = HUBBUB.run_to_end(&[], &arguments).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    let mut ada = with_token(&server, Transport::WebSocket, &made["token"]).await;
    let session = ada.greeted().await;
    assert_eq!(session["role"], "admin", "{}", session.raw);
    assert_eq!(session["user_id"], made["user_id"]);
}
