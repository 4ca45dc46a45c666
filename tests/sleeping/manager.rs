//! A service manager of a test's own: it holds the listening socket, and starts the server when a
//! connection waits there, as systemd does for a socket unit.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use hubbub_test_client::EVENT_TIMEOUT;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::HUBBUB;

/// A socket that nobody serves yet.
pub fn socket() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

/// Whether a server runs, and how many have exited.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    is_awake: bool,
    naps: u32,
}

/// The service manager. Dropping it kills the server.
pub struct ServiceManager {
    address: SocketAddr,
    state: watch::Receiver<State>,
    _running: JoinSet<()>,
}

impl ServiceManager {
    /// Holds a socket for servers with these settings. None of them runs yet.
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let settings: Vec<(String, String)> = settings.iter().map(own).collect();
        let socket = socket();
        let address = socket.local_addr().unwrap();
        let (change, state) = watch::channel(State::default());
        let mut running = JoinSet::new();
        running.spawn(async move {
            loop {
                until_needed(&socket).await;
                change.send_modify(|state| state.is_awake = true);
                run(&socket, &settings).await;
                change.send_modify(|state| {
                    state.is_awake = false;
                    state.naps += 1;
                });
            }
        });
        Self {
            address,
            state,
            _running: running,
        }
    }

    /// Where the service can be reached, whether it runs or not.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How often a server has exited.
    pub fn naps(&self) -> u32 {
        self.state.borrow().naps
    }

    /// Waits until no server runs.
    pub async fn until_asleep(&mut self) {
        let asleep = self.state.wait_for(|state| !state.is_awake);
        let asleep = timeout(EVENT_TIMEOUT, asleep).await;
        asleep
            .expect("the server exits when it is idle")
            .expect("every server ended as it must");
    }
}

/// Waits until a connection waits in the socket.
async fn until_needed(socket: &TcpListener) {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    while poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&now)).unwrap() == 0 {
        sleep(Duration::from_millis(2)).await;
    }
}

/// One server, from its start to its exit.
async fn run(socket: &TcpListener, settings: &[(String, String)]) {
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let held = socket.try_clone().unwrap();
    let mut server = HUBBUB.start_on(held.into(), &settings).await;
    let status = server.exit().await;
    let log = server.log();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("EXIT_WHEN_IDLE"), "{log}");
}
