//! From text to values: every mistake is found and told, not only the first.

use std::collections::HashSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;

use super::raw::Raw;
use super::{Config, KeySource, Listen, RedisUrl, SecretKey};
use crate::domain::{AllowedOrigins, ReservedNames, RoomName};
use crate::telemetry::{self, LogFormat};

/// Everything that is wrong with a configuration; never empty.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistakes(Vec<String>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, mistake) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            f.write_str(mistake)?;
        }
        Ok(())
    }
}

/// Longest time any setting may name: timers of days are mistakes, and those of centuries overflow.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Smallest memory budget: below, a single large message or answer would be near it.
const MEMORY_BUDGET_MIN: usize = 16 * 1024 * 1024;

/// Characters of the longest prefix of keys.
const PREFIX_MAX: usize = 64;

/// Collects mistakes; a value that has one is replaced by something harmless, because it is
/// never used.
#[derive(Default)]
struct Check {
    mistakes: Vec<String>,
}

impl Check {
    fn number<T>(&mut self, name: &str, text: &str, least: T) -> T
    where
        T: FromStr + Default + PartialOrd + fmt::Display,
    {
        match text.trim().parse::<T>() {
            Ok(number) if number >= least => number,
            Ok(_) => self.mistake(format!(
                "{name}: {text:?} is too small; give at least {least}"
            )),
            Err(_) => self.mistake(format!(
                "{name}: {text:?} is no whole number this setting can have; give one like {least}"
            )),
        }
    }

    /// `5`, or `5/s`.
    fn rate(&mut self, name: &str, text: &str) -> u32 {
        self.number(name, text.trim().trim_end_matches("/s"), 0)
    }

    /// 0, or enough for a few of the largest packets and answers.
    fn memory_budget(&mut self, text: &str) -> usize {
        match self.number("MEMORY_BUDGET", text, 0) {
            bytes @ 1..MEMORY_BUDGET_MIN => self.mistake(format!(
                "MEMORY_BUDGET: {bytes} is too small; give at least {MEMORY_BUDGET_MIN} bytes, or 0 \
                 for no limit"
            )),
            bytes => bytes,
        }
    }

    fn time(&mut self, name: &str, text: &str, least: Duration) -> Duration {
        let parsed = match text.trim() {
            "0" => Ok(Duration::ZERO),
            text => humantime::parse_duration(text),
        };
        match parsed {
            Ok(time) if time > LONGEST => {
                self.mistake(format!("{name}: {text:?} is too long; give at most 24h"))
            }
            Ok(time) if time >= least => time,
            Ok(_) => self.mistake(format!(
                "{name}: {text:?} is too short; give at least {}",
                humantime::format_duration(least)
            )),
            Err(_) => self.mistake(format!(
                "{name}: {text:?} is no time; give one like 10s or 50ms"
            )),
        }
    }

    fn rooms(&mut self, text: &str) -> Vec<RoomName> {
        let mut rooms = Vec::new();
        let mut seen = HashSet::new();
        for name in text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            match RoomName::parse(name) {
                Ok(_) if is_integer(name) => self.mistake(format!(
                    "ROOMS: {name:?} is a number, and JavaScript lists numbers before all other \
                     names, so clients would show another order; add a letter, like room-{name}"
                )),
                Ok(room) if seen.insert(room.clone()) => rooms.push(room),
                Ok(_) => self.mistake(format!(
                    "ROOMS: {name:?} is there twice; name each room once"
                )),
                Err(error) => self.mistake(format!("ROOMS: {name:?}: {error}")),
            }
        }
        if rooms.is_empty() {
            self.mistake::<()>("ROOMS: there must be at least one room, like general".to_owned());
        }
        rooms
    }

    /// An empty key is none.
    fn secret_key(&mut self, given: Option<&[u8]>) -> SecretKey {
        let given = given.filter(|key| !key.is_empty());
        SecretKey::new(given).unwrap_or_else(|| {
            self.mistake::<()>(format!(
                "SECRET_KEY: it has fewer than {} bytes and can be guessed; make one with `openssl \
                 rand -hex 32`",
                SecretKey::LEAST
            ));
            SecretKey::random()
        })
    }

    /// A folder with a page in it.
    fn web_dir(&mut self, text: Option<&str>) -> Option<PathBuf> {
        let folder = PathBuf::from(text.filter(|text| !text.is_empty())?);
        let shown = folder.display();
        if !folder.is_dir() {
            return self.mistake(format!(
                "WEB_DIR: {shown} is no folder; give one with a built web client, or leave it out \
                 for the built-in one"
            ));
        }
        if !folder.join("index.html").is_file() {
            return self.mistake(format!(
                "WEB_DIR: there is no index.html in {shown}; give the folder that a build of a web \
                 client made, like web/dist"
            ));
        }
        Some(folder)
    }

    fn networks(&mut self, text: &str) -> Vec<IpNet> {
        let given = text.split(',').map(str::trim).filter(|n| !n.is_empty());
        let network = |text: &str| {
            let address = text.parse::<IpAddr>().map(IpNet::from);
            address.or_else(|_| text.parse::<IpNet>())
        };
        let mut networks = Vec::new();
        for text in given {
            match network(text) {
                Ok(network) => networks.push(network),
                Err(_) => self.mistake(format!(
                    "TRUSTED_PROXIES: {text:?} is no address or network; give one like 10.0.0.0/8"
                )),
            }
        }
        networks
    }

    fn origins(&mut self, text: &str) -> AllowedOrigins {
        AllowedOrigins::parse(text).unwrap_or_else(|mistakes| {
            for mistake in mistakes {
                self.mistake::<()>(format!("ALLOWED_ORIGINS: {mistake}"));
            }
            AllowedOrigins::Any
        })
    }

    fn boolean(&mut self, name: &str, text: &str) -> bool {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => true,
            "false" | "0" | "no" | "off" => false,
            _ => self.mistake(format!("{name}: {text:?} is neither true nor false")),
        }
    }

    fn metrics_addr(&mut self, text: &str) -> Option<SocketAddr> {
        match text.trim() {
            "" => None,
            text => text.parse().map_or_else(
                |_| {
                    self.mistake(format!(
                        "METRICS_ADDR: {text:?} is no address with a port; give one like \
                         127.0.0.1:9090"
                    ))
                },
                Some,
            ),
        }
    }

    /// What of it is wrong otherwise, the library will say; nothing here shows the password.
    fn redis_url(&mut self, text: &str) -> Option<RedisUrl> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        if !cfg!(feature = "cluster") {
            return self.mistake(
                "REDIS_URL: this binary was built without the feature `cluster`; leave it out or \
                 build with it"
                    .to_owned(),
            );
        }
        if !text.starts_with("redis://") && !text.starts_with("rediss://") {
            return self.mistake(
                "REDIS_URL: it must begin with redis:// or, for TLS, rediss://; give one like \
                 redis://host:6379"
                    .to_owned(),
            );
        }
        Some(RedisUrl(text.to_owned()))
    }

    fn redis_prefix(&mut self, text: &str) -> String {
        let text = text.trim();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        if text.is_empty() || text.len() > PREFIX_MAX || !text.chars().all(is_plain) {
            return self.mistake(format!(
                "REDIS_PREFIX: {text:?} cannot be one; give 1 to {PREFIX_MAX} letters, digits, \
                 dashes, underscores, dots or colons"
            ));
        }
        text.to_owned()
    }

    fn mistake<T: Default>(&mut self, mistake: String) -> T {
        self.mistakes.push(mistake);
        T::default()
    }
}

/// Whether JavaScript takes the name for an index: a property that an object lists first, whatever
/// order it was given in.
fn is_integer(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_digit()) && (name == "0" || !name.starts_with('0'))
}

/// Checks everything, or tells every mistake.
pub(super) fn check(raw: Raw, secret_key: Option<&[u8]>) -> Result<Config, Mistakes> {
    let mut check = Check::default();
    let second = Duration::from_secs(1);
    let config = Config {
        listen: Listen {
            port: check.number("PORT", &raw.port, 0),
            host: match raw.host.trim() {
                "" => check.mistake("HOST: it is empty; give an address like 0.0.0.0".to_owned()),
                host => host.to_owned(),
            },
        },
        secret_key: check.secret_key(secret_key),
        rooms: check.rooms(&raw.rooms),
        history_messages: check.number("HISTORY_MESSAGES", &raw.history_messages, 0),
        history_bytes: check.number("HISTORY_BYTES", &raw.history_bytes, 0),
        message_max_chars: check.number("MESSAGE_MAX_CHARS", &raw.message_max_chars, 0),
        message_rate: check.rate("MESSAGE_RATE", &raw.message_rate),
        message_burst: check.number("MESSAGE_BURST", &raw.message_burst, 1),
        room_rate: check.rate("ROOM_RATE", &raw.room_rate),
        mailbox: check.number("MAILBOX", &raw.mailbox, 1),
        memory_budget: check.memory_budget(&raw.memory_budget),
        max_connections: check.number("MAX_CONNECTIONS", &raw.max_connections, 0),
        max_connections_per_ip: check.number(
            "MAX_CONNECTIONS_PER_IP",
            &raw.max_connections_per_ip,
            0,
        ),
        connect_rate_per_ip: check.rate("CONNECT_RATE_PER_IP", &raw.connect_rate_per_ip),
        keep_alive: check.time("KEEP_ALIVE", &raw.keep_alive, Duration::ZERO),
        trusted_proxies: check.networks(&raw.trusted_proxies),
        allowed_origins: check.origins(&raw.allowed_origins),
        unique_names: check.boolean("UNIQUE_NAMES", &raw.unique_names),
        reserved_names: ReservedNames::parse(&raw.reserved_names),
        metrics_addr: check.metrics_addr(&raw.metrics_addr),
        ping_interval: check.time("PING_INTERVAL", &raw.ping_interval, second),
        ping_timeout: check.time("PING_TIMEOUT", &raw.ping_timeout, second),
        connect_timeout: check.time("CONNECT_TIMEOUT", &raw.connect_timeout, second),
        counts_interval: check.time("COUNTS_INTERVAL", &raw.counts_interval, Duration::ZERO),
        notice_limit: check.number("NOTICE_LIMIT", &raw.notice_limit, 0),
        slow_timeout: Some(check.time("SLOW_TIMEOUT", &raw.slow_timeout, Duration::ZERO))
            .filter(|timeout| !timeout.is_zero()),
        resume_grace: check.time("RESUME_GRACE", &raw.resume_grace, Duration::ZERO),
        drain_timeout: check.time("DRAIN_TIMEOUT", &raw.drain_timeout, Duration::ZERO),
        redis_url: check.redis_url(&raw.redis_url),
        redis_prefix: check.redis_prefix(&raw.redis_prefix),
        web_dir: check.web_dir(raw.web_dir.as_deref()),
        log_format: match raw.log_format.trim() {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            other => {
                check.mistake::<()>(format!("LOG_FORMAT: {other:?} is neither text nor json"));
                LogFormat::Text
            }
        },
        log_filter: raw.log,
        healthcheck: raw.healthcheck,
    };
    if let Err(error) = telemetry::check_filter(&config.log_filter) {
        check.mistake::<()>(format!("RUST_LOG: {:?}: {error}", config.log_filter));
    }
    if config.redis_url.is_some() && config.secret_key.source() == KeySource::Random {
        check.mistake::<()>(
            "SECRET_KEY: with REDIS_URL it must be given, the same to all nodes, or they would not \
             know each other's users; make one with `openssl rand -hex 32`"
                .to_owned(),
        );
    }
    if config.history_messages == 0 && config.history_bytes == 0 {
        check.mistake::<()>(
            "HISTORY_MESSAGES and HISTORY_BYTES: only one of them can be 0, or rooms would grow \
             without bound"
                .to_owned(),
        );
    }
    if check.mistakes.is_empty() {
        Ok(config)
    } else {
        Err(Mistakes(check.mistakes))
    }
}
