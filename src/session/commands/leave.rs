//! `leave_room`: leaves the room now, or says that the connection is about to be closed.

use std::fmt::Debug;

use super::execute::Execute;
use crate::domain::RequestError;
use crate::protocol::LeaveRequest;
use crate::session::budget::Class;
use crate::session::client::Client;
use crate::session::connection::{CloseReason, Connection};
use crate::session::participant::Participant;
use crate::session::registry::HoldReason;

impl Execute for LeaveRequest {
    const CLASS: Class = Class::Request;
    const LEAVES_ROOM: bool = true;

    type Response = ();

    async fn run(self, participant: &mut Participant) -> Result<(), RequestError> {
        if self.closing {
            participant.joined_mut()?.closing = Some(if self.away {
                HoldReason::Away
            } else {
                HoldReason::Closing
            });
            return Ok(());
        }
        // A user who has just come back may still have the membership of the lost connection.
        let held = participant
            .shared
            .users
            .claim(&participant.identity.user_id);
        if participant.joined.take().is_none() && held.is_none() {
            return Err(RequestError::not_in_room());
        }
        Ok(())
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
