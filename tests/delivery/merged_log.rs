//! The rooms' logs as the run's histories show them together: what stands under each id.
//!
//! An observer's part is the reference: it must have no holes. Beyond it (a server that was killed
//! may have told somebody else more than the observer) the others' words are put together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;

use super::history::{Event, History, Position, Record, RoomIndex, Word};
use super::violation::{Findings, Kind};

/// One incarnation of a room's log.
pub type LogKey = (RoomIndex, String);

/// What stands under an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A message.
    Message(Word),
    /// A join, leave or rename.
    Notice,
}

/// One log, as seen.
#[derive(Debug, Default)]
pub struct Book {
    entries: BTreeMap<u64, (Entry, String)>,
    /// Up to this id the observer has seen everything.
    pub reference: u64,
    /// The log begins behind this id, where it follows one that was lost.
    start: u64,
}

impl Book {
    /// What stands under an id.
    pub fn get(&self, id: u64) -> Option<Entry> {
        self.entries.get(&id).map(|(entry, _)| *entry)
    }

    /// The highest id that was delivered to anyone.
    pub fn last(&self) -> u64 {
        self.entries.last_key_value().map_or(0, |(id, _)| *id)
    }

    /// The messages with ids above `after` and below `before`.
    pub fn messages(&self, after: u64, before: u64) -> impl Iterator<Item = (u64, Word)> {
        let range = after + 1..before.max(after + 1);
        self.entries
            .range(range)
            .filter_map(|(id, (entry, _))| match entry {
                Entry::Message(word) => Some((*id, *word)),
                Entry::Notice => None,
            })
    }
}

/// All logs of a run.
#[derive(Debug, Default)]
pub struct Books(BTreeMap<LogKey, Book>);

/// Each event of a history with the log it is about, which the last `join_confirm` named.
pub fn placed(history: &History) -> impl Iterator<Item = (Option<LogKey>, &Event)> {
    let mut here: Option<LogKey> = None;
    history.events.iter().map(move |event| {
        match event {
            Event::Joined { room, at, .. } => here = Some((*room, at.epoch.clone())),
            Event::Gap {
                room,
                epoch: Some(epoch),
                ..
            } => here = Some((*room, epoch.clone())),
            Event::Lost => here = None,
            _ => {}
        }
        (here.clone(), event)
    })
}

/// The entries in an event, with their ids.
fn told(event: &Event) -> Vec<(u64, Entry)> {
    match event {
        Event::Received { id, word, .. } => vec![(*id, Entry::Message(*word))],
        Event::Noticed { id, .. } => vec![(*id, Entry::Notice)],
        Event::Joined {
            history: Some(history),
            ..
        } => {
            let entry = |(id, word): &(u64, Word)| (*id, Entry::Message(*word));
            history.iter().map(entry).collect()
        }
        _ => Vec::new(),
    }
}

impl Books {
    /// Puts the histories together. Finds holes in what the observers saw, and ids under which
    /// two people received different entries.
    pub fn of(record: &Record, findings: &mut Findings) -> Self {
        let mut books = Self::default();
        for observer in &record.observers {
            books.check_reference(observer, findings);
        }
        for history in record.observers.iter().chain(&record.persons) {
            for (key, event) in placed(history) {
                if let (Some(key), Event::Gap { to, epoch, .. }) = (&key, event)
                    && epoch.is_some()
                    && let Some(book) = books.0.get_mut(key)
                    && book.start > *to
                {
                    book.start = *to;
                }
                for (id, entry) in told(event) {
                    if let Some(key) = &key {
                        books.note(key, id, entry, &history.name, findings);
                    }
                }
            }
        }
        books.check_logs(record, findings);
        books
    }

    /// A log that is kept goes on, whatever happens to the servers.
    fn check_logs(&self, record: &Record, findings: &mut Findings) {
        for room in self
            .0
            .keys()
            .map(|(room, _)| *room)
            .collect::<BTreeSet<_>>()
        {
            let logs: Vec<_> = self.0.keys().filter(|key| key.0 == room).collect();
            if record.logs > 0 && logs.len() > record.logs {
                let many = format!("{logs:?}, of at most {}", record.logs);
                findings.add(Kind::GapWithoutNeed, many);
            }
        }
    }

    /// The log of that incarnation of a room.
    pub fn get(&self, key: &LogKey) -> Option<&Book> {
        self.0.get(key)
    }

    fn check_reference(&mut self, observer: &History, findings: &mut Findings) {
        let mut before: Option<LogKey> = None;
        // What a resume replays has no notices, so ids are missing that were theirs.
        let mut replayed_until = 0;
        for (key, event) in placed(observer) {
            let Some(key) = key else { continue };
            let lost = before.replace(key.clone()).filter(|before| *before != key);
            let lost = lost.map_or(0, |lost| self.0.entry(lost).or_default().reference);
            let book = self.0.entry(key).or_default();
            let next = match event {
                Event::Received { id, .. } if *id <= replayed_until => {
                    book.reference.max(*id - 1) + 1
                }
                _ => book.reference.max(replayed_until) + 1,
            };
            let who = &observer.name;
            match event {
                Event::Joined {
                    at,
                    recovered: Some(true),
                    ..
                } => replayed_until = at.id,
                Event::Joined { at, .. } if at.id > book.reference => {
                    let missed = format!("{who} joined at {at:?} and had {}", book.reference);
                    findings.add(Kind::Hole, missed);
                    book.reference = at.id;
                }
                Event::Received { id, .. } | Event::Noticed { id, .. } if *id >= next => {
                    if *id > next {
                        let hole = format!("{who} was told {id} where {next} was next: {event:?}");
                        findings.add(Kind::Hole, hole);
                    }
                    book.reference = *id;
                }
                Event::Received { .. } | Event::Noticed { .. } => {
                    let back = format!("{who} was told {event:?} where {next} was next");
                    findings.add(Kind::OutOfOrder, back);
                }
                Event::Gap { from, to, .. } if lost > 0 && *from == lost + 1 => {
                    (book.start, book.reference) = (*to, *to);
                }
                Event::Gap { .. } => {
                    findings.add(Kind::Hole, format!("{who} was told of a gap: {event:?}"));
                }
                Event::Unexpected(_) => {
                    findings.add(Kind::Unexpected, format!("{who}: {event:?}"));
                }
                _ => {}
            }
        }
    }

    fn note(&mut self, key: &LogKey, id: u64, entry: Entry, who: &str, findings: &mut Findings) {
        let book = self.0.entry(key.clone()).or_default();
        match book.entries.get(&id) {
            None => {
                book.entries.insert(id, (entry, who.to_owned()));
            }
            Some((known, _)) if *known == entry => {}
            Some((known, by)) => findings.add(
                Kind::TwoOrders,
                format!("{key:?} id {id}: {known:?} to {by}, {entry:?} to {who}"),
            ),
        }
    }

    /// Checks what stands in the logs against what was sent: nothing twice while the log
    /// remembers it, everybody's in their own order, nothing made up, nothing that was refused.
    pub fn check_contents(&self, record: &Record, findings: &mut Findings) {
        let sent = Sent::of(record);
        for (key, book) in &self.0 {
            let mut first: HashMap<Word, u64> = HashMap::new();
            let mut newest: HashMap<usize, (u64, u64)> = HashMap::new();
            for (id, word) in book.messages(0, u64::MAX) {
                sent.check(key, id, word, findings);
                if let Some(before) = first.get(&word) {
                    if id - before <= record.kept {
                        let twice = format!("{word} stands in {key:?} as {before} and {id}");
                        findings.add(Kind::PublishedTwice, twice);
                    }
                    continue;
                }
                first.insert(word, id);
                let newest = newest.entry(word.sender).or_insert((word.number, id));
                if word.number < newest.0 && !was_overtaken(record, word, newest.0) {
                    let order = format!("{word} is {id} in {key:?}, #{} is {}", newest.0, newest.1);
                    let fate = fate(record, word.sender, &[word.number, newest.0]);
                    findings.add(Kind::SenderOrder, format!("{order}; {fate}"));
                }
                *newest = (*newest).max((word.number, id));
            }
        }
    }

    /// Every acknowledged message stands where its acknowledgement says. What a killed server
    /// acknowledged and delivered to no one is gone with it.
    pub fn check_acknowledgements(&self, record: &Record, findings: &mut Findings) {
        for (sender, history) in record.persons.iter().enumerate() {
            for (key, event) in placed(history) {
                let (Some(key), Event::Acknowledged { number, id, .. }) = (key, event) else {
                    continue;
                };
                let number = *number;
                let word = Word { sender, number };
                let key = self.log_with(key, *id);
                let known = self.get(&key);
                let is_final = record
                    .ends
                    .get(&key.0)
                    .is_some_and(|end| end.epoch == key.1);
                let gone = !is_final && known.is_none_or(|book| *id > book.reference);
                match known.and_then(|book| book.get(*id)) {
                    Some(Entry::Message(there)) if there == word => {}
                    None if gone => {}
                    there => findings.add(
                        Kind::AcknowledgedNotPublished,
                        format!("{word} was acknowledged as {id} of {key:?}; there: {there:?}"),
                    ),
                }
            }
        }
    }

    /// The log of the same room that an id is of: an answer may come before the news that the log
    /// was lost, or after them. Ids of a log that follows a lost one are above all earlier ones.
    fn log_with(&self, key: LogKey, id: u64) -> LogKey {
        let of_room = || self.0.iter().filter(|(other, _)| other.0 == key.0);
        if of_room().all(|(_, book)| book.start == 0) {
            return key;
        }
        let begun = of_room().filter(|(_, book)| book.start < id);
        let newest = begun.max_by_key(|(_, book)| book.start);
        newest.map_or(key.clone(), |(found, _)| found.clone())
    }

    /// Whether a position has reached the end of a room.
    pub fn reached(end: &Position, position: &Position) -> bool {
        position.epoch == end.epoch && position.id >= end.id
    }
}

/// Whether a message may stand behind a later one of its sender: it was sent again after that one
/// was sent, because it had been refused for the moment, or because no answer arrived.
fn was_overtaken(record: &Record, word: Word, later: u64) -> bool {
    let person = record.persons.get(word.sender);
    let events = person.iter().flat_map(|person| &person.events);
    let (mut times, mut is_later_sent) = (0, false);
    for event in events {
        match event {
            Event::Sent { number, .. } if *number == later => is_later_sent = true,
            Event::Sent { number, .. } if *number == word.number => {
                times += 1;
                if record.outages && times > 1 && is_later_sent {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

/// What happened to some of a sender's messages, with the number of the connection.
fn fate(record: &Record, sender: usize, numbers: &[u64]) -> String {
    let (mut connection, mut fate) = (1, String::new());
    let person = record.persons.get(sender);
    for event in person.iter().flat_map(|person| &person.events) {
        match event {
            Event::Lost => connection += 1,
            Event::Sent { number, .. }
            | Event::Acknowledged { number, .. }
            | Event::Refused { number, .. }
                if numbers.contains(number) =>
            {
                write!(fate, "{connection}: {event:?} ").expect("strings take everything");
            }
            Event::Received { id, word, .. }
                if word.sender == sender && numbers.contains(&word.number) =>
            {
                write!(fate, "{connection}: told {word} as {id} ")
                    .expect("strings take everything");
            }
            _ => {}
        }
    }
    fate
}

/// What was sent, and what of that was only ever refused.
#[derive(Debug, Default)]
struct Sent {
    times: HashMap<(RoomIndex, Word), u32>,
    refused: BTreeSet<(RoomIndex, Word)>,
}

impl Sent {
    fn of(record: &Record) -> Self {
        let mut sent = Self::default();
        for (sender, history) in record.persons.iter().enumerate() {
            for event in &history.events {
                match *event {
                    Event::Sent { room, number } => {
                        *sent
                            .times
                            .entry((room, Word { sender, number }))
                            .or_default() += 1;
                    }
                    Event::Refused { room, number } => {
                        sent.refused.insert((room, Word { sender, number }));
                    }
                    _ => {}
                }
            }
        }
        sent
    }

    fn check(&self, key: &LogKey, id: u64, word: Word, findings: &mut Findings) {
        let here = (key.0, word);
        match self.times.get(&here) {
            None => findings.add(Kind::NeverSent, format!("{word} is {id} of {key:?}")),
            // Sent once more, another of its attempts may have been accepted.
            Some(1) if self.refused.contains(&here) => findings.add(
                Kind::RefusedButPublished,
                format!("{word} was refused and is {id} of {key:?}"),
            ),
            Some(_) => {}
        }
    }
}
