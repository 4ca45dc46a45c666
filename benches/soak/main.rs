//! Churn: very many connections come and go, and the server must be afterwards what it was before.
//!
//!     cargo bench --bench soak
//!     cargo bench --bench soak -- --connections 1000000 --batch 200 --rest 40000
//!
//! Batches of connections, each from an address of its own, open over WebSocket or polling, claim
//! themselves or not, bring a token or not, join, say something now and then, come back or not, and
//! end in one of several ways (`visits.rs`). Every so many connections the server gets a rest, until
//! its heartbeats and grace periods have ended what nobody said goodbye to. Then must hold, exactly:
//! no connection, no member, every count of `room_list` 0, as many messages as were said, no panic,
//! and as many open descriptors as at the start.
//!
//! At each rest resident memory is read. Its slope is the least squares line through the rests after
//! the warm-up (the first fifth, at least two rests: logs and tables fill, the allocator finds its
//! size), in per cent of the line's own start, for each 100,000 connections and over the whole
//! stretch. 1 % or more of either and the run has failed; so has one with another broken rule.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark ends at the first surprise, and prints"
)]

mod server;
#[path = "../support/mod.rs"]
mod support;
mod visits;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use server::{Server, Survey};
use visits::{Said, visit};

/// What the slope must stay under, in per cent.
const SLOPE_MAX: f64 = 1.0;
/// The longest of heartbeats, grace and timeouts is four seconds; this is for slow machines.
const REST_TIMEOUT: Duration = Duration::from_secs(20);
const LINE_EVERY: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy)]
struct Settings {
    connections: u64,
    batch: u64,
    rest: u64,
}

impl Settings {
    fn from_command_line() -> Self {
        let [connections, batch, rest] = support::numbers([
            ("--connections", 1_000_000),
            ("--batch", 200),
            ("--rest", 40_000),
        ]);
        Self {
            connections,
            batch,
            rest,
        }
    }
}

/// One thread, so that the server has the others to itself.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let settings = Settings::from_command_line();
    let server = Server::start().await;
    let before = server.survey().await;
    println!("start: {before}");
    let (start, mut said) = (Instant::now(), Said::default());
    let (mut last_line, mut next_rest) = (start, settings.rest);
    let (mut peak, mut rests) = (before.clone(), Vec::new());
    let mut mistakes = Vec::new();
    let (mut batch, mut number) = (0, 0);
    while said.connections < settings.connections && mistakes.is_empty() {
        let mut visitors = JoinSet::new();
        for n in number..number + settings.batch {
            visitors.spawn(visit(server.address(), batch, n));
        }
        while let Some(done) = visitors.join_next().await {
            said.add(done.expect("a visit that ends"));
        }
        number += settings.batch;
        batch += 1;
        let now = server.survey().await;
        peak.raise(&now);
        if last_line.elapsed() >= LINE_EVERY {
            last_line = Instant::now();
            println!(
                "{:>7.0} s, {} connections: {now}",
                start.elapsed().as_secs_f64(),
                said.connections
            );
        }
        if said.connections >= next_rest || said.connections >= settings.connections {
            next_rest = said.connections + settings.rest;
            let rested = rest(&server, &before, &said, &mut mistakes).await;
            println!(
                "{:>7.0} s, {} connections, rested: {rested}",
                start.elapsed().as_secs_f64(),
                said.connections,
            );
            rests.push((said.connections, rested.resident_kib));
        }
    }
    println!("most at once: {peak}");
    println!("{said}");
    judge(&rests, &mut mistakes);
    for mistake in &mistakes {
        println!("FAILED: {mistake}");
    }
    ExitCode::from(u8::from(!mistakes.is_empty()))
}

/// Waits until nobody is left, and notes what is not as it must be then.
async fn rest(server: &Server, before: &Survey, said: &Said, mistakes: &mut Vec<String>) -> Survey {
    let deadline = Instant::now() + REST_TIMEOUT;
    let rested = loop {
        let now = server.survey().await;
        let quiet =
            now.connections == 0 && now.members == 0 && now.descriptors <= before.descriptors;
        if quiet || Instant::now() >= deadline {
            break now;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let mut expect = |what: &str, found: u64, expected: u64| {
        if found != expected {
            mistakes.push(format!("{what}: {found} instead of {expected}"));
        }
    };
    expect("connections", rested.connections, 0);
    expect("members", rested.members, 0);
    expect("descriptors", rested.descriptors, before.descriptors);
    expect("threads", rested.threads, before.threads);
    expect("messages", rested.messages, said.messages);
    expect("panics", rested.panics, 0);
    let counts = server.counts().await;
    expect(
        "rooms that are told to have nobody",
        counts.empty,
        counts.rooms,
    );
    rested
}

/// The slope of memory over connections.
fn judge(rests: &[(u64, u64)], mistakes: &mut Vec<String>) {
    let warm = (rests.len() / 5).max(2);
    let points: Vec<(f64, f64)> = rests
        .iter()
        .skip(warm)
        .map(|&(connections, kib)| (connections as f64, kib as f64))
        .collect();
    if points.len() < 3 {
        println!(
            "slope: {} rests after the warm-up are too few to tell",
            points.len()
        );
        return;
    }
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let covariance: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    let variance: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
    let slope = covariance / variance;
    let (first, last) = (points[0].0, points[points.len() - 1].0);
    let start = y + slope * (first - x);
    let each = slope * 100_000.0 / start * 100.0;
    let whole = slope * (last - first) / start * 100.0;
    println!(
        "slope after {warm} rests of warm-up: {:+.2} bytes a connection, {each:+.3} % for each 100,000, \
         {whole:+.3} % over {:.0} connections",
        slope * 1024.0,
        last - first,
    );
    if each >= SLOPE_MAX || whole >= SLOPE_MAX {
        mistakes.push(format!("memory grows by {SLOPE_MAX} % or more"));
    }
}
