//! What a person does while a run is busy, and what is done to them: mostly talking, sometimes a
//! fault.

use std::time::Duration;

use hubbub_test_client::Connection;

use super::person::Person;
use super::plan::ROOMS;
use super::proxy::Fault;

/// What became of the connection.
pub enum Doing {
    /// It is still open for its owner.
    GoesOn(Box<Connection>),
    /// It was given up; its owner stays away for this long.
    Ended(Duration),
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Say,
    Burst,
    SayNothing,
    Move,
    Upgrade,
    ReadSlowly,
    Slow,
    Reset,
    HalfOpen,
    Close,
    Drop,
    GoAway,
}

/// What people do where nothing goes wrong.
const CALM: [(u64, Act); 3] = [(80, Act::Say), (4, Act::Burst), (2, Act::SayNothing)];
/// What they do where everything does.
const STORMY: [(u64, Act); 12] = [
    (700, Act::Say),
    (30, Act::Burst),
    (15, Act::SayNothing),
    (50, Act::Move),
    (50, Act::Upgrade),
    (25, Act::ReadSlowly),
    (25, Act::Slow),
    (20, Act::Reset),
    (15, Act::HalfOpen),
    (15, Act::Close),
    (15, Act::Drop),
    (8, Act::GoAway),
];

impl Person {
    /// Does the next thing.
    pub(super) async fn act(&mut self, connection: Connection) -> Doing {
        let act = self
            .random
            .weighted(if self.plan.faults { &STORMY[..] } else { &CALM });
        // Faults come right behind a word or two, so that there is something to lose: the word,
        // or its acknowledgement.
        let is_fault = matches!(act, Act::Reset | Act::HalfOpen | Act::Close | Act::Drop);
        if is_fault && self.random.percent(70) {
            let words = self.random.within(1..5);
            self.say(&connection, words);
            if self.random.percent(50) {
                // Time for some of it to get through, and for some of that to be answered.
                let lead = Duration::from_micros(self.random.within(0..3000));
                tokio::time::sleep(lead).await;
            }
        }
        match act {
            Act::Say => self.say(&connection, 1),
            Act::Burst => {
                let words = self.random.within(10..40);
                self.say(&connection, words);
            }
            Act::SayNothing => self.say_nothing(&connection),
            Act::Move => self.move_on(&connection),
            Act::Upgrade | Act::ReadSlowly | Act::Slow | Act::Reset | Act::HalfOpen => {
                return self.suffer(act, connection).await;
            }
            Act::Close => {
                self.recorder
                    .counts
                    .one("disconnects: closed in an orderly way");
                let politely = self.random.percent(50);
                self.say_goodbye(connection, politely).await;
                return Doing::Ended(self.short_while());
            }
            Act::Drop => {
                self.recorder
                    .counts
                    .one("disconnects: dropped without a word");
                drop(connection);
                return Doing::Ended(self.short_while());
            }
            Act::GoAway => return self.go_away(connection).await,
        }
        Doing::GoesOn(Box::new(connection))
    }

    fn short_while(&mut self) -> Duration {
        Duration::from_millis(self.random.within(0..500))
    }

    /// Goes to another room; only with nothing owed here, because words belong to their room.
    fn move_on(&mut self, connection: &Connection) {
        if self.pending.is_empty() && self.recorder.here == Some(self.room) {
            let further = self.random.one_of(&[1, ROOMS.len() - 1]);
            self.recorder.counts.one("moves to another room");
            self.join(connection, (self.room + further) % ROOMS.len());
        }
    }

    async fn suffer(&mut self, act: Act, mut connection: Connection) -> Doing {
        match act {
            Act::Upgrade if connection.polls() => {
                let upgraded = connection.upgrade().await;
                self.recorder.counts.one(match upgraded {
                    Ok(()) => "transport: upgraded",
                    Err(_) => "transport: upgrade failed",
                });
                if upgraded.is_err() {
                    return Doing::Ended(Duration::ZERO);
                }
            }
            Act::ReadSlowly => {
                self.recorder
                    .counts
                    .one("slow: stopped reading for a while");
                let time = Duration::from_millis(self.random.within(100..1500));
                connection.stop_reading_for(time).await;
            }
            Act::Slow => {
                self.recorder.counts.one("slow: a slow network");
                let time = Duration::from_millis(self.random.within(5..100));
                self.proxy.inflict(Fault::Slow(time));
            }
            Act::Reset => {
                self.recorder.counts.one("disconnects: reset");
                self.proxy.inflict(Fault::Reset);
            }
            Act::HalfOpen => {
                let (up, down) = self
                    .random
                    .one_of(&[(true, false), (false, true), (true, true)]);
                self.recorder.counts.one(match (up, down) {
                    (true, false) => "disconnects: half-open, nothing goes up",
                    (false, true) => "disconnects: half-open, nothing comes down",
                    _ => "disconnects: half-open, both ways",
                });
                self.proxy.inflict(Fault::HalfOpen { up, down });
            }
            _ => {}
        }
        Doing::GoesOn(Box::new(connection))
    }

    /// Away for longer than the log keeps, sometimes. Only with nothing owed: what was sent under
    /// a key is remembered for as long as it is kept.
    async fn go_away(&mut self, connection: Connection) -> Doing {
        if !self.pending.is_empty() {
            return Doing::GoesOn(Box::new(connection));
        }
        self.recorder.counts.one("disconnects: away for long");
        self.say_goodbye(connection, true).await;
        Doing::Ended(Duration::from_millis(self.random.within(4000..12_000)))
    }
}
