//! The naive model of a room, and what may be done to one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use proptest::prelude::*;
use serde_json::Value;

use crate::domain::{MessageText, RoomName, TextLimits, Username};
use crate::protocol::HISTORY_PAGE_BYTES_MAX;
use crate::room::{Batch, EntryKind, LogBounds, Offered, RoomSettings, Signals, Subscriber};

pub const ROOMS: [&str; 2] = ["tech", "general"];
pub const NAMES: [&str; 3] = ["Ada", "Bob", "Łucja 🌍"];
/// Two of these fit into a page of history, three do not.
pub const LARGE: usize = 100_000;

#[derive(Debug, Clone)]
pub enum Op {
    Join {
        room: usize,
        user: usize,
        name: usize,
    },
    Move {
        who: usize,
        room: usize,
        name: usize,
    },
    Leave {
        who: usize,
    },
    Rename {
        who: usize,
        name: usize,
    },
    Publish {
        who: usize,
        text: usize,
        key: Option<u8>,
    },
    Read {
        who: usize,
        max: usize,
        park: bool,
    },
    Look {
        room: usize,
        at: u64,
        max: usize,
    },
}

pub fn op() -> impl Strategy<Value = Op> {
    let key = prop::option::of(0..3_u8);
    let max = prop_oneof![0..4_usize, Just(200)];
    prop_oneof![
        3 => (0..2_usize, 0..3_usize, 0..3_usize)
            .prop_map(|(room, user, name)| Op::Join { room, user, name }),
        2 => (any::<usize>(), 0..2_usize, 0..3_usize)
            .prop_map(|(who, room, name)| Op::Move { who, room, name }),
        1 => any::<usize>().prop_map(|who| Op::Leave { who }),
        1 => (any::<usize>(), 0..3_usize).prop_map(|(who, name)| Op::Rename { who, name }),
        8 => (any::<usize>(), prop_oneof![9 => 0..3_usize, 1 => Just(3)], key)
            .prop_map(|(who, text, key)| Op::Publish { who, text, key }),
        4 => (any::<usize>(), max.clone(), any::<bool>())
            .prop_map(|(who, max, park)| Op::Read { who, max, park }),
        3 => (0..2_usize, 0..60_u64, max).prop_map(|(room, at, max)| Op::Look { room, at, max }),
    ]
}

pub fn settings() -> impl Strategy<Value = RoomSettings> {
    let messages_max = prop::sample::select(vec![0, 1, 3, 10]);
    let bytes_max = prop::sample::select(vec![0, 700, 3 * LARGE]);
    let notice_limit = prop::sample::select(vec![0, 2]);
    let notices_max = prop::sample::select(vec![1, 3, 1000]);
    let numbers = (messages_max, bytes_max, notices_max, notice_limit);
    numbers.prop_map(
        |(messages_max, bytes_max, notices_max, notice_limit)| RoomSettings {
            names: ROOMS.map(room_name).to_vec(),
            log: LogBounds {
                messages_max,
                bytes_max,
                notices_max,
                ..LogBounds::default()
            },
            notice_limit,
            ..RoomSettings::default()
        },
    )
}

pub fn room_name(name: &str) -> RoomName {
    RoomName::parse(name).unwrap_or_else(|e| panic!("{e}"))
}

pub fn username(name: usize) -> Username {
    Username::parse(NAMES[name]).unwrap_or_else(|e| panic!("{e}"))
}

pub fn text(text: usize) -> MessageText {
    let limits = TextLimits {
        chars_max: 0,
        bytes_max: LARGE,
    };
    let raw = ["hi", "\"quoted\"\n", "ünï", &"x".repeat(LARGE)][text].to_owned();
    MessageText::parse(&raw, &limits).unwrap_or_else(|e| panic!("{e}"))
}

/// What a user in a room has received.
#[derive(Debug, Default)]
pub struct FakeSubscriber {
    pub heard: Arc<Mutex<Heard>>,
}

#[derive(Debug, Default)]
pub struct Heard {
    pub parked: Option<u64>,
    pub entries: Vec<(u64, String)>,
    pub rung: bool,
}

impl Subscriber for FakeSubscriber {
    fn notify(&self, signals: Signals) {
        self.heard.lock().rung |= signals.has(Signals::ENTRIES);
    }

    fn offer(&self, batch: &Batch) -> Offered {
        let mut heard = self.heard.lock();
        match heard.parked {
            Some(parked) if parked == batch.after => {}
            Some(parked) if parked >= batch.upto => return Offered::Known,
            _ => return Offered::Behind,
        }
        let received = batch.entries.iter();
        let received = received.map(|entry| (entry.id, entry.payload.get().to_owned()));
        heard.entries.extend(received);
        heard.parked = Some(batch.upto);
        Offered::Taken
    }

    fn position(&self) -> u64 {
        self.heard.lock().parked.unwrap_or_default()
    }

    fn check_progress(&self, _: Instant, _: Duration) {}
}

/// An entry as the model keeps it.
pub struct Kept {
    pub kind: EntryKind,
    pub payload: String,
    pub key: Option<(usize, u8, usize)>,
    pub timestamp: String,
    pub gone: bool,
}

/// A room as the model has it: everything that ever was.
#[derive(Default)]
pub struct Model {
    pub entries: Vec<Kept>,
}

impl Model {
    pub fn head(&self) -> u64 {
        self.entries.len() as u64
    }

    /// What is still there, with its ids.
    pub fn kept(&self) -> impl DoubleEndedIterator<Item = (u64, &Kept)> {
        let kept = (1..).zip(&self.entries).filter(|(_, e)| !e.gone);
        kept.collect::<Vec<_>>().into_iter()
    }

    /// The newest message that is no longer kept: no reader can resume from before it.
    pub fn tail(&self) -> u64 {
        let gone = (1..).zip(&self.entries);
        gone.filter(|(_, e)| e.gone && e.kind == EntryKind::Message)
            .last()
            .map_or(0, |(id, _)| id)
    }

    /// Forgets the oldest of what is too much: messages by number and size, notices by number, and
    /// never the newest of either.
    pub fn trim(&mut self, bounds: LogBounds) {
        let most = |max: usize| if max == 0 { usize::MAX } else { max };
        let messages = (most(bounds.messages_max), most(bounds.bytes_max));
        self.trim_kind(EntryKind::Message, messages.0, messages.1);
        self.trim_kind(EntryKind::Notice, bounds.notices_max, usize::MAX);
    }

    fn trim_kind(&mut self, kind: EntryKind, number: usize, bytes: usize) {
        let here = self.entries.iter_mut().rev();
        let (mut n, mut size) = (0, 0);
        for entry in here.filter(|e| e.kind == kind && !e.gone) {
            n += 1;
            size += entry.payload.len();
            entry.gone = n > 1 && (n > number || size > bytes);
        }
    }

    /// The messages nearest to where a page starts: as many as it may hold, and whether there
    /// are more.
    pub fn page<'a>(
        near: impl Iterator<Item = (u64, &'a Kept)>,
        max: usize,
    ) -> (Vec<String>, bool) {
        let near: Vec<_> = near.filter(|(_, e)| e.kind == EntryKind::Message).collect();
        let fits = |n: usize| {
            let bytes: usize = near[..n].iter().map(|(_, e)| e.payload.len()).sum();
            n == 1 || bytes <= HISTORY_PAGE_BYTES_MAX
        };
        let most = near.len().min(max);
        let held = (0..=most).rev().find(|n| fits(*n)).unwrap_or(0);
        let payloads = near[..held].iter().map(|(_, e)| e.payload.clone());
        (payloads.collect(), held < near.len())
    }
}

pub fn fields(payload: &str) -> Value {
    serde_json::from_str(payload).unwrap_or_else(|e| panic!("{e}: {payload}"))
}
