//! What rooms on disk cost, beside rooms in memory.
//!
//!     cargo bench --bench disk
//!     cargo bench --bench disk -- --members 1000 --seconds 5 --rounds 3 --rate 50 --stored 1000000 --pin 1
//!
//! Cost: a room of `--members`, once in memory and once on disk, in turns; a steady talk of `--rate`
//! messages a second by ten members, and one in which 16 keep four messages unacknowledged each. The
//! measure is the server's CPU time for each delivery. `--members 0` leaves it out.
//!
//! Throughput: four members with 64 unacknowledged messages each. Acknowledgements: 100 and 1,000
//! messages a second. Size and start: `--stored` messages are imported; `--stored 0` leaves it out.
//!
//! Every member checks that nothing is lost, doubled or out of order. `--pin 1` keeps the server on the
//! first core and everything else on the second. The files are in the system's folder for temporary
//! files, or in TMPDIR.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark ends at the first surprise, and prints"
)]

#[path = "../cluster/member.rs"]
mod member;
#[path = "../cluster/node.rs"]
mod node;
mod stored;
#[path = "../support/mod.rs"]
mod support;
#[allow(dead_code, reason = "the benchmark of several nodes uses the rest")]
#[path = "../cluster/talk.rs"]
mod talk;

use std::time::Duration;

use member::Pace;
use node::Node;
use support::median;
use talk::{Outcome, Talk};

const WARM_UP: Duration = Duration::from_secs(1);

struct Settings {
    members: usize,
    measured: Duration,
    rounds: u64,
    rate: u32,
    stored: u64,
    pinned: bool,
}

/// A talk that is measured on both stores.
struct Case {
    what: &'static str,
    members: usize,
    senders: usize,
    pace: Pace,
}

/// One thread, so that the server has the others to itself.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let [members, seconds, rounds, rate, stored, pin] = support::numbers([
        ("--members", 1000),
        ("--seconds", 5),
        ("--rounds", 3),
        ("--rate", 50),
        ("--stored", 0),
        ("--pin", 0),
    ]);
    let settings = Settings {
        members: members as usize,
        measured: Duration::from_secs(seconds),
        rounds,
        rate: rate as u32,
        stored,
        pinned: pin != 0,
    };
    if settings.pinned {
        support::pin_to_second_core();
    }
    let members = settings.members;
    let case = |what, members, senders, pace| Case {
        what,
        members,
        senders,
        pace,
    };
    let mut cases = Vec::new();
    if members > 0 {
        let steady = Pace::Steady(settings.rate);
        cases.push(case("steady", members, 10.min(members), steady));
        cases.push(case("busy", members, 16.min(members), Pace::Busy(4)));
        cases.push(case("throughput", 4, 4, Pace::Busy(64)));
        cases.push(case("100 messages/s", 10, 10, Pace::Steady(100)));
        cases.push(case("1,000 messages/s", 10, 10, Pace::Steady(1000)));
    }
    for case in cases {
        compare(&settings, &case).await;
    }
    if settings.stored > 0 {
        stored::measure(settings.stored, settings.rounds, settings.pinned).await;
    }
}

/// A talk in memory and on disk, in turns.
async fn compare(settings: &Settings, case: &Case) {
    let talk = Talk {
        members: case.members,
        senders: case.senders,
        pace: case.pace,
        warm_up: WARM_UP,
        measured: settings.measured,
    };
    let mut costs = [Vec::new(), Vec::new()];
    for round in 1..=settings.rounds {
        let mut turns = [false, true];
        if round % 2 == 0 {
            turns.reverse();
        }
        for on_disk in turns {
            let outcome = run(&talk, on_disk, settings.pinned).await;
            let each = outcome.nodes_cpu / (outcome.deliveries as f64 / 1e6);
            println!(
                "{}, {} members, round {round}, {}: {each:>6.3} CPU s a million deliveries; \
                 {:.0} messages/s, acknowledged {}, heard {}",
                case.what,
                case.members,
                if on_disk { "disk  " } else { "memory" },
                outcome.rate,
                outcome.waits,
                outcome.echoes,
            );
            assert_eq!(outcome.missed, 0, "everything reaches everybody");
            costs[usize::from(on_disk)].push(each);
        }
    }
    let [memory, disk] = costs;
    let pairs: Vec<f64> = disk.iter().zip(&memory).map(|(d, m)| d / m).collect();
    println!(
        "{}: medians {:.3} on disk beside {:.3} in memory, {:.2} times (pairs {:.2} to {:.2})",
        case.what,
        median(&disk),
        median(&memory),
        median(&disk) / median(&memory),
        pairs.iter().copied().fold(f64::INFINITY, f64::min),
        pairs.iter().copied().fold(0.0, f64::max),
    );
}

async fn run(talk: &Talk, on_disk: bool, pinned: bool) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let settings: &[_] = if on_disk {
        &[("DATA_DIR", folder), ("ROOM_RATE", "0")]
    } else {
        &[("ROOM_RATE", "0")]
    };
    let node = Node::start(settings, pinned).await;
    let outcome = talk.held(std::slice::from_ref(&node), || 0.0).await;
    node.stop().await;
    outcome
}
