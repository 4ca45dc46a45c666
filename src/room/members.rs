//! Who is in a room: a member for each joined connection, in order of joining.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::Username;
use crate::protocol::User;

/// Members whose connections are lost that may be kept in any room. Beyond that there may be as many
/// as there are live ones. So a client that reconnects over and over cannot fill a room with ghosts,
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
    /// Those of them whose connections are lost.
    held: BTreeSet<MemberId>,
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
            held: BTreeSet::new(),
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
        self.held.remove(&id);
        if id.node == self.node {
            self.here -= 1;
        }
        Some(removed)
    }

    /// Whether one more member of this process may be one whose connection is lost.
    #[must_use]
    pub fn may_hold(&self, id: MemberId) -> bool {
        let live_without = self.here.saturating_sub(self.held.len() + 1);
        self.held.contains(&id) || self.held.len() < live_without.max(HELD_MIN)
    }

    /// Marks a member as one whose connection is lost.
    pub fn hold(&mut self, id: MemberId) {
        if self.by_id.contains_key(&id) {
            self.held.insert(id);
        }
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

    /// How many there are whose connections are not known to be lost.
    #[must_use]
    pub fn live_count(&self) -> u64 {
        (self.by_id.len() - self.held.len()) as u64
    }

    /// At most `max` of those who joined after the user `after`, in order of joining. `None` if that user is not here.
    #[must_use]
    pub fn page(&self, after: Option<&str>, max: usize) -> Option<(Vec<Member>, bool)> {
        let start = match after {
            None => Bound::Unbounded,
            Some(user_id) => {
                let mut all = self.by_id.iter();
                let (id, _) = all.find(|(_, member)| *member.user_id == *user_id)?;
                Bound::Excluded(*id)
            }
        };
        let mut rest = self.by_id.range((start, Bound::Unbounded));
        let page = rest.by_ref().take(max).map(|(_, m)| m.clone()).collect();
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
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_as_it_was_written_and_nothing_else_does() {
        let id = Members::at(u64::MAX).new_id(1_768_555_800_120);
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in [
            "",
            "1",
            "1-2",
            "1-2-3-4",
            "1-2-x",
            "-1-2-3",
            "1-2-10000000000000000",
        ] {
            assert_eq!(wrong.parse::<MemberId>(), Err(NoMemberId), "{wrong}");
        }
    }

    #[test]
    fn two_who_join_two_rooms_at_once_have_ids_of_their_own() {
        assert_ne!(Members::at(1).new_id(5), Members::at(1).new_id(5));
    }

    #[test]
    fn whoever_is_taken_over_from_on_their_way_in_is_not_added() {
        let mut here = Members::at(1);
        let anonymous = || Member {
            user_id: "u1".into(),
            username: Username::anonymous(),
        };
        let (slow, quick) = (here.begin_arrival(5), here.begin_arrival(5));
        assert_eq!(here.arriving().collect::<Vec<_>>(), [slow, quick]);
        assert!(here.remove_from_elsewhere(slow).is_none());
        here.end_arrival(slow, Some(anonymous()));
        assert_eq!(here.count(), 0);
        here.end_arrival(quick, Some(anonymous()));
        assert!(here.remove_from_elsewhere(quick).is_some());
        let nobody = here.begin_arrival(5);
        assert!(here.add_arriving(nobody, anonymous()) && !here.add_arriving(slow, anonymous()));
        assert_eq!(here.count(), 1);
        here.end_arrival(nobody, None);
        assert_eq!((here.count(), here.arriving().count()), (0, 0));
        // The bound on held members counts those who are here.
        assert_eq!(here.here, 0);
    }

    #[test]
    fn half_of_the_members_here_may_be_held_and_sixteen_in_any_room() {
        for (count, most) in [(1, 1), (10, 10), (16, 16), (20, 16), (40, 20), (101, 50)] {
            let mut here = Members::at(1);
            let ids: Vec<_> = (0..count).map(|n| here.new_id(n)).collect();
            let member = Member {
                user_id: "u1".into(),
                username: Username::anonymous(),
            };
            ids.iter().for_each(|id| here.add(*id, member.clone()));
            // Those of other processes are theirs to hold.
            (0..500).for_each(|n| here.add(Members::at(2).new_id(n), member.clone()));
            let held = |here: &Members| here.count() - here.live_count();
            for id in &ids {
                if here.may_hold(*id) {
                    here.hold(*id);
                    here.hold(*id);
                }
            }
            assert_eq!(held(&here), most, "of {count}");
            drop(here.remove(ids[0]));
            assert_eq!(held(&here), most - 1);
            ids.iter().for_each(|id| drop(here.remove(*id)));
            assert_eq!(held(&here), 0);
        }
    }

    #[test]
    fn members_elsewhere_are_replaced_and_those_here_stay() {
        let member = |name: &str| Member {
            user_id: name.into(),
            username: Username::anonymous(),
        };
        let (mut here, there) = (Members::at(1), Members::at(2));
        let own = here.new_id(5);
        here.add(own, member("own"));
        let gone = there.new_id(1);
        here.add(gone, member("gone"));
        let new = there.new_id(9);
        here.set_elsewhere([(new, member("new")), (own, member("impostor"))]);
        let users = |after| here.page(after, 9).map(|(page, _)| page);
        let names = |page: Vec<Member>| page.into_iter().map(|m| m.user_id.to_string());
        let all: Vec<_> = users(None).into_iter().flat_map(names).collect();
        assert_eq!(all, ["own", "new"]);
        assert!(users(Some("gone")).is_none());
        assert_eq!(here.here().count(), 1);
    }
}
