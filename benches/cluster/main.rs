//! What sharing rooms over Redis costs, and how much one room can say then.
//!
//!     cargo bench --bench cluster
//!     cargo bench --bench cluster -- --members 1000 --seconds 5 --rounds 3 --rate 50 --nodes 3 --delay-ms 5 --pin 0
//!
//! Cost: one node, a room of `--members`, once with its rooms in its own memory and once in Redis, in
//! turns; a steady talk of `--rate` messages a second by ten members, and one in which 16 keep four
//! messages unacknowledged each. The measure is the server's CPU time for each delivery, which other
//! work on the machine disturbs least. `--members 0` leaves it out.
//!
//! Throughput: one room on 1 to `--nodes` nodes, on each four members with 64 unacknowledged messages
//! each; Redis once directly and once behind a round trip of `--delay-ms`. `--nodes 0` leaves it out.
//!
//! Every member checks that nothing is lost, doubled or out of order; what a node that cannot keep up
//! announces as a gap is counted in the second part, and ends the first. `--pin 1` keeps the servers on
//! the first core and everything else on the second.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark ends at the first surprise, and prints"
)]

mod member;
mod node;
mod redis;
#[path = "../support/mod.rs"]
mod support;
mod talk;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use member::Pace;
use node::Node;
use redis::Redis;
use support::median;
use talk::{Outcome, Talk};

const STEADY_SENDERS: usize = 10;
const BUSY_SENDERS: usize = 16;
const BUSY_UNACKNOWLEDGED: usize = 4;
const THROUGHPUT_SENDERS: usize = 4;
/// Far from what would be refused as `busy`: a mailbox has 1,024 places.
const THROUGHPUT_UNACKNOWLEDGED: usize = 64;
const WARM_UP: Duration = Duration::from_secs(1);

struct Settings {
    members: usize,
    measured: Duration,
    rounds: u64,
    rate: u32,
    nodes: usize,
    delay: Duration,
    pinned: bool,
}

impl Settings {
    fn from_command_line() -> Self {
        let [members, seconds, rounds, rate, nodes, delay, pin] = support::numbers([
            ("--members", 1000),
            ("--seconds", 5),
            ("--rounds", 3),
            ("--rate", 50),
            ("--nodes", 3),
            ("--delay-ms", 5),
            ("--pin", 0),
        ]);
        Self {
            members: members as usize,
            measured: Duration::from_secs(seconds),
            rounds,
            rate: rate as u32,
            nodes: nodes as usize,
            delay: Duration::from_millis(delay),
            pinned: pin != 0,
        }
    }
}

/// One thread, so that the servers have the others to themselves.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let settings = Settings::from_command_line();
    if settings.pinned {
        support::pin_to_second_core();
    }
    let Some(redis) = Redis::start() else {
        println!("redis-server is not installed: this benchmark needs it");
        return ExitCode::FAILURE;
    };
    if settings.members > 0 {
        let senders = STEADY_SENDERS.min(settings.members);
        cost(
            &settings,
            &redis,
            "steady",
            senders,
            Pace::Steady(settings.rate),
        )
        .await;
        let senders = BUSY_SENDERS.min(settings.members);
        cost(
            &settings,
            &redis,
            "busy",
            senders,
            Pace::Busy(BUSY_UNACKNOWLEDGED),
        )
        .await;
    }
    if settings.nodes > 0 {
        throughput(&settings, &redis).await;
    }
    ExitCode::SUCCESS
}

/// What a delivery costs with rooms in Redis, beside what it costs without.
async fn cost(settings: &Settings, redis: &Redis, what: &str, senders: usize, pace: Pace) {
    let talk = Talk {
        members: settings.members,
        senders,
        pace,
        warm_up: WARM_UP,
        measured: settings.measured,
    };
    let (mut memory, mut shared) = (Vec::new(), Vec::new());
    for round in 1..=settings.rounds {
        let mut turns = [None, Some(redis)];
        if round % 2 == 0 {
            turns.reverse();
        }
        for redis in turns {
            let outcome = run(
                settings,
                &talk,
                1,
                redis.map(|redis| (redis, redis.address)),
            )
            .await;
            let million = outcome.deliveries as f64 / 1e6;
            let each = outcome.nodes_cpu / million;
            println!(
                "{what}, {} members, round {round}, {}: {each:>6.3} CPU s a million deliveries \
                 (Redis {:.3}); {:.0} messages/s, acknowledged {}, heard {}",
                settings.members,
                if redis.is_some() { "Redis " } else { "memory" },
                outcome.others_cpu / million,
                outcome.rate,
                outcome.waits,
                outcome.echoes,
            );
            assert_eq!(outcome.missed, 0, "everything reaches everybody");
            let figures = if redis.is_some() {
                &mut shared
            } else {
                &mut memory
            };
            figures.push(each);
        }
    }
    let pairs: Vec<f64> = shared.iter().zip(&memory).map(|(s, m)| s / m).collect();
    println!(
        "{what}: medians {:.3} beside {:.3}, {:.2} times (pairs {:.2} to {:.2})",
        median(&shared),
        median(&memory),
        median(&shared) / median(&memory),
        pairs.iter().copied().fold(f64::INFINITY, f64::min),
        pairs.iter().copied().fold(0.0, f64::max),
    );
}

/// How much one room can say, over how many nodes, and how far Redis may be.
async fn throughput(settings: &Settings, redis: &Redis) {
    let talk = Talk {
        members: THROUGHPUT_SENDERS,
        senders: THROUGHPUT_SENDERS,
        pace: Pace::Busy(THROUGHPUT_UNACKNOWLEDGED),
        warm_up: WARM_UP,
        measured: settings.measured,
    };
    let ways = [redis.address, redis::detour(redis.address, settings.delay)];
    let trips = ways.map(redis::round_trip);
    let mut medians = Vec::new();
    for nodes in 1..=settings.nodes {
        let mut rates = [Vec::new(), Vec::new()];
        for round in 1..=settings.rounds {
            for (way, rates) in rates.iter_mut().enumerate() {
                let outcome = run(settings, &talk, nodes, Some((redis, ways[way]))).await;
                let thousand = outcome.messages as f64 / 1e3;
                println!(
                    "throughput, nodes {nodes}, round {round}, round trip {:>5.2?}: {:>6.0} messages/s, \
                     acknowledged {}, heard {}, {} missed in gaps; \
                     CPU ms a thousand: nodes {:.1}, Redis {:.1}",
                    trips[way],
                    outcome.rate,
                    outcome.waits,
                    outcome.echoes,
                    outcome.missed,
                    outcome.nodes_cpu * 1e3 / thousand,
                    outcome.others_cpu * 1e3 / thousand,
                );
                rates.push(outcome.rate);
            }
        }
        medians.push((nodes, rates.map(|rates| median(&rates))));
    }
    for (nodes, [near, far]) in medians {
        println!("throughput, nodes {nodes}: medians {near:.0} messages/s, far {far:.0}");
    }
}

/// One talk at fresh nodes.
async fn run(
    settings: &Settings,
    talk: &Talk,
    nodes: usize,
    shared: Option<(&Redis, SocketAddr)>,
) -> Outcome {
    let url = shared.map(|(redis, way)| {
        redis.clear();
        format!("redis://{way}")
    });
    let url = url.as_deref().map(|url| ("REDIS_URL", url));
    let mut running = Vec::new();
    for _ in 0..nodes {
        running.push(Node::start(url.as_slice(), settings.pinned).await);
    }
    let redis_cpu = || shared.map_or(0.0, |(redis, _)| redis.cpu());
    let outcome = talk.held(&running, redis_cpu).await;
    for node in running {
        node.stop().await;
    }
    outcome
}
