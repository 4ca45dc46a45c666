//! Histories written by hand, event by event: two people who join a room, say two things each and
//! receive all of it; and functions that change such a history.

use std::collections::BTreeMap;

use super::history::{Event, History, Position, Record, Word};

/// The only room.
pub const ROOM: usize = 0;

/// A position.
pub fn at(epoch: &str, id: u64) -> Position {
    let epoch = epoch.to_owned();
    Position { epoch, id }
}

/// A join that asks for nothing.
pub fn joined(epoch: &str, id: u64) -> Event {
    Event::Joined {
        room: ROOM,
        at: at(epoch, id),
        after: None,
        recovered: None,
        history: None,
    }
}

/// A join that asks to resume after a position, with the room being somewhere now.
pub fn resumed(after: Position, now: Position, recovered: bool) -> Event {
    Event::Joined {
        room: ROOM,
        at: now,
        after: Some(after),
        recovered: Some(recovered),
        history: None,
    }
}

/// A message that came.
pub fn told(id: u64, sender: usize, number: u64) -> Event {
    let word = Word { sender, number };
    Event::Received {
        room: ROOM,
        id,
        word,
    }
}

/// A notice that came.
pub fn noticed(id: u64) -> Event {
    Event::Noticed { room: ROOM, id }
}

/// A gap that was received.
pub fn gap(from: u64, to: u64) -> Event {
    Event::Gap {
        room: ROOM,
        from,
        to,
        epoch: None,
    }
}

/// A log was lost: a gap up to the start of the next, `f`, and the notices that stand there.
pub fn goes_on(from: u64, to: u64, notices: &[u64]) -> Vec<Event> {
    let epoch = Some("f".to_owned());
    let gap = Event::Gap {
        room: ROOM,
        from,
        to,
        epoch,
    };
    let notices = notices.iter().map(|id| noticed(*id));
    [gap].into_iter().chain(notices).collect()
}

/// A message that was written.
pub fn sent(number: u64) -> Event {
    Event::Sent { room: ROOM, number }
}

/// An answer that says yes.
pub fn acknowledged(number: u64, id: u64) -> Event {
    Event::Acknowledged {
        room: ROOM,
        number,
        id,
    }
}

/// Somebody's history, put together.
pub fn history(name: &str, parts: &[&[Event]]) -> History {
    History {
        name: name.to_owned(),
        events: parts.concat(),
    }
}

/// What stands in the room behind the joins.
pub fn talk() -> [Event; 4] {
    [told(4, 0, 1), told(5, 1, 1), told(6, 0, 2), told(7, 1, 2)]
}

/// Two people who join, say two things each, and receive all of it.
pub fn clean() -> Record {
    let joins = [noticed(1), noticed(2), noticed(3)];
    let observer = history("observer", &[&[joined("e", 0)], &joins, &talk()]);
    let says = [sent(1), sent(2)];
    let first = [acknowledged(1, 4), acknowledged(2, 6)];
    let second = [acknowledged(1, 5), acknowledged(2, 7)];
    Record {
        observers: vec![observer],
        persons: vec![
            history(
                "p0",
                &[&[joined("e", 1)], &joins[1..], &says, &talk(), &first],
            ),
            history(
                "p1",
                &[&[joined("e", 2)], &joins[2..], &says, &talk(), &second],
            ),
        ],
        kept: 1000,
        logs: 2,
        outages: false,
        ends: BTreeMap::from([(ROOM, at("e", 7))]),
    }
}

/// Puts something else, or nothing, in place of an event, for one of them.
pub fn replace(history: &mut History, event: &Event, by: &[Event]) {
    let place = history.events.iter().position(|e| e == event);
    let place = place.expect("the event is there");
    history.events.splice(place..=place, by.iter().cloned());
}

/// The same, for all who have it.
pub fn replace_everywhere(record: &mut Record, event: &Event, by: &[Event]) {
    for history in record.observers.iter_mut().chain(&mut record.persons) {
        if history.events.contains(event) {
            replace(history, event, by);
        }
    }
}

/// Person 1 loses its connection behind id 5 and sees this instead of the rest.
pub fn away_after_5(record: &mut Record, instead: &[Event]) {
    let person = &mut record.persons[1];
    replace(person, &told(6, 0, 2), &[]);
    replace(person, &told(7, 1, 2), &[]);
    person.events.push(Event::Lost);
    person.events.extend_from_slice(instead);
}
