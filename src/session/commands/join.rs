//! `join_room`: enters a room, or changes the name in the joined one. Few requests are joins, so
//! their futures are boxed to keep those of the others small.

use std::fmt::Debug;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::execute::Execute;
use super::users;
use crate::domain::{RequestError, Username};
use crate::json;
use crate::protocol::{Accepted, JoinConfirm, JoinRequest, Position, USERS_MAX, event};
use crate::room::members::Member;
use crate::room::{Membership, Page, Range, Room, Signals, UsersPage, read_messages};
use crate::session::budget::Class;
use crate::session::client::Client;
use crate::session::connection::{CloseReason, Connection};
use crate::session::identity::Identity;
use crate::session::participant::{JoinedRoom, Participant};
use crate::session::registry::HoldReason;
use crate::session::shared::Shared;

/// What a join gave.
#[derive(Debug)]
pub(crate) struct JoinResponse {
    room: Arc<Room>,
    username: Username,
    epoch: Arc<str>,
    /// The last id before what the joiner receives live.
    last_id: u64,
    /// Whether the cursor is at the position to resume from; `None` if the client named none.
    resumed: Option<Result<u64, Lost>>,
    users_count: u64,
    history: Option<Page>,
    users: Option<UsersPage>,
    /// The joiner's own notice, if the room itself does not receive it.
    own_notice: Option<Box<RawValue>>,
}

/// Everything from this id on is lost to the client that wanted to resume.
#[derive(Debug, Clone, Copy)]
struct Lost {
    from: u64,
}

impl Execute for Box<JoinRequest> {
    const CLASS: Class = Class::History;
    const LEAVES_ROOM: bool = true;

    type Response = Box<JoinResponse>;

    fn answer_bytes(&self, participant: &Participant) -> usize {
        let Some(room) = participant.shared.rooms.get(&self.room) else {
            return 0;
        };
        let newest = |n| room.page_bytes(Range::before(None, n));
        let history = self.history.map_or(0, newest);
        let users = if self.users {
            users::page_bytes(room)
        } else {
            0
        };
        history + users
    }

    async fn run(self, participant: &mut Participant) -> Result<Box<JoinResponse>, RequestError> {
        Box::pin(participant.join(*self)).await.map(Box::new)
    }

    async fn respond<C: Connection + Debug>(
        response: Box<JoinResponse>,
        client: &mut Client<C>,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason> {
        Box::pin(send_response(&response, client, ack)).await
    }

    async fn run_after_disconnect(self, participant: &mut Participant) {
        let mut join = *self;
        if let Some(room) = participant.shared.rooms.get(&join.room).cloned() {
            drop(Box::pin(participant.enter(&room, &mut join)).await);
        }
    }
}

/// Sends the acknowledgement, `join_confirm`, `room_update`, and then the log from the cursor on.
async fn send_response<C: Connection + Debug>(
    response: &JoinResponse,
    client: &mut Client<C>,
    ack: Option<C::Ack>,
) -> Result<(), CloseReason> {
    let room = &response.room;
    let identity = &client.participant.identity;
    let viewer = room.viewer(Some(&identity.user_id));
    let mut confirm = JoinConfirm {
        room: room.name().as_str(),
        users_count: response.users_count,
        username: response.username.as_str(),
        epoch: &response.epoch,
        last_id: response.last_id,
        user_id: &identity.user_id,
        recovered: response.resumed.map(|resumed| resumed.is_ok()),
        history: response.history.as_ref().map(|page| page.payloads(&viewer)),
        users: response.users.as_ref().map(|page| &page.users[..]),
    };
    let account = &client.participant.account;
    if let Some(ack) = ack {
        let accepted = json::raw(&Accepted {
            ok: true,
            body: &confirm,
        });
        account.charge_answer(accepted.get().len());
        client.out.acknowledge(ack, &accepted).await?;
        // A client that asked for an acknowledgement has the lists from there.
        (confirm.history, confirm.users) = (None, None);
    }
    let confirm = json::raw(&confirm);
    account.charge_answer(confirm.get().len());
    client.out.emit(event::JOIN_CONFIRM, &confirm).await?;
    client.send_counts_now().await?;
    if let Some(Err(lost)) = response.resumed {
        client
            .send_gap(room, lost.from, response.last_id, None)
            .await?;
    }
    if let Some(notice) = &response.own_notice {
        client.out.emit(event::SYSTEM_MESSAGE, notice).await?;
    }
    client.send_states_later(room);
    Ok(())
}

impl Participant {
    /// Enters a room and reads what the request asks of it.
    async fn join(&mut self, mut join: JoinRequest) -> Result<JoinResponse, RequestError> {
        let room = self.shared.rooms.get(&join.room).cloned();
        let room = room.ok_or_else(RequestError::unknown_room)?;
        self.account.check_answers()?;
        let own_notice = self.enter(&room, &mut join).await?;
        let watched = self.stop_watching(&room);
        let joined = self.joined_mut()?;
        let last_id = joined.cursor;
        if let Some(position) = watched.filter(|position| *position < last_id) {
            // A member goes on where the watch has ended.
            joined.cursor = position;
            joined.resuming_until = last_id;
        }
        let after = join.after.as_ref();
        let resumed = after.map(|after| resume(&room, after, last_id));
        if let Some(Ok(position)) = resumed {
            joined.cursor = position;
            joined.resuming_until = last_id;
        }
        let history = match join.history {
            Some(n) => {
                let range = Range::before(Some(last_id + 1), n);
                let page = read_messages(&*self.shared.store, &room, range).await;
                if page.is_err() {
                    // A join that is refused is none.
                    self.joined = None;
                }
                Some(page?)
            }
            None => None,
        };
        let users = join.users.then(|| room.users(None, USERS_MAX)).flatten();
        let users_count = users
            .as_ref()
            .map_or_else(|| room.member_count(), |page| page.total);
        Ok(JoinResponse {
            username: join.username,
            epoch: room.epoch(),
            last_id,
            resumed,
            users_count,
            history,
            users,
            own_notice,
            room,
        })
    }

    /// Makes `room` the joined one, leaving another, under the name that the user's token allows.
    /// Returns the joiner's own notice if the room gets none. An error changes nothing.
    async fn enter(
        &mut self,
        room: &Arc<Room>,
        join: &mut JoinRequest,
    ) -> Result<Option<Box<RawValue>>, RequestError> {
        let Shared {
            identities,
            settings,
            ..
        } = &*self.shared;
        let reserved = &settings.reserved_names;
        let identity = &self.identity;
        join.username = identity.name_for(&join.room, &join.username, identities, reserved)?;
        self.shared
            .moderation
            .check_name(&join.username, identity.role())?;
        if let Some(joined) = self
            .joined
            .as_mut()
            .filter(|joined| Arc::ptr_eq(joined.room(), room))
        {
            joined.membership.rename(&join.username).await?;
            joined.closing = None;
            return Ok(None);
        }
        let users = &self.shared.users;
        let held = users.claim(&self.identity.user_id);
        let replaces = self.joined.as_ref().map(|joined| &joined.membership);
        let subscriber = Arc::clone(&self.subscriber);
        let replaces = replaces.or(held.as_ref());
        let store = &self.shared.store;
        match Membership::join(store, room, self.member(join), replaces, subscriber).await {
            Ok(joined) => {
                if !joined.membership.is_current() {
                    // The user has come to another process meanwhile.
                    self.subscriber.notify(Signals::TAKEN_OVER);
                }
                drop(held);
                self.joined = Some(JoinedRoom::new(joined.membership, joined.position));
                Ok(joined.own_notice)
            }
            Err(refusal) => {
                if let Some(held) = held {
                    let Identity {
                        user_id, network, ..
                    } = &self.identity;
                    users.hold(user_id, *network, held, HoldReason::Lost);
                }
                Err(refusal)
            }
        }
    }

    fn member(&self, join: &JoinRequest) -> Member {
        Member {
            user_id: Arc::clone(&self.identity.user_id),
            username: join.username.clone(),
        }
    }
}

/// The cursor from which a client resumes after a position: everything after it, or nothing, never
/// a part that looks like the whole.
fn resume(room: &Room, after: &Position, joined_at: u64) -> Result<u64, Lost> {
    if *after.epoch != *room.epoch() || after.id > joined_at {
        // Ids of another incarnation, or of none, say nothing about what was missed of this one.
        return Err(Lost { from: 1 });
    }
    if room.resumable().contains(&after.id) {
        Ok(after.id)
    } else {
        Err(Lost { from: after.id + 1 })
    }
}
