//! Entries of ours are read, and nothing else is.

use proptest::prelude::*;

use super::*;

fn raw(fields: &[(&str, &str)]) -> Raw {
    let pairs = fields.iter().flat_map(|(name, value)| [*name, *value]);
    let fields = pairs.map(|part| part.as_bytes().to_vec()).collect();
    ("1-0".to_owned(), fields)
}

const MESSAGE: [(&str, &str); 10] = [
    ("e", "e1"),
    ("i", "7"),
    ("k", "message"),
    ("u", "u1"),
    ("n", "Ada"),
    ("m", "1-2-3"),
    ("t", "Hello"),
    ("ts", "1768555800120"),
    ("c", "k1"),
    ("p", "5"),
];

#[test]
fn an_entry_of_ours_is_read() {
    let received = parse_log(&raw(&MESSAGE)).unwrap_or_else(|reason| panic!("{reason}"));
    assert_eq!((received.id, &*received.epoch), (7, "e1"));
    assert_eq!(received.previous, Some(5));
    assert!(matches!(received.content, Content::Message { text, .. } if &*text == "Hello"));
}

#[test]
fn an_entry_with_any_field_missing_or_wrong_is_not() {
    let reasons = [
        ("e", "", "epoch"),
        ("i", "0", "id"),
        ("i", "-1", "id"),
        ("i", "9007199254740992", "id"),
        ("i", "18446744073709551615", "id"),
        ("k", "shout", "kind"),
        ("u", "a\nb", "user"),
        ("n", "", "name"),
        ("m", "1-2", "membership"),
        ("t", "", "text"),
        ("ts", "99999999999999999999", "time"),
        ("c", "", "client_id"),
        ("p", "-1", "previous"),
        ("p", "9007199254740992", "previous"),
    ];
    for (field, wrong, reason) in reasons {
        let fields = MESSAGE.map(|(n, v)| (n, if n == field { wrong } else { v }));
        assert_eq!(
            parse_log(&raw(&fields)).err(),
            Some(EntryError(reason)),
            "{field}"
        );
    }
    for left_out in 0..MESSAGE.len() - 2 {
        let mut fields = MESSAGE.to_vec();
        fields.remove(left_out);
        assert!(parse_log(&raw(&fields)).is_err(), "{left_out}");
    }
}

const EDIT: [(&str, &str); 15] = [
    ("e", "e1"),
    ("i", "9"),
    ("k", "edited"),
    ("u", "u1"),
    ("n", "Ada"),
    ("m", "1-2-3"),
    ("t", "Hello!"),
    ("ts", "1768555800120"),
    ("o", "7"),
    ("ou", "u1"),
    ("on", "Adah"),
    ("ots", "1768555800000"),
    ("op", "5"),
    ("od", "u1 k1"),
    ("oc", "k1"),
];

#[test]
fn a_change_is_read_with_the_message_it_has_replaced() {
    let entry = raw(&EDIT);
    let change = parse_log(&entry).unwrap_or_else(|reason| panic!("{reason}"));
    assert!(matches!(&change.content, Content::Changed { of: 7, .. }));
    let original = parse_original(&entry, &change).unwrap_or_else(|| panic!("no message"));
    assert_eq!((original.id, original.previous), (7, Some(5)));
    assert_eq!(original.member.username.as_str(), "Adah");
    let Content::Message {
        text, edited_ms, ..
    } = &original.content
    else {
        panic!("{original:?}");
    };
    assert_eq!((&**text, *edited_ms), ("Hello!", Some(change.at_ms)));
}

#[test]
fn a_reaction_is_read_with_who_has_reacted_and_nothing_else_is_one() {
    let reaction = [
        ("e", "e1"),
        ("i", "9"),
        ("k", "reacted"),
        ("u", "u2"),
        ("n", "Ada"),
        ("m", "0-0-0"),
        ("t", "👍"),
        ("ts", "1768555800120"),
        ("o", "7"),
        ("q", "3"),
        ("rs", "+u1\n-u3\n+u2"),
    ];
    let record = parse_log(&raw(&reaction)).unwrap_or_else(|reason| panic!("{reason}"));
    let Content::Changed { of: 7, change } = &record.content else {
        panic!("{record:?}");
    };
    let read = change.reaction().unwrap_or_else(|| panic!("{change:?}"));
    let reactors = read.reactors.iter();
    let reactors: Vec<_> = reactors.map(|r| (&*r.member.user_id, r.on)).collect();
    assert_eq!(reactors, [("u1", true), ("u3", false), ("u2", true)]);
    assert_eq!((read.emoji.as_str(), read.count, read.on), ("👍", 3, true));
    assert!(parse_original(&raw(&reaction), &record).is_none());
    for (field, wrong, reason) in [
        ("o", "9", "message"),
        ("t", "x", "emoji"),
        ("q", "-1", "count"),
        ("rs", "u1", "reactors"),
        ("rs", "+", "reactors"),
    ] {
        let fields = reaction.map(|(n, v)| (n, if n == field { wrong } else { v }));
        let error = parse_log(&raw(&fields)).err();
        assert_eq!(error, Some(EntryError(reason)), "{field}");
    }
}

#[test]
fn a_change_without_a_message_before_it_is_none_and_one_without_its_state_restores_none() {
    for (field, wrong, reason) in [
        ("o", "9", "message"),
        ("o", "x", "message"),
        ("t", "", "text"),
    ] {
        let fields = EDIT.map(|(n, v)| (n, if n == field { wrong } else { v }));
        assert_eq!(
            parse_log(&raw(&fields)).err(),
            Some(EntryError(reason)),
            "{field}"
        );
    }
    for (field, wrong) in [
        ("ou", ""),
        ("on", ""),
        ("ots", "x"),
        ("op", "7"),
        ("oc", ""),
    ] {
        let fields = EDIT.map(|(n, v)| (n, if n == field { wrong } else { v }));
        let entry = raw(&fields);
        let change = parse_log(&entry).unwrap_or_else(|reason| panic!("{reason}"));
        assert!(parse_original(&entry, &change).is_none(), "{field}");
    }
}

proptest! {
    #[test]
    fn nothing_that_is_read_panics(fields in prop::collection::vec(any::<Vec<u8>>(), 0..12)) {
        let raw = ("1-0".to_owned(), fields);
        prop_assert!(parse_log(&raw).is_err());
        prop_assert!(parse_state(&raw).is_err());
    }

    #[test]
    fn no_record_panics(record in ".{0,200}") {
        // It may well be one by chance; all that matters is that it is looked at safely.
        if let Some((room, member)) = parse_record(&record) {
            prop_assert!(!room.as_str().is_empty() && !member.username.as_str().is_empty());
        }
    }
}
