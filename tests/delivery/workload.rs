//! A run: a server, its observers, many people, restarts, and an orderly end. It ends by things
//! that happen, each with a deadline.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::counts::Counts;
use super::history::{History, Position, Record, RoomIndex};
use super::observer::Observer;
use super::person::{Person, Phase};
use super::plan::{Plan, ROOMS};
use super::proxy::Proxy;
use super::recorder::Recorder;
use super::saboteur::Saboteur;
use crate::support::Server;

/// How long the end of a run may take: longer than any time away.
const ENDING: Duration = Duration::from_secs(40);

/// What a run came to.
pub struct Outcome {
    /// For the checker.
    pub record: Record,
    /// For the report.
    pub counts: Counts,
}

/// The server of the moment with those who watch it.
struct House {
    server: Server,
    observers: Vec<Observer>,
    /// Between observers and server, where there is a saboteur.
    _proxies: Vec<Proxy>,
}

impl House {
    async fn open(plan: &Plan, saboteur: Option<&Arc<Saboteur>>) -> Self {
        let settings = plan.settings();
        let settings: Vec<_> = settings.iter().map(|(key, v)| (*key, v.as_str())).collect();
        let server = Server::with(&settings).await;
        let (mut observers, mut proxies) = (Vec::new(), Vec::new());
        for room in 0..ROOMS.len() {
            let mut address = server.address();
            if let Some(saboteur) = saboteur.filter(|saboteur| saboteur.fools_observers()) {
                let (_, gate) = watch::channel(Some(address));
                let proxy = Proxy::start(gate, Some(Arc::clone(saboteur))).await;
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
    async fn burn_down(self) -> Vec<History> {
        drop(self.server);
        let mut histories = Vec::new();
        for observer in self.observers {
            histories.push(observer.until_cut_off().await);
        }
        histories
    }

    /// Where each room ends, once its observer has seen that.
    async fn ends(&self) -> BTreeMap<RoomIndex, Position> {
        let mut ends = BTreeMap::new();
        for (room, observer) in self.observers.iter().enumerate() {
            ends.insert(room, observer.end().await);
        }
        ends
    }
}

/// Runs a plan. With a saboteur it ends when that is done, if not before.
pub async fn run(plan: &Plan, saboteur: Option<Arc<Saboteur>>) -> Outcome {
    let house = House::open(plan, saboteur.as_ref()).await;
    let (gate, _) = watch::channel(Some(house.server.address()));
    let mut run = Run {
        plan,
        saboteur,
        house,
        gate,
        phase: watch::Sender::new(Phase::Busy),
        record: Record::default(),
        counts: Counts::default(),
    };
    let (people, reports) = run.people().await;
    run.be_busy().await;
    run.end(people, reports).await
}

type People = JoinSet<(usize, Recorder)>;

struct Run<'a> {
    plan: &'a Plan,
    saboteur: Option<Arc<Saboteur>>,
    house: House,
    /// Where everybody's proxy leads.
    gate: watch::Sender<Option<SocketAddr>>,
    phase: watch::Sender<Phase>,
    record: Record,
    counts: Counts,
}

impl Run<'_> {
    /// Starts everybody. Each reports once, when it is owed nothing any more.
    async fn people(&self) -> (People, mpsc::UnboundedReceiver<usize>) {
        let (answered, reports) = mpsc::unbounded_channel();
        let mut people = JoinSet::new();
        for index in 0..self.plan.persons {
            let proxy = Proxy::start(self.gate.subscribe(), self.saboteur.clone()).await;
            let phase = self.phase.subscribe();
            let person = Person::new(index, self.plan, proxy, phase, answered.clone());
            people.spawn(async move { (index, person.run().await) });
        }
        (people, reports)
    }

    /// Lets them talk, and kills the server now and then.
    async fn be_busy(&mut self) {
        let start = Instant::now();
        let part = self.plan.time / (self.plan.restarts + 1);
        for restart in 1..=self.plan.restarts {
            sleep_until(start + part * restart).await;
            self.gate.send_replace(None);
            let next = House::open(self.plan, self.saboteur.as_ref());
            // Nobody can come in before the observers of the new server have.
            let old = std::mem::replace(&mut self.house, next.await);
            self.record.observers.extend(old.burn_down().await);
            self.gate.send_replace(Some(self.house.server.address()));
            self.counts.one("restarts");
        }
        tokio::select! {
            () = sleep_until(start + self.plan.time) => {}
            () = until_done(self.saboteur.as_ref()) => {}
        }
    }

    /// No more faults; everybody gets what is owed, reads to the end of every room, and goes.
    async fn end(
        mut self,
        mut people: People,
        mut reports: mpsc::UnboundedReceiver<usize>,
    ) -> Outcome {
        self.phase.send_replace(Phase::Quiet);
        let all_answered = async {
            for _ in 0..self.plan.persons {
                reports.recv().await.expect("people report before they go");
            }
        };
        // Whoever is still owed an answer then is found by the checker.
        let _late = timeout(ENDING, all_answered).await.is_err();
        self.record.ends = self.house.ends().await;
        let catch_up = Phase::CatchUp(self.record.ends.clone());
        self.phase.send_replace(catch_up);
        let mut recorders = gather(&mut people, Instant::now() + ENDING).await;
        self.phase.send_replace(Phase::Over);
        recorders.extend(gather(&mut people, Instant::now() + ENDING).await);
        assert!(people.is_empty(), "somebody does not come to an end");
        self.house.ends().await;
        for observer in self.house.observers {
            self.record.observers.push(observer.stop().await);
        }
        for recorder in recorders.into_values() {
            self.counts.add(&recorder.counts);
            self.record.persons.push(recorder.history);
        }
        self.record.kept = self.plan.kept;
        Outcome {
            record: self.record,
            counts: self.counts,
        }
    }
}

async fn until_done(saboteur: Option<&Arc<Saboteur>>) {
    match saboteur {
        Some(saboteur) => saboteur.done().await,
        None => std::future::pending().await,
    }
}

/// Those who come to their end before the deadline.
async fn gather(people: &mut People, deadline: Instant) -> BTreeMap<usize, Recorder> {
    let mut gathered = BTreeMap::new();
    while let Ok(Some(person)) = timeout_at(deadline, people.join_next()).await {
        gathered.extend([person.unwrap()]);
    }
    gathered
}
