//! The users of this process: which connection speaks for whom, and whose place in a room is kept
//! while their connection is lost.
//!
//! A user has at most one live session. A connection that proves to be the same user takes over:
//! the older session ends first, and what it held is handed on, so nobody sees the user go.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::room::{Bell, Membership, News, UserId};

/// How long a place is kept for whoever took over from a live session, where [`Users::grace`] is
/// shorter: its client is connecting right now.
const TAKEOVER_GRACE: Duration = Duration::from_secs(5);
/// Places that may be kept for users of one address. Beyond that there may be as many as the address
/// has live sessions.
const KEPT_PER_ADDRESS_MIN: usize = 16;

/// How long a place is kept for a client that said it is closing the connection, where
/// [`Users::grace`] is longer: long enough for a page to be reloaded.
const CLOSING_GRACE: Duration = Duration::from_secs(2);

/// Names one session or one kept place; never used again.
type Serial = u64;

/// The users. See the module's text.
#[derive(Debug)]
pub struct Users {
    grace: Duration,
    kept_max: usize,
    kept: AtomicUsize,
    next_serial: AtomicU64,
    by_id: Mutex<HashMap<UserId, User>>,
    by_address: Mutex<HashMap<IpAddr, AtAddress>>,
}

/// What there is of one address.
#[derive(Debug, Default)]
struct AtAddress {
    live: usize,
    kept: usize,
}

/// One of an address's live sessions or kept places; given up when dropped.
#[derive(Debug)]
struct Share {
    users: Arc<Users>,
    address: IpAddr,
    of: fn(&mut AtAddress) -> &mut usize,
}

#[derive(Debug, Default)]
struct User {
    live: Option<Live>,
    /// What few users have; boxed, because every connection's user is here.
    rest: Option<Box<Rest>>,
}

#[derive(Debug, Default)]
struct Rest {
    /// Those who were taken over from and have not ended yet, with who waits for each.
    ending: Vec<(Serial, oneshot::Sender<()>)>,
    kept: Option<Kept>,
}

#[derive(Debug)]
struct Kept {
    serial: Serial,
    place: Membership,
    _share: Option<Share>,
}

#[derive(Debug)]
struct Live {
    serial: Serial,
    bell: Arc<Bell>,
}

impl User {
    fn rest(&mut self) -> &mut Rest {
        self.rest.get_or_insert_default()
    }

    /// Whether nothing is known of the user any more, once what is empty is let go of.
    fn is_nobody(&mut self) -> bool {
        self.rest
            .take_if(|rest| rest.ending.is_empty() && rest.kept.is_none());
        self.live.is_none() && self.rest.is_none()
    }
}

/// Why a place is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The connection is lost and may come back.
    Lost,
    /// The client has said that it closes the connection, and may be reloading its page.
    Closing,
    /// A newer connection of the same user is there.
    TakenOver,
    /// The server is going away and has sent the client elsewhere.
    Drained,
}

/// A session's standing as its user's live one; given up when dropped.
#[derive(Debug)]
pub struct Standing {
    users: Arc<Users>,
    user_id: UserId,
    serial: Serial,
    _share: Option<Share>,
}

/// The session that was taken over from; resolves when it has ended.
pub type Predecessor = oneshot::Receiver<()>;

impl Users {
    /// Places are kept for `grace`, at most `kept_max` at once (0 = not limited).
    #[must_use]
    pub fn new(grace: Duration, kept_max: usize) -> Arc<Self> {
        Arc::new(Self {
            grace,
            kept_max,
            kept: AtomicUsize::new(0),
            next_serial: AtomicU64::new(0),
            by_id: Mutex::default(),
            by_address: Mutex::default(),
        })
    }

    fn serial(&self) -> Serial {
        self.next_serial.fetch_add(1, Ordering::Relaxed)
    }

    /// A session of `user_id` begins. One that was live is told to end; the caller must wait for
    /// it before it acts for the user.
    #[must_use]
    pub fn arrive(
        self: &Arc<Self>,
        user_id: &UserId,
        address: Option<IpAddr>,
        bell: &Arc<Bell>,
    ) -> (Standing, Option<Predecessor>) {
        let serial = self.serial();
        let live = Live {
            serial,
            bell: Arc::clone(bell),
        };
        let mut by_id = self.by_id.lock();
        let user = by_id.entry(Arc::clone(user_id)).or_default();
        let predecessor = user.live.replace(live).map(|before| {
            let (over, wait) = oneshot::channel();
            user.rest().ending.push((before.serial, over));
            before.bell.ring(News::OUSTED);
            wait
        });
        drop(by_id);
        let standing = Standing {
            users: Arc::clone(self),
            user_id: Arc::clone(user_id),
            serial,
            _share: address.map(|address| self.share_in_live(address)),
        };
        (standing, predecessor)
    }

    /// Another process has taken over a membership of this user. If it is that of a session here, the
    /// session ends; if it is that of a place kept here, the place goes. Whoever has come back since has
    /// another one.
    pub fn taken_over_elsewhere(&self, user_id: &UserId) {
        if let Some(live) = self.by_id.lock().get(user_id).and_then(|u| u.live.as_ref()) {
            live.bell.ring(News::TAKEN_OVER);
        }
        drop(self.take_kept(user_id, |_, place| !place.is_current()));
    }

    fn share_in_live(self: &Arc<Self>, address: IpAddr) -> Share {
        self.by_address.lock().entry(address).or_default().live += 1;
        Share {
            users: Arc::clone(self),
            address,
            of: |at| &mut at.live,
        }
    }

    /// A share in what may be kept of an address; `None` if it has none left.
    fn share_in_kept(self: &Arc<Self>, address: IpAddr) -> Option<Share> {
        let mut by_address = self.by_address.lock();
        let at = by_address.entry(address).or_default();
        if at.kept >= at.live.max(KEPT_PER_ADDRESS_MIN) {
            return None;
        }
        at.kept += 1;
        drop(by_address);
        Some(Share {
            users: Arc::clone(self),
            address,
            of: |at| &mut at.kept,
        })
    }

    /// Keeps the place of a user whose session ends, for a while, unless too many are kept of its
    /// address or in its room. Nobody is told meanwhile.
    pub fn keep(
        self: &Arc<Self>,
        user_id: &UserId,
        address: Option<IpAddr>,
        mut place: Membership,
        why: Keep,
    ) {
        let grace = match why {
            Keep::Lost | Keep::Drained => self.grace,
            Keep::Closing => self.grace.min(CLOSING_GRACE),
            Keep::TakenOver => self.grace.max(TAKEOVER_GRACE),
        };
        let full = self.kept_max != 0 && self.kept.load(Ordering::Relaxed) >= self.kept_max;
        if grace.is_zero() || full {
            // Dropping the place is leaving.
            return;
        }
        // Those whom the server sends away are all live ones, and it lets nobody new in.
        let is_bounded = why != Keep::Drained;
        let share = match address {
            Some(address) if is_bounded => match self.share_in_kept(address) {
                None => return,
                share => share,
            },
            _ => None,
        };
        if is_bounded && !place.may_be_detached() {
            return;
        }
        place.detach();
        let serial = self.serial();
        self.kept.fetch_add(1, Ordering::Relaxed);
        let before = {
            let mut by_id = self.by_id.lock();
            let user = by_id.entry(Arc::clone(user_id)).or_default();
            user.rest().kept.replace(Kept {
                serial,
                place,
                _share: share,
            })
        };
        self.let_go(before);
        let (users, user_id) = (Arc::clone(self), Arc::clone(user_id));
        tokio::spawn(async move {
            tokio::time::sleep(grace).await;
            if why == Keep::Closing && users.is_live(&user_id) {
                // The page has been reloaded, and is about to join.
                tokio::time::sleep(users.grace.saturating_sub(grace)).await;
            }
            users.expire(&user_id, serial);
        });
    }

    /// Takes the place that is kept for a user, if there is one. Dropping it is leaving.
    #[must_use]
    pub fn claim(&self, user_id: &UserId) -> Option<Membership> {
        self.take_kept(user_id, |_, _| true)
    }

    fn is_live(&self, user_id: &UserId) -> bool {
        let by_id = self.by_id.lock();
        by_id.get(user_id).is_some_and(|user| user.live.is_some())
    }

    fn expire(&self, user_id: &UserId, serial: Serial) {
        // Outside the lock: leaving tells the room.
        drop(self.take_kept(user_id, |kept, _| kept == serial));
    }

    fn take_kept(
        &self,
        user_id: &UserId,
        wanted: impl Fn(Serial, &Membership) -> bool,
    ) -> Option<Membership> {
        let mut by_id = self.by_id.lock();
        let user = by_id.get_mut(user_id)?;
        let kept = &mut user.rest.as_mut()?.kept;
        let Kept { place, .. } = kept.take_if(|kept| wanted(kept.serial, &kept.place))?;
        if user.is_nobody() {
            by_id.remove(user_id);
        }
        self.kept.fetch_sub(1, Ordering::Relaxed);
        Some(place)
    }

    fn let_go(&self, before: Option<Kept>) {
        if let Some(kept) = before {
            self.kept.fetch_sub(1, Ordering::Relaxed);
            drop(kept);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut by_address = self.users.by_address.lock();
        if let Some(at) = by_address.get_mut(&self.address) {
            *(self.of)(at) -= 1;
            if at.live == 0 && at.kept == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        let mut by_id = self.users.by_id.lock();
        let Some(user) = by_id.get_mut(&self.user_id) else {
            return;
        };
        user.live.take_if(|live| live.serial == self.serial);
        // Dropping the sender tells who waits.
        if let Some(rest) = &mut user.rest {
            rest.ending.retain(|(serial, _)| *serial != self.serial);
        }
        if user.is_nobody() {
            by_id.remove(&self.user_id);
        }
    }
}
