//! Entries of Redis's streams: whatever stands there, it is refused with a reason or is one that a
//! replica can show, and nothing panics.
//!
//! The input is an entry's fields, names and values in turn, with 0x1F between them; it is read as
//! an entry of a log, a change of state and a member's record. What of a log's entry is missing in
//! it is taken from one of ours, so that each field alone can be tried.
#![no_main]

use std::sync::{Arc, LazyLock};

use hubbub::decisions::Decision;
use hubbub::domain::RoomName;
use hubbub::room::{Applied, Content, LogBounds, Read, Record, Room, RoomSettings, Rooms};
use hubbub::store::redis::entry::{StateEntry, parse_log, parse_record, parse_state};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// Of the longest: what surrounds one of ours has to fit beside it.
const OURS: [(&str, &str); 12] = [
    ("e", "0123456789abcdef0123456789abcdef"),
    ("i", "7"),
    ("k", "message"),
    ("u", "fedcba9876543210fedcba9876543210"),
    ("n", "Ada"),
    ("m", "19bca1-2-3"),
    ("t", "Hello"),
    ("ts", "1768555800120"),
    ("c", "k1"),
    // Of a reaction.
    ("o", "5"),
    ("q", "1"),
    ("rs", "+fedcba9876543210fedcba9876543210"),
];

static ROOM: LazyLock<Arc<Room>> = LazyLock::new(|| {
    let name = RoomName::parse("tech").expect("a room's name");
    let settings = RoomSettings {
        names: vec![name.clone()],
        log: LogBounds {
            messages_max: 10,
            notices_max: 1000,
            ..LogBounds::default()
        },
        node: 1,
        ..RoomSettings::default()
    };
    let rooms = Rooms::new(&settings);
    Arc::clone(rooms.get(&name).expect("the room"))
});

fuzz_target!(|input: &[u8]| {
    let fields: Vec<Vec<u8>> = input.split(|b| *b == 0x1f).map(<[u8]>::to_vec).collect();
    let mut completed = fields.clone();
    if completed.len() % 2 == 1 {
        completed.push(Vec::new());
    }
    for (name, value) in OURS {
        completed.push(name.into());
        completed.push(value.into());
    }
    for fields in [fields, completed] {
        let raw = ("1-0".to_owned(), fields);
        if let Ok(record) = parse_log(&raw) {
            show(&record);
        }
        match parse_state(&raw) {
            Ok(StateEntry::Member(change)) => {
                assert!(RoomName::parse(change.room.as_str()).is_ok());
                assert_eq!(change.id.to_string().parse(), Ok(change.id));
            }
            Ok(StateEntry::Decided { key, decision, .. }) => {
                assert_eq!(key.to_string().parse(), Ok(key));
                if let Some(decision) = decision {
                    assert_eq!(Decision::from_json(&decision.to_json()), Some(decision));
                }
            }
            Err(_) => {}
        }
    }
    if let Some((room, member)) = std::str::from_utf8(input).ok().and_then(parse_record) {
        assert!(RoomName::parse(room.as_str()).is_ok());
        assert!(!member.username.as_str().is_empty() && !member.user_id.is_empty());
    }
});

/// What was read can be a log of its own, and be told.
fn show(record: &Record) {
    assert!(record.id > 0);
    let mut restoring = ROOM.restore(Arc::clone(&record.epoch), record.id, 0);
    assert!(restoring.add(record));
    restoring.finish(None);
    let mut entries = Vec::new();
    assert_eq!(
        ROOM.read_after(record.id - 1, 2, &mut entries),
        Read::Entries { upto: record.id }
    );
    let payload: Value = serde_json::from_str(entries[0].payload.get()).expect("JSON");
    assert_eq!(payload["id"], record.id);
    // What is left of a deleted message names no user.
    if !matches!(record.content, Content::Tombstone { .. }) {
        assert_eq!(payload["user_id"], *record.member.user_id);
    }
    assert_eq!(ROOM.changes().apply(record), Applied::Duplicate);
}
