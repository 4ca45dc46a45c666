//! What all sessions share: the rooms, the users, the settings, and whether the server is going away.

use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::budget::{Budgets, Rates};
use super::identity::Identities;
use super::users::Users;
use crate::domain::{ReservedNames, TextLimits};
use crate::memory::MemoryBudget;
use crate::metrics::Metrics;
use crate::protocol::Limits;
use crate::room::{News, Rooms, Store};

/// How sessions behave.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    /// Requests that may wait in a mailbox.
    pub mailbox: usize,
    /// What a message may be.
    pub text: TextLimits,
    /// How fast users may ask; `None` = not limited.
    pub rates: Option<Rates>,
    /// How many users may be behind one address, if that is limited.
    pub users_per_address: Option<NonZeroU32>,
    /// The same, as clients are told.
    pub limits: Limits,
    /// How long the place of somebody whose connection is lost is kept.
    pub resume_grace: Duration,
    /// Names that nobody may go by.
    pub reserved_names: ReservedNames,
    /// How many places are kept at once; 0 = not limited.
    pub kept_max: usize,
}

/// What all sessions share.
#[derive(Debug)]
pub struct Shared {
    /// The rooms.
    pub rooms: Arc<Rooms>,
    /// What keeps them.
    pub store: Arc<dyn Store>,
    /// How sessions behave.
    pub settings: SessionSettings,
    /// Who they are.
    pub identities: Identities,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What memory all connections may hold.
    pub budget: Arc<MemoryBudget>,
    /// Which of them speaks for whom.
    pub users: Arc<Users>,
    /// What each user may still ask for.
    pub budgets: Budgets,
    pub(super) drain: OnceLock<Drain>,
}

impl Shared {
    /// What sessions of these rooms share.
    #[must_use]
    pub fn new(
        rooms: Arc<Rooms>,
        store: Arc<dyn Store>,
        settings: SessionSettings,
        identities: Identities,
        metrics: Arc<Metrics>,
        budget: Arc<MemoryBudget>,
    ) -> Self {
        let users = Users::new(settings.resume_grace, settings.kept_max);
        let registry = Arc::clone(&users);
        rooms.on_takeover(move |user_id| registry.taken_over_elsewhere(user_id));
        Self {
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

    /// Tells all sessions, also those that are yet to come, that the server is going away. The
    /// first call counts.
    pub fn drain(&self, drain: Drain) {
        self.drain.get_or_init(|| drain);
        self.rooms.counts().audience().notify(News::DRAIN);
    }
}

/// The server is going away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain {
    /// Sessions end spread over this time, each at a moment of its own.
    pub spread: Duration,
}
