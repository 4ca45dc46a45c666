//! How long a shutdown may take: less than what hosts wait for before they kill.

use futures_util::future::join_all;
use hubbub_test_client::EVENT_TIMEOUT;
use hubbub_test_client::bare::BareConnection;
use hubbub_test_client::server::raise_file_limit;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use crate::HUBBUB;

/// Milliseconds of DRAIN_TIMEOUT with these settings, and whether a platform was named.
async fn drain_timeout(settings: &[(&str, &str)], arguments: &[&str]) -> (u64, bool) {
    let server = HUBBUB.launch(settings, arguments).await;
    let log = server.log();
    let (_, ms) = log.split_once("drain_timeout_ms=").expect("it is logged");
    let digits: String = ms.chars().take_while(char::is_ascii_digit).collect();
    (digits.parse().unwrap(), log.contains("kills a process"))
}

#[tokio::test]
async fn the_default_follows_the_platform() {
    for (variable, value, ms) in [
        ("CLOUD", "none", 8000),
        ("FLY_APP_NAME", "", 8000),
        ("FLY_APP_NAME", "chat", 4000),
        ("FLY_MACHINE_ID", "148e", 4000),
        ("RAILWAY_ENVIRONMENT_NAME", "production", 2000),
        ("RAILWAY_ENVIRONMENT", "production", 2000),
    ] {
        let (found, is_named) = drain_timeout(&[(variable, value)], &[]).await;
        assert_eq!(found, ms, "{variable}={value}");
        assert_eq!(is_named, ms < 8000, "{variable}={value}");
    }
}

#[tokio::test]
async fn a_given_timeout_is_kept_on_every_platform() {
    let fly = ("FLY_APP_NAME", "chat");
    let by_variable = drain_timeout(&[fly, ("DRAIN_TIMEOUT", "8s")], &[]).await;
    assert_eq!(by_variable, (8000, false));
    let by_flag = drain_timeout(&[fly], &["--drain-timeout=30s"]).await;
    assert_eq!(by_flag, (30_000, false));
}

/// Their ends would be spread over six seconds, which is more than half of the timeout.
#[tokio::test]
async fn thousands_of_sessions_end_within_the_default_timeout() {
    const SESSIONS: usize = 3000;
    raise_file_limit().await;
    let mut server = HUBBUB.start().await;
    let mut sessions = Vec::new();
    while sessions.len() < SESSIONS {
        let opening = (0..100).map(|_| async {
            let mut session = BareConnection::open(server.address(), [127, 0, 0, 1]).await;
            session.handshake().await;
            session.send(r#"40{"token":null}"#).await;
            session.packet(r#"42["session""#).await;
            session
        });
        sessions.extend(join_all(opening).await);
    }
    server.signal("TERM").await;
    let ends = join_all(sessions.iter_mut().map(|session| async {
        let mut rest = Vec::new();
        session.stream.read_to_end(&mut rest).await.unwrap();
        String::from_utf8_lossy(&rest).contains(r#"42["shutdown""#)
    }));
    let ends = timeout(EVENT_TIMEOUT, ends).await.expect("all end");
    let announced = ends.iter().filter(|announced| **announced).count();
    assert_eq!(announced, SESSIONS);
    assert_eq!(server.exit().await.code(), Some(0));
    let log = server.log();
    assert!(!log.contains("DRAIN_TIMEOUT is over"), "{log}");
}
