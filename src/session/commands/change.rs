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
use crate::session::shared::Shared;

impl Execute for EditRequest {
    const CLASS: Class = Class::Message;
    const MAY_OVERTAKE_ANSWERS: bool = true;

    type Response = Publishing;

    async fn run(self, participant: &mut Participant) -> Result<Publishing, RequestError> {
        participant.edit(&self).started()
    }

    async fn respond<C: Connection + Debug>(
        publishing: Publishing,
        client: &mut Client<C>,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason> {
        client.answer_message(Self::EVENT, publishing, ack).await
    }

    async fn run_after_disconnect(self, participant: &mut Participant) {
        drop(participant.edit(&self));
    }
}

impl Execute for DeleteRequest {
    const CLASS: Class = Class::Message;
    const MAY_OVERTAKE_ANSWERS: bool = true;

    type Response = Publishing;

    async fn run(self, participant: &mut Participant) -> Result<Publishing, RequestError> {
        participant.delete(self.id).started()
    }

    async fn respond<C: Connection + Debug>(
        publishing: Publishing,
        client: &mut Client<C>,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason> {
        client.answer_message(Self::EVENT, publishing, ack).await
    }

    async fn run_after_disconnect(self, participant: &mut Participant) {
        drop(participant.delete(self.id));
    }
}

impl Participant {
    /// Edits a message, or starts to.
    fn edit(&self, edit: &EditRequest) -> Publishing {
        let Some(joined) = &self.joined else {
            return Publishing::Done(Err(RequestError::not_in_room()));
        };
        let (user_id, role) = (&self.identity.user_id, self.identity.role());
        let Shared {
            moderation,
            settings,
            ..
        } = &*self.shared;
        let checked = moderation.filter_edit(&edit.text, role, &settings.text);
        let check = || {
            moderation.check_editing(joined.room(), user_id, role)?;
            checked.check()
        };
        let change = MessageChange::Edited {
            text: checked.text.shared(),
            client_id: edit.client_id.as_ref().map(ClientId::shared),
        };
        let subscriber = || Arc::clone(&self.subscriber);
        joined
            .membership
            .change_message(edit.id, change, &check, &subscriber)
    }

    /// Deletes a message, or starts to. A user who may not write may take back what they have written.
    fn delete(&self, of: u64) -> Publishing {
        let Some(joined) = &self.joined else {
            return Publishing::Done(Err(RequestError::not_in_room()));
        };
        let subscriber = || Arc::clone(&self.subscriber);
        joined
            .membership
            .change_message(of, MessageChange::Deleted, &|| Ok(()), &subscriber)
    }
}
