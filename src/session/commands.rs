//! What each command does.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::budget::FloodError;
use super::connection::{Connection, Ended};
use super::mailbox::Request;
use super::serve::{Place, Session};
use super::users::Keep;
use crate::domain::{Refusal, RefusalCode};
use crate::protocol::{
    Accepted, Command, ErrorEvent, EventName, Join, JoinConfirm, NoBody, Position, RefusedAck,
    RefusedError, Send, SentBody, USERS_MAX, event,
};
use crate::room::members::Member;
use crate::room::{Membership, News, Page, Published, Publishing, Room, Subscriber};
use crate::{clock, json};

impl<C: Connection + std::fmt::Debug> Session<C> {
    /// Does what a request asks and answers it.
    pub(super) async fn handle(&mut self, request: Request<C::Ack>) -> Result<(), Ended> {
        let Request { event, body, ack } = request;
        // What is refused here was accepted at the door, and so not charged yet.
        let was_accepted = body.is_ok();
        if self.unanswered.is_some() && !matches!(body, Ok(Command::Send(_) | Command::Typing(_))) {
            // What a client asks is answered in order.
            Box::pin(self.wait_for_answers()).await?;
        }
        if matches!(body, Ok(Command::Join(_) | Command::Leave { .. })) {
            Box::pin(self.hear_oneself()).await?;
        }
        // Given back once the answer is on its way: from there on it is output.
        let _room_for_answer = match self.room_for_answer(&body) {
            Ok(room) => room,
            Err(refusal) => return self.refuse(event, &refusal, ack).await,
        };
        let answer = match body {
            Ok(Command::Join(join)) => match self.shared.rooms.get(&join.room).cloned() {
                Some(room) => return Box::pin(self.join(&room, *join, ack)).await,
                None => Err(Refusal::unknown_room()),
            },
            Ok(Command::Leave { closing }) => self.leave(closing),
            Ok(Command::Send(send)) => match self.send(&send) {
                Publishing::Done(result) if self.unanswered.is_none() => {
                    result.map(|published| sent(&published))
                }
                publishing => return self.answer_later(publishing, ack).await,
            },
            Ok(Command::History(range)) => self.history(range),
            Ok(Command::ListUsers(range)) => self.list_users(&range),
            Ok(Command::Typing(typing)) => self.typing(typing),
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = &answer
            && was_accepted
        {
            self.charge_refusal(refusal)?;
        }
        self.answer(event, answer, ack).await
    }

    /// Charges a request that could not be done. Where that is the server's fault it is free.
    fn charge_refusal(&self, refusal: &Refusal) -> Result<(), Ended> {
        if refusal.code == RefusalCode::Unavailable {
            return Ok(());
        }
        self.account
            .charge_refusal(0)
            .map_err(|FloodError| Ended::Flood)
    }

    pub(super) async fn answer(
        &mut self,
        event: EventName,
        answer: Result<Box<RawValue>, Refusal>,
        ack: Option<C::Ack>,
    ) -> Result<(), Ended> {
        match answer {
            Ok(accepted) => match ack {
                Some(ack) => self.out.acknowledge(ack, &accepted).await,
                None => Ok(()),
            },
            Err(refusal) => self.refuse(event, &refusal, ack).await,
        }
    }

    async fn refuse(
        &mut self,
        event: EventName,
        refusal: &Refusal,
        ack: Option<C::Ack>,
    ) -> Result<(), Ended> {
        let code = refusal.code.as_str();
        self.shared.metrics.reject(code);
        let message = &refusal.message;
        let retry_after_ms = refusal
            .retry_after
            .map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX).max(1));
        if let Some(ack) = ack {
            let error = RefusedError {
                code,
                message,
                retry_after_ms,
            };
            return self
                .out
                .acknowledge(ack, &json::raw(&RefusedAck { ok: false, error }))
                .await;
        }
        let error = ErrorEvent {
            message,
            code,
            event: event.as_str(),
            retry_after_ms,
        };
        self.out.emit(event::ERROR, &json::raw(&error)).await
    }

    /// Enters a room, or changes the name in one's own. The order at the joiner is
    /// acknowledgement, `join_confirm`, `room_update`, then the log from the cursor on.
    async fn join(
        &mut self,
        room: &Arc<Room>,
        join: Join,
        ack: Option<C::Ack>,
    ) -> Result<(), Ended> {
        let entered = match self.account.check_answers() {
            Ok(()) => self.enter(room, &join).await,
            Err(refusal) => Err(refusal),
        };
        let own_notice = match entered {
            Ok(own_notice) => own_notice,
            Err(refusal) => {
                self.charge_refusal(&refusal)?;
                return self.refuse(EventName::JoinRoom, &refusal, ack).await;
            }
        };
        let Some(place) = &mut self.place else {
            return Ok(());
        };
        let joined_at = place.cursor;
        let resumed = join
            .after
            .as_ref()
            .map(|after| resume(room, after, joined_at));
        if let Some(Ok(position)) = resumed {
            place.cursor = position;
            place.resuming_until = joined_at;
        }
        let page = join
            .history
            .map(|n| room.messages_before(Some(joined_at + 1), n));
        let users = join.users.then(|| room.users(None, USERS_MAX)).flatten();
        let epoch = room.epoch();
        let mut confirm = JoinConfirm {
            room: room.name().as_str(),
            users_count: users
                .as_ref()
                .map_or_else(|| room.member_count(), |u| u.total),
            username: join.username.as_str(),
            epoch: &epoch,
            last_id: joined_at,
            user_id: &self.who.user_id,
            recovered: resumed.map(|r| r.is_ok()),
            history: page.as_ref().map(Page::payloads),
            users: users.as_ref().map(|page| &page.users[..]),
        };
        if let Some(ack) = ack {
            let accepted = json::raw(&Accepted {
                ok: true,
                body: &confirm,
            });
            self.account.charge_answer(accepted.get().len());
            self.out.acknowledge(ack, &accepted).await?;
            // Whoever asked for an acknowledgement has the lists from there.
            (confirm.history, confirm.users) = (None, None);
        }
        let confirm = json::raw(&confirm);
        self.account.charge_answer(confirm.get().len());
        self.out.emit(event::JOIN_CONFIRM, &confirm).await?;
        self.tell_counts_now().await?;
        if let Some(Err(lost)) = resumed {
            self.tell_gap(room, lost.from, joined_at, None).await?;
        }
        if let Some(notice) = own_notice {
            self.out.emit(event::SYSTEM_MESSAGE, &notice).await?;
        }
        if room.typing().anybody() {
            // After the joiner's own notice, which comes from the log.
            self.out.notify(News::TYPING);
        }
        Ok(())
    }

    /// The connection is over. What it had asked for before still happens, as with somebody who
    /// says goodbye and closes the door; only the answers go nowhere.
    pub(super) async fn do_what_was_asked(&mut self) {
        if self
            .place
            .as_ref()
            .is_some_and(|p| !p.membership.is_current())
        {
            // The user is at another process now, and has been asking there since.
            return;
        }
        while let Some(request) = self.mailbox.pop() {
            match request.body {
                Ok(Command::Send(send)) => drop(self.send(&send)),
                Ok(Command::Leave { closing }) => drop(self.leave(closing)),
                Ok(Command::Join(join)) => {
                    if let Some(room) = self.shared.rooms.get(&join.room).cloned() {
                        drop(self.enter(&room, &join).await);
                    }
                }
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// Makes `room` this session's place, leaving another; returns the joiner's own notice where
    /// the room itself is not told. A refusal changes nothing.
    async fn enter(
        &mut self,
        room: &Arc<Room>,
        join: &Join,
    ) -> Result<Option<Box<RawValue>>, Refusal> {
        self.shared.settings.reserved_names.check(&join.username)?;
        if let Some(place) = self.place.as_mut().filter(|p| Arc::ptr_eq(p.room(), room)) {
            place.membership.rename(&join.username).await?;
            place.closing = false;
            return Ok(None);
        }
        let users = &self.shared.users;
        let held = users.claim(&self.who.user_id);
        let replaces = self.place.as_ref().map(|place| &place.membership);
        let subscriber = Arc::clone(&self.out) as _;
        let joining = room.join(self.member(join), replaces.or(held.as_ref()), subscriber);
        match joining.await {
            Ok(joined) => {
                if !joined.membership.is_current() {
                    // The user has come to another process meanwhile.
                    self.out.notify(News::TAKEN_OVER);
                }
                drop(held);
                self.sit_down(joined.membership, joined.position);
                Ok(joined.own_notice)
            }
            Err(refusal) => {
                if let Some(held) = held {
                    users.keep(&self.who.user_id, self.who.network, held, Keep::Lost);
                }
                Err(refusal)
            }
        }
    }

    fn member(&self, join: &Join) -> Member {
        Member {
            user_id: Arc::clone(&self.who.user_id),
            username: join.username.clone(),
        }
    }

    fn sit_down(&mut self, membership: Membership, cursor: u64) {
        self.place = Some(Place {
            membership,
            cursor,
            resuming_until: 0,
            said: 0,
            closing: false,
        });
    }

    fn leave(&mut self, closing: bool) -> Result<Box<RawValue>, Refusal> {
        if closing {
            self.here_mut()?.closing = true;
            return Ok(json::raw(&Accepted {
                ok: true,
                body: NoBody {},
            }));
        }
        // Somebody who has just come back may still have the place of the lost connection.
        let kept = self.shared.users.claim(&self.who.user_id);
        if self.place.take().is_none() && kept.is_none() {
            return Err(Refusal::not_in_room());
        }
        Ok(json::raw(&Accepted {
            ok: true,
            body: NoBody {},
        }))
    }

    fn send(&self, send: &Send) -> Publishing {
        let Some(place) = &self.place else {
            return Publishing::Done(Err(Refusal::not_in_room()));
        };
        let subscriber = || Arc::clone(&self.out) as Arc<dyn Subscriber>;
        place
            .membership
            .publish(&send.text, send.client_id.as_ref(), &subscriber)
    }

    fn typing(&self, typing: bool) -> Result<Box<RawValue>, Refusal> {
        self.here()?.membership.set_typing(typing);
        Ok(json::raw(&Accepted {
            ok: true,
            body: NoBody {},
        }))
    }

    fn here_mut(&mut self) -> Result<&mut Place, Refusal> {
        self.place.as_mut().ok_or_else(Refusal::not_in_room)
    }

    pub(super) fn here(&self) -> Result<&Place, Refusal> {
        self.place.as_ref().ok_or_else(Refusal::not_in_room)
    }
}

/// The acknowledgement of a message.
pub(super) fn sent(published: &Published) -> Box<RawValue> {
    let body = SentBody {
        id: published.id,
        timestamp: &clock::rfc3339(published.at_ms),
        duplicate: published.duplicate,
    };
    json::raw(&Accepted { ok: true, body })
}

/// Everything from this id on is lost to whoever wanted to resume.
#[derive(Debug, Clone, Copy)]
struct Lost {
    from: u64,
}

/// Where the cursor goes to resume after a position: everything after it, or nothing, never a
/// part that looks like the whole.
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
