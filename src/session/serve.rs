//! The session's loop: wait for a command, an entry past the cursor or newer state, and tell the
//! connection, one thing after the other.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;

use super::mailbox::Mailbox;
use super::outbox::{Connection, Ended, Outbox};
use super::{Drain, Shared};
use crate::protocol::{self, Gap, ServerInfo, event};
use crate::room::{CountsState, Entry, EntryKind, Membership, Read, Room, UserId};
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
    pub(super) head: watch::Receiver<u64>,
    pub(super) typing: watch::Receiver<Option<Arc<RawValue>>>,
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
    pub(super) user_id: UserId,
    pub(super) out: Outbox<C>,
    pub(super) place: Option<Place>,
    mailbox: Arc<Mailbox<C::Ack>>,
    gone: CancellationToken,
    counts: watch::Receiver<Arc<CountsState>>,
    counts_told: u64,
    draining: watch::Receiver<Option<Drain>>,
    /// The drain has been announced to this connection.
    leaving: bool,
}

/// What there is to do.
enum Work {
    Mail,
    Entries,
    Counts,
    Typing,
    /// The loop's timer is up.
    Timer,
    Drain,
}

impl<C: Connection> Session<C> {
    pub(super) fn new(
        shared: Arc<Shared>,
        mailbox: Arc<Mailbox<C::Ack>>,
        out: Outbox<C>,
        gone: CancellationToken,
    ) -> Self {
        Self {
            user_id: random::id().into(),
            out,
            place: None,
            mailbox,
            gone,
            counts: shared.rooms.counts().watch(),
            counts_told: 0,
            draining: shared.draining.clone(),
            leaving: false,
            shared,
        }
    }

    /// Runs the session until its connection ends or the server goes away. Leaving the room is
    /// part of it: the membership goes with the session.
    pub async fn run(mut self) -> Ended {
        match self.serve().await {
            Ok(never) => match never {},
            Err(ended) => ended,
        }
    }

    async fn serve(&mut self) -> Result<std::convert::Infallible, Ended> {
        self.greet().await?;
        // The clock of the slow-reader check: one timer, armed while packets are on their way.
        let mut check = std::pin::pin!(tokio::time::sleep(Duration::ZERO));
        let mut taken_at_check = None;
        loop {
            self.arm_check(check.as_mut(), &mut taken_at_check);
            match self.wait(check.as_mut(), taken_at_check.is_some()).await? {
                Work::Mail => self.handle_mail().await?,
                Work::Entries => self.tell_entries().await?,
                Work::Counts => self.tell_counts().await?,
                Work::Typing => self.tell_typing().await?,
                Work::Timer => self.check_progress(&mut taken_at_check)?,
                Work::Drain => return Err(self.drain().await?),
            }
        }
    }

    /// What every connection is told first.
    async fn greet(&mut self) -> Result<(), Ended> {
        let counts = self.shared.rooms.counts().now();
        self.counts_told = counts.version;
        self.out.emit(event::ROOM_LIST, &counts.payload).await?;
        let session = json::raw(&protocol::Session {
            token: None,
            user_id: &self.user_id,
            code: None,
            limits: &self.shared.settings.limits,
            server: ServerInfo {
                name: env!("CARGO_PKG_NAME"),
                version: env!("CARGO_PKG_VERSION"),
            },
        });
        self.out.emit(event::SESSION, &session).await
    }

    async fn wait(&mut self, timer: Pin<&mut Sleep>, timing: bool) -> Result<Work, Ended> {
        let (head, typing) = match &mut self.place {
            Some(place) => (Some(&mut place.head), Some(&mut place.typing)),
            None => (None, None),
        };
        Ok(tokio::select! {
            () = self.gone.cancelled() => return Err(Ended::Gone),
            () = self.mailbox.filled() => Work::Mail,
            () = changed(head) => Work::Entries,
            () = changed(typing) => Work::Typing,
            () = changed(Some(&mut self.counts)) => Work::Counts,
            () = timer, if timing => Work::Timer,
            () = until_draining(&mut self.draining), if !self.leaving => Work::Drain,
        })
    }

    async fn handle_mail(&mut self) -> Result<(), Ended> {
        while let Some(request) = self.mailbox.pop() {
            self.handle(request).await?;
            // A client that asks without pause must not keep itself from hearing the answers.
            self.tell_entries().await?;
        }
        Ok(())
    }

    /// Tells the room's entries past the cursor, all there are.
    pub(super) async fn tell_entries(&mut self) -> Result<(), Ended> {
        let mut batch = Vec::new();
        while let Some(place) = &mut self.place {
            let head = *place.head.borrow_and_update();
            if place.cursor >= head {
                return Ok(());
            }
            let room = Arc::clone(place.room());
            match room.read_after(place.cursor, BATCH, &mut batch) {
                Read::Entries => self.tell_batch(&mut batch).await?,
                Read::Gap { from, to } => self.tell_gap(&room, from, to).await?,
            }
        }
        Ok(())
    }

    async fn tell_batch(&mut self, batch: &mut Vec<Arc<Entry>>) -> Result<(), Ended> {
        for entry in batch.drain(..) {
            let Some(place) = &mut self.place else {
                return Ok(());
            };
            place.cursor = entry.id;
            let old_news = entry.kind == EntryKind::Notice && entry.id <= place.resuming_until;
            if !old_news {
                self.out.emit(event_of(entry.kind), &entry.payload).await?;
            }
        }
        Ok(())
    }

    /// Ids `from` to `to` are gone: says so and goes on after them.
    pub(super) async fn tell_gap(&mut self, room: &Room, from: u64, to: u64) -> Result<(), Ended> {
        if let Some(place) = &mut self.place {
            place.cursor = to;
        }
        let gap = json::raw(&Gap {
            room: room.name().as_str(),
            from,
            to,
        });
        self.out.emit(event::GAP, &gap).await
    }

    async fn tell_counts(&mut self) -> Result<(), Ended> {
        let state = Arc::clone(&self.counts.borrow_and_update());
        self.tell_counts_if_newer(&state).await
    }

    /// Tells the counts as they are right now, as every joiner is told.
    pub(super) async fn tell_counts_now(&mut self) -> Result<(), Ended> {
        let state = self.shared.rooms.counts().now();
        self.counts_told = state.version;
        self.out.emit(event::ROOM_UPDATE, &state.payload).await
    }

    async fn tell_counts_if_newer(&mut self, state: &CountsState) -> Result<(), Ended> {
        if state.version <= self.counts_told {
            return Ok(());
        }
        self.counts_told = state.version;
        self.out.emit(event::ROOM_UPDATE, &state.payload).await
    }

    async fn tell_typing(&mut self) -> Result<(), Ended> {
        let Some(place) = &mut self.place else {
            return Ok(());
        };
        let state = place.typing.borrow_and_update().clone();
        match state {
            Some(payload) => self.out.emit(event::TYPING, &payload).await,
            None => Ok(()),
        }
    }

    /// Arms the slow-reader check where packets are on their way and it is not armed yet.
    fn arm_check(&mut self, check: Pin<&mut Sleep>, taken_at_check: &mut Option<u64>) {
        let Some(timeout) = self.shared.settings.slow_timeout else {
            return;
        };
        if taken_at_check.is_none() && !self.out.is_flushed() {
            *taken_at_check = Some(self.out.taken());
            check.reset(Instant::now() + timeout);
        }
    }

    /// The check's time is over: a transport that took nothing all the while is ended, so that
    /// its client comes back and resumes.
    fn check_progress(&mut self, taken_at_check: &mut Option<u64>) -> Result<(), Ended> {
        if self.out.is_flushed() || taken_at_check.take() != Some(self.out.taken()) {
            *taken_at_check = None;
            return Ok(());
        }
        self.out.close_transport();
        Err(Ended::Slow)
    }

    /// Says goodbye, serves on until this session's turn comes, then finishes what was accepted.
    async fn drain(&mut self) -> Result<Ended, Ended> {
        let spread = self
            .draining
            .borrow_and_update()
            .map_or(Duration::ZERO, |d| d.spread);
        let spread_ms = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX);
        let turn_ms = random::up_to(spread_ms);
        let reconnect_in_ms = turn_ms.saturating_add(random::up_to(RECONNECT_SPREAD_MS));
        let shutdown = json::raw(&protocol::Shutdown { reconnect_in_ms });
        self.out.emit(event::SHUTDOWN, &shutdown).await?;
        self.leaving = true;
        let mut turn = std::pin::pin!(tokio::time::sleep(Duration::from_millis(turn_ms)));
        loop {
            match self.wait(turn.as_mut(), true).await? {
                Work::Mail => self.handle_mail().await?,
                Work::Entries => self.tell_entries().await?,
                Work::Counts => self.tell_counts().await?,
                Work::Typing => self.tell_typing().await?,
                Work::Timer | Work::Drain => break,
            }
        }
        self.handle_mail().await?;
        self.tell_entries().await?;
        self.out.flush().await?;
        self.out.close_transport();
        Ok(Ended::Drained)
    }
}

const fn event_of(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Message => event::RECEIVE_MESSAGE,
        EntryKind::Notice => event::SYSTEM_MESSAGE,
    }
}

/// Waits until the server is going away.
async fn until_draining(draining: &mut watch::Receiver<Option<Drain>>) {
    if draining.wait_for(Option::is_some).await.is_err() {
        // Whoever could have said so is gone, and the sessions with it in a moment.
        std::future::pending::<()>().await;
    }
}

/// Waits for a newer value; for ever where there is nothing to watch.
async fn changed<T>(watched: Option<&mut watch::Receiver<T>>) {
    let alive = match watched {
        Some(receiver) => receiver.changed().await.is_ok(),
        None => false,
    };
    if !alive {
        std::future::pending::<()>().await;
    }
}
