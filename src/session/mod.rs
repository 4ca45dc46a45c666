//! One connection: commands come in through an ordered mailbox, everything goes out from one task.
//!
//! In reading order: [`connection`] (what it speaks over), [`outbox`] (out, with back-pressure),
//! [`link`] (between the session and its transport), [`stream`] (a WebSocket's), [`budget`] (what a
//! user may ask for), [`identity`] (who a client is), [`users`] (which session speaks for whom, and
//! memberships held for the lost), [`shared`] (what all sessions share), `participant` (a user as
//! commands see them), `client` (what a client is sent), `answers` (those that take a while),
//! [`commands`] (the table of commands), [`mailbox`] (requests that wait), [`door`] (where the
//! transport hands over what a client sent), `serve` (the loop).
//!
//! A session is a cursor in its room's log. Because the confirmation of a join, the history and
//! the live entries all leave from the session's one task, there is no seam between them: nothing
//! is lost, doubled or reordered, and a slow reader falls behind in the log and nowhere else.

mod answers;
pub mod budget;
mod client;
pub mod commands;
pub mod connection;
pub mod door;
pub mod identity;
pub mod link;
#[cfg(test)]
mod link_tests;
pub mod mailbox;
pub mod outbox;
mod participant;
mod serve;
pub mod shared;
pub mod stream;
mod unanswered;
pub mod users;

use std::net::IpAddr;
use std::sync::Arc;

pub use connection::{Connection, Ended, SendError};
pub use door::Door;
pub use identity::Identities;
pub use link::Link;
pub use serve::Session;
pub use shared::{Drain, SessionSettings, Shared};
pub use users::Users;

use crate::memory::MemoryAccount;
use crate::protocol::Auth;
use crate::room::{Bell, News};
use identity::Identity;
use participant::Participant;

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
    let identity = Identity::new(&shared.identities, auth, network);
    let account = Arc::new(shared.budgets.account(&identity.user_id, network));
    let door = Door::new(shared, Arc::clone(&account), Arc::clone(&bell), &mailbox);
    let end = EndHandle(Arc::clone(&bell));
    let out =
        outbox::Outbox::new(connection, Arc::clone(link), Arc::clone(&bell)).charged_to(memory);
    if let Some(error) = identity.token_error {
        shared.metrics.reject(error.as_str());
    }
    let out = Arc::new(out);
    let participant = Participant {
        shared: Arc::clone(shared),
        identity,
        account,
        subscriber: Arc::clone(&out) as _,
        joined: None,
    };
    let session = Session::new(participant, out, mailbox, Arc::clone(memory), bell);
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
