//! `search`: messages of the joined room by what they say. A search is charged for what it looks at, and
//! for its answer.

use std::fmt::Debug;

use super::execute::Execute;
use crate::domain::RequestError;
use crate::protocol::{SearchBody, SearchRequest};
use crate::room::{Found, Search};
use crate::session::budget::Class;
use crate::session::client::Client;
use crate::session::connection::{CloseReason, Connection};
use crate::session::participant::Participant;

impl Execute for SearchRequest {
    const CLASS: Class = Class::History;

    type Response = Found;

    fn answer_bytes(&self, participant: &Participant) -> usize {
        participant
            .joined()
            .map_or(0, |joined| joined.room().search_bytes())
    }

    async fn run(self, participant: &mut Participant) -> Result<Found, RequestError> {
        let room = participant.joined()?.room();
        participant.account.check_answers()?;
        let search = Search {
            query: self.query,
            before: self.before.unwrap_or(u64::MAX),
            max: self.limit,
        };
        let found = participant.shared.store.search(room, &search).await?;
        participant.account.charge_answer(found.examined_bytes);
        Ok(found)
    }

    async fn respond<C: Connection + Debug>(
        found: Found,
        client: &mut Client<C>,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason> {
        let viewer = client.participant.viewer();
        let body = SearchBody {
            messages: found.payloads(&viewer),
            more: found.before.is_some(),
            before: found.before,
        };
        client.acknowledge_charged(ack, &body).await
    }
}
