//! Reading the log and its history, beside the model.

use super::World;
use super::naive::Model;
use crate::room::{Page, Range, Read, Room};

/// A page of a room whose store has no archive.
fn in_memory(room: &Room, range: Range) -> Page {
    let page = room.messages_in_memory(range);
    page.unwrap_or_else(|asked| panic!("the archive is asked for {asked:?}"))
}

impl World {
    pub(super) fn read(&mut self, at: usize, max: usize, park: bool) {
        let (room, person) = (self.room(self.people[at].room), &mut self.people[at]);
        let model = &self.models[person.room];
        // Taken back before reading, as a session does.
        let mut heard = person.subscriber.heard.lock();
        (heard.parked, heard.rung) = (None, false);
        let mut batch = Vec::new();
        let read = room.read_after(person.cursor, max, &mut batch);
        if person.cursor < model.tail() {
            let (from, to) = (person.cursor + 1, model.tail());
            assert_eq!((read, batch.len()), (Read::Gap { from, to }, 0));
            person.cursor = to;
        } else {
            let past = model.kept().filter(|(id, _)| *id > person.cursor).take(max);
            let wanted: Vec<_> = past.map(|(id, e)| (id, &*e.payload)).collect();
            let got: Vec<_> = batch.iter().map(|e| (e.id, e.payload.get())).collect();
            let is_all = model.kept().filter(|(id, _)| *id > person.cursor).count() <= max;
            let last = wanted.last().map_or(person.cursor, |(id, _)| *id);
            let upto = if is_all { model.head().max(last) } else { last };
            assert_eq!((read, got), (Read::Entries { upto }, wanted));
            person.cursor = upto;
        }
        heard.rung = person.cursor < model.head();
        heard.parked = park.then_some(person.cursor);
    }

    pub(super) fn look(&self, room: usize, at: u64, max: usize) {
        let (real, model) = (self.room(room), &self.models[room]);
        let shown = |page: Page| {
            let payloads = page
                .payloads(&real.viewer(None))
                .iter()
                .map(|p| p.get().to_owned())
                .collect();
            (payloads, page.more)
        };
        let after = model.kept().filter(|(id, _)| *id > at);
        assert_eq!(
            shown(in_memory(&real, Range::after(at, max))),
            Model::page(after, max)
        );
        let before = Some(at).filter(|at| *at > 0);
        let older = model
            .kept()
            .rev()
            .filter(|(id, _)| before.is_none_or(|at| *id < at));
        let (mut payloads, more) = Model::page(older, max);
        payloads.reverse();
        assert_eq!(
            shown(in_memory(&real, Range::before(before, max))),
            (payloads, more)
        );
    }
}
