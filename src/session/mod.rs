//! One connection's session: requests come in through an ordered inbox, and one task sends everything.
//!
//! In reading order: [`connection`] (what a session needs of a connection), [`stream`] (the byte stream
//! of a WebSocket), [`flow_control`] (between a session and its transport), [`outbox`] (output with
//! back-pressure), [`budget`] (rate limits), [`identity`] (tokens), [`registry`] (sessions by user, and
//! held memberships), [`shared`] (what all sessions share), `participant` (a user as commands see
//! them), `client` (what a client is sent), `watched` and `watching` (rooms that it looks into), `answers` (acknowledgements that come later), [`commands`]
//! (the table of commands), `expiry` (tokens that expire while their session lasts), [`inbox`] (requests that wait), [`inbox_sender`] (the transport's end of
//! it), `serve` (the loop).
//!
//! A session is a cursor in its room's log. The confirmation of a join, the history and the live
//! entries are all sent by the session's one task, so there is no seam between them: nothing is lost,
//! doubled or reordered. A slow reader falls behind in the log and nowhere else.

mod answers;
pub mod budget;
mod client;
pub mod commands;
pub mod connection;
mod expiry;
pub mod flow_control;
#[cfg(test)]
mod flow_control_tests;
pub mod identity;
pub mod inbox;
pub mod inbox_sender;
pub mod outbox;
mod participant;
pub mod registry;
mod serve;
pub mod shared;
pub mod stream;
mod unanswered;
mod watched;
mod watching;

use std::net::IpAddr;
use std::sync::Arc;

pub use connection::{CloseReason, Connection, SendError};
pub use flow_control::FlowControl;
pub use identity::{AuthMode, ConnectError, Identities, Identity};
pub use inbox_sender::InboxSender;
pub use registry::{HoldSettings, SessionRegistry};
pub use serve::Session;
pub use shared::{Drain, SessionSettings, Shared};

use crate::memory::MemoryAccount;
use crate::metrics::RefusalContext;
use crate::protocol::Auth;
use crate::room::{Notifier, Signals};
use participant::Participant;

/// What is refused if a client may not connect, or its token is not accepted.
const CONNECT: &str = "CONNECT";

/// Recognises a client by what it presents. `network` is where it connects from, if that is known.
///
/// # Errors
/// [`ConnectError`] if it may not connect.
pub fn identify(
    shared: &Shared,
    auth: &Auth,
    network: Option<IpAddr>,
) -> Result<Identity, ConnectError> {
    Identity::new(&shared.identities, auth, network)
        .and_then(|identity| shared.check_ban(identity))
        .inspect_err(|error| {
            let context = RefusalContext {
                what: CONNECT,
                text: &error.to_string(),
                network,
            };
            shared.metrics.reject_with(error.code(), &context);
        })
}

/// Opens a session on a connection of this client. The transport keeps the first two results. The
/// session itself belongs to the task that runs it.
#[must_use]
pub fn open<C: Connection + std::fmt::Debug>(
    shared: &Arc<Shared>,
    flow: &Arc<FlowControl>,
    memory: &Arc<MemoryAccount>,
    connection: C,
    identity: Identity,
) -> (InboxSender<C::Ack>, EndHandle, Box<Session<C>>) {
    let notifier = Arc::new(Notifier::default());
    let inbox = inbox::Inbox::new(
        shared.settings.inbox_max,
        Arc::clone(&notifier),
        Arc::clone(flow),
        memory,
    );
    let inbox = Arc::new(inbox);
    let budgets = &shared.budgets;
    let account = match identity.is_new {
        true => budgets.account_of_newcomer(&identity.user_id, identity.network),
        false => budgets.account(&identity.user_id, identity.network),
    };
    let account = Arc::new(account);
    let sender = InboxSender::new(shared, Arc::clone(&account), Arc::clone(&notifier), &inbox);
    let end = EndHandle(Arc::clone(&notifier));
    let out =
        outbox::Outbox::new(connection, Arc::clone(flow), Arc::clone(&notifier)).charged_to(memory);
    if let Some(error) = identity.token_error {
        let context = RefusalContext {
            what: CONNECT,
            text: &error.to_string(),
            network: identity.network,
        };
        shared.metrics.reject_with(error.as_str(), &context);
    }
    let out = Arc::new(out);
    let participant = Participant {
        shared: Arc::clone(shared),
        identity,
        account,
        subscriber: Arc::clone(&out) as _,
        joined: None,
        watched: Vec::new(),
    };
    let session = Session::new(participant, out, inbox, Arc::clone(memory), notifier);
    (sender, end, Box::new(session))
}

/// Ends a session from outside, also while it waits.
#[derive(Debug)]
pub struct EndHandle(Arc<Notifier>);

impl EndHandle {
    /// Ends the session. `said_goodbye` if the client closed its Socket.IO session; otherwise the
    /// connection is lost.
    pub fn disconnected(&self, said_goodbye: bool) {
        self.0.notify(if said_goodbye {
            Signals::LEFT
        } else {
            Signals::GONE
        });
    }
}
