//! One node of the service as a process of its own, and what it has cost.

use std::net::SocketAddr;

use tokio::process::{Child, Command};

use crate::support;

/// How often a second Linux counts what a process uses.
const TICKS: f64 = 100.0;

/// A node under measurement. Dropping it kills the process.
pub struct Node {
    child: Child,
    pub address: SocketAddr,
}

impl Node {
    /// Starts a node with these settings; `pinned`, on the first core.
    pub async fn start(settings: &[(&str, &str)], pinned: bool) -> Self {
        let mut command = support::hubbub();
        if pinned {
            let server = command;
            command = Command::new("taskset");
            command
                .args(["-c", "0"])
                .arg(server.as_std().get_program())
                .env_clear()
                .envs(
                    server
                        .as_std()
                        .get_envs()
                        .filter_map(|(k, v)| Some((k, v?))),
                )
                .kill_on_drop(true);
        }
        command.env("SECRET_KEY", "of this benchmark, and nobody else's");
        command.envs(settings.iter().copied());
        let (child, address) = support::start(command).await;
        Self { child, address }
    }

    /// Seconds of CPU it has used.
    pub fn cpu(&self) -> f64 {
        cpu(self.child.id().expect("a running server"))
    }

    /// Memory that is not swapped out, in KiB.
    #[allow(dead_code, reason = "one of the benchmarks needs it")]
    pub fn resident_kib(&self) -> u64 {
        let pid = self.child.id().expect("a running server");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        kib.expect("Linux says so").parse().expect("a number")
    }

    pub async fn stop(mut self) {
        self.child.kill().await.expect("a server to kill");
    }
}

/// Seconds of CPU a process has used.
pub fn cpu(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("Linux");
    // The name may have anything in it, spaces too.
    let (_, figures) = stat.rsplit_once(") ").expect("a name");
    let ticks = figures.split_whitespace().skip(11).take(2);
    let ticks: f64 = ticks.map(|n| n.parse::<f64>().expect("ticks")).sum();
    ticks / TICKS
}
