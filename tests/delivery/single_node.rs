//! One server without Redis and its observers: killed now and then, and replaced by a new one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use hubbub_test_client::TestServer;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::counts::Counts;
use super::history::{History, Position, RoomIndex};
use super::observer::{Observer, ends};
use super::plan::{Plan, ROOMS};
use super::proxy::{Gates, Proxy};
use super::saboteur::Saboteur;
use super::workload::Scene;
use crate::HUBBUB;

/// The server that runs now, with its observers.
struct Incarnation {
    server: TestServer,
    observers: Vec<Observer>,
    /// Between observers and server, if there is a saboteur.
    _proxies: Vec<Proxy>,
}

impl Incarnation {
    async fn open(plan: &Plan, saboteur: Option<&Arc<Saboteur>>) -> Self {
        let settings = plan.settings();
        let settings: Vec<_> = settings.iter().map(|(key, v)| (*key, v.as_str())).collect();
        let server = HUBBUB.start_with(&settings).await;
        let (mut observers, mut proxies) = (Vec::new(), Vec::new());
        for room in 0..ROOMS.len() {
            let mut address = server.address();
            if let Some(saboteur) = saboteur.filter(|saboteur| saboteur.fools_observers()) {
                let (_, gates) = watch::channel(vec![Some(address)]);
                let proxy = Proxy::start(gates, Some(Arc::clone(saboteur))).await;
                address = proxy.address();
                proxies.push(proxy);
            }
            observers.push(Observer::start(address, room).await);
        }
        Self {
            server,
            observers,
            _proxies: proxies,
        }
    }

    /// Kills the server without warning.
    async fn kill(self) -> Vec<History> {
        drop(self.server);
        let mut histories = Vec::new();
        for observer in self.observers {
            histories.push(observer.until_cut_off().await);
        }
        histories
    }
}

/// A service of one node, which a plan kills and replaces.
pub struct SingleNode {
    plan: Plan,
    saboteur: Option<Arc<Saboteur>>,
    current: Incarnation,
    gates: watch::Sender<Vec<Option<SocketAddr>>>,
    /// What observers of servers that were killed have seen.
    past: Vec<History>,
}

impl SingleNode {
    /// A server as planned. The saboteur, if there is one, may stand before its observers too.
    pub async fn open(plan: &Plan, saboteur: Option<Arc<Saboteur>>) -> Self {
        let current = Incarnation::open(plan, saboteur.as_ref()).await;
        let (gates, _) = watch::channel(vec![Some(current.server.address())]);
        Self {
            plan: plan.clone(),
            saboteur,
            current,
            gates,
            past: Vec::new(),
        }
    }
}

impl Scene for SingleNode {
    fn gates(&self) -> Gates {
        self.gates.subscribe()
    }

    /// Kills the server now and then.
    async fn happen(&mut self, counts: &mut Counts) {
        let start = Instant::now();
        let part = self.plan.time / (self.plan.restarts + 1);
        for restart in 1..=self.plan.restarts {
            sleep_until(start + part * restart).await;
            self.gates.send_replace(vec![None]);
            let next = Incarnation::open(&self.plan, self.saboteur.as_ref());
            // Nobody can come in before the observers of the new server have.
            let old = std::mem::replace(&mut self.current, next.await);
            self.past.extend(old.kill().await);
            let address = self.current.server.address();
            self.gates.send_replace(vec![Some(address)]);
            counts.one("restarts");
        }
        sleep_until(start + self.plan.time).await;
    }

    async fn ends(&self) -> BTreeMap<RoomIndex, Position> {
        ends(&self.current.observers).await
    }

    async fn close(mut self) -> Vec<History> {
        for observer in self.current.observers {
            self.past.push(observer.stop().await);
        }
        self.past
    }
}
