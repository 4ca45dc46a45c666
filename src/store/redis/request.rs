//! What sessions ask for, each with the script that does it and the meaning of its answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use redis::{Cmd, Value};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use super::call::{Context, millis};
use super::connection::{Connection, RedisError, read};
use super::entry;
use super::message::{Joining, Message};
use super::scripts::Script;
use crate::clock;
use crate::decisions::{AuditLine, Decision, DecisionChange};
use crate::domain::{RequestError, RoomName, Username};
use crate::random;
use crate::room::{Arrived, Departure, LogPosition, MemberId, Outcome, Proposal, Published};

/// Bytes a request is counted for beside its text.
const REQUEST_BYTES: usize = 1024;

/// What is asked.
pub enum Request {
    /// Put a message or a change into a log. `key` makes it known when it is asked again.
    Publish {
        message: Message,
        key: String,
        outcome: Outcome,
    },
    /// Make a user a member.
    Join {
        joining: Joining,
        sender: oneshot::Sender<Result<Arrived, RequestError>>,
    },
    /// Make a member known that Redis should know.
    Adopt {
        joining: Joining,
        outcome: Box<dyn FnOnce(Adopted) + Send>,
    },
    /// Change a member's name.
    Rename {
        position: LogPosition,
        id: MemberId,
        username: Username,
        sender: oneshot::Sender<Result<(), RequestError>>,
    },
    /// End a membership.
    Leave {
        position: LogPosition,
        id: MemberId,
        departure: Departure,
    },
    /// A member's connection is lost.
    Hold { room: RoomName, id: MemberId },
    /// A member types, or stopped.
    Typing {
        room: RoomName,
        id: MemberId,
        is_typing: bool,
    },
    /// Keep decisions, and a line of the audit log. `name` makes it known when it is asked again.
    Decide {
        change: Box<DecisionChange>,
        name: String,
        sender: oneshot::Sender<Result<(), RequestError>>,
    },
    /// Claim a task for so long.
    Claim {
        task: String,
        time: Duration,
        sender: oneshot::Sender<Result<bool, RequestError>>,
    },
    /// This node leaves. Keep the memberships it holds for so long.
    Depart {
        grace: Duration,
        sender: oneshot::Sender<()>,
    },
}

/// What Redis says to a member that it did not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adopted {
    /// It is known now, or is about to end.
    Known,
    /// Another node has taken over from it.
    Over,
    /// Another node has one of the same user that it may have to end first; or it was not asked.
    Later,
}

/// A request on its way, and until when it may be done.
pub struct Queued {
    pub request: Request,
    pub deadline: Instant,
    _load: Load,
}

/// What is queued in all, bounded by the one who queues; given back when dropped.
struct Load {
    all: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for Load {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Queued {
    /// A request that is counted in `all` for as long as it exists.
    pub fn new(request: Request, deadline: Instant, all: &Arc<AtomicUsize>) -> Self {
        let bytes = REQUEST_BYTES
            + match &request {
                Request::Publish { message, .. } => message.proposal.text_bytes(),
                _ => 0,
            };
        all.fetch_add(bytes, Ordering::Relaxed);
        Self {
            request,
            deadline,
            _load: Load {
                all: Arc::clone(all),
                bytes,
            },
        }
    }

    /// Whether it is of no use after the connection was lost.
    pub const fn is_momentary(&self) -> bool {
        matches!(self.request, Request::Hold { .. } | Request::Typing { .. })
    }

    /// The call that does it. `ahead_ms` is by how much Redis's clock is ahead of the monotonic one, so
    /// that no jump of this machine's clock makes a deadline wrong.
    pub fn call(&self, context: &Context, connection: &Connection, ahead_ms: i64) -> Cmd {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let deadline_ms = clock::mono_ms()
            .saturating_add(ahead_ms)
            .saturating_add_unsigned(millis(left));
        match &self.request {
            Request::Publish { message, .. } if message.reaction().is_some() => {
                context.call_react(connection, message, deadline_ms)
            }
            Request::Publish { message, .. } if message.pin().is_some() => {
                context.call_pin(connection, message, deadline_ms)
            }
            Request::Publish { message, key, .. } => {
                let (script, text) = match &message.proposal {
                    Proposal::Message { text, .. } => (Script::Publish, text.as_str()),
                    Proposal::Change(proposed) => {
                        (Script::Change, proposed.change.text().unwrap_or_default())
                    }
                };
                let id = message.id.map_or_else(String::new, |id| id.to_string());
                let mut cmd = context.call_for(connection, script, &message.position);
                cmd.arg(deadline_ms)
                    .arg(key)
                    .arg(hash_of(&message.said()))
                    .arg(id)
                    .arg(&*message.member.user_id)
                    .arg(message.member.username.as_str())
                    .arg(text)
                    .arg(message.client_id().unwrap_or_default());
                match &message.proposal {
                    Proposal::Message { reply_to, .. } => {
                        cmd.arg(reply_to.map_or_else(String::new, |id| id.to_string()));
                    }
                    Proposal::Change(proposed) => {
                        cmd.arg(entry::kind_of(&proposed.change))
                            .arg(proposed.of)
                            .arg(u8::from(proposed.by_moderator))
                            .arg(millis(proposed.edit_window));
                    }
                }
                context.add_caller(&mut cmd, Some(&message.position));
                cmd
            }
            Request::Join { joining, .. } => {
                context.call_join(connection, joining, deadline_ms, "")
            }
            Request::Adopt { joining, .. } => {
                context.call_join(connection, joining, i64::MAX, "silent")
            }
            Request::Rename {
                position,
                id,
                username,
                ..
            } => {
                let mut cmd = context.call_for(connection, Script::Rename, position);
                cmd.arg(deadline_ms)
                    .arg(context.node_name())
                    .arg(id.to_string())
                    .arg(username.as_str())
                    .arg(context.looks(username));
                context.add_caller(&mut cmd, Some(position));
                cmd
            }
            Request::Leave {
                position,
                id,
                departure,
            } => {
                let mut cmd = context.call_for(connection, Script::Leave, position);
                cmd.arg(context.node_name())
                    .arg(id.to_string())
                    .arg(match departure {
                        Departure::Left => "left",
                        Departure::Removed => "removed",
                    });
                context.add_caller(&mut cmd, Some(position));
                cmd
            }
            Request::Hold { room, id } => {
                let mut cmd = context.call(connection, Script::Hold);
                cmd.arg(room.as_str())
                    .arg(context.node_name())
                    .arg(id.to_string());
                cmd
            }
            Request::Typing {
                room,
                id,
                is_typing,
            } => {
                let mut cmd = context.call(connection, Script::Typing);
                cmd.arg(room.as_str())
                    .arg(context.node_name())
                    .arg(id.to_string())
                    .arg(if *is_typing { "typing" } else { "idle" });
                cmd
            }
            Request::Decide { change, name, .. } => {
                let mut cmd = context.call(connection, Script::Decide);
                let line = change.line.as_ref();
                cmd.arg(deadline_ms)
                    .arg(name)
                    .arg(context.node_name())
                    .arg(line.map_or_else(String::new, AuditLine::to_json))
                    .arg(change.audit_from_ms)
                    .arg(line.map_or(0, |line| line.at_ms));
                for (key, decision) in &change.set {
                    let json = decision
                        .as_ref()
                        .map_or_else(String::new, Decision::to_json);
                    cmd.arg(key.to_string()).arg(json);
                }
                cmd
            }
            Request::Claim { task, time, .. } => {
                let mut cmd = context.call(connection, Script::Claim);
                cmd.arg(context.node_name()).arg(task).arg(millis(*time));
                cmd
            }
            Request::Depart { grace, .. } => {
                let mut cmd = redis::cmd("PEXPIRE");
                cmd.arg(context.lease_key()).arg(millis(*grace).max(1));
                cmd
            }
        }
    }

    /// Answers the caller.
    pub fn settle(self, answer: Result<Value, RedisError>) {
        let words = match (&self.request, answer) {
            (Request::Depart { .. }, _) => Ok(Vec::new()),
            (_, answer) => answer.and_then(read::<Vec<String>>),
        };
        let words = words.map_err(|trouble| {
            tracing::warn!("Redis did not do what it was asked: {trouble}");
            RequestError::unavailable()
        });
        match self.request {
            Request::Publish {
                message, outcome, ..
            } => {
                let is_known = words
                    .as_ref()
                    .is_ok_and(|w| w.first().is_some_and(|word| word == "known"));
                let mut result = words.and_then(|w| published(&w));
                if let (Ok(published), None, true) = (&mut result, message.client_id(), is_known) {
                    // Known only because it was asked again after a lost answer.
                    published.duplicate = false;
                }
                outcome.send(result);
            }
            Request::Join { sender, .. } => send(sender, words.and_then(|w| arrived(&w))),
            Request::Adopt { outcome, .. } => outcome(adopted(words)),
            Request::Rename { sender, .. } => send(sender, words.and_then(|w| renamed(&w))),
            Request::Decide { sender, .. } => send(sender, words.and_then(|w| decided(&w))),
            Request::Claim { sender, .. } => send(sender, words.and_then(|w| claimed(&w))),
            Request::Depart { sender, .. } => send(sender, ()),
            Request::Leave { .. } | Request::Hold { .. } | Request::Typing { .. } => {}
        }
    }

    /// Answers the caller that the request cannot be done now.
    pub fn give_up(self) {
        match self.request {
            Request::Publish { outcome, .. } => outcome.send(Err(RequestError::unavailable())),
            Request::Join { sender, .. } => send(sender, Err(RequestError::unavailable())),
            Request::Adopt { outcome, .. } => outcome(Adopted::Later),
            Request::Rename { sender, .. } | Request::Decide { sender, .. } => {
                send(sender, Err(RequestError::unavailable()));
            }
            Request::Claim { sender, .. } => send(sender, Err(RequestError::unavailable())),
            Request::Depart { sender, .. } => send(sender, ()),
            Request::Leave { .. } | Request::Hold { .. } | Request::Typing { .. } => {}
        }
    }
}

fn send<T>(sender: oneshot::Sender<T>, answer: T) {
    if sender.send(answer).is_err() {
        tracing::trace!("the session that asked has ended");
    }
}

/// Distinguishes texts with the same key; equal on every node.
fn hash_of(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    random::hex(&hash[..16])
}

fn published(words: &[String]) -> Result<Published, RequestError> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (duplicate, id, at) = match words[..] {
        ["new", id, at] => (false, id, at),
        ["known" | "again", id, at] => (true, id, at),
        ["missing"] => return Err(RequestError::not_found()),
        ["forbidden"] => return Err(RequestError::not_own_message()),
        ["full"] => return Err(RequestError::too_many_reactions()),
        ["old"] => return Err(RequestError::too_late()),
        ["conflict"] => return Err(RequestError::conflict()),
        _ => return Err(RequestError::unavailable()),
    };
    match (id.parse(), at.parse()) {
        (Ok(id), Ok(at_ms)) => Ok(Published {
            id,
            at_ms,
            duplicate,
        }),
        _ => Err(RequestError::unavailable()),
    }
}

fn arrived(words: &[String]) -> Result<Arrived, RequestError> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["joined", epoch, position, unannounced, replaced] => Ok(Arrived {
            epoch: epoch.into(),
            position: position.parse().map_err(|_| RequestError::unavailable())?,
            unannounced: unannounced == "1",
            replaced: replaced.parse().ok(),
        }),
        ["taken"] => Err(RequestError::username_taken()),
        _ => Err(RequestError::unavailable()),
    }
}

fn adopted(words: Result<Vec<String>, RequestError>) -> Adopted {
    let first = words.ok().and_then(|words| words.into_iter().next());
    match first.as_deref() {
        Some("joined" | "superseded") => Adopted::Known,
        Some("over") => Adopted::Over,
        _ => Adopted::Later,
    }
}

fn renamed(words: &[String]) -> Result<(), RequestError> {
    match words.first().map(String::as_str) {
        Some("renamed") => Ok(()),
        Some("taken") => Err(RequestError::username_taken()),
        Some("gone") => Err(RequestError::not_in_room()),
        _ => Err(RequestError::unavailable()),
    }
}

fn decided(words: &[String]) -> Result<(), RequestError> {
    let is_done = words.first().is_some_and(|word| word == "done");
    is_done.then_some(()).ok_or_else(RequestError::unavailable)
}

fn claimed(words: &[String]) -> Result<bool, RequestError> {
    match words.first().map(String::as_str) {
        Some("held") => Ok(true),
        Some("other") => Ok(false),
        _ => Err(RequestError::unavailable()),
    }
}
