//! Every setting once: flag, environment variable, default, unit and check.
//!
//! A program of its own reads the command line and the environment ([`Config::from_command_line`]).
//! A program that has hubbub as a part makes its configuration in code and reads neither:
//!
//! ```
//! use hubbub::config::Config;
//! use hubbub::domain::RoomName;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config {
//!     rooms: vec![RoomName::parse("lobby")?],
//!     message_max_chars: 500,
//!     ..Config::default()
//! };
//! config.check()?;
//! # Ok(())
//! # }
//! ```
//!
//! Both are checked by the same rules, and as a whole, so that all errors are reported together.

mod away;
mod checks;
pub mod ctl;
mod doctor;
mod errors;
mod host;
mod identity;
mod keeping;
mod messages;
mod parse;
mod raw;
mod remote;
mod secrets;
mod table;
mod token;
mod tool;
mod webhooks;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches};
use ipnet::IpNet;

pub use doctor::DoctorArgs;
pub use errors::{ConfigError, ConfigErrors, RedisUrlError, SecretKeyError, SettingError};
pub use host::Host;
pub use identity::IdentityConfig;
pub use remote::{AccessArgs, ServerArgs};
pub use secrets::{KeySource, RedisUrl, SecretKey};
pub use table::{Setting, SettingSource, markdown as settings_tables};
pub use token::{RevokeArgs, TokenArgs, TokenRequest};
pub use tool::{Remote, Tool};

use self::identity::Secrets;
use self::raw::Raw;
use crate::domain::{AllowedOrigins, ReservedNames, RoomName};
use crate::telemetry::LogFormat;
use crate::webhooks::AllowedTargets;

/// The rooms if none are configured.
const DEFAULT_ROOMS: [&str; 5] = ["general", "tech", "sports", "music", "gaming"];

/// Every setting. Made by [`Default`] and changed in code, or read from the command line.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: Listen,
    /// Key for what the server signs.
    pub secret_key: SecretKey,
    /// Who may connect, and as whom.
    pub identity: IdentityConfig,
    /// The rooms: at least one, no two alike.
    pub rooms: Vec<RoomName>,
    /// Messages kept for each room; 0 = bounded by bytes alone.
    pub history_messages: usize,
    /// Bytes kept for each room; 0 = bounded by messages alone.
    pub history_bytes: usize,
    /// Graphemes in a message; 0 = bounded by bytes alone.
    pub message_max_chars: usize,
    /// Messages a second for each user; 0 = nothing is limited in its speed.
    pub message_rate: u32,
    /// Messages a second for each new user in their first minute; 0 = as everybody.
    pub newcomer_rate: u32,
    /// File with words that messages must not have; `None` = there are none.
    pub word_filter: Option<PathBuf>,
    /// Messages that each user may send in a burst; at least 1.
    pub message_burst: u32,
    /// Messages a second for each room; 0 = not limited.
    pub room_rate: u32,
    /// Requests in a mailbox; at least 1.
    pub mailbox: usize,
    /// Bytes that all connections together may hold; 0 = not limited.
    pub memory_budget: usize,
    /// Simultaneous connections; 0 = not limited.
    pub max_connections: usize,
    /// Simultaneous connections from one address; 0 = not limited.
    pub max_connections_per_ip: usize,
    /// New connections a second from one address; 0 = not limited.
    pub connect_rate_per_ip: u32,
    /// How long a connection is kept between requests; 0 = it is closed after each.
    pub keep_alive: Duration,
    /// Proxies whose forwarded client addresses are trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Whose pages may connect.
    pub allowed_origins: AllowedOrigins,
    /// Whether a room refuses a name that is confusable with a member's.
    pub unique_names: bool,
    /// Names that no user may have.
    pub reserved_names: ReservedNames,
    /// Where metrics are served; `None` = nowhere.
    pub metrics_addr: Option<SocketAddr>,
    /// Time between heartbeats.
    pub ping_interval: Duration,
    /// Time to answer one.
    pub ping_timeout: Duration,
    /// Time until the Socket.IO CONNECT.
    pub connect_timeout: Duration,
    /// Shortest time between two updates of counts or typing.
    pub counts_interval: Duration,
    /// Members above which notices stop; 0 = never.
    pub notice_limit: u64,
    /// When a slow reader is closed; `None` = never.
    pub slow_timeout: Option<Duration>,
    /// How long a disconnected user stays a member.
    pub resume_grace: Duration,
    /// How long a page is hidden before it closes its connection; 0 = it never does.
    pub park_after: Duration,
    /// How old a message may be that its sender edits; zero = none may be edited.
    pub edit_window: Duration,
    /// How long a user who is away stays a member.
    pub away_grace: Duration,
    /// Longest drain.
    pub drain_timeout: Duration,
    /// The hosting platform that `drain_timeout` was adapted to, if any.
    pub host: Option<Host>,
    /// Exit after this long without connections; `None` = never.
    pub exit_when_idle: Option<Duration>,
    /// Folder in which this process keeps its rooms; `None` = nowhere.
    pub data_dir: Option<PathBuf>,
    /// How long messages are kept there; `None` = for ever.
    pub retention: Option<Duration>,
    /// Bytes of text of each room kept there; 0 = not limited.
    pub retention_bytes: u64,
    /// How long the audit log is kept; `None` = for ever.
    pub audit_retention: Option<Duration>,
    /// Where several nodes keep what they share; `None` = this node shares nothing.
    pub redis_url: Option<RedisUrl>,
    /// What all keys there begin with.
    pub redis_prefix: String,
    /// What webhooks may reach besides public addresses.
    pub webhook_allow: AllowedTargets,
    /// How long one delivery is tried before its webhook is paused.
    pub webhook_retry_for: Duration,
    /// Folder of the web client; `None` = the built-in one.
    pub web_dir: Option<PathBuf>,
    /// How log lines look.
    pub log_format: LogFormat,
    /// What is logged.
    pub log_filter: String,
    /// Ask a running server instead of being one.
    pub healthcheck: bool,
    /// Work on what is in `data_dir` instead of serving it.
    pub tool: Option<Tool>,
    /// What was read from the command line and the environment, to be shown to admins; nothing acts on
    /// it. Empty if the configuration was made in code.
    pub settings: Vec<Setting>,
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// A host name or an address.
    pub host: String,
    /// A port; 0 = a free one.
    pub port: u16,
}

impl Default for Config {
    /// What the command line has without flags and variables. Nothing is read from the environment.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            listen: Listen {
                host: "0.0.0.0".to_owned(),
                port: 5000,
            },
            secret_key: SecretKey::random(),
            identity: IdentityConfig::default(),
            rooms: DEFAULT_ROOMS
                .iter()
                .filter_map(|name| RoomName::parse(name).ok())
                .collect(),
            history_messages: 1000,
            history_bytes: 8 * 1024 * 1024,
            message_max_chars: 2000,
            message_rate: 5,
            newcomer_rate: 1,
            word_filter: None,
            message_burst: 50,
            room_rate: 200,
            mailbox: 1024,
            memory_budget: 128 * 1024 * 1024,
            max_connections: 20_000,
            max_connections_per_ip: 0,
            connect_rate_per_ip: 0,
            keep_alive: seconds(75),
            trusted_proxies: Vec::new(),
            allowed_origins: AllowedOrigins::Any,
            unique_names: false,
            reserved_names: ReservedNames::parse(
                "admin,administrator,moderator,hubbub,server,system",
            ),
            metrics_addr: None,
            ping_interval: seconds(25),
            ping_timeout: seconds(20),
            connect_timeout: seconds(10),
            counts_interval: Duration::from_millis(50),
            notice_limit: 200,
            slow_timeout: Some(seconds(10)),
            resume_grace: seconds(10),
            park_after: Duration::ZERO,
            edit_window: seconds(24 * 60 * 60),
            away_grace: seconds(15 * 60),
            drain_timeout: seconds(8),
            host: None,
            exit_when_idle: None,
            data_dir: None,
            retention: None,
            retention_bytes: 0,
            audit_retention: Some(seconds(90 * 24 * 3600)),
            redis_url: None,
            redis_prefix: "hubbub".to_owned(),
            webhook_allow: AllowedTargets::default(),
            webhook_retry_for: seconds(24 * 60 * 60),
            web_dir: None,
            log_format: LogFormat::Text,
            log_filter: "info".to_owned(),
            healthcheck: false,
            tool: None,
            settings: Vec::new(),
        }
    }
}

impl Config {
    /// Reads the command line and the environment.
    ///
    /// # Errors
    /// [`ConfigError`]; nothing has happened yet then.
    pub fn from_command_line() -> Result<Self, ConfigError> {
        Self::from_args(std::env::args_os(), &Secrets::from_environment())
    }

    /// Reads settings by the names of their environment variables, as Shuttle's secrets give
    /// them; what is missing there is read from the environment. Unknown names are ignored: they
    /// are for other programs.
    ///
    /// # Errors
    /// [`ConfigError::Settings`].
    pub fn from_pairs<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ConfigError> {
        let mut secrets = Secrets::from_environment();
        let mut args = vec!["hubbub".to_owned()];
        for (name, value) in pairs {
            if secrets.set(name, value.as_bytes()) {
                continue;
            }
            if let Some(flag) = table::flag_of(name) {
                args.push(format!("--{flag}={value}"));
            }
        }
        Self::from_args(args.into_iter().map(Into::into), &secrets)
    }

    /// Checks a configuration made in code, as the command line's is checked.
    /// [`Server::new`](crate::server::Server::new) does so too.
    ///
    /// # Errors
    /// Every setting that cannot be used.
    pub fn check(&self) -> Result<(), ConfigErrors> {
        ConfigErrors::check(checks::errors(self, &checks::Given::new()))
    }

    fn from_args(
        args: impl Iterator<Item = std::ffi::OsString>,
        secrets: &Secrets,
    ) -> Result<Self, ConfigError> {
        let usage = |error| ConfigError::Usage(Box::new(error));
        let command = remote::arrange(Raw::command());
        let matches = command.try_get_matches_from(args).map_err(usage)?;
        let raw = Raw::from_arg_matches(&matches).map_err(usage)?;
        let mut config = parse::parse(raw, secrets)?;
        config.settings = table::in_force(&matches, secrets);
        let is_given = matches.value_source("drain_timeout") != Some(ValueSource::DefaultValue);
        if let Some(host) = Host::from_environment().filter(|_| !is_given) {
            config.drain_timeout = host.drain_timeout;
            let named = |setting: &&mut Setting| setting.name == "DRAIN_TIMEOUT";
            if let Some(setting) = config.settings.iter_mut().find(named) {
                setting.value = humantime::format_duration(host.drain_timeout).to_string();
                setting.source = SettingSource::Host;
            }
            config.host = Some(host);
        }
        Ok(config)
    }
}

#[cfg(test)]
#[path = "config/tests.rs"]
mod tests;
