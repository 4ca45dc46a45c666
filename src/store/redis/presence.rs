//! Leases: a node counts as alive for as long as it renews its own. When a lease is over, the first
//! node that notices ends the memberships of that node.
//!
//! What Redis has of this node's members is compared with who is here whenever a connection begins,
//! and every few beats: so whatever was missed while Redis was away, or lost with it, is mended. That
//! mends records and nothing else: a session ends only where another node's join took over its very
//! membership, which Redis remembers.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::call::{Context, millis};
use super::connection::{Connection, RedisError};
use super::message::Joining;
use super::queue::Requests;
use super::request::Adopted;
use super::scripts::Script;
use super::status::Status;
use crate::clock::{self, TrustedClock};
use crate::random;
use crate::room::{LogPosition, Member, MemberId, Room, Rooms};

/// How long a node counts as alive without a heartbeat.
const LEASE: Duration = Duration::from_secs(8);
/// Time between two beats.
const BEAT: Duration = Duration::from_secs(2);
/// Beats between two comparisons of who is here with what Redis has.
const AUDIT_BEATS: u32 = 4;
/// Memberships of a dead node that one call ends.
const REAP_MAX: usize = 200;
/// Memberships that one call ends.
const END_MAX: usize = 500;

/// Renews this node's lease, ends the memberships of dead nodes, and repairs its own in Redis.
#[derive(Debug)]
pub struct Presence {
    context: Arc<Context>,
    rooms: Arc<Rooms>,
    status: Arc<Status>,
    /// Where members are made known, in order with what else becomes of them.
    requests: Weak<Requests>,
    /// By how much Redis's clock is ahead of this process's monotonic clock, in milliseconds.
    ahead_ms: AtomicI64,
    /// Redis's clock, and since when it has not jumped.
    redis_clock: Mutex<(TrustedClock, Instant)>,
    /// The next beat compares again.
    again: Arc<AtomicBool>,
    /// Settings that other nodes have otherwise, and which nodes; as last logged.
    mismatches: Mutex<BTreeMap<String, Vec<String>>>,
}

impl Presence {
    /// The presence of this node.
    pub fn new(
        context: Arc<Context>,
        rooms: Arc<Rooms>,
        status: Arc<Status>,
        requests: Weak<Requests>,
    ) -> Self {
        Self {
            context,
            rooms,
            status,
            requests,
            ahead_ms: AtomicI64::new(0),
            redis_clock: Mutex::new((TrustedClock::default(), Instant::now())),
            again: Arc::default(),
            mismatches: Mutex::default(),
        }
    }

    /// By how much Redis's clock is ahead of this process's monotonic clock, in milliseconds.
    pub fn ahead_ms(&self) -> i64 {
        self.ahead_ms.load(Ordering::Relaxed)
    }

    /// A connection begins.
    pub async fn begin(&self, connection: &mut Connection) -> Result<(), RedisError> {
        self.beat(connection).await?;
        self.audit(connection).await
    }

    /// Beats for as long as the connection works.
    pub async fn live(&self, mut connection: Connection) -> RedisError {
        let began = Instant::now();
        let mut beats = tokio::time::interval(BEAT);
        beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut until_audit = AUDIT_BEATS;
        loop {
            tokio::select! {
                _ = beats.tick() => {}
                () = self.status.suspicion() => {}
            }
            let result = async {
                let around = self.beat(&mut connection).await?;
                until_audit = until_audit.saturating_sub(1);
                let again = self.again.swap(false, Ordering::Relaxed);
                if !around.was_alive || until_audit == 0 || again {
                    until_audit = AUDIT_BEATS;
                    self.audit(&mut connection).await?;
                }
                // After an outage, the others need as long as this node to be back; and after a jump of
                // Redis's clock, which ends all leases.
                let steady_since = self.redis_clock.lock().1.max(began);
                if steady_since.elapsed() > LEASE {
                    self.reap(&mut connection, &around.dead).await?;
                }
                Ok::<(), RedisError>(())
            };
            match result.await {
                Ok(()) => {}
                Err(trouble) if trouble.ends_connection() => return trouble,
                Err(trouble) => tracing::warn!("Redis did not renew the lease: {trouble}"),
            }
        }
    }

    async fn beat(&self, connection: &mut Connection) -> Result<Around, RedisError> {
        let mut cmd = self.context.call(connection, Script::Beat);
        cmd.arg(self.context.node_name()).arg(millis(LEASE));
        for room in self.rooms.all() {
            let LogPosition {
                room, epoch, kept, ..
            } = room.position();
            cmd.arg(room.as_str())
                .arg(&*epoch)
                .arg(kept.messages_from)
                .arg(kept.notices_from);
        }
        let (alive, now_ms, has_room, dead): (i64, i64, i64, Vec<String>) =
            connection.one(&cmd).await?;
        let ahead_ms = now_ms.saturating_sub(clock::mono_ms());
        self.ahead_ms.store(ahead_ms, Ordering::Relaxed);
        self.observe_clock(now_ms);
        self.status.set_full(has_room == 0);
        Ok(Around {
            was_alive: alive == 1,
            dead,
        })
    }

    /// Notes what Redis's clock shows, and when it last jumped.
    fn observe_clock(&self, now_ms: i64) {
        let mono_ms = clock::mono_ms();
        let mut guard = self.redis_clock.lock();
        let (clock, steady_since) = &mut *guard;
        let trusted_ms = clock.observe(mono_ms, now_ms);
        let offset_ms = trusted_ms.saturating_sub(mono_ms);
        let before_ms = self
            .context
            .trusted_offset_ms
            .swap(offset_ms, Ordering::Relaxed);
        if clock.is_in_doubt() || offset_ms.abs_diff(before_ms) > millis(LEASE) {
            *steady_since = Instant::now();
        }
    }

    /// Ends the memberships of nodes that are gone.
    async fn reap(&self, connection: &mut Connection, dead: &[String]) -> Result<(), RedisError> {
        for node in dead {
            loop {
                let mut cmd = self.context.call(connection, Script::Reap);
                cmd.arg(node).arg(REAP_MAX).arg(random::id());
                self.context.add_caller(&mut cmd, None);
                let left: u64 = connection.one(&cmd).await?;
                if left == 0 {
                    break;
                }
            }
            tracing::info!(node, "a node is gone: its members have left");
        }
        Ok(())
    }

    /// Makes this node known, and what Redis has of its members what they are.
    async fn audit(&self, connection: &mut Connection) -> Result<(), RedisError> {
        let mut cmd = self.context.call(connection, Script::Register);
        cmd.arg(self.context.node_name())
            .arg(millis(LEASE))
            .arg(self.context.settings.as_str());
        let (known, nodes): (Vec<String>, Vec<String>) = connection.one(&cmd).await?;
        self.compare_settings(&nodes);
        let known: HashSet<MemberId> = known.iter().filter_map(|id| id.parse().ok()).collect();
        let mut here = HashSet::new();
        for room in self.rooms.all() {
            let changes = room.changes();
            let position = changes.position();
            changes.audit(&known, &mut here, |id, member| {
                let joining = Joining {
                    position: position.clone(),
                    id,
                    member: Member::clone(member),
                };
                self.adopt(room, joining);
            });
        }
        // A membership that was known before the rooms were read, and is neither in a room nor about to
        // be, has ended. Ids are never used again.
        let gone: Vec<_> = known.difference(&here).copied().collect();
        for batch in gone.chunks(END_MAX) {
            self.end(connection, batch).await?;
        }
        Ok(())
    }

    /// Says which settings other nodes have otherwise, when that changes.
    fn compare_settings(&self, nodes: &[String]) {
        let settings = &self.context.settings;
        let own_name = self.context.node_name();
        let mut differing: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for [node, theirs] in nodes.as_chunks().0 {
            if *node == own_name {
                continue;
            }
            for setting in settings.differing(theirs) {
                let nodes = differing.entry(setting.to_owned()).or_default();
                nodes.push(node.clone());
            }
        }
        for setting in settings.names() {
            let nodes = differing.get(setting).map_or(0, Vec::len);
            self.status.metrics.set_mismatch(setting, nodes);
        }
        let mut logged = self.mismatches.lock();
        for (setting, nodes) in &differing {
            if logged.get(setting) != Some(nodes) {
                tracing::warn!(
                    setting,
                    nodes = nodes.join(" "),
                    "other nodes have another value of a setting that all must have in common"
                );
            }
        }
        for setting in logged
            .keys()
            .filter(|setting| !differing.contains_key(*setting))
        {
            tracing::info!(setting, "all nodes have the same value again");
        }
        *logged = differing;
    }

    /// Makes a member known that Redis does not know, or no longer.
    fn adopt(&self, room: &Arc<Room>, joining: Joining) {
        let Some(requests) = self.requests.upgrade() else {
            return;
        };
        let (room, rooms) = (Arc::clone(room), Arc::clone(&self.rooms));
        let again = Arc::clone(&self.again);
        let (id, user_id) = (joining.id, Arc::clone(&joining.member.user_id));
        let outcome = move |adopted| match adopted {
            Adopted::Known => {}
            Adopted::Later => again.store(true, Ordering::Relaxed),
            Adopted::Over => {
                // While this node was away, so that its tail could not read it.
                let ended = room.changes().end_membership(id);
                if ended.is_some() {
                    rooms.taken_over(&user_id);
                }
            }
        };
        requests.adopt(joining, Box::new(outcome));
    }

    /// Ends memberships that Redis has of this node but that no session has.
    async fn end(&self, connection: &mut Connection, gone: &[MemberId]) -> Result<(), RedisError> {
        let mut pipeline = redis::pipe();
        for id in gone {
            let mut cmd = self.context.call(connection, Script::Leave);
            // The record says which room it is; nothing is known of its log here.
            cmd.arg("").arg(random::id()).arg(0);
            cmd.arg(self.context.node_name())
                .arg(id.to_string())
                .arg("left");
            self.context.add_caller(&mut cmd, None);
            pipeline.add_command(cmd);
        }
        for answer in connection.all(&pipeline).await? {
            answer?;
        }
        Ok(())
    }
}

/// What a heartbeat returns.
struct Around {
    /// The lease had not run out.
    was_alive: bool,
    /// Nodes whose lease has.
    dead: Vec<String>,
}
