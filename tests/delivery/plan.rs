//! What a run is made of: how long, how many, how fast, and which faults. One seed decides what
//! everybody does; when the machine gets round to it is not in its hands.

use std::time::Duration;

use hubbub_test_client::Transport;

/// The rooms of a run.
pub const ROOMS: [&str; 3] = ["general", "tech", "sports"];

/// What a run is made of.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Decides what everybody does.
    pub seed: u64,
    /// How long everybody talks and faults happen.
    pub time: Duration,
    /// How many people.
    pub persons: usize,
    /// How many servers they have to choose from whenever they connect.
    pub servers: usize,
    /// How long one waits between two doings, on average.
    pub pace: Duration,
    /// Whether people disconnect, change transports, read slowly and go away.
    pub faults: bool,
    /// How often the server is killed and started again.
    pub restarts: u32,
    /// How people connect.
    pub transports: &'static [Transport],
    /// Messages each room keeps.
    pub kept: u64,
    /// Whether there are times in which nothing can be said.
    pub outages: bool,
    /// How many logs every room may have one after another.
    pub logs: usize,
}

impl Plan {
    /// The run that is part of every `cargo test`. What a longer one needs is set in the
    /// environment: see `docs/delivery.md`.
    pub fn from_environment() -> Self {
        let seed = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64;
        let seconds = set("DELIVERY_SECONDS", 20);
        let restarts = u32::try_from(set("DELIVERY_RESTARTS", 2)).unwrap();
        Self {
            seed: set("DELIVERY_SEED", seed % 1_000_000),
            time: Duration::from_secs(seconds),
            persons: usize::try_from(set("DELIVERY_CLIENTS", 30)).unwrap(),
            servers: 1,
            pace: Duration::from_millis(set("DELIVERY_PACE_MS", 400)),
            faults: true,
            restarts,
            outages: false,
            logs: 1 + restarts as usize,
            transports: &Transport::ALL,
            kept: set("DELIVERY_KEPT", 60),
        }
    }

    /// A run in which nothing goes wrong by itself, for the saboteur.
    pub fn undisturbed(seed: u64) -> Self {
        Self {
            seed,
            time: Duration::from_secs(60),
            persons: 30,
            servers: 1,
            pace: Duration::from_millis(200),
            faults: false,
            restarts: 0,
            transports: &[Transport::WebSocket],
            kept: 100_000,
            outages: false,
            logs: 1,
        }
    }

    /// A run in which everything goes wrong that may, for the saboteur, who knows WebSockets only.
    pub fn stormy(seed: u64) -> Self {
        Self {
            faults: true,
            ..Self::undisturbed(seed)
        }
    }

    /// The server's settings. No rate is limited, and every notice is delivered.
    /// Under faults, half-open connections and readers that stopped are found out quickly. Without
    /// faults there are none: then the server closes nobody, and takes nobody for gone, who is merely
    /// late, because the machine is busy or a saboteur's proxy is.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let settings = [
            (
                "SECRET_KEY",
                "one key for all the servers of a run, so that tokens stay good",
            ),
            ("MESSAGE_RATE", "0"),
            ("NOTICE_LIMIT", "0"),
            ("HISTORY_BYTES", "0"),
            ("RUST_LOG", "warn"),
        ];
        let closed_after = if self.faults {
            [
                ("PING_INTERVAL", "1s"),
                ("PING_TIMEOUT", "2s"),
                ("SLOW_TIMEOUT", "4s"),
                ("RESUME_GRACE", "10s"),
            ]
        } else {
            [
                ("PING_INTERVAL", "5s"),
                ("PING_TIMEOUT", "5m"),
                ("SLOW_TIMEOUT", "0"),
                ("RESUME_GRACE", "1m"),
            ]
        };
        let settings = settings.into_iter().chain(closed_after);
        let mut settings: Vec<_> = settings
            .map(|(key, value)| (key, value.to_owned()))
            .collect();
        settings.push(("HISTORY_MESSAGES", self.kept.to_string()));
        settings
    }
}

/// A number from the environment.
pub fn set(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(value) => value
            .parse()
            .unwrap_or_else(|_| panic!("{variable}={value} is no number")),
        Err(_) => default,
    }
}
