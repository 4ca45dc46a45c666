//! The compiled server as a child process on a free port of its own, ended with its guard.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use super::EVENT_TIMEOUT;
use super::room_store::{Backing, RoomStore};

/// Variables a child keeps from the environment of the tests; no setting of the service is among
/// them, so that a developer's own do not leak in.
const KEPT: [&str; 4] = ["PATH", "HOME", "TMPDIR", "LLVM_PROFILE_FILE"];

/// The compiled server. Only the test target that uses it knows where it is:
///
/// ```ignore
/// const HUBBUB: Binary = Binary::at(env!("CARGO_BIN_EXE_hubbub"));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Binary {
    path: &'static str,
    store: RoomStore,
}

impl Binary {
    /// The binary at this path, whose rooms are in memory.
    pub const fn at(path: &'static str) -> Self {
        Self {
            path,
            store: RoomStore::Memory,
        }
    }

    /// The same binary. Each server keeps its rooms in a store of this kind, which ends with it. The
    /// settings of a test come first: if they choose a store, there is no other.
    pub const fn with_rooms_in(self, store: RoomStore) -> Self {
        Self { store, ..self }
    }

    /// Where servers keep their rooms.
    pub const fn store(self) -> RoomStore {
        self.store
    }

    /// Starts a server with the default settings.
    pub async fn start(self) -> TestServer {
        self.start_with(&[]).await
    }

    /// Starts a server with these settings in its environment.
    pub async fn start_with(self, settings: &[(&str, &str)]) -> TestServer {
        self.launch(settings, &[]).await
    }

    /// Starts a server with these settings and command-line arguments, and waits until it listens.
    pub async fn launch(self, settings: &[(&str, &str)], arguments: &[&str]) -> TestServer {
        let backing = Backing::beside(self.store, settings).await;
        let all = with_backing(backing.as_ref(), settings);
        TestServer::start_by(self.command(&all, arguments), backing).await
    }

    /// Starts a server from a shell that runs these commands first, which set up a fault.
    pub async fn start_behind(self, shell: &str, settings: &[(&str, &str)]) -> TestServer {
        let backing = Backing::beside(self.store, settings).await;
        let behind = self.behind(shell, &with_backing(backing.as_ref(), settings));
        TestServer::start_by(behind, backing).await
    }

    /// Starts a server that is passed this listening socket, as a service manager passes one.
    pub async fn start_on(self, socket: OwnedFd, settings: &[(&str, &str)]) -> TestServer {
        let backing = Backing::beside(self.store, settings).await;
        let passed = self.passed(socket, &with_backing(backing.as_ref(), settings));
        TestServer::start_by(passed, backing).await
    }

    /// Runs a server that is passed a descriptor that it must refuse.
    pub async fn run_on(self, descriptor: OwnedFd, settings: &[(&str, &str)]) -> Finished {
        let what = format!("a descriptor and {settings:?}");
        Finished::of(self.passed(descriptor, settings), &what).await
    }

    fn passed(self, descriptor: OwnedFd, settings: &[(&str, &str)]) -> Command {
        // LISTEN_PID must be the server's own, which is the shell's.
        let pass = "exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$";
        let mut command = self.behind(pass, settings);
        command.stdin(Stdio::from(descriptor));
        command
    }

    fn behind(self, shell: &str, settings: &[(&str, &str)]) -> Command {
        let server = self.command(settings, &[]);
        let program = server.as_std().get_program();
        let mut behind = Command::new("sh");
        behind
            .args(["-c", &format!("{shell}\nexec \"$0\"")])
            .arg(program)
            .env_clear()
            .kill_on_drop(true);
        let variables = server.as_std().get_envs();
        behind.envs(variables.filter_map(|(name, value)| Some((name, value?))));
        behind
    }

    /// Runs the server until it ends by itself, for settings it must refuse and for `--help`.
    pub async fn run_to_end(self, settings: &[(&str, &str)], arguments: &[&str]) -> Finished {
        let what = format!("{settings:?} {arguments:?}");
        Finished::of(self.command(settings, arguments), &what).await
    }

    fn command(self, settings: &[(&str, &str)], arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path);
        command.env_clear().envs(
            KEPT.iter()
                .filter_map(|key| Some((key, std::env::var_os(key)?))),
        );
        command
            .envs([("HOST", "127.0.0.1"), ("PORT", "0")])
            .envs(settings.iter().copied());
        command
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }
}

/// The settings of a test after those of the store, which they may override.
fn with_backing<'a>(
    backing: Option<&'a Backing>,
    settings: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let mut all = backing.map(Backing::settings).unwrap_or_default();
    all.extend(settings);
    all
}

/// A running server. Dropping it kills the process; if the test failed, what the server wrote to
/// stderr is printed.
pub struct TestServer {
    address: SocketAddr,
    child: Child,
    /// Kept open, or the server's next line would hit a closed pipe.
    stdout: Lines<BufReader<ChildStdout>>,
    banner: Vec<String>,
    stderr: NamedTempFile,
    /// Dropped after the process has ended.
    _backing: Option<Backing>,
}

impl TestServer {
    async fn start_by(mut command: Command, backing: Option<Backing>) -> Self {
        let stderr = NamedTempFile::new().unwrap();
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(stderr.reopen().unwrap())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut banner = Vec::new();
        let address = timeout(EVENT_TIMEOUT, first_address(&mut stdout, &mut banner)).await;
        let Ok(Some(address)) = address else {
            panic!(
                "the server did not start listening; stdout: {banner:?}; {}",
                shown(&stderr)
            );
        };
        Self {
            address,
            child,
            stdout,
            banner,
            stderr,
            _backing: backing,
        }
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has printed to stdout up to the line with its address.
    pub fn banner(&self) -> &[String] {
        &self.banner
    }

    /// What it has written to stderr so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.stderr.path()).unwrap()
    }

    /// Memory of the process that is not swapped out, as Linux counts it.
    pub fn resident_kib(&self) -> u64 {
        self.status_kib("VmRSS:")
    }

    /// The most that [`Self::resident_kib`] has ever been.
    pub fn peak_resident_kib(&self) -> u64 {
        self.status_kib("VmHWM:")
    }

    fn status_kib(&self, field: &str) -> u64 {
        let pid = self.child.id().expect("the server is still running");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kib = line.and_then(|line| line.split_whitespace().next());
        kib.expect("Linux says so").parse().unwrap()
    }

    /// Sends a signal by name, such as `TERM`.
    pub async fn signal(&self, name: &str) {
        let pid = self
            .child
            .id()
            .expect("the server is still running")
            .to_string();
        let sent = Command::new("kill")
            .args(["-s", name, &pid])
            .status()
            .await
            .unwrap();
        assert!(sent.success(), "kill -s {name} {pid}: {sent}");
    }

    /// Waits for the process to end by itself.
    pub async fn exit(&mut self) -> ExitStatus {
        match timeout(EVENT_TIMEOUT, self.child.wait()).await {
            Ok(status) => status.unwrap(),
            Err(_) => panic!("the server did not exit within {EVENT_TIMEOUT:?}"),
        }
    }

    /// Everything it printed to stdout after its address, once it has exited.
    pub async fn rest_of_stdout(&mut self) -> String {
        let mut rest = String::new();
        self.stdout
            .get_mut()
            .read_to_string(&mut rest)
            .await
            .unwrap();
        rest
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("server at {}: {}", self.address, shown(&self.stderr));
        }
        // Reaped here and not later by the runtime, which ends with the test.
        if self.child.start_kill().is_ok() {
            while matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// A server that must end by itself: what it printed, and how it ended.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it logged.
    pub stderr: String,
}

impl Finished {
    async fn of(mut command: Command, what: &str) -> Self {
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = timeout(EVENT_TIMEOUT, child.wait_with_output()).await;
        let output = output.unwrap_or_else(|_| panic!("still running with {what}"));
        let output = output.unwrap();
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

async fn first_address(
    stdout: &mut Lines<BufReader<ChildStdout>>,
    banner: &mut Vec<String>,
) -> Option<SocketAddr> {
    while let Some(line) = stdout.next_line().await.unwrap() {
        let address = line
            .split_once("listening on http://")
            .map(|(_, a)| a.trim().parse());
        banner.push(line);
        if let Some(address) = address {
            return Some(address.expect("the address after `listening on` is an IP and a port"));
        }
    }
    None
}

fn shown(stderr: &NamedTempFile) -> String {
    let text = std::fs::read_to_string(stderr.path()).unwrap_or_default();
    format!("stderr:\n{text}")
}

/// Lets this process, and the servers it starts from now on, hold many files open simultaneously:
/// enough for all tests of a target together. Systems start processes with as few as 1,024.
pub async fn raise_file_limit() {
    const FILES: u32 = 16_384;
    let pid = std::process::id().to_string();
    let limit = format!("--nofile={FILES}:");
    let raised = Command::new("prlimit")
        .args(["--pid", &pid, &limit])
        .output()
        .await;
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let soft = limits.lines().find_map(|line| {
        line.strip_prefix("Max open files")?
            .split_whitespace()
            .next()
    });
    let enough = soft.is_some_and(|soft| {
        soft.parse()
            .map_or(soft == "unlimited", |n: u32| n >= FILES)
    });
    assert!(
        enough,
        "this test needs {FILES} open files, the limit is {soft:?}; prlimit: {raised:?}"
    );
}
