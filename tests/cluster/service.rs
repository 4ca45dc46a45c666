//! A service of several nodes for the delivery checker: the faults of nodes and Redis while people
//! talk.
//!
//! Those who watch the rooms are on a node of their own, to which nothing happens but what happens
//! to Redis: joined people stay connected whatever that is.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use hubbub_test_client::redis::{Keeps, Redis};
use hubbub_test_client::shape::default_rooms_json;
use hubbub_test_client::{Client, EVENT_TIMEOUT, Metrics, TestServer, Transport};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::delivery::counts::Counts;
use super::delivery::history::{History, Position, RoomIndex};
use super::delivery::observer::{Observer, ends};
use super::delivery::plan::{Plan, ROOMS};
use super::delivery::proxy::Gates;
use super::delivery::random::Random;
use super::delivery::workload::Scene;
use super::nodes::{LEASE, SLACK, is_ready, launched, until};
use super::relay::{Relay, Way};

/// A fault of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A node is killed, and another started in its place.
    NodeKilled,
    /// A node is asked to go, and another started in its place.
    NodeDrained,
    /// Redis stops in an orderly way and comes back after a while with all it had.
    RedisStopped,
    /// As that, but killed.
    RedisKilled,
    /// Redis does not run for a while.
    RedisPaused,
    /// Redis has no room for a while.
    RedisFull,
    /// Everything to and from Redis takes its time for a while.
    RedisSlow,
    /// Connections to Redis are cut, one time after the other.
    Cut,
    /// Redis forgets everything while it runs.
    Flushed,
    /// Redis is killed and comes back with nothing.
    DataLost,
}

/// Everything after which all that was acknowledged must still be there.
pub const WITHOUT_LOSS: [Fault; 8] = [
    Fault::NodeKilled,
    Fault::NodeDrained,
    Fault::RedisStopped,
    Fault::RedisKilled,
    Fault::RedisPaused,
    Fault::RedisFull,
    Fault::RedisSlow,
    Fault::Cut,
];

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::NodeKilled => "nodes: killed",
            Self::NodeDrained => "nodes: drained",
            Self::RedisStopped => "redis: stopped",
            Self::RedisKilled => "redis: killed",
            Self::RedisPaused => "redis: paused",
            Self::RedisFull => "redis: full",
            Self::RedisSlow => "redis: slow",
            Self::Cut => "redis: connections cut",
            Self::Flushed => "redis: flushed",
            Self::DataLost => "redis: came back with nothing",
        }
    }
}

/// The faults of a run.
#[derive(Debug, Clone)]
pub enum Script {
    /// These, in an order that the seed decides, once and then until the time is up.
    Again(&'static [Fault]),
    /// These, in this order, once.
    Once(&'static [Fault]),
    /// One node after the other is drained and replaced, so many times.
    Rolling(u32),
}

/// A service of several nodes over one Redis, behind a relay.
pub struct Service {
    plan: Plan,
    script: Script,
    random: Random,
    redis: Redis,
    relay: Relay,
    observers: Vec<Observer>,
    tower: TestServer,
    nodes: Vec<TestServer>,
    gates: watch::Sender<Vec<Option<SocketAddr>>>,
    /// A member who must not notice that others move.
    witness: Client,
}

impl Service {
    /// Starts as many nodes as the plan has servers, and the one of the observers; none without
    /// a Redis.
    pub async fn open(plan: &Plan, script: Script) -> Option<Self> {
        let redis = Redis::start(Keeps::Everything).await?;
        let relay = Relay::start(redis.address()).await;
        let tower = started(plan, &relay).await;
        until(EVENT_TIMEOUT, "ready", async || is_ready(&tower).await).await;
        let mut observers = Vec::new();
        for room in 0..ROOMS.len() {
            observers.push(Observer::start(tower.address(), room).await);
        }
        let witness = Client::joined(&tower, ROOMS[0], "Witness").await;
        let mut nodes = Vec::new();
        for _ in 0..plan.servers {
            nodes.push(started(plan, &relay).await);
        }
        let gates = nodes.iter().map(|node| Some(node.address())).collect();
        Some(Self {
            plan: plan.clone(),
            script,
            random: Random::new(plan.seed, 0),
            redis,
            relay,
            observers,
            tower,
            nodes,
            gates: watch::Sender::new(gates),
            witness,
        })
    }

    /// A while of so many milliseconds.
    async fn while_of(&mut self, ms: std::ops::Range<u64>) {
        sleep(Duration::from_millis(self.random.within(ms))).await;
    }

    async fn cause(&mut self, fault: Fault) {
        match fault {
            Fault::NodeKilled | Fault::NodeDrained => {
                let node = self.random.within(0..self.nodes.len() as u64);
                let node = usize::try_from(node).unwrap();
                self.replace(node, fault == Fault::NodeDrained).await;
            }
            Fault::RedisStopped | Fault::RedisKilled | Fault::DataLost => {
                if fault == Fault::RedisStopped {
                    self.redis.stop().await;
                } else {
                    self.redis.kill().await;
                }
                if fault == Fault::DataLost {
                    self.redis.lose_data();
                }
                self.while_of(0..4000).await;
                self.redis.start_again().await;
            }
            Fault::RedisPaused => {
                self.redis.pause().await;
                self.while_of(500..5000).await;
                self.redis.resume().await;
            }
            Fault::RedisFull => {
                self.redis.ask(&["CONFIG", "SET", "maxmemory", "1"]).await;
                self.while_of(500..4000).await;
                self.redis.ask(&["CONFIG", "SET", "maxmemory", "0"]).await;
            }
            Fault::RedisSlow => {
                let time = Duration::from_millis(100);
                self.relay.set(Way {
                    up: time,
                    down: time,
                    open: true,
                });
                self.while_of(1000..3000).await;
                self.relay.set(Way::CLEAR);
            }
            Fault::Cut => {
                for _ in 0..3 {
                    self.relay.cut();
                    self.while_of(50..400).await;
                }
            }
            Fault::Flushed => drop(self.redis.ask(&["FLUSHALL"]).await),
        }
    }

    /// A node goes, and another comes in its place.
    async fn replace(&mut self, node: usize, in_order: bool) {
        let set = |gates: &watch::Sender<Vec<_>>, to| {
            gates.send_modify(|gates: &mut Vec<Option<SocketAddr>>| gates[node] = to);
        };
        set(&self.gates, None);
        let next = started(&self.plan, &self.relay).await;
        let address = next.address();
        let mut old = std::mem::replace(&mut self.nodes[node], next);
        // Clients of the old one may connect to the new one immediately.
        set(&self.gates, Some(address));
        if in_order {
            old.signal("TERM").await;
            let ended = old.exit().await;
            assert_eq!(ended.code(), Some(0), "{}", old.log());
        }
    }

    /// Deploys, which the witness must not notice.
    async fn roll(&mut self, rounds: u32, counts: &mut Counts) {
        let all_come = async {
            for _ in (0..self.plan.persons).step_by(ROOMS.len()) {
                self.witness.wait_for_kind("joined").await;
            }
        };
        let all_come = timeout(EVENT_TIMEOUT, all_come).await;
        all_come.expect("the witness is told of everybody who comes");
        for _ in 0..rounds {
            for node in 0..self.nodes.len() {
                self.replace(node, true).await;
                counts.one(Fault::NodeDrained.name());
                // Everybody is back, and talks.
                self.while_of(400..800).await;
            }
        }
        let elsewhere = json!({ "room_name": "gaming", "username": "Witness" });
        self.witness.emit("join_room", &elsewhere);
        let told = self.witness.events_until(|e| e.name == "join_confirm");
        let told = told.await;
        let notices: Vec<_> = told.iter().filter(|e| e.name == "system_message").collect();
        assert!(notices.is_empty(), "somebody noticed: {notices:?}");
    }
}

async fn started(plan: &Plan, relay: &Relay) -> TestServer {
    let settings = plan.settings();
    let mut settings: Vec<_> = settings.iter().map(|(key, v)| (*key, v.as_str())).collect();
    settings.extend([("DRAIN_TIMEOUT", "2s"), ("RUST_LOG", "info")]);
    launched(&relay.url(), &settings).await
}

impl Scene for Service {
    fn gates(&self) -> Gates {
        self.gates.subscribe()
    }

    async fn happen(&mut self, counts: &mut Counts) {
        let end = Instant::now() + self.plan.time;
        match self.script.clone() {
            Script::Rolling(rounds) => self.roll(rounds, counts).await,
            Script::Once(faults) => {
                for &fault in faults {
                    self.while_of(1000..2000).await;
                    counts.one(fault.name());
                    self.cause(fault).await;
                }
                self.while_of(2000..3000).await;
            }
            Script::Again(faults) => {
                let (mut left, mut is_first_round) = (faults.to_vec(), true);
                // Each at least once.
                while is_first_round || Instant::now() < end {
                    if left.is_empty() {
                        left = faults.to_vec();
                    }
                    let next = self.random.within(0..left.len() as u64);
                    let fault = left.swap_remove(usize::try_from(next).unwrap());
                    counts.one(fault.name());
                    self.cause(fault).await;
                    self.while_of(200..1500).await;
                    is_first_round &= !left.is_empty();
                }
            }
        }
    }

    async fn ends(&self) -> BTreeMap<RoomIndex, Position> {
        ends(&self.observers).await
    }

    /// Once everybody has gone, the observers are all that any node knows of.
    async fn close(self) -> Vec<History> {
        drop(self.witness);
        let alone = default_rooms_json(&ROOMS.map(|room| (room, 1)));
        for node in self.nodes.iter().chain([&self.tower]) {
            until(LEASE + SLACK, "everybody has gone", async || {
                let mut fresh = Client::connect(node, Transport::WebSocket).await;
                fresh.expect("room_list").await.raw == alone
            })
            .await;
            let panics = Metrics::of(node).value("hubbub_panics_total").await;
            assert_eq!(panics, 0, "{}", node.log());
        }
        let mut histories = Vec::new();
        for observer in self.observers {
            histories.push(observer.stop().await);
        }
        histories
    }
}
