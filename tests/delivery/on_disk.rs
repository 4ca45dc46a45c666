//! One server that keeps its rooms on disk and is killed over and over, at any moment, by a plan's seed.
//! Each next one has the same log.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use hubbub_test_client::TestServer;
use hubbub_test_client::room_store::folder_in_memory;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::sleep;

use super::checker::check;
use super::counts::Counts;
use super::history::{History, Position, RoomIndex};
use super::observer::{Observer, ends};
use super::plan::{Plan, ROOMS, set};
use super::proxy::Gates;
use super::random::Random;
use super::violation::shown;
use super::workload::{self, Scene};
use crate::HUBBUB;

/// Milliseconds for which one server runs.
const LIFE_MS: std::ops::Range<u64> = 20..300;

/// The server that runs now, with its observers.
struct OnDisk {
    plan: Plan,
    folder: TempDir,
    server: TestServer,
    observers: Vec<Observer>,
    gates: watch::Sender<Vec<Option<SocketAddr>>>,
}

impl OnDisk {
    async fn open(plan: &Plan) -> Self {
        let folder = folder_in_memory();
        let server = start(plan, &folder).await;
        let mut observers = Vec::new();
        for room in 0..ROOMS.len() {
            observers.push(Observer::start(server.address(), room).await);
        }
        let (gates, _) = watch::channel(vec![Some(server.address())]);
        Self {
            plan: plan.clone(),
            folder,
            server,
            observers,
            gates,
        }
    }

    /// Kills the server in the middle of whatever it does, and starts the next one.
    async fn restart(&mut self) {
        self.server.signal("KILL").await;
        self.server.exit().await;
        self.gates.send_replace(vec![None]);
        self.server = start(&self.plan, &self.folder).await;
        let mut observers = Vec::new();
        for observer in self.observers.drain(..) {
            observers.push(observer.go_on_at(self.server.address()).await);
        }
        self.observers = observers;
        self.gates.send_replace(vec![Some(self.server.address())]);
    }
}

async fn start(plan: &Plan, folder: &TempDir) -> TestServer {
    let settings = plan.settings();
    let mut settings: Vec<_> = settings.iter().map(|(key, v)| (*key, v.as_str())).collect();
    settings.push(("DATA_DIR", folder.path().to_str().unwrap()));
    HUBBUB.start_with(&settings).await
}

impl Scene for OnDisk {
    fn gates(&self) -> Gates {
        self.gates.subscribe()
    }

    async fn happen(&mut self, counts: &mut Counts) {
        let mut random = Random::new(self.plan.seed, 0);
        for _ in 0..self.plan.restarts {
            sleep(Duration::from_millis(random.within(LIFE_MS))).await;
            self.restart().await;
            counts.one("restarts");
        }
    }

    async fn ends(&self) -> BTreeMap<RoomIndex, Position> {
        ends(&self.observers).await
    }

    async fn close(self) -> Vec<History> {
        let mut histories = Vec::new();
        for observer in self.observers {
            histories.push(observer.stop().await);
        }
        histories
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_at_any_moment_break_no_promise() {
    let restarts = u32::try_from(set("DELIVERY_KILLS", 40)).unwrap();
    let plan = Plan {
        restarts,
        logs: 1,
        pace: Duration::from_millis(60),
        ..Plan::from_environment()
    };
    eprintln!("{plan:?}");
    let outcome = workload::run(&plan, None, OnDisk::open(&plan).await).await;
    let violations = check(&outcome.record);
    let counts = &outcome.counts;
    eprintln!("{counts}");
    let seed = plan.seed;
    assert!(
        violations.is_empty(),
        "DELIVERY_SEED={seed} found {}",
        shown(&violations)
    );
    assert_eq!(counts.of("restarts"), u64::from(restarts));
    // The file has everything, so there is no reason for any gap.
    for never in ["gaps: ", "resumes: too late", "resumes: of a log"] {
        assert_eq!(counts.of_all(never), 0, "DELIVERY_SEED={seed}: {never}");
    }
    assert!(counts.of("resumes: recovered") > u64::from(restarts));
}
