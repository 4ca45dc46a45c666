//! A panic in one connection's task ends that connection only: the others receive everything, the
//! counts are right, and it is counted.
//!
//! A server whose code panics cannot be asked to from outside, so this runs sessions in process,
//! over a connection that panics when a certain text is sent over it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::time::Duration;

use hubbub::domain::{ReservedNames, RoomName, TextLimits};
use hubbub::memory::{MemoryAccount, MemoryBudget};
use hubbub::metrics::Metrics;
use hubbub::protocol::{Auth, Limits};
use hubbub::room::{LogBounds, RoomSettings, Rooms};
use hubbub::session::{
    self, Connection, FlowControl, HoldSettings, Identities, InboxSender, SendError,
    SessionSettings, Shared, commands,
};
use hubbub::store::MemoryStore;
use hubbub::telemetry;
use serde_json::value::RawValue;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinHandle;

const FATAL: &str = "the straw that breaks it";
const EVENT_TIMEOUT: Duration = Duration::from_secs(20);

/// Hands a test what is sent over it, or panics.
#[derive(Debug)]
struct Fragile {
    told: UnboundedSender<String>,
    breaks: bool,
    flow: Arc<FlowControl>,
}

impl Fragile {
    fn hear(&self, text: &str) -> Result<(), SendError> {
        assert!(
            !(self.breaks && text.contains(FATAL)),
            "as this test wants it"
        );
        self.flow.take(1);
        self.told.send(text.to_owned()).map_err(|_| SendError)
    }
}

impl Connection for Fragile {
    type Ack = ();

    fn emit(&self, event: &'static str, payload: &RawValue) -> Result<(), SendError> {
        self.hear(&format!("{event} {payload}"))
    }

    fn acknowledge(&self, (): (), _payload: &RawValue) -> Result<(), SendError> {
        self.flow.take(1);
        Ok(())
    }

    fn ack_id((): &()) -> i64 {
        0
    }

    fn close_transport(&self) {}

    fn disconnect(&self) {}
}

struct Person {
    inbox: InboxSender<()>,
    told: UnboundedReceiver<String>,
    task: JoinHandle<session::CloseReason>,
}

impl Person {
    fn join(shared: &Arc<Shared>, name: &str, breaks: bool) -> Self {
        let (sender, told) = mpsc::unbounded_channel();
        let flow = Arc::new(FlowControl::default());
        let connection = Fragile {
            told: sender,
            breaks,
            flow: Arc::clone(&flow),
        };
        let (inbox, _end, session) = session::open(
            shared,
            &flow,
            &MemoryAccount::unbounded(),
            connection,
            session::identify(shared, &Auth::default(), None).unwrap(),
        );
        let task = tokio::spawn(session.run());
        let join = format!(r#"{{"room_name":"tech","username":"{name}"}}"#);
        inbox.receive(commands::find("join_room").unwrap(), Some(&join), None);
        Self { inbox, told, task }
    }

    fn say(&self, text: &str) {
        let payload = format!(r#"{{"text":"{text}"}}"#);
        let send = commands::find("send_message").unwrap();
        self.inbox.receive(send, Some(&payload), None);
    }

    async fn until_told(&mut self, text: &str) {
        let heard = tokio::time::timeout(EVENT_TIMEOUT, async {
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
    let rooms = Arc::new(Rooms::new(&RoomSettings {
        names: vec![RoomName::parse("tech").unwrap()],
        log: LogBounds {
            messages_max: 100,
            notices_max: 1000,
            ..LogBounds::default()
        },
        metrics: Arc::clone(metrics),
        ..RoomSettings::default()
    }));
    let limits = Limits {
        message_max_chars: 100,
        message_max_bytes: 400,
        message_rate: 0,
        message_burst: 1,
        history_rate: 0,
        history_burst: 1,
        request_rate: 0,
        request_burst: 1,
        answer_bytes_rate: 0,
        answer_bytes_burst: 1,
        username_max_chars: 32,
        username_max_bytes: 128,
        client_id_max_chars: 64,
        client_id_window: 100,
        mailbox: 100,
        history_page_max: 200,
        users_page_max: 1000,
        payload_max_bytes: 10_000,
        park_after_ms: 0,
        edit_window_ms: 0,
    };
    let settings = SessionSettings {
        inbox_max: 100,
        text: TextLimits {
            chars_max: 100,
            bytes_max: 400,
        },
        rates: None,
        users_per_address: None,
        limits,
        hold: HoldSettings {
            resume_grace: Duration::from_secs(600),
            away_grace: Duration::from_secs(600),
            away_settled: Duration::ZERO,
            held_max: 0,
        },
        reserved_names: ReservedNames::default(),
        audit_retention: None,
    };
    let identities = Identities::new(b"a key of this test");
    Arc::new(Shared::new(
        rooms,
        Arc::new(MemoryStore::new(false)),
        settings,
        identities,
        Arc::clone(metrics),
        MemoryBudget::new(0),
    ))
}

#[tokio::test]
async fn a_panic_ends_its_own_connection_only_and_is_counted() {
    let metrics = Arc::new(Metrics::default());
    let shared = shared(&metrics);
    let _rooms = shared.rooms.start();
    let mut ada = Person::join(&shared, "Ada", false);
    ada.until_told("Ada has joined the room").await;
    let mut bob = Person::join(&shared, "Bob", true);
    bob.until_told("Bob has joined the room").await;
    let mut eve = Person::join(&shared, "Eve", false);
    eve.until_told("Eve has joined the room").await;

    telemetry::report_panics(&metrics);
    bob.say(FATAL);
    let ended = tokio::time::timeout(EVENT_TIMEOUT, bob.task).await.unwrap();
    drop(std::panic::take_hook());
    // In his own task, or in the room's, which ends him for it.
    match ended {
        Ok(ended) => assert_eq!(ended, session::CloseReason::Slow),
        Err(error) => assert!(error.is_panic()),
    }
    assert_eq!(metrics.panics.get(), 1);

    ada.until_told("Bob has left the room").await;
    eve.say("still here");
    ada.until_told("still here").await;
    eve.until_told("still here").await;
    let room = shared.rooms.all().next().unwrap();
    assert_eq!(room.member_count(), 2);
    assert!(!ada.task.is_finished() && !eve.task.is_finished());
}
