//! Settings as they are given: text, with their flags, variables, defaults and help. The table in
//! `README.md` is generated from this file.

use clap::Parser;

/// Hubbub: a real-time chatroom service. Every flag can also be given as the environment variable
/// that its help names; a flag wins. 0 turns a limit off. SECRET_KEY is read from the environment
/// only.
#[derive(Debug, Parser)]
#[command(name = "hubbub", version, disable_help_subcommand = true)]
pub(super) struct Raw {
    /// Address to listen on
    #[arg(long, env = "HOST", default_value = "0.0.0.0", value_name = "ADDRESS")]
    pub(super) host: String,

    /// Port to listen on; 0 takes a free one
    #[arg(long, env = "PORT", default_value = "5000", value_name = "PORT")]
    pub(super) port: String,

    /// Rooms, in the order they are listed, separated by commas
    #[arg(
        long,
        env = "ROOMS",
        default_value = "general,tech,sports,music,gaming",
        value_name = "NAMES"
    )]
    pub(super) rooms: String,

    /// Messages of each room that are kept; notices do not count
    #[arg(
        long,
        env = "HISTORY_MESSAGES",
        default_value = "1000",
        value_name = "MESSAGES"
    )]
    pub(super) history_messages: String,

    /// Bytes of each room's messages that are kept at most; notices do not count
    #[arg(
        long,
        env = "HISTORY_BYTES",
        default_value = "8388608",
        value_name = "BYTES"
    )]
    pub(super) history_bytes: String,

    /// Characters a message may have
    #[arg(
        long,
        env = "MESSAGE_MAX_CHARS",
        default_value = "2000",
        value_name = "CHARS"
    )]
    pub(super) message_max_chars: String,

    /// Messages a second that one user may send, on average; 0 turns all limits of speed off
    #[arg(
        long,
        env = "MESSAGE_RATE",
        default_value = "5",
        value_name = "PER SECOND"
    )]
    pub(super) message_rate: String,

    /// Messages that one user may send at once
    #[arg(
        long,
        env = "MESSAGE_BURST",
        default_value = "50",
        value_name = "MESSAGES"
    )]
    pub(super) message_burst: String,

    /// Messages a second that one room takes; those who have been in it longest come first
    #[arg(
        long,
        env = "ROOM_RATE",
        default_value = "200",
        value_name = "PER SECOND"
    )]
    pub(super) room_rate: String,

    /// Requests of one connection that may wait before more are refused as `busy`; at least 1
    #[arg(long, env = "MAILBOX", default_value = "1024", value_name = "REQUESTS")]
    pub(super) mailbox: String,

    /// Bytes that all connections together may hold of requests, answers and unsent output; near it
    /// new work is refused and the connections that hold most are closed
    #[arg(
        long,
        env = "MEMORY_BUDGET",
        default_value = "134217728",
        value_name = "BYTES"
    )]
    pub(super) memory_budget: String,

    /// Connections at once
    #[arg(
        long,
        env = "MAX_CONNECTIONS",
        default_value = "20000",
        value_name = "CONNECTIONS"
    )]
    pub(super) max_connections: String,

    /// Connections at once from one address (of IPv6, one /64)
    #[arg(
        long,
        env = "MAX_CONNECTIONS_PER_IP",
        default_value = "0",
        value_name = "CONNECTIONS"
    )]
    pub(super) max_connections_per_ip: String,

    /// New connections a second from one address, ten seconds' worth at once
    #[arg(
        long,
        env = "CONNECT_RATE_PER_IP",
        default_value = "0",
        value_name = "PER SECOND"
    )]
    pub(super) connect_rate_per_ip: String,

    /// How long an idle HTTP connection is kept for the next request; 0 closes it after each
    #[arg(long, env = "KEEP_ALIVE", default_value = "75s", value_name = "TIME")]
    pub(super) keep_alive: String,

    /// Proxies whose `X-Forwarded-For` is believed: addresses or networks, separated by commas
    #[arg(
        long,
        env = "TRUSTED_PROXIES",
        default_value = "",
        value_name = "NETWORKS"
    )]
    pub(super) trusted_proxies: String,

    /// Origins whose pages may connect, separated by commas, like `https://chat.example`; `*` is
    /// any, `null` is a page from a file
    #[arg(
        long,
        env = "ALLOWED_ORIGINS",
        default_value = "*",
        value_name = "ORIGINS"
    )]
    pub(super) allowed_origins: String,

    /// Whether names that look alike may not be in one room at once: `true` or `false`
    #[arg(
        long,
        env = "UNIQUE_NAMES",
        default_value = "false",
        value_name = "BOOLEAN"
    )]
    pub(super) unique_names: String,

    /// Words that nobody may have in their name, nor what looks like them, separated by commas; empty
    /// is none
    #[arg(
        long,
        env = "RESERVED_NAMES",
        default_value = "admin,administrator,moderator,hubbub,server,system",
        value_name = "NAMES"
    )]
    pub(super) reserved_names: String,

    /// Address and port of a listener of its own that serves `/metrics`, like `127.0.0.1:9090`;
    /// empty is none
    #[arg(
        long,
        env = "METRICS_ADDR",
        default_value = "",
        value_name = "ADDRESS:PORT"
    )]
    pub(super) metrics_addr: String,

    /// Time between heartbeats
    #[arg(
        long,
        env = "PING_INTERVAL",
        default_value = "25s",
        value_name = "TIME"
    )]
    pub(super) ping_interval: String,

    /// Time a client has to answer a heartbeat
    #[arg(long, env = "PING_TIMEOUT", default_value = "20s", value_name = "TIME")]
    pub(super) ping_timeout: String,

    /// Time between a transport's opening and the client's Socket.IO CONNECT
    #[arg(
        long,
        env = "CONNECT_TIMEOUT",
        default_value = "10s",
        value_name = "TIME"
    )]
    pub(super) connect_timeout: String,

    /// Shortest time between two `room_update` events, or two `typing` events of a room
    #[arg(
        long,
        env = "COUNTS_INTERVAL",
        default_value = "50ms",
        value_name = "TIME"
    )]
    pub(super) counts_interval: String,

    /// Members above which a room is not told of joins, leaves and renames
    #[arg(
        long,
        env = "NOTICE_LIMIT",
        default_value = "200",
        value_name = "MEMBERS"
    )]
    pub(super) notice_limit: String,

    /// A connection that takes nothing for this long is closed, so that it comes back
    #[arg(long, env = "SLOW_TIMEOUT", default_value = "10s", value_name = "TIME")]
    pub(super) slow_timeout: String,

    /// Time the place of somebody whose connection is lost is kept, and the room not told; 0 tells
    /// it at once
    #[arg(long, env = "RESUME_GRACE", default_value = "10s", value_name = "TIME")]
    pub(super) resume_grace: String,

    /// Longest time a shutdown waits for connections to end; 0 ends them at once
    #[arg(
        long,
        env = "DRAIN_TIMEOUT",
        default_value = "20s",
        value_name = "TIME"
    )]
    pub(super) drain_timeout: String,

    /// Redis or Valkey that several nodes share their rooms by, like `redis://user:password@host:6379`
    /// or `rediss://…` for TLS; empty is none
    #[arg(
        long,
        env = "REDIS_URL",
        hide_env_values = true,
        default_value = "",
        value_name = "URL"
    )]
    pub(super) redis_url: String,

    /// What all keys in Redis begin with: nodes with the same one are one service
    #[arg(
        long,
        env = "REDIS_PREFIX",
        default_value = "hubbub",
        value_name = "PREFIX"
    )]
    pub(super) redis_prefix: String,

    /// Folder of a web client to serve instead of the built-in one; read once, at start
    #[arg(long, env = "WEB_DIR", value_name = "FOLDER")]
    pub(super) web_dir: Option<String>,

    /// How log lines look: `text` or `json`
    #[arg(
        long,
        env = "LOG_FORMAT",
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub(super) log_format: String,

    /// What is logged, as `tracing` filter directives
    #[arg(
        long = "log",
        env = "RUST_LOG",
        default_value = "info",
        value_name = "FILTER"
    )]
    pub(super) log: String,

    /// Ask the server on PORT of this machine whether it lives, and exit with 0 if it does
    #[arg(long)]
    pub(super) healthcheck: bool,
}
