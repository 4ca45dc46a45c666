//! `typing`: shows the user as typing, or not.

use std::fmt::Debug;

use super::execute::Execute;
use crate::domain::RequestError;
use crate::protocol::TypingRequest;
use crate::session::budget::Class;
use crate::session::client::Client;
use crate::session::connection::{CloseReason, Connection};
use crate::session::participant::Participant;

impl Execute for TypingRequest {
    const CLASS: Class = Class::Request;
    const MAY_OVERTAKE_ANSWERS: bool = true;

    type Response = ();

    async fn run(self, participant: &mut Participant) -> Result<(), RequestError> {
        let joined = participant.joined()?;
        let is_muted = participant
            .shared
            .moderation
            .is_muted(&participant.identity.user_id);
        joined.membership.set_typing(self.typing && !is_muted);
        Ok(())
    }

    async fn respond<C: Connection + Debug>(
        (): (),
        client: &mut Client<C>,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason> {
        client.acknowledge_done(ack).await
    }
}
