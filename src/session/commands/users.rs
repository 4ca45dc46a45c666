//! `list_users`: a page of the joined room's users. A page is large compared with the request for
//! it, so it is charged for its size.

use std::fmt::Debug;

use super::execute::Execute;
use crate::domain::RequestError;
use crate::protocol::{USERS_MAX, UsersBody, UsersRequest};
use crate::room::{Room, UsersPage};
use crate::session::budget::Class;
use crate::session::client::Client;
use crate::session::connection::{CloseReason, Connection};
use crate::session::participant::Participant;

/// Bytes of a user in a list, with a name that is long in bytes.
const USER_BYTES: usize = 256;

impl Execute for UsersRequest {
    const CLASS: Class = Class::Request;

    type Response = UsersPage;

    fn answer_bytes(&self, participant: &Participant) -> usize {
        participant
            .joined()
            .map_or(0, |joined| page_bytes(joined.room()))
    }

    async fn run(self, participant: &mut Participant) -> Result<UsersPage, RequestError> {
        let room = participant.joined()?.room();
        participant.account.check_answers()?;
        read_page(room, &self)
    }

    async fn respond<C: Connection + Debug>(
        page: UsersPage,
        client: &mut Client<C>,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason> {
        let body = UsersBody {
            users: &page.users,
            total: page.total,
            more: page.more,
        };
        client.acknowledge_charged(ack, &body).await
    }
}

/// A page of a room's users.
pub(crate) fn read_page(room: &Room, request: &UsersRequest) -> Result<UsersPage, RequestError> {
    let page = room.users(request.after.as_deref(), request.limit);
    page.ok_or_else(|| {
        RequestError::invalid_payload(
            "list_users: after names no user of this room (any more): start again without it",
        )
    })
}

/// Bytes that a list of the room's users may have.
pub(super) fn page_bytes(room: &Room) -> usize {
    let count = usize::try_from(room.member_count()).unwrap_or(USERS_MAX);
    count.min(USERS_MAX) * USER_BYTES
}
