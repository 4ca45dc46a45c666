//! What the benchmarks share: their command line, and the compiled server.

use std::net::SocketAddr;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The numbers of options like `--members 1000`, in the order of `known`: those given, or else the
/// defaults beside the names.
pub fn numbers<const N: usize>(known: [(&str, u64); N]) -> [u64; N] {
    let mut numbers = known.map(|(_, default)| default);
    // Cargo says `--bench` itself.
    let mut arguments = std::env::args().skip(1).filter(|name| name != "--bench");
    while let Some(name) = arguments.next() {
        let Some(place) = known.iter().position(|(known, _)| *known == name) else {
            panic!("{name} is no option of this benchmark: see its first lines");
        };
        let value = arguments.next().and_then(|value| value.parse().ok());
        numbers[place] = value.expect("a number after each option");
    }
    numbers
}

/// The compiled server on a port of its own, where nobody is refused for talking fast.
pub fn hubbub() -> Command {
    let settings = [("HOST", "127.0.0.1"), ("PORT", "0"), ("MESSAGE_RATE", "0")];
    let mut command = Command::new(env!("CARGO_BIN_EXE_hubbub"));
    command
        .env_clear()
        .envs(settings)
        .env("RUST_LOG", "warn")
        .kill_on_drop(true);
    command
}

/// Starts a server, and waits until it says where it listens.
pub async fn start(mut command: Command) -> (Child, SocketAddr) {
    let mut server = command
        .stdout(Stdio::piped())
        .spawn()
        .expect("the compiled server");
    let stdout = server.stdout.take().expect("a pipe");
    let line = BufReader::new(stdout).lines().next_line().await;
    let line = line.expect("a line").expect("a line");
    let address = line.rsplit('/').next().expect("an address");
    (server, address.parse().expect("an address"))
}

/// The one in the middle.
#[allow(dead_code, reason = "some benchmarks compare no medians")]
pub fn median(figures: &[f64]) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Keeps this process, and all that it starts, on the second core.
#[allow(dead_code, reason = "some benchmarks use all cores")]
pub fn pin_to_second_core() {
    let pinned = std::process::Command::new("taskset")
        .args(["-a", "-p", "-c", "1", &std::process::id().to_string()])
        .stdout(Stdio::null())
        .status();
    let pinned = pinned.expect("taskset, which --pin needs");
    assert!(pinned.success(), "taskset: {pinned}");
}
