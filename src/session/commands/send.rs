//! `send_message`: publishes a message in the joined room.

use std::fmt::Debug;
use std::sync::Arc;

use super::execute::Execute;
use crate::domain::Refusal;
use crate::protocol::SendRequest;
use crate::room::{Published, Saying};
use crate::session::answers::encode_published;
use crate::session::budget::Class;
use crate::session::client::Client;
use crate::session::connection::{CloseReason, Connection};
use crate::session::participant::Participant;
use crate::session::unanswered::Outcome;

/// What came of a message that was not refused.
#[derive(Debug)]
pub(crate) enum Sent {
    /// It is in the log.
    Published(Published),
    /// It is on its way to the log.
    Pending(Outcome),
}

impl Execute for SendRequest {
    const CLASS: Class = Class::Message;
    const MAY_OVERTAKE_ANSWERS: bool = true;

    type Response = Sent;

    async fn run(self, participant: &mut Participant) -> Result<Sent, Refusal> {
        match participant.send(&self) {
            Saying::Done(result) => result.map(Sent::Published),
            Saying::Underway(outcome) => Ok(Sent::Pending(outcome)),
        }
    }

    async fn respond<C: Connection + Debug>(
        sent: Sent,
        client: &mut Client<C>,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason> {
        match sent {
            Sent::Published(published) => {
                client.acknowledge(ack, &encode_published(&published)).await
            }
            Sent::Pending(outcome) => client.answer_later(outcome, ack).await,
        }
    }

    async fn run_after_disconnect(self, participant: &mut Participant) {
        drop(participant.send(&self));
    }
}

impl Participant {
    /// Publishes a message, or starts to.
    fn send(&self, send: &SendRequest) -> Saying {
        let Some(joined) = &self.joined else {
            return Saying::Done(Err(Refusal::not_in_room()));
        };
        let subscriber = || Arc::clone(&self.subscriber);
        joined
            .membership
            .publish(&send.text, send.client_id.as_ref(), subscriber)
    }
}
