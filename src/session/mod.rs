//! One connection: commands come in through an ordered mailbox, everything goes out from one task.
//!
//! In reading order: [`connection`] (what it speaks over), [`mailbox`] (in), [`outbox`] (out, with back-pressure), [`link`] (between the
//! session and its transport), [`stream`] (a WebSocket's), [`budget`] (what a user may ask for), [`door`] (where the transport
//! hands over what a client sent), [`identity`] (who a client is), [`users`] (which session speaks
//! for whom, and places kept for the lost), `serve` (the loop), `commands` (what each command does),
//! `pages` (of history and users), `answers` (those that take a while).
//!
//! A session is a cursor in its room's log. Because the confirmation of a join, the history and
//! the live entries all leave from the session's one task, there is no seam between them: nothing
//! is lost, doubled or reordered, and a slow reader falls behind in the log and nowhere else.

mod answers;
pub mod budget;
mod commands;
pub mod connection;
pub mod door;
pub mod identity;
pub mod link;
#[cfg(test)]
mod link_tests;
pub mod mailbox;
pub mod outbox;
mod pages;
mod serve;
pub mod stream;
pub mod users;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use budget::{Budgets, Rates};
pub use connection::{Connection, Ended, SendError};
pub use door::Door;
pub use identity::Identities;
pub use link::Link;
pub use serve::Session;
pub use users::Users;

use crate::domain::{ReservedNames, TextLimits};
use crate::memory::{MemoryAccount, MemoryBudget};
use crate::metrics::Metrics;
use crate::protocol::{Auth, Limits};
use crate::room::{Bell, News, Rooms, UserId};
use identity::TokenError;

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
    drain: OnceLock<Drain>,
}

impl Shared {
    /// What sessions of these rooms share.
    #[must_use]
    pub fn new(
        rooms: Arc<Rooms>,
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

/// Who a connection is, by what it presented.
#[derive(Debug)]
pub(crate) struct Who {
    user_id: UserId,
    /// The network it connects from, where that is known.
    network: Option<IpAddr>,
    /// The client says that it can resume.
    resumes: bool,
    /// Why the token it presented is not honoured.
    token_error: Option<TokenError>,
}

impl Who {
    fn new(identities: &Identities, auth: &Auth, network: Option<IpAddr>) -> Self {
        let presented = auth.token.as_ref().and_then(|token| token.as_deref());
        let (user_id, token_error) = match presented.map(|token| identities.verify(token)) {
            Some(Ok(user_id)) => (user_id, None),
            Some(Err(error)) => (Identities::fresh(), Some(error)),
            None => (Identities::fresh(), None),
        };
        Self {
            user_id,
            network,
            resumes: auth.token.is_some(),
            token_error,
        }
    }
}

/// Opens a session on a connection that may be spoken to; `network` is what it connects from, where
/// that is known. The transport keeps the first two and owns nothing of the session itself, which
/// belongs to the task that runs it.
#[must_use]
pub fn open<C: Connection + std::fmt::Debug>(
    shared: &Arc<Shared>,
    link: &Arc<Link>,
    memory: &Arc<MemoryAccount>,
    connection: C,
    auth: &Auth,
    network: Option<IpAddr>,
) -> (Door<C::Ack>, EndHandle, Box<Session<C>>) {
    let bell = Arc::new(Bell::default());
    let mailbox = mailbox::Mailbox::new(
        shared.settings.mailbox,
        Arc::clone(&bell),
        Arc::clone(link),
        memory,
    );
    let mailbox = Arc::new(mailbox);
    let who = Who::new(&shared.identities, auth, network);
    let account = Arc::new(shared.budgets.account(&who.user_id, network));
    let door = Door::new(shared, Arc::clone(&account), Arc::clone(&bell), &mailbox);
    let end = EndHandle(Arc::clone(&bell));
    let out =
        outbox::Outbox::new(connection, Arc::clone(link), Arc::clone(&bell)).charged_to(memory);
    if let Some(error) = who.token_error {
        shared.metrics.reject(error.as_str());
    }
    let session = Session::new(
        Arc::clone(shared),
        who,
        account,
        mailbox,
        Arc::new(out),
        bell,
    );
    (door, end, Box::new(session))
}

/// Ends a session from outside, whatever it is waiting for.
#[derive(Debug)]
pub struct EndHandle(Arc<Bell>);

impl EndHandle {
    /// The connection is over. `said_goodbye` where the client closed its Socket.IO session,
    /// rather than being lost.
    pub fn disconnected(&self, said_goodbye: bool) {
        self.0
            .ring(if said_goodbye { News::LEFT } else { News::GONE });
    }
}
