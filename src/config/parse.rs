//! From text to values. Text that is no value is replaced by the default, so that everything else
//! can still be checked; the configuration is not used then.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;

use super::checks::{self, Given, least};
use super::identity::{self, Secrets};
use super::raw::Raw;
use super::webhooks;
use super::{Config, ConfigErrors, Listen, RedisUrl, SecretKey, SettingError};
use crate::domain::{AllowedOrigins, ReservedNames, RoomName};
use crate::telemetry::LogFormat;
use crate::webhooks::AllowedTargets;

/// The settings that a client of a running server uses: to find it, and as its token.
const OF_CLIENTS: [&str; 3] = ["HOST", "PORT", "ADMIN_TOKEN"];

/// Reads everything and checks it, or returns every error.
pub(super) fn parse(raw: Raw, secrets: &Secrets) -> Result<Config, ConfigErrors> {
    let mut reader = Reader::default();
    let config = reader.config(raw, secrets);
    let Reader { mut errors, given } = reader;
    errors.extend(checks::errors(&config, &given));
    if config
        .tool
        .as_ref()
        .is_some_and(|tool| tool.remote().is_some())
    {
        // A client of a server may have that server's settings in its environment, and uses these.
        errors.retain(|error| OF_CLIENTS.contains(&error.setting));
    }
    ConfigErrors::check(errors).map(|()| config)
}

#[derive(Default)]
struct Reader {
    errors: Vec<SettingError>,
    given: Given,
}

impl Reader {
    fn config(&mut self, raw: Raw, secrets: &Secrets) -> Config {
        let default = Config::default();
        Config {
            listen: Listen {
                port: self.number("PORT", &raw.port, default.listen.port),
                host: raw.host.trim().to_owned(),
            },
            secret_key: self.secret_key(secrets.secret_key.as_deref(), default.secret_key),
            identity: identity::parse(&raw.identity, secrets, &mut self.errors),
            rooms: self.rooms(&raw.rooms),
            history_messages: self.number(
                "HISTORY_MESSAGES",
                &raw.history_messages,
                default.history_messages,
            ),
            history_bytes: self.number("HISTORY_BYTES", &raw.history_bytes, default.history_bytes),
            message_max_chars: self.number(
                "MESSAGE_MAX_CHARS",
                &raw.messages.message_max_chars,
                default.message_max_chars,
            ),
            message_rate: self.rate("MESSAGE_RATE", &raw.message_rate, default.message_rate),
            newcomer_rate: self.rate(
                "NEWCOMER_RATE",
                &raw.messages.newcomer_rate,
                default.newcomer_rate,
            ),
            word_filter: Some(raw.messages.word_filter.trim())
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            message_burst: self.number("MESSAGE_BURST", &raw.message_burst, default.message_burst),
            room_rate: self.rate("ROOM_RATE", &raw.room_rate, default.room_rate),
            mailbox: self.number("MAILBOX", &raw.mailbox, default.mailbox),
            memory_budget: self.number("MEMORY_BUDGET", &raw.memory_budget, default.memory_budget),
            max_connections: self.number(
                "MAX_CONNECTIONS",
                &raw.max_connections,
                default.max_connections,
            ),
            max_connections_per_ip: self.number(
                "MAX_CONNECTIONS_PER_IP",
                &raw.max_connections_per_ip,
                default.max_connections_per_ip,
            ),
            connect_rate_per_ip: self.rate(
                "CONNECT_RATE_PER_IP",
                &raw.connect_rate_per_ip,
                default.connect_rate_per_ip,
            ),
            keep_alive: self.time("KEEP_ALIVE", &raw.keep_alive, default.keep_alive),
            trusted_proxies: self.networks(&raw.trusted_proxies),
            allowed_origins: self.origins(&raw.allowed_origins, default.allowed_origins),
            unique_names: self.boolean("UNIQUE_NAMES", &raw.unique_names, default.unique_names),
            reserved_names: ReservedNames::parse(&raw.reserved_names),
            metrics_addr: self.metrics_addr(&raw.metrics_addr),
            ping_interval: self.time("PING_INTERVAL", &raw.ping_interval, default.ping_interval),
            ping_timeout: self.time("PING_TIMEOUT", &raw.ping_timeout, default.ping_timeout),
            connect_timeout: self.time(
                "CONNECT_TIMEOUT",
                &raw.connect_timeout,
                default.connect_timeout,
            ),
            counts_interval: self.time(
                "COUNTS_INTERVAL",
                &raw.counts_interval,
                default.counts_interval,
            ),
            edit_window: self.time(
                "EDIT_WINDOW",
                &raw.messages.edit_window,
                default.edit_window,
            ),
            notice_limit: self.number("NOTICE_LIMIT", &raw.notice_limit, default.notice_limit),
            slow_timeout: Some(self.time("SLOW_TIMEOUT", &raw.slow_timeout, Duration::ZERO))
                .filter(|timeout| !timeout.is_zero()),
            resume_grace: self.time("RESUME_GRACE", &raw.away.resume_grace, default.resume_grace),
            park_after: self.time("PARK_AFTER", &raw.away.park_after, default.park_after),
            away_grace: self.time("AWAY_GRACE", &raw.away.away_grace, default.away_grace),
            drain_timeout: self.time("DRAIN_TIMEOUT", &raw.drain_timeout, default.drain_timeout),
            host: None,
            exit_when_idle: self.optional_time("EXIT_WHEN_IDLE", &raw.exit_when_idle),
            data_dir: Some(raw.data_dir.trim())
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            retention: self.optional_time("RETENTION", &raw.keeping.retention),
            audit_retention: self.optional_time("AUDIT_RETENTION", &raw.keeping.audit_retention),
            retention_bytes: self.number(
                "RETENTION_BYTES",
                &raw.keeping.retention_bytes,
                default.retention_bytes,
            ),
            redis_url: self.redis_url(&raw.redis_url),
            redis_prefix: raw.redis_prefix.trim().to_owned(),
            webhook_allow: self.webhook_allow(&raw.webhooks.webhook_allow),
            webhook_retry_for: self.time(
                "WEBHOOK_RETRY_FOR",
                &raw.webhooks.webhook_retry_for,
                default.webhook_retry_for,
            ),
            web_dir: raw
                .web_dir
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            log_format: self.log_format(&raw.log_format, default.log_format),
            log_filter: raw.log,
            healthcheck: raw.healthcheck,
            tool: raw.tool,
            settings: Vec::new(),
        }
    }

    fn number<T: FromStr>(&mut self, name: &'static str, text: &str, default: T) -> T {
        self.given.insert(name, text.to_owned());
        text.trim().parse().unwrap_or_else(|_| {
            let least = least(name);
            let problem =
                format!("{text:?} is no whole number this setting can have; give one like {least}");
            self.error(name, problem, default)
        })
    }

    /// `5`, or `5/s`.
    fn rate(&mut self, name: &'static str, text: &str, default: u32) -> u32 {
        self.number(name, text.trim().trim_end_matches("/s"), default)
    }

    fn time(&mut self, name: &'static str, text: &str, default: Duration) -> Duration {
        self.given.insert(name, text.to_owned());
        let parsed = match text.trim() {
            "0" => Ok(Duration::ZERO),
            text => humantime::parse_duration(text),
        };
        parsed.unwrap_or_else(|_| {
            let problem = format!("{text:?} is no time; give one like 10s or 50ms");
            self.error(name, problem, default)
        })
    }

    /// A time; empty or 0 for none.
    fn optional_time(&mut self, name: &'static str, text: &str) -> Option<Duration> {
        let text = Some(text.trim()).filter(|text| !text.is_empty())?;
        Some(self.time(name, text, Duration::ZERO)).filter(|time| !time.is_zero())
    }

    fn rooms(&mut self, text: &str) -> Vec<RoomName> {
        let mut rooms = Vec::new();
        for name in listed(text) {
            match RoomName::parse(name) {
                Ok(room) => rooms.push(room),
                Err(error) => self.error("ROOMS", format!("{name:?}: {error}"), ()),
            }
        }
        rooms
    }

    /// An empty key counts as none.
    fn secret_key(&mut self, given: Option<&[u8]>, default: SecretKey) -> SecretKey {
        match given.filter(|key| !key.is_empty()).map(SecretKey::new) {
            None => default,
            Some(Ok(key)) => key,
            Some(Err(error)) => self.error("SECRET_KEY", error, default),
        }
    }

    fn networks(&mut self, text: &str) -> Vec<IpNet> {
        let network = |text: &str| {
            let address = text.parse::<IpAddr>().map(IpNet::from);
            address.or_else(|_| text.parse::<IpNet>())
        };
        let mut networks = Vec::new();
        for text in listed(text) {
            match network(text) {
                Ok(network) => networks.push(network),
                Err(_) => {
                    let problem =
                        format!("{text:?} is no address or network; give one like 10.0.0.0/8");
                    self.error("TRUSTED_PROXIES", problem, ());
                }
            }
        }
        networks
    }

    fn webhook_allow(&mut self, text: &str) -> AllowedTargets {
        webhooks::allowed(listed(text), |item| {
            let problem = format!(
                "{item:?} is no address, network or name of a host; give one like 10.1.0.0/16 or \
                 ci.internal"
            );
            self.error("WEBHOOK_ALLOW", problem, ());
        })
    }

    fn origins(&mut self, text: &str, default: AllowedOrigins) -> AllowedOrigins {
        AllowedOrigins::parse(text).unwrap_or_else(|errors| {
            for error in errors.iter() {
                self.error("ALLOWED_ORIGINS", error, ());
            }
            default
        })
    }

    fn boolean(&mut self, name: &'static str, text: &str, default: bool) -> bool {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => true,
            "false" | "0" | "no" | "off" => false,
            _ => self.error(name, format!("{text:?} is neither true nor false"), default),
        }
    }

    fn metrics_addr(&mut self, text: &str) -> Option<SocketAddr> {
        let text = Some(text.trim()).filter(|text| !text.is_empty())?;
        text.parse().map(Some).unwrap_or_else(|_| {
            let problem =
                format!("{text:?} is no address with a port; give one like 127.0.0.1:9090");
            self.error("METRICS_ADDR", problem, None)
        })
    }

    fn redis_url(&mut self, text: &str) -> Option<RedisUrl> {
        let text = Some(text.trim()).filter(|text| !text.is_empty())?;
        match RedisUrl::parse(text) {
            Ok(url) => Some(url),
            Err(error) => self.error("REDIS_URL", error, None),
        }
    }

    fn log_format(&mut self, text: &str, default: LogFormat) -> LogFormat {
        match text.trim() {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            other => {
                let problem = format!("{other:?} is neither text nor json");
                self.error("LOG_FORMAT", problem, default)
            }
        }
    }

    fn error<T>(&mut self, setting: &'static str, problem: impl fmt::Display, default: T) -> T {
        let problem = problem.to_string();
        self.errors.push(SettingError { setting, problem });
        default
    }
}

/// The items of a list that is separated by commas.
fn listed(text: &str) -> impl Iterator<Item = &str> {
    let items = text.split(',').map(str::trim);
    items.filter(|item| !item.is_empty())
}
