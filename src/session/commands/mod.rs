//! Everything a client may ask for: a table with one line for each command.
//!
//! A command's file implements `Execute` for its request: the rate class, the action, and how the
//! answer is sent. Event name and decoding come from `protocol` ([`ClientRequest`]). An action needs
//! a `Participant` and neither a connection nor an acknowledgement, so that it can be called for
//! users without one.

mod change;
pub(crate) mod execute;
mod history;
mod join;
mod leave;
mod moderate;
mod react;
mod search;
mod send;
mod typing;
mod users;
mod watch;

use std::fmt::Debug;

use self::execute::{Execute, execute};
use super::budget::Class;
use super::client::Client;
use super::connection::{CloseReason, Connection};
use super::participant::Participant;
use crate::domain::{RequestError, TextLimits};
use crate::protocol::{
    ClientRequest, DeleteRequest, EditRequest, HistoryRequest, JoinRequest, LeaveRequest,
    ModerateRequest, ReactRequest, SearchRequest, SendRequest, TypingRequest, UnwatchRequest,
    UsersRequest, WatchRequest,
};

/// What is known of a command from its event name alone.
#[derive(Debug)]
pub struct CommandSpec {
    /// Name of the event.
    pub event: &'static str,
    /// Bytes of the largest event that is decoded.
    pub event_bytes_max: usize,
    /// What requests count as.
    pub class: Class,
    /// Whether it is executed while earlier messages still wait for their acknowledgement.
    pub may_overtake_answers: bool,
    /// Whether it may end the membership in the joined room.
    pub leaves_room: bool,
    decode: fn(Option<&str>, &TextLimits) -> Result<Command, RequestError>,
}

impl CommandSpec {
    const fn of<R: Execute>(
        decode: fn(Option<&str>, &TextLimits) -> Result<Command, RequestError>,
    ) -> Self {
        Self {
            event: R::EVENT,
            event_bytes_max: R::EVENT_BYTES_MAX,
            class: R::CLASS,
            may_overtake_answers: R::MAY_OVERTAKE_ANSWERS,
            leaves_room: R::LEAVES_ROOM,
            decode,
        }
    }

    /// Decodes a payload of this command's event; see [`ClientRequest::decode`].
    ///
    /// # Errors
    /// A [`RequestError`] ready to be sent.
    pub fn decode(
        &self,
        payload: Option<&str>,
        limits: &TextLimits,
    ) -> Result<Command, RequestError> {
        (self.decode)(payload, limits)
    }
}

/// The command whose event has this name.
#[must_use]
pub fn find(event: &str) -> Option<&'static CommandSpec> {
    COMMANDS.iter().find(|spec| spec.event == event)
}

/// Makes [`Command`] and [`COMMANDS`] of a list of requests.
macro_rules! commands {
    ($($variant:ident($request:ty),)+) => {
        /// A decoded and valid request of any command.
        #[derive(Debug, Clone)]
        #[expect(missing_docs, reason = "each variant is named like the request in it")]
        pub enum Command {
            $($variant($request),)+
        }

        /// All commands.
        pub static COMMANDS: &[CommandSpec] = &[$(
            CommandSpec::of::<$request>(|payload, limits| {
                <$request>::decode(payload, limits).map(Command::$variant)
            }),
        )+];

        impl Command {
            /// Bytes that the request holds outside itself.
            #[must_use]
            pub fn held_bytes(&self) -> usize {
                match self {
                    $(Self::$variant(request) => request.held_bytes(),)+
                }
            }

            /// Bytes that the answer may have, if it may be large.
            pub(super) fn answer_bytes(&self, participant: &Participant) -> usize {
                match self {
                    $(Self::$variant(request) => request.answer_bytes(participant),)+
                }
            }

            /// Executes the request and answers it.
            pub(super) async fn execute<C: Connection + Debug>(
                self,
                client: &mut Client<C>,
                ack: Option<C::Ack>,
            ) -> Result<(), CloseReason> {
                match self {
                    $(Self::$variant(request) => execute(request, client, ack).await,)+
                }
            }

            /// Executes what must happen although the connection has ended.
            pub(super) async fn run_after_disconnect(self, participant: &mut Participant) {
                match self {
                    $(Self::$variant(request) => request.run_after_disconnect(participant).await,)+
                }
            }
        }
    };
}

commands! {
    Join(Box<JoinRequest>),
    Leave(LeaveRequest),
    Send(SendRequest),
    Edit(EditRequest),
    Delete(DeleteRequest),
    React(ReactRequest),
    History(HistoryRequest),
    Users(UsersRequest),
    Search(SearchRequest),
    Typing(TypingRequest),
    Watch(WatchRequest),
    Unwatch(UnwatchRequest),
    Moderate(Box<ModerateRequest>),
}
