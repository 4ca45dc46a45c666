//! `send_message`: publishes a message in the joined room.

use std::fmt::Debug;
use std::sync::Arc;

use super::execute::Execute;
use crate::domain::RequestError;
use crate::protocol::{ClientRequest, SendRequest};
use crate::room::{Proposal, Publishing};
use crate::session::budget::Class;
use crate::session::client::Client;
use crate::session::connection::{CloseReason, Connection};
use crate::session::participant::Participant;

impl Execute for SendRequest {
    const CLASS: Class = Class::Message;
    const MAY_OVERTAKE_ANSWERS: bool = true;

    type Response = Publishing;

    async fn run(self, participant: &mut Participant) -> Result<Publishing, RequestError> {
        participant.send(&self).started()
    }

    async fn respond<C: Connection + Debug>(
        publishing: Publishing,
        client: &mut Client<C>,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason> {
        client.answer_message(Self::EVENT, publishing, ack).await
    }

    async fn run_after_disconnect(self, participant: &mut Participant) {
        drop(participant.send(&self));
    }
}

impl SendRequest {
    fn proposal(&self) -> Proposal {
        Proposal::Message {
            text: self.text.clone(),
            client_id: self.client_id.clone(),
            reply_to: self.reply_to,
        }
    }
}

impl Participant {
    /// Publishes a message, or starts to.
    fn send(&self, send: &SendRequest) -> Publishing {
        let Some(joined) = &self.joined else {
            return Publishing::Done(Err(RequestError::not_in_room()));
        };
        let (user_id, role) = (&self.identity.user_id, self.identity.role());
        let moderation = &self.shared.moderation;
        let check = || moderation.check_writing(joined.room(), user_id, role);
        let subscriber = || Arc::clone(&self.subscriber);
        joined
            .membership
            .publish(send.proposal(), &check, &subscriber)
    }
}
