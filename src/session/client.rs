//! The client of one session: executes its requests and sends it everything, in one order.

use std::fmt::Debug;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::budget::{FloodError, short_of_memory};
use super::connection::{CloseReason, Connection};
use super::outbox::Outbox;
use super::participant::Participant;
use super::unanswered::Unanswered;
use crate::domain::{RequestError, RequestErrorCode};
use crate::json;
use crate::memory::{MemoryAccount, MemoryCharge};
use crate::metrics::RefusalContext;
use crate::protocol::{Accepted, ErrorEvent, Gap, NoBody, RefusedAck, RefusedError, event};
use crate::room::activity::NewestMessages;
use crate::room::counts::MemberCounts;
use crate::room::profile::RoomProfile;
use crate::room::typing::Typists;
use crate::room::{
    Entry, EntryKind, Range, Read, Room, Signals, Snapshot, StateSource, read_messages,
};

/// Most entries read from the log in one step.
pub(super) const BATCH: usize = 32;
/// Copies of an answer that exist while it is encoded and queued.
const COPIES: usize = 2;

/// One connected client.
#[derive(Debug)]
pub(crate) struct Client<C: Connection> {
    pub(super) participant: Participant,
    pub(super) out: Arc<Outbox<C>>,
    /// Messages that are on their way to the log. Boxed, because few sessions ever have one.
    pub(super) unanswered: Option<Box<Unanswered<C::Ack>>>,
    memory: Arc<MemoryAccount>,
    /// The newest version of each state that was sent; 0 = none.
    sent_versions: [u64; 4],
}

/// A state that clients are sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum StateKind {
    /// Member counts of all rooms.
    Counts,
    /// The newest message of each room.
    Activity,
    /// Who is typing in the joined room.
    Typing,
    /// How the joined room is run.
    Profile,
}

impl StateKind {
    pub(super) const ALL: [Self; 4] = [Self::Counts, Self::Activity, Self::Typing, Self::Profile];

    pub(super) const fn signal(self) -> Signals {
        match self {
            Self::Counts => MemberCounts::SIGNAL,
            Self::Activity => NewestMessages::SIGNAL,
            Self::Typing => Typists::SIGNAL,
            Self::Profile => RoomProfile::SIGNAL,
        }
    }

    const fn event(self) -> &'static str {
        match self {
            Self::Counts => event::ROOM_UPDATE,
            Self::Activity => event::ACTIVITY,
            Self::Typing => event::TYPING,
            Self::Profile => event::ROOM_CHANGED,
        }
    }
}

impl<C: Connection + Debug> Client<C> {
    pub(super) const fn new(
        participant: Participant,
        out: Arc<Outbox<C>>,
        memory: Arc<MemoryAccount>,
    ) -> Self {
        Self {
            participant,
            out,
            unanswered: None,
            memory,
            sent_versions: [0; 4],
        }
    }

    /// Reserves memory for an answer of this many bytes before it is built; nothing for 0.
    pub(super) fn reserve_answer(
        &self,
        bytes: usize,
    ) -> Result<Option<MemoryCharge>, RequestError> {
        if bytes == 0 {
            return Ok(None);
        }
        let charge = self.memory.try_charge(bytes * COPIES);
        charge.map(Some).ok_or_else(short_of_memory)
    }

    /// Charges a request that could not be done. If that is the server's fault, it is free.
    pub(super) fn charge_refusal(&self, refusal: &RequestError) -> Result<(), CloseReason> {
        if refusal.code == RequestErrorCode::Unavailable {
            return Ok(());
        }
        self.participant
            .account
            .charge_refusal(0)
            .map_err(|FloodError| CloseReason::Flood)
    }

    /// Sends an answer, if the client asked for one.
    pub(super) async fn acknowledge(
        &mut self,
        ack: Option<C::Ack>,
        answer: &RawValue,
    ) -> Result<(), CloseReason> {
        match ack {
            Some(ack) => self.out.acknowledge(ack, answer).await,
            None => Ok(()),
        }
    }

    /// Sends an answer that says nothing but `ok`.
    pub(super) async fn acknowledge_done(
        &mut self,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason> {
        let body = NoBody {};
        self.acknowledge(ack, &json::raw(&Accepted { ok: true, body }))
            .await
    }

    /// Sends an answer that is charged for its size.
    pub(super) async fn acknowledge_charged(
        &mut self,
        ack: Option<C::Ack>,
        body: &(impl Serialize + Sync),
    ) -> Result<(), CloseReason> {
        let answer = json::raw(&Accepted { ok: true, body });
        self.participant.account.charge_answer(answer.get().len());
        self.acknowledge(ack, &answer).await
    }

    /// Sends a refusal: as the answer, or as an `error` if the client asked for none.
    pub(super) async fn refuse(
        &mut self,
        event: &'static str,
        refusal: &RequestError,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason> {
        let code = refusal.code.as_str();
        let message = &refusal.message;
        let context = RefusalContext {
            what: event,
            text: refusal.fixed_message(),
            network: self.participant.identity.network,
        };
        let metrics = &self.participant.shared.metrics;
        metrics.reject_with(code, &context);
        let retry_after_ms = refusal
            .retry_after
            .map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX).max(1));
        if let Some(ack) = ack {
            let error = RefusedError {
                code,
                message,
                retry_after_ms,
            };
            let answer = json::raw(&RefusedAck { ok: false, error });
            return self.out.acknowledge(ack, &answer).await;
        }
        let error = ErrorEvent {
            message,
            code,
            event,
            retry_after_ms,
        };
        self.out.emit(event::ERROR, &json::raw(&error)).await
    }

    /// Sends all log entries past the cursor.
    pub(super) async fn send_entries(&mut self) -> Result<(), CloseReason> {
        let mut batch = Vec::new();
        while let Some(joined) = &mut self.participant.joined {
            if joined.cursor >= joined.room().head() {
                return Ok(());
            }
            let room = Arc::clone(joined.room());
            match room.read_after(joined.cursor, BATCH, &mut batch) {
                Read::Entries { upto } => self.send_batch(&mut batch, upto).await?,
                Read::Archived { upto } => self.send_archived(&room, upto).await?,
                Read::Gap { from, to } => {
                    let epoch = room.epoch_after(from);
                    self.send_gap(&room, from, to, epoch).await?;
                }
            }
        }
        Ok(())
    }

    /// Sends the next of the messages up to `upto`, which only the store has.
    async fn send_archived(&mut self, room: &Arc<Room>, upto: u64) -> Result<(), CloseReason> {
        let Some(cursor) = self.participant.joined.as_ref().map(|joined| joined.cursor) else {
            return Ok(());
        };
        let mut entries = Vec::new();
        let read = self.read_archived(room, cursor, upto, &mut entries).await?;
        if read == cursor {
            return Ok(());
        }
        self.send_batch(&mut entries, read).await
    }

    /// Reads the next of the messages up to `upto`, which only the store has. Returns the position after
    /// them.
    pub(super) async fn read_archived(
        &self,
        room: &Arc<Room>,
        cursor: u64,
        upto: u64,
        batch: &mut Vec<Arc<Entry>>,
    ) -> Result<u64, CloseReason> {
        let range = Range {
            before: upto + 1,
            changes: true,
            ..Range::after(cursor, BATCH)
        };
        let store = Arc::clone(&self.participant.shared.store);
        let page = tokio::select! {
            biased;
            page = read_messages(&*store, room, range) => page,
            reason = self.out.closed() => return Err(reason),
        };
        // The client reconnects, and resumes from where it is.
        let page = page.map_err(|_| CloseReason::Unreadable)?;
        if *room.resumable().start() > cursor {
            // Some of it has been discarded meanwhile: the next reading says that it is a gap.
            return Ok(cursor);
        }
        let last = page.entries.last().map_or(upto, |entry| entry.id);
        *batch = page.entries;
        Ok(if page.more { last } else { upto })
    }

    async fn send_batch(
        &mut self,
        batch: &mut Vec<Arc<Entry>>,
        upto: u64,
    ) -> Result<(), CloseReason> {
        let Some(joined) = &mut self.participant.joined else {
            return Ok(());
        };
        let resuming_until = joined.resuming_until;
        joined.cursor = upto;
        self.participant
            .shared
            .metrics
            .deliveries
            .inc_by(batch.len() as u64);
        batch.retain(|entry| {
            let replayed = entry.id <= resuming_until;
            let is_notice = entry.kind == EntryKind::Notice;
            if replayed && !is_notice {
                self.participant
                    .account
                    .charge_answer(entry.payload.get().len());
            }
            // A notice that is replayed says what clients know by now.
            !replayed || !is_notice
        });
        self.out.send_entries(batch, upto).await?;
        batch.clear();
        Ok(())
    }

    /// Sends a `gap` for the ids `from` to `to`, and continues after them.
    pub(super) async fn send_gap(
        &mut self,
        room: &Room,
        from: u64,
        to: u64,
        epoch: Option<Arc<str>>,
    ) -> Result<(), CloseReason> {
        if let Some(joined) = &mut self.participant.joined {
            joined.cursor = to;
        }
        let gap = json::raw(&Gap {
            room: room.name().as_str(),
            from,
            to,
            epoch: epoch.as_deref(),
        });
        self.out.emit(event::GAP, &gap).await
    }

    /// Sends the newest published state, unless it was sent before.
    pub(super) async fn send_state(&mut self, kind: StateKind) -> Result<(), CloseReason> {
        let Participant { shared, joined, .. } = &self.participant;
        let rooms = &shared.rooms;
        let newest = match (kind, joined) {
            (StateKind::Counts, _) => rooms.counts().published(),
            (StateKind::Activity, _) => rooms.activity().published(),
            (StateKind::Typing, Some(joined)) => joined.room().typing().published(),
            (StateKind::Profile, Some(joined)) => joined.room().profile().published(),
            (StateKind::Typing | StateKind::Profile, None) => return Ok(()),
        };
        if newest.version <= self.sent_versions[kind as usize] {
            return Ok(());
        }
        self.send_snapshot(kind, kind.event(), &newest).await
    }

    /// Sends a state as `event`.
    pub(super) async fn send_snapshot(
        &mut self,
        kind: StateKind,
        event: &'static str,
        snapshot: &Snapshot,
    ) -> Result<(), CloseReason> {
        self.sent_versions[kind as usize] = snapshot.version;
        self.out.emit(event, &snapshot.payload).await
    }

    /// Sends the counts as they are at this moment, as every joiner receives them.
    pub(super) async fn send_counts_now(&mut self) -> Result<(), CloseReason> {
        let Participant {
            shared, account, ..
        } = &self.participant;
        let counts = shared.rooms.counts().now();
        account.charge_answer(counts.payload.get().len());
        self.send_snapshot(StateKind::Counts, event::ROOM_UPDATE, &counts)
            .await
    }

    /// A room was joined: sends how it is run, unless that is as usual, and who is typing there, if
    /// anyone is, once the log was sent, because the joiner's own notice comes first.
    pub(super) fn send_states_later(&mut self, room: &Room) {
        // Versions of another room say nothing about those of this one.
        self.sent_versions[StateKind::Typing as usize] = 0;
        self.sent_versions[StateKind::Profile as usize] = 0;
        if room.profile().now().version > 0 {
            self.participant
                .subscriber
                .notify(StateKind::Profile.signal());
        }
        if room.typing().anybody() {
            self.participant
                .subscriber
                .notify(StateKind::Typing.signal());
        }
    }
}
