//! Who is in a room: a member for each joined connection, in order of joining.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::Username;
use crate::protocol::User;

/// Members without a connection that may be kept in any room. Beyond that there may be as many as
/// there are live ones. So a client that reconnects over and over cannot fill a room with ghosts,
/// and a small room whose whole network fails keeps all its members.
const HELD_MIN: usize = 16;

/// Names one process among those that share rooms; 0 if it shares them with none.
pub type NodeId = u64;

/// Names one membership: a new one for every join, never used again. In order of joining, by the
/// clocks of the processes that were joined at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId {
    joined_ms: u64,
    /// The process that the member's connection is at.
    pub node: NodeId,
    serial: u64,
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}-{:x}", self.joined_ms, self.node, self.serial)
    }
}

impl MemberId {
    /// For entries whose membership is over and not known any more.
    pub const UNKNOWN: Self = Self {
        joined_ms: 0,
        node: 0,
        serial: 0,
    };

    /// When the user joined, or the membership that this one continues began: milliseconds since the
    /// Unix epoch, by the clock of its process.
    #[must_use]
    pub const fn joined_ms(&self) -> u64 {
        self.joined_ms
    }
}

/// A text is no [`MemberId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoMemberId;

impl FromStr for MemberId {
    type Err = NoMemberId;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, NoMemberId> {
        let mut parts = text.split('-').map(|part| u64::from_str_radix(part, 16));
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(joined_ms)), Some(Ok(node)), Some(Ok(serial)), None) => Ok(Self {
                joined_ms,
                node,
                serial,
            }),
            _ => Err(NoMemberId),
        }
    }
}

/// A connection's identity towards others, as it appears on the wire.
pub type UserId = Arc<str>;

/// One member of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
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
            away: false,
        }
    }
}

/// Why a member has no connection, and whether the bound on such members counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// The connection is lost.
    Lost,
    /// The user is away, soon after joining. The bound counts such members, so that a client cannot
    /// fill a room with ghosts.
    Away,
    /// The user is away, and was a member for long enough to be none of those ghosts. The bound does
    /// not count such members, so that lost connections are still held if most users are away.
    AwaySettled,
}

impl Absence {
    const fn is_bounded(self) -> bool {
        !matches!(self, Self::AwaySettled)
    }

    const fn is_away(self) -> bool {
        !matches!(self, Self::Lost)
    }
}

/// Some of a room's users.
#[derive(Debug)]
pub struct UsersPage {
    /// In order of joining.
    pub users: Vec<User>,
    /// How many there are in all.
    pub total: u64,
    /// Whether there are more after these.
    pub more: bool,
}

/// The members of one room.
#[derive(Debug, Default)]
pub struct Members {
    node: NodeId,
    by_id: BTreeMap<MemberId, Member>,
    /// How many of them are connected here, or were.
    here: usize,
    /// Those who have no connection.
    held: BTreeMap<MemberId, Absence>,
    /// How many of those the bound on them counts.
    bounded: usize,
    /// Those who are on their way in here, and whether another process has taken over from them
    /// already.
    arriving: BTreeMap<MemberId, bool>,
}

impl Members {
    /// No members; those who join in this process join at `node`.
    #[must_use]
    pub const fn at(node: NodeId) -> Self {
        Self {
            node,
            by_id: BTreeMap::new(),
            here: 0,
            held: BTreeMap::new(),
            bounded: 0,
            arriving: BTreeMap::new(),
        }
    }

    /// An id for a user who joins in this process.
    pub fn new_id(&self, joined_ms: u64) -> MemberId {
        // One count for all rooms: two people may join two of them within a millisecond.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        MemberId {
            joined_ms,
            node: self.node,
            serial: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Adds a member.
    pub fn add(&mut self, id: MemberId, member: Member) {
        if self.by_id.insert(id, member).is_none() && id.node == self.node {
            self.here += 1;
        }
    }

    /// Removes a member; `None` if it was gone already.
    pub fn remove(&mut self, id: MemberId) -> Option<Member> {
        let removed = self.by_id.remove(&id)?;
        self.end_absence(id);
        if id.node == self.node {
            self.here -= 1;
        }
        Some(removed)
    }

    /// Whether one more member of this process may be one without a connection.
    #[must_use]
    pub fn may_hold(&self, id: MemberId, absence: Absence) -> bool {
        let live_without = self.here.saturating_sub(self.held.len() + 1);
        !absence.is_bounded()
            || self.held.contains_key(&id)
            || self.bounded < live_without.max(HELD_MIN)
    }

    /// Marks a member as one without a connection.
    pub fn hold(&mut self, id: MemberId, absence: Absence) {
        if self.by_id.contains_key(&id) {
            self.end_absence(id);
            self.held.insert(id, absence);
            self.bounded += usize::from(absence.is_bounded());
        }
    }

    fn end_absence(&mut self, id: MemberId) {
        let absence = self.held.remove(&id);
        self.bounded -= usize::from(absence.is_some_and(Absence::is_bounded));
    }

    /// Removes a member at another process's word. One of this process who has not been added yet
    /// is not going to be.
    pub fn remove_from_elsewhere(&mut self, id: MemberId) -> Option<Member> {
        if let Some(is_over) = self.arriving.get_mut(&id) {
            *is_over = true;
        }
        self.remove(id)
    }

    /// A user is about to join in this process. [`Self::end_arrival`] follows.
    pub fn begin_arrival(&mut self, joined_ms: u64) -> MemberId {
        let id = self.new_id(joined_ms);
        self.arriving.insert(id, false);
        id
    }

    /// Adds a user whose join other processes know already, together with the removal of the membership
    /// that it replaces, so that the user is never missing. Returns false if no member was added.
    pub fn add_arriving(&mut self, id: MemberId, member: Member) -> bool {
        let is_expected = self.arriving.get(&id) == Some(&false);
        if is_expected {
            self.add(id, member);
        }
        is_expected
    }

    /// Adds the user who was about to join, unless another process has ended that membership already.
    /// `None` if the join failed.
    pub fn end_arrival(&mut self, id: MemberId, member: Option<Member>) {
        match (self.arriving.remove(&id), member) {
            (Some(false), Some(member)) => self.add(id, member),
            (Some(_), None) => drop(self.remove(id)),
            _ => {}
        }
    }

    /// Those who are on their way in here.
    pub fn arriving(&self) -> impl Iterator<Item = MemberId> {
        self.arriving.keys().copied()
    }

    /// The member, if it is still there.
    #[must_use]
    pub fn get(&self, id: MemberId) -> Option<&Member> {
        self.by_id.get(&id)
    }

    /// The member who is this user. Looks at all of them.
    #[must_use]
    pub fn of_user(&self, user_id: &str) -> Option<(MemberId, &Member)> {
        let mut all = self.by_id.iter();
        let found = all.find(|(_, member)| *member.user_id == *user_id);
        found.map(|(id, member)| (*id, member))
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

    /// How many there are who are not known to be without a connection.
    #[must_use]
    pub fn live_count(&self) -> u64 {
        (self.by_id.len() - self.held.len()) as u64
    }

    /// At most `max` of those who joined after the user `after`, in order of joining, each with
    /// whether they are away. `None` if that user is not here.
    #[must_use]
    pub fn page(&self, after: Option<&str>, max: usize) -> Option<(Vec<(Member, bool)>, bool)> {
        let start = match after {
            None => Bound::Unbounded,
            Some(user_id) => {
                let mut all = self.by_id.iter();
                let (id, _) = all.find(|(_, member)| *member.user_id == *user_id)?;
                Bound::Excluded(*id)
            }
        };
        let mut rest = self.by_id.range((start, Bound::Unbounded));
        let is_away = |id| self.held.get(id).is_some_and(|absence| absence.is_away());
        let page = rest.by_ref().take(max);
        let page = page.map(|(id, member)| (member.clone(), is_away(id)));
        let page = page.collect();
        Some((page, rest.next().is_some()))
    }

    /// Those whose connections are here.
    pub fn here(&self) -> impl Iterator<Item = (MemberId, &Member)> {
        let node = self.node;
        let all = self.by_id.iter().map(|(id, member)| (*id, member));
        all.filter(move |(id, _)| id.node == node)
    }

    /// Replaces all members whose connections are elsewhere.
    pub fn set_elsewhere(&mut self, members: impl IntoIterator<Item = (MemberId, Member)>) {
        let node = self.node;
        self.by_id.retain(|id, _| id.node == node);
        let elsewhere = members.into_iter().filter(|(id, _)| id.node != node);
        self.by_id.extend(elsewhere);
    }
}

#[cfg(test)]
#[path = "members_tests.rs"]
mod tests;
