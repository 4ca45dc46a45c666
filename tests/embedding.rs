//! Hubbub as a library: `examples/embed.rs` from outside, as the binary that it builds to, and what
//! a host program relies on, in process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use hubbub::config::Config;
use hubbub::server::{Server, ServerError};
use hubbub_test_client::{EVENT_TIMEOUT, http};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The example's binary, built with exactly the features of this test, so that nothing is built
/// twice.
async fn example() -> String {
    let all_defaults = cfg!(all(
        feature = "cluster",
        feature = "jemalloc",
        feature = "web"
    ));
    let mut features = Vec::new();
    for (feature, is_on) in [
        ("cluster", cfg!(feature = "cluster")),
        ("jemalloc", cfg!(feature = "jemalloc")),
        ("shuttle", cfg!(feature = "shuttle")),
        ("web", cfg!(feature = "web")),
    ] {
        features.extend(is_on.then_some(feature));
    }
    let mut cargo = Command::new(env!("CARGO"));
    // The variables that cargo sets for this package would make build scripts run again.
    cargo.env_remove("OUT_DIR");
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&variable);
        }
    }
    let built = cargo
        .args([
            "build",
            "--locked",
            "--message-format=json",
            "--example=embed",
        ])
        .args((!all_defaults).then_some("--no-default-features"))
        .args(["--features", &features.join(",")])
        .args((!cfg!(debug_assertions)).then_some("--release"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .await
        .unwrap();
    let stderr = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{stderr}");
    let stdout = String::from_utf8(built.stdout).unwrap();
    let messages = stdout
        .lines()
        .map(serde_json::from_str::<serde_json::Value>);
    let of_example = messages
        .map(Result::unwrap)
        .find(|message| message["target"]["name"] == "embed" && message["executable"].is_string());
    let message = of_example.expect("cargo names the executable");
    message["executable"].as_str().unwrap().to_owned()
}

/// Starts the example with an environment that would be refused, were it read.
async fn embedded() -> (Child, SocketAddr) {
    let mut child = Command::new(example().await)
        .arg("127.0.0.1:0")
        .env_clear()
        .envs([
            ("ROOMS", ""),
            ("PORT", "x"),
            ("MAILBOX", "0"),
            ("SECRET_KEY", "short"),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = timeout(EVENT_TIMEOUT, lines.next_line())
        .await
        .unwrap()
        .unwrap();
    let line = line.expect("a line with the address");
    let address = line.strip_prefix("listening on http://").expect(&line);
    (child, address.parse().unwrap())
}

/// What a WebSocket says first.
async fn first_frame(url: &str) -> String {
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let frame = timeout(EVENT_TIMEOUT, socket.next())
        .await
        .unwrap()
        .unwrap();
    frame.unwrap().into_text().unwrap().to_string()
}

#[tokio::test]
async fn another_application_has_its_own_routes_and_the_chat_at_its_root_and_under_a_path() {
    let (mut child, address) = embedded().await;
    let own = http::get(address, "/hello").await.unwrap();
    assert_eq!(own.body, "hello from the application\n");
    for prefix in ["", "/chat"] {
        let livez = http::get(address, &format!("{prefix}/livez"))
            .await
            .unwrap();
        assert_eq!(
            (livez.status.as_u16(), &*livez.body),
            (200, "alive\n"),
            "{prefix}"
        );
        let readyz = http::get(address, &format!("{prefix}/readyz"))
            .await
            .unwrap();
        assert_eq!(readyz.status, 200, "{prefix}");
        let page = http::get(address, &format!("{prefix}/")).await.unwrap();
        assert_eq!(page.status, 200, "{prefix}");
        let query = "socket.io/?EIO=4&transport";
        let polling = http::get(address, &format!("{prefix}/{query}=polling"))
            .await
            .unwrap();
        assert_eq!(polling.status, 200, "{prefix}");
        assert!(
            polling.body.starts_with("0{\"sid\":"),
            "{prefix}: {}",
            polling.body
        );
        let frame = first_frame(&format!("ws://{address}{prefix}/{query}=websocket")).await;
        assert!(frame.starts_with("0{\"sid\":"), "{prefix}: {frame}");
        // The embedding program gave it no token.
        for path in ["/api/v1/rooms", "/api/v1", "/api/v1/"] {
            let path = format!("{prefix}{path}");
            let refused = http::get(address, &path).await.unwrap();
            assert_eq!(refused.status.as_u16(), 401, "{path}");
            assert!(
                refused.body.contains("\"unauthorized\""),
                "{}",
                refused.body
            );
        }
    }
    let missing = http::get(address, "/chat/no/such/file.js").await.unwrap();
    assert_eq!(missing.status, 404);
    let bare = http::get(address, "/chat").await.unwrap();
    assert_eq!(
        (bare.status.as_u16(), &bare.headers["location"]),
        (308, &"/chat/".parse().unwrap())
    );

    // Drains like the standalone server: the signal ends it well.
    let pid = child.id().unwrap().to_string();
    let sent = Command::new("kill")
        .args(["-s", "TERM", &pid])
        .status()
        .await
        .unwrap();
    assert!(sent.success());
    let status = timeout(EVENT_TIMEOUT * 2, child.wait())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn a_server_leaves_the_panic_hook_of_its_host_alone_until_it_is_asked() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&seen);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |_| {
        counts.fetch_add(1, Ordering::SeqCst);
    }));
    let server = Server::new(&Config::default()).unwrap();
    let panicked = std::thread::spawn(|| panic!("as this test wants it")).join();
    assert!(panicked.is_err());
    assert_eq!(seen.load(Ordering::SeqCst), 1, "the host's hook was called");
    server.report_panics();
    let panicked = std::thread::spawn(|| panic!("as this test wants it")).join();
    assert!(panicked.is_err());
    assert_eq!(
        seen.load(Ordering::SeqCst),
        1,
        "the server's hook was called instead"
    );
    drop(std::panic::take_hook());
    std::panic::set_hook(before);
}

#[tokio::test]
async fn a_server_refuses_a_configuration_that_the_command_line_would_refuse() {
    let config = Config {
        rooms: Vec::new(),
        mailbox: 0,
        ..Config::default()
    };
    let Err(ServerError::Config(errors)) = Server::new(&config) else {
        panic!("it was accepted");
    };
    let settings: Vec<_> = errors.iter().map(|error| error.setting).collect();
    assert_eq!(settings, ["ROOMS", "MAILBOX"]);
}
