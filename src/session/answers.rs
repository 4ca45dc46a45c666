//! Acknowledgements of messages whose room's log is kept outside: they are sent once the messages
//! are in it. Meanwhile the session continues; its client receives the answers in the order of its
//! requests.

use std::fmt::Debug;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::client::Client;
use super::connection::{CloseReason, Connection};
use super::unanswered::Sent;
use crate::domain::RequestError;
use crate::protocol::{Accepted, SentBody};
use crate::room::{Published, Publishing};
use crate::{clock, json};

/// Messages of one session that may be on their way simultaneously.
const UNANSWERED_MAX: usize = 256;

impl<C: Connection + Debug> Client<C> {
    /// Acknowledges a message or a change, which was asked for by `event`, once it is known what came
    /// of it, and of those before it.
    pub(super) async fn answer_message(
        &mut self,
        event: &'static str,
        publishing: Publishing,
        ack: Option<C::Ack>,
    ) -> Result<(), CloseReason> {
        if let Publishing::Done(Ok(published)) = &publishing
            && self.unanswered.is_none()
        {
            return self.acknowledge(ack, &encode_published(published)).await;
        }
        let unanswered = self.unanswered.get_or_insert_default();
        unanswered.0.push_back(Sent {
            event,
            publishing,
            ack,
        });
        if unanswered.0.len() > UNANSWERED_MAX {
            Box::pin(self.wait_for_answer()).await?;
        }
        Ok(())
    }

    /// Sends the acknowledgements that are known by now.
    pub(super) async fn send_answers(&mut self) -> Result<(), CloseReason> {
        while let Some(unanswered) = &mut self.unanswered
            && let Some(sent) = unanswered.0.front_mut()
        {
            let Some(result) = sent.publishing.try_get() else {
                return Ok(());
            };
            self.answer_oldest(result).await?;
        }
        Ok(())
    }

    /// Waits until the client's own messages are in the log here, and sends them. A client that
    /// goes to another room has received what it sent to this one.
    pub(super) async fn await_own_echo(&mut self) -> Result<(), CloseReason> {
        let joined = self.participant.joined.as_ref();
        let Some(joined) = joined.filter(|joined| joined.last_acked_id > joined.cursor) else {
            return Ok(());
        };
        let (room, last_acked_id) = (Arc::clone(joined.room()), joined.last_acked_id);
        tokio::select! {
            biased;
            // If it takes too long, the member leaves without it.
            _reached = room.has_reached(last_acked_id) => {}
            reason = self.out.closed() => return Err(reason),
        }
        self.send_entries().await
    }

    /// Waits until all messages that this process has acknowledged are in the log here, and sends
    /// them. A client that is sent away has received what was accepted before.
    pub(super) async fn await_acknowledged(&mut self) -> Result<(), CloseReason> {
        if let Some(joined) = &self.participant.joined {
            let room = Arc::clone(joined.room());
            tokio::select! {
                biased;
                // If it takes too long, the client receives it when it resumes.
                _has_all = room.has_all_acknowledged() => {}
                reason = self.out.closed() => return Err(reason),
            }
        }
        self.send_entries().await
    }

    /// Waits until all messages are acknowledged.
    pub(super) async fn wait_for_answers(&mut self) -> Result<(), CloseReason> {
        while self.unanswered.is_some() {
            self.wait_for_answer().await?;
        }
        Ok(())
    }

    async fn wait_for_answer(&mut self) -> Result<(), CloseReason> {
        let Some(sent) = self.unanswered.as_mut().and_then(|u| u.0.front_mut()) else {
            self.unanswered = None;
            return Ok(());
        };
        let result = tokio::select! {
            biased;
            result = sent.publishing.wait() => result,
            reason = self.out.closed() => return Err(reason),
        };
        self.answer_oldest(result).await
    }

    async fn answer_oldest(
        &mut self,
        result: Result<Published, RequestError>,
    ) -> Result<(), CloseReason> {
        let Some(unanswered) = &mut self.unanswered else {
            return Ok(());
        };
        let oldest = unanswered.0.pop_front();
        if unanswered.0.is_empty() {
            self.unanswered = None;
        }
        let Some(Sent { event, ack, .. }) = oldest else {
            return Ok(());
        };
        if let (Ok(published), Some(joined)) = (&result, &mut self.participant.joined) {
            joined.last_acked_id = published.id.max(joined.last_acked_id);
            joined.room().note_acknowledged(published.id);
        }
        match result {
            Ok(published) => self.acknowledge(ack, &encode_published(&published)).await,
            Err(refusal) => self.refuse(event, &refusal, ack).await,
        }
    }
}

/// The acknowledgement of a message.
pub(super) fn encode_published(published: &Published) -> Box<RawValue> {
    let body = SentBody {
        id: published.id,
        timestamp: &clock::rfc3339(published.at_ms),
        duplicate: published.duplicate,
    };
    json::raw(&Accepted { ok: true, body })
}
