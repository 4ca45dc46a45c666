//! `get_history`: a page of the joined room's messages. A page is large compared with the request
//! for it, so it is charged for its size.

use std::fmt::Debug;

use super::execute::Execute;
use crate::domain::RequestError;
use crate::protocol::{HISTORY_PAGE_BYTES_MAX, HistoryBody, HistoryRequest};
use crate::room::{Page, Range, Room, read_messages};
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
            .map_or(0, |joined| page_bytes(joined.room()))
    }

    async fn run(self, participant: &mut Participant) -> Result<Page, RequestError> {
        let room = participant.joined()?.room();
        participant.account.check_answers()?;
        let range = match self.after {
            Some(after) => Range::after(after, self.limit),
            None => Range::before(self.before, self.limit),
        };
        read_messages(&*participant.shared.store, room, range).await
    }

    async fn respond<C: Connection + Debug>(
        page: Page,
        client: &mut Client<C>,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason> {
        let body = HistoryBody {
            messages: page.payloads(),
            more: page.more,
        };
        client.acknowledge_charged(ack, &body).await
    }
}

/// Bytes that a page of the room's messages may have.
pub(super) fn page_bytes(room: &Room) -> usize {
    if room.is_archived() {
        return HISTORY_PAGE_BYTES_MAX;
    }
    room.log_bytes().min(HISTORY_PAGE_BYTES_MAX)
}
