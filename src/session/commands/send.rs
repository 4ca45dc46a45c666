//! `send_message`: publishes a message in the joined room.

use std::fmt::Debug;
use std::sync::Arc;

use super::execute::Execute;
use crate::domain::{RequestError, RequestErrorCode};
use crate::protocol::{ClientRequest, SendRequest};
use crate::room::{Member, Proposal, Publishing};
use crate::session::budget::Class;
use crate::session::client::Client;
use crate::session::connection::{CloseReason, Connection};
use crate::session::participant::Participant;

impl Execute for SendRequest {
    const CLASS: Class = Class::Message;
    const MAY_OVERTAKE_ANSWERS: bool = true;

    type Response = Publishing;

    async fn run(self, participant: &mut Participant) -> Result<Publishing, RequestError> {
        participant.send(&self).await.started()
    }

    async fn respond<C: Connection + Debug>(
        publishing: Publishing,
        client: &mut Client<C>,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason> {
        client.answer_message(Self::EVENT, publishing, ack).await
    }

    async fn run_after_disconnect(self, participant: &mut Participant) {
        drop(participant.send(&self).await);
    }
}

impl Participant {
    /// Publishes a message, or starts to. Where the word filter says so, it is held for review.
    async fn send(&self, send: &SendRequest) -> Publishing {
        let Some(joined) = &self.joined else {
            return Publishing::Done(Err(RequestError::not_in_room()));
        };
        let (user_id, role) = (&self.identity.user_id, self.identity.role());
        let moderation = &self.shared.moderation;
        let checked = moderation.filter_message(&send.text, role, &self.shared.settings.text);
        let check = || {
            moderation.check_writing(joined.room(), user_id, role)?;
            checked.check()
        };
        let proposal = Proposal::Message {
            text: checked.text.clone(),
            client_id: send.client_id.clone(),
            reply_to: send.reply_to,
        };
        let membership = &joined.membership;
        let subscriber = || Arc::clone(&self.subscriber);
        let to_hold = checked.held_for.as_ref();
        let to_hold =
            to_hold.and_then(|found| Some((found, proposal.clone(), membership.username()?)));
        let publishing = membership.publish(proposal, &check, &subscriber);
        match (&publishing, to_hold) {
            (Publishing::Done(Err(refusal)), Some((found, proposal, username)))
                if refusal.code == RequestErrorCode::Held =>
            {
                let author = Member {
                    user_id: Arc::clone(user_id),
                    username,
                };
                let room = joined.room().name();
                let answer = moderation.hold(room, &author, &proposal, found).await;
                Publishing::Done(Err(answer))
            }
            _ => publishing,
        }
    }
}
