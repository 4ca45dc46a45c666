//! The command line as a client of a running server, from outside: `hubbub ctl`, `hubbub token revoke`
//! and `hubbub doctor`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod ctl;
mod doctor;
mod proxies;
mod revoke;
mod tail;

use hubbub_test_client::server::Finished;
use hubbub_test_client::{Binary, TestServer};

/// The server under test.
const HUBBUB: Binary = Binary::at(env!("CARGO_BIN_EXE_hubbub"));
/// The settings of servers that know the token of [`run`].
const ADMIN: (&str, &str) = ("ADMIN_TOKEN", "the-token-of-the-admin-of-a-test-server");

fn url(server: &TestServer) -> String {
    format!("http://{}", server.address())
}

/// Runs the program as the admin of a server.
async fn run(server: &TestServer, arguments: &[&str]) -> Finished {
    let url = ("HUBBUB_URL", &*url(server));
    HUBBUB.run_to_end(&[ADMIN, url], arguments).await
}

/// Runs the program, which must succeed, and returns what it wrote.
async fn done(server: &TestServer, arguments: &[&str]) -> String {
    let finished = run(server, arguments).await;
    assert_eq!(finished.code, Some(0), "{arguments:?}: {finished:?}");
    assert_eq!(finished.stderr, "", "{arguments:?}");
    finished.stdout
}

/// Runs the program, which must fail with this exit code and an error with these words.
async fn fails(server: &TestServer, arguments: &[&str], code: i32, words: &[&str]) {
    let finished = run(server, arguments).await;
    assert_eq!(finished.code, Some(code), "{arguments:?}: {finished:?}");
    assert_eq!(finished.stdout, "", "{arguments:?}");
    for word in words {
        assert!(finished.stderr.contains(word), "{word}: {finished:?}");
    }
}
