//! The session's loop: wait for a command, an entry past the cursor or newer state, and tell the
//! connection, one thing after the other.

use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use super::client::{Client, StateKind};
use super::connection::{Connection, Ended};
use super::identity::{Identity, TokenError};
use super::mailbox::{Mailbox, Request};
use super::outbox::Outbox;
use super::participant::Participant;
use super::users::{Keep, Predecessor};
use crate::memory::MemoryAccount;
use crate::protocol::{self, ServerInfo, event};
use crate::room::{Bell, Fanout, News, Subscription};
use crate::{json, random};

/// Clients that are sent away come back spread over at least this time.
const RECONNECT_SPREAD_MS: u64 = 1000;

/// One connection's session. See the module's text.
#[derive(Debug)]
pub struct Session<C: Connection> {
    client: Client<C>,
    bell: Arc<Bell>,
    mailbox: Arc<Mailbox<C::Ack>>,
    // Subscribed to the counts and, where its client knows what that is, to other rooms' activity.
    _subscriptions: (Subscription, Option<Subscription>),
}

impl<C: Connection + Debug> Session<C> {
    pub(super) fn new(
        participant: Participant,
        out: Arc<Outbox<C>>,
        mailbox: Arc<Mailbox<C::Ack>>,
        memory: Arc<MemoryAccount>,
        bell: Arc<Bell>,
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
            bell,
            mailbox,
            _subscriptions: subscriptions,
        }
    }

    /// Runs the session until its connection ends or the server goes away. Leaving the room is
    /// part of it: the membership goes with the session.
    ///
    /// Every connection holds this future for its life, so paths that are rarely taken are boxed
    /// to keep it small.
    pub async fn run(mut self: Box<Self>) -> Ended {
        let Participant {
            shared, identity, ..
        } = &self.client.participant;
        let Identity {
            user_id, network, ..
        } = identity;
        let (standing, predecessor) = shared.users.arrive(user_id, *network, &self.bell);
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
        let client = &self.client;
        let metrics = &client.participant.shared.metrics;
        match ended {
            Ended::Slow => {
                metrics.slow_readers_closed.inc();
                client.out.close_transport();
            }
            Ended::Flood => {
                metrics.reject("flood");
                client.out.close_transport();
            }
            Ended::Ousted => client.out.disconnect(),
            Ended::Lost | Ended::Left | Ended::Drained => {}
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
        let keep = match ended {
            Ended::Ousted => Some(Keep::TakenOver),
            Ended::Drained => identity.resumes.then_some(Keep::Drained),
            Ended::Lost if joined.as_ref().is_some_and(|joined| joined.closing) => {
                identity.resumes.then_some(Keep::Closing)
            }
            Ended::Lost | Ended::Slow | Ended::Flood => identity.resumes.then_some(Keep::Lost),
            Ended::Left => {
                // Also the membership that it had before this connection.
                drop(users.claim(&identity.user_id));
                None
            }
        };
        match (joined.take(), keep) {
            // Another process has taken it over already.
            (Some(joined), _) if !joined.membership.is_current() => drop(joined),
            (Some(joined), Some(why)) => {
                users.keep(&identity.user_id, identity.network, joined.membership, why);
            }
            // Dropping the membership is leaving.
            (joined, _) => drop(joined),
        }
    }

    /// Executes what the client had asked for before the connection ended, without answers: a
    /// client may say goodbye and close the connection in the same moment.
    async fn run_after_disconnect(&mut self) {
        let participant = &mut self.client.participant;
        if participant.is_taken_over() {
            // The user is at another process now, and has been asking there since.
            return;
        }
        while let Some(request) = self.mailbox.pop() {
            if let Ok(command) = request.body {
                command.run_after_disconnect(participant).await;
            }
        }
    }

    async fn serve(&mut self, predecessor: Option<Predecessor>) -> Result<Infallible, Ended> {
        self.greet().await?;
        if let Some(predecessor) = predecessor {
            // What the user asked for over the older connection happens first, and its place is
            // free to claim then.
            Box::pin(self.wait_for(predecessor)).await?;
        }
        if self.client.participant.shared.drain.get().is_some() {
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
            ended = self.client.out.end() => Err(ended),
        }
    }

    /// Waits for news. Meanwhile the room's fan-out sends entries directly.
    async fn rest(&mut self) -> Result<News, Ended> {
        // What waits for the network is this session's to see to.
        self.client.out.drained().await?;
        if let Some(joined) = &self.client.participant.joined {
            self.client.out.park(joined.cursor);
        }
        let news = self.bell.news().await;
        self.take_cursor();
        Ok(news)
    }

    fn take_cursor(&mut self) {
        let joined = &mut self.client.participant.joined;
        if let (Some(joined), Some(cursor)) = (joined, self.client.out.unpark()) {
            joined.cursor = cursor;
        }
    }

    /// Does what there is to do.
    async fn tell(&mut self, news: News) -> Result<(), Ended> {
        if let Some(ended) = Ended::by(news) {
            return Err(ended);
        }
        if news.has(News::TAKEN_OVER) && self.client.participant.is_taken_over() {
            return Err(Ended::Ousted);
        }
        if news.has(News::ANSWERS) {
            Box::pin(self.client.send_answers()).await?;
        }
        if news.has(News::MAIL) {
            self.handle_mail().await?;
        }
        if news.has(News::ENTRIES) {
            // Let those go first who are about to publish more: it all leaves in one go then.
            tokio::task::yield_now().await;
            self.client.tell_entries().await?;
        }
        for kind in StateKind::ALL {
            if news.has(kind.signal()) {
                self.client.send_state(kind).await?;
            }
        }
        Ok(())
    }

    /// What every connection is told first.
    async fn greet(&mut self) -> Result<(), Ended> {
        let counts = self.client.participant.shared.rooms.counts().now();
        self.client
            .send_snapshot(StateKind::Counts, event::ROOM_LIST, &counts)
            .await?;
        let token = self
            .client
            .participant
            .shared
            .identities
            .issue(&self.client.participant.identity.user_id);
        let session = json::raw(&protocol::Session {
            token: &token,
            user_id: &self.client.participant.identity.user_id,
            code: self
                .client
                .participant
                .identity
                .token_error
                .map(TokenError::as_str),
            limits: &self.client.participant.shared.settings.limits,
            server: ServerInfo {
                name: env!("CARGO_PKG_NAME"),
                version: env!("CARGO_PKG_VERSION"),
            },
        });
        self.client.out.emit(event::SESSION, &session).await?;
        if !self.client.participant.identity.resumes {
            return Ok(());
        }
        let activity = self.client.participant.shared.rooms.activity().now();
        self.client
            .send_snapshot(StateKind::Activity, event::ACTIVITY, &activity)
            .await
    }

    async fn handle_mail(&mut self) -> Result<(), Ended> {
        while let Some(request) = self.mailbox.pop() {
            Box::pin(self.client.handle(request)).await?;
            // A client that asks without pause must not keep itself from receiving entries.
            self.client.tell_entries().await?;
        }
        Ok(())
    }

    /// The server is going away: says so, serves on until this session's turn comes, then
    /// finishes what was accepted and ends the transport.
    async fn leave_in_turn(&mut self) -> Result<Ended, Ended> {
        let spread = self
            .client
            .participant
            .shared
            .drain
            .get()
            .map_or(Duration::ZERO, |drain| drain.spread);
        let turn_ms = random::up_to(u64::try_from(spread.as_millis()).unwrap_or(u64::MAX));
        let reconnect_in_ms = turn_ms.saturating_add(random::up_to(RECONNECT_SPREAD_MS));
        let shutdown = json::raw(&protocol::Shutdown { reconnect_in_ms });
        self.client.out.emit(event::SHUTDOWN, &shutdown).await?;
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
        self.client.wait_for_answers().await?;
        self.client.tell_entries().await?;
        self.client.out.flush().await?;
        self.client.out.close_transport();
        Ok(Ended::Drained)
    }
}

impl<C: Connection + Debug> Client<C> {
    /// Executes a request and answers it.
    async fn handle(&mut self, request: Request<C::Ack>) -> Result<(), Ended> {
        let Request { spec, body, ack } = request;
        if self.unanswered.is_some() && !(body.is_ok() && spec.may_overtake_answers) {
            // What a client asks is answered in order.
            Box::pin(self.wait_for_answers()).await?;
        }
        let command = match body {
            Ok(command) => command,
            Err(refusal) => return self.refuse(spec.event, &refusal, ack).await,
        };
        if spec.leaves_room {
            Box::pin(self.await_own_echo()).await?;
        }
        // Given back once the answer is on its way: from there on it is output.
        let _reserved = match self.reserve_answer(command.answer_bytes(&self.participant)) {
            Ok(reserved) => reserved,
            Err(refusal) => return self.refuse(spec.event, &refusal, ack).await,
        };
        command.execute(self, ack).await
    }
}
