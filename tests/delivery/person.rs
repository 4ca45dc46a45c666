//! One simulated person: talks, loses connections, comes back, resumes, sends again what was not
//! acknowledged, and records all of it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use hubbub_test_client::Connection;
use hubbub_test_client::Transport;
use hubbub_test_client::packet::event_frame;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::faults::Doing;
use super::history::{Event, Position, RoomIndex, Word};
use super::plan::{Plan, ROOMS};
use super::proxy::Proxy;
use super::random::Random;
use super::recorder::{Heard, Recorder, text_of};

/// What a run is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Everybody talks, and things go wrong.
    Busy,
    /// No more faults; everybody gets the acknowledgements that are still owed.
    Quiet,
    /// Everybody reads every room they know up to here, and goes.
    CatchUp(BTreeMap<RoomIndex, Position>),
    /// Time is up for those who could not.
    Over,
}

/// How long a user waits after `unavailable`.
const PAUSE: Duration = Duration::from_millis(200);

/// Said, and not yet answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pending {
    pub(super) room: RoomIndex,
    number: u64,
    /// It says nothing, and must be refused.
    blank: bool,
    /// It was refused for the moment, and waits to be sent again.
    postponed: bool,
}

/// One user of a run.
pub struct Person {
    index: usize,
    pub(super) plan: Plan,
    pub(super) random: Random,
    pub(super) proxy: Proxy,
    pub(super) recorder: Recorder,
    pub(super) pending: VecDeque<Pending>,
    /// Where this person wants to be.
    pub(super) room: RoomIndex,
    said: u64,
    phase: watch::Receiver<Phase>,
    /// Told once, when nothing is owed to this person any more.
    answered: Option<mpsc::UnboundedSender<usize>>,
    transport: Option<Transport>,
    /// Has joined on the connection of the moment, and sent again what was owed.
    has_come_back: bool,
    /// When to try again what was refused for the moment.
    again: Option<Instant>,
}

impl Person {
    /// A person who has never connected.
    pub fn new(
        index: usize,
        plan: &Plan,
        proxy: Proxy,
        phase: watch::Receiver<Phase>,
        answered: mpsc::UnboundedSender<usize>,
    ) -> Self {
        Self {
            index,
            plan: plan.clone(),
            random: Random::new(plan.seed, index as u64 + 1),
            proxy,
            recorder: Recorder::new(format!("p{index}"), &ROOMS),
            pending: VecDeque::new(),
            room: index % ROOMS.len(),
            said: 0,
            phase,
            answered: Some(answered),
            transport: None,
            has_come_back: false,
            again: None,
        }
    }

    /// Lives through the run.
    pub async fn run(mut self) -> Recorder {
        while !self.is_done() {
            let transport = self.random.one_of(self.plan.transports);
            if self
                .transport
                .replace(transport)
                .is_some_and(|last| last != transport)
            {
                self.recorder
                    .counts
                    .one("transport: changed on reconnecting");
            }
            if self.plan.servers > 1 {
                let server = self.random.within(0..self.plan.servers as u64);
                self.proxy.lead_to(usize::try_from(server).unwrap());
            }
            let auth = self.recorder.auth();
            match Connection::open(self.proxy.address(), transport, &auth).await {
                Ok(connection) => {
                    self.recorder.counts.one(match transport {
                        Transport::WebSocket => "connections: websocket",
                        Transport::Polling => "connections: polling",
                        Transport::Upgrade => "connections: polling, to be upgraded",
                    });
                    let away = Box::pin(self.live(connection)).await;
                    self.recorder.lost();
                    self.wait(away).await;
                }
                Err(_) => {
                    self.recorder.counts.one("connections: failed");
                    let pause = self.random.within(50..300);
                    self.wait(Duration::from_millis(pause)).await;
                }
            }
        }
        self.recorder
    }

    /// Away from the network; back immediately when the run enters another phase.
    async fn wait(&mut self, time: Duration) {
        let changed = self.phase.changed();
        tokio::select! {
            () = sleep(time) => {}
            changed = changed => changed.expect("the run outlives its people"),
        }
    }

    /// One connection from its greeting to its end. Returns how long to stay away.
    async fn live(&mut self, mut connection: Connection) -> Duration {
        let mut next = Instant::now();
        self.has_come_back = false;
        self.again = None;
        loop {
            if self.is_done() {
                self.say_goodbye(connection, true).await;
                return Duration::ZERO;
            }
            let may_act = self.may_act();
            let again = self.again;
            tokio::select! {
                biased;
                packet = connection.packet() => {
                    let heard = self.recorder.take(packet);
                    if heard == Heard::Ended {
                        self.recorder.counts.one("ended from outside");
                        return Duration::ZERO;
                    }
                    self.react(&connection, heard);
                }
                changed = self.phase.changed() => {
                    changed.expect("the run outlives its people");
                    self.settle(&connection);
                }
                () = sleep_until(again.unwrap_or(next)), if again.is_some() => {
                    self.try_again(&connection);
                }
                () = sleep_until(next), if may_act => {
                    let pace = u64::try_from(self.plan.pace.as_millis()).unwrap();
                    next = Instant::now() + Duration::from_millis(self.random.within(0..2 * pace));
                    match self.act(connection).await {
                        Doing::GoesOn(same) => connection = *same,
                        Doing::Ended(away) => return away,
                    }
                }
            }
        }
    }

    fn may_act(&self) -> bool {
        // Where a join can be refused for the moment, words said behind it would go elsewhere.
        let is_there = match self.plan.servers {
            1 => self.recorder.here.is_some(),
            _ => self.recorder.here == Some(self.room),
        };
        is_there && *self.phase.borrow() == Phase::Busy
    }

    /// What was refused for the moment is asked for again.
    fn try_again(&mut self, connection: &Connection) {
        self.again = None;
        if self.recorder.here != Some(self.room) {
            self.join(connection, self.room);
            return;
        }
        let mut again = Vec::new();
        for pending in &mut self.pending {
            if std::mem::take(&mut pending.postponed) {
                again.push(*pending);
            }
        }
        self.send(connection, &again);
    }

    fn react(&mut self, connection: &Connection, heard: Heard) {
        match heard {
            Heard::Greeted => self.join(connection, self.room),
            // What is said behind a later join of the same connection is on its way already.
            Heard::Joined if self.has_come_back => self.settle(connection),
            Heard::Joined => {
                self.has_come_back = true;
                let again: Vec<_> = self.pending.iter().copied().collect();
                if again
                    .iter()
                    .any(|pending| Some(pending.room) != self.recorder.here)
                {
                    let what = format!("{} left with words owed: {again:?}", self.index);
                    self.recorder.note(Event::Unexpected(what));
                }
                for pending in &mut self.pending {
                    pending.postponed = false;
                    self.recorder.counts.one("messages: sent again");
                }
                self.send(connection, &again);
                self.settle(connection);
            }
            Heard::NotJoined => self.again = Some(Instant::now() + PAUSE),
            Heard::Answered { number, body } => {
                self.answered(number, &body);
                self.settle(connection);
            }
            Heard::Signals => self.settle(connection),
            Heard::Ended => {}
        }
    }

    pub(super) fn join(&mut self, connection: &Connection, room: RoomIndex) {
        self.room = room;
        let history = self.random.percent(30).then(|| self.random.within(1..40));
        let frame = self.recorder.join_frame(room, history);
        connection.send(vec![frame]);
    }

    /// Says so many things in one burst.
    pub(super) fn say(&mut self, connection: &Connection, messages: u64) {
        self.say_anew(connection, messages, false);
    }

    /// Says what must be refused.
    pub(super) fn say_nothing(&mut self, connection: &Connection) {
        self.say_anew(connection, 1, true);
    }

    fn say_anew(&mut self, connection: &Connection, messages: u64, blank: bool) {
        let room = self.room;
        let burst: Vec<_> = (self.said + 1..=self.said + messages)
            .map(|number| Pending {
                room,
                number,
                blank,
                postponed: false,
            })
            .collect();
        self.said += messages;
        for &pending in &burst {
            self.pending.push_back(pending);
            self.recorder.counts.one("messages: sent");
        }
        self.send(connection, &burst);
    }

    fn send(&mut self, connection: &Connection, messages: &[Pending]) {
        let mut frames = Vec::new();
        for &Pending {
            room,
            number,
            blank,
            ..
        } in messages
        {
            let sender = self.index;
            let text = if blank {
                "  ".to_owned()
            } else {
                text_of(Word { sender, number })
            };
            let payload = json!({ "text": text, "client_id": number.to_string() }).to_string();
            frames.push(event_frame("send_message", Some(&payload), Some(number)));
            self.recorder.note(Event::Sent { room, number });
        }
        if !frames.is_empty() {
            connection.send(frames);
        }
    }

    fn answered(&mut self, number: u64, body: &serde_json::Value) {
        let found = self
            .pending
            .iter()
            .position(|pending| pending.number == number);
        if body["error"]["code"] == "unavailable"
            && let Some(pending) = found.and_then(|at| self.pending.get_mut(at))
        {
            pending.postponed = true;
            self.again = Some(Instant::now() + PAUSE);
            self.recorder.note(Event::Postponed { number });
            self.recorder.counts.one("messages: refused, unavailable");
            return;
        }
        let Some(Pending { room, .. }) = found.and_then(|at| self.pending.remove(at)) else {
            let what = format!("an answer to what is not owed one: {number}: {body}");
            self.recorder.note(Event::Unexpected(what));
            return;
        };
        let accepted = body["ok"] == true;
        match body["id"].as_u64() {
            Some(id) if accepted => {
                self.recorder.note(Event::Acknowledged { room, number, id });
                self.recorder.counts.one("messages: acknowledged");
                if body["duplicate"] == true {
                    self.recorder
                        .counts
                        .one("messages: acknowledged as duplicate");
                }
            }
            _ => {
                self.recorder.note(Event::Refused { room, number });
                self.recorder
                    .counts
                    .one(match body["error"]["code"].as_str() {
                        Some("invalid_text") => "messages: refused, invalid_text",
                        Some("not_in_room") => "messages: refused, not_in_room",
                        Some("busy") => "messages: refused, busy",
                        _ => "messages: refused for something else",
                    });
            }
        }
    }

    /// Towards the end of a run: reports that nothing is owed, then goes where something is left
    /// to read.
    fn settle(&mut self, connection: &Connection) {
        let phase = self.phase.borrow().clone();
        if phase == Phase::Busy || !self.pending.is_empty() {
            return;
        }
        if let Some(answered) = self.answered.take() {
            let _gone = answered.send(self.index).is_err();
        }
        let (Phase::CatchUp(ends), Some(here)) = (phase, self.recorder.here) else {
            return;
        };
        // One join at a time: while one is under way, `room` is not where this person is.
        if here == self.room
            && self.has_reached(&ends, here)
            && let Some(next) = (0..ROOMS.len()).find(|room| !self.has_reached(&ends, *room))
        {
            self.join(connection, next);
        }
    }

    /// Whether this person has all of a room, or never knew it.
    fn has_reached(&self, ends: &BTreeMap<RoomIndex, Position>, room: RoomIndex) -> bool {
        match (ends.get(&room), self.recorder.positions.get(&room)) {
            (Some(end), Some(position)) => position.epoch == end.epoch && position.id >= end.id,
            _ => true,
        }
    }

    fn is_done(&self) -> bool {
        match &*self.phase.borrow() {
            Phase::Busy | Phase::Quiet => false,
            Phase::CatchUp(ends) => (0..ROOMS.len()).all(|room| self.has_reached(ends, room)),
            Phase::Over => true,
        }
    }

    /// Hangs up, and records what still came.
    pub(super) async fn say_goodbye(&mut self, connection: Connection, politely: bool) {
        for packet in connection.hang_up(politely).await {
            if let Heard::Answered { number, body } = self.recorder.take(packet) {
                self.answered(number, &body);
            }
        }
    }
}
