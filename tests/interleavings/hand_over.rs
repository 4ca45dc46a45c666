//! Entries on their way from those who publish to one session: each is told once, in order, whoever
//! tells it, and none is left lying.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use loom::future::block_on;
use loom::thread;
use serde_json::value::RawValue;

use crate::explore;
use crate::link::Link;
use crate::metrics::Metrics;
use crate::outbox::{Connection, Outbox, Undeliverable, WINDOW_BYTES};
use crate::room::{Bell, Entry, EntryKind, Log, LogBounds, News, Read, Reader, Readers, Seat};
use crate::sync::{AtomicU64, Mutex, Ordering};

/// Not looked at, and made once for the same reason.
static METRICS: LazyLock<Arc<Metrics>> = LazyLock::new(Arc::default);

/// A number of any length. Made once, because loom runs a test some ten thousand times.
pub fn payload(id: u64, large: bool) -> Box<RawValue> {
    static LARGE: LazyLock<Vec<Box<RawValue>>> = LazyLock::new(|| {
        let number = |id: u64| format!("{id}.{}", "0".repeat(WINDOW_BYTES));
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

/// A room as far as its entries go: what `Room` does to publish one, in its order.
pub struct Room {
    log: Mutex<Log>,
    head: AtomicU64,
    pub readers: Arc<Readers>,
    large: bool,
}

impl Room {
    /// A room, and whether one of its entries fills the window.
    pub fn new(large: bool) -> Self {
        let bounds = LogBounds {
            messages_max: 0,
            bytes_max: 0,
            notices_max: 1000,
            keep_for: Duration::ZERO,
        };
        Self {
            log: Mutex::new(Log::new(bounds)),
            head: AtomicU64::new(0),
            readers: Arc::new(Readers::new("room", Arc::clone(&METRICS))),
            large,
        }
    }

    pub fn publish(&self) {
        let mut log = self.log.lock();
        let payload = payload(log.next_id(), self.large);
        let entry = log.push(EntryKind::Message, payload, Instant::now(), None);
        self.head.store(entry.id, Ordering::Release);
        self.readers.queue(entry);
        drop(log);
        self.readers.bring_queued();
    }

    fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    fn read_after(&self, position: u64, batch: &mut Vec<Arc<Entry>>) {
        let read = self.log.lock().read_after(position, 32, batch);
        assert!(matches!(read, Read::Entries { .. }), "{read:?}");
    }
}

/// What of a connection others reach.
#[derive(Debug)]
pub struct Line {
    pub bell: Arc<Bell>,
    /// What it was told. Not loom's, so it is never held over a step of loom's.
    pub heard: std::sync::Mutex<Vec<u64>>,
    /// Rung for each packet that the transport has to write.
    pub transport: Bell,
    last: u64,
    steps: AtomicU64,
}

impl Line {
    fn tell(&self, payload: &RawValue) {
        let id = payload.get().split('.').next().unwrap().parse().unwrap();
        // A step of loom's: others may go first here.
        self.steps.fetch_add(1, Ordering::Relaxed);
        self.heard.lock().unwrap().push(id);
        self.transport.ring(News::MAIL);
        if id == self.last {
            self.bell.ring(News::GONE);
        }
    }
}

/// Who is told what is broadcast. Not loom's, as above.
pub type Subscribers = Arc<std::sync::Mutex<Vec<Arc<Line>>>>;

/// A connection to somebody who hangs up once it has heard `last`.
#[derive(Debug)]
pub struct Client {
    pub line: Arc<Line>,
    subscribers: Subscribers,
}

impl Client {
    pub fn new(last: u64, subscribers: &Subscribers) -> Self {
        let line = Line {
            bell: Arc::default(),
            heard: std::sync::Mutex::default(),
            transport: Bell::default(),
            last,
            steps: AtomicU64::new(0),
        };
        Self {
            line: Arc::new(line),
            subscribers: Arc::clone(subscribers),
        }
    }

    fn is_ours(&self, line: &Arc<Line>) -> bool {
        Arc::ptr_eq(line, &self.line)
    }
}

impl Connection for Client {
    type Ack = ();

    fn emit(&self, _: &'static str, payload: &RawValue) -> Result<(), Undeliverable> {
        self.line.tell(payload);
        Ok(())
    }

    fn tell(&self, entry: &Entry) -> Result<(), Undeliverable> {
        self.line.tell(&entry.payload);
        Ok(())
    }

    fn broadcast(&self, _: &str, entry: &Entry) -> Result<(), Undeliverable> {
        let lines = self.subscribers.lock().unwrap().clone();
        lines.iter().for_each(|line| line.tell(&entry.payload));
        Ok(())
    }

    fn subscribe(&self, _: &str) {
        let mut lines = self.subscribers.lock().unwrap();
        assert!(!lines.iter().any(|line| self.is_ours(line)));
        lines.push(Arc::clone(&self.line));
    }

    fn unsubscribe(&self) {
        let mut lines = self.subscribers.lock().unwrap();
        assert!(lines.iter().any(|line| self.is_ours(line)));
        lines.retain(|line| !self.is_ours(line));
    }

    fn acknowledge(&self, (): (), _: &RawValue) -> Result<(), Undeliverable> {
        Ok(())
    }

    fn close_transport(&self) {}

    fn disconnect(&self) {}
}

/// A session in a room, as far as its entries go: what `Session` does, in its order.
pub struct Session {
    room: Arc<Room>,
    line: Arc<Line>,
    out: Arc<Outbox<Client>>,
    seat: Seat,
    cursor: u64,
}

impl Session {
    pub fn new(room: &Arc<Room>, client: Client, link: Arc<Link>) -> Self {
        let line = Arc::clone(&client.line);
        let out = Arc::new(Outbox::new(client, link, Arc::clone(&line.bell)));
        let reader: Arc<dyn Reader> = Arc::clone(&out) as _;
        Self {
            room: Arc::clone(room),
            line,
            out,
            seat: room.readers.seat(reader),
            cursor: 0,
        }
    }

    /// Until the client hangs up; then, what it heard.
    pub async fn run(mut self) -> Vec<u64> {
        loop {
            self.out.park(self.cursor);
            let news = self.line.bell.news().await;
            let cursor = self.out.unpark().unwrap();
            if cursor != self.cursor {
                self.seat.settle();
                self.cursor = cursor;
            }
            if news.has(News::GONE) {
                break;
            }
            self.tell_entries().await;
        }
        self.line.heard.lock().unwrap().clone()
    }

    async fn tell_entries(&mut self) {
        let mut batch = Vec::new();
        while self.cursor < self.room.head() {
            self.room.read_after(self.cursor, &mut batch);
            for entry in batch.drain(..) {
                self.cursor = entry.id;
                assert_eq!(self.out.tell(&entry).await, Ok(()));
            }
        }
    }
}

#[test]
fn each_entry_is_told_once_and_in_order() {
    explore(2, || {
        let room = Arc::new(Room::new(false));
        let client = Client::new(2, &Subscribers::default());
        let session = Session::new(&room, client, Arc::default());
        let publishers = [0, 1].map(|n| {
            let (room, line) = (Arc::clone(&room), Arc::clone(&session.line));
            thread::spawn(move || {
                if n == 1 {
                    // Something else wakes the session, maybe while the other is telling it.
                    line.bell.ring(News::MAIL);
                }
                room.publish();
            })
        });
        assert_eq!(block_on(session.run()), [1, 2]);
        for publisher in publishers {
            publisher.join().unwrap();
        }
    });
}

#[test]
fn one_publisher_may_go_on_while_the_session_takes_its_cursor_back() {
    explore(2, || {
        let room = Arc::new(Room::new(false));
        let client = Client::new(3, &Subscribers::default());
        let line = Arc::clone(&client.line);
        let session = Session::new(&room, client, Arc::default());
        let publisher = thread::spawn(move || {
            room.publish();
            // Something else wakes the session in between.
            line.bell.ring(News::MAIL);
            room.publish();
            room.publish();
        });
        assert_eq!(block_on(session.run()), [1, 2, 3]);
        publisher.join().unwrap();
    });
}

#[test]
fn readers_who_share_broadcasts_hear_the_same() {
    explore(2, || {
        let room = Arc::new(Room::new(false));
        let subscribers = Subscribers::default();
        let [one, other] = [(); 2].map(|()| {
            let client = Client::new(2, &subscribers);
            Session::new(&room, client, Arc::default())
        });
        let line = Arc::clone(&other.line);
        let other = thread::spawn(move || block_on(other.run()));
        let publisher = thread::spawn(move || {
            room.publish();
            // Something else wakes one of them in between, so it may not be there for the next.
            line.bell.ring(News::MAIL);
            room.publish();
        });
        assert_eq!(block_on(one.run()), [1, 2]);
        assert_eq!(other.join().unwrap(), [1, 2]);
        publisher.join().unwrap();
        assert!(
            subscribers.lock().unwrap().is_empty(),
            "who leaves is unsubscribed"
        );
    });
}
