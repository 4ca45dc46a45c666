//! `moderate`: what people in charge of rooms do. Few requests are this one, so its future is boxed.

use std::fmt::Debug;

use super::execute::Execute;
use crate::domain::RequestError;
use crate::moderation::Author;
use crate::protocol::ModerateRequest;
use crate::session::budget::Class;
use crate::session::client::Client;
use crate::session::connection::{CloseReason, Connection};
use crate::session::participant::Participant;

impl Execute for Box<ModerateRequest> {
    const CLASS: Class = Class::Request;

    type Response = ();

    async fn run(self, participant: &mut Participant) -> Result<(), RequestError> {
        let Participant {
            shared,
            identity,
            joined,
            ..
        } = participant;
        let room = joined.as_ref().map(|joined| joined.room());
        let name = joined
            .as_ref()
            .and_then(|joined| joined.membership.username());
        let author = Author {
            user_id: &identity.user_id,
            name: name.as_ref(),
            role: identity.role(),
            network: identity.network,
            rooms: identity.rooms(),
        };
        Box::pin(shared.moderation.act(author, room, &self)).await
    }

    async fn respond<C: Connection + Debug>(
        (): (),
        client: &mut Client<C>,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason> {
        client.acknowledge_done(ack).await
    }

    async fn run_after_disconnect(self, participant: &mut Participant) {
        drop(self.run(participant).await);
    }
}
