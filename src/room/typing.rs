//! Who is typing in a room: state, not events, so the newest wins.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::value::RawValue;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::bell::News;
use super::fanout::Fanout;
use super::members::MemberId;
use crate::domain::RoomName;
use crate::json;
use crate::protocol::{TYPING_USERS_MAX, TypingState, User};

/// Somebody who said that they type is believed for this long: clients repeat it every 3 s.
const TYPING_EXPIRES: Duration = Duration::from_secs(6);

/// Who is typing in one room.
#[derive(Debug)]
pub struct Typing {
    room: RoomName,
    typists: Mutex<BTreeMap<MemberId, Typist>>,
    changed: Notify,
    published: watch::Sender<Option<Arc<RawValue>>>,
}

#[derive(Debug)]
struct Typist {
    user: User,
    until: Instant,
}

impl Typing {
    /// Nobody is typing.
    #[must_use]
    pub fn new(room: RoomName) -> Self {
        Self {
            room,
            typists: Mutex::default(),
            changed: Notify::new(),
            published: watch::Sender::new(None),
        }
    }

    /// The member is typing.
    pub fn start(&self, member: MemberId, user: User) {
        let until = Instant::now() + TYPING_EXPIRES;
        let shown = user.clone();
        let before = self.typists.lock().insert(member, Typist { user, until });
        if before.is_none_or(|before| before.user != shown) {
            self.changed.notify_one();
        }
    }

    /// The member goes by another name now.
    pub fn rename(&self, member: MemberId, user: User) {
        if let Some(typist) = self.typists.lock().get_mut(&member) {
            typist.user = user;
            self.changed.notify_one();
        }
    }

    /// Whether anybody is typing.
    #[must_use]
    pub fn anybody(&self) -> bool {
        !self.typists.lock().is_empty()
    }

    /// Whether this member is.
    #[must_use]
    pub fn is_typing(&self, member: MemberId) -> bool {
        self.typists.lock().contains_key(&member)
    }

    /// The member is not typing any more: it says so, has sent its message, or is gone.
    pub fn stop(&self, member: MemberId) {
        if self.typists.lock().remove(&member).is_some() {
            self.changed.notify_one();
        }
    }

    /// The wire payload of the published state; `None` before anybody ever typed.
    #[must_use]
    pub fn published(&self) -> Option<Arc<RawValue>> {
        self.published.borrow().clone()
    }

    /// Publishes changes to `audience` for as long as it is polled, at most every `interval`.
    pub async fn publish_changes(&self, interval: Duration, audience: &Fanout) {
        let mut shown: Vec<User> = Vec::new();
        loop {
            self.change().await;
            let typing = self.expire(Instant::now());
            if typing != shown {
                let state = TypingState {
                    room: self.room.as_str(),
                    users: &typing,
                };
                self.published
                    .send_replace(Some(Arc::from(json::raw(&state))));
                shown = typing;
                audience.notify(News::TYPING);
            }
            tokio::time::sleep(interval).await;
        }
    }

    /// Waits for somebody to start, stop, or fall silent.
    async fn change(&self) {
        let next_expiry = self.typists.lock().values().map(|t| t.until).min();
        let changed = self.changed.notified();
        match next_expiry {
            Some(at) => {
                tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep_until(at) => {}
                }
            }
            None => changed.await,
        }
    }

    /// Forgets those who fell silent and returns the others, in order of joining.
    fn expire(&self, now: Instant) -> Vec<User> {
        let mut typists = self.typists.lock();
        typists.retain(|_, t| t.until > now);
        typists
            .values()
            .take(TYPING_USERS_MAX)
            .map(|t| t.user.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::members::{Member, Members};

    #[tokio::test(start_paused = true)]
    async fn somebody_who_falls_silent_stops_typing() {
        let room = RoomName::parse("tech").unwrap_or_else(|e| panic!("{e}"));
        let typing = Arc::new(Typing::new(room));
        let mut seen = typing.published.subscribe();
        let publisher = Arc::clone(&typing);
        let task = tokio::spawn(async move {
            publisher
                .publish_changes(Duration::from_millis(50), &Fanout::default())
                .await;
        });

        let username = crate::domain::Username::anonymous();
        let member = Member {
            user_id: "u1".into(),
            username,
        };
        let id = Members::default().new_id(0);
        typing.start(id, member.to_user());
        let shown = |wanted: &'static str| {
            move |state: &Option<Arc<RawValue>>| {
                state
                    .as_ref()
                    .is_some_and(|payload| payload.get() == wanted)
            }
        };
        let one = r#"{"room":"tech","users":[{"user_id":"u1","username":"Anonymous"}]}"#;
        assert!(seen.wait_for(shown(one)).await.is_ok());
        // Nothing more is said: the clock runs out by itself.
        assert!(
            seen.wait_for(shown(r#"{"room":"tech","users":[]}"#))
                .await
                .is_ok()
        );
        task.abort();
    }
}
