//! Whether a node is in step with the others: it can write, and it reads, and there is room in Redis.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, watch};

use crate::metrics::Metrics;

/// One of the two ways a node is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// What sessions ask for is carried out.
    Pipe,
    /// The streams are read.
    Tail,
}

/// Whether a node can write to Redis and reads from it, for readiness and metrics.
#[derive(Debug)]
pub struct Status {
    /// What is counted.
    pub metrics: Arc<Metrics>,
    ways: Mutex<Ways>,
    /// The tail has lost its connection: the pipe's, which may be idle, is likely lost too.
    suspicion: Notify,
    up: watch::Sender<bool>,
}

#[derive(Debug)]
struct Ways {
    pipe: bool,
    tail: bool,
    full: bool,
    down_since: Option<Instant>,
}

impl Ways {
    const fn is_up(&self) -> bool {
        self.pipe && self.tail && !self.full
    }
}

impl Status {
    /// Not connected yet.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        let ways = Ways {
            pipe: false,
            tail: false,
            full: false,
            down_since: Some(Instant::now()),
        };
        Self {
            metrics,
            ways: Mutex::new(ways),
            suspicion: Notify::new(),
            up: watch::Sender::new(false),
        }
    }

    /// Notes that a way works, or does not.
    pub fn set(&self, way: Way, works: bool) {
        let mut ways = self.ways.lock();
        match way {
            Way::Pipe => ways.pipe = works,
            Way::Tail => {
                if ways.tail && !works {
                    self.suspicion.notify_one();
                }
                ways.tail = works;
            }
        }
        match (ways.pipe && ways.tail, ways.down_since) {
            (true, _) => ways.down_since = None,
            (false, None) => ways.down_since = Some(Instant::now()),
            (false, Some(_)) => {}
        }
        self.publish(ways);
    }

    /// Notes whether Redis is out of memory. It is asked all the same: what takes none is done.
    pub fn set_full(&self, full: bool) {
        let mut ways = self.ways.lock();
        match (ways.full, full) {
            (false, true) => tracing::warn!("Redis is out of memory: not ready until it has room"),
            (true, false) => tracing::info!("Redis has room again"),
            _ => return,
        }
        ways.full = full;
        self.publish(ways);
    }

    fn publish(&self, ways: MutexGuard<'_, Ways>) {
        let (connected, up) = (ways.pipe && ways.tail, ways.is_up());
        self.metrics.cluster_up.set(i64::from(up));
        let changed = self
            .up
            .send_if_modified(|now| std::mem::replace(now, up) != up);
        drop(ways);
        match (changed, up) {
            (true, true) => tracing::info!("in step with the other nodes"),
            (true, false) if !connected => {
                tracing::warn!("Redis is away: not ready until it is back");
            }
            _ => {}
        }
    }

    /// Waits until there is reason to look whether the pipe's connection still works.
    pub async fn suspicion(&self) {
        self.suspicion.notified().await;
    }

    /// Whether both ways work, watched.
    pub fn up(&self) -> watch::Receiver<bool> {
        self.up.subscribe()
    }

    /// Whether one has not worked for this long.
    pub fn is_down_for(&self, time: Duration) -> bool {
        let down_since = self.ways.lock().down_since;
        down_since.is_some_and(|since| since.elapsed() >= time)
    }
}
