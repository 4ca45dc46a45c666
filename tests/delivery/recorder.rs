//! Turns packets into a history, and keeps what a client needs in order to come back: its position
//! in each room, and its token.

use std::collections::BTreeMap;

use hubbub_test_client::{self, Packet};
use serde_json::{Value, json};

use super::counts::Counts;
use super::history::{Event, History, Position, RoomIndex, Word};

/// What a packet means to the connected user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Nothing to act on.
    Signals,
    /// The greeting is over.
    Greeted,
    /// A join was confirmed.
    Joined,
    /// A join was refused for the moment.
    NotJoined,
    /// The answer to a request.
    Answered {
        /// The number the client gave it.
        number: u64,
        /// What it says.
        body: Value,
    },
    /// The connection is over.
    Ended,
}

/// Turns the packets of one user into a history.
#[derive(Debug)]
pub struct Recorder {
    /// What happened so far.
    pub history: History,
    /// How often.
    pub counts: Counts,
    /// The last id this client has of each room it knows.
    pub positions: BTreeMap<RoomIndex, Position>,
    /// What the last `session` said.
    pub token: Option<String>,
    /// Where the client is, since its last join.
    pub here: Option<RoomIndex>,
    rooms: &'static [&'static str],
    asked_after: Option<Position>,
    /// The newest messages that `activity` announced on this connection.
    newest: BTreeMap<String, u64>,
}

/// What somebody says: made of its sender and number alone, so that everybody can tell whether it
/// came as it was said.
pub fn text_of(word: Word) -> String {
    let length = (word.sender as u64 * 31 + word.number * 17) % 160;
    format!("{word} {}", "x".repeat(usize::try_from(length).unwrap()))
}

fn word_of(payload: &Value) -> Option<Word> {
    let text = payload["text"].as_str()?;
    let (sender, number) = text.strip_prefix('p')?.split_once(' ')?.0.split_once('#')?;
    let word = Word {
        sender: sender.parse().ok()?,
        number: number.parse().ok()?,
    };
    let as_said = text == text_of(word)
        && payload["sender"] == format!("p{sender}")
        && payload["client_id"] == number;
    as_said.then_some(word)
}

impl Recorder {
    /// Somebody to whom nothing has happened.
    pub fn new(name: String, rooms: &'static [&'static str]) -> Self {
        let history = History {
            name,
            events: Vec::new(),
        };
        Self {
            history,
            counts: Counts::default(),
            positions: BTreeMap::new(),
            token: None,
            here: None,
            rooms,
            asked_after: None,
            newest: BTreeMap::new(),
        }
    }

    /// The `auth` to connect with.
    pub fn auth(&self) -> String {
        json!({ "token": self.token }).to_string()
    }

    /// The frame that joins a room, from where this client left it.
    pub fn join_frame(&mut self, room: RoomIndex, history: Option<u64>) -> String {
        self.asked_after = self.positions.get(&room).cloned();
        let mut payload = json!({
            "room_name": self.rooms[room],
            "username": self.history.name,
        });
        if let Some(Position { epoch, id }) = &self.asked_after {
            payload["after"] = json!({ "epoch": epoch, "id": id });
        }
        if let Some(history) = history {
            payload["history"] = json!(history);
        }
        hubbub_test_client::packet::event_frame("join_room", Some(&payload.to_string()), None)
    }

    /// Something happened.
    pub fn note(&mut self, event: Event) {
        self.history.events.push(event);
    }

    /// The connection is over.
    pub fn lost(&mut self) {
        self.here = None;
        self.note(Event::Lost);
    }

    /// Takes one packet in.
    pub fn take(&mut self, packet: Packet) -> Heard {
        match packet {
            Packet::Event(event) => {
                if let Some(heard) = self.event(&event) {
                    return heard;
                }
                self.note(Event::Unexpected(format!("{event:?}")));
                Heard::Signals
            }
            Packet::Ack { id, body } => Heard::Answered { number: id, body },
            Packet::Ping | Packet::Noop | Packet::Connected(_) => Heard::Signals,
            Packet::TransportClosed(_)
            | Packet::Close
            | Packet::Disconnected
            | Packet::ConnectError(_) => Heard::Ended,
            other => {
                self.note(Event::Unexpected(format!("{other:?}")));
                Heard::Signals
            }
        }
    }

    /// `None` for what the contract does not know.
    fn event(&mut self, event: &hubbub_test_client::Event) -> Option<Heard> {
        match event.name.as_str() {
            "room_list" | "room_update" | "typing" | "shutdown" => {}
            "session" => {
                self.token = event["token"].as_str().map(str::to_owned);
                self.newest.clear();
                return Some(Heard::Greeted);
            }
            "join_confirm" => return self.joined(event),
            "receive_message" => {
                let (room, word) = (self.room(event)?, word_of(&event.payload)?);
                let id = event["id"].as_u64()?;
                self.counts.one("deliveries");
                self.advance(room, id);
                self.note(Event::Received { room, id, word });
            }
            "system_message" => {
                let (room, id) = (self.room(event)?, event["id"].as_u64()?);
                self.counts.one("notices");
                self.advance(room, id);
                self.note(Event::Noticed { room, id });
            }
            "activity" => self.activity(event)?,
            "gap" => self.gap(event)?,
            "error" if event["code"] == "unavailable" && event["event"] == "join_room" => {
                self.counts.one("joins: refused, unavailable");
                return Some(Heard::NotJoined);
            }
            _ => return None,
        }
        Some(Heard::Signals)
    }

    fn joined(&mut self, event: &hubbub_test_client::Event) -> Option<Heard> {
        let room = self.room(event)?;
        let at = Position {
            epoch: event["epoch"].as_str()?.to_owned(),
            id: event["last_id"].as_u64()?,
        };
        let after = self.asked_after.take();
        let recovered = event["recovered"].as_bool();
        let is_same_log = after.as_ref().is_some_and(|after| after.epoch == at.epoch);
        match recovered {
            Some(true) => self.counts.one("resumes: recovered"),
            Some(false) if is_same_log => self.counts.one("resumes: too late for the log"),
            Some(false) => self.counts.one("resumes: of a log that is gone"),
            None => self.counts.one("resumes: none asked for"),
        }
        if recovered != Some(true) {
            self.positions.insert(room, at.clone());
        }
        let history = match event.payload.get("history") {
            Some(page) => Some(
                page.as_array()?
                    .iter()
                    .map(placed_word)
                    .collect::<Option<_>>()?,
            ),
            None => None,
        };
        self.here = Some(room);
        self.note(Event::Joined {
            room,
            at,
            after,
            recovered,
            history,
        });
        Some(Heard::Joined)
    }

    /// One that follows a join which did not recover says nothing new about the position.
    fn gap(&mut self, event: &hubbub_test_client::Event) -> Option<()> {
        let room = self.room(event)?;
        let (from, to) = (event["from"].as_u64()?, event["to"].as_u64()?);
        let epoch = event["epoch"].as_str().map(str::to_owned);
        let position = self.positions.get_mut(&room)?;
        let is_new_log = epoch.as_ref().is_some_and(|epoch| *epoch != position.epoch);
        self.counts.one(match (to <= position.id, is_new_log) {
            (true, _) => "gaps: behind a join",
            (false, false) => "gaps: while reading",
            (false, true) => "gaps: to another log",
        });
        position.epoch = epoch.clone().unwrap_or_else(|| position.epoch.clone());
        self.advance(room, to);
        self.note(Event::Gap {
            room,
            from,
            to,
            epoch,
        });
        Some(())
    }

    /// No user is sent an older message than one announced before.
    fn activity(&mut self, event: &hubbub_test_client::Event) -> Option<()> {
        for (room, id) in event["rooms"].as_object()? {
            let id = id.as_u64()?;
            if self.newest.insert(room.clone(), id) > Some(id) {
                return None;
            }
        }
        Some(())
    }

    fn room(&self, event: &hubbub_test_client::Event) -> Option<RoomIndex> {
        let name = event["room"].as_str()?;
        self.rooms.iter().position(|room| *room == name)
    }

    /// Positions only go forward.
    fn advance(&mut self, room: RoomIndex, id: u64) {
        if let Some(position) = self.positions.get_mut(&room) {
            position.id = position.id.max(id);
        }
    }
}

fn placed_word(payload: &Value) -> Option<(u64, Word)> {
    Some((payload["id"].as_u64()?, word_of(payload)?))
}
