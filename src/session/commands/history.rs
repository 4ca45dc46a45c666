//! `get_history`: a page of the joined room's messages. A page is large compared with the request
//! for it, so it is charged for its size.

use std::fmt::Debug;

use super::execute::Execute;
use crate::domain::RequestError;
use crate::protocol::{HistoryBody, HistoryRequest};
use crate::room::{Page, Range, read_around, read_messages};
use crate::session::budget::Class;
use crate::session::client::Client;
use crate::session::connection::{CloseReason, Connection};
use crate::session::participant::Participant;

impl Execute for HistoryRequest {
    const CLASS: Class = Class::History;

    /// A page, and whether there are newer messages if that was asked for.
    type Response = (Page, Option<bool>);

    fn answer_bytes(&self, participant: &Participant) -> usize {
        let Ok(joined) = participant.joined() else {
            return 0;
        };
        let room = joined.room();
        match self.around {
            Some(around) => {
                let older = Range::before(Some(around.saturating_add(1)), self.limit);
                room.page_bytes(older) + room.page_bytes(Range::after(around, self.limit))
            }
            None => room.page_bytes(range(self)),
        }
    }

    async fn run(self, participant: &mut Participant) -> Result<Self::Response, RequestError> {
        let room = participant.joined()?.room();
        participant.account.check_answers()?;
        let store = &*participant.shared.store;
        if let Some(around) = self.around {
            let (page, more_after) = read_around(store, room, around, self.limit).await?;
            return Ok((page, Some(more_after)));
        }
        let page = read_messages(store, room, range(&self)).await?;
        Ok((page, None))
    }

    async fn respond<C: Connection + Debug>(
        (page, more_after): Self::Response,
        client: &mut Client<C>,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason> {
        let viewer = client.participant.viewer();
        let body = HistoryBody {
            messages: page.payloads(&viewer),
            more: page.more,
            more_after,
        };
        client.acknowledge_charged(ack, &body).await
    }
}

/// The messages that are asked for.
fn range(request: &HistoryRequest) -> Range {
    match request.after {
        Some(after) => Range::after(after, request.limit),
        None => Range::before(request.before, request.limit),
    }
}
