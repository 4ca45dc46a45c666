//! `get_history`: a page of the joined room's messages. A page is large compared with the request
//! for it, so it is charged for its size.

use std::fmt::Debug;

use super::execute::Execute;
use crate::domain::RequestError;
use crate::protocol::{HistoryBody, HistoryRequest};
use crate::room::{Page, Range, read_messages};
use crate::session::budget::Class;
use crate::session::client::Client;
use crate::session::connection::{CloseReason, Connection};
use crate::session::participant::Participant;

impl Execute for HistoryRequest {
    const CLASS: Class = Class::History;

    type Response = Page;

    fn answer_bytes(&self, participant: &Participant) -> usize {
        participant
            .joined()
            .map_or(0, |joined| joined.room().page_bytes(range(self)))
    }

    async fn run(self, participant: &mut Participant) -> Result<Page, RequestError> {
        let room = participant.joined()?.room();
        participant.account.check_answers()?;
        read_messages(&*participant.shared.store, room, range(&self)).await
    }

    async fn respond<C: Connection + Debug>(
        page: Page,
        client: &mut Client<C>,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason> {
        let viewer = client.participant.viewer();
        let body = HistoryBody {
            messages: page.payloads(&viewer),
            more: page.more,
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
