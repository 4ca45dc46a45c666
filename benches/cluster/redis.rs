//! A Redis of the benchmark's own, which keeps nothing, and another way to it that takes its time.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::node::cpu;

const START_TIMEOUT: Duration = Duration::from_secs(10);
/// Round trips of which the median counts.
const TRIPS: usize = 21;

/// A Redis of the benchmark's own. Dropping it kills the process.
pub struct Redis {
    child: Child,
    pub address: SocketAddr,
    _folder: TempDir,
}

impl Redis {
    /// Starts one; none where there is no such program.
    pub fn start() -> Option<Self> {
        // A free port: one that was, a moment ago.
        let address = {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
            listener.local_addr().expect("its address")
        };
        let folder = TempDir::new().expect("a folder");
        let started = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &address.port().to_string()])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn();
        let child = match started {
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            started => started.expect("a Redis that starts"),
        };
        let redis = Self {
            child,
            address,
            _folder: folder,
        };
        let deadline = Instant::now() + START_TIMEOUT;
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "Redis does not answer");
            thread::sleep(Duration::from_millis(10));
        }
        Some(redis)
    }

    /// Forgets everything.
    pub fn clear(&self) {
        ask(self.address, "FLUSHALL", 1);
    }

    /// Seconds of CPU it has used.
    pub fn cpu(&self) -> f64 {
        cpu(self.child.id())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.child.kill().expect("a Redis to kill");
        self.child.wait().expect("its end");
    }
}

/// How long Redis takes to answer at an address: the median of some times.
pub fn round_trip(address: SocketAddr) -> Duration {
    let mut trips = ask(address, "PING", TRIPS);
    trips.sort_unstable();
    trips[TRIPS / 2]
}

/// Asks some times, one after the other, and returns how long each took.
fn ask(address: SocketAddr, what: &str, times: usize) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).expect("Redis");
    stream.set_nodelay(true).expect("a socket option");
    let asked = (0..times).map(|_| {
        let before = Instant::now();
        stream
            .write_all(format!("{what}\r\n").as_bytes())
            .expect("a question");
        let mut answer = [0; 64];
        let read = stream.read(&mut answer).expect("an answer");
        assert_eq!(&answer[..read.min(1)], b"+", "Redis refuses");
        before.elapsed()
    });
    asked.collect()
}

/// A way to `target` that takes `delay` longer there and back. In threads of its own, which live as
/// long as the process: what else goes on does not hold them up.
pub fn detour(target: SocketAddr, delay: Duration) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for near in listener.incoming() {
            let near = near.expect("a connection");
            let far = TcpStream::connect(target).expect("a connection");
            for (from, to) in [(&near, &far), (&far, &near)] {
                from.set_nodelay(true).expect("a socket option");
                let from = from.try_clone().expect("a socket");
                carry(from, to.try_clone().expect("a socket"), delay / 2);
            }
        }
    });
    address
}

/// Carries bytes one way, each `delay` after it came.
fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (under_way, arriving) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            let due = Instant::now() + delay;
            if under_way.send((due, buffer[..read].to_vec())).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (due, bytes) in arriving {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        // An end that the other side knows already is none the worse for it.
        to.shutdown(Shutdown::Both).unwrap_or_default();
    });
}
