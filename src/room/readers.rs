//! Who hears of things: the readers of a room, and of the whole service.
//!
//! A reader that is up to date and has room takes a new entry from whoever publishes it, without
//! its task being woken; all such readers of a room share one broadcast of the transport below.
//! Any other reader is rung and reads for itself (`docs/performance.md` has the figures).

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use slab::Slab;

use super::bell::News;
use super::log::Entry;
use crate::metrics::Metrics;
use crate::sync::Mutex;

/// One connection, to those who have something for it. Nothing here may block.
///
/// An entry reaches a reader in two steps under one lock of the group, so that readers which
/// accept it can share its delivery: first each says whether it takes it, then it is told.
pub trait Reader: Debug + Send + Sync {
    /// Tells the reader that there is news.
    fn ring(&self, news: News);

    /// Asks whether the reader takes this entry now: in its place, and with room for it. If it
    /// says yes, it counts as told, and is by [`Self::tell`] or a broadcast right after.
    fn accept(&self, entry: &Entry) -> bool;

    /// Tells an accepted entry to this reader.
    fn tell(&self, entry: &Entry);

    /// Tells an accepted entry to all subscribers of a channel, this reader's transport being
    /// that of all. False where somebody did not get it.
    fn broadcast(&self, channel: &str, entry: &Entry) -> bool;

    /// From now on the reader is told what is broadcast on the channel. It has at most one.
    fn subscribe(&self, channel: &str);

    /// No longer.
    fn unsubscribe(&self);

    /// The last entry it has been told.
    fn position(&self) -> u64;

    /// Looks whether the transport takes what it was given; one that has not for `timeout` is
    /// told so with [`News::STALLED`]. Called now and then.
    fn check_progress(&self, now: Instant, timeout: Duration);
}

/// A group of readers.
#[derive(Debug)]
pub struct Readers {
    channel: Box<str>,
    metrics: Arc<Metrics>,
    group: Mutex<Slab<Member>>,
    /// Entries to be brought, in order.
    queue: Mutex<VecDeque<Arc<Entry>>>,
}

#[derive(Debug)]
struct Member {
    reader: Arc<dyn Reader>,
    subscribed: bool,
}

/// A reader's seat in a group; given up when dropped.
#[derive(Debug)]
pub struct Seat {
    group: Arc<Readers>,
    place: usize,
}

impl Seat {
    /// Waits until no entry is being brought: what the reader has accepted, it has been told then.
    pub fn settle(&self) {
        drop(self.group.group.lock());
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut group = self.group.group.lock();
        if let Some(member) = group.try_remove(self.place)
            && member.subscribed
        {
            member.reader.unsubscribe();
        }
    }
}

impl Readers {
    /// Nobody. `channel` names the group to transports.
    #[must_use]
    pub fn new(channel: &str, metrics: Arc<Metrics>) -> Self {
        Self {
            channel: channel.into(),
            metrics,
            group: Mutex::default(),
            queue: Mutex::default(),
        }
    }

    /// Seats a reader in the group.
    pub fn seat(self: &Arc<Self>, reader: Arc<dyn Reader>) -> Seat {
        let member = Member {
            reader,
            subscribed: false,
        };
        let place = self.group.lock().insert(member);
        Seat {
            group: Arc::clone(self),
            place,
        }
    }

    /// Rings all.
    pub fn ring(&self, news: News) {
        for (_, member) in &*self.group.lock() {
            member.reader.ring(news);
        }
    }

    /// Queues an entry to be brought to all. Called in the order of ids; the caller then calls
    /// [`Self::bring_queued`], so no more wait here than threads publish.
    pub fn queue(&self, entry: Arc<Entry>) {
        self.queue.lock().push_back(entry);
    }

    /// Brings what is queued, in order: the caller's entry, unless somebody else just has.
    pub fn bring_queued(&self) {
        let mut group = self.group.lock();
        while let Some(entry) = self.next_queued() {
            self.bring(&mut group, &entry);
        }
    }

    fn next_queued(&self) -> Option<Arc<Entry>> {
        self.queue.lock().pop_front()
    }

    /// Brings one entry to all: tells those who accept it, and rings the others.
    fn bring(&self, group: &mut Slab<Member>, entry: &Entry) {
        let mut told_apart = Vec::new();
        let mut voice = None;
        let mut accepted = 0;
        for (place, member) in &mut *group {
            if member.reader.accept(entry) {
                accepted += 1;
                if member.subscribed {
                    voice = Some(place);
                } else {
                    told_apart.push(place);
                }
                continue;
            }
            if member.subscribed {
                member.subscribed = false;
                member.reader.unsubscribe();
            }
            member.reader.ring(News::ENTRIES);
        }
        self.metrics.deliveries.inc_by(accepted);
        if let Some(member) = voice.and_then(|place| group.get(place)) {
            let told_all = member.reader.broadcast(&self.channel, entry);
            if !told_all {
                // Who comes back and resumes has lost nothing.
                let subscribed = group.iter().filter(|(_, member)| member.subscribed);
                subscribed.for_each(|(_, member)| member.reader.ring(News::STALLED));
            }
        }
        for place in told_apart {
            if let Some(member) = group.get_mut(place) {
                member.reader.tell(entry);
                member.reader.subscribe(&self.channel);
                member.subscribed = true;
            }
        }
    }

    /// How far the reader that is furthest behind is behind `head`.
    pub fn lag(&self, head: u64) -> u64 {
        let group = self.group.lock();
        let lags = group
            .iter()
            .map(|(_, m)| head.saturating_sub(m.reader.position()));
        lags.max().unwrap_or(0)
    }

    /// Checks the progress of all for as long as it is polled, so that one that stalls is told
    /// between one and one and a quarter `timeout` later.
    pub async fn check_progress(&self, timeout: Duration) {
        loop {
            tokio::time::sleep(timeout / 4).await;
            let now = Instant::now();
            for (_, member) in &*self.group.lock() {
                member.reader.check_progress(now, timeout);
            }
        }
    }
}
