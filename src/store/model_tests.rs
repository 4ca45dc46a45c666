//! Rooms with a store in memory against a naive model that keeps everything and looks for everything
//! from the start: any order of joining, moving, leaving, renaming, publishing and reading, with
//! several rooms and connections.

mod naive;
mod reading;

use std::sync::Arc;

use futures_util::FutureExt;
use proptest::prelude::*;
use serde_json::{Value, json};

use self::naive::{
    FakeSubscriber, Kept, Model, NAMES, Op, ROOMS, fields, op, settings, text, username,
};
use super::MemoryStore;
use crate::clock;
use crate::domain::{ClientId, RequestErrorCode};
use crate::room::{
    EntryKind, Joined, Member, Membership, Proposal, Publishing, Room, RoomSettings, Rooms, Store,
    Subscriber,
};

/// A user in a room.
struct Person {
    membership: Membership,
    room: usize,
    user: usize,
    name: usize,
    subscriber: Arc<FakeSubscriber>,
    cursor: u64,
}

impl Person {
    fn user_id(&self) -> String {
        format!("u{}", self.user)
    }
}

/// The rooms, those in them, and what the model makes of it.
struct World {
    settings: RoomSettings,
    store: Arc<dyn Store>,
    rooms: Rooms,
    models: [Model; 2],
    people: Vec<Person>,
    /// How far each room's fan-out has come.
    delivered: [u64; 2],
}

impl World {
    fn room(&self, room: usize) -> Arc<Room> {
        let found = self.rooms.get(&self.settings.names[room]).cloned();
        found.unwrap_or_else(|| panic!("no room {room}"))
    }

    fn members(&self, room: usize) -> Vec<&Person> {
        let mut members: Vec<_> = self.people.iter().filter(|p| p.room == room).collect();
        members.sort_by_key(|person| person.membership.id());
        members
    }

    fn announces(&self, members: usize) -> bool {
        self.settings.notice_limit == 0 || members as u64 <= self.settings.notice_limit
    }

    fn chosen(&self, who: usize) -> Option<usize> {
        (!self.people.is_empty()).then(|| who % self.people.len())
    }

    fn act(&mut self, op: Op) {
        match op {
            Op::Join { room, user, name } => self.join(room, user, name),
            Op::Move { who, room, name } => {
                if let Some(at) = self.chosen(who) {
                    self.move_to(at, room, name);
                }
            }
            Op::Look { room, at, max } => self.look(room, at, max),
            Op::Leave { who } => {
                if let Some(at) = self.chosen(who) {
                    let announces = self.announces(self.members(self.people[at].room).len());
                    let person = self.people.remove(at);
                    let (room, user, name) = (person.room, person.user, person.name);
                    drop(person);
                    let said = format!("{} has left the room", NAMES[name]);
                    self.notice(room, user, name, announces.then_some(("left", said)));
                }
            }
            Op::Rename { who, name } => {
                if let Some(at) = self.chosen(who) {
                    let (room, user, before) = {
                        let person = &mut self.people[at];
                        let before = std::mem::replace(&mut person.name, name);
                        let name = username(name);
                        let renamed = person.membership.rename(&name);
                        assert_eq!(renamed.now_or_never(), Some(Ok(())));
                        (person.room, person.user, before)
                    };
                    let announces = before != name && self.announces(self.members(room).len());
                    let said = format!("{} is now known as {}", NAMES[before], NAMES[name]);
                    self.notice(room, user, name, announces.then_some(("renamed", said)));
                }
            }
            Op::Publish { who, text, key } => {
                if let Some(at) = self.chosen(who) {
                    self.publish(at, text, key);
                }
            }
            Op::Read { who, max, park } => {
                if let Some(at) = self.chosen(who) {
                    self.read(at, max, park);
                }
            }
        }
    }

    /// Joins a room, with the membership that the join replaces.
    fn enter(
        &self,
        room: usize,
        user: usize,
        name: usize,
        replaces: Option<&Membership>,
    ) -> (Joined, Arc<FakeSubscriber>) {
        let subscriber = Arc::new(FakeSubscriber::default());
        let member = Member {
            user_id: format!("u{user}").into(),
            username: username(name),
        };
        let (store, room) = (&self.store, self.room(room));
        let joining =
            Membership::join(store, &room, member, replaces, Arc::clone(&subscriber) as _);
        let joined = joining.now_or_never();
        let joined = joined.unwrap_or_else(|| panic!("a store in memory answers immediately"));
        let joined = joined.unwrap_or_else(|refusal| panic!("{refusal:?}"));
        (joined, subscriber)
    }

    fn join(&mut self, room: usize, user: usize, name: usize) {
        let (joined, subscriber) = self.enter(room, user, name, None);
        self.has_joined(joined, subscriber, (room, user, name));
    }

    fn has_joined(
        &mut self,
        joined: Joined,
        subscriber: Arc<FakeSubscriber>,
        (room, user, name): (usize, usize, usize),
    ) {
        assert_eq!(joined.position, self.models[room].head());
        self.people.push(Person {
            membership: joined.membership,
            room,
            user,
            name,
            subscriber,
            cursor: joined.position,
        });
        let members = self.members(room).len();
        assert_eq!(self.room(room).member_count(), members as u64);
        let (announces, said) = (
            self.announces(members),
            format!("{} has joined the room", NAMES[name]),
        );
        // If the room has no notice, the joiner has one: without an id, which would be another entry's.
        let own = joined.own_notice.map(|notice| fields(notice.get()));
        assert_eq!(own.is_none(), announces);
        assert!(own.is_none_or(|own| own["text"] == *said && own.get("id").is_none()));
        self.notice(room, user, name, announces.then_some(("joined", said)));
    }

    /// A user comes back to a room, or moves to another one: the membership before ends with that.
    fn move_to(&mut self, at: usize, room: usize, name: usize) {
        let announces_there = self.announces(self.members(self.people[at].room).len());
        let before = self.people.remove(at);
        let user = before.user;
        let (joined, subscriber) = self.enter(room, user, name, Some(&before.membership));
        assert!(!before.membership.is_current() && joined.membership.is_current());
        let (from, name_before) = (before.room, before.name);
        drop(before);
        if from != room {
            let said = format!("{} has left the room", NAMES[name_before]);
            let notice = announces_there.then_some(("left", said));
            self.notice(from, user, name_before, notice);
            self.has_joined(joined, subscriber, (room, user, name));
            return;
        }
        assert!(joined.own_notice.is_none());
        self.people.push(Person {
            membership: joined.membership,
            room,
            user,
            name,
            subscriber,
            cursor: joined.position,
        });
        let announces = name != name_before && self.announces(self.members(room).len());
        let said = format!("{} is now known as {}", NAMES[name_before], NAMES[name]);
        self.notice(room, user, name, announces.then_some(("renamed", said)));
    }

    fn publish(&mut self, at: usize, said: usize, key: Option<u8>) {
        let person = &self.people[at];
        let (room, user) = (person.room, person.user);
        let client_id =
            key.map(|key| ClientId::parse(&format!("k{key}")).unwrap_or_else(|e| panic!("{e}")));
        let subscriber = || Arc::clone(&person.subscriber) as Arc<dyn Subscriber>;
        let proposal = Proposal::Message {
            text: text(said),
            client_id: client_id.clone(),
            reply_to: None,
        };
        let publishing = person.membership.publish(proposal, &|| Ok(()), &subscriber);
        let Publishing::Done(published) = publishing else {
            panic!("a store in memory answers immediately");
        };
        let known = key.and_then(|key| {
            let mut kept = self.models[room].kept();
            kept.find(|(_, e)| e.key.is_some_and(|(u, k, _)| (u, k) == (user, key)))
        });
        if let Some((id, first)) = known {
            match published {
                Ok(published) => {
                    assert!(published.duplicate && first.key.is_some_and(|k| k.2 == said));
                    assert_eq!(
                        (published.id, clock::rfc3339(published.at_ms)),
                        (id, first.timestamp.clone())
                    );
                }
                Err(refusal) => {
                    assert_eq!(refusal.code, RequestErrorCode::Conflict);
                    assert!(first.key.is_some_and(|k| k.2 != said));
                }
            }
            self.nothing_new(room);
            return;
        }
        let published = published.unwrap_or_else(|refusal| panic!("{refusal:?}"));
        assert!(!published.duplicate);
        let mut expected = json!({
            "sender": NAMES[person.name], "text": text(said).as_str(), "room": ROOMS[room],
            "id": published.id, "user_id": person.user_id(), "timestamp": clock::rfc3339(published.at_ms),
        });
        if let Some(key) = &client_id {
            expected["client_id"] = key.as_str().into();
        }
        let key = key.map(|key| (user, key, said));
        self.new_entry(room, EntryKind::Message, &expected, key);
    }

    /// The room must have received this notice, or none.
    fn notice(&mut self, room: usize, user: usize, name: usize, announced: Option<(&str, String)>) {
        let Some((kind, text)) = announced else {
            return self.nothing_new(room);
        };
        let expected = json!({
            "text": text, "kind": kind, "username": NAMES[name], "user_id": format!("u{user}"),
            "room": ROOMS[room], "id": self.models[room].head() + 1,
        });
        self.new_entry(room, EntryKind::Notice, &expected, None);
    }

    fn nothing_new(&self, room: usize) {
        assert_eq!(self.room(room).head(), self.models[room].head());
    }

    /// The log must have one more entry, with the next id. Takes it into the model, and lets the
    /// model forget what is too much.
    fn new_entry(
        &mut self,
        room: usize,
        kind: EntryKind,
        expected: &Value,
        key: Option<(usize, u8, usize)>,
    ) {
        let mut batch = Vec::new();
        let head = self.models[room].head();
        let read = self.room(room).read_after(head, 9, &mut batch);
        let [entry] = &*batch else {
            panic!("{read:?} of {} after {head}", batch.len());
        };
        let mut payload = fields(entry.payload.get());
        let timestamp = payload["timestamp"].as_str().unwrap_or_default().to_owned();
        let model = &mut self.models[room];
        let before = model.entries.last().map_or("", |e| &e.timestamp);
        assert!(*timestamp >= *before, "{timestamp} comes after {before}");
        if expected.get("timestamp").is_none() {
            payload
                .as_object_mut()
                .map(|payload| payload.remove("timestamp"));
        }
        assert_eq!((entry.id, entry.kind, &payload), (head + 1, kind, expected));
        let payload = entry.payload.get().to_owned();
        model.entries.push(Kept {
            kind,
            payload,
            key,
            timestamp,
            gone: false,
        });
        model.trim(self.settings.log);
    }

    /// What each room's task does.
    fn deliver(&mut self) {
        for room in 0..ROOMS.len() {
            let real = self.room(room);
            while let Some(batch) = real.next_batch(&mut self.delivered[room]) {
                let mut index = Some(0);
                while let Some(from) = index {
                    index = real.fanout.offer(&batch, from).1;
                }
            }
            assert_eq!(self.delivered[room], real.head());
        }
    }

    /// What must hold at any time.
    fn check(&mut self) {
        self.deliver();
        let counts = ROOMS.map(|name| (name, self.members_of(name).len()));
        let [a, b] = counts.map(|(name, n)| format!(r#""{name}":{{"count":{n},"name":"{name}"}}"#));
        assert_eq!(
            self.rooms.counts().now().payload.get(),
            format!("{{{a},{b}}}")
        );
        for (room, model) in self.models.iter().enumerate() {
            let real = self.room(room);
            assert_eq!(real.head(), model.head());
            assert_eq!(real.resumable(), model.tail()..=model.head());
            let members = self.members(room);
            let wanted = members
                .iter()
                .take(2)
                .map(|p| (p.user_id(), NAMES[p.name].to_owned()));
            let page = real.users(None, 2).unwrap_or_else(|| panic!("no page"));
            let users = page.users.into_iter().map(|u| (u.user_id, u.username));
            assert!(users.eq(wanted) && page.total == members.len() as u64);
            assert_eq!(page.more, members.len() > 2);
        }
        for person in &mut self.people {
            let (model, mut heard) = (&self.models[person.room], person.subscriber.heard.lock());
            for (id, payload) in std::mem::take(&mut heard.entries) {
                person.cursor += 1;
                assert_eq!(id, person.cursor);
                assert_eq!(payload, model.entries[person.cursor as usize - 1].payload);
            }
            assert!(heard.rung || person.cursor == model.head(), "nobody rang");
        }
    }

    fn members_of(&self, name: &str) -> Vec<&Person> {
        self.people
            .iter()
            .filter(|p| ROOMS[p.room] == name)
            .collect()
    }
}

proptest! {
    #[test]
    fn rooms_are_what_a_naive_model_says(
        settings in settings(),
        ops in prop::collection::vec(op(), 1..80),
    ) {
        let mut world = World {
            store: Arc::new(MemoryStore::new(false)),
            rooms: Rooms::new(&settings),
            settings,
            models: Default::default(),
            people: Vec::new(),
            delivered: [0; 2],
        };
        for op in ops {
            world.act(op);
            world.check();
        }
        // The remaining users leave, and all counts are 0.
        while !world.people.is_empty() {
            world.act(Op::Leave { who: 0 });
            world.check();
        }
    }
}
