//! The checker: from recorded histories to a list of broken promises. Pure, so that each kind of
//! violation can be shown to be found with a history written by hand (`checker_tests.rs`).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::history::{Event, History, Position, Record, RoomIndex, Word};
use super::merged_log::{Book, Books, LogKey, placed};
use super::violation::{Findings, Kind, Violation};

/// Of a run of missing ids, at most this many are named one by one.
const NAMED_MAX: usize = 100;

/// Everything that is wrong with a run.
pub fn check(record: &Record) -> Vec<Violation> {
    let mut findings = Findings::default();
    let books = Books::of(record, &mut findings);
    books.check_contents(record, &mut findings);
    books.check_acknowledgements(record, &mut findings);
    for person in &record.persons {
        Walk::new(record, &books, person, &mut findings).walk();
    }
    findings.0
}

/// A resume that was refused, until the `gap` that must follow it.
struct Unrecovered {
    after: Position,
    at: Position,
}

/// One person's history, walked from its start to its end.
struct Walk<'a> {
    record: &'a Record,
    books: &'a Books,
    person: &'a History,
    findings: &'a mut Findings,
    /// The last id of each room that the person received, or that a gap covered.
    positions: BTreeMap<RoomIndex, Position>,
    /// Where the log stood at the join: what comes after it is live, notices included.
    live_after: u64,
    unrecovered: Option<Unrecovered>,
    /// Skipped so far. One that still comes was out of order; the others are lost.
    missing: BTreeMap<(LogKey, u64), String>,
    got: BTreeSet<(LogKey, u64)>,
    /// Sent, and not yet answered.
    unanswered: BTreeSet<u64>,
}

impl<'a> Walk<'a> {
    fn new(
        record: &'a Record,
        books: &'a Books,
        person: &'a History,
        findings: &'a mut Findings,
    ) -> Self {
        Self {
            record,
            books,
            person,
            findings,
            positions: BTreeMap::new(),
            live_after: 0,
            unrecovered: None,
            missing: BTreeMap::new(),
            got: BTreeSet::new(),
            unanswered: BTreeSet::new(),
        }
    }

    fn add(&mut self, kind: Kind, evidence: &str) {
        let evidence = format!("{}: {evidence}", self.person.name);
        self.findings.add(kind, evidence);
    }

    fn walk(mut self) {
        for (key, event) in placed(self.person) {
            self.step(key, event);
        }
        for ((key, id), what) in std::mem::take(&mut self.missing) {
            self.add(Kind::Lost, &format!("{id} of {key:?} ({what})"));
        }
        for number in std::mem::take(&mut self.unanswered) {
            self.add(Kind::NeverAnswered, &format!("#{number}"));
        }
        for (room, end) in &self.record.ends {
            if let Some(position) = self.positions.get(room).cloned()
                && !Books::reached(end, &position)
            {
                let short = format!("room {room} ends at {end:?}, got to {position:?}");
                self.add(Kind::EndNotReached, &short);
            }
        }
    }

    fn step(&mut self, key: Option<LogKey>, event: &Event) {
        match event {
            Event::Sent { number, .. } => drop(self.unanswered.insert(*number)),
            Event::Acknowledged { number, .. } | Event::Refused { number, .. } => {
                self.unanswered.remove(number);
            }
            Event::Postponed { .. } => {}
            Event::Unexpected(what) => self.add(Kind::Unexpected, what),
            // Cut off before the gap could be sent: the refusal to recover was received.
            Event::Lost => self.unrecovered = None,
            Event::Joined { .. } => {
                if let Some(key) = key {
                    self.joined(&key, event);
                }
            }
            Event::Received { room, id, .. } | Event::Noticed { room, id } => match key {
                Some(key) if key.0 == *room => self.told(&key, *id, event),
                _ => self.add(Kind::Unexpected, &format!("{event:?} while in {key:?}")),
            },
            Event::Gap { room, from, to, .. } => match key {
                Some(key) if key.0 == *room => self.gap(&key, *from, *to),
                _ => self.add(Kind::Unexpected, &format!("{event:?} while in {key:?}")),
            },
        }
    }

    fn joined(&mut self, key: &LogKey, event: &Event) {
        let Event::Joined {
            at,
            after,
            recovered,
            history,
            ..
        } = event
        else {
            return;
        };
        self.must_have_been_announced(event);
        let mut position = at.clone();
        match (after, recovered) {
            (None, None) => {}
            (Some(after), Some(recovered)) => {
                self.asked_for_what_it_has(key, after);
                if *recovered {
                    position = after.clone();
                    if after.epoch != at.epoch || after.id > at.id {
                        let wrong = format!("recovered from what never was: {event:?}");
                        self.add(Kind::GapNotAnnounced, &wrong);
                    }
                } else {
                    self.not_recovered(after, at);
                }
            }
            _ => self.add(Kind::GapNotAnnounced, &format!("asked and told: {event:?}")),
        }
        self.live_after = at.id;
        self.positions.insert(key.0, position);
        if let Some(history) = history {
            self.check_history(key, at.id, history);
        }
    }

    /// A simulated person that asks from too late would hide a loss.
    fn asked_for_what_it_has(&mut self, key: &LogKey, after: &Position) {
        if let Some(position) = self.positions.get(&key.0).cloned()
            && position != *after
        {
            let wrong = format!("asked to resume after {after:?}, but has {position:?}");
            self.add(Kind::Unexpected, &wrong);
        }
    }

    fn not_recovered(&mut self, after: &Position, at: &Position) {
        // Where joining takes its time, the log goes on between the position and the answer: how far,
        // nobody here can know, but after an outage everybody says at once what they still owe.
        let kept = self.record.kept / if self.record.outages { 2 } else { 1 };
        if kept > 0 && after.epoch == at.epoch && at.id.saturating_sub(after.id) <= kept {
            let needless = format!("not recovered after {after:?} at {at:?}; {kept} are kept");
            self.add(Kind::GapWithoutNeed, &needless);
        }
        self.unrecovered = Some(Unrecovered {
            after: after.clone(),
            at: at.clone(),
        });
    }

    fn must_have_been_announced(&mut self, event: &Event) {
        if let Some(Unrecovered { after, at }) = self.unrecovered.take() {
            let wrong = format!("not recovered after {after:?} at {at:?}, no gap, then {event:?}");
            self.add(Kind::GapNotAnnounced, &wrong);
        }
    }

    /// The newest messages, all that stand between the first of them and the join.
    fn check_history(&mut self, key: &LogKey, joined_at: u64, history: &[(u64, Word)]) {
        if !history.is_sorted_by(|a, b| a.0 < b.0) {
            self.add(
                Kind::OutOfOrder,
                &format!("history of {key:?}: {history:?}"),
            );
        }
        let (Some(book), Some((first, _))) = (self.books.get(key), history.first()) else {
            return;
        };
        let shown: HashMap<u64, Word> = history.iter().copied().collect();
        let left_out: Vec<_> = book
            .messages(first - 1, joined_at + 1)
            .filter(|(id, _)| !shown.contains_key(id))
            .collect();
        for (id, word) in left_out {
            let hole = format!("{id} ({word}) is not in the history of {key:?} at {joined_at}");
            self.add(Kind::Lost, &hole);
        }
    }

    /// An entry came. What stands between it and the position should have come before it.
    fn told(&mut self, key: &LogKey, id: u64, event: &Event) {
        self.must_have_been_announced(event);
        let here = (key.clone(), id);
        let position = self.position(key);
        if id <= position {
            let late = format!("{event:?} of {key:?} after {position}");
            let known = self.got.contains(&here);
            let kind = if known {
                Kind::ReceivedTwice
            } else {
                Kind::OutOfOrder
            };
            self.add(kind, &late);
            self.missing.remove(&here);
        } else {
            self.skip(key, position, id);
            self.set_position(key, id);
        }
        self.got.insert(here);
    }

    fn gap(&mut self, key: &LogKey, from: u64, to: u64) {
        if let Some(Unrecovered { after, at }) = self.unrecovered.take() {
            let starts = after.epoch != at.epoch || after.id > at.id || from <= after.id + 1;
            if !starts || to != at.id {
                let wrong = format!("{from} to {to} of {key:?}; had {after:?}, is at {at:?}");
                self.add(Kind::GapNotAnnounced, &wrong);
            }
            return;
        }
        if let Some(before) = self.positions.get(&key.0).cloned()
            && before.epoch != key.1
        {
            self.another_log(key, &before, from, to);
            return;
        }
        let position = self.position(key);
        self.skip(key, position, from);
        let last = self.books.get(key).map_or(0, Book::last);
        if self.record.kept > 0 && to + self.record.kept > last {
            let needless = format!("{from} to {to} of {key:?}, which ends at {last}");
            self.add(Kind::GapWithoutNeed, &needless);
        }
        self.set_position(key, to.max(position));
    }

    /// The log was lost, and a gap says where the next one goes on.
    fn another_log(&mut self, key: &LogKey, before: &Position, from: u64, to: u64) {
        self.skip(&(key.0, before.epoch.clone()), before.id, from);
        if to <= before.id {
            let back = format!("{key:?} goes on at {to} for somebody who has {before:?}");
            self.add(Kind::OutOfOrder, &back);
        }
        let (last, skipped) = self.books.get(key).map_or((0, 0), |book| {
            (book.last(), book.messages(0, to + 1).count())
        });
        if self.record.kept > 0 && skipped > 0 && to + self.record.kept > last {
            let needless = format!("{skipped} messages up to {to} of {key:?}, which has {last}");
            self.add(Kind::GapWithoutNeed, &needless);
        }
        self.live_after = to;
        self.set_position(key, to);
    }

    /// Everything owed between the position and an id is missing. Notices are owed only live.
    fn skip(&mut self, key: &LogKey, position: u64, id: u64) {
        let Some(book) = self.books.get(key) else {
            return;
        };
        let replayed = book.messages(position, id.min(self.live_after + 1));
        let live = (position.max(self.live_after) + 1..id).take(NAMED_MAX);
        let missing = replayed
            .map(|(id, word)| (id, word.to_string()))
            .chain(live.map(|id| (id, format!("{:?}", book.get(id)))));
        for (id, what) in missing {
            self.missing.insert((key.clone(), id), what);
        }
    }

    fn position(&self, key: &LogKey) -> u64 {
        self.positions.get(&key.0).map_or(0, |position| position.id)
    }

    fn set_position(&mut self, key: &LogKey, id: u64) {
        let epoch = key.1.clone();
        self.positions.insert(key.0, Position { epoch, id });
    }
}
