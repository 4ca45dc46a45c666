//! What the writer knows of each room beside the file: the newest id, and who is a member. It decides
//! by this, and reads it again from the file if a transaction fails.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::Connection;

use super::error::DiskError;
use super::schema;
use crate::domain::{RequestError, RoomName, Username};
use crate::room::members::{Absence, Members};
use crate::room::{Member, MemberId, NodeId, UserId};
use crate::store::names::Names;

/// All rooms, in their order.
#[derive(Debug)]
pub struct Ledger {
    pub rooms: Vec<RoomLedger>,
    by_user: HashMap<UserId, (usize, MemberId)>,
    names: Option<Names>,
    notice_limit: u64,
}

/// One room.
#[derive(Debug)]
pub struct RoomLedger {
    pub name: RoomName,
    /// Its number in the database.
    pub number: i64,
    /// Id of the newest entry.
    pub head: u64,
    /// Time of the newest message.
    pub newest_ms: i64,
    /// Messages up to this id were discarded.
    pub discarded: u64,
    /// Bytes of the texts of its messages.
    pub bytes: i64,
    members: Members,
}

/// How a ledger is made.
#[derive(Debug, Clone)]
pub struct LedgerSettings {
    /// The rooms, in their order.
    pub rooms: Vec<RoomName>,
    /// This process, among those that had the file one after the other.
    pub node: NodeId,
    /// Whether a room refuses a name that is confusable with a member's.
    pub unique_names: bool,
    /// Members above which there are no notices; 0 = there always are.
    pub notice_limit: u64,
}

/// A membership that has ended.
#[derive(Debug)]
pub struct Ended {
    pub member: Member,
    /// Whether the room had notices while the member was there.
    pub announced: bool,
}

impl Ledger {
    /// Reads it from the file, which has all rooms.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn load(
        db: &Connection,
        file: &Path,
        settings: &LedgerSettings,
    ) -> Result<Self, DiskError> {
        let failed = |source| DiskError::of(file, source);
        let mut ledger = Self {
            rooms: Vec::new(),
            by_user: HashMap::new(),
            names: settings.unique_names.then(Names::default),
            notice_limit: settings.notice_limit,
        };
        for name in &settings.rooms {
            let room = RoomLedger::load(db, name, settings.node).map_err(failed)?;
            ledger.rooms.push(room);
        }
        for (number, id, member) in members(db, file)? {
            let room = ledger.rooms.iter().position(|room| room.number == number);
            if let Some(room) = room {
                // Two that look alike were both there before names had to be unique.
                drop(ledger.claim(room, &member));
                ledger.add(room, id, member);
            }
        }
        Ok(ledger)
    }

    /// The member, if there is one.
    pub fn member(&self, room: usize, id: MemberId) -> Option<&Member> {
        self.rooms[room].members.get(id)
    }

    /// The user's membership, if there is one.
    pub fn membership_of(&self, user_id: &UserId) -> Option<(usize, MemberId)> {
        self.by_user.get(user_id).copied()
    }

    /// Whether the room has notices at its size.
    pub fn announces(&self, room: usize) -> bool {
        self.notice_limit == 0 || self.rooms[room].members.live_count() <= self.notice_limit
    }

    /// Takes a name, if names are unique. [`Self::add`] or [`Self::rename`] follows.
    ///
    /// # Errors
    /// `username_taken`.
    pub fn claim(&self, room: usize, member: &Member) -> Result<(), RequestError> {
        match &self.names {
            Some(names) => names.claim(&self.rooms[room].name, member),
            None => Ok(()),
        }
    }

    fn release(&self, room: usize, member: &Member) {
        if let Some(names) = &self.names {
            names.release(&self.rooms[room].name, member);
        }
    }

    /// Adds a member whose name is taken.
    pub fn add(&mut self, room: usize, id: MemberId, member: Member) {
        self.by_user.insert(member.user_id.clone(), (room, id));
        self.rooms[room].members.add(id, member);
    }

    /// Ends a membership, and gives its name back.
    pub fn remove(&mut self, room: usize, id: MemberId) -> Option<Ended> {
        let announced = self.announces(room);
        let member = self.rooms[room].members.remove(id)?;
        self.release(room, &member);
        if self.membership_of(&member.user_id) == Some((room, id)) {
            self.by_user.remove(&member.user_id);
        }
        Some(Ended { member, announced })
    }

    /// Gives a member a name that is taken, and the one before back.
    pub fn rename(&mut self, room: usize, id: MemberId, username: &Username) {
        let members = &mut self.rooms[room].members;
        let Some(user_id) = members.get(id).map(|member| member.user_id.clone()) else {
            return;
        };
        if let Some(username) = members.rename(id, username.clone()) {
            self.release(room, &Member { user_id, username });
        }
    }

    /// The member's connection is lost.
    pub fn hold(&mut self, room: usize, id: MemberId) {
        // The size of a room is the same whatever the reason.
        self.rooms[room].members.hold(id, Absence::Lost);
    }

    /// The members who were here before this process.
    pub fn restored(&self, node: NodeId) -> Vec<(usize, MemberId)> {
        let all = self.by_user.values().copied();
        let mut restored: Vec<_> = all.filter(|(_, id)| id.node != node).collect();
        restored.sort_unstable_by_key(|(_, id)| *id);
        restored
    }
}

impl RoomLedger {
    fn load(db: &Connection, name: &RoomName, node: NodeId) -> rusqlite::Result<Self> {
        let select = "SELECT number, head, discarded, bytes FROM rooms WHERE name = ?";
        let mut room = db.query_row(select, [name.as_str()], |row| {
            Ok(Self {
                name: name.clone(),
                number: row.get(0)?,
                head: row.get(1)?,
                discarded: row.get(2)?,
                bytes: row.get(3)?,
                newest_ms: 0,
                members: Members::at(node),
            })
        })?;
        let select = "SELECT max(key), at_ms FROM messages WHERE key BETWEEN ? AND ?";
        let all = (
            schema::key(room.number, 0),
            schema::key(room.number, u64::MAX),
        );
        let newest: Option<i64> = db.query_row(select, all, |row| row.get(1))?;
        room.newest_ms = newest.unwrap_or(0);
        Ok(room)
    }
}

/// All members in the file, in order of joining, each with the number of the room.
///
/// # Errors
/// [`DiskError`].
pub fn members(db: &Connection, file: &Path) -> Result<Vec<(i64, MemberId, Member)>, DiskError> {
    let failed = |source| DiskError::of(file, source);
    let wrong = || DiskError::value(file, "a row of `members`");
    let select = "SELECT room, member, user_id, username FROM members";
    let mut select = db.prepare(select).map_err(failed)?;
    let mut rows = select.query([]).map_err(failed)?;
    let mut members = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let text = |column| row.get::<_, String>(column).map_err(failed);
        let id = text(1)?.parse().map_err(|_| wrong())?;
        let member = Member {
            user_id: text(2)?.into(),
            username: Username::parse(&text(3)?).map_err(|_| wrong())?,
        };
        members.push((row.get(0).map_err(failed)?, id, member));
    }
    members.sort_by_key(|(_, id, _)| *id);
    Ok(members)
}
