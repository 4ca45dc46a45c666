//! Entries on their way from those who publish to one session: each is sent once, in order, whoever
//! sends it, and none is left lying.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use loom::future::block_on;
use loom::thread;
use serde_json::value::RawValue;

use crate::connection::{Connection, SendError};
use crate::explore;
use crate::fake_stream::Stream;
use crate::flow_control::FlowControl;
use crate::outbox::{Outbox, POLL_BYTES};
use crate::room::{
    Batch, EntryKind, Fanout, Log, LogBounds, Notifier, Offered, Read, Signals, Subscriber,
    Subscription,
};
use crate::sync::{AtomicU64, Mutex, Ordering};

/// A number of any length. Made once, because loom runs a test some ten thousand times.
pub fn payload(id: u64, large: bool) -> Box<RawValue> {
    static LARGE: LazyLock<Vec<Box<RawValue>>> = LazyLock::new(|| {
        let number = |id: u64| format!("{id}.{}", "0".repeat(POLL_BYTES));
        (0..4)
            .map(|id| RawValue::from_string(number(id)).unwrap())
            .collect()
    });
    if large {
        LARGE[usize::try_from(id).unwrap()].clone()
    } else {
        RawValue::from_string(id.to_string()).unwrap()
    }
}

/// A room as far as its entries go: what `Room` does to publish and deliver them, in its order.
pub struct Room {
    log: Mutex<Log>,
    head: AtomicU64,
    pub fanout: Arc<Fanout>,
    large: bool,
}

impl Room {
    /// A room, and whether one of its entries fills the queue.
    pub fn new(large: bool) -> Self {
        let bounds = LogBounds {
            messages_max: 0,
            bytes_max: 0,
            notices_max: 1000,
            archived: false,
            keep_for: Duration::ZERO,
        };
        Self {
            log: Mutex::new(Log::new(bounds)),
            head: AtomicU64::new(0),
            fanout: Arc::default(),
            large,
        }
    }

    pub fn publish(&self) {
        let mut log = self.log.lock();
        let payload = payload(log.next_id(), self.large);
        let entry = log.push(EntryKind::Message, payload, Instant::now(), None);
        self.head.store(entry.id, Ordering::Release);
        drop(log);
        self.fanout.wake();
    }

    /// The room's fan-out, until the entry `last` has been offered.
    pub fn deliver_until(&self, last: u64) {
        let mut delivered = 0;
        while delivered < last {
            block_on(self.fanout.woken());
            loop {
                let mut entries = Vec::new();
                let read = self.log.lock().read_after(delivered, 32, &mut entries);
                let Read::Entries { upto } = read else {
                    panic!("{read:?}");
                };
                if entries.is_empty() {
                    break;
                }
                let batch = Batch::new(delivered, upto, entries);
                delivered = batch.upto;
                self.fanout.offer(&batch, 0);
            }
        }
    }

    fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }
}

/// What a client has received, and hangs up after it has received `last`.
#[derive(Debug)]
pub struct Line {
    pub notifier: Arc<Notifier>,
    /// Not loom's, so it is never held over a step of loom's.
    pub heard: std::sync::Mutex<Vec<u64>>,
    /// Rung for each packet that the transport has to write.
    pub transport: Notifier,
    last: u64,
    steps: AtomicU64,
}

impl Line {
    fn hear(&self, json: &str) {
        let id = json.split(['.', ']']).next().unwrap().parse().unwrap();
        // A step of loom's: others may go first here.
        self.steps.fetch_add(1, Ordering::Relaxed);
        self.heard.lock().unwrap().push(id);
        self.transport.notify(Signals::MAIL);
        if id == self.last {
            self.notifier.notify(Signals::GONE);
        }
    }

    pub fn hear_frames(&self, frames: &[u8]) {
        for event in String::from_utf8_lossy(frames)
            .split("\"receive_message\",")
            .skip(1)
        {
            self.hear(event);
        }
    }
}

/// A connection to a client.
#[derive(Debug)]
pub struct Client {
    pub line: Arc<Line>,
}

impl Client {
    pub fn new(last: u64) -> Self {
        let line = Line {
            notifier: Arc::default(),
            heard: std::sync::Mutex::default(),
            transport: Notifier::default(),
            last,
            steps: AtomicU64::new(0),
        };
        Self {
            line: Arc::new(line),
        }
    }
}

impl Connection for Client {
    type Ack = ();

    fn emit(&self, _: &'static str, payload: &RawValue) -> Result<(), SendError> {
        self.line.hear(payload.get());
        Ok(())
    }

    fn acknowledge(&self, (): (), _: &RawValue) -> Result<(), SendError> {
        Ok(())
    }

    fn ack_id((): &()) -> i64 {
        0
    }

    fn close_transport(&self) {}

    fn disconnect(&self) {}
}

/// Flow control of a transport that polls and has taken the reply to CONNECT.
pub fn polling() -> Arc<FlowControl> {
    let flow = Arc::new(FlowControl::default());
    flow.take(1);
    flow
}

/// The same over a WebSocket.
pub fn websocket(stream: &Arc<Stream>) -> Arc<FlowControl> {
    let flow = polling();
    flow.set_stream(Arc::clone(stream) as _);
    flow
}

/// A session in a room, as far as its entries go: what `Session` does, in its order.
pub struct Session {
    room: Arc<Room>,
    line: Arc<Line>,
    out: Arc<Outbox<Client>>,
    _subscription: Subscription,
    cursor: u64,
}

impl Session {
    pub fn new(room: &Arc<Room>, client: Client, flow: Arc<FlowControl>) -> Self {
        let line = Arc::clone(&client.line);
        let out = Arc::new(Outbox::new(client, flow, Arc::clone(&line.notifier)));
        let subscriber: Arc<dyn Subscriber> = Arc::clone(&out) as _;
        Self {
            room: Arc::clone(room),
            line,
            out,
            _subscription: room.fanout.subscribe(subscriber),
            cursor: 0,
        }
    }

    /// Until the client hangs up; then, what it received.
    pub async fn run(mut self) -> Vec<u64> {
        while self.out.drained().await.is_ok() {
            self.out.park(self.cursor);
            let news = self.line.notifier.wait().await;
            self.cursor = self.out.unpark().unwrap();
            if news.has(Signals::GONE) || self.send_entries().await.is_err() {
                break;
            }
        }
        self.line.heard.lock().unwrap().clone()
    }

    async fn send_entries(&mut self) -> Result<(), crate::connection::CloseReason> {
        while self.cursor < self.room.head() {
            let mut batch = Vec::new();
            let read = self.room.log.lock().read_after(self.cursor, 32, &mut batch);
            let Read::Entries { upto } = read else {
                panic!("{read:?}");
            };
            self.cursor = upto;
            self.out.send_entries(&batch, upto).await?;
        }
        Ok(())
    }
}

/// Runs a session and what others do meanwhile, and checks that it receives everything once.
fn hears(
    last: u64,
    takes_all: Option<bool>,
    publish: impl Fn(&Room, &Line) + Clone + Send + Sync + 'static,
) {
    explore(2, move || {
        let room = Arc::new(Room::new(false));
        let client = Client::new(last);
        let line = Arc::clone(&client.line);
        let stream = takes_all.map(|all| Stream::new(&line, all));
        let flow = stream.as_ref().map_or_else(polling, websocket);
        let taking = Arc::clone(&flow);
        let session = Session::new(&room, client, flow);
        let (publishing, publish) = (Arc::clone(&room), publish.clone());
        let publisher = thread::spawn(move || {
            publish(&publishing, &line);
            publishing.deliver_until(last);
            // What the network is slow to take, it takes now, as long as there is something.
            if let Some(stream) = stream {
                while stream.take()
                    || line.heard.lock().unwrap().len() < usize::try_from(last).unwrap()
                {
                    thread::yield_now();
                }
            }
            drop(taking);
        });
        let expected: Vec<u64> = (1..=last).collect();
        assert_eq!(block_on(session.run()), expected);
        publisher.join().unwrap();
    });
}

#[test]
fn each_entry_is_sent_once_and_in_order_over_a_websocket() {
    hears(3, Some(true), |room, line| {
        room.publish();
        // Something else wakes the session, maybe while the fan-out is sending to it.
        line.notifier.notify(Signals::MAIL);
        room.publish();
        room.publish();
    });
}

#[test]
fn each_entry_is_sent_once_and_in_order_where_the_network_is_slow() {
    hears(2, Some(false), |room, line| {
        room.publish();
        line.notifier.notify(Signals::MAIL);
        room.publish();
    });
}

#[test]
fn each_entry_is_sent_once_and_in_order_while_the_transport_polls() {
    hears(2, None, |room, line| {
        room.publish();
        line.notifier.notify(Signals::MAIL);
        room.publish();
    });
}

#[test]
fn the_fanout_and_a_publisher_at_once_leave_nothing_lying() {
    explore(2, || {
        let room = Arc::new(Room::new(false));
        let client = Client::new(2);
        let stream = Stream::new(&client.line, true);
        let session = Session::new(&room, client, websocket(&stream));
        let (publishing, delivering) = (Arc::clone(&room), Arc::clone(&room));
        let publisher = thread::spawn(move || {
            publishing.publish();
            publishing.publish();
        });
        let fanout = thread::spawn(move || delivering.deliver_until(2));
        assert_eq!(block_on(session.run()), [1, 2]);
        publisher.join().unwrap();
        fanout.join().unwrap();
    });
}

#[test]
fn a_subscriber_that_has_read_on_by_itself_is_not_sent_it_again() {
    let batch = |after: u64, upto: u64| {
        let mut log = Log::new(LogBounds {
            messages_max: 0,
            bytes_max: 0,
            notices_max: 1000,
            archived: false,
            keep_for: Duration::ZERO,
        });
        let entries = (0..upto)
            .map(|_| {
                let payload = payload(log.next_id(), false);
                log.push(EntryKind::Message, payload, Instant::now(), None)
            })
            .skip(usize::try_from(after).unwrap())
            .collect();
        Batch::new(after, upto, entries)
    };
    explore(1, move || {
        let client = Client::new(9);
        let line = Arc::clone(&client.line);
        let stream = Stream::new(&line, true);
        let out = Outbox::new(client, websocket(&stream), Arc::clone(&line.notifier));
        assert_eq!(
            out.offer(&batch(0, 1)),
            Offered::Behind,
            "no cursor is parked"
        );
        out.park(2);
        assert_eq!(out.offer(&batch(0, 2)), Offered::Known);
        assert_eq!(
            out.offer(&batch(1, 3)),
            Offered::Behind,
            "it begins too early"
        );
        assert_eq!(out.offer(&batch(2, 4)), Offered::Taken);
        assert_eq!(out.unpark(), Some(4));
        assert_eq!(*line.heard.lock().unwrap(), [3, 4]);
    });
}
