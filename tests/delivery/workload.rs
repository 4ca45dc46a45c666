//! A run: many people, whatever happens around them, and an orderly end. It ends by things that
//! happen, each with a deadline.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::counts::Counts;
use super::history::{History, Position, Record, RoomIndex};
use super::person::{Person, Phase};
use super::plan::Plan;
use super::proxy::{Gates, Proxy};
use super::recorder::Recorder;
use super::saboteur::Saboteur;

/// How long the end of a run may take: longer than any time away.
const ENDING: Duration = Duration::from_secs(40);

/// What a run came to.
pub struct Outcome {
    /// For the checker.
    pub record: Record,
    /// For the report.
    pub counts: Counts,
}

/// The servers that people talk over, their observers, and the faults that happen to them.
pub trait Scene {
    /// Where people connect.
    fn gates(&self) -> Gates;

    /// Every fault of the servers while people talk.
    async fn happen(&mut self, counts: &mut Counts);

    /// Where each room ends, once its observer has seen that.
    async fn ends(&self) -> BTreeMap<RoomIndex, Position>;

    /// Ends it all. Returns what the observers saw.
    async fn close(self) -> Vec<History>;
}

type People = JoinSet<(usize, Recorder)>;

/// Runs a plan. With a saboteur it ends when that is done, if not before.
pub async fn run(plan: &Plan, saboteur: Option<Arc<Saboteur>>, mut scene: impl Scene) -> Outcome {
    let mut run = Run {
        plan,
        phase: watch::Sender::new(Phase::Busy),
        record: Record::default(),
        counts: Counts::default(),
    };
    let (people, reports) = run.people(&scene, saboteur.as_ref()).await;
    tokio::select! {
        () = scene.happen(&mut run.counts) => {}
        () = until_done(saboteur.as_ref()) => {}
    }
    run.end(scene, people, reports).await
}

struct Run<'a> {
    plan: &'a Plan,
    phase: watch::Sender<Phase>,
    record: Record,
    counts: Counts,
}

impl Run<'_> {
    /// Starts everybody. Each reports once, when it is owed nothing any more.
    async fn people(
        &self,
        scene: &impl Scene,
        saboteur: Option<&Arc<Saboteur>>,
    ) -> (People, mpsc::UnboundedReceiver<usize>) {
        let (answered, reports) = mpsc::unbounded_channel();
        let mut people = JoinSet::new();
        for index in 0..self.plan.persons {
            let proxy = Proxy::start(scene.gates(), saboteur.cloned()).await;
            let phase = self.phase.subscribe();
            let person = Person::new(index, self.plan, proxy, phase, answered.clone());
            people.spawn(async move { (index, person.run().await) });
        }
        (people, reports)
    }

    /// No more faults; everybody gets what is owed, reads to the end of every room, and goes.
    async fn end(
        mut self,
        scene: impl Scene,
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
        self.record.ends = scene.ends().await;
        let catch_up = Phase::CatchUp(self.record.ends.clone());
        self.phase.send_replace(catch_up);
        let mut recorders = gather(&mut people, Instant::now() + ENDING).await;
        self.phase.send_replace(Phase::Over);
        recorders.extend(gather(&mut people, Instant::now() + ENDING).await);
        assert!(people.is_empty(), "somebody does not come to an end");
        scene.ends().await;
        self.record.observers = scene.close().await;
        for recorder in recorders.into_values() {
            self.counts.add(&recorder.counts);
            self.record.persons.push(recorder.history);
        }
        self.record.kept = self.plan.kept;
        self.record.outages = self.plan.outages;
        self.record.logs = self.plan.logs;
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
