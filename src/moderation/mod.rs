//! People in charge: who may write, who may connect, and what moderators do.
//!
//! What was decided is in [`Decisions`], which every process has and the store keeps. [`Moderation`]
//! looks it up and changes it; the sessions act upon changes.

mod act;
mod details;
mod filter;
mod messages;
mod slow_mode;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use self::act::Author;
use self::filter::Filter;
pub use self::filter::{Checked, Review};
use self::slow_mode::SlowMode;
use crate::clock;
use crate::decisions::{AuditPage, Decision, DecisionChange, DecisionKey, Decisions};
use crate::domain::{RequestError, Role};
use crate::metrics::Metrics;
use crate::room::{MemberId, Room, Rooms, Store, UserId};

/// Time between two looks for decisions that hold no more.
const SWEEP_INTERVAL: Duration = Duration::from_secs(30);
/// Decisions that are taken back in one step.
const SWEEP_MAX: usize = 500;

/// Looks up and changes what people in charge have decided.
#[derive(Debug)]
pub struct Moderation {
    rooms: Arc<Rooms>,
    store: Arc<dyn Store>,
    audit_retention: Option<Duration>,
    metrics: Arc<Metrics>,
    slow_mode: SlowMode,
    filter: Filter,
}

impl Moderation {
    /// Moderation of these rooms. Lines of the audit log are kept for `audit_retention`; `None` = for
    /// ever.
    #[must_use]
    pub fn new(
        rooms: Arc<Rooms>,
        store: Arc<dyn Store>,
        audit_retention: Option<Duration>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            rooms,
            store,
            audit_retention,
            metrics,
            slow_mode: SlowMode::default(),
            filter: Filter::default(),
        }
    }

    fn decisions(&self) -> &Arc<Decisions> {
        self.rooms.decisions()
    }

    /// Whether a user may write in a room now. A message that is accepted counts for slow mode.
    ///
    /// # Errors
    /// `muted`, `locked` or `slow_mode`.
    pub fn check_writing(
        &self,
        room: &Room,
        user_id: &UserId,
        role: Role,
    ) -> Result<(), RequestError> {
        self.check_editing(room, user_id, role)?;
        if self.may_always_write(role) {
            return Ok(());
        }
        let slow = self
            .decisions()
            .get(&DecisionKey::SlowMode(room.name().clone()));
        match slow.and_then(|slow| slow.seconds) {
            Some(seconds) => self.slow_mode.admit(room.index(), user_id, seconds),
            None => Ok(()),
        }
    }

    /// Whether a user may change the text of their messages in a room now.
    ///
    /// # Errors
    /// `muted` or `locked`.
    pub fn check_editing(
        &self,
        room: &Room,
        user_id: &UserId,
        role: Role,
    ) -> Result<(), RequestError> {
        if self.may_always_write(role) {
            return Ok(());
        }
        let decisions = self.decisions();
        if let Some(mute) = decisions.get(&DecisionKey::Mute(Arc::clone(user_id))) {
            return Err(RequestError::muted(time_left(&mute)));
        }
        let lock = decisions.get(&DecisionKey::Lock(room.name().clone()));
        match lock {
            Some(_) => Err(RequestError::locked()),
            None => Ok(()),
        }
    }

    /// Whether nothing that was decided keeps users of this role from writing.
    fn may_always_write(&self, role: Role) -> bool {
        role >= Role::Moderator || !self.decisions().restrict_writing()
    }

    /// Whether a user is muted now.
    #[must_use]
    pub fn is_muted(&self, user_id: &UserId) -> bool {
        let decisions = self.decisions();
        decisions.restrict_writing()
            && decisions
                .get(&DecisionKey::Mute(Arc::clone(user_id)))
                .is_some()
    }

    /// The ban that keeps a user out, of the user or of the network they connect from. A banned network
    /// keeps no moderator out, and no ban keeps an admin out: a leaked moderator's token must not be
    /// enough to lock out those who can revoke it.
    #[must_use]
    pub fn ban_of(
        &self,
        user_id: &UserId,
        network: Option<IpAddr>,
        role: Role,
    ) -> Option<Arc<Decision>> {
        if role >= Role::Admin {
            return None;
        }
        let decisions = self.decisions();
        let of_user = decisions.get(&DecisionKey::Ban(Arc::clone(user_id)));
        of_user.or_else(|| {
            let network = network.filter(|_| role < Role::Moderator)?;
            decisions.get(&DecisionKey::BannedNetwork(network))
        })
    }

    /// Bans the network of a banned user, if the ban says so and it is not banned yet.
    pub fn note_network(&self, user_id: &UserId, network: Option<IpAddr>) {
        let decisions = self.decisions();
        let ban = decisions.get(&DecisionKey::Ban(Arc::clone(user_id)));
        let (Some(ban), Some(network)) = (ban.filter(|ban| ban.with_network), network) else {
            return;
        };
        let key = DecisionKey::BannedNetwork(network);
        if decisions.get(&key).is_some() {
            return;
        }
        let of_network = Decision {
            user_id: Some(user_id.to_string()),
            ..(*ban).clone()
        };
        let change = DecisionChange {
            set: vec![(key, Some(of_network))],
            ..DecisionChange::default()
        };
        // If the store does not take it now, the next attempt to connect does this again.
        drop(self.store.decide(decisions, change));
    }

    /// Whether this membership is to end, by a ban of the user or a kick.
    #[must_use]
    pub fn ends(&self, user_id: &UserId, membership: MemberId) -> bool {
        let ban = DecisionKey::Ban(Arc::clone(user_id));
        self.decisions().get(&ban).is_some() || self.is_kicked(user_id, membership)
    }

    /// Whether this membership of a user is to end by a kick.
    #[must_use]
    pub fn is_kicked(&self, user_id: &UserId, membership: MemberId) -> bool {
        let kick = self
            .decisions()
            .get(&DecisionKey::Kick(Arc::clone(user_id)));
        let member = kick.as_ref().and_then(|kick| kick.member.as_deref());
        member.is_some_and(|member| member.parse() == Ok(membership))
    }

    /// A page of the audit log: lines with smaller numbers than `before`, newest first.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn audit(&self, before: Option<u64>, max: usize) -> Result<AuditPage, RequestError> {
        let mut page = self.store.read_audit(before, max).await?;
        let from_ms = self.audit_from_ms();
        let count = page.lines.len();
        page.lines.retain(|line| line.at_ms >= from_ms);
        page.more &= page.lines.len() == count;
        Ok(page)
    }

    /// Lines from before this are not kept.
    fn audit_from_ms(&self) -> i64 {
        self.audit_retention.map_or(0, |kept| {
            let kept_ms = u64::try_from(kept.as_millis()).unwrap_or(u64::MAX);
            clock::unix_ms().saturating_sub_unsigned(kept_ms)
        })
    }

    /// Takes back what holds no more, for as long as it is polled.
    pub async fn sweep(&self) {
        loop {
            tokio::time::sleep(SWEEP_INTERVAL).await;
            let expired = self.decisions().expired(clock::unix_ms(), SWEEP_MAX);
            if expired.is_empty() {
                continue;
            }
            let change = DecisionChange {
                set: expired.into_iter().map(|key| (key, None)).collect(),
                ..DecisionChange::default()
            };
            if let Err(refusal) = self.store.decide(self.decisions(), change).get().await {
                tracing::debug!("what has expired is taken back later: {refusal}");
            }
        }
    }
}

/// When a decision of `at_ms` ends; `None` if it has no end.
fn end_of(at_ms: i64, time: Option<Duration>) -> Option<i64> {
    let ms = u64::try_from(time?.as_millis()).unwrap_or(u64::MAX);
    Some(at_ms.saturating_add_unsigned(ms))
}

/// How long a decision still holds; `None` if it has no end.
#[must_use]
pub fn time_left(decision: &Decision) -> Option<Duration> {
    let left_ms = decision.until_ms? - clock::unix_ms();
    Some(Duration::from_millis(u64::try_from(left_ms).unwrap_or(0)))
}
