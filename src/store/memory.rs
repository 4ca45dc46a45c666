//! The store that keeps everything in the memory of this process. It decides immediately, under the
//! room's lock, so the room's own log and members are the record.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::names::Names;
use crate::decisions::{AuditLine, AuditPage, DecisionChange, Decisions};
use crate::domain::{RequestError, Username};
use crate::room::{
    Answer, Applied, Arrival, Arrived, Changes, Content, Departure, Draft, Member, MemberId,
    Published, Publishing, ReadingAudit, Room, Store, Verdict,
};

/// Lines of the audit log that are kept at most.
const AUDIT_LINES_MAX: usize = 10_000;

/// A store in memory. One keeps all rooms.
#[derive(Debug)]
pub struct MemoryStore {
    /// The names in use, if they must be unique.
    names: Option<Names>,
    audit: Mutex<VecDeque<AuditLine>>,
}

impl MemoryStore {
    /// An empty store. With `unique_names`, names that look alike may not be in one room at the same
    /// time, unless they are one user's.
    #[must_use]
    pub fn new(unique_names: bool) -> Self {
        Self {
            names: unique_names.then(Names::default),
            audit: Mutex::default(),
        }
    }

    fn claim(&self, room: &Room, member: &Member) -> Result<(), RequestError> {
        match &self.names {
            Some(names) => names.claim(room.name(), member),
            None => Ok(()),
        }
    }

    fn release(&self, room: &Room, member: &Member) {
        if let Some(names) = &self.names {
            names.release(room.name(), member);
        }
    }
}

/// Appends an entry under the next id.
fn append(changes: &mut Changes<'_>, id: MemberId, member: Member, content: Content) -> Published {
    let record = changes.next_record(id, member, content);
    let applied = changes.apply(&record);
    debug_assert_eq!(applied, Applied::Appended, "the next record always fits");
    Published {
        id: record.id,
        at_ms: record.at_ms,
        duplicate: false,
    }
}

/// Appends a notice, unless the room is too large for notices. Returns whether it did.
fn announce(changes: &mut Changes<'_>, id: MemberId, member: Member, content: Content) -> bool {
    let announces = changes.announces();
    if announces {
        append(changes, id, member, content);
    }
    announces
}

impl Store for MemoryStore {
    fn append(&self, mut changes: Changes<'_>, draft: Draft<'_>) -> Publishing {
        let Draft {
            member_id, author, ..
        } = draft;
        let id = member_id.unwrap_or(MemberId::UNKNOWN);
        if member_id.is_some() && changes.member(id).is_none() {
            return Answer::Done(Err(RequestError::not_in_room()));
        }
        let decision = changes.decide(&author, draft.proposal);
        Answer::Done(decision.map(|decision| match decision {
            Verdict::Append { author, content } => append(&mut changes, id, author, content),
            Verdict::Known(published) => published,
        }))
    }

    fn join(&self, room: &Arc<Room>, arrival: Arrival<'_>) -> Answer<Arrived> {
        let Arrival { id, member, .. } = arrival;
        if let Err(refusal) = self.claim(room, &member) {
            return Answer::Done(Err(refusal));
        }
        let mut replaced = arrival.replaces;
        if let Some((there, held)) = replaced.take_if(|(there, _)| !Arc::ptr_eq(there, room)) {
            // Leaves first, so that the user is not counted twice.
            self.leave(there.changes(), held, Departure::Left);
        }
        let mut changes = room.changes();
        let position = changes.position();
        let before = replaced.and_then(|(_, held)| changes.remove(held));
        changes.add(id, member.clone());
        let unannounced = match &before {
            None => !announce(&mut changes, id, member, Content::Joined),
            Some(Member { username, .. }) if *username == member.username => false,
            Some(Member { username, .. }) => {
                let before = username.clone();
                announce(&mut changes, id, member, Content::Renamed { before });
                false
            }
        };
        drop(changes);
        if let Some(before) = &before {
            self.release(room, before);
        }
        Answer::Done(Ok(Arrived {
            epoch: position.epoch,
            position: position.head,
            unannounced,
            replaced: replaced.map(|(_, held)| held),
        }))
    }

    fn rename(&self, mut changes: Changes<'_>, id: MemberId, username: &Username) -> Answer<()> {
        let Some(before) = changes.member(id).cloned() else {
            return Answer::Done(Err(RequestError::not_in_room()));
        };
        let member = Member {
            username: username.clone(),
            ..before.clone()
        };
        let room = changes.room();
        if let Err(refusal) = self.claim(room, &member) {
            return Answer::Done(Err(refusal));
        }
        changes.rename(id, username);
        let content = Content::Renamed {
            before: before.username.clone(),
        };
        announce(&mut changes, id, member, content);
        drop(changes);
        self.release(room, &before);
        Answer::Done(Ok(()))
    }

    fn leave(&self, mut changes: Changes<'_>, id: MemberId, departure: Departure) {
        // The leaver counts for the size above which there are no notices.
        let announces = changes.announces();
        let Some(member) = changes.remove(id) else {
            return;
        };
        if announces {
            append(&mut changes, id, member.clone(), departure.notice());
        }
        let room = changes.room();
        drop(changes);
        self.release(room, &member);
    }

    fn decide(&self, decisions: &Arc<Decisions>, change: DecisionChange) -> Answer<()> {
        // Locked throughout, so that the log's order is that of the decisions.
        let mut audit = self.audit.lock();
        decisions.apply_all(change.set);
        if let Some(line) = change.line {
            let id = audit.back().map_or(0, |newest| newest.id) + 1;
            audit.push_back(AuditLine { id, ..line });
        }
        while audit.len() > AUDIT_LINES_MAX
            || audit.len() > 1 && audit[0].at_ms < change.audit_from_ms
        {
            audit.pop_front();
        }
        Answer::Done(Ok(()))
    }

    fn read_audit(&self, before: Option<u64>, max: usize) -> ReadingAudit<'_> {
        let audit = self.audit.lock();
        let older = audit.iter().rev();
        let mut older = older.filter(|line| before.is_none_or(|before| line.id < before));
        let lines = older.by_ref().take(max).cloned().collect();
        let more = older.next().is_some();
        Box::pin(std::future::ready(Ok(AuditPage { lines, more })))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::{RequestErrorCode, RoomName};
    use crate::room::{LogBounds, MessageChange, RoomSettings, Rooms};

    fn user(user_id: &str) -> Member {
        Member {
            user_id: user_id.into(),
            username: Username::anonymous(),
        }
    }

    #[test]
    fn moderators_who_are_no_members_delete_what_others_wrote_and_rewrite_nothing() {
        let name = RoomName::parse("tech").unwrap_or_else(|e| panic!("{e}"));
        let rooms = Rooms::new(&RoomSettings {
            names: vec![name.clone()],
            log: LogBounds {
                messages_max: 10,
                notices_max: 10,
                ..LogBounds::default()
            },
            edit_window: Duration::from_secs(60),
            ..RoomSettings::default()
        });
        let room = rooms.get(&name).unwrap_or_else(|| panic!("no room"));
        let store = MemoryStore::new(false);
        let content = Content::Message {
            text: "rude".into(),
            client_id: None,
            edited_ms: None,
            reply_to: None,
        };
        let sent = append(&mut room.changes(), MemberId::UNKNOWN, user("ada"), content);
        let ask = |by_moderator, change| {
            let author = user("moderator");
            let mut answer = room.change_message(&store, author, by_moderator, sent.id, change);
            answer.try_get().unwrap_or_else(|| panic!("no answer"))
        };
        let edit = MessageChange::Edited {
            text: "polite".into(),
            client_id: None,
        };
        let forbidden = Err(RequestErrorCode::Forbidden);
        let code = |answer: Result<Published, RequestError>| answer.map_err(|error| error.code);
        assert_eq!(code(ask(true, edit)), forbidden);
        assert_eq!(code(ask(false, MessageChange::Deleted)), forbidden);
        let deleted = ask(true, MessageChange::Deleted);
        assert_eq!(deleted.map(|deleted| deleted.id), Ok(sent.id + 1));
        let again = ask(true, MessageChange::Deleted);
        assert!(again.is_ok_and(|again| again.duplicate && again.id == sent.id + 1));
    }
}
