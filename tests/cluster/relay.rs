//! A TCP relay between nodes and Redis, which can be slow, cut every connection, and lead nowhere.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// How the way to Redis is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// How long what nodes send takes.
    pub up: Duration,
    /// How long what Redis answers takes.
    pub down: Duration,
    /// Whether connections are accepted at all.
    pub open: bool,
}

impl Way {
    /// Nothing stands in it.
    pub const CLEAR: Self = Self {
        up: Duration::ZERO,
        down: Duration::ZERO,
        open: true,
    };

    /// Redis cannot be reached.
    pub const BARRED: Self = Self {
        open: false,
        ..Self::CLEAR
    };
}

/// A relay in front of a Redis. Dropping it ends all its connections.
pub struct Relay {
    address: SocketAddr,
    way: watch::Sender<Way>,
    /// Counts the cuts.
    cuts: watch::Sender<u64>,
    _accepting: JoinSet<()>,
}

impl Relay {
    /// Starts a relay to that address.
    pub async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (way, cuts) = (watch::Sender::new(Way::CLEAR), watch::Sender::new(0));
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, target, way.subscribe(), cuts.subscribe()));
        Self {
            address,
            way,
            cuts,
            _accepting: accepting,
        }
    }

    /// What nodes take for the URL of Redis.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Changes how the way is, for the connections there are too.
    pub fn set(&self, way: Way) {
        self.way.send_replace(way);
    }

    /// Ends the connections there are.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    way: watch::Receiver<Way>,
    cuts: watch::Receiver<u64>,
) {
    let mut links = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (node, _) = accepted.unwrap();
                if way.borrow().open {
                    let (way, cuts) = (way.clone(), cuts.clone());
                    links.spawn(async move { drop(link(node, target, way, cuts).await) });
                }
            }
            Some(_ended) = links.join_next() => {}
        }
    }
}

/// One connection, until an end of it or a cut ends it.
async fn link(
    node: TcpStream,
    target: SocketAddr,
    way: watch::Receiver<Way>,
    mut cuts: watch::Receiver<u64>,
) -> io::Result<()> {
    cuts.mark_unchanged();
    let redis = TcpStream::connect(target).await?;
    node.set_nodelay(true)?;
    redis.set_nodelay(true)?;
    let (from_node, to_node) = node.into_split();
    let (from_redis, to_redis) = redis.into_split();
    let (up, down) = (way.clone(), way);
    tokio::select! {
        ended = carry(from_node, to_redis, move || up.borrow().up) => ended,
        ended = carry(from_redis, to_node, move || down.borrow().down) => ended,
        _cut = cuts.changed() => Ok(()),
    }
}

/// One direction. What comes takes its time by itself: nothing waits for what came before it.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    time: impl Fn() -> Duration,
) -> io::Result<()> {
    let (send, mut under_way) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let reading = async {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let n = from.read(&mut buffer).await?;
            let sent = send.send((Instant::now() + time(), buffer[..n].to_vec()));
            if n == 0 || sent.is_err() {
                return io::Result::Ok(());
            }
        }
    };
    let writing = async {
        while let Some((due, bytes)) = under_way.recv().await {
            sleep_until(due).await;
            if bytes.is_empty() {
                break;
            }
            to.write_all(&bytes).await?;
        }
        io::Result::Ok(())
    };
    // The end of the stream is the last thing under way.
    tokio::try_join!(reading, writing).map(|_| ())
}
