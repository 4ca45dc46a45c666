//! How a user becomes a member of a room.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::value::RawValue;

use super::fanout::Subscriber;
use super::members::{Member, MemberId};
use super::membership::Membership;
use super::room::{Room, State};
use super::store::{Arrival, Departure, Store};
use crate::domain::RequestError;

/// How long a join waits for this process to have what came before it in the log.
const CATCH_UP: Duration = Duration::from_secs(3);

/// What a join gave.
#[derive(Debug)]
pub struct Joined {
    /// The membership: dropping it is leaving.
    pub membership: Membership,
    /// The last id before the join: the joiner receives what comes after it.
    pub position: u64,
    /// The joiner's own notice, if the room is too large for notices.
    pub own_notice: Option<Box<RawValue>>,
}

impl Membership {
    /// Makes a user a member of a room. Any other membership of the user ends with it, also `replaces`,
    /// the one in this process. `subscriber` receives what is published from then on.
    ///
    /// # Errors
    /// `username_taken` or `unavailable`. Nothing has changed in that case.
    pub async fn join(
        store: &Arc<dyn Store>,
        room: &Arc<Room>,
        member: Member,
        replaces: Option<&Self>,
        subscriber: Arc<dyn Subscriber>,
    ) -> Result<Joined, RequestError> {
        let (mut arriving, position) = {
            let mut state = room.state.lock();
            // Who comes back keeps their place in the list, and the rights of having been there longer.
            let held = replaces.filter(|held| Arc::ptr_eq(held.room(), room));
            let continued = match held {
                Some(held) => Some(held.id()),
                None => store.earlier_membership(room, &member.user_id),
            };
            let joined_ms = match continued {
                Some(id) => id.joined_ms(),
                None => u64::try_from(state.now_ms()).unwrap_or_default(),
            };
            let id = state.members.begin_arrival(joined_ms);
            let arriving = Arriving {
                store,
                room,
                id,
                may_have_joined: true,
            };
            (arriving, room.position_of(&state))
        };
        let id = arriving.id;
        let arrival = Arrival {
            position,
            id,
            member: member.clone(),
            replaces: replaces.map(|held| (held.room(), held.id())),
        };
        let arrived = store.join(room, arrival).get().await;
        arriving.may_have_joined = arrived.is_ok();
        let arrived = arrived?;
        // The joiner's history must end where what it receives begins.
        let has_all =
            |state: &State| state.epoch == arrived.epoch && state.log.head() >= arrived.position;
        if !room.comes_to(has_all).await {
            return Err(RequestError::unavailable());
        }
        let subscription = room.fanout.subscribe(subscriber);
        let mut changes = room.changes();
        // So that the user is not counted twice until the store's word of it has arrived.
        if let Some(replaced) = arrived.replaced {
            changes.remove(replaced);
        }
        changes.end_arrival(id, Some(member.clone()));
        drop(changes);
        arriving.may_have_joined = false;
        let own_notice = arrived.unannounced.then(|| room.own_notice(&member));
        Ok(Joined {
            membership: Self::new(Arc::clone(store), Arc::clone(room), id, subscription),
            position: arrived.position,
            own_notice,
        })
    }
}

impl Room {
    /// Waits until this process has the entry `id`; false if that takes too long.
    pub async fn has_reached(&self, id: u64) -> bool {
        self.comes_to(|state| state.log.head() >= id).await
    }

    /// Notes that a message was acknowledged.
    pub fn note_acknowledged(&self, id: u64) {
        self.acknowledged.fetch_max(id, Ordering::AcqRel);
    }

    /// Waits until this process has every message that it has acknowledged; false if that takes too
    /// long.
    pub async fn has_all_acknowledged(&self) -> bool {
        self.has_reached(self.acknowledged.load(Ordering::Acquire))
            .await
    }

    async fn comes_to(&self, wanted: impl Fn(&State) -> bool) -> bool {
        if wanted(&self.state.lock()) {
            return true;
        }
        let reached = async {
            loop {
                let mut moved = std::pin::pin!(self.moved.notified());
                moved.as_mut().enable();
                if wanted(&self.state.lock()) {
                    return;
                }
                moved.await;
            }
        };
        tokio::time::timeout(CATCH_UP, reached).await.is_ok()
    }
}

/// An arrival, which is over when this is dropped.
struct Arriving<'a> {
    store: &'a Arc<dyn Store>,
    room: &'a Room,
    id: MemberId,
    /// The store may have a membership by now that no session will have.
    may_have_joined: bool,
}

impl Drop for Arriving<'_> {
    fn drop(&mut self) {
        if self.may_have_joined {
            self.store
                .leave(self.room.changes(), self.id, Departure::Left);
        }
        self.room.changes().end_arrival(self.id, None);
    }
}
