//! One connection: commands come in through an ordered mailbox, everything goes out from one task.
//!
//! In reading order: [`mailbox`] (in), [`outbox`] (out, with back-pressure), [`link`] (between the
//! session and its transport), [`rate`] (how fast a client may ask), [`door`] (where the transport
//! hands over what a client sent), `serve` (the loop), `commands` (what each command does).
//!
//! A session is a cursor in its room's log. Because the confirmation of a join, the history and
//! the live entries all leave from the session's one task, there is no seam between them: nothing
//! is lost, doubled or reordered, and a slow reader falls behind in the log and nowhere else.

mod commands;
pub mod door;
pub mod link;
pub mod mailbox;
pub mod outbox;
pub mod rate;
mod serve;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use door::Door;
pub use link::Link;
pub use outbox::{Connection, Ended, Undeliverable};
pub use serve::Session;

use crate::domain::TextLimits;
use crate::protocol::Limits;
use crate::room::{Bell, News, Rooms};

/// How sessions behave.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    /// Requests that may wait in a mailbox.
    pub mailbox: usize,
    /// What a message may be.
    pub text: TextLimits,
    /// How fast messages may come.
    pub messages: Option<rate::Rate>,
    /// How fast other requests may come.
    pub requests: Option<rate::Rate>,
    /// The same, as clients are told.
    pub limits: Limits,
}

/// What all sessions share.
#[derive(Debug)]
pub struct Shared {
    /// The rooms.
    pub rooms: Rooms,
    /// How sessions behave.
    pub settings: SessionSettings,
    drain: OnceLock<Drain>,
}

impl Shared {
    /// What sessions of these rooms share.
    #[must_use]
    pub const fn new(rooms: Rooms, settings: SessionSettings) -> Self {
        Self {
            rooms,
            settings,
            drain: OnceLock::new(),
        }
    }

    /// Tells all sessions, also those that are yet to come, that the server is going away. The
    /// first call counts.
    pub fn drain(&self, drain: Drain) {
        self.drain.get_or_init(|| drain);
        self.rooms.counts().audience().ring(News::DRAIN);
    }
}

/// The server is going away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain {
    /// Sessions end spread over this time, each at a moment of its own.
    pub spread: Duration,
}

/// Opens a session: the door, for the transport to hand requests to, and the session to run once
/// the connection may be spoken to.
#[must_use]
pub fn open<C: Connection + std::fmt::Debug>(
    shared: &Arc<Shared>,
    link: &Arc<Link>,
    connection: C,
) -> (Door<C::Ack>, Box<Session<C>>) {
    let bell = Arc::new(Bell::default());
    let door = Door::new(&shared.settings, Arc::clone(&bell), Arc::clone(link));
    let mailbox = Arc::clone(door.mailbox());
    let out = outbox::Outbox::new(connection, Arc::clone(link), Arc::clone(&bell));
    let out = Arc::new(out);
    (
        door,
        Box::new(Session::new(Arc::clone(shared), mailbox, out, bell)),
    )
}
