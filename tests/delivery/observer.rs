//! Somebody who is connected to one room throughout one incarnation of the server, without a proxy
//! and without faults: what an observer sees is the order of the room.
//!
//! Each has a thread of its own. Among the tasks of the people and their proxies it would be late on
//! a busy machine, and the server would close it as a slow reader.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use hubbub_test_client::Connection;
use hubbub_test_client::packet::event_frame;
use hubbub_test_client::{EVENT_TIMEOUT, Transport};
use serde_json::Value;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::history::{Event, History, Position, RoomIndex};
use super::plan::ROOMS;
use super::recorder::{Heard, Recorder};

/// The number of the request for the newest message; the observer makes no other.
const NEWEST: u64 = 1;

/// An observer at work.
pub struct Observer {
    room: RoomIndex,
    end: mpsc::UnboundedSender<oneshot::Sender<Position>>,
    task: JoinHandle<Recorder>,
}

impl Observer {
    /// Joins a room as the first one there, and watches it.
    pub async fn start(address: SocketAddr, room: RoomIndex) -> Self {
        let name = format!("observer-{}", ROOMS[room]);
        Self::watching(address, room, Recorder::new(name, &ROOMS)).await
    }

    /// Goes on at another server with the same log, from where the connection to the one before ended.
    pub async fn go_on_at(self, address: SocketAddr) -> Self {
        let (room, recorder) = (self.room, self.until_ended().await);
        Self::watching(address, room, recorder).await
    }

    async fn watching(address: SocketAddr, room: RoomIndex, recorder: Recorder) -> Self {
        let (end, asked) = mpsc::unbounded_channel();
        let (there, joined) = oneshot::channel();
        let task = tokio::task::spawn_blocking(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(observe(recorder, address, room, there, asked))
        });
        let joined = timeout(EVENT_TIMEOUT, joined).await;
        joined.expect("an observer joins").expect("it did not fail");
        Self { room, end, task }
    }

    /// The position of the newest message, once the observer has seen everything up to there.
    pub async fn end(&self) -> Position {
        let (answer, answered) = oneshot::channel();
        self.end.send(answer).expect("the observer watches");
        let end = timeout(EVENT_TIMEOUT, answered).await;
        end.expect("the observer catches up").expect("an answer")
    }

    /// What it saw, once its connection has ended by itself.
    pub async fn until_cut_off(self) -> History {
        self.until_ended().await.history
    }

    async fn until_ended(self) -> Recorder {
        let ended = timeout(EVENT_TIMEOUT, self.task).await;
        ended
            .expect("a killed server ends its connections")
            .unwrap()
    }

    /// Ends it.
    pub async fn stop(self) -> History {
        drop(self.end);
        let ended = timeout(EVENT_TIMEOUT, self.task).await;
        ended.unwrap().unwrap().history
    }
}

/// Where each room ends, once its observer has seen that.
pub async fn ends(observers: &[Observer]) -> BTreeMap<RoomIndex, Position> {
    let mut ends = BTreeMap::new();
    for (room, observer) in observers.iter().enumerate() {
        ends.insert(room, observer.end().await);
    }
    ends
}

async fn observe(
    mut recorder: Recorder,
    address: SocketAddr,
    room: RoomIndex,
    there: oneshot::Sender<()>,
    asked: mpsc::UnboundedReceiver<oneshot::Sender<Position>>,
) -> Recorder {
    let opened = Connection::open(address, Transport::WebSocket, "").await;
    let mut connection = opened.unwrap();
    while recorder.take(connection.packet().await) != Heard::Greeted {}
    connection.send(vec![recorder.join_frame(room, None)]);
    while recorder.take(connection.packet().await) != Heard::Joined {}
    there.send(()).expect("somebody waits for the observer");
    watch(recorder, connection, room, asked).await
}

async fn watch(
    mut recorder: Recorder,
    mut connection: Connection,
    room: RoomIndex,
    mut asked: mpsc::UnboundedReceiver<oneshot::Sender<Position>>,
) -> Recorder {
    let mut to_tell: Option<oneshot::Sender<Position>> = None;
    let mut newest: Option<u64> = None;
    loop {
        tokio::select! {
            packet = connection.packet() => match recorder.take(packet) {
                Heard::Ended => break,
                Heard::Answered { body, .. } => newest = Some(newest_id(&body)),
                Heard::Signals | Heard::Greeted | Heard::Joined | Heard::NotJoined => {}
            },
            question = asked.recv() => match question {
                None => break,
                Some(question) => {
                    to_tell = Some(question);
                    let limit = Some(r#"{"limit":1}"#);
                    connection.send(vec![event_frame("get_history", limit, Some(NEWEST))]);
                }
            },
        }
        let position = &recorder.positions[&room];
        if let Some(id) = newest.take_if(|id| *id <= position.id) {
            let epoch = position.epoch.clone();
            let answer = to_tell.take().expect("it was asked");
            let _gone = answer.send(Position { epoch, id }).is_err();
        }
    }
    recorder.note(Event::Lost);
    recorder
}

/// 0 in a room where nothing was said yet.
fn newest_id(body: &Value) -> u64 {
    assert_eq!(body["ok"], true, "{body}");
    let messages = body["messages"].as_array().unwrap();
    messages
        .last()
        .map_or(0, |message| message["id"].as_u64().unwrap())
}
