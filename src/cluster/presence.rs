//! Leases: a node lives for as long as it renews its own. One that does not has its members ended,
//! by whichever node sees it first.
//!
//! What Redis has of this node's members is compared with who is here whenever a connection begins,
//! and every few beats: so whatever was missed while Redis was away, or lost with it, is mended.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use redis::Value;

use super::connection::{Connection, Trouble, read};
use super::script::{Context, Script, millis};
use super::status::Status;
use crate::clock;
use crate::random;
use crate::room::Room;
use crate::room::backplane::Arrival;
use crate::room::members::{Member, MemberId};
use crate::session::Shared;

/// How long a node is believed to live without a word.
const LEASE: Duration = Duration::from_secs(8);
/// Time between two beats.
const BEAT: Duration = Duration::from_secs(2);
/// Beats between two comparisons of who is here with what Redis has.
const AUDIT_BEATS: u32 = 4;
/// Younger memberships than this may still be on their way into their room here.
const SETTLED_AFTER: Duration = Duration::from_secs(7);
/// Memberships of a dead node that are ended at once.
const REAP_MAX: usize = 200;
/// Memberships that are mended at once.
const MEND_MAX: usize = 500;

/// See the module's text.
#[derive(Debug)]
pub struct Presence {
    context: Arc<Context>,
    shared: Arc<Shared>,
    status: Arc<Status>,
    /// By how much Redis's clock is ahead of this machine's, in milliseconds.
    ahead_ms: AtomicI64,
}

impl Presence {
    /// The presence of this node.
    pub const fn new(context: Arc<Context>, shared: Arc<Shared>, status: Arc<Status>) -> Self {
        Self {
            context,
            shared,
            status,
            ahead_ms: AtomicI64::new(0),
        }
    }

    /// By how much Redis's clock is ahead of this machine's, in milliseconds.
    pub fn ahead_ms(&self) -> i64 {
        self.ahead_ms.load(Ordering::Relaxed)
    }

    /// A connection begins.
    pub async fn begin(&self, connection: &mut Connection) -> Result<(), Trouble> {
        self.beat(connection).await?;
        self.audit(connection).await
    }

    /// Beats for as long as the connection works.
    pub async fn live(&self, mut connection: Connection) -> Trouble {
        let began = Instant::now();
        let mut beats = tokio::time::interval(BEAT);
        beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut until_audit = AUDIT_BEATS;
        loop {
            tokio::select! {
                _ = beats.tick() => {}
                () = self.status.suspicion() => {}
            }
            // After an outage, the others need as long as this node to be back.
            let may_reap = began.elapsed() > LEASE;
            let result = async {
                let around = self.beat(&mut connection).await?;
                until_audit = until_audit.saturating_sub(1);
                if !around.was_alive || until_audit == 0 {
                    until_audit = AUDIT_BEATS;
                    self.audit(&mut connection).await?;
                }
                if may_reap {
                    self.reap(&mut connection, &around.dead).await?;
                }
                Ok::<(), Trouble>(())
            };
            match result.await {
                Ok(()) => {}
                Err(trouble) if trouble.ends_connection() => return trouble,
                Err(trouble) => tracing::warn!("Redis did not renew the lease: {trouble}"),
            }
        }
    }

    async fn beat(&self, connection: &mut Connection) -> Result<Around, Trouble> {
        let mut cmd = self.context.call(connection, Script::Beat);
        cmd.arg(self.context.node_name()).arg(millis(LEASE));
        let (alive, now_ms, dead): (i64, i64, Vec<String>) = connection.one(&cmd).await?;
        let ahead_ms = now_ms.saturating_sub(clock::unix_ms());
        self.ahead_ms.store(ahead_ms, Ordering::Relaxed);
        Ok(Around {
            was_alive: alive == 1,
            dead,
        })
    }

    /// Ends the memberships of nodes that are gone.
    async fn reap(&self, connection: &mut Connection, dead: &[String]) -> Result<(), Trouble> {
        for node in dead {
            loop {
                let mut cmd = self.context.call(connection, Script::Reap);
                cmd.arg(node).arg(REAP_MAX).arg(random::id());
                cmd.arg(self.context.node_name());
                self.context.add_bounds(&mut cmd);
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
    async fn audit(&self, connection: &mut Connection) -> Result<(), Trouble> {
        let mut cmd = self.context.call(connection, Script::Register);
        cmd.arg(self.context.node_name()).arg(millis(LEASE));
        let known: Vec<String> = connection.one(&cmd).await?;
        let known: HashSet<MemberId> = known.iter().filter_map(|id| id.parse().ok()).collect();
        let mut here = HashSet::new();
        let mut missing = Vec::new();
        for room in self.shared.rooms.all() {
            for (id, member) in room.members_here() {
                here.insert(id);
                if !known.contains(&id) {
                    missing.push((Arc::clone(room), id, member));
                }
            }
        }
        let settled_ms = clock::unix_ms().saturating_sub_unsigned(millis(SETTLED_AFTER));
        let settled_ms = u64::try_from(settled_ms).unwrap_or_default();
        let is_old = |id: &&MemberId| id.joined_ms() < settled_ms;
        let gone: Vec<_> = known.difference(&here).filter(is_old).copied().collect();
        for batch in missing.chunks(MEND_MAX) {
            self.adopt(connection, batch).await?;
        }
        for batch in gone.chunks(MEND_MAX) {
            self.end(connection, batch).await?;
        }
        Ok(())
    }

    /// Makes members known that Redis does not know, or no longer.
    async fn adopt(
        &self,
        connection: &mut Connection,
        members: &[(Arc<Room>, MemberId, Member)],
    ) -> Result<(), Trouble> {
        let mut pipeline = redis::pipe();
        for (room, id, member) in members {
            let arrival = Arrival {
                known: room.known(),
                id: *id,
                member: member.clone(),
            };
            let context = &self.context;
            pipeline.add_command(context.call_join(connection, &arrival, i64::MAX, "silent"));
        }
        let answers = connection.all(&pipeline).await?;
        for ((room, id, member), answer) in members.iter().zip(answers) {
            let words: Vec<Value> = read(answer?)?;
            let word = words.into_iter().next().map(read::<String>).transpose()?;
            if word.as_deref() == Some("elsewhere") {
                // The user came back at another node while this one was away.
                room.left_elsewhere(*id);
                self.shared.users.taken_over_elsewhere(&member.user_id);
            }
        }
        Ok(())
    }

    /// Ends memberships that Redis has of this node, and that nobody here has.
    async fn end(&self, connection: &mut Connection, gone: &[MemberId]) -> Result<(), Trouble> {
        let mut pipeline = redis::pipe();
        for id in gone {
            let mut cmd = self.context.call(connection, Script::Leave);
            // The record says which room it is; nothing is known of its log here.
            cmd.arg("").arg(random::id()).arg(0);
            cmd.arg(self.context.node_name()).arg(id.to_string());
            self.context.add_bounds(&mut cmd);
            pipeline.add_command(cmd);
        }
        for answer in connection.all(&pipeline).await? {
            answer?;
        }
        Ok(())
    }
}

/// What a beat tells.
struct Around {
    /// The lease had not run out.
    was_alive: bool,
    /// Nodes whose lease has.
    dead: Vec<String>,
}
