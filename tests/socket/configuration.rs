//! Settings: all errors are reported together, before a port is bound.

use hubbub_test_client::{Client, Transport};

use super::HUBBUB;

/// Exit code for a configuration that cannot be used.
const USAGE: Option<i32> = Some(64);

#[tokio::test]
async fn every_setting_that_cannot_be_used_is_refused_by_name() {
    let wrong = [
        ("PORT", "65536"),
        ("PORT", "http"),
        ("ROOMS", ""),
        ("ROOMS", ","),
        ("ROOMS", "general,general"),
        ("ROOMS", "General"),
        ("ROOMS", "gen eral"),
        ("ROOMS", "général"),
        ("HISTORY_MESSAGES", "-1"),
        ("HISTORY_BYTES", "many"),
        ("MESSAGE_MAX_CHARS", "1e3"),
        ("MESSAGE_RATE", "fast"),
        ("MESSAGE_BURST", "-5"),
        ("MAILBOX", "0"),
        ("MEMORY_BUDGET", "128MB"),
        ("MEMORY_BUDGET", "1000000"),
        ("MAX_CONNECTIONS", "all"),
        ("KEEP_ALIVE", "long"),
        ("KEEP_ALIVE", "-1s"),
        ("KEEP_ALIVE", "48h"),
        ("PING_INTERVAL", "soon"),
        ("PING_INTERVAL", "0"),
        ("PING_TIMEOUT", "-1s"),
        ("CONNECT_TIMEOUT", "never"),
        ("COUNTS_INTERVAL", "50 parsecs"),
        ("NOTICE_LIMIT", "x"),
        ("SLOW_TIMEOUT", "x"),
        ("DRAIN_TIMEOUT", "x"),
        ("EXIT_WHEN_IDLE", "later"),
        ("LOG_FORMAT", "xml"),
        ("WEB_DIR", "/no/such/folder"),
        ("WEB_DIR", "/dev"),
    ];
    for (name, value) in wrong {
        let refused = HUBBUB.run_to_end(&[(name, value)], &[]).await;
        assert_eq!(refused.code, USAGE, "{name}={value}: {refused:?}");
        assert!(refused.stderr.contains(name), "{name}={value}: {refused:?}");
        assert_eq!(refused.stdout, "", "{name}={value}");
    }
}

#[tokio::test]
async fn all_mistakes_are_reported_at_once() {
    let wrong = [
        ("PORT", "x"),
        ("ROOMS", "a,a"),
        ("MESSAGE_RATE", "x"),
        ("PING_INTERVAL", "x"),
        ("LOG_FORMAT", "x"),
    ];
    let refused = HUBBUB.run_to_end(&wrong, &[]).await;
    assert_eq!(refused.code, USAGE, "{refused:?}");
    for (name, _) in wrong {
        assert!(
            refused.stderr.contains(name),
            "{name} is missing: {refused:?}"
        );
    }
}

#[tokio::test]
async fn flags_work_like_the_environment_and_win() {
    let wrong = HUBBUB
        .run_to_end(&[], &["--message-rate", "fast", "--rooms", ""])
        .await;
    assert_eq!(wrong.code, USAGE, "{wrong:?}");
    let unknown = HUBBUB.run_to_end(&[], &["--no-such-flag"]).await;
    assert_eq!(unknown.code, USAGE, "{unknown:?}");
    assert!(unknown.stderr.contains("--no-such-flag"), "{unknown:?}");

    let server = HUBBUB
        .launch(&[("ROOMS", "from-env")], &["--rooms", "from-flag"])
        .await;
    let mut client = Client::connect(&server, Transport::WebSocket).await;
    let list = client.expect("room_list").await;
    assert_eq!(list.raw, r#"{"from-flag":{"count":0,"name":"from-flag"}}"#);
}

#[tokio::test]
async fn a_taken_port_is_one_clear_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let refused = HUBBUB
        .run_to_end(&[("PORT", &port), ("RUST_LOG", "off")], &[])
        .await;
    assert!(
        refused.code.is_some_and(|code| code != 0 && code != 101),
        "{refused:?}"
    );
    assert_eq!(refused.stderr.trim().lines().count(), 1, "{refused:?}");
    assert!(refused.stderr.contains(&port), "{refused:?}");
    assert_eq!(refused.stdout, "");
}

/// 192.0.2.0/24 is reserved for documentation: no machine has such an address.
#[tokio::test]
async fn an_address_that_is_not_ours_is_one_clear_line() {
    for host in ["192.0.2.1", "not an address", ""] {
        let refused = HUBBUB
            .run_to_end(&[("HOST", host), ("RUST_LOG", "off")], &[])
            .await;
        assert!(
            refused.code.is_some_and(|code| code != 0 && code != 101),
            "{refused:?}"
        );
        assert!(refused.stderr.contains(host), "{refused:?}");
        assert!(!refused.stderr.contains("panicked"), "{refused:?}");
        assert_eq!(refused.stdout, "");
    }
}

#[tokio::test]
async fn a_secret_key_is_never_printed() {
    let key = "a-key-that-nobody-must-ever-see-0123456789";
    for secret in [key, &key[..16]] {
        let settings = [("SECRET_KEY", secret), ("RUST_LOG", "trace")];
        let mut server = HUBBUB.start_with(&settings).await;
        Client::joined(&server, "tech", "Ada")
            .await
            .events_until_echo("hi")
            .await;
        server.signal("TERM").await;
        server.exit().await;
        let printed = [
            server.banner().join("\n"),
            server.rest_of_stdout().await,
            server.log(),
        ];
        assert!(!printed.concat().contains(&key[..8]), "{printed:?}");

        for arguments in [["--help"], ["--version"], ["--no-such-flag"]] {
            let shown = HUBBUB.run_to_end(&settings, &arguments).await;
            let printed = [shown.stdout, shown.stderr].concat();
            assert!(!printed.contains(&key[..8]), "{arguments:?}: {printed}");
        }
    }
}

#[tokio::test]
async fn the_password_of_redis_is_never_printed() {
    let password = "geheimes-kennwort";
    let usable = format!("redis://somebody:{password}@127.0.0.1:1");
    let unusable = format!("redis://somebody:{password}@:nowhere");
    let other = format!("memcached://somebody:{password}@127.0.0.1:1");
    for url in [&usable, &unusable, &other] {
        let settings = [("REDIS_URL", url.as_str()), ("RUST_LOG", "trace")];
        for arguments in [["--help"], ["--version"], ["--no-such-flag"], ["--port=x"]] {
            let ended = HUBBUB.run_to_end(&settings, &arguments).await;
            for printed in [&ended.stdout, &ended.stderr] {
                assert!(!printed.contains(password), "{arguments:?}: {printed}");
            }
        }
    }
    let key = "0123456789abcdef0123456789abcdef";
    for url in [&unusable, &other] {
        let settings = [("REDIS_URL", url.as_str()), ("SECRET_KEY", key)];
        let refused = HUBBUB.run_to_end(&settings, &[]).await;
        assert_ne!(refused.code, Some(0));
        assert!(refused.stderr.contains("REDIS_URL"), "{}", refused.stderr);
        assert!(!refused.stderr.contains(password), "{}", refused.stderr);
    }
}

#[tokio::test]
async fn a_secret_key_of_fewer_than_16_bytes_is_refused_at_start() {
    for key in ["a", "fifteen bytes!!", "\u{e9}\u{e9}\u{e9}"] {
        let refused = HUBBUB
            .run_to_end(&[("SECRET_KEY", key), ("RUST_LOG", "off")], &[])
            .await;
        assert_eq!(refused.code, Some(64), "{refused:?}");
        let said = &refused.stderr;
        assert!(
            said.contains("SECRET_KEY") && said.contains("openssl rand"),
            "{said}"
        );
        assert!(key == "a" || !said.contains(key), "{said}");
        assert_eq!(refused.stdout, "");
    }
    // An empty one is as good as none.
    for key in [
        "sixteen bytes ok",
        "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
        "",
    ] {
        let server = HUBBUB.start_with(&[("SECRET_KEY", key)]).await;
        assert!(server.log().contains("SECRET_KEY"), "{}", server.log());
    }
}

#[tokio::test]
async fn a_room_that_javascript_would_list_in_another_place_is_refused_at_start() {
    for rooms in ["general,7", "0", "4294967295,tech", "2026"] {
        let refused = HUBBUB
            .run_to_end(&[("ROOMS", rooms), ("RUST_LOG", "off")], &[])
            .await;
        assert_eq!(refused.code, Some(64), "{rooms}: {refused:?}");
        assert!(refused.stderr.contains("ROOMS"), "{rooms}: {refused:?}");
    }
    let server = HUBBUB
        .start_with(&[("ROOMS", "room-7,007,-1,1e3,general")])
        .await;
    let mut client = Client::connect(&server, Transport::WebSocket).await;
    let listed = client.expect("room_list").await.raw;
    let places: Vec<_> = ["room-7", "007", "-1", "1e3", "general"]
        .map(|room| listed.find(&format!("\"{room}\":")))
        .into();
    assert!(places.is_sorted() && places[0].is_some(), "{listed}");
}

#[tokio::test]
async fn a_missing_or_short_secret_key_draws_a_warning() {
    for settings in [&[][..], &[("SECRET_KEY", "short, and yet not refused")]] {
        let server = HUBBUB.start_with(settings).await;
        let log = server.log();
        assert!(
            log.contains("WARN") && log.contains("SECRET_KEY"),
            "{settings:?}: {log}"
        );
    }
    let key = "0123456789abcdef0123456789abcdef";
    let server = HUBBUB.start_with(&[("SECRET_KEY", key)]).await;
    assert!(!server.log().contains("SECRET_KEY"), "{}", server.log());
}

#[tokio::test]
async fn help_names_every_setting_and_succeeds() {
    let help = HUBBUB.run_to_end(&[], &["--help"]).await;
    assert_eq!(help.code, Some(0), "{help:?}");
    for name in [
        "HOST",
        "PORT",
        "SECRET_KEY",
        "ROOMS",
        "HISTORY_MESSAGES",
        "HISTORY_BYTES",
        "MESSAGE_MAX_CHARS",
        "MESSAGE_RATE",
        "MESSAGE_BURST",
        "ROOM_RATE",
        "MAILBOX",
        "MAX_CONNECTIONS",
        "KEEP_ALIVE",
        "PING_INTERVAL",
        "PING_TIMEOUT",
        "CONNECT_TIMEOUT",
        "COUNTS_INTERVAL",
        "NOTICE_LIMIT",
        "SLOW_TIMEOUT",
        "DRAIN_TIMEOUT",
        "EXIT_WHEN_IDLE",
        "LOG_FORMAT",
        "RUST_LOG",
        "WEB_DIR",
    ] {
        assert!(
            help.stdout.contains(name),
            "{name} is missing: {}",
            help.stdout
        );
    }
}
