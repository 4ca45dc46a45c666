//! A configuration made in code and one from the command line are the same, and checked the same.

use super::*;

/// What the command line gives without flags and variables.
fn from_flags(flags: &[&str]) -> Result<Config, ConfigErrors> {
    let without_environment = Raw::command().mut_args(|arg| arg.env(None::<&'static str>));
    let matches = without_environment.get_matches_from([&["hubbub"], flags].concat());
    let raw = Raw::from_arg_matches(&matches).unwrap_or_else(|error| panic!("{error}"));
    parse::parse(raw, &Secrets::default())
}

fn settings_of(checked: Result<(), ConfigErrors>) -> Vec<&'static str> {
    let errors = checked.err();
    let settings = errors.iter().flat_map(ConfigErrors::iter);
    settings.map(|error| error.setting).collect()
}

#[test]
fn the_defaults_in_code_are_those_of_the_command_line() {
    let from_flags = from_flags(&[]).unwrap_or_else(|errors| panic!("{errors}"));
    let in_code = Config::default();
    assert_eq!(format!("{in_code:?}"), format!("{from_flags:?}"));
    assert_eq!(in_code.rooms.len(), DEFAULT_ROOMS.len());
    assert_eq!(in_code.check(), Ok(()));
}

/// Changes one setting.
type Change = fn(&mut Config);

#[test]
fn a_value_that_a_flag_may_not_have_is_refused_in_code_too() {
    let cases: [(&str, &[&str], Change); 23] = [
        ("MEMORY_BUDGET", &["--memory-budget=1"], |c| {
            c.memory_budget = 1
        }),
        ("HOST", &["--host="], |c| c.listen.host.clear()),
        ("ROOMS", &["--rooms="], |c| c.rooms.clear()),
        ("ROOMS", &["--rooms=a,a"], |c| c.rooms = rooms(&["a", "a"])),
        ("ROOMS", &["--rooms=7"], |c| c.rooms = rooms(&["7"])),
        ("MESSAGE_BURST", &["--message-burst=0"], |c| {
            c.message_burst = 0
        }),
        ("MAILBOX", &["--mailbox=0"], |c| c.mailbox = 0),
        ("KEEP_ALIVE", &["--keep-alive=25h"], |c| {
            c.keep_alive = days(2)
        }),
        ("PING_INTERVAL", &["--ping-interval=0"], |c| {
            c.ping_interval = Duration::ZERO
        }),
        ("PING_TIMEOUT", &["--ping-timeout=999ms"], |c| {
            c.ping_timeout = Duration::from_millis(999);
        }),
        ("CONNECT_TIMEOUT", &["--connect-timeout=25h"], |c| {
            c.connect_timeout = days(2)
        }),
        ("COUNTS_INTERVAL", &["--counts-interval=25h"], |c| {
            c.counts_interval = days(2)
        }),
        ("SLOW_TIMEOUT", &["--slow-timeout=25h"], |c| {
            c.slow_timeout = Some(days(2))
        }),
        ("RESUME_GRACE", &["--resume-grace=25h"], |c| {
            c.resume_grace = days(2)
        }),
        ("PARK_AFTER", &["--park-after=25h"], |c| {
            c.park_after = days(2)
        }),
        ("AWAY_GRACE", &["--away-grace=25h"], |c| {
            c.away_grace = days(2)
        }),
        ("DRAIN_TIMEOUT", &["--drain-timeout=25h"], |c| {
            c.drain_timeout = days(2)
        }),
        ("EXIT_WHEN_IDLE", &["--exit-when-idle=25h"], |c| {
            c.exit_when_idle = Some(days(2))
        }),
        ("ALLOWED_ORIGINS", &["--allowed-origins="], |c| {
            c.allowed_origins = AllowedOrigins::These(Vec::new());
        }),
        (
            "ALLOWED_ORIGINS",
            &["--allowed-origins=chat.example"],
            |c| {
                c.allowed_origins = AllowedOrigins::These(vec!["chat.example".to_owned()]);
            },
        ),
        ("REDIS_PREFIX", &["--redis-prefix=a b"], |c| {
            c.redis_prefix = "a b".to_owned()
        }),
        ("WEB_DIR", &["--web-dir=/no/such/folder"], |c| {
            c.web_dir = Some(PathBuf::from("/no/such/folder"));
        }),
        ("RUST_LOG", &["--log=a=b=c"], |c| {
            c.log_filter = "a=b=c".to_owned()
        }),
    ];
    for (setting, flags, change) in cases {
        let by_flag = settings_of(from_flags(flags).map(drop));
        assert_eq!(by_flag, [setting], "{flags:?}");
        let mut config = Config::default();
        change(&mut config);
        assert_eq!(settings_of(config.check()), [setting], "in code: {flags:?}");
    }
}

#[test]
fn settings_that_do_not_fit_together_are_refused_both_ways() {
    let both = "HISTORY_MESSAGES and HISTORY_BYTES";
    let flags = ["--history-messages=0", "--history-bytes=0"];
    assert_eq!(settings_of(from_flags(&flags).map(drop)), [both]);
    let config = Config {
        history_messages: 0,
        history_bytes: 0,
        ..Config::default()
    };
    assert_eq!(settings_of(config.check()), [both]);
}

#[cfg(feature = "cluster")]
#[test]
fn nodes_without_a_common_key_are_refused_both_ways() {
    let url = "redis://127.0.0.1:1";
    let flag = format!("--redis-url={url}");
    assert_eq!(settings_of(from_flags(&[&flag]).map(drop)), ["SECRET_KEY"]);
    let mut config = Config {
        redis_url: RedisUrl::parse(url).ok(),
        ..Config::default()
    };
    assert_eq!(settings_of(config.check()), ["SECRET_KEY"]);
    config.secret_key = SecretKey::new(*b"sixteen bytes ok").unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(config.check(), Ok(()));
    assert_eq!(RedisUrl::parse("http://x"), Err(RedisUrlError::Scheme));
}

#[test]
fn a_token_for_the_admin_has_32_bytes_that_a_header_carries_and_is_never_shown() {
    let token = "0123456789abcdef0123456789abcdef";
    let parsed = |given: &[u8]| {
        let mut secrets = Secrets::default();
        assert!(secrets.set("ADMIN_TOKEN", given));
        let raw = Raw::command().mut_args(|arg| arg.env(None::<&'static str>));
        let raw = Raw::from_arg_matches(&raw.get_matches_from(["hubbub"]));
        parse::parse(raw.unwrap_or_else(|error| panic!("{error}")), &secrets)
    };
    let config = parsed(token.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(config.identity.admin_token.as_deref(), Some(token));
    assert!(!format!("{config:?}").contains(token));
    let none = parsed(b"").unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(none.identity.admin_token, None);
    for refused in [&token.as_bytes()[1..], &[0xff; 32]] {
        assert_eq!(settings_of(parsed(refused).map(drop)), ["ADMIN_TOKEN"]);
    }
}

#[test]
fn only_code_can_ask_for_what_no_text_means() {
    let mut config = Config {
        slow_timeout: Some(Duration::ZERO),
        ..Config::default()
    };
    assert_eq!(settings_of(config.check()), ["SLOW_TIMEOUT"]);
    config.slow_timeout = None;
    config.exit_when_idle = Some(Duration::ZERO);
    assert_eq!(settings_of(config.check()), ["EXIT_WHEN_IDLE"]);
    config.exit_when_idle = None;
    for origin in ["HTTPS://Chat.example", "https://chat.example:443", "*"] {
        config.allowed_origins = AllowedOrigins::These(vec![origin.to_owned()]);
        assert_eq!(settings_of(config.check()), ["ALLOWED_ORIGINS"], "{origin}");
    }
}

#[test]
fn every_error_is_reported_and_shows_what_was_written() {
    let flags = [
        "--mailbox=0/s",
        "--message-burst= 0",
        "--keep-alive=48h",
        "--ping-timeout=x",
    ];
    let errors = from_flags(&flags).err().map(|errors| errors.to_string());
    let errors = errors.unwrap_or_default();
    for shown in [
        "MAILBOX: \"0/s\" is no whole number this setting can have; give one like 1",
        "MESSAGE_BURST: \" 0\" is too small; give at least 1",
        "KEEP_ALIVE: \"48h\" is too long; give at most 24h",
        "PING_TIMEOUT: \"x\" is no time; give one like 10s or 50ms",
    ] {
        assert!(
            errors.lines().any(|line| line == shown),
            "{shown}: {errors}"
        );
    }
}

fn rooms(names: &[&str]) -> Vec<RoomName> {
    let rooms = names.iter().filter_map(|name| RoomName::parse(name).ok());
    rooms.collect()
}

fn days(days: u64) -> Duration {
    Duration::from_secs(days * 24 * 3600)
}
