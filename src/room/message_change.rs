//! Changing messages: who may, and what becomes of it.
//!
//! A store decides, by [`Original::check`], because only the store knows the newest state. What it
//! appends reaches the room like any entry ([`Changes::apply`]), which puts the message's newest state in
//! its position.

use std::sync::Arc;

use super::changes::{Changes, said_by_edit};
use super::log::EntryKind;
use super::members::Member;
use super::payloads::SentMessage;
use super::proposal::{Proposal, ProposedChange, Verdict};
use super::reactions::Reaction;
use super::record::{Content, MessageChange, Published};
use crate::clock;
use crate::domain::{ClientId, RequestError};
use crate::protocol::ChangeKind;

/// A message as it is before a change.
#[derive(Debug)]
pub struct Original<'a> {
    /// The sender.
    pub user_id: &'a str,
    /// When it was accepted, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

impl Original<'_> {
    /// Whether a user may change the message at the time `now_ms`.
    ///
    /// # Errors
    /// `forbidden` if it is another user's, `too_late` if it is too old to be edited.
    pub fn check(
        &self,
        user_id: &str,
        proposed: &ProposedChange,
        now_ms: i64,
    ) -> Result<(), RequestError> {
        let is_edit = proposed.change.kind() == ChangeKind::Edited;
        // A moderator deletes what others have written, and does not rewrite it.
        if self.user_id != user_id && (is_edit || !proposed.by_moderator) {
            return Err(RequestError::not_own_message());
        }
        let age_ms = u128::try_from(now_ms.saturating_sub(self.at_ms)).unwrap_or_default();
        if is_edit && (proposed.edit_window.is_zero() || age_ms > proposed.edit_window.as_millis())
        {
            return Err(RequestError::too_late());
        }
        Ok(())
    }
}

impl Changes<'_> {
    /// Decides about a proposal by what is in memory.
    ///
    /// # Errors
    /// As [`Self::judge`]; `not_found` if a message answers none that is there.
    pub fn decide(&mut self, author: &Member, proposal: Proposal) -> Result<Verdict, RequestError> {
        match &proposal {
            Proposal::Change(ProposedChange {
                of,
                change: MessageChange::Reacted(reaction),
                ..
            }) => return self.decide_reaction(*of, reaction),
            Proposal::Change(proposed) => {
                if let Some(known) = self.judge(author, proposed)? {
                    return Ok(Verdict::Known(known));
                }
            }
            Proposal::Message { reply_to, .. } => self.check_reply(*reply_to)?,
        }
        Ok(Verdict::Append {
            author: author.clone(),
            content: proposal.into_content(),
        })
    }

    fn decide_reaction(&self, of: u64, asked: &Reaction) -> Result<Verdict, RequestError> {
        let message = self.message(of);
        let message = message.filter(|entry| entry.kind == EntryKind::Message);
        let Some(message) = message else {
            return Err(RequestError::not_found());
        };
        let none = Arc::default();
        let reactions = self.reactions(of).unwrap_or(&none);
        let users = asked.reactors.iter().map(|reactor| &reactor.member.user_id);
        let had = users.filter(|user_id| reactions.has(&asked.emoji, user_id));
        let had = had.cloned().collect();
        let figures = reactions.figures(&asked.emoji);
        if let Some((author, reaction)) = asked.take_effect(&had, figures)? {
            let change = MessageChange::Reacted(reaction);
            let content = Content::Changed { of, change };
            return Ok(Verdict::Append { author, content });
        }
        // What they ask for is so already.
        let kind = self.room().reaction_kind(of, &asked.emoji);
        let newest = self.newest_reaction(kind).unwrap_or(message);
        let sent = SentMessage::parse(&newest.payload);
        let at_ms = sent.and_then(|sent| clock::parse_rfc3339(&sent.timestamp));
        Ok(Verdict::Known(Published {
            id: newest.id,
            at_ms: at_ms.unwrap_or_default(),
            duplicate: true,
        }))
    }

    /// Whether there is a message to answer.
    fn check_reply(&self, reply_to: Option<u64>) -> Result<(), RequestError> {
        let Some(id) = reply_to else {
            return Ok(());
        };
        let message = self.message(id);
        message
            .filter(|entry| entry.kind == EntryKind::Message)
            .map(drop)
            .ok_or_else(RequestError::not_found)
    }

    /// What became of what the author sent under the same idempotency key, if it is in the log.
    #[must_use]
    pub fn known(
        &self,
        author: &Member,
        proposal: &Proposal,
    ) -> Option<Result<Published, RequestError>> {
        match proposal {
            Proposal::Message {
                text, client_id, ..
            } => {
                let key = client_id.as_ref().map(ClientId::shared);
                self.publication(author, key.as_ref(), text.as_str())
            }
            Proposal::Change(proposed) => self.known_edit(author, proposed),
        }
    }

    /// Decides about a change by what is in memory. `Ok(Some)` if it has been made before.
    ///
    /// # Errors
    /// `not_found`, `forbidden`, `too_late`, or `conflict` if the key of an edit was used for something
    /// else.
    pub fn judge(
        &mut self,
        author: &Member,
        proposed: &ProposedChange,
    ) -> Result<Option<Published>, RequestError> {
        if let Some(known) = self.known_edit(author, proposed) {
            return known.map(Some);
        }
        let now_ms = self.now_ms();
        let Some(entry) = self.message(proposed.of) else {
            return Err(RequestError::not_found());
        };
        if entry.kind == EntryKind::Tombstone {
            return self.earlier_deletion(author, proposed).map(Some);
        }
        let sent = SentMessage::parse(&entry.payload).ok_or_else(RequestError::not_found)?;
        let original = Original {
            user_id: &sent.user_id,
            at_ms: clock::parse_rfc3339(&sent.timestamp).unwrap_or_default(),
        };
        original.check(&author.user_id, proposed, now_ms)?;
        Ok(None)
    }

    /// What became of the edit that the author sent under the same idempotency key.
    #[must_use]
    pub fn known_edit(
        &self,
        author: &Member,
        proposed: &ProposedChange,
    ) -> Option<Result<Published, RequestError>> {
        let MessageChange::Edited { text, client_id } = &proposed.change else {
            return None;
        };
        self.publication(author, client_id.as_ref(), &said_by_edit(proposed.of, text))
    }

    /// The deletion that a user asks for again.
    fn earlier_deletion(
        &self,
        author: &Member,
        proposed: &ProposedChange,
    ) -> Result<Published, RequestError> {
        let entry = self.change_to(proposed.of);
        let change = entry.and_then(|entry| Some((entry.id, SentMessage::parse(&entry.payload)?)));
        match change {
            Some((id, change))
                if proposed.change == MessageChange::Deleted
                    && *change.user_id == *author.user_id =>
            {
                Ok(Published {
                    id,
                    at_ms: clock::parse_rfc3339(&change.timestamp).unwrap_or_default(),
                    duplicate: true,
                })
            }
            _ => Err(RequestError::not_found()),
        }
    }
}
