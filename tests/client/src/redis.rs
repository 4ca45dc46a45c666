//! A real Redis of a test's own: a process on a free port with a folder of its own, which can be
//! stopped, killed, paused, started again, and robbed of its data.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::resp::{Reply, Resp};
use super::room_store::folder_in_memory;
use super::{EVENT_TIMEOUT, FakeClock};

/// What can be a Redis.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];
/// Below what systems give to outgoing connections, one of which could otherwise take the port
/// of a Redis that is away for a moment.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
/// The password of a Redis that has one, and its user's.
pub const PASSWORD: &str = "a password, with: all/that?is@special#in%URLs";
/// That password in a URL.
pub const PASSWORD_IN_URL: &str =
    "a%20password%2C%20with%3A%20all%2Fthat%3Fis%40special%23in%25URLs";

/// What a Redis keeps over its own end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// Every write, before it is answered.
    Everything,
    /// Nothing at all.
    Nothing,
}

/// A Redis of a test's own. Dropping it kills the process.
pub struct Redis {
    folder: TempDir,
    program: &'static str,
    port: u16,
    options: Vec<String>,
    password: Option<&'static str>,
    speaks_tls: bool,
    clock: Vec<(&'static str, String)>,
    child: Option<Child>,
}

impl Redis {
    /// Starts a Redis; none where there is no such program here.
    pub async fn start(keeps: Keeps) -> Option<Self> {
        Self::with(keeps, &[]).await
    }

    /// Starts one with these options too, as on its command line.
    pub async fn with(keeps: Keeps, options: &[&str]) -> Option<Self> {
        let mut redis = Self::prepared(keeps, options)?;
        redis.start_again().await;
        Some(redis)
    }

    /// Starts one that requires [`PASSWORD`].
    pub async fn with_password() -> Option<Self> {
        let mut redis = Self::prepared(Keeps::Nothing, &["--requirepass", PASSWORD])?;
        redis.password = Some(PASSWORD);
        redis.start_again().await;
        Some(redis)
    }

    /// Starts one whose clock is not this machine's.
    pub async fn with_clock(clock: &FakeClock) -> Option<Self> {
        let mut redis = Self::prepared(Keeps::Nothing, &[])?;
        redis.clock = clock.settings();
        redis.start_again().await;
        Some(redis)
    }

    /// Starts one that speaks TLS and nothing else; none where it was built without that.
    pub async fn encrypted(certificate: &str, key: &str) -> Option<Self> {
        let options = ["--tls-cert-file", certificate, "--tls-key-file", key];
        let mut redis = Self::prepared(
            Keeps::Nothing,
            &[&options[..], &["--tls-auth-clients", "no"]].concat(),
        )?;
        redis.speaks_tls = true;
        if redis.tries_to_start().await {
            return Some(redis);
        }
        let log = redis.log();
        assert!(log.contains("Bad directive"), "Redis ended: {log}");
        skip("redis-server was built without TLS");
        None
    }

    /// One that does not run yet.
    pub fn prepared(keeps: Keeps, options: &[&str]) -> Option<Self> {
        let program = program()?;
        let keeps = match keeps {
            Keeps::Everything => "--appendonly yes --appendfsync always",
            Keeps::Nothing => "--appendonly no",
        };
        let options = keeps.split(' ').chain(options.iter().copied());
        Some(Self {
            folder: folder_in_memory(),
            program,
            port: free_port(),
            options: options.map(str::to_owned).collect(),
            password: None,
            speaks_tls: false,
            clock: Vec::new(),
            child: None,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Its URL, without a password.
    pub fn url(&self) -> String {
        let scheme = if self.speaks_tls { "rediss" } else { "redis" };
        format!("{scheme}://{}", self.address())
    }

    /// Where it keeps its data, and tests their certificates.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the process, and waits until it answers.
    pub async fn start_again(&mut self) {
        assert!(self.tries_to_start().await, "Redis ended: {}", self.log());
    }

    /// Whether it answers in the end, and has not ended by itself.
    async fn tries_to_start(&mut self) -> bool {
        assert!(self.child.is_none(), "it is running");
        let log = std::fs::File::create(self.folder().join("log")).unwrap();
        let port = self.port.to_string();
        let ports: &[&str] = if self.speaks_tls {
            &["--port", "0", "--tls-port", &port]
        } else {
            &["--port", &port]
        };
        let child = Command::new(self.program)
            .args(["--bind", "127.0.0.1", "--save", ""])
            .args(ports)
            .arg("--dir")
            .arg(self.folder())
            .args(&self.options)
            .envs(self.clock.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdout(log)
            .kill_on_drop(true)
            .spawn();
        self.child = Some(child.unwrap());
        let answers = async {
            while !self.is_up().await {
                if self.child.as_mut().unwrap().try_wait().unwrap().is_some() {
                    self.child = None;
                    return false;
                }
                sleep(Duration::from_millis(10)).await;
            }
            true
        };
        let answered = timeout(EVENT_TIMEOUT, answers).await;
        answered.unwrap_or_else(|_| panic!("Redis does not answer: {}", self.log()))
    }

    /// Whether it answers, and has loaded its data.
    async fn is_up(&self) -> bool {
        if self.speaks_tls {
            return self.log().contains("Ready to accept connections");
        }
        matches!(self.try_ask(&["PING"]).await, Ok(Reply::Text(_)))
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder().join("log")).unwrap_or_default()
    }

    /// Runs one command, over a connection of its own.
    pub async fn ask(&self, command: &[&str]) -> Reply {
        let reply = timeout(EVENT_TIMEOUT, self.try_ask(command)).await;
        match reply.expect("Redis answers").unwrap() {
            Reply::Error(error) => panic!("{command:?}: {error}"),
            reply => reply,
        }
    }

    async fn try_ask(&self, command: &[&str]) -> std::io::Result<Reply> {
        let mut resp = Resp::connect(self.address()).await?;
        if let Some(password) = self.password {
            resp.ask(&["AUTH", password]).await?;
        }
        resp.ask(command).await
    }

    /// All keys there are.
    pub async fn keys(&self) -> Vec<String> {
        let keys = self.ask(&["KEYS", "*"]).await.list();
        keys.into_iter().map(Reply::text).collect()
    }

    /// Ends it in an orderly way.
    pub async fn stop(&mut self) {
        self.signal("TERM").await;
        let mut child = self.child.take().unwrap();
        let ended = timeout(EVENT_TIMEOUT, child.wait()).await;
        ended.expect("Redis stops").unwrap();
    }

    /// Kills it without warning.
    pub async fn kill(&mut self) {
        let mut child = self.child.take().expect("it is running");
        child.kill().await.unwrap();
    }

    /// Takes away the data of one that does not run.
    pub fn lose_data(&self) {
        assert!(self.child.is_none(), "it is running");
        let data = self.folder().join("appendonlydir");
        if data.exists() {
            std::fs::remove_dir_all(data).unwrap();
        }
    }

    /// Keeps the process from running, as a machine does that swaps or moves.
    pub async fn pause(&self) {
        self.signal("STOP").await;
    }

    /// Lets it run on.
    pub async fn resume(&self) {
        self.signal("CONT").await;
    }

    async fn signal(&self, name: &str) {
        let pid = self.child.as_ref().and_then(Child::id);
        let pid = pid.expect("it is running").to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().await;
        assert!(sent.unwrap().success(), "kill -s {name} {pid}");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("Redis at {}:\n{}", self.address(), self.log());
        }
        // Reaped here, before its folder goes.
        if let Some(child) = &mut self.child
            && child.start_kill().is_ok()
        {
            while matches!(child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// The program, or a line that says that a test is skipped. Where HUBBUB_REQUIRE_REDIS is set, its
/// absence is a failure.
fn program() -> Option<&'static str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let is_there = |program: &&str| folders.iter().any(|folder| folder.join(program).exists());
    let found = PROGRAMS.into_iter().find(is_there);
    if found.is_none() {
        let required = std::env::var_os("HUBBUB_REQUIRE_REDIS").is_some();
        assert!(!required, "neither of {PROGRAMS:?} is on the PATH");
        skip("redis-server is missing");
    }
    found
}

/// Says that a test is skipped, past the harness, which shows nothing of tests that succeed.
fn skip(why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let said = writeln!(std::io::stdout(), "SKIPPED: {why}, so {test} shows nothing");
    said.expect("stdout is open");
}

/// A free port that no other test of this process is given.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let process = u16::try_from(std::process::id() % u32::from(PORTS.end - PORTS.start)).unwrap();
    for _ in PORTS {
        // Far from those of another process that runs these tests at the same time.
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let offset =
            (u32::from(process) * 97 + u32::from(step)) % u32::from(PORTS.end - PORTS.start);
        let port = PORTS.start + u16::try_from(offset).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port of {PORTS:?} is free");
}
