//! A talk in one room: everybody joins, some talk for a while, and everything said must reach all.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::member::{Course, Member, Pace, Tally};
use crate::node::Node;

/// Until what the joins brought about has been told.
const SETTLING: Duration = Duration::from_secs(1);
/// Until everything that was said has reached all.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(60);

/// How a room talks.
#[derive(Clone, Copy)]
pub struct Talk {
    /// How many members there are on each node.
    pub members: usize,
    /// How many of them talk.
    pub senders: usize,
    pub pace: Pace,
    /// How long the talk is not measured, and then is.
    pub warm_up: Duration,
    pub measured: Duration,
}

/// What it came to.
pub struct Outcome {
    /// Seconds of CPU of all nodes, and of what they use, over the whole talk.
    pub nodes_cpu: f64,
    pub others_cpu: f64,
    /// Over the whole talk.
    pub messages: u64,
    pub deliveries: u64,
    /// Not delivered, and announced so by gaps.
    pub missed: u64,
    /// Acknowledged a second, while it was measured.
    pub rate: f64,
    /// How long that took.
    pub waits: Spread,
    /// How long it took until senders heard their own messages.
    pub echoes: Spread,
}

/// The median and the 99th percentile.
pub struct Spread(Duration, Duration);

impl Spread {
    fn of(times: &mut [Duration]) -> Self {
        assert!(!times.is_empty(), "somebody must talk");
        times.sort_unstable();
        Self(times[times.len() / 2], times[times.len() * 99 / 100])
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p50 {:.1?} p99 {:.1?}", self.0, self.1)
    }
}

impl Talk {
    /// The talk at these nodes, which use something else that has used so much CPU.
    pub async fn held(&self, nodes: &[Node], others_cpu: impl Fn() -> f64) -> Outcome {
        let tally = Arc::new(Tally::default());
        let (start, course) = watch::channel(None);
        let mut members = JoinSet::new();
        let senders = self.senders * nodes.len();
        for (place, node) in nodes.iter().enumerate() {
            for number in 0..self.members {
                let speaker = (number < self.senders).then_some(place * self.senders + number);
                let name = format!("Member {place} {number}");
                let member = Member::join(node.address, &name, speaker).await;
                let tally = Arc::clone(&tally);
                members.spawn(member.take_part(self.pace, senders, course.clone(), tally));
            }
        }
        sleep(SETTLING).await;
        let cpu = || {
            let nodes: f64 = nodes.iter().map(Node::cpu).sum();
            (nodes, others_cpu())
        };
        let before = cpu();
        let begin = Instant::now();
        let measured = begin + self.warm_up;
        let end = measured + self.measured;
        start.send_replace(Some(Course {
            begin,
            measured,
            end,
        }));
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let everybody = members.len() as u64;
        loop {
            sleep(Duration::from_millis(10)).await;
            if let Some(ended) = members.try_join_next() {
                ended.expect("a member who finds nothing amiss");
            }
            let said = count(&tally.said);
            let heard = count(&tally.heard) + count(&tally.missed);
            let acknowledged = count(&tally.acknowledged);
            if Instant::now() >= end && acknowledged == said && heard == said * everybody {
                break;
            }
            assert!(
                Instant::now() < end + DRAIN_TIMEOUT,
                "{said} said, {acknowledged} acknowledged, {heard} heard by {everybody} members"
            );
        }
        let after = cpu();
        let mut waits = tally.waits.lock().await;
        Outcome {
            nodes_cpu: after.0 - before.0,
            others_cpu: after.1 - before.1,
            messages: count(&tally.said),
            deliveries: count(&tally.heard),
            missed: count(&tally.missed),
            rate: waits.len() as f64 / self.measured.as_secs_f64(),
            waits: Spread::of(&mut waits),
            echoes: Spread::of(&mut tally.echoes.lock().await),
        }
    }
}
