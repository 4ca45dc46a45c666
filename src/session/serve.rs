//! The session's loop: waits for requests, entries past the cursor and newer state, and handles them
//! one after the other.

use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use super::client::{Client, StateKind};
use super::connection::{CloseReason, Connection};
use super::expiry;
use super::identity::Identity;
use super::inbox::{Inbox, QueuedRequest};
use super::outbox::Outbox;
use super::participant::{JoinedRoom, Participant};
use super::registry::{HoldReason, Predecessor};
use crate::domain::{RequestError, Role};
use crate::memory::MemoryAccount;
use crate::metrics::RefusalContext;
use crate::moderation::time_left;
use crate::protocol::{self, event};
use crate::room::{Fanout, Membership, Notifier, Signals, Subscription};
use crate::{json, random};

/// Shortest time over which the reconnects of drained clients are spread.
const RECONNECT_SPREAD_MS: u64 = 1000;

/// One connection's session: its client, its inbox, and the task that serves both.
#[derive(Debug)]
pub struct Session<C: Connection> {
    client: Client<C>,
    notifier: Arc<Notifier>,
    inbox: Arc<Inbox<C::Ack>>,
    // To the counts and, if the client knows that event, to the activity of all rooms.
    _subscriptions: (Subscription, Option<Subscription>),
}

impl<C: Connection + Debug> Session<C> {
    pub(super) fn new(
        participant: Participant,
        out: Arc<Outbox<C>>,
        inbox: Arc<Inbox<C::Ack>>,
        memory: Arc<MemoryAccount>,
        notifier: Arc<Notifier>,
    ) -> Self {
        let rooms = &participant.shared.rooms;
        let subscribe =
            |audience: &Arc<Fanout>| audience.subscribe(Arc::clone(&participant.subscriber));
        let subscriptions = (
            subscribe(rooms.counts().audience()),
            participant
                .identity
                .resumes
                .then(|| subscribe(rooms.activity().audience())),
        );
        Self {
            client: Client::new(participant, out, memory),
            notifier,
            inbox,
            _subscriptions: subscriptions,
        }
    }

    /// Runs the session until its connection ends or the server shuts down, and leaves the room.
    ///
    /// Every connection holds this future for its life, so paths that are rarely taken are boxed
    /// to keep it small.
    pub async fn run(mut self: Box<Self>) -> CloseReason {
        let Participant {
            shared, identity, ..
        } = &self.client.participant;
        let Identity {
            user_id, network, ..
        } = identity;
        let (guard, mut predecessor) = shared.users.register(user_id, *network, &self.notifier);
        let claims = identity.claims.as_ref();
        let _expiry = claims.and_then(|claims| expiry::start(&claims.actor, &self.notifier));
        let reason = match self.serve(&mut predecessor).await {
            Ok(never) => match never {},
            Err(reason) => reason,
        };
        if let (CloseReason::Left, Some(predecessor)) = (reason, predecessor) {
            // Who says goodbye gives up the older connection's membership too, once that is held.
            drop(predecessor.await);
        }
        Box::pin(self.end(reason)).await;
        // Last, because the session that takes over waits for it.
        drop(guard);
        reason
    }

    async fn end(&mut self, reason: CloseReason) {
        let client = &mut self.client;
        let metrics = Arc::clone(&client.participant.shared.metrics);
        match reason {
            CloseReason::Slow => {
                metrics.slow_readers_closed.inc();
                client.out.close_transport();
            }
            CloseReason::Flood => {
                let context = RefusalContext {
                    what: "connection",
                    text: "too many refused requests and unknown events",
                    network: client.participant.identity.network,
                };
                metrics.reject_with("flood", &context);
                client.out.close_transport();
            }
            CloseReason::Unreadable | CloseReason::Revoked => client.out.close_transport(),
            CloseReason::Expired => {
                Box::pin(client.end_expired()).await;
                client.out.close_transport();
            }
            CloseReason::Replaced | CloseReason::Banned => client.out.disconnect(),
            CloseReason::Lost | CloseReason::Left | CloseReason::Drained => {}
        }
        self.take_cursor();
        self.run_after_disconnect().await;
        let Participant {
            shared,
            identity,
            joined,
            ..
        } = &mut self.client.participant;
        let users = &shared.users;
        if reason == CloseReason::Banned {
            for membership in [
                joined.take().map(|joined| joined.membership),
                users.claim(&identity.user_id),
            ] {
                membership.into_iter().for_each(Membership::remove);
            }
        }
        let hold_reason = match reason {
            CloseReason::Banned | CloseReason::Revoked => None,
            CloseReason::Replaced => Some(HoldReason::TakenOver),
            CloseReason::Drained => identity.resumes.then_some(HoldReason::Drained),
            CloseReason::Lost => {
                let closing = joined.as_ref().and_then(|joined| joined.closing);
                let why = closing.unwrap_or(HoldReason::Lost);
                identity.resumes.then_some(why)
            }
            CloseReason::Slow
            | CloseReason::Flood
            | CloseReason::Unreadable
            | CloseReason::Expired => identity.resumes.then_some(HoldReason::Lost),
            CloseReason::Left => {
                // Also the membership that it had before this connection.
                drop(users.claim(&identity.user_id));
                None
            }
        };
        match (joined.take(), hold_reason) {
            // Another process has taken it over already.
            (Some(joined), _) if !joined.membership.is_current() => drop(joined),
            (Some(joined), Some(why)) => {
                let user_id = &identity.user_id;
                let id = joined.membership.id();
                users.hold(user_id, identity.network, joined.membership, why);
                // A decision that came before the membership was held has found nothing.
                if shared.moderation.ends(user_id, id) && identity.role() < Role::Admin {
                    users
                        .claim(user_id)
                        .into_iter()
                        .for_each(Membership::remove);
                }
            }
            // Dropping the membership leaves the room.
            (joined, _) => drop(joined),
        }
    }

    /// Executes the requests that were sent before the connection ended, without answers. A client
    /// may send a message and close the connection in the same moment.
    async fn run_after_disconnect(&mut self) {
        let participant = &mut self.client.participant;
        if participant.is_taken_over() {
            // The user is connected to another process now, and what they send there came later.
            return;
        }
        while let Some(request) = self.inbox.pop() {
            if let Ok(command) = request.body {
                command.run_after_disconnect(participant).await;
            }
        }
    }

    async fn serve(&mut self, older: &mut Option<Predecessor>) -> Result<Infallible, CloseReason> {
        Box::pin(self.act_upon_decisions()).await?;
        self.greet().await?;
        if let Some(predecessor) = older {
            // Requests from the older connection are executed first. Then its membership is held, and
            // can be claimed.
            Box::pin(self.wait_for(predecessor)).await?;
            *older = None;
        }
        if self.client.participant.shared.drain.get().is_some() {
            return Err(Box::pin(self.drain()).await?);
        }
        loop {
            let signals = self.rest().await?;
            self.handle_signals(signals).await?;
            if signals.has(Signals::DRAIN) {
                return Err(Box::pin(self.drain()).await?);
            }
        }
    }

    async fn wait_for(&self, predecessor: &mut Predecessor) -> Result<(), CloseReason> {
        tokio::select! {
            biased;
            // The guard only drops the sender, so an error is the normal result.
            Ok(()) | Err(_) = predecessor => Ok(()),
            reason = self.client.out.closed() => Err(reason),
        }
    }

    /// Waits for signals. Meanwhile the room's fan-out sends entries directly.
    async fn rest(&mut self) -> Result<Signals, CloseReason> {
        // Only this task continues a write that the network did not take completely.
        self.client.out.drained().await?;
        if let Some(joined) = &self.client.participant.joined {
            self.client.out.park(joined.cursor);
        }
        let signals = self.notifier.wait().await;
        self.take_cursor();
        Ok(signals)
    }

    fn take_cursor(&mut self) {
        let joined = &mut self.client.participant.joined;
        if let (Some(joined), Some(cursor)) = (joined, self.client.out.unpark()) {
            joined.cursor = cursor;
        }
    }

    /// Handles everything that the session was notified of.
    async fn handle_signals(&mut self, signals: Signals) -> Result<(), CloseReason> {
        if let Some(reason) = CloseReason::of(signals) {
            return Err(reason);
        }
        if signals.has(Signals::TAKEN_OVER) && self.client.participant.is_taken_over() {
            return Err(CloseReason::Replaced);
        }
        if signals.has(Signals::DECIDED) {
            Box::pin(self.act_upon_decisions()).await?;
        }
        if signals.has(Signals::TOKEN_EXPIRING) {
            Box::pin(self.client.warn_of_expiry()).await?;
        }
        if signals.has(Signals::ANSWERS) {
            Box::pin(self.client.send_answers()).await?;
        }
        if signals.has(Signals::MAIL) {
            self.handle_mail().await?;
        }
        if signals.has(Signals::ENTRIES) {
            // Tasks that are about to publish more run first, so that one write carries all of it.
            tokio::task::yield_now().await;
            self.client.send_entries().await?;
        }
        if signals.has(Signals::WATCHED) {
            Box::pin(self.client.send_watched()).await?;
        }
        for kind in StateKind::ALL {
            if signals.has(kind.signal()) {
                self.client.send_state(kind).await?;
            }
        }
        Ok(())
    }

    /// Ends the session if the user is banned. Leaves the room if they were removed from it.
    async fn act_upon_decisions(&mut self) -> Result<(), CloseReason> {
        let client = &mut self.client;
        let Participant {
            shared,
            identity,
            joined,
            ..
        } = &mut client.participant;
        let role = identity.role();
        let Identity {
            user_id, network, ..
        } = identity;
        if let Some(ban) = shared.moderation.ban_of(user_id, *network, role) {
            shared.moderation.note_network(user_id, *network);
            let refusal = RequestError::banned(time_left(&ban));
            client.refuse("moderate", &refusal, None).await?;
            client.out.flush().await?;
            return Err(CloseReason::Banned);
        }
        let moderation = &shared.moderation;
        let is_kicked =
            |joined: &mut JoinedRoom| moderation.is_kicked(user_id, joined.membership.id());
        if let Some(claims) = &identity.claims
            && shared.identities.revocations().is_revoked(&claims.actor)
        {
            return Err(CloseReason::Revoked);
        }
        let Some(left) = joined.take_if(is_kicked) else {
            return Ok(());
        };
        let room = Arc::clone(left.room());
        let name = left.membership.username();
        left.membership.remove();
        match name {
            Some(name) => {
                let notice = room.own_notice_of_removal(user_id, name);
                client.out.emit(event::SYSTEM_MESSAGE, &notice).await
            }
            None => Ok(()),
        }
    }

    /// Sends what every connection receives first.
    async fn greet(&mut self) -> Result<(), CloseReason> {
        let shared = Arc::clone(&self.client.participant.shared);
        let client = &mut self.client;
        let counts = shared.rooms.counts().now();
        client
            .send_snapshot(StateKind::Counts, event::ROOM_LIST, &counts)
            .await?;
        let session = client.participant.session_info();
        client.out.emit(event::SESSION, &session).await?;
        if !client.participant.identity.resumes {
            return Ok(());
        }
        let activity = shared.rooms.activity().now();
        client
            .send_snapshot(StateKind::Activity, event::ACTIVITY, &activity)
            .await
    }

    async fn handle_mail(&mut self) -> Result<(), CloseReason> {
        while let Some(request) = self.inbox.pop() {
            Box::pin(self.client.handle(request)).await?;
            // A client that sends requests without pause must still receive entries.
            self.client.send_entries().await?;
        }
        Ok(())
    }

    /// Shuts the session down: sends `shutdown`, serves on until this session's own moment, finishes
    /// what was accepted and ends the transport.
    async fn drain(&mut self) -> Result<CloseReason, CloseReason> {
        let spread = self
            .client
            .participant
            .shared
            .drain
            .get()
            .map_or(Duration::ZERO, |drain| drain.spread);
        let delay_ms = random::up_to(u64::try_from(spread.as_millis()).unwrap_or(u64::MAX));
        let reconnect_in_ms = delay_ms.saturating_add(random::up_to(RECONNECT_SPREAD_MS));
        let shutdown = json::raw(&protocol::Shutdown { reconnect_in_ms });
        self.client.out.emit(event::SHUTDOWN, &shutdown).await?;
        let mut delay = std::pin::pin!(tokio::time::sleep(Duration::from_millis(delay_ms)));
        loop {
            // The cursor may stay parked when `rest` is cancelled; it is taken back below.
            let signals = tokio::select! {
                biased;
                () = delay.as_mut() => break,
                signals = self.rest() => signals?,
            };
            self.handle_signals(signals).await?;
        }
        self.take_cursor();
        self.handle_mail().await?;
        self.client.wait_for_answers().await?;
        self.client.await_acknowledged().await?;
        self.client.out.flush().await?;
        self.client.out.close_transport();
        Ok(CloseReason::Drained)
    }
}

impl<C: Connection + Debug> Client<C> {
    /// Executes a request and answers it.
    async fn handle(&mut self, request: QueuedRequest<C::Ack>) -> Result<(), CloseReason> {
        let QueuedRequest { spec, body, ack } = request;
        if self.unanswered.is_some() && !(body.is_ok() && spec.may_overtake_answers) {
            // Answers are sent in the order of the requests.
            Box::pin(self.wait_for_answers()).await?;
        }
        let command = match body {
            Ok(command) => command,
            Err(refusal) => return self.refuse(spec.event, &refusal, ack).await,
        };
        if spec.leaves_room {
            Box::pin(self.await_own_echo()).await?;
        }
        // Released once the answer is queued, because the outbox charges it from then on.
        let _reserved = match self.reserve_answer(command.answer_bytes(&self.participant)) {
            Ok(reserved) => reserved,
            Err(refusal) => return self.refuse(spec.event, &refusal, ack).await,
        };
        command.execute(self, ack).await
    }
}
