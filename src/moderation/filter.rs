//! The word filter: what it says of messages and names, and the messages that it holds for review.
//!
//! A held message is a decision under `held/<id>`, so it outlasts the process where the store does, and
//! moderators of every node see it. The id is made of who sent what, so that a message that is sent again
//! is held once.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use sha2::{Digest, Sha256};

use super::act::Author;
use super::{Moderation, end_of};
use crate::decisions::{AuditLine, Decision, DecisionChange, DecisionKey};
use crate::domain::{
    ClientId, Filtered, MessageText, RequestError, RequestErrorCode, Role, RoomName, TextLimits,
    Username, WordFilter,
};
use crate::room::{Member, Proposal, Room};

/// Messages that are held at most, in all and of one user.
const HELD_MAX: usize = 1000;
const HELD_OF_USER_MAX: usize = 10;
/// How long a message is held.
const HELD_FOR: Duration = Duration::from_secs(7 * 24 * 3600);
/// Bytes of the longest text that is held.
const HELD_BYTES_MAX: usize = 8 * 1024;

/// The filter in force.
#[derive(Debug, Default)]
pub(super) struct Filter(RwLock<Option<Arc<WordFilter>>>);

/// A text on its way into a room, after the filter.
#[derive(Debug)]
pub struct Checked {
    /// The text, masked where the filter says so.
    pub text: MessageText,
    /// What the filter found that is to be looked at first.
    pub held_for: Option<Box<str>>,
    refusal: Option<RequestError>,
}

impl Checked {
    /// Whether the text may be published now.
    ///
    /// # Errors
    /// `forbidden` or `held`.
    pub fn check(&self) -> Result<(), RequestError> {
        match &self.refusal {
            Some(refusal) => Err(refusal.clone()),
            None => Ok(()),
        }
    }
}

/// What becomes of a held message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Review {
    /// It is published.
    Release,
    /// It is thrown away.
    Discard,
}

impl Moderation {
    /// Puts a filter in force in the place of the one before.
    pub fn set_filter(&self, filter: WordFilter) {
        *self.filter.0.write() = (filter.count() > 0).then(|| Arc::new(filter));
    }

    /// What the filter makes of the text of a new message. Moderators write what they want.
    #[must_use]
    pub fn filter_message(&self, text: &MessageText, role: Role, limits: &TextLimits) -> Checked {
        let passed = |text| Checked {
            text,
            held_for: None,
            refusal: None,
        };
        let refused = |refusal| Checked {
            refusal: Some(refusal),
            ..passed(text.clone())
        };
        let forbidden = "Your message has a word that is not allowed here: say it differently";
        let filter = self.filter.0.read().clone();
        let Some(filter) = filter.filter(|_| role < Role::Moderator) else {
            return passed(text.clone());
        };
        let (outcome, checked) = match filter.check(text.as_str()) {
            Filtered::Passed => return passed(text.clone()),
            Filtered::Refused => ("refused", refused(RequestError::forbidden(forbidden))),
            Filtered::Held(found) => {
                let held = Checked {
                    held_for: Some(found),
                    ..refused(RequestError::held())
                };
                ("held", held)
            }
            Filtered::Masked(masked) => match MessageText::parse(&masked, limits) {
                Ok(text) => ("masked", passed(text)),
                Err(_) => ("refused", refused(RequestError::forbidden(forbidden))),
            },
        };
        self.metrics.filtered(outcome);
        checked
    }

    /// The same for the new text of a message, which cannot be held: it is refused instead.
    #[must_use]
    pub fn filter_edit(&self, text: &MessageText, role: Role, limits: &TextLimits) -> Checked {
        let checked = self.filter_message(text, role, limits);
        match checked.held_for {
            None => checked,
            Some(_) => Checked {
                refusal: Some(RequestError::forbidden(
                    "A moderator would have to see this text first: send it as a new message",
                )),
                held_for: None,
                ..checked
            },
        }
    }

    /// Whether a user may go by a name.
    ///
    /// # Errors
    /// `invalid_username`.
    pub fn check_name(&self, name: &Username, role: Role) -> Result<(), RequestError> {
        let filter = self.filter.0.read().clone();
        let filter = filter.filter(|_| role < Role::Moderator);
        if filter.is_some_and(|filter| filter.finds_in_name(name.as_str())) {
            return Err(RequestError::invalid_username(
                "Your name has a word that is not allowed here: choose another",
            ));
        }
        Ok(())
    }

    /// Holds a message for review. The sender's answer is the error.
    ///
    /// # Errors
    /// `held`; `rate_limited` if too many are held already; `forbidden` if it is too long to be held;
    /// `unavailable`.
    pub async fn hold(
        &self,
        room: &RoomName,
        author: &Member,
        proposal: &Proposal,
        found: &str,
    ) -> RequestError {
        let Proposal::Message {
            text,
            client_id,
            reply_to,
        } = proposal
        else {
            return RequestError::held();
        };
        let (text, client_id) = (text.as_str(), client_id.as_ref());
        let key = held_key(room, author, text, client_id);
        if self.decisions().get(&key).is_some() {
            return RequestError::held();
        }
        if text.len() > HELD_BYTES_MAX {
            return RequestError::forbidden("A moderator would have to see this first: shorten it");
        }
        let held = self.decisions().list(None, HELD_MAX, is_held);
        let of_user = held
            .iter()
            .filter(|(_, message)| message.user_id.as_deref() == Some(&*author.user_id));
        if held.len() >= HELD_MAX || of_user.count() >= HELD_OF_USER_MAX {
            return RequestError::rate_limited(Duration::from_secs(60));
        }
        let made = Decision::now(&author.user_id);
        let message = Decision {
            until_ms: end_of(made.at_ms, Some(HELD_FOR)),
            reason: Some(found.to_owned()),
            username: Some(author.username.as_str().to_owned()),
            user_id: Some(author.user_id.to_string()),
            room: Some(room.as_str().to_owned()),
            text: Some(text.to_owned()),
            client_id: client_id.map(|id| id.as_str().to_owned()),
            reply_to: *reply_to,
            ..made
        };
        let change = DecisionChange {
            set: vec![(key, Some(message))],
            ..DecisionChange::default()
        };
        match self.store.decide(self.decisions(), change).get().await {
            Ok(()) => RequestError::held(),
            Err(refusal) => refusal,
        }
    }

    /// Messages that are held, after `after`, in the order of their keys.
    #[must_use]
    pub fn held(
        &self,
        after: Option<&DecisionKey>,
        max: usize,
    ) -> Vec<(DecisionKey, Arc<Decision>)> {
        self.decisions().list(after, max, is_held)
    }

    /// Publishes a held message or throws it away.
    ///
    /// # Errors
    /// `forbidden`, `not_found` if it is not held (any more), `conflict` if its sender has used its
    /// `client_id` for something else since, `unavailable`.
    pub async fn review(
        &self,
        author: Author<'_>,
        key: DecisionKey,
        review: Review,
    ) -> Result<(), RequestError> {
        let held = self.decisions().get(&key).filter(|_| is_held(&key));
        let held = held.ok_or_else(RequestError::not_held)?;
        let room = held
            .room
            .as_deref()
            .and_then(|name| RoomName::parse(name).ok());
        let room = room.and_then(|name| self.rooms.get(&name).cloned());
        author.check_room(room.as_deref())?;
        let action = match review {
            Review::Release => {
                let room = room.ok_or_else(RequestError::unknown_room)?;
                self.publish(&room, &key, &held).await?;
                "release"
            }
            Review::Discard => "discard",
        };
        let line = AuditLine {
            action: action.to_owned(),
            room: held.room.clone(),
            user_id: held.user_id.clone(),
            username: held.username.clone(),
            reason: held.reason.clone(),
            ..author.line()
        };
        self.note(action, vec![(key, None)], line).await
    }

    async fn publish(
        &self,
        room: &Room,
        key: &DecisionKey,
        held: &Decision,
    ) -> Result<(), RequestError> {
        // It was valid when it was sent; a limit may have been lowered since.
        let limits = TextLimits {
            chars_max: 0,
            bytes_max: HELD_BYTES_MAX,
        };
        let text = MessageText::parse(held.text.as_deref().unwrap_or_default(), &limits)?;
        // Under a key, so that it is published once if two moderators release it, or one does twice.
        let key = key.to_string().replace('/', "-");
        let client_id = ClientId::parse(held.client_id.as_deref().unwrap_or(&key))?;
        let name = Username::parse(held.username.as_deref().unwrap_or_default());
        let author = Member {
            user_id: held.user_id.as_deref().unwrap_or_default().into(),
            username: name.unwrap_or_else(|_| Username::anonymous()),
        };
        let message = |reply_to| Proposal::Message {
            text: text.clone(),
            client_id: Some(client_id.clone()),
            reply_to,
        };
        let publish = |message| room.publish_for(&*self.store, author.clone(), message);
        let published = publish(message(held.reply_to)).get().await;
        match published {
            // What it answers is gone by now.
            Err(refusal)
                if refusal.code == RequestErrorCode::NotFound && held.reply_to.is_some() =>
            {
                publish(message(None)).get().await.map(drop)
            }
            published => published.map(drop),
        }
    }
}

const fn is_held(key: &DecisionKey) -> bool {
    matches!(key, DecisionKey::Held(_))
}

fn held_key(
    room: &RoomName,
    author: &Member,
    text: &str,
    client_id: Option<&ClientId>,
) -> DecisionKey {
    let said = client_id.map_or(text, ClientId::as_str);
    let mut hash = Sha256::new();
    for part in [room.as_str(), &author.user_id, said] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    let hash = hash.finalize();
    let id = hash[..12].iter().map(|byte| format!("{byte:02x}"));
    DecisionKey::Held(id.collect::<String>().into())
}
