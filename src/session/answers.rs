//! Answers that take a while: messages whose room's log is kept outside are acknowledged once they
//! are in it. Meanwhile the session goes on; its client gets the answers in the order it asked.
//!
//! And answers that may be large: there must be room for them before they are built.

use std::collections::VecDeque;
use std::sync::Arc;

use super::commands::sent;
use super::connection::{Connection, Ended};
use super::mailbox::short_of_memory;
use super::serve::Session;
use crate::domain::Refusal;
use crate::memory::MemoryCharge;
use crate::protocol::{Command, EventName, HISTORY_PAGE_BYTES_MAX, USERS_MAX};
use crate::room::{Published, Publishing, Room};

/// Messages of one session that may be on their way at once.
const UNANSWERED_MAX: usize = 256;

/// Bytes of a user in a list, with a name that is long in bytes.
const USER_BYTES: usize = 256;
/// Copies of an answer while it is built and handed over.
const COPIES: usize = 2;

/// Messages on their way, oldest first, with where their answers go.
#[derive(Debug)]
pub(super) struct Unanswered<A>(VecDeque<(Publishing, Option<A>)>);

impl<A> Default for Unanswered<A> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<C: Connection + std::fmt::Debug> Session<C> {
    /// Takes room for an answer that may be large, before it is built.
    pub(super) fn room_for_answer(
        &self,
        body: &Result<Command, Refusal>,
    ) -> Result<Option<MemoryCharge>, Refusal> {
        let bytes = match body {
            Ok(Command::Join(join)) => {
                let room = self.shared.rooms.get(&join.room);
                let history = join.history.and(room).map_or(0, |room| history_bytes(room));
                let users = room
                    .filter(|_| join.users)
                    .map_or(0, |room| users_bytes(room));
                history + users
            }
            Ok(Command::History(_)) => self.here().map_or(0, |place| history_bytes(place.room())),
            Ok(Command::ListUsers(_)) => self.here().map_or(0, |place| users_bytes(place.room())),
            _ => 0,
        };
        if bytes == 0 {
            return Ok(None);
        }
        let charge = self.mailbox.account().try_charge(bytes * COPIES);
        charge.map(Some).ok_or_else(short_of_memory)
    }

    /// Answers a message once it is known what came of it, and of those before it.
    pub(super) async fn answer_later(
        &mut self,
        publishing: Publishing,
        ack: Option<C::Ack>,
    ) -> Result<(), Ended> {
        let unanswered = self.unanswered.get_or_insert_default();
        unanswered.0.push_back((publishing, ack));
        if unanswered.0.len() > UNANSWERED_MAX {
            Box::pin(self.wait_for_answer()).await?;
        }
        Ok(())
    }

    /// Tells what is known by now.
    pub(super) async fn tell_answers(&mut self) -> Result<(), Ended> {
        while let Some(unanswered) = &mut self.unanswered
            && let Some((publishing, _)) = unanswered.0.front_mut()
        {
            let Some(result) = publishing.try_get() else {
                return Ok(());
            };
            self.answer_oldest(result).await?;
        }
        Ok(())
    }

    /// Waits until what was said here has come back, and tells it: whoever goes to another room has
    /// heard themselves.
    pub(super) async fn hear_oneself(&mut self) -> Result<(), Ended> {
        let Some(place) = self
            .place
            .as_ref()
            .filter(|place| place.said > place.cursor)
        else {
            return Ok(());
        };
        let (room, said) = (Arc::clone(place.room()), place.said);
        tokio::select! {
            biased;
            // Where it takes too long, the member goes all the same.
            _reached = room.has_reached(said) => {}
            ended = self.out.end() => return Err(ended),
        }
        self.tell_entries().await
    }

    /// Waits until all are answered.
    pub(super) async fn wait_for_answers(&mut self) -> Result<(), Ended> {
        while self.unanswered.is_some() {
            self.wait_for_answer().await?;
        }
        Ok(())
    }

    async fn wait_for_answer(&mut self) -> Result<(), Ended> {
        let Some((publishing, _)) = self.unanswered.as_mut().and_then(|u| u.0.front_mut()) else {
            self.unanswered = None;
            return Ok(());
        };
        let result = tokio::select! {
            biased;
            result = publishing.wait() => result,
            ended = self.out.end() => return Err(ended),
        };
        self.answer_oldest(result).await
    }

    async fn answer_oldest(&mut self, result: Result<Published, Refusal>) -> Result<(), Ended> {
        let Some(unanswered) = &mut self.unanswered else {
            return Ok(());
        };
        let oldest = unanswered.0.pop_front();
        if unanswered.0.is_empty() {
            self.unanswered = None;
        }
        let Some((_, ack)) = oldest else {
            return Ok(());
        };
        if let (Ok(published), Some(place)) = (&result, &mut self.place) {
            place.said = published.id.max(place.said);
        }
        let answer = result.map(|published| sent(&published));
        self.answer(EventName::SendMessage, answer, ack).await
    }
}

/// Bytes that a page of the room's history may have.
fn history_bytes(room: &Room) -> usize {
    room.log_bytes().min(HISTORY_PAGE_BYTES_MAX)
}

/// Bytes that a list of the room's users may have.
fn users_bytes(room: &Room) -> usize {
    let count = usize::try_from(room.member_count()).unwrap_or(USERS_MAX);
    count.min(USERS_MAX) * USER_BYTES
}
