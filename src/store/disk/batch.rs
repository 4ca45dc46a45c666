//! One transaction: what becomes of each request, decided in order.

mod appending;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use rusqlite::Connection;

use appending::Author;

use super::ledger::{Ended, Ledger};
use super::queue::Request;
use super::schema::{self, ID_MAX};
use super::{decisions, messages, search};
use crate::clock;
use crate::domain::{RequestError, Username};
use crate::room::{
    Applied, Arrived, Changes, Content, Departure, Member, MemberId, NodeId, Published, Record,
    Room, UserId,
};

/// A transaction that is being written, and what it changes in the rooms.
#[derive(Debug)]
pub struct Batch {
    epoch: Arc<str>,
    node: NodeId,
    /// For each request in turn.
    pub answers: Vec<Answer>,
    changes: Vec<(usize, Change)>,
    /// Rooms whose newest id has changed.
    grown: BTreeSet<usize>,
    /// Keys and texts of the messages.
    searchable: Vec<(i64, Arc<str>)>,
    /// Messages of this transaction that have an idempotency key.
    keys: HashMap<Key, (Published, String)>,
}

/// A room, a sender and an idempotency key of that sender's.
type Key = (usize, UserId, Arc<str>);

/// What became of a request.
#[derive(Debug)]
pub enum Answer {
    Nothing,
    Message(Result<Published, RequestError>),
    Join(Result<Arrived, RequestError>),
    Done(Result<(), RequestError>),
}

/// A change to a room.
#[derive(Debug)]
enum Change {
    Append(Record),
    Add(MemberId, Member),
    Rename(MemberId, Username),
    Remove(MemberId),
}

impl Batch {
    pub fn new(epoch: &Arc<str>, node: NodeId) -> Self {
        Self {
            epoch: Arc::clone(epoch),
            node,
            answers: Vec::new(),
            changes: Vec::new(),
            grown: BTreeSet::new(),
            searchable: Vec::new(),
            keys: HashMap::new(),
        }
    }

    /// Decides what becomes of a request, and writes it.
    ///
    /// # Errors
    /// What SQLite answers; the transaction is of no use then.
    pub fn decide(
        &mut self,
        db: &Connection,
        ledger: &mut Ledger,
        rooms: &[Arc<Room>],
        request: &Request,
    ) -> rusqlite::Result<()> {
        let answer = match request {
            Request::Append {
                room,
                id,
                author,
                proposal,
            } => {
                let author = Author {
                    room: *room,
                    id: *id,
                    member: author,
                };
                Answer::Message(self.append(db, ledger, &rooms[*room], &author, proposal)?)
            }
            Request::Join { room, id, member } => {
                Answer::Join(self.join(db, ledger, *room, *id, member)?)
            }
            Request::Rename { room, id, username } => {
                Answer::Done(self.rename(db, ledger, *room, *id, username)?)
            }
            Request::Leave {
                room,
                id,
                departure,
            } => {
                self.leave(db, ledger, *room, *id, *departure)?;
                Answer::Nothing
            }
            Request::Decide(change) => {
                decisions::write(db, change)?;
                Answer::Done(Ok(()))
            }
            Request::Hold { room, id } => {
                ledger.hold(*room, *id);
                Answer::Nothing
            }
            Request::EndRestored => {
                for (room, id) in ledger.restored(self.node) {
                    self.leave(db, ledger, room, id, Departure::Left)?;
                }
                Answer::Nothing
            }
            Request::Discard | Request::Finish => Answer::Nothing,
        };
        self.answers.push(answer);
        Ok(())
    }

    fn join(
        &mut self,
        db: &Connection,
        ledger: &mut Ledger,
        room: usize,
        id: MemberId,
        member: &Member,
    ) -> rusqlite::Result<Result<Arrived, RequestError>> {
        if let Err(refusal) = ledger.claim(room, member) {
            return Ok(Err(refusal));
        }
        let replaced = ledger.membership_of(&member.user_id);
        let mut before = None;
        match replaced {
            // Leaves first, so that the user is not counted twice.
            Some((there, held)) if there != room => {
                self.leave(db, ledger, there, held, Departure::Left)?;
            }
            Some((_, held)) => before = self.end(db, ledger, room, held)?,
            None => {}
        }
        let position = ledger.rooms[room].head;
        ledger.add(room, id, member.clone());
        self.changes.push((room, Change::Add(id, member.clone())));
        db.prepare_cached(
            "INSERT INTO members (member, room, user_id, username) VALUES (?, ?, ?, ?)",
        )?
        .execute((
            id.to_string(),
            ledger.rooms[room].number,
            &*member.user_id,
            member.username.as_str(),
        ))?;
        let content = match before {
            None => Some(Content::Joined),
            Some(Ended { member: before, .. }) if before.username == member.username => None,
            Some(Ended { member: before, .. }) => Some(Content::Renamed {
                before: before.username,
            }),
        };
        let announces = ledger.announces(room);
        let unannounced = !announces && matches!(content, Some(Content::Joined));
        if let Some(content) = content.filter(|_| announces) {
            // A notice has no effect of its own, so it may be left out at the end of all ids.
            drop(self.next(db, ledger, (room, id), member.clone(), content)?);
        }
        Ok(Ok(Arrived {
            epoch: Arc::clone(&self.epoch),
            position,
            unannounced,
            replaced: replaced.map(|(_, held)| held),
        }))
    }

    fn rename(
        &mut self,
        db: &Connection,
        ledger: &mut Ledger,
        room: usize,
        id: MemberId,
        username: &Username,
    ) -> rusqlite::Result<Result<(), RequestError>> {
        let Some(before) = ledger.member(room, id).cloned() else {
            return Ok(Err(RequestError::not_in_room()));
        };
        if before.username == *username {
            return Ok(Ok(()));
        }
        let member = Member {
            username: username.clone(),
            ..before.clone()
        };
        if let Err(refusal) = ledger.claim(room, &member) {
            return Ok(Err(refusal));
        }
        ledger.rename(room, id, username);
        self.changes
            .push((room, Change::Rename(id, username.clone())));
        db.prepare_cached("UPDATE members SET username = ? WHERE member = ?")?
            .execute((username.as_str(), id.to_string()))?;
        if ledger.announces(room) {
            let content = Content::Renamed {
                before: before.username,
            };
            drop(self.next(db, ledger, (room, id), member, content)?);
        }
        Ok(Ok(()))
    }

    fn leave(
        &mut self,
        db: &Connection,
        ledger: &mut Ledger,
        room: usize,
        id: MemberId,
        departure: Departure,
    ) -> rusqlite::Result<()> {
        if let Some(ended) = self.end(db, ledger, room, id)?
            && ended.announced
        {
            drop(self.next(db, ledger, (room, id), ended.member, departure.notice())?);
        }
        Ok(())
    }

    /// Ends a membership without a notice.
    fn end(
        &mut self,
        db: &Connection,
        ledger: &mut Ledger,
        room: usize,
        id: MemberId,
    ) -> rusqlite::Result<Option<Ended>> {
        let Some(ended) = ledger.remove(room, id) else {
            return Ok(None);
        };
        self.changes.push((room, Change::Remove(id)));
        db.prepare_cached("DELETE FROM members WHERE member = ?")?
            .execute([id.to_string()])?;
        Ok(Some(ended))
    }

    /// Appends an entry under the next id.
    fn next(
        &mut self,
        db: &Connection,
        ledger: &mut Ledger,
        (index, member_id): (usize, MemberId),
        member: Member,
        content: Content,
    ) -> rusqlite::Result<Result<Published, RequestError>> {
        let room = &mut ledger.rooms[index];
        if room.head >= ID_MAX {
            return Ok(Err(RequestError::unavailable()));
        }
        room.head += 1;
        room.newest_ms = clock::unix_ms().max(room.newest_ms);
        let record = Record {
            epoch: Arc::clone(&self.epoch),
            id: room.head,
            member,
            member_id,
            at_ms: room.newest_ms,
            content,
            previous: None,
        };
        room.bytes = room
            .bytes
            .saturating_add_unsigned(record.text_bytes() as u64);
        messages::insert(db, room.number, &record)?;
        if let Content::Message { text, .. } = &record.content {
            let key = schema::key(room.number, record.id);
            self.searchable.push((key, Arc::clone(text)));
        }
        let published = Published {
            id: record.id,
            at_ms: record.at_ms,
            duplicate: false,
        };
        self.grown.insert(index);
        self.changes.push((index, Change::Append(record)));
        Ok(Ok(published))
    }

    /// Writes what is the same for all requests together: the newest ids of the rooms, and the search
    /// index.
    ///
    /// # Errors
    /// What SQLite answers.
    pub fn finish(&mut self, db: &Connection, ledger: &Ledger) -> rusqlite::Result<()> {
        search::insert(db, std::mem::take(&mut self.searchable))?;
        for index in &self.grown {
            let room = &ledger.rooms[*index];
            db.prepare_cached("UPDATE rooms SET head = ?, bytes = ? WHERE number = ?")?
                .execute((room.head, room.bytes, room.number))?;
        }
        Ok(())
    }

    /// Changes the rooms in memory. The transaction is on the disk.
    pub fn apply(&self, rooms: &[Arc<Room>]) {
        let mut open: Option<(usize, Changes<'_>)> = None;
        for (room, change) in &self.changes {
            open.take_if(|(index, _)| index != room);
            let (_, changes) = open.get_or_insert_with(|| (*room, rooms[*room].changes()));
            match change {
                Change::Append(record) => {
                    let applied = changes.apply(record);
                    debug_assert_eq!(applied, Applied::Appended, "the writer assigns all ids");
                }
                Change::Add(id, member) => changes.confirm_arrival(*id, member.clone()),
                Change::Rename(id, username) => drop(changes.rename(*id, username)),
                Change::Remove(id) => drop(changes.end_membership(*id)),
            }
        }
    }
}
