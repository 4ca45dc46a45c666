//! `react`: reacts to a message of the joined room with an emoji, or takes that back.

use std::fmt::Debug;
use std::sync::Arc;

use super::execute::Execute;
use crate::domain::RequestError;
use crate::protocol::{ClientRequest, ReactRequest};
use crate::room::Publishing;
use crate::session::budget::Class;
use crate::session::client::Client;
use crate::session::connection::{CloseReason, Connection};
use crate::session::participant::Participant;

impl Execute for ReactRequest {
    const CLASS: Class = Class::Message;
    const MAY_OVERTAKE_ANSWERS: bool = true;

    type Response = Publishing;

    async fn run(self, participant: &mut Participant) -> Result<Publishing, RequestError> {
        participant.react(&self).started()
    }

    async fn respond<C: Connection + Debug>(
        publishing: Publishing,
        client: &mut Client<C>,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason> {
        client.answer_message(Self::EVENT, publishing, ack).await
    }

    async fn run_after_disconnect(self, participant: &mut Participant) {
        drop(participant.react(&self));
    }
}

impl Participant {
    /// Reacts, or starts to.
    fn react(&self, react: &ReactRequest) -> Publishing {
        let Some(joined) = &self.joined else {
            return Publishing::Done(Err(RequestError::not_in_room()));
        };
        let (user_id, role) = (&self.identity.user_id, self.identity.role());
        let moderation = &self.shared.moderation;
        let check = || moderation.check_editing(joined.room(), user_id, role);
        let subscriber = || Arc::clone(&self.subscriber);
        let ReactRequest { id, emoji, on } = react;
        joined
            .membership
            .react(*id, emoji, *on, &check, &subscriber)
    }
}
