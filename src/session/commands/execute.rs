//! What each command implements, and how a request is executed.

use std::fmt::Debug;

use crate::domain::RequestError;
use crate::protocol::ClientRequest;
use crate::session::budget::Class;
use crate::session::client::Client;
use crate::session::connection::{CloseReason, Connection};
use crate::session::participant::Participant;

/// A request that can be executed.
pub(crate) trait Execute: ClientRequest {
    /// What requests count as.
    const CLASS: Class;
    /// Whether a request is executed while earlier messages still wait for their acknowledgement.
    /// All other answers are sent in the order of the requests.
    const MAY_OVERTAKE_ANSWERS: bool = false;
    /// Whether a request may end the membership in the joined room. The client's own messages are
    /// delivered to it before.
    const LEAVES_ROOM: bool = false;

    /// What the action gives.
    type Response;

    /// Bytes that the answer may have. Memory is reserved for them before the action.
    fn answer_bytes(&self, _participant: &Participant) -> usize {
        0
    }

    /// The action.
    async fn run(self, participant: &mut Participant) -> Result<Self::Response, RequestError>;

    /// Sends what the action gave.
    async fn respond<C: Connection + Debug>(
        response: Self::Response,
        client: &mut Client<C>,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason>;

    /// The action for a request that still waits when the connection has ended. Nothing, unless
    /// other users notice the difference.
    async fn run_after_disconnect(self, _participant: &mut Participant) {}
}

/// Executes a request and answers it.
pub(super) async fn execute<R: Execute, C: Connection + Debug>(
    request: R,
    client: &mut Client<C>,
    ack: Option<C::Ack>,
) -> Result<(), CloseReason> {
    match request.run(&mut client.participant).await {
        Ok(response) => R::respond(response, client, ack).await,
        Err(refusal) => {
            // It was accepted into the inbox, and so not charged yet.
            client.charge_refusal(&refusal)?;
            client.refuse(R::EVENT, &refusal, ack).await
        }
    }
}
