//! The session's loop: wait for a command, an entry past the cursor or newer state, and tell the
//! connection, one thing after the other.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use super::answers::Unanswered;
use super::budget::Account;
use super::connection::{Connection, Ended};
use super::identity::TokenError;
use super::mailbox::Mailbox;
use super::outbox::Outbox;
use super::users::{Keep, Predecessor};
use super::{Shared, Who};
use crate::protocol::{self, Gap, ServerInfo, event};
use crate::room::{
    ActivityState, Bell, Entry, EntryKind, Membership, News, Read, Room, Subscriber, Subscription,
};
use crate::{json, random};

/// Commands handled, and entries told, before the session looks at the rest of its work again.
const BATCH: usize = 32;
/// Clients that are sent away come back spread over at least this time.
const RECONNECT_SPREAD_MS: u64 = 1000;

/// Where a session is.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) membership: Membership,
    /// The last id of the room's log that this connection has been told, or need not be.
    pub(super) cursor: u64,
    /// Up to this id the connection is resuming: messages are told, notices are old news.
    pub(super) resuming_until: u64,
    /// The last message said here that was acknowledged before it came back by the log, as it may
    /// where other processes share the room.
    pub(super) said: u64,
    /// The client has said that it is about to close the connection.
    pub(super) closing: bool,
}

impl Place {
    pub(super) fn room(&self) -> &Arc<Room> {
        self.membership.room()
    }
}

/// One connection's session. See the module's text.
#[derive(Debug)]
pub struct Session<C: Connection> {
    pub(super) shared: Arc<Shared>,
    pub(super) who: Who,
    pub(super) out: Arc<Outbox<C>>,
    pub(super) place: Option<Place>,
    /// Messages that are on their way to the log; boxed, because few sessions ever have one.
    pub(super) unanswered: Option<Box<Unanswered<C::Ack>>>,
    bell: Arc<Bell>,
    pub(super) mailbox: Arc<Mailbox<C::Ack>>,
    pub(super) account: Arc<Account>,
    counts_told: u64,
    activity_told: u64,
    // Subscribed to the counts and, where its client knows what that is, to other rooms' activity.
    _subscriptions: (Subscription, Option<Subscription>),
}

impl<C: Connection + std::fmt::Debug> Session<C> {
    pub(super) fn new(
        shared: Arc<Shared>,
        who: Who,
        account: Arc<Account>,
        mailbox: Arc<Mailbox<C::Ack>>,
        out: Arc<Outbox<C>>,
        bell: Arc<Bell>,
    ) -> Self {
        let subscriber: Arc<dyn Subscriber> = Arc::clone(&out) as _;
        let (counts, activity) = (shared.rooms.counts(), shared.rooms.activity());
        let subscriptions = (
            counts.audience().subscribe(Arc::clone(&subscriber)),
            who.resumes
                .then(|| activity.audience().subscribe(subscriber)),
        );
        Self {
            who,
            out,
            place: None,
            unanswered: None,
            bell,
            mailbox,
            account,
            counts_told: 0,
            activity_told: 0,
            _subscriptions: subscriptions,
            shared,
        }
    }

    /// Runs the session until its connection ends or the server goes away. Leaving the room is
    /// part of it: the membership goes with the session.
    ///
    /// Every connection holds this future for its life, so paths that are rarely taken are boxed
    /// to keep it small.
    pub async fn run(mut self: Box<Self>) -> Ended {
        let Who {
            user_id, network, ..
        } = &self.who;
        let (standing, predecessor) = self.shared.users.arrive(user_id, *network, &self.bell);
        let ended = match self.serve(predecessor).await {
            Ok(never) => match never {},
            Err(ended) => ended,
        };
        Box::pin(self.end(ended)).await;
        // Last, because whoever takes over waits for it.
        drop(standing);
        ended
    }

    async fn end(&mut self, ended: Ended) {
        match ended {
            Ended::Slow => {
                self.shared.metrics.slow_readers_closed.inc();
                self.out.close_transport();
            }
            Ended::Flood => {
                self.shared.metrics.reject("flood");
                self.out.close_transport();
            }
            Ended::Ousted => self.out.disconnect(),
            Ended::Lost | Ended::Left | Ended::Drained => {}
        }
        self.take_cursor();
        self.do_what_was_asked().await;
        let users = &self.shared.users;
        let keep = match ended {
            Ended::Ousted => Some(Keep::TakenOver),
            Ended::Drained => self.who.resumes.then_some(Keep::Drained),
            Ended::Lost if self.place.as_ref().is_some_and(|place| place.closing) => {
                self.who.resumes.then_some(Keep::Closing)
            }
            Ended::Lost | Ended::Slow | Ended::Flood => self.who.resumes.then_some(Keep::Lost),
            Ended::Left => {
                // Also the place that it had before this connection.
                drop(users.claim(&self.who.user_id));
                None
            }
        };
        match (self.place.take(), keep) {
            // Another process has taken it over already.
            (Some(place), _) if !place.membership.is_current() => drop(place),
            (Some(place), Some(why)) => {
                users.keep(&self.who.user_id, self.who.network, place.membership, why);
            }
            // Dropping the place is leaving.
            (place, _) => drop(place),
        }
    }

    async fn serve(&mut self, predecessor: Option<Predecessor>) -> Result<Infallible, Ended> {
        self.greet().await?;
        if let Some(predecessor) = predecessor {
            // What the user asked for over the older connection happens first, and its place is
            // free to claim then.
            Box::pin(self.wait_for(predecessor)).await?;
        }
        if self.shared.drain.get().is_some() {
            return Err(Box::pin(self.leave_in_turn()).await?);
        }
        loop {
            let news = self.rest().await?;
            self.tell(news).await?;
            if news.has(News::DRAIN) {
                return Err(Box::pin(self.leave_in_turn()).await?);
            }
        }
    }

    async fn wait_for(&self, predecessor: Predecessor) -> Result<(), Ended> {
        tokio::select! {
            biased;
            // It resolves by being dropped, which is no error.
            Ok(()) | Err(_) = predecessor => Ok(()),
            ended = self.out.end() => Err(ended),
        }
    }

    /// Waits for news. Meanwhile the room's fan-out sends entries directly.
    async fn rest(&mut self) -> Result<News, Ended> {
        // What waits for the network is this session's to see to.
        self.out.drained().await?;
        if let Some(place) = &self.place {
            self.out.park(place.cursor);
        }
        let news = self.bell.news().await;
        self.take_cursor();
        Ok(news)
    }

    fn take_cursor(&mut self) {
        if let (Some(place), Some(cursor)) = (&mut self.place, self.out.unpark()) {
            place.cursor = cursor;
        }
    }

    /// Does what there is to do.
    async fn tell(&mut self, news: News) -> Result<(), Ended> {
        if let Some(ended) = Ended::by(news) {
            return Err(ended);
        }
        if news.has(News::TAKEN_OVER)
            && self
                .place
                .as_ref()
                .is_some_and(|place| !place.membership.is_current())
        {
            return Err(Ended::Ousted);
        }
        if news.has(News::ANSWERS) {
            Box::pin(self.tell_answers()).await?;
        }
        if news.has(News::MAIL) {
            self.handle_mail().await?;
        }
        if news.has(News::ENTRIES) {
            // Let those go first who are about to publish more: it all leaves in one go then.
            tokio::task::yield_now().await;
            self.tell_entries().await?;
        }
        if news.has(News::COUNTS) {
            self.tell_counts().await?;
        }
        if news.has(News::ACTIVITY) {
            let activity = self.shared.rooms.activity().published();
            self.tell_activity(&activity).await?;
        }
        if news.has(News::TYPING) {
            self.tell_typing().await?;
        }
        Ok(())
    }

    /// What every connection is told first.
    async fn greet(&mut self) -> Result<(), Ended> {
        let counts = self.shared.rooms.counts().now();
        self.counts_told = counts.version;
        self.out.emit(event::ROOM_LIST, &counts.payload).await?;
        let token = self.shared.identities.issue(&self.who.user_id);
        let session = json::raw(&protocol::Session {
            token: &token,
            user_id: &self.who.user_id,
            code: self.who.token_error.map(TokenError::as_str),
            limits: &self.shared.settings.limits,
            server: ServerInfo {
                name: env!("CARGO_PKG_NAME"),
                version: env!("CARGO_PKG_VERSION"),
            },
        });
        self.out.emit(event::SESSION, &session).await?;
        if !self.who.resumes {
            return Ok(());
        }
        let activity = self.shared.rooms.activity().publish();
        self.tell_activity(&activity).await
    }

    async fn handle_mail(&mut self) -> Result<(), Ended> {
        while let Some(request) = self.mailbox.pop() {
            Box::pin(self.handle(request)).await?;
            // A client that asks without pause must not keep itself from hearing the answers.
            self.tell_entries().await?;
        }
        Ok(())
    }

    /// Tells the room's entries past the cursor, all there are.
    pub(super) async fn tell_entries(&mut self) -> Result<(), Ended> {
        let mut batch = Vec::new();
        while let Some(place) = &mut self.place {
            if place.cursor >= place.room().head() {
                return Ok(());
            }
            let room = Arc::clone(place.room());
            match room.read_after(place.cursor, BATCH, &mut batch) {
                Read::Entries { upto } => self.tell_batch(&mut batch, upto).await?,
                Read::Gap { from, to } => {
                    let epoch = room.epoch_after(from);
                    self.tell_gap(&room, from, to, epoch).await?;
                }
            }
        }
        Ok(())
    }

    async fn tell_batch(&mut self, batch: &mut Vec<Arc<Entry>>, upto: u64) -> Result<(), Ended> {
        let Some(place) = &mut self.place else {
            return Ok(());
        };
        let resuming_until = place.resuming_until;
        place.cursor = upto;
        self.shared.metrics.deliveries.inc_by(batch.len() as u64);
        batch.retain(|entry| {
            let replayed = entry.id <= resuming_until;
            if replayed && entry.kind == EntryKind::Message {
                self.account.charge_answer(entry.payload.get().len());
            }
            // While resuming, notices are old news.
            !replayed || entry.kind == EntryKind::Message
        });
        self.out.send_entries(batch, upto).await?;
        batch.clear();
        Ok(())
    }

    /// Ids `from` to `to` are gone: says so and goes on after them.
    pub(super) async fn tell_gap(
        &mut self,
        room: &Room,
        from: u64,
        to: u64,
        epoch: Option<Arc<str>>,
    ) -> Result<(), Ended> {
        if let Some(place) = &mut self.place {
            place.cursor = to;
        }
        let gap = json::raw(&Gap {
            room: room.name().as_str(),
            from,
            to,
            epoch: epoch.as_deref(),
        });
        self.out.emit(event::GAP, &gap).await
    }

    async fn tell_counts(&mut self) -> Result<(), Ended> {
        let state = self.shared.rooms.counts().published();
        if state.version <= self.counts_told {
            return Ok(());
        }
        self.counts_told = state.version;
        self.out.emit(event::ROOM_UPDATE, &state.payload).await
    }

    /// Tells the counts as they are right now, as every joiner is told.
    pub(super) async fn tell_counts_now(&mut self) -> Result<(), Ended> {
        let state = self.shared.rooms.counts().now();
        self.counts_told = state.version;
        self.account.charge_answer(state.payload.get().len());
        self.out.emit(event::ROOM_UPDATE, &state.payload).await
    }

    async fn tell_activity(&mut self, state: &ActivityState) -> Result<(), Ended> {
        if state.version <= self.activity_told {
            return Ok(());
        }
        self.activity_told = state.version;
        self.out.emit(event::ACTIVITY, &state.payload).await
    }

    async fn tell_typing(&mut self) -> Result<(), Ended> {
        let Some(place) = &self.place else {
            return Ok(());
        };
        match place.room().typing().published() {
            Some(payload) => self.out.emit(event::TYPING, &payload).await,
            None => Ok(()),
        }
    }

    /// The server is going away: says so, serves on until this session's turn comes, then
    /// finishes what was accepted and ends the transport.
    async fn leave_in_turn(&mut self) -> Result<Ended, Ended> {
        let spread = self
            .shared
            .drain
            .get()
            .map_or(Duration::ZERO, |drain| drain.spread);
        let turn_ms = random::up_to(u64::try_from(spread.as_millis()).unwrap_or(u64::MAX));
        let reconnect_in_ms = turn_ms.saturating_add(random::up_to(RECONNECT_SPREAD_MS));
        let shutdown = json::raw(&protocol::Shutdown { reconnect_in_ms });
        self.out.emit(event::SHUTDOWN, &shutdown).await?;
        let mut turn = std::pin::pin!(tokio::time::sleep(Duration::from_millis(turn_ms)));
        loop {
            // Cancelled in its rest, the session still takes its cursor back below.
            let news = tokio::select! {
                biased;
                () = turn.as_mut() => break,
                news = self.rest() => news?,
            };
            self.tell(news).await?;
        }
        self.take_cursor();
        self.handle_mail().await?;
        self.wait_for_answers().await?;
        self.tell_entries().await?;
        self.out.flush().await?;
        self.out.close_transport();
        Ok(Ended::Drained)
    }
}
