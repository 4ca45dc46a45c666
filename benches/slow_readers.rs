//! What members that stop reading cost the others: a room of 1,000 at 200 messages a second, once
//! with all of them reading and once with 50 that have stopped, in turns.
//!
//!     cargo bench --bench slow_readers
//!     cargo bench --bench slow_readers -- --members 1000 --paused 50 --rate 200 --seconds 8 --rounds 3
//!
//! Prints a line a run and the ratios at the end: the others' 99th percentile from the moment a
//! message was due to the moment a member has read it, and the server's peak resident memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark ends at the first surprise, and prints"
)]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

type Stream = WebSocketStream<TcpStream>;

const SENDERS: usize = 10;
/// What a paused reader's system takes for it before the server notices.
const PAUSED_RECEIVE_BYTES: u32 = 16 * 1024;
const DIALLED_AT_ONCE: usize = 32;

#[derive(Debug, Clone, Copy)]
struct Settings {
    members: usize,
    paused: usize,
    rate: u32,
    seconds: u32,
    rounds: usize,
}

impl Settings {
    fn from_command_line() -> Self {
        let [members, paused, rate, seconds, rounds] = support::numbers([
            ("--members", 1000),
            ("--paused", 50),
            ("--rate", 200),
            ("--seconds", 8),
            ("--rounds", 3),
        ]);
        Self {
            members: members as usize,
            paused: paused as usize,
            rate: rate as u32,
            seconds: seconds as u32,
            rounds: rounds as usize,
        }
    }
}

#[derive(Debug)]
struct Outcome {
    p50: Duration,
    p99: Duration,
    peak_kib: u64,
}

#[tokio::main]
async fn main() {
    let settings = Settings::from_command_line();
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for round in 1..=settings.rounds {
        for paused in [0, settings.paused] {
            let outcome = run(settings, paused).await;
            println!(
                "round {round}, {paused:>2} paused: p50 {:>8.2?}  p99 {:>8.2?}  peak {:.1} MiB",
                outcome.p50,
                outcome.p99,
                outcome.peak_kib as f64 / 1024.0
            );
            if paused == 0 { &mut without } else { &mut with }.push(outcome);
        }
    }
    let median = |outcomes: &[Outcome], of: fn(&Outcome) -> f64| {
        let mut values: Vec<f64> = outcomes.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let p99 = |outcome: &Outcome| outcome.p99.as_secs_f64();
    let peak = |outcome: &Outcome| outcome.peak_kib as f64 / 1024.0;
    println!(
        "medians: p99 {:.2} times, peak memory {:+.1} MiB",
        median(&with, p99) / median(&without, p99),
        median(&with, peak) - median(&without, peak)
    );
}

/// One server, one room, all its members, and a stretch of steady talk.
async fn run(settings: Settings, paused: usize) -> Outcome {
    let (mut server, address) = support::start(support::hubbub()).await;
    let reading = settings.members - paused;
    let expected = (settings.rate * settings.seconds) as usize;
    let ready = Arc::new(Barrier::new(reading + 1));
    let start = Instant::now();
    let mut readers = JoinSet::new();
    let mut senders = Vec::new();
    let mut held = Vec::new();
    for number in 0..settings.members {
        let mut stream = connect(address, number >= reading).await;
        let name = format!("Member {number}");
        let join = format!(r#"42["join_room",{{"room_name":"general","username":"{name}"}}]"#);
        stream.send(Message::text(join)).await.expect("a join");
        until(&mut stream, r#"42["join_confirm""#).await;
        let (sink, stream) = stream.split();
        if number < reading {
            readers.spawn(read(stream, start, Arc::clone(&ready), expected));
        } else {
            // Held open, never read again.
            held.push(stream);
        }
        senders.push(sink);
        if number % DIALLED_AT_ONCE == 0 {
            tokio::task::yield_now().await;
        }
    }
    ready.wait().await;
    talk(settings, &mut senders, start).await;
    let mut latencies: Vec<Duration> = Vec::new();
    while let Some(read) = readers.join_next().await {
        latencies.extend(read.expect("a reader"));
    }
    let peak_kib = peak_kib(server.id().expect("a running server"));
    server.kill().await.expect("a server to kill");
    drop(held);
    let expected = (settings.rate * settings.seconds) as usize * reading;
    assert_eq!(
        latencies.len(),
        expected,
        "every message reaches every reader"
    );
    latencies.sort_unstable();
    Outcome {
        p50: latencies[latencies.len() / 2],
        p99: latencies[latencies.len() * 99 / 100],
        peak_kib,
    }
}

/// Sends each message when it is due, however the earlier ones fare.
async fn talk(settings: Settings, senders: &mut [SplitSink<Stream, Message>], start: Instant) {
    let first = start.elapsed();
    let every = Duration::from_secs(1) / settings.rate;
    for n in 0..settings.rate * settings.seconds {
        let due = first + every * n;
        tokio::time::sleep_until((start + due).into()).await;
        let send = format!(r#"42["send_message",{{"text":"@{}@"}}]"#, due.as_nanos());
        let sender = &mut senders[n as usize % SENDERS];
        sender.send(Message::text(send)).await.expect("a sender");
    }
}

/// Reads all messages of the talk and returns how long after it was due each message came.
async fn read(
    mut stream: SplitStream<Stream>,
    start: Instant,
    ready: Arc<Barrier>,
    expected: usize,
) -> Vec<Duration> {
    let mut latencies = Vec::new();
    let mut waiting = Some(ready);
    loop {
        let wait = async {
            match waiting.take() {
                Some(ready) => {
                    ready.wait().await;
                }
                None => std::future::pending().await,
            }
        };
        let frame = tokio::select! {
            () = wait => continue,
            frame = stream.next() => frame.expect("an open connection").expect("a frame"),
        };
        let text = frame.to_text().expect("a text");
        let Some((_, rest)) = text.split_once(r#""text":"@"#) else {
            continue;
        };
        let (due, _) = rest.split_once('@').expect("a mark");
        let due = Duration::from_nanos(due.parse().expect("nanoseconds"));
        latencies.push(start.elapsed().saturating_sub(due));
        if latencies.len() == expected {
            return latencies;
        }
    }
}

async fn connect(address: SocketAddr, small: bool) -> Stream {
    let socket = TcpSocket::new_v4().expect("a socket");
    if small {
        socket
            .set_recv_buffer_size(PAUSED_RECEIVE_BYTES)
            .expect("a buffer size");
    }
    let stream = socket.connect(address).await.expect("a connection");
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    let (mut stream, _) = tokio_tungstenite::client_async(url, stream)
        .await
        .expect("a WebSocket");
    stream.send(Message::text("40")).await.expect("CONNECT");
    until(&mut stream, r#"42["session""#).await;
    stream
}

async fn until(stream: &mut Stream, start: &str) {
    loop {
        let frame = stream
            .next()
            .await
            .expect("an open connection")
            .expect("a frame");
        if frame.to_text().is_ok_and(|text| text.starts_with(start)) {
            return;
        }
    }
}

fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .expect("a peak");
    line.split_whitespace()
        .nth(1)
        .expect("a number")
        .parse()
        .expect("a number")
}
