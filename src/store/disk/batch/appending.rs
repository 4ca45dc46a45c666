//! Messages and changes to them: decided, and written.

use std::sync::Arc;

use rusqlite::Connection;

use super::{Batch, Key};
use crate::clock;
use crate::domain::RequestError;
use crate::room::{
    Content, Member, MemberId, MessageChange, Original, Proposal, ProposedChange, Published,
    Reaction, Room, said_by_edit,
};
use crate::store::disk::ledger::Ledger;
use crate::store::disk::{messages, reactions, schema, search};

/// Who appends something.
pub(super) struct Author<'a> {
    pub(super) room: usize,
    /// `None` if the author is not a member.
    pub(super) id: Option<MemberId>,
    pub(super) member: &'a Member,
}

/// An idempotency key, and what it stands for.
struct Keyed {
    key: Key,
    text: String,
}

impl Keyed {
    fn of(room: usize, author: &Member, proposal: &Proposal) -> Option<Self> {
        let (client_id, text) = match proposal {
            Proposal::Message {
                text, client_id, ..
            } => (client_id.as_ref()?.shared(), text.as_str().to_owned()),
            Proposal::Change(ProposedChange { of, change, .. }) => {
                let text = said_by_edit(*of, change.text()?);
                (Arc::clone(change.client_id()?), text)
            }
        };
        let key = (room, author.user_id.clone(), client_id);
        Some(Self { key, text })
    }
}

impl Batch {
    pub(super) fn append(
        &mut self,
        db: &Connection,
        ledger: &mut Ledger,
        room: &Room,
        author: &Author<'_>,
        proposal: &Proposal,
    ) -> rusqlite::Result<Result<Published, RequestError>> {
        let member = match author.id {
            Some(id) => ledger.member(author.room, id),
            None => Some(author.member),
        };
        let Some(member) = member.cloned() else {
            return Ok(Err(RequestError::not_in_room()));
        };
        let number = ledger.rooms[author.room].number;
        let keyed = Keyed::of(author.room, &member, proposal);
        if let Some(keyed) = &keyed
            && let Some(known) = self.known(db, number, room, &member, keyed)?
        {
            return Ok(known);
        }
        if let Proposal::Change(ProposedChange {
            of,
            change: MessageChange::Reacted(asked),
            ..
        }) = proposal
        {
            return self.react(db, ledger, author.room, *of, asked);
        }
        let decided = match proposal {
            Proposal::Change(proposed) => judge(db, number, &member, proposed)?,
            Proposal::Message { reply_to, .. } => check_reply(db, number, *reply_to)?,
        };
        if let Some(decided) = decided {
            return Ok(decided);
        }
        let id = author.id.unwrap_or(MemberId::UNKNOWN);
        let content = proposal.clone().into_content();
        let published = match self.next(db, ledger, (author.room, id), member, content)? {
            Ok(published) => published,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Proposal::Change(ProposedChange { of, change, .. }) = proposal {
            self.change(db, ledger, author.room, (*of, change), published)?;
        }
        if let Some(keyed) = keyed {
            self.keys.insert(keyed.key, (published, keyed.text));
        }
        Ok(Ok(published))
    }

    /// Appends what changes of the reactions to the message `of`.
    fn react(
        &mut self,
        db: &Connection,
        ledger: &mut Ledger,
        index: usize,
        of: u64,
        asked: &Reaction,
    ) -> rusqlite::Result<Result<Published, RequestError>> {
        let number = ledger.rooms[index].number;
        let stored = messages::find(db, number, of)?;
        let Some(stored) = stored.filter(|stored| stored.text.is_some()) else {
            return Ok(Err(RequestError::not_found()));
        };
        let (member, reaction) = match reactions::judge(db, number, of, asked)? {
            Err(refusal) => return Ok(Err(refusal)),
            Ok(Some(effect)) => effect,
            Ok(None) => {
                let newest = reactions::newest(db, number, of, &asked.emoji)?;
                let (id, at_ms) = newest.unwrap_or((of, stored.at_ms));
                return Ok(Ok(Published {
                    id,
                    at_ms,
                    duplicate: true,
                }));
            }
        };
        let content = Content::Changed {
            of,
            change: MessageChange::Reacted(reaction.clone()),
        };
        let place = (index, MemberId::UNKNOWN);
        let published = self.next(db, ledger, place, member, content)?;
        if let Ok(published) = &published {
            reactions::write(db, number, of, &reaction, published.id)?;
        }
        Ok(published)
    }

    /// Writes the newest state of the message `of`.
    fn change(
        &mut self,
        db: &Connection,
        ledger: &mut Ledger,
        index: usize,
        (of, change): (u64, &MessageChange),
        published: Published,
    ) -> rusqlite::Result<()> {
        let room = &mut ledger.rooms[index];
        let key = schema::key(room.number, of);
        let before = messages::find(db, room.number, of)?.and_then(|stored| stored.text);
        let before = before.filter(|_| change.is_about_text());
        let bytes = |text: Option<&str>| text.map_or(0, |text| text.len() as u64);
        room.bytes = room
            .bytes
            .saturating_sub_unsigned(bytes(before.as_deref()))
            .saturating_add_unsigned(bytes(change.text()));
        messages::change(db, room.number, of, change, published.id, published.at_ms)?;
        if !change.is_about_text() {
            return Ok(());
        }
        // A message of this transaction is not in the index yet.
        self.searchable.retain(|(found, _)| *found != key);
        search::delete(db, key)?;
        if *change == MessageChange::Deleted {
            reactions::delete(db, key)?;
        }
        if let MessageChange::Edited { text, .. } = change {
            self.searchable.push((key, Arc::clone(text)));
        }
        // Any text counts as a retry from now on.
        for (published, text) in self.keys.values_mut() {
            if published.id == of {
                text.clear();
            }
        }
        Ok(())
    }

    /// What became of what the user has sent under the same key before.
    fn known(
        &self,
        db: &Connection,
        number: i64,
        room: &Room,
        member: &Member,
        keyed: &Keyed,
    ) -> rusqlite::Result<Option<Result<Published, RequestError>>> {
        if let Some((published, before)) = self.keys.get(&keyed.key) {
            let is_same = before.is_empty() || *before == keyed.text;
            return Ok(Some(as_duplicate(*published, is_same)));
        }
        let (_, _, client_id) = &keyed.key;
        let in_memory = room
            .changes()
            .publication(member, Some(client_id), &keyed.text);
        if in_memory.is_some() {
            return Ok(in_memory);
        }
        let older = messages::sent_as(db, number, &member.user_id, client_id)?;
        Ok(older.map(|sent| {
            let published = Published {
                id: sent.id,
                at_ms: sent.at_ms,
                duplicate: true,
            };
            as_duplicate(
                published,
                sent.text.is_none_or(|before| before == keyed.text),
            )
        }))
    }
}

/// Refuses a message that answers none of the room's.
fn check_reply(
    db: &Connection,
    number: i64,
    reply_to: Option<u64>,
) -> rusqlite::Result<Option<Result<Published, RequestError>>> {
    let Some(id) = reply_to else {
        return Ok(None);
    };
    let stored = messages::find(db, number, id)?;
    let is_there = stored.is_some_and(|stored| stored.text.is_some());
    Ok((!is_there).then(|| Err(RequestError::not_found())))
}

/// What becomes of a change, unless it is to be appended.
fn judge(
    db: &Connection,
    number: i64,
    author: &Member,
    proposed: &ProposedChange,
) -> rusqlite::Result<Option<Result<Published, RequestError>>> {
    let Some(stored) = messages::find(db, number, proposed.of)? else {
        return Ok(Some(Err(RequestError::not_found())));
    };
    if stored.text.is_none() {
        let earlier = messages::deletion(db, number, proposed.of)?;
        let is_again = proposed.change == MessageChange::Deleted;
        let earlier = earlier.filter(|(_, _, user_id)| is_again && **user_id == *author.user_id);
        return Ok(Some(match earlier {
            Some((id, at_ms, _)) => Ok(Published {
                id,
                at_ms,
                duplicate: true,
            }),
            None => Err(RequestError::not_found()),
        }));
    }
    let original = Original {
        user_id: &stored.user_id,
        at_ms: stored.at_ms,
    };
    let refused = original.check(&author.user_id, proposed, clock::unix_ms());
    Ok(refused.err().map(Err))
}

/// What becomes of something whose key is known, by whether it has the same text.
fn as_duplicate(published: Published, is_same: bool) -> Result<Published, RequestError> {
    let duplicate = Published {
        duplicate: true,
        ..published
    };
    is_same
        .then_some(duplicate)
        .ok_or_else(RequestError::conflict)
}
