//! Every setting once: flag, environment variable, default, unit and check.
//!
//! Values are read as text first and checked together, so that a wrong configuration is reported
//! whole, before a port is bound.

mod checks;
mod raw;
mod table;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches};
use ipnet::IpNet;

pub use checks::Mistakes;
pub use table::markdown as settings_tables;

use self::raw::Raw;
use crate::domain::{AllowedOrigins, ReservedNames, RoomName};
use crate::telemetry::LogFormat;

/// A valid configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: Listen,
    /// Key for what the server signs.
    pub secret_key: SecretKey,
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
    /// Messages at once for each user; at least 1.
    pub message_burst: u32,
    /// Messages a second for each room; 0 = not limited.
    pub room_rate: u32,
    /// Requests in a mailbox; at least 1.
    pub mailbox: usize,
    /// Bytes that all connections together may hold; 0 = not limited.
    pub memory_budget: usize,
    /// Connections at once; 0 = not limited.
    pub max_connections: usize,
    /// Connections at once from one address; 0 = not limited.
    pub max_connections_per_ip: usize,
    /// New connections a second from one address; 0 = not limited.
    pub connect_rate_per_ip: u32,
    /// How long a connection is kept between requests; 0 = it is closed after each.
    pub keep_alive: Duration,
    /// Proxies that are believed about whom they speak for.
    pub trusted_proxies: Vec<IpNet>,
    /// Whose pages may connect.
    pub allowed_origins: AllowedOrigins,
    /// Names that look alike may not be in one room at once.
    pub unique_names: bool,
    /// Names that nobody may go by.
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
    /// How long the place of somebody whose connection is lost is kept.
    pub resume_grace: Duration,
    /// Longest drain.
    pub drain_timeout: Duration,
    /// Where several nodes keep what they share; `None` = this node shares nothing.
    pub redis_url: Option<RedisUrl>,
    /// What all keys there begin with.
    pub redis_prefix: String,
    /// Folder of the web client; `None` = the built-in one.
    pub web_dir: Option<PathBuf>,
    /// How log lines look.
    pub log_format: LogFormat,
    /// What is logged.
    pub log_filter: String,
    /// Ask a running server instead of being one.
    pub healthcheck: bool,
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// A host name or an address.
    pub host: String,
    /// A port; 0 = a free one.
    pub port: u16,
}

/// The key for what the server signs. Never printed.
#[derive(Clone)]
pub struct SecretKey {
    bytes: Vec<u8>,
    source: KeySource,
}

/// Where a [`SecretKey`] came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySource {
    /// The operator gave it.
    Given,
    /// The operator gave it, and it is shorter than 32 bytes.
    GivenShort,
    /// It was made up: what it signs is worth nothing after a restart.
    Random,
}

impl SecretKey {
    /// Bytes below which a given key draws a warning: HMAC-SHA256 keys should not be shorter than
    /// the hash (RFC 2104, section 3).
    const SHORT: usize = 32;
    /// Bytes below which a given key is refused: one token is enough to try every shorter key.
    const LEAST: usize = 16;

    /// The given key, or a random one; `None` where the given one is too short to protect anything.
    fn new(given: Option<&[u8]>) -> Option<Self> {
        let (bytes, source) = match given {
            Some(key) if key.len() < Self::LEAST => return None,
            Some(key) if key.len() < Self::SHORT => (key.to_vec(), KeySource::GivenShort),
            Some(key) => (key.to_vec(), KeySource::Given),
            None => return Some(Self::random()),
        };
        Some(Self { bytes, source })
    }

    /// A key that nobody has given.
    fn random() -> Self {
        Self {
            bytes: crate::random::bytes::<32>().to_vec(),
            source: KeySource::Random,
        }
    }

    /// The key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where it came from.
    #[must_use]
    pub const fn source(&self) -> KeySource {
        self.source
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretKey")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// The address of Redis, which may have a password in it. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisUrl").finish_non_exhaustive()
    }
}

/// Why there is no configuration.
#[derive(Debug)]
pub enum ConfigError {
    /// The command line is not one of ours, or asks for help or the version. Boxed: it is large.
    Usage(Box<clap::Error>),
    /// Values that cannot be used, all of them.
    Mistakes(Mistakes),
}

impl Config {
    /// Reads the command line and the environment.
    ///
    /// # Errors
    /// [`ConfigError`]; nothing has happened yet then.
    pub fn from_command_line() -> Result<Self, ConfigError> {
        Self::from_args(
            std::env::args_os(),
            secret_key_from_environment().as_deref(),
        )
    }

    /// Reads settings by the names of their environment variables, as Shuttle's secrets give
    /// them; what is missing there is read from the environment. Unknown names are ignored: they
    /// are for somebody else.
    ///
    /// # Errors
    /// [`ConfigError::Mistakes`].
    pub fn from_pairs<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ConfigError> {
        let mut secret_key = secret_key_from_environment();
        let mut args = vec!["hubbub".to_owned()];
        for (name, value) in pairs {
            if name == "SECRET_KEY" {
                secret_key = Some(value.as_bytes().to_vec());
            } else if let Some(flag) = table::flag_of(name) {
                args.push(format!("--{flag}={value}"));
            }
        }
        Self::from_args(args.into_iter().map(Into::into), secret_key.as_deref())
    }

    fn from_args(
        args: impl Iterator<Item = std::ffi::OsString>,
        secret_key: Option<&[u8]>,
    ) -> Result<Self, ConfigError> {
        let usage = |error| ConfigError::Usage(Box::new(error));
        let matches = Raw::command().try_get_matches_from(args).map_err(usage)?;
        let raw = Raw::from_arg_matches(&matches).map_err(usage)?;
        checks::check(raw, secret_key).map_err(ConfigError::Mistakes)
    }
}

/// A key may be any bytes, also such as are no text.
fn secret_key_from_environment() -> Option<Vec<u8>> {
    std::env::var_os("SECRET_KEY").map(std::ffi::OsString::into_encoded_bytes)
}

impl Listen {
    /// The addresses the host name stands for.
    ///
    /// # Errors
    /// One clear line where it stands for none.
    pub async fn resolve(&self) -> Result<Vec<SocketAddr>, String> {
        let Self { host, port } = self;
        let unknown = |why: &dyn std::fmt::Display| {
            format!(
                "HOST: {host:?} is no address of this machine ({why}); try 0.0.0.0 or 127.0.0.1"
            )
        };
        let found = tokio::net::lookup_host((host.as_str(), *port)).await;
        let addresses: Vec<_> = found.map_err(|error| unknown(&error))?.collect();
        if addresses.is_empty() {
            Err(unknown(&"it has none"))
        } else {
            Ok(addresses)
        }
    }
}
