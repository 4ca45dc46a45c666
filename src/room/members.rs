//! Who is in a room: a member for each joined connection, in order of joining.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::Username;
use crate::protocol::User;

/// Names one membership: a new one for every join, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(u64);

/// A connection's identity towards others, as it appears on the wire.
pub type UserId = Arc<str>;

/// One member of a room.
#[derive(Debug, Clone)]
pub struct Member {
    /// Who.
    pub user_id: UserId,
    /// Under which name.
    pub username: Username,
}

impl Member {
    /// The member as user lists show it.
    #[must_use]
    pub fn to_user(&self) -> User {
        User {
            user_id: self.user_id.to_string(),
            username: self.username.as_str().to_owned(),
        }
    }
}

/// The members of one room.
#[derive(Debug, Default)]
pub struct Members {
    next: u64,
    by_id: BTreeMap<MemberId, Member>,
}

impl Members {
    /// Adds a member.
    pub fn add(&mut self, member: Member) -> MemberId {
        let id = MemberId(self.next);
        self.next += 1;
        self.by_id.insert(id, member);
        id
    }

    /// Removes a member; `None` if it was gone already.
    pub fn remove(&mut self, id: MemberId) -> Option<Member> {
        self.by_id.remove(&id)
    }

    /// The member, if it is still there.
    #[must_use]
    pub fn get(&self, id: MemberId) -> Option<&Member> {
        self.by_id.get(&id)
    }

    /// Changes a member's name and returns the one it had.
    pub fn rename(&mut self, id: MemberId, username: Username) -> Option<Username> {
        self.by_id
            .get_mut(&id)
            .map(|m| std::mem::replace(&mut m.username, username))
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.by_id.len() as u64
    }

    /// The first `max` of them, in order of joining.
    #[must_use]
    pub fn users(&self, max: usize) -> Vec<User> {
        self.by_id.values().take(max).map(Member::to_user).collect()
    }
}
