//! Settings as they are given: text, with their flags, variables, defaults and help. The tables
//! in `docs/configuration.md` are generated from this file.

use clap::Parser;

use super::away::AwayRaw;
use super::identity::IdentityRaw;
use super::keeping::KeepingRaw;
use super::messages::MessagesRaw;
use super::tool::Tool;
use super::webhooks::WebhooksRaw;

/// Hubbub: a real-time chatroom service. Every flag can also be given as the environment variable
/// that its help names; a flag wins. 0 turns a limit off. SECRET_KEY, ADMIN_TOKEN and JWT_SECRET are
/// read from the environment only. Times are like 500ms, 10s or 2m, at most 24h.
#[derive(Debug, Parser)]
#[command(name = "hubbub", version, disable_help_subcommand = true)]
pub(super) struct Raw {
    /// Address to listen on
    #[arg(
        long,
        help_heading = "Serving",
        env = "HOST",
        default_value = "0.0.0.0",
        value_name = "ADDRESS"
    )]
    pub(super) host: String,

    /// Port to listen on; 0 = a free one
    #[arg(
        long,
        help_heading = "Serving",
        env = "PORT",
        default_value = "5000",
        value_name = "PORT"
    )]
    pub(super) port: String,

    /// Folder of a web client to serve instead of the built-in one; read once, at start
    #[arg(long, help_heading = "Serving", env = "WEB_DIR", value_name = "FOLDER")]
    pub(super) web_dir: Option<String>,

    /// How long an idle HTTP connection stays open for the next request; 0 = closed after each
    #[arg(
        long,
        help_heading = "Serving",
        env = "KEEP_ALIVE",
        default_value = "75s",
        value_name = "TIME"
    )]
    pub(super) keep_alive: String,

    /// Longest time a shutdown waits for connections to end; 0 = it ends them immediately
    #[arg(
        long,
        help_heading = "Serving",
        env = "DRAIN_TIMEOUT",
        default_value = "8s",
        value_name = "TIME"
    )]
    pub(super) drain_timeout: String,

    /// Exit after this long without connections, to be started again by the next one; empty or 0 =
    /// never
    #[arg(
        long,
        help_heading = "Serving",
        env = "EXIT_WHEN_IDLE",
        default_value = "",
        value_name = "TIME"
    )]
    pub(super) exit_when_idle: String,

    /// Rooms, in the order clients list them, separated by commas
    #[arg(
        long,
        help_heading = "Rooms and history",
        env = "ROOMS",
        default_value = "general,tech,sports,music,gaming",
        value_name = "NAMES"
    )]
    pub(super) rooms: String,

    /// Messages each room keeps; notices do not count
    #[arg(
        long,
        help_heading = "Rooms and history",
        env = "HISTORY_MESSAGES",
        default_value = "1000",
        value_name = "MESSAGES"
    )]
    pub(super) history_messages: String,

    /// Bytes of messages each room keeps; notices do not count
    #[arg(
        long,
        help_heading = "Rooms and history",
        env = "HISTORY_BYTES",
        default_value = "8388608",
        value_name = "BYTES"
    )]
    pub(super) history_bytes: String,

    /// Members above which a room receives no notices of joins, leaves and renames
    #[arg(
        long,
        help_heading = "Rooms and history",
        env = "NOTICE_LIMIT",
        default_value = "200",
        value_name = "MEMBERS"
    )]
    pub(super) notice_limit: String,

    /// Shortest time between two `room_update` events, or two `typing` events of a room
    #[arg(
        long,
        help_heading = "Rooms and history",
        env = "COUNTS_INTERVAL",
        default_value = "50ms",
        value_name = "TIME"
    )]
    pub(super) counts_interval: String,

    #[command(flatten)]
    pub(super) messages: MessagesRaw,

    /// Messages per second one user may send, on average; 0 turns off every rate limit of
    /// requests
    #[arg(
        long,
        help_heading = "Messages and rates",
        env = "MESSAGE_RATE",
        default_value = "5",
        value_name = "PER SECOND"
    )]
    pub(super) message_rate: String,

    /// Messages one user may send in a burst; at least 1
    #[arg(
        long,
        help_heading = "Messages and rates",
        env = "MESSAGE_BURST",
        default_value = "50",
        value_name = "MESSAGES"
    )]
    pub(super) message_burst: String,

    /// Messages per second one room accepts; its longest-standing members come first
    #[arg(
        long,
        help_heading = "Messages and rates",
        env = "ROOM_RATE",
        default_value = "200",
        value_name = "PER SECOND"
    )]
    pub(super) room_rate: String,

    /// Requests of one connection that may wait; more are refused as `busy`; at least 1
    #[arg(
        long,
        help_heading = "Messages and rates",
        env = "MAILBOX",
        default_value = "1024",
        value_name = "REQUESTS"
    )]
    pub(super) mailbox: String,

    /// Simultaneous connections
    #[arg(
        long,
        help_heading = "Connections",
        env = "MAX_CONNECTIONS",
        default_value = "20000",
        value_name = "CONNECTIONS"
    )]
    pub(super) max_connections: String,

    /// Simultaneous connections from one address (for IPv6, one /64)
    #[arg(
        long,
        help_heading = "Connections",
        env = "MAX_CONNECTIONS_PER_IP",
        default_value = "0",
        value_name = "CONNECTIONS"
    )]
    pub(super) max_connections_per_ip: String,

    /// New connections per second from one address; a burst may be ten times that
    #[arg(
        long,
        help_heading = "Connections",
        env = "CONNECT_RATE_PER_IP",
        default_value = "0",
        value_name = "PER SECOND"
    )]
    pub(super) connect_rate_per_ip: String,

    /// Bytes that all connections together may hold of requests, answers and unsent output; near it new
    /// work is refused and the connections that hold most are closed
    #[arg(
        long,
        help_heading = "Connections",
        env = "MEMORY_BUDGET",
        default_value = "134217728",
        value_name = "BYTES"
    )]
    pub(super) memory_budget: String,

    /// Proxies whose `X-Forwarded-For` is trusted: addresses or networks, separated by commas
    #[arg(
        long,
        help_heading = "Connections",
        env = "TRUSTED_PROXIES",
        default_value = "",
        value_name = "NETWORKS"
    )]
    pub(super) trusted_proxies: String,

    /// Origins whose pages may connect, separated by commas, like `https://chat.example`; `*`
    /// = any, `null` = a page opened from a file
    #[arg(
        long,
        help_heading = "Connections",
        env = "ALLOWED_ORIGINS",
        default_value = "*",
        value_name = "ORIGINS"
    )]
    pub(super) allowed_origins: String,

    /// Time between heartbeats; at least 1s
    #[arg(
        long,
        help_heading = "Connections",
        env = "PING_INTERVAL",
        default_value = "25s",
        value_name = "TIME"
    )]
    pub(super) ping_interval: String,

    /// Time a client has to answer a heartbeat; at least 1s
    #[arg(
        long,
        help_heading = "Connections",
        env = "PING_TIMEOUT",
        default_value = "20s",
        value_name = "TIME"
    )]
    pub(super) ping_timeout: String,

    /// Time between the opening of a transport and the client's Socket.IO CONNECT; at least 1s
    #[arg(
        long,
        help_heading = "Connections",
        env = "CONNECT_TIMEOUT",
        default_value = "10s",
        value_name = "TIME"
    )]
    pub(super) connect_timeout: String,

    /// A connection that takes no data for this long is closed, so that its client reconnects
    #[arg(
        long,
        help_heading = "Connections",
        env = "SLOW_TIMEOUT",
        default_value = "10s",
        value_name = "TIME"
    )]
    pub(super) slow_timeout: String,

    #[command(flatten)]
    pub(super) away: AwayRaw,

    #[command(flatten)]
    pub(super) identity: IdentityRaw,

    /// Refuse a name that looks like another one in the room: `true` or `false`
    #[arg(
        long,
        help_heading = "Names",
        env = "UNIQUE_NAMES",
        default_value = "false",
        value_name = "BOOLEAN"
    )]
    pub(super) unique_names: String,

    /// Words no user may have in their name, nor anything that looks like them, separated by
    /// commas; empty = none
    #[arg(
        long,
        help_heading = "Names",
        env = "RESERVED_NAMES",
        default_value = "admin,administrator,moderator,hubbub,server,system",
        value_name = "NAMES"
    )]
    pub(super) reserved_names: String,

    /// Folder in which this process keeps its rooms, for itself alone; empty = in memory, until it
    /// ends
    #[arg(
        long,
        help_heading = "Disk",
        env = "DATA_DIR",
        global = true,
        default_value = "",
        value_name = "FOLDER"
    )]
    pub(super) data_dir: String,

    #[command(flatten)]
    pub(super) keeping: KeepingRaw,

    /// Redis or Valkey in which several nodes share their rooms, like
    /// `redis://user:password@host:6379`, or `rediss://…` for TLS; empty = none
    #[arg(
        long,
        help_heading = "Several nodes",
        env = "REDIS_URL",
        hide_env_values = true,
        default_value = "",
        value_name = "URL"
    )]
    pub(super) redis_url: String,

    /// Prefix of all keys in Redis: nodes with the same prefix are one service
    #[arg(
        long,
        help_heading = "Several nodes",
        env = "REDIS_PREFIX",
        default_value = "hubbub",
        value_name = "PREFIX"
    )]
    pub(super) redis_prefix: String,

    #[command(flatten)]
    pub(super) webhooks: WebhooksRaw,

    /// Format of log lines: `text` or `json`
    #[arg(
        long,
        help_heading = "Logs and metrics",
        env = "LOG_FORMAT",
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub(super) log_format: String,

    /// What is logged, as `tracing` filter directives
    #[arg(
        long = "log",
        help_heading = "Logs and metrics",
        env = "RUST_LOG",
        default_value = "info",
        value_name = "FILTER"
    )]
    pub(super) log: String,

    /// Address and port of a separate listener for `/metrics`, like `127.0.0.1:9090`; empty =
    /// none
    #[arg(
        long,
        help_heading = "Logs and metrics",
        env = "METRICS_ADDR",
        default_value = "",
        value_name = "ADDRESS:PORT"
    )]
    pub(super) metrics_addr: String,

    #[command(subcommand)]
    pub(super) tool: Option<Tool>,

    /// Ask the server on PORT of this machine whether it is alive, and exit with 0 if it is
    #[arg(long)]
    pub(super) healthcheck: bool,
}
