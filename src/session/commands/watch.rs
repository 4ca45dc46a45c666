//! `watch_room` and `unwatch_room`: looks into a room without being a member.

use std::fmt::Debug;
use std::sync::Arc;

use super::execute::Execute;
use crate::domain::RequestError;
use crate::protocol::{UnwatchRequest, WatchBody, WatchRequest};
use crate::room::{Page, Range, Room, read_messages};
use crate::session::budget::Class;
use crate::session::client::Client;
use crate::session::connection::{CloseReason, Connection};
use crate::session::participant::Participant;
use crate::session::watched::{WATCHED_MAX, WatchedRoom};

/// What a watch gave.
#[derive(Debug)]
pub(crate) struct Watch {
    room: Arc<Room>,
    epoch: Arc<str>,
    /// The last id before what follows live.
    last_id: u64,
    history: Option<Page>,
}

impl Execute for WatchRequest {
    const CLASS: Class = Class::History;

    type Response = Watch;

    fn answer_bytes(&self, participant: &Participant) -> usize {
        let room = participant.shared.rooms.get(&self.room);
        let asked = room.zip(self.history);
        asked.map_or(0, |(room, n)| room.page_bytes(Range::before(None, n)))
    }

    async fn run(self, participant: &mut Participant) -> Result<Watch, RequestError> {
        let room = participant.shared.rooms.get(&self.room).cloned();
        let room = room.ok_or_else(RequestError::unknown_room)?;
        participant.identity.check_room(room.name())?;
        participant.account.check_answers()?;
        let is_room = |joined: &Arc<Room>| Arc::ptr_eq(joined, &room);
        if participant
            .joined()
            .is_ok_and(|joined| is_room(joined.room()))
        {
            return Err(RequestError::forbidden(
                "You are a member of this room and receive its messages already",
            ));
        }
        let epoch = room.epoch();
        let known = participant
            .watched
            .iter()
            .find(|watched| is_room(&watched.room));
        let last_id = match known {
            Some(watched) => watched.cursor(),
            None if participant.watched.len() >= WATCHED_MAX => {
                return Err(RequestError::forbidden(
                    "You watch 16 rooms: stop watching one of them first",
                ));
            }
            None => {
                let watched = WatchedRoom::begin(&room, &participant.subscriber);
                let last_id = watched.cursor();
                participant.watched.push(watched);
                last_id
            }
        };
        let history = match self.history {
            Some(n) => {
                let range = Range::before(Some(last_id + 1), n);
                let page = read_messages(&*participant.shared.store, &room, range).await;
                if page.is_err() {
                    // A watch that is refused is none.
                    participant.stop_watching(&room);
                }
                Some(page?)
            }
            None => None,
        };
        Ok(Watch {
            room,
            epoch,
            last_id,
            history,
        })
    }

    async fn respond<C: Connection + Debug>(
        watch: Watch,
        client: &mut Client<C>,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason> {
        let viewer = watch
            .room
            .viewer(Some(&client.participant.identity.user_id));
        let body = WatchBody {
            room: watch.room.name().as_str(),
            epoch: &watch.epoch,
            last_id: watch.last_id,
            history: watch.history.as_ref().map(|page| page.payloads(&viewer)),
        };
        client.acknowledge_charged(ack, &body).await
    }
}

impl Execute for UnwatchRequest {
    const CLASS: Class = Class::Request;

    type Response = ();

    async fn run(self, participant: &mut Participant) -> Result<(), RequestError> {
        let room = participant.shared.rooms.get(&self.room).cloned();
        let room = room.ok_or_else(RequestError::unknown_room)?;
        participant.stop_watching(&room);
        Ok(())
    }

    async fn respond<C: Connection + Debug>(
        (): (),
        client: &mut Client<C>,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason> {
        client.acknowledge_done(ack).await
    }
}

impl Participant {
    /// Ends the watch of a room. Returns how far its log was received, if it was watched.
    pub(super) fn stop_watching(&mut self, room: &Arc<Room>) -> Option<u64> {
        let is_room = |watched: &WatchedRoom| Arc::ptr_eq(&watched.room, room);
        let index = self.watched.iter().position(is_room)?;
        Some(self.watched.swap_remove(index).cursor())
    }
}
