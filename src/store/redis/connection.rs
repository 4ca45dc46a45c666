//! Connects to Redis: resolves it, authenticates, and loads the scripts.

use std::fmt;
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, Pipeline};
use redis::{ServerErrorKind, Value};

use super::ClusterError;
use super::scripts::{SCRIPTS, Script};
use crate::random;

/// Longest time to a connection that works.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// What most calls have, so that they are written without growing: of arguments, and of bytes with a
/// text of the usual size.
const CALL_ARGUMENTS: usize = 20;
const CALL_BYTES: usize = 512;

/// Pause before the second attempt to connect; doubled after each, up to the longest.
const RETRY: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_millis(1600);
/// Nodes that lost Redis together come back spread over at least this time.
const RETRY_SPREAD_MS: u64 = 100;

/// The pauses between attempts to connect.
#[derive(Debug)]
pub struct Backoff(Duration);

impl Backoff {
    /// Before the first attempt.
    pub const fn new() -> Self {
        Self(RETRY)
    }

    /// Waits before the next attempt.
    pub async fn pause(&mut self) {
        let jitter = Duration::from_millis(random::up_to(RETRY_SPREAD_MS));
        tokio::time::sleep(self.0 + jitter).await;
        self.0 = (self.0 * 2).min(RETRY_MAX);
    }
}

/// What Redis answers, or why it does not.
pub type RedisResult<T = ()> = Result<T, RedisError>;

/// Why Redis does not do what it is asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RedisError {
    /// Authentication failed, or the ACL denies this command.
    #[error("it refuses user or password: {0}")]
    Refused(String),
    /// It will never do what it is asked, as it is.
    #[error("it cannot be used: {0}")]
    Unusable(String),
    /// It has no memory left.
    #[error("it is full (maxmemory is reached and nothing may be evicted)")]
    Full,
    /// It is unreachable, does not answer, or has been replaced: connect again.
    #[error("{0}")]
    Away(String),
    /// It answers something else than what was asked.
    #[error("it answered something unexpected: {0}")]
    Unexpected(String),
}

impl From<redis::RedisError> for RedisError {
    fn from(error: redis::RedisError) -> Self {
        let text = error.to_string();
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::Refused(text),
            ErrorKind::InvalidClientConfig => Self::Unusable(text),
            _ if error.is_io_error() || error.is_timeout() => Self::Away(text),
            _ if error.is_connection_dropped() => Self::Away(text),
            ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::NoScript
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::MasterDown
                | ServerErrorKind::TryAgain,
            ) => Self::Away(text),
            _ => match error.code() {
                Some("OOM") => Self::Full,
                Some("WRONGPASS" | "NOAUTH" | "NOPERM") => Self::Refused(text),
                Some("MISCONF" | "NOREPLICAS" | "UNBLOCKED") => Self::Away(text),
                _ => Self::Unexpected(text),
            },
        }
    }
}

impl RedisError {
    /// Whether the connection is of no use any more.
    pub const fn ends_connection(&self) -> bool {
        matches!(self, Self::Away(_) | Self::Refused(_))
    }
}

/// Where Redis is.
#[derive(Clone)]
pub struct Redis {
    client: Client,
}

impl fmt::Display for Redis {
    /// The address, without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.get_connection_info().addr().fmt(f)
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redis({self})")
    }
}

impl Redis {
    /// Redis at an address; nothing is connected yet.
    ///
    /// # Errors
    /// [`ClusterError::Url`], which does not show the address, because it may contain a password.
    pub fn new(url: &str) -> Result<Self, ClusterError> {
        let client =
            Client::open(url).map_err(|error| ClusterError::Url(RedisError::from(error)))?;
        Ok(Self { client })
    }

    /// Connects. Answers may take `patience`.
    pub async fn connect(&self, patience: Duration) -> Result<Connection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(patience));
        let connecting = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        // Its own timeout is for each step.
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, connecting).await;
        let redis = connected.map_err(|_| RedisError::Away("it does not answer".to_owned()))??;
        let mut connection = Connection {
            redis,
            hashes: Vec::new(),
        };
        // Redis closes a connection that sends as much as a script before it may, without saying why.
        let ping = redis::cmd("PING");
        let answered = tokio::time::timeout(CONNECT_TIMEOUT, connection.one::<Value>(&ping)).await;
        answered.map_err(|_| RedisError::Away("it does not answer".to_owned()))??;
        let mut load = redis::pipe();
        for source in SCRIPTS {
            load.cmd("SCRIPT").arg("LOAD").arg(*source);
        }
        let loaded = tokio::time::timeout(CONNECT_TIMEOUT, connection.all(&load)).await;
        let loaded = loaded.map_err(|_| RedisError::Away("it does not answer".to_owned()))??;
        for hash in loaded {
            connection.hashes.push(read(hash?)?);
        }
        Ok(connection)
    }
}

/// An authenticated connection to Redis with the scripts loaded.
#[derive(Debug, Clone)]
pub struct Connection {
    redis: MultiplexedConnection,
    hashes: Vec<String>,
}

impl Connection {
    /// A call of a script, its arguments to follow.
    pub fn call(&self, script: Script, key: &str) -> Cmd {
        let mut cmd = Cmd::with_capacity(CALL_ARGUMENTS, CALL_BYTES);
        cmd.arg("EVALSHA");
        let hash = self.hashes.get(script as usize).map_or("", String::as_str);
        cmd.arg(hash).arg(1).arg(key);
        cmd
    }

    /// Asks one thing.
    pub async fn one<T: FromRedisValue>(&mut self, cmd: &Cmd) -> Result<T, RedisError> {
        let value = self.redis.req_packed_command(cmd).await?;
        read(checked(value)?)
    }

    /// Sends several commands together; each has its own answer.
    pub async fn all(
        &mut self,
        pipeline: &Pipeline,
    ) -> Result<Vec<Result<Value, RedisError>>, RedisError> {
        let asked = pipeline.len();
        let values = self.redis.req_packed_commands(pipeline, 0, asked).await?;
        Ok(values.into_iter().map(checked).collect())
    }
}

fn checked(value: Value) -> Result<Value, RedisError> {
    value.extract_error().map_err(RedisError::from)
}

/// Reads an answer as what it should be.
pub fn read<T: FromRedisValue>(value: Value) -> Result<T, RedisError> {
    redis::from_redis_value(value).map_err(|error| RedisError::Unexpected(error.to_string()))
}
