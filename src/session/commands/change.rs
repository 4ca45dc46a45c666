//! `edit_message` and `delete_message`: change one of the user's own messages in the joined room.

use std::fmt::Debug;
use std::sync::Arc;

use super::execute::Execute;
use crate::domain::{ClientId, RequestError};
use crate::protocol::{ClientRequest, DeleteRequest, EditRequest};
use crate::room::{MessageChange, Publishing};
use crate::session::budget::Class;
use crate::session::client::Client;
use crate::session::connection::{CloseReason, Connection};
use crate::session::participant::Participant;

impl Execute for EditRequest {
    const CLASS: Class = Class::Message;
    const MAY_OVERTAKE_ANSWERS: bool = true;

    type Response = Publishing;

    async fn run(self, participant: &mut Participant) -> Result<Publishing, RequestError> {
        participant.change(self.id, self.change()).started()
    }

    async fn respond<C: Connection + Debug>(
        publishing: Publishing,
        client: &mut Client<C>,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason> {
        client.answer_message(Self::EVENT, publishing, ack).await
    }

    async fn run_after_disconnect(self, participant: &mut Participant) {
        drop(participant.change(self.id, self.change()));
    }
}

impl EditRequest {
    fn change(&self) -> MessageChange {
        MessageChange::Edited {
            text: self.text.shared(),
            client_id: self.client_id.as_ref().map(ClientId::shared),
        }
    }
}

impl Execute for DeleteRequest {
    const CLASS: Class = Class::Message;
    const MAY_OVERTAKE_ANSWERS: bool = true;

    type Response = Publishing;

    async fn run(self, participant: &mut Participant) -> Result<Publishing, RequestError> {
        participant
            .change(self.id, MessageChange::Deleted)
            .started()
    }

    async fn respond<C: Connection + Debug>(
        publishing: Publishing,
        client: &mut Client<C>,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason> {
        client.answer_message(Self::EVENT, publishing, ack).await
    }

    async fn run_after_disconnect(self, participant: &mut Participant) {
        drop(participant.change(self.id, MessageChange::Deleted));
    }
}

impl Participant {
    /// Changes a message, or starts to.
    fn change(&self, of: u64, change: MessageChange) -> Publishing {
        let Some(joined) = &self.joined else {
            return Publishing::Done(Err(RequestError::not_in_room()));
        };
        let (user_id, role) = (&self.identity.user_id, self.identity.role());
        let moderation = &self.shared.moderation;
        let is_edit = matches!(change, MessageChange::Edited { .. });
        let check = || match is_edit {
            true => moderation.check_editing(joined.room(), user_id, role),
            // A user who may not write may take back what they have written.
            false => Ok(()),
        };
        let subscriber = || Arc::clone(&self.subscriber);
        joined
            .membership
            .change_message(of, change, &check, &subscriber)
    }
}
