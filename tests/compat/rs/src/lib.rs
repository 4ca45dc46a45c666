//! What the tests of rust_socketio share: a server to talk to, the modes of the client, and a memory
//! of what it was told.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use rust_socketio::{Event, Payload, TransportType};
use serde_json::{Value, json};

/// Longest wait for anything that should happen at once.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// The ways this client may get to a server. The first is its default.
pub const MODES: [(&str, TransportType); 4] = [
    ("any", TransportType::Any),
    ("websocket", TransportType::Websocket),
    ("upgrade", TransportType::WebsocketUpgrade),
    ("polling", TransportType::Polling),
];

/// The running server that HUBBUB_URL names, or a process of the test's own.
pub struct Server {
    /// Where it listens.
    pub url: String,
    process: Option<Child>,
}

impl Server {
    /// A server of one's own has no limits, because the tests talk faster than people do.
    pub fn start() -> Self {
        if let Some(url) = variable("HUBBUB_URL") {
            return Self { url, process: None };
        }
        let binary = variable("HUBBUB_BIN").expect("start this with tests/compat/run rs");
        let mut process = Command::new(binary)
            .env_clear()
            .envs([
                ("HOST", "127.0.0.1"),
                ("PORT", "0"),
                ("SECRET_KEY", "only-for-the-tests-of-clients"),
                ("MESSAGE_RATE", "0"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let stdout = process.stdout.take().expect("it is piped");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let url = lines.find_map(|line| Some(line.split_once("listening on ")?.1.to_owned()));
        // Read on, so that the pipe never fills.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            url: url.expect("the server says where it listens"),
            process: Some(process),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            process.kill().expect("it still runs");
            process.wait().expect("it has ended");
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What one client was told, in order.
pub struct Heard {
    events: Receiver<(String, Value)>,
}

impl Heard {
    /// Nothing yet. The sender is the client's.
    pub fn new() -> (Sender<(String, Value)>, Self) {
        let (sender, events) = mpsc::channel();
        (sender, Self { events })
    }

    /// Reads past other events to the next one of this name.
    pub fn next(&self, name: &str) -> Value {
        let mut past = Vec::new();
        loop {
            match self.events.recv_timeout(DEADLINE) {
                Ok((found, payload)) if found == name => return payload,
                Ok((other, _)) => past.push(other),
                Err(_) => panic!("{DEADLINE:?} without {name}; heard {past:?}"),
            }
        }
    }

    /// The texts of the next messages.
    pub fn texts(&self, count: usize) -> Vec<String> {
        let text = |_| {
            self.next("receive_message")["text"]
                .as_str()
                .map(str::to_owned)
        };
        (0..count).filter_map(text).collect()
    }
}

/// An event's name and first argument.
pub fn told(event: Event, payload: Payload) -> (String, Value) {
    (String::from(event), first(payload))
}

/// The first argument of an event or an acknowledgement.
pub fn first(payload: Payload) -> Value {
    match payload {
        Payload::Text(values) => values.into_iter().next().unwrap_or_default(),
        other => panic!("no text: {other:?}"),
    }
}

/// The requests of a client that waits for nothing: a join, and messages right behind it.
pub fn eager(name: &str) -> Vec<(&'static str, Value)> {
    let join = (
        "join_room",
        json!({ "room_name": "tech", "username": name }),
    );
    let messages = (0..20).map(|n| ("send_message", json!({ "text": format!("{name} {n}") })));
    std::iter::once(join).chain(messages).collect()
}

/// What the room hears of it.
pub fn eager_texts(name: &str) -> Vec<String> {
    (0..20).map(|n| format!("{name} {n}")).collect()
}
