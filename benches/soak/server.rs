//! The compiled server as a child process, and what can be seen of it from outside.

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use hubbub_test_client::bare::BareConnection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Child;

use crate::support;
use crate::visits::Visitor;

/// Nobody is refused for being fast or many, and whoever is lost is given up soon: but a visit, which
/// answers no heartbeat, has `PING_TIMEOUT` to come to its end.
const SETTINGS: [(&str, &str); 8] = [
    // Full soon: beyond it, how much the logs keep depends on how fast people come.
    ("HISTORY_BYTES", "262144"),
    // Limits, though never reached, so that what they keep of each address is exercised too.
    ("MAX_CONNECTIONS_PER_IP", "10000"),
    ("CONNECT_RATE_PER_IP", "100000"),
    ("CONNECT_TIMEOUT", "1s"),
    ("PING_INTERVAL", "1s"),
    ("PING_TIMEOUT", "3s"),
    ("RESUME_GRACE", "500ms"),
    ("SECRET_KEY", "of this benchmark, and nobody else's"),
];

pub struct Server {
    child: Child,
    address: SocketAddr,
    metrics: SocketAddr,
}

/// The server at one moment.
#[derive(Debug, Clone)]
pub struct Survey {
    pub resident_kib: u64,
    pub descriptors: u64,
    pub threads: u64,
    pub connections: u64,
    pub members: u64,
    pub messages: u64,
    pub panics: u64,
}

/// What a newcomer is told in `room_list`.
pub struct Counts {
    pub rooms: u64,
    pub empty: u64,
}

impl Server {
    pub async fn start() -> Self {
        // A free port: one that was, a moment ago.
        let metrics = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
            listener.local_addr().expect("its address")
        };
        let mut command = support::hubbub();
        command
            .envs(SETTINGS)
            .envs(std::env::vars().filter(|(name, _)| name.starts_with("MALLOC_")))
            .env("METRICS_ADDR", metrics.to_string());
        let (child, address) = support::start(command).await;
        let server = Self {
            child,
            address,
            metrics,
        };
        // Everything that starts with the first connection, before anything is counted.
        server.counts().await;
        server.settle().await;
        server
    }

    /// Waits until nothing has changed for a while.
    async fn settle(&self) {
        let (mut before, mut same) = (self.survey().await, 0);
        while same < 10 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let now = self.survey().await;
            let quiet = now.connections == 0 && now.descriptors == before.descriptors;
            same = if quiet { same + 1 } else { 0 };
            before = now;
        }
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Descriptors are counted before the metrics are asked for, which takes one.
    pub async fn survey(&self) -> Survey {
        let pid = self.child.id().expect("a running server");
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("Linux");
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).expect("Linux");
        let metrics = self.metrics().await;
        Survey {
            resident_kib: figure(&status, "VmRSS:"),
            threads: figure(&status, "Threads:"),
            descriptors: descriptors.count() as u64,
            connections: figure(&metrics, "hubbub_connections"),
            members: figure(&metrics, "hubbub_members"),
            messages: figure(&metrics, "hubbub_messages_total"),
            panics: figure(&metrics, "hubbub_panics_total"),
        }
    }

    async fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(self.metrics).await.expect("metrics");
        let request = b"GET /metrics HTTP/1.1\r\nHost: soak\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.ends_with("# EOF\n"), "{answer}");
        answer
    }

    /// Asks as a newcomer.
    pub async fn counts(&self) -> Counts {
        let mut line = BareConnection::open(self.address, [127, 0, 0, 1]).await;
        line.handshake().await;
        line.send("40").await;
        let list = line.until("42[\"session\"").await;
        let counts = Counts {
            rooms: list.matches("\"count\":").count() as u64,
            empty: list.matches("\"count\":0,").count() as u64,
        };
        line.goodbye().await;
        counts
    }
}

/// The sum of the figures in the lines of that name.
fn figure(text: &str, name: &str) -> u64 {
    let of_name = |line: &&str| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with([' ', '\t', '{']))
    };
    let value = |line: &str| {
        line.split_whitespace()
            .nth(1)
            .and_then(|n| n.parse::<u64>().ok())
    };
    text.lines().filter(of_name).filter_map(value).sum()
}

impl Survey {
    /// Takes whatever is more in `other`.
    pub fn raise(&mut self, other: &Self) {
        self.resident_kib = self.resident_kib.max(other.resident_kib);
        self.descriptors = self.descriptors.max(other.descriptors);
        self.threads = self.threads.max(other.threads);
        self.connections = self.connections.max(other.connections);
        self.members = self.members.max(other.members);
        self.messages = self.messages.max(other.messages);
        self.panics = self.panics.max(other.panics);
    }
}

impl fmt::Display for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.1} MiB, {} descriptors, {} threads, {} connections, {} members, {} messages",
            self.resident_kib as f64 / 1024.0,
            self.descriptors,
            self.threads,
            self.connections,
            self.members,
            self.messages
        )
    }
}
