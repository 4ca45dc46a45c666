//! What a room makes of what a store gives it: in order, once, and honest about what was lost.

use std::sync::Arc;

use super::members::Members;
use super::{
    Applied, Content, Entry, LogBounds, Member, MemberId, MessageChange, Range, Read, Record, Room,
    RoomSettings, Rooms,
};
use crate::domain::{RoomName, Username};

fn room() -> Arc<Room> {
    let name = RoomName::parse("tech").unwrap_or_else(|e| panic!("{e}"));
    let settings = RoomSettings {
        names: vec![name.clone()],
        log: LogBounds {
            messages_max: 100,
            notices_max: 1000,
            ..LogBounds::default()
        },
        node: 1,
        ..RoomSettings::default()
    };
    let rooms = Rooms::new(&settings);
    let room = rooms.get(&name).cloned();
    room.unwrap_or_else(|| panic!("no room"))
}

fn history_of(room: &Room) -> Vec<Arc<Entry>> {
    let page = room.messages_in_memory(Range::before(None, 10));
    page.unwrap_or_else(|asked| panic!("{asked:?}")).entries
}

fn message(epoch: &str, id: u64) -> Record {
    Record {
        epoch: epoch.into(),
        id,
        member: member("ada"),
        member_id: Members::at(2).new_id(0),
        at_ms: 0,
        content: Content::Message {
            text: format!("number {id}").into(),
            client_id: None,
            edited_ms: None,
            reply_to: None,
        },
        previous: None,
    }
}

/// A message that says which one was before it.
fn message_after(id: u64, previous: u64) -> Record {
    Record {
        previous: Some(previous),
        ..message("e1", id)
    }
}

fn notice(id: u64) -> Record {
    Record {
        content: Content::Joined,
        ..message("e1", id)
    }
}

fn member(user_id: &str) -> Member {
    Member {
        user_id: user_id.into(),
        username: Username::anonymous(),
    }
}

/// Restores a log, and returns how many records were left out.
fn restore(room: &Room, epoch: &str, (head, floor): (u64, u64), ids: &[u64]) -> usize {
    let mut restoring = room.restore(epoch.into(), head, floor);
    let records = ids.iter().map(|id| message(epoch, *id));
    let left_out = records.filter(|record| !restoring.add(record)).count();
    restoring.finish(None);
    left_out
}

/// A change to the message `of`: an edit if it has a text.
fn change(id: u64, of: u64, text: Option<&str>, client_id: Option<&str>) -> Record {
    let change = match text {
        Some(text) => MessageChange::Edited {
            text: text.into(),
            client_id: client_id.map(Into::into),
        },
        None => MessageChange::Deleted,
    };
    Record {
        content: Content::Changed { of, change },
        ..message("e1", id)
    }
}

#[test]
fn of_several_changes_to_a_message_a_reader_gets_the_newest_and_history_the_newest_state() {
    let room = room();
    restore(&room, "e1", (3, 0), &[1, 2, 3]);
    let mut changes = room.changes();
    for record in [
        change(4, 1, Some("a"), Some("k1")),
        change(5, 1, Some("b"), None),
        change(6, 2, Some("c"), None),
        change(7, 2, None, None),
        // Of a message that is not here.
        change(8, 100, None, None),
    ] {
        assert_eq!(changes.apply(&record), Applied::Appended);
    }
    // An edit that is sent again does not undo a later one.
    let key = Some(&Arc::from("k1"));
    let known = changes.publication(&member("ada"), key, "any text");
    assert!(known.is_some_and(|known| known.is_ok_and(|known| known.id == 4)));
    drop(changes);
    assert_eq!(read(&room, 0), Ok(vec![1, 3, 5, 7, 8]), "no tombstone");
    assert_eq!(read(&room, 5), Ok(vec![7, 8]));
    let history = history_of(&room);
    let payloads: Vec<_> = history.iter().map(|entry| entry.payload.get()).collect();
    assert!(payloads[0].contains(r#""text":"b""#), "{payloads:?}");
    assert!(payloads[1].contains(r#""deleted":true"#) && !payloads[1].contains("text"));
    assert!(payloads[2].contains("number 3"));
    room.changes().discard_until(1);
    assert_eq!(
        read(&room, 1),
        Ok(vec![3, 7, 8]),
        "a change goes with its message"
    );
}

#[test]
fn a_missing_change_is_no_gap_and_a_missing_message_before_one_is() {
    let room = room();
    let mut restoring = room.restore("e1".into(), 9, 0);
    for record in [
        message_after(2, 0),
        message_after(3, 2),
        change(7, 2, None, None),
    ] {
        assert!(restoring.add(&record));
    }
    restoring.finish(Some(3));
    assert_eq!(read(&room, 3), Ok(vec![7]));
    let mut restoring = room.restore("e1".into(), 9, 0);
    for record in [message_after(2, 0), change(7, 2, None, None)] {
        assert!(restoring.add(&record));
    }
    restoring.finish(Some(3));
    assert_eq!(read(&room, 2), Err((3, 3)));
}

fn read(room: &Room, position: u64) -> Result<Vec<u64>, (u64, u64)> {
    let mut batch = Vec::new();
    match room.read_after(position, 100, &mut batch) {
        Read::Entries { upto } => {
            assert_eq!(upto, position.max(room.head()));
            Ok(batch.iter().map(|entry| entry.id).collect())
        }
        Read::Gap { from, to } => Err((from, to)),
        Read::Archived { upto } => panic!("the archive has what is up to {upto}"),
    }
}

#[test]
fn entries_come_in_once_and_in_order() {
    let room = room();
    assert_eq!(restore(&room, "e1", (0, 0), &[]), 0);
    let mut changes = room.changes();
    let applied = [1, 2, 2, 1, 4, 3].map(|id| changes.apply(&message("e1", id)));
    let (new, old) = (Applied::Appended, Applied::Duplicate);
    let out_of_sequence = Applied::OutOfSequence;
    assert_eq!(applied, [new, new, old, old, out_of_sequence, new]);
    assert_eq!(changes.apply(&message("e2", 4)), out_of_sequence);
    drop(changes);
    assert_eq!(read(&room, 0), Ok(vec![1, 2, 3]));
}

#[test]
fn a_log_read_anew_goes_on_where_readers_were() {
    let room = room();
    restore(&room, "e1", (7, 0), &[5, 6, 7]);
    assert_eq!((room.head(), &*room.epoch()), (7, "e1"));
    assert_eq!(read(&room, 5), Ok(vec![6, 7]));
    // What was trimmed before it was read here is a gap like any other, in the same epoch.
    assert_eq!(read(&room, 2), Err((3, 4)));
    assert_eq!(room.epoch_after(3), None);
    assert_eq!(room.resumable(), 4..=7);
}

#[test]
fn a_lost_log_is_a_gap_with_a_new_epoch_and_keeps_what_survived_as_history() {
    let room = room();
    restore(&room, "e1", (9, 0), &[7, 8, 9]);
    // Redis came back with 7 only, and the ids jumped.
    restore(&room, "e2", (1001, 1000), &[7, 1001]);
    assert_eq!(read(&room, 9), Err((10, 1000)));
    assert_eq!(room.epoch_after(10).as_deref(), Some("e2"));
    assert_eq!(read(&room, 1000), Ok(vec![1001]));
    assert_eq!(room.resumable(), 1000..=1001);
    let history: Vec<_> = history_of(&room);
    assert_eq!(history.iter().map(|e| e.id).collect::<Vec<_>>(), [7, 1001]);
    let applied = room.changes().apply(&message("e2", 1002));
    assert_eq!(applied, Applied::Appended);
}

#[test]
fn entries_that_cannot_be_of_the_log_are_left_out() {
    let room = room();
    assert_eq!(restore(&room, "e1", (5, 0), &[3, 3, 2, 4, 6, 0]), 4);
    // The head is not there.
    assert_eq!(read(&room, 2), Err((3, 5)));
}

#[test]
fn a_log_with_a_hole_is_told_of_as_a_gap_and_keeps_what_is_before_as_history() {
    let room = room();
    restore(&room, "e1", (9, 0), &[3, 4, 7, 8, 9]);
    assert_eq!(read(&room, 4), Err((5, 6)));
    assert_eq!(read(&room, 2), Err((3, 6)));
    assert_eq!(read(&room, 6), Ok(vec![7, 8, 9]));
    assert_eq!(room.resumable(), 6..=9);
    let history: Vec<_> = history_of(&room);
    assert_eq!(history.len(), 5);
}

/// Notices that are gone leave holes in the ids, which are no gaps; messages that are gone are.
#[test]
fn holes_that_notices_left_are_no_gaps_and_those_of_messages_are() {
    let room = room();
    let restore = |newest_message, records: Vec<Record>| {
        let mut restoring = room.restore("e1".into(), 20, 0);
        assert!(records.iter().all(|record| restoring.add(record)));
        restoring.finish(newest_message);
    };
    // 1 and 2 were trimmed; 4 to 6, 8, 9 and 11 to 20 were notices, of which three are left.
    let kept = || {
        vec![
            message_after(3, 2),
            message_after(7, 3),
            notice(9),
            message_after(10, 7),
        ]
    };
    let mut whole = kept();
    whole.extend([notice(19), notice(20)]);
    restore(Some(10), whole.clone());
    assert_eq!(read(&room, 2), Ok(vec![3, 7, 9, 10, 19, 20]));
    assert_eq!(read(&room, 5), Ok(vec![7, 9, 10, 19, 20]));
    assert_eq!(read(&room, 1), Err((2, 2)));
    assert_eq!(room.resumable(), 2..=20);
    // The newest notice is gone as well: nothing is missing.
    restore(Some(10), kept());
    assert_eq!(read(&room, 10), Ok(vec![]));
    assert_eq!(room.resumable(), 2..=20);
    // A message is missing in the middle, and at the end.
    whole.remove(1);
    restore(Some(10), whole);
    assert_eq!(
        (read(&room, 3), read(&room, 7)),
        (Err((4, 7)), Ok(vec![9, 10, 19, 20]))
    );
    restore(Some(15), kept());
    assert_eq!(
        (read(&room, 10), read(&room, 15)),
        (Err((11, 15)), Ok(vec![]))
    );
    let applied = room.changes().apply(&message_after(21, 15));
    assert_eq!(applied, Applied::Appended);
    assert_eq!(read(&room, 15), Ok(vec![21]));
}

#[test]
fn members_elsewhere_come_go_and_are_called_otherwise() {
    let room = room();
    let id: MemberId = Members::at(2).new_id(3);
    room.changes().set_remote(id, member("ada"));
    room.changes().set_remote(id, member("ada"));
    assert_eq!(room.member_count(), 1);
    let eve = Members::at(3).new_id(0);
    room.changes().replace_remote(vec![(eve, member("eve"))]);
    let users = room.users(None, 9).map(|page| page.users);
    assert!(users.is_some_and(|users| users[0].user_id == "eve"));
    assert!(room.changes().end_membership(id).is_none());
    assert_eq!(room.member_count(), 1);
}
