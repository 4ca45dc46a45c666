//! The sessions of this process by user, and the memberships that are held for users whose connection
//! is lost.
//!
//! A user has at most one live session. A connection that proves to be the same user takes over. The
//! older session ends first and hands its membership over, so other users see nothing of it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::room::{Absence, Membership, Notifier, Signals, UserId};

/// How long a membership is held after a takeover, if the grace is shorter. The client is connecting
/// right now.
const TAKEOVER_GRACE: Duration = Duration::from_secs(5);
/// Memberships that may be held for users of one address. Beyond that there may be as many as the
/// address has live sessions.
const HELD_PER_ADDRESS_MIN: usize = 16;

/// How long a membership is held for a client that said it is closing the connection, if the grace is
/// longer. Long enough for a page to be reloaded.
const CLOSING_GRACE: Duration = Duration::from_secs(2);

/// Number of one session or one held membership; never used again.
type Serial = u64;

/// The live session and the held membership of each user.
#[derive(Debug)]
pub struct SessionRegistry {
    settings: HoldSettings,
    held: AtomicUsize,
    next_serial: AtomicU64,
    by_id: Mutex<HashMap<UserId, UserEntry>>,
    by_address: Mutex<HashMap<IpAddr, AtAddress>>,
}

/// How long memberships are held without a connection, and how many.
#[derive(Debug, Clone, Copy)]
pub struct HoldSettings {
    /// For users whose connection is lost.
    pub resume_grace: Duration,
    /// For users who are away.
    pub away_grace: Duration,
    /// Away users who have been members for this long are not bounded by the room.
    pub away_settled: Duration,
    /// Memberships that may be held simultaneously; 0 = not limited.
    pub held_max: usize,
}

/// How many sessions and held memberships one address has.
#[derive(Debug, Default)]
struct AtAddress {
    live: usize,
    held: usize,
}

/// One live session or held membership in the counts of its address; counted off when dropped.
#[derive(Debug)]
struct AddressShare {
    registry: Arc<SessionRegistry>,
    address: IpAddr,
    of: fn(&mut AtAddress) -> &mut usize,
}

#[derive(Debug, Default)]
struct UserEntry {
    live: Option<Live>,
    /// What few users have. Boxed, because every connected user has an entry.
    rare: Option<Box<RareState>>,
}

#[derive(Debug, Default)]
struct RareState {
    /// Sessions that were replaced and have not ended yet, with the sender that their successor waits
    /// for.
    ending: Vec<(Serial, oneshot::Sender<()>)>,
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    serial: Serial,
    membership: Membership,
    _share: Option<AddressShare>,
}

#[derive(Debug)]
struct Live {
    serial: Serial,
    notifier: Arc<Notifier>,
}

impl UserEntry {
    fn rare(&mut self) -> &mut RareState {
        self.rare.get_or_insert_default()
    }

    /// Drops empty state. Returns true if the entry can be removed.
    fn prune(&mut self) -> bool {
        self.rare
            .take_if(|rare| rare.ending.is_empty() && rare.held.is_none());
        self.live.is_none() && self.rare.is_none()
    }
}

/// Why a membership is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldReason {
    /// The connection is lost and may come back.
    Lost,
    /// The client has said that it closes the connection, and may be reloading its page.
    Closing,
    /// The client has said that it closes the connection, because its user is away.
    Away,
    /// A newer connection of the same user takes over.
    TakenOver,
    /// The server shuts down and has sent the client elsewhere.
    Drained,
}

/// Entry of a live session; removes it when dropped, which wakes the successor.
#[derive(Debug)]
pub struct SessionGuard {
    registry: Arc<SessionRegistry>,
    user_id: UserId,
    serial: Serial,
    _share: Option<AddressShare>,
}

/// Resolves when the replaced session has ended.
pub type Predecessor = oneshot::Receiver<()>;

impl SessionRegistry {
    /// A registry without sessions.
    #[must_use]
    pub fn new(settings: HoldSettings) -> Arc<Self> {
        Arc::new(Self {
            settings,
            held: AtomicUsize::new(0),
            next_serial: AtomicU64::new(0),
            by_id: Mutex::default(),
            by_address: Mutex::default(),
        })
    }

    fn serial(&self) -> Serial {
        self.next_serial.fetch_add(1, Ordering::Relaxed)
    }

    /// Registers the session of `user_id`. A session that was live is notified to end. The caller must
    /// wait for it before it acts for the user.
    #[must_use]
    pub fn register(
        self: &Arc<Self>,
        user_id: &UserId,
        address: Option<IpAddr>,
        notifier: &Arc<Notifier>,
    ) -> (SessionGuard, Option<Predecessor>) {
        let serial = self.serial();
        let live = Live {
            serial,
            notifier: Arc::clone(notifier),
        };
        let mut by_id = self.by_id.lock();
        let user = by_id.entry(Arc::clone(user_id)).or_default();
        let predecessor = user.live.replace(live).map(|before| {
            let (over, wait) = oneshot::channel();
            user.rare().ending.push((before.serial, over));
            before.notifier.notify(Signals::REPLACED);
            wait
        });
        drop(by_id);
        let guard = SessionGuard {
            registry: Arc::clone(self),
            user_id: Arc::clone(user_id),
            serial,
            _share: address.map(|address| self.share_in_live(address)),
        };
        (guard, predecessor)
    }

    /// Another process has taken over a membership of this user. If a session here has it, that session
    /// ends. If it is held here, it is dropped. A user who has come back since has another one.
    pub fn taken_over_elsewhere(&self, user_id: &UserId) {
        if let Some(live) = self.by_id.lock().get(user_id).and_then(|u| u.live.as_ref()) {
            live.notifier.notify(Signals::TAKEN_OVER);
        }
        drop(self.take_held(user_id, |_, membership| !membership.is_current()));
    }

    /// A ban or a kick of this user was decided. The session acts upon it, and the membership that is
    /// held ends if `ends` says so.
    pub fn decided(&self, user_id: &UserId, ends: impl Fn(&Membership) -> bool) {
        if let Some(live) = self.by_id.lock().get(user_id).and_then(|u| u.live.as_ref()) {
            live.notifier.notify(Signals::DECIDED);
        }
        if let Some(held) = self.take_held(user_id, |_, held| ends(held)) {
            held.remove();
        }
    }

    fn share_in_live(self: &Arc<Self>, address: IpAddr) -> AddressShare {
        self.by_address.lock().entry(address).or_default().live += 1;
        AddressShare {
            registry: Arc::clone(self),
            address,
            of: |at| &mut at.live,
        }
    }

    /// Counts one more held membership of an address; `None` if it may not have more.
    fn share_in_held(self: &Arc<Self>, address: IpAddr) -> Option<AddressShare> {
        let mut by_address = self.by_address.lock();
        let at = by_address.entry(address).or_default();
        if at.held >= at.live.max(HELD_PER_ADDRESS_MIN) {
            return None;
        }
        at.held += 1;
        drop(by_address);
        Some(AddressShare {
            registry: Arc::clone(self),
            address,
            of: |at| &mut at.held,
        })
    }

    /// How long a membership is held, and how much longer if the user has connected by then and is
    /// about to join.
    fn graces(&self, why: HoldReason) -> (Duration, Duration) {
        let grace = self.settings.resume_grace;
        match why {
            HoldReason::Lost | HoldReason::Drained => (grace, Duration::ZERO),
            HoldReason::TakenOver => (grace.max(TAKEOVER_GRACE), Duration::ZERO),
            HoldReason::Closing => (
                grace.min(CLOSING_GRACE),
                grace.saturating_sub(CLOSING_GRACE),
            ),
            HoldReason::Away => (self.settings.away_grace, grace),
        }
    }

    /// Holds the membership of a user whose session ends, for the grace. Drops it if too many are held
    /// for its address or in its room. The room sees the user leave only when the membership is dropped.
    pub fn hold(
        self: &Arc<Self>,
        user_id: &UserId,
        address: Option<IpAddr>,
        mut membership: Membership,
        why: HoldReason,
    ) {
        let (grace, longer) = self.graces(why);
        let HoldSettings {
            away_settled,
            held_max,
            ..
        } = self.settings;
        let full = held_max != 0 && self.held.load(Ordering::Relaxed) >= held_max;
        if grace.is_zero() || full {
            // Dropping the membership leaves the room.
            return;
        }
        // A server that drains holds no more than its live sessions, and accepts no new ones.
        let is_bounded = why != HoldReason::Drained;
        let share = match address {
            Some(address) if is_bounded => match self.share_in_held(address) {
                None => return,
                share => share,
            },
            _ => None,
        };
        let absence = match why {
            HoldReason::Away if membership.age() >= away_settled => Absence::AwaySettled,
            HoldReason::Away => Absence::Away,
            _ => Absence::Lost,
        };
        if is_bounded && !membership.may_be_detached(absence) {
            return;
        }
        membership.detach(absence);
        let serial = self.serial();
        self.held.fetch_add(1, Ordering::Relaxed);
        let before = {
            let mut by_id = self.by_id.lock();
            let user = by_id.entry(Arc::clone(user_id)).or_default();
            user.rare().held.replace(Held {
                serial,
                membership,
                _share: share,
            })
        };
        self.drop_held(before);
        let (registry, user_id) = (Arc::clone(self), Arc::clone(user_id));
        tokio::spawn(async move {
            tokio::time::sleep(grace).await;
            if !longer.is_zero() && registry.is_live(&user_id) {
                // The page has been reloaded or is shown again, and is about to join.
                tokio::time::sleep(longer).await;
            }
            registry.expire(&user_id, serial);
        });
    }

    /// Takes the membership that is held for a user, if there is one. Dropping it leaves the room.
    #[must_use]
    pub fn claim(&self, user_id: &UserId) -> Option<Membership> {
        self.take_held(user_id, |_, _| true)
    }

    fn is_live(&self, user_id: &UserId) -> bool {
        let by_id = self.by_id.lock();
        by_id.get(user_id).is_some_and(|user| user.live.is_some())
    }

    fn expire(&self, user_id: &UserId, serial: Serial) {
        // Dropped outside the lock, because leaving publishes a notice.
        drop(self.take_held(user_id, |held, _| held == serial));
    }

    fn take_held(
        &self,
        user_id: &UserId,
        wanted: impl Fn(Serial, &Membership) -> bool,
    ) -> Option<Membership> {
        let mut by_id = self.by_id.lock();
        let user = by_id.get_mut(user_id)?;
        let held = &mut user.rare.as_mut()?.held;
        let Held { membership, .. } = held.take_if(|held| wanted(held.serial, &held.membership))?;
        if user.prune() {
            by_id.remove(user_id);
        }
        self.held.fetch_sub(1, Ordering::Relaxed);
        Some(membership)
    }

    fn drop_held(&self, before: Option<Held>) {
        if let Some(held) = before {
            self.held.fetch_sub(1, Ordering::Relaxed);
            drop(held);
        }
    }
}

impl Drop for AddressShare {
    fn drop(&mut self) {
        let mut by_address = self.registry.by_address.lock();
        if let Some(at) = by_address.get_mut(&self.address) {
            *(self.of)(at) -= 1;
            if at.live == 0 && at.held == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

impl Drop for SessionGuard {
    fn drop(&mut self) {
        let mut by_id = self.registry.by_id.lock();
        let Some(user) = by_id.get_mut(&self.user_id) else {
            return;
        };
        user.live.take_if(|live| live.serial == self.serial);
        // Dropping the sender wakes the successor.
        if let Some(rare) = &mut user.rare {
            rare.ending.retain(|(serial, _)| *serial != self.serial);
        }
        if user.prune() {
            by_id.remove(&self.user_id);
        }
    }
}
