//! A panic in one connection's task ends that connection only: the others hear everything, the
//! counts are right, and it is counted.
//!
//! A server whose code panics cannot be asked to from outside, so this runs sessions in process, over
//! a connection that panics when it is told a certain text.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hubbub::budget::{Account, Budget};
use hubbub::domain::{ReservedNames, RoomName, TextLimits};
use hubbub::metrics::Metrics;
use hubbub::protocol::{Auth, EventName, Limits};
use hubbub::room::{Entry, LogBounds, RoomSettings, Rooms};
use hubbub::session::{
    self, Connection, Door, Identities, Link, SessionSettings, Shared, Undeliverable,
};
use hubbub::telemetry;
use serde_json::value::RawValue;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinHandle;

const FATAL: &str = "the straw that breaks it";
const PATIENCE: Duration = Duration::from_secs(20);

/// Tells a test what it is told, or panics.
#[derive(Debug)]
struct Fragile {
    number: usize,
    told: UnboundedSender<String>,
    breaks: bool,
    link: Arc<Link>,
    air: Arc<Air>,
}

/// Who is subscribed to the one channel there is.
#[derive(Debug, Default)]
struct Air(Mutex<HashMap<usize, Listener>>);

type Listener = (UnboundedSender<String>, Arc<Link>);

impl Fragile {
    fn hear(&self, text: &str) -> Result<(), Undeliverable> {
        assert!(
            !(self.breaks && text.contains(FATAL)),
            "as this test wants it"
        );
        self.link.take(1);
        self.told.send(text.to_owned()).map_err(|_| Undeliverable)
    }
}

impl Connection for Fragile {
    type Ack = ();

    fn emit(&self, event: &'static str, payload: &RawValue) -> Result<(), Undeliverable> {
        self.hear(&format!("{event} {payload}"))
    }

    fn tell(&self, entry: &Entry) -> Result<(), Undeliverable> {
        self.hear(entry.payload.get())
    }

    fn broadcast(&self, _channel: &str, entry: &Entry) -> Result<(), Undeliverable> {
        for (told, link) in self.air.0.lock().unwrap().values() {
            link.take(1);
            told.send(entry.payload.get().to_owned())
                .map_err(|_| Undeliverable)?;
        }
        Ok(())
    }

    fn subscribe(&self, _channel: &str) {
        let listener = (self.told.clone(), Arc::clone(&self.link));
        self.air.0.lock().unwrap().insert(self.number, listener);
    }

    fn unsubscribe(&self) {
        self.air.0.lock().unwrap().remove(&self.number);
    }

    fn acknowledge(&self, (): (), _payload: &RawValue) -> Result<(), Undeliverable> {
        self.link.take(1);
        Ok(())
    }

    fn close_transport(&self) {}

    fn disconnect(&self) {}
}

struct Person {
    door: Door<()>,
    told: UnboundedReceiver<String>,
    task: JoinHandle<session::Ended>,
}

impl Person {
    fn join(shared: &Arc<Shared>, air: &Arc<Air>, name: &str, breaks: bool) -> Self {
        let (sender, told) = mpsc::unbounded_channel();
        let link = Arc::new(Link::default());
        let connection = Fragile {
            number: usize::from(name.as_bytes()[0]),
            air: Arc::clone(air),
            told: sender,
            breaks,
            link: Arc::clone(&link),
        };
        let (door, _end, session) = session::open(
            shared,
            &link,
            &Account::unbounded(),
            connection,
            &Auth::default(),
        );
        let task = tokio::spawn(session.run());
        let join = format!(r#"{{"room_name":"tech","username":"{name}"}}"#);
        door.receive(EventName::JoinRoom, Some(&join), None);
        Self { door, told, task }
    }

    fn say(&self, text: &str) {
        let payload = format!(r#"{{"text":"{text}"}}"#);
        self.door
            .receive(EventName::SendMessage, Some(&payload), None);
    }

    async fn until_told(&mut self, text: &str) {
        let heard = tokio::time::timeout(PATIENCE, async {
            while let Some(told) = self.told.recv().await {
                if told.contains(text) {
                    return true;
                }
            }
            false
        });
        assert_eq!(heard.await, Ok(true), "{text:?} was never told");
    }
}

fn shared(metrics: &Arc<Metrics>) -> Arc<Shared> {
    let rooms = Rooms::new(&RoomSettings {
        names: vec![RoomName::parse("tech").unwrap()],
        log: LogBounds {
            messages_max: 100,
            bytes_max: 0,
            keep_for: Duration::ZERO,
        },
        notice_limit: 0,
        state_interval: Duration::ZERO,
        slow_timeout: None,
        unique_names: false,
        metrics: Arc::clone(metrics),
        node: 0,
        backplane: None,
    });
    let limits = Limits {
        message_max_chars: 100,
        message_max_bytes: 400,
        message_rate: 0,
        message_burst: 1,
        history_rate: 0,
        history_burst: 1,
        request_rate: 0,
        request_burst: 1,
        username_max_chars: 32,
        client_id_max_chars: 64,
        client_id_window: 100,
        mailbox: 100,
        history_page_max: 200,
        payload_max_bytes: 10_000,
    };
    let settings = SessionSettings {
        mailbox: 100,
        text: TextLimits {
            chars_max: 100,
            bytes_max: 400,
        },
        messages: None,
        history: None,
        requests: None,
        limits,
        resume_grace: Duration::from_secs(600),
        kept_max: 0,
        reserved_names: ReservedNames::default(),
    };
    let identities = Identities::new(b"a key of this test");
    Arc::new(Shared::new(
        rooms,
        settings,
        identities,
        Arc::clone(metrics),
        Budget::new(0),
    ))
}

#[tokio::test]
async fn a_panic_ends_its_own_connection_only_and_is_counted() {
    let metrics = Arc::new(Metrics::default());
    let shared = shared(&metrics);
    let air = Arc::default();
    let mut ada = Person::join(&shared, &air, "Ada", false);
    ada.until_told("Ada has joined the room").await;
    let mut bob = Person::join(&shared, &air, "Bob", true);
    bob.until_told("Bob has joined the room").await;
    let mut eve = Person::join(&shared, &air, "Eve", false);
    eve.until_told("Eve has joined the room").await;

    // Said by him, so that it is his own task that tells him.
    telemetry::report_panics(&metrics);
    bob.say(FATAL);
    let ended = tokio::time::timeout(PATIENCE, bob.task).await.unwrap();
    drop(std::panic::take_hook());
    assert!(ended.is_err_and(|error| error.is_panic()));
    assert_eq!(metrics.panics.get(), 1);

    ada.until_told("Bob has left the room").await;
    eve.say("still here");
    ada.until_told("still here").await;
    eve.until_told("still here").await;
    let room = shared.rooms.all().next().unwrap();
    assert_eq!(room.member_count(), 2);
    assert!(!ada.task.is_finished() && !eve.task.is_finished());
}
