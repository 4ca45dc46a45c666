//! What all sessions share: the rooms, the users, the settings, and whether the server shuts down.

use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::budget::{Budgets, Rates};
use super::identity::Identities;
use super::identity::{ConnectError, Identity};
use super::registry::{HoldSettings, SessionRegistry};
use crate::decisions::DecisionKey;
use crate::domain::{ReservedNames, TextLimits};
use crate::memory::MemoryBudget;
use crate::metrics::Metrics;
use crate::moderation::Moderation;
use crate::protocol::Limits;
use crate::room::{Rooms, Signals, Store};

/// How sessions behave.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    /// Requests that may wait in an inbox.
    pub inbox_max: usize,
    /// How long a message may be.
    pub text: TextLimits,
    /// How fast users may send requests; `None` = not limited.
    pub rates: Option<Rates>,
    /// Users who may connect from one address, if that is limited.
    pub users_per_address: Option<NonZeroU32>,
    /// The limits as clients receive them.
    pub limits: Limits,
    /// How memberships are held for users without a connection.
    pub hold: HoldSettings,
    /// Names that no user may take.
    pub reserved_names: ReservedNames,
    /// How long the audit log is kept; `None` = for ever.
    pub audit_retention: Option<Duration>,
}

/// What all sessions share.
#[derive(Debug)]
pub struct Shared {
    /// The rooms.
    pub rooms: Arc<Rooms>,
    /// What keeps them.
    pub store: Arc<dyn Store>,
    /// Who may write and connect, and what moderators do.
    pub moderation: Arc<Moderation>,
    /// Settings of each session.
    pub settings: SessionSettings,
    /// Signs and verifies tokens.
    pub identities: Identities,
    /// Metrics of the service.
    pub metrics: Arc<Metrics>,
    /// Memory that all connections together may hold.
    pub budget: Arc<MemoryBudget>,
    /// The live session and the held membership of each user.
    pub users: Arc<SessionRegistry>,
    /// Rate limits of users and addresses.
    pub budgets: Budgets,
    pub(super) drain: OnceLock<Drain>,
}

impl Shared {
    /// Shared state for sessions of these rooms.
    #[must_use]
    pub fn new(
        rooms: Arc<Rooms>,
        store: Arc<dyn Store>,
        settings: SessionSettings,
        identities: Identities,
        metrics: Arc<Metrics>,
        budget: Arc<MemoryBudget>,
    ) -> Self {
        let users = SessionRegistry::new(settings.hold);
        let registry = Arc::clone(&users);
        rooms.on_takeover(move |user_id| registry.taken_over_elsewhere(user_id));
        let moderation = Moderation::new(
            Arc::clone(&rooms),
            Arc::clone(&store),
            settings.audit_retention,
            Arc::clone(&metrics),
        );
        let moderation = Arc::new(moderation);
        act_upon_decisions(&rooms, &users, &moderation);
        Self {
            moderation,
            rooms,
            store,
            users,
            budgets: Budgets::new(settings.rates, settings.users_per_address),
            settings,
            identities,
            metrics,
            budget,
            drain: OnceLock::new(),
        }
    }

    /// Lets a client pass that is not banned.
    ///
    /// # Errors
    /// [`ConnectError::Banned`].
    pub(super) fn check_ban(&self, identity: Identity) -> Result<Identity, ConnectError> {
        let Identity {
            user_id, network, ..
        } = &identity;
        let ban = self.moderation.ban_of(user_id, *network, identity.role());
        let Some(ban) = ban else {
            return Ok(identity);
        };
        self.moderation.note_network(user_id, *network);
        Err(ConnectError::Banned {
            until_ms: ban.until_ms,
        })
    }

    /// Shuts down all sessions, also those that begin later. Only the first call counts.
    pub fn drain(&self, drain: Drain) {
        self.drain.get_or_init(|| drain);
        self.rooms.counts().audience().notify(Signals::DRAIN);
    }
}

/// Has the sessions and the held memberships of users act upon what is decided about them.
fn act_upon_decisions(
    rooms: &Arc<Rooms>,
    users: &Arc<SessionRegistry>,
    moderation: &Arc<Moderation>,
) {
    let (all, users) = (Arc::downgrade(rooms), Arc::clone(users));
    let moderation = Arc::downgrade(moderation);
    rooms.decisions().watch(move |key, decision| {
        let (Some(all), Some(moderation)) = (all.upgrade(), moderation.upgrade()) else {
            return;
        };
        match key {
            _ if decision.is_none() => {}
            DecisionKey::Ban(user_id) | DecisionKey::Kick(user_id) => {
                users.decided(user_id, |held| moderation.ends(user_id, held.id()));
            }
            // Rare, so each session compares its own network or token.
            DecisionKey::BannedNetwork(_)
            | DecisionKey::RevokedToken(_)
            | DecisionKey::RevokedUser(_)
            | DecisionKey::RevokedAll => {
                all.counts().audience().notify(Signals::DECIDED);
            }
            _ => {}
        }
    });
}

/// How sessions end when the server shuts down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain {
    /// Time over which the ends of sessions are spread.
    pub spread: Duration,
}
