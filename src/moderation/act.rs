//! What moderators do.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::details::details;
use super::{Moderation, end_of};
use crate::clock;
use crate::decisions::{AuditLine, DECISIONS_MAX, Decision, DecisionChange, DecisionKey};
use crate::domain::{RequestError, Role, RoomName, Username};
use crate::protocol::ModerateRequest as Action;
use crate::room::profile::PINS_MAX;
use crate::room::{Member, Range, Room, UserId, read_messages};

/// How long a kick is kept, so that every process learns of it.
const KICK_KEPT: Duration = Duration::from_secs(60);

/// Who acts.
#[derive(Debug, Clone, Copy)]
pub struct Author<'a> {
    /// Who.
    pub user_id: &'a UserId,
    /// Under which name.
    pub name: Option<&'a Username>,
    /// As what.
    pub role: Role,
    /// The network they are connected from.
    pub network: Option<IpAddr>,
    /// The only rooms they have a say in; `None` = all.
    pub rooms: Option<&'a [RoomName]>,
}

impl Author<'_> {
    /// The author as one who changes messages.
    pub(super) fn member(&self) -> Member {
        let unnamed = || Username::parse("Moderator").unwrap_or_else(|_| Username::anonymous());
        Member {
            user_id: Arc::clone(self.user_id),
            username: self.name.cloned().unwrap_or_else(unnamed),
        }
    }

    /// A line of the audit log that names the author.
    pub(super) fn line(&self) -> AuditLine {
        AuditLine {
            at_ms: clock::unix_ms(),
            actor: self.user_id.to_string(),
            actor_name: self.name.map(|name| name.as_str().to_owned()),
            address: self.network.map(|network| network.to_string()),
            ..AuditLine::default()
        }
    }

    fn check(&self, action: &Action, room: Option<&Room>) -> Result<(), RequestError> {
        if self.role < Role::Moderator {
            return Err(not_a_moderator());
        }
        let harmless = matches!(action, Action::Unmute { .. } | Action::Clear { .. });
        if action.user_id() == Some(self.user_id) && !harmless {
            return Err(RequestError::forbidden(
                "This is you: ask another moderator",
            ));
        }
        let Some(rooms) = self.rooms else {
            return Ok(());
        };
        if action.is_for_all_rooms() {
            return Err(RequestError::forbidden(
                "This holds in all rooms, and you have a say in some: ask another moderator",
            ));
        }
        let has_a_say = room.is_some_and(|room| rooms.contains(room.name()));
        has_a_say.then_some(()).ok_or_else(no_say)
    }

    /// Whether the author is a moderator of a room.
    pub(super) fn check_room(&self, room: Option<&Room>) -> Result<(), RequestError> {
        if self.role < Role::Moderator {
            return Err(not_a_moderator());
        }
        let has_a_say = |rooms: &[RoomName]| room.is_some_and(|room| rooms.contains(room.name()));
        self.rooms
            .is_none_or(has_a_say)
            .then_some(())
            .ok_or_else(no_say)
    }
}

fn not_a_moderator() -> RequestError {
    RequestError::forbidden("Only moderators may do this")
}

fn no_say() -> RequestError {
    RequestError::forbidden("You have no say in this room")
}

impl Moderation {
    /// Does what a moderator asks, and notes it in the audit log. `room` is needed for what is about one
    /// room.
    ///
    /// # Errors
    /// `forbidden`, `not_found` for a message that is not there, `not_in_room` without a room that is
    /// needed, or `unavailable`. Nothing has changed in that case.
    pub async fn act(
        &self,
        author: Author<'_>,
        room: Option<&Arc<Room>>,
        action: &Action,
    ) -> Result<(), RequestError> {
        author.check(action, room.map(|room| &**room))?;
        let target = action.user_id();
        let username = target.and_then(|id| self.username_of(room, id));
        let made = Decision {
            username: username.clone(),
            ..Decision::now(author.user_id)
        };
        self.change_messages(&author, room, action).await?;
        let set = self.decide(made.clone(), room, action).await?;
        let line = AuditLine {
            at_ms: made.at_ms,
            action: action.name().to_owned(),
            room: room
                .filter(|_| !action.is_for_all_rooms())
                .map(|room| room.name().as_str().to_owned()),
            user_id: target.map(ToString::to_string),
            username,
            ..details(action, made.at_ms, author.line())
        };
        let pin = room.filter(|room| is_new_pin(room, action));
        self.note(action.name(), set, line).await?;
        match pin {
            Some(room) => self.announce_pin(&author, room, action).await,
            None => Ok(()),
        }
    }

    /// Takes tokens back: `key` says which. `at_s` is the time before which they were made, in seconds
    /// since the Unix epoch; `None` = now.
    ///
    /// # Errors
    /// `forbidden`, or `unavailable`; nothing has changed then.
    pub async fn revoke(
        &self,
        author: Author<'_>,
        key: DecisionKey,
        at_s: Option<i64>,
    ) -> Result<(), RequestError> {
        if author.role < Role::Admin {
            return Err(RequestError::forbidden("Only admins may revoke tokens"));
        }
        let made = Decision::now(author.user_id);
        let line = AuditLine {
            at_ms: made.at_ms,
            action: "revoke".to_owned(),
            value: Some(key.to_string()),
            ..author.line()
        };
        let at_ms = at_s.map_or(made.at_ms, |at_s| at_s.saturating_mul(1000));
        // An earlier time after a later one takes nothing back of that.
        let before = self.decisions().get(&key);
        let decision = Decision {
            at_ms: before.map_or(at_ms, |before| before.at_ms.max(at_ms)),
            ..made
        };
        self.note("revoke", vec![(key, Some(decision))], line).await
    }

    /// Keeps what an administrator decides about webhooks. `about` is the line of the audit log without
    /// who and when.
    ///
    /// # Errors
    /// `forbidden`, or `unavailable`; nothing has changed then.
    pub async fn set_webhooks(
        &self,
        author: Author<'_>,
        action: &'static str,
        set: Vec<(DecisionKey, Option<Decision>)>,
        about: AuditLine,
    ) -> Result<(), RequestError> {
        if author.role < Role::Admin {
            return Err(RequestError::forbidden("Only admins may set up webhooks"));
        }
        let AuditLine {
            actor,
            actor_name,
            address,
            ..
        } = author.line();
        let line = AuditLine {
            at_ms: clock::unix_ms(),
            action: action.to_owned(),
            actor,
            actor_name,
            address,
            ..about
        };
        self.note(action, set, line).await
    }

    /// Keeps what was decided, and its line in the audit log.
    pub(super) async fn note(
        &self,
        action: &'static str,
        set: Vec<(DecisionKey, Option<Decision>)>,
        line: AuditLine,
    ) -> Result<(), RequestError> {
        let is_more = set.iter().any(|(_, decision)| decision.is_some());
        if is_more && self.decisions().count() >= DECISIONS_MAX {
            return Err(RequestError::forbidden(
                "There are 100000 decisions already, such as bans and pins: take some back first",
            ));
        }
        tracing::info!(
            action,
            actor = line.actor,
            user_id = line.user_id,
            room = line.room,
            "moderation"
        );
        let change = DecisionChange {
            set,
            line: Some(line),
            audit_from_ms: self.audit_from_ms(),
        };
        self.store.decide(self.decisions(), change).get().await?;
        self.metrics.moderated(action);
        Ok(())
    }

    /// What the action makes of the decisions.
    async fn decide(
        &self,
        made: Decision,
        room: Option<&Arc<Room>>,
        action: &Action,
    ) -> Result<Vec<(DecisionKey, Option<Decision>)>, RequestError> {
        let at_ms = made.at_ms;
        let one = |key, decision| Ok(vec![(key, decision)]);
        let in_room = || room.ok_or_else(RequestError::not_in_room);
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        match action {
            // What they change is in the log of the room.
            Action::Delete { .. } | Action::Clear { .. } => Ok(Vec::new()),
            Action::Mute {
                user_id,
                time,
                reason,
            } => {
                let mute = Decision {
                    until_ms: end_of(at_ms, *time),
                    reason: text(reason),
                    ..made
                };
                one(DecisionKey::Mute(Arc::clone(user_id)), Some(mute))
            }
            Action::Unmute { user_id } => one(DecisionKey::Mute(Arc::clone(user_id)), None),
            Action::Kick { user_id, reason } => {
                let room = in_room()?;
                let Some((member, _)) = room.member_of(user_id) else {
                    return Err(RequestError::no_such_user());
                };
                let kick = Decision {
                    until_ms: end_of(at_ms, Some(KICK_KEPT)),
                    reason: text(reason),
                    room: Some(room.name().as_str().to_owned()),
                    member: Some(member.to_string()),
                    ..made
                };
                one(DecisionKey::Kick(Arc::clone(user_id)), Some(kick))
            }
            Action::Ban {
                user_id,
                time,
                with_network,
                reason,
            } => {
                let ban = Decision {
                    until_ms: end_of(at_ms, *time),
                    reason: text(reason),
                    with_network: *with_network,
                    ..made
                };
                one(DecisionKey::Ban(Arc::clone(user_id)), Some(ban))
            }
            Action::Unban { user_id } => Ok(self.unban(user_id)),
            Action::SlowMode { seconds } => {
                let slow = Decision {
                    seconds: Some(*seconds),
                    ..made
                };
                let key = DecisionKey::SlowMode(in_room()?.name().clone());
                one(key, (*seconds > 0).then_some(slow))
            }
            Action::Lock { locked } => {
                let key = DecisionKey::Lock(in_room()?.name().clone());
                one(key, locked.then_some(made))
            }
            Action::Topic { text: topic } => {
                let key = DecisionKey::Topic(in_room()?.name().clone());
                let topic = text(topic).map(|topic| Decision {
                    text: Some(topic),
                    ..made
                });
                one(key, topic)
            }
            Action::Pin { id, on } => {
                let room = in_room()?;
                if *on {
                    self.check_pin(room, *id).await?;
                }
                let key = DecisionKey::Pin(room.name().clone(), *id);
                one(key, on.then_some(made))
            }
        }
    }

    /// The user's ban, and the networks that were banned with it.
    fn unban(&self, user_id: &UserId) -> Vec<(DecisionKey, Option<Decision>)> {
        let networks = self.decisions().list(None, DECISIONS_MAX, |key| {
            matches!(key, DecisionKey::BannedNetwork(_))
        });
        let of_user = networks
            .into_iter()
            .filter(|(_, ban)| ban.user_id.as_deref() == Some(user_id));
        let keys = of_user.map(|(key, _)| key);
        let user = std::iter::once(DecisionKey::Ban(Arc::clone(user_id)));
        user.chain(keys).map(|key| (key, None)).collect()
    }

    async fn check_pin(&self, room: &Arc<Room>, id: u64) -> Result<(), RequestError> {
        if room.profile().value().pinned.len() >= PINS_MAX {
            return Err(RequestError::forbidden(
                "The room has 50 pinned messages: take one down first",
            ));
        }
        let range = Range {
            before: id.saturating_add(1),
            ..Range::after(id.saturating_sub(1), 1)
        };
        let found = read_messages(&*self.store, room, range).await?;
        let is_there = found.entries.iter().any(|entry| entry.id == id);
        is_there.then_some(()).ok_or_else(RequestError::not_found)
    }

    /// The name that a user goes by, in this room or another.
    fn username_of(&self, room: Option<&Arc<Room>>, user_id: &UserId) -> Option<String> {
        let rooms = room.into_iter().chain(self.rooms.all());
        let mut members = rooms.filter_map(|room| room.member_of(user_id));
        let (_, member) = members.next()?;
        Some(member.username.as_str().to_owned())
    }
}

/// Whether an action pins a message that is not pinned, or takes one down that is.
fn is_new_pin(room: &Room, action: &Action) -> bool {
    matches!(action, Action::Pin { id, on } if room.profile().pinned().contains(id) != *on)
}
