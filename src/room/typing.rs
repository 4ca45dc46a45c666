//! Who is typing in a room, as its members receive it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::fanout::Fanout;
use super::members::MemberId;
use super::notifier::Signals;
use super::published::{Pace, PublishedState, StateSource};
use crate::domain::RoomName;
use crate::json;
use crate::protocol::{TYPING_USERS_MAX, TypingState, User};

/// How long a member who started to type is shown: clients repeat it every 3 s.
const TYPING_EXPIRES: Duration = Duration::from_secs(6);

/// Who is typing in one room.
pub type Typing = PublishedState<Typists>;

/// Source of [`Typing`].
#[derive(Debug)]
pub struct Typists {
    room: RoomName,
    by_member: Mutex<BTreeMap<MemberId, Typist>>,
}

#[derive(Debug)]
struct Typist {
    user: User,
    until: Instant,
}

impl StateSource for Typists {
    type Value = Vec<User>;

    const SIGNAL: Signals = Signals::TYPING;

    /// Drops those who fell silent and returns the others, in order of joining.
    fn read(&self) -> Vec<User> {
        let now = Instant::now();
        let mut typists = self.by_member.lock();
        typists.retain(|_, typist| typist.until > now);
        typists
            .values()
            .take(TYPING_USERS_MAX)
            .map(|typist| typist.user.clone())
            .collect()
    }

    fn render(&self, users: &Vec<User>) -> Box<RawValue> {
        let room = self.room.as_str();
        json::raw(&TypingState { room, users })
    }

    fn next_expiry(&self) -> Option<Instant> {
        let typists = self.by_member.lock();
        typists.values().map(|typist| typist.until).min()
    }
}

impl Typing {
    /// No member is typing. Changes are published to `audience`, at most every `interval`.
    #[must_use]
    pub fn new(room: RoomName, audience: Arc<Fanout>, interval: Duration) -> Self {
        let source = Typists {
            room,
            by_member: Mutex::default(),
        };
        Self::starting_at(0, source, audience, Pace::steady(interval))
    }

    /// The member is typing.
    pub fn start(&self, member: MemberId, user: User) {
        let until = Instant::now() + TYPING_EXPIRES;
        let shown = user.clone();
        let typist = Typist { user, until };
        let before = self.source.by_member.lock().insert(member, typist);
        if before.is_none_or(|before| before.user != shown) {
            self.mark_changed();
        }
    }

    /// The member goes by another name now.
    pub fn rename(&self, member: MemberId, user: User) {
        if let Some(typist) = self.source.by_member.lock().get_mut(&member) {
            typist.user = user;
            self.mark_changed();
        }
    }

    /// Whether any member is typing.
    #[must_use]
    pub fn anybody(&self) -> bool {
        !self.source.by_member.lock().is_empty()
    }

    /// Whether this member is.
    #[must_use]
    pub fn is_typing(&self, member: MemberId) -> bool {
        self.source.by_member.lock().contains_key(&member)
    }

    /// The member is not typing any more: it says so, has sent its message, or is gone.
    pub fn stop(&self, member: MemberId) {
        if self.source.by_member.lock().remove(&member).is_some() {
            self.mark_changed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::members::{Member, Members};

    #[tokio::test(start_paused = true)]
    async fn a_member_who_falls_silent_stops_typing() {
        let room = RoomName::parse("tech").unwrap_or_else(|e| panic!("{e}"));
        let typing = Arc::new(Typing::new(room, Arc::default(), Duration::from_millis(50)));
        let publisher = Arc::clone(&typing);
        let task = tokio::spawn(async move { publisher.publish_changes().await });
        assert_eq!(typing.published().version, 0);

        let username = crate::domain::Username::anonymous();
        let member = Member {
            user_id: "u1".into(),
            username,
        };
        let id = Members::default().new_id(0);
        typing.start(id, member.to_user());
        tokio::time::sleep(TYPING_EXPIRES / 2).await;
        let shown = typing.published();
        let one = r#"{"room":"tech","users":[{"user_id":"u1","username":"Anonymous"}]}"#;
        assert_eq!((shown.version, shown.payload.get()), (1, one));
        // Nothing more is said: the clock runs out by itself.
        tokio::time::sleep(TYPING_EXPIRES).await;
        let shown = typing.published();
        let none = r#"{"room":"tech","users":[]}"#;
        assert_eq!((shown.version, shown.payload.get()), (2, none));
        task.abort();
    }
}
