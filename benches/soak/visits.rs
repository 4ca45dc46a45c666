//! The visits: a connection each, or two where somebody comes back, written by hand because they are many.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use hubbub_test_client::bare::BareConnection;
use hubbub_test_client::frames::{CLOSE, TEXT, frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// How long one visit may take.
const VISIT_TIMEOUT: Duration = Duration::from_secs(20);
const ROOMS: [&str; 5] = ["general", "tech", "sports", "music", "gaming"];
const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

/// How a connection ends.
#[derive(Clone, Copy)]
pub enum Ending {
    /// Socket.IO DISCONNECT, then a closing frame.
    Goodbye,
    /// A closing frame alone.
    Closing,
    /// The end of the stream, without a frame.
    Finish,
    /// A reset.
    Reset,
}

/// What the visits added up to.
#[derive(Default)]
pub struct Said {
    pub connections: u64,
    pub messages: u64,
    returns: u64,
    lost: u64,
    polling: u64,
    unclaimed: u64,
}

impl Said {
    pub const fn add(&mut self, other: Self) {
        self.connections += other.connections;
        self.messages += other.messages;
        self.returns += other.returns;
        self.lost += other.lost;
        self.polling += other.polling;
        self.unclaimed += other.unclaimed;
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} connections: {} over polling, {} never claimed, {} places kept, {} of them claimed again; {} messages",
            self.connections, self.polling, self.unclaimed, self.lost, self.returns, self.messages
        )
    }
}

/// The `n`th visit. Which kind it is follows from `n` alone, so that runs compare.
pub async fn visit(server: SocketAddr, batch: u64, n: u64) -> Said {
    // Each batch comes from an address of its own: 28,000 ports in TIME_WAIT would else be all.
    let [.., high, low] = batch.to_be_bytes();
    let from = [127, 1, high, low];
    let patiently = timeout(VISIT_TIMEOUT, async {
        match n % 20 {
            0 => never_claimed(server, from, n).await,
            7 => polling(server, from, n).await,
            12 => ends_while_connecting(server, from, n).await,
            kind if kind % 4 == 1 => with_token(server, from, n).await,
            _ => stranger(server, from, n).await,
        }
    });
    patiently
        .await
        .unwrap_or_else(|_| panic!("visit {n} of kind {} hangs", n % 20))
}

async fn never_claimed(server: SocketAddr, from: [u8; 4], n: u64) -> Said {
    let mut line = BareConnection::open(server, from).await;
    if n.is_multiple_of(40) {
        line.handshake().await;
    } else {
        line.ask("GET", POLLING, "").await;
    }
    // Polling: left to the connect timeout.
    line.end(if n.is_multiple_of(3) {
        Ending::Finish
    } else {
        Ending::Reset
    })
    .await;
    Said {
        connections: 1,
        unclaimed: 1,
        ..Said::default()
    }
}

/// As the original's clients.
async fn stranger(server: SocketAddr, from: [u8; 4], n: u64) -> Said {
    let mut line = BareConnection::open(server, from).await;
    line.handshake().await;
    let messages = line.join_and_say("40", n).await;
    let endings = [
        Ending::Goodbye,
        Ending::Closing,
        Ending::Finish,
        Ending::Reset,
    ];
    line.end(endings[(n / 20) as usize % endings.len()]).await;
    Said {
        connections: 1,
        messages,
        ..Said::default()
    }
}

/// One that can resume: lost, and back with its token, or never seen again.
async fn with_token(server: SocketAddr, from: [u8; 4], n: u64) -> Said {
    let mut line = BareConnection::open(server, from).await;
    line.handshake().await;
    line.send("40{\"token\":null}").await;
    let session = line.until("\"server\":").await;
    let (_, token) = session.split_once("\"token\":\"").expect("a token");
    let (token, _) = token.split_once('"').expect("a token");
    let connect = format!("40{{\"token\":\"{token}\"}}");
    let mut messages = line.join_and_say("", n).await;
    let comes_back = !n.is_multiple_of(3);
    // Some are still there when they come back, and are taken over from.
    let taken_over = n.is_multiple_of(7);
    let mut said = Said {
        connections: 1,
        lost: 1,
        ..Said::default()
    };
    if !taken_over {
        line.end(if n.is_multiple_of(2) {
            Ending::Finish
        } else {
            Ending::Reset
        })
        .await;
    }
    if comes_back {
        let mut again = BareConnection::open(server, from).await;
        again.handshake().await;
        messages += again.join_and_say(&connect, n).await;
        again.end(Ending::Goodbye).await;
        said.connections += 1;
        said.returns += 1;
    }
    said.messages = messages;
    said
}

async fn polling(server: SocketAddr, from: [u8; 4], n: u64) -> Said {
    let mut line = BareConnection::open(server, from).await;
    let open = line.ask("GET", POLLING, "").await;
    let (_, sid) = open.split_once("\"sid\":\"").expect("a session");
    let (sid, _) = sid.split_once('"').expect("a session");
    let path = format!("{POLLING}&sid={sid}");
    line.ask("POST", &path, "40").await;
    while !line.ask("GET", &path, "").await.contains("40{") {}
    line.ask("POST", &path, &join(n)).await;
    while !line
        .ask("GET", &path, "")
        .await
        .contains("\"join_confirm\"")
    {}
    match n / 20 % 3 {
        0 => drop(line.ask("POST", &path, "41").await),
        1 => drop(line.ask("POST", &path, "1").await),
        // Not a word: the heartbeat ends it.
        _ => {}
    }
    line.end(Ending::Finish).await;
    Said {
        connections: 1,
        polling: 1,
        ..Said::default()
    }
}

/// One that ends in the middle of CONNECT or of an upgrade.
async fn ends_while_connecting(server: SocketAddr, from: [u8; 4], n: u64) -> Said {
    let mut line = BareConnection::open(server, from).await;
    let ending = if n.is_multiple_of(3) {
        Ending::Finish
    } else {
        Ending::Reset
    };
    let kind = n / 20 % 5;
    if kind == 0 {
        line.handshake().await;
        line.send("40").await;
    } else {
        let open = line.ask("GET", POLLING, "").await;
        let (_, sid) = open.split_once("\"sid\":\"").expect("a session");
        let (sid, _) = sid.split_once('"').expect("a session");
        let path = format!("{POLLING}&sid={sid}");
        match kind {
            // No room to answer CONNECT in.
            1 => drop(
                line.ask("POST", &path, &("40/x,\x1e".repeat(200) + "40"))
                    .await,
            ),
            2 => drop(line.ask("POST", &path, "40\x1e1").await),
            _ => {
                let mut socket = BareConnection::open(server, from).await;
                socket.handshake_for(&format!("&sid={sid}")).await;
                socket.send("2probe").await;
                if kind == 3 {
                    socket.until("3probe").await;
                    socket
                        .write(&[frame(TEXT, b"5"), frame(TEXT, b"40")].concat())
                        .await;
                }
                socket.end(ending).await;
                if kind == 4 {
                    // It polls on, and says goodbye.
                    line.ask("POST", &path, "40\x1e1").await;
                }
            }
        }
    }
    line.end(ending).await;
    Said {
        connections: 1,
        polling: u64::from(kind > 0),
        ..Said::default()
    }
}

fn join(n: u64) -> String {
    let room = ROOMS[n as usize % ROOMS.len()];
    format!("42[\"join_room\",{{\"room_name\":\"{room}\",\"username\":\"Visitor {n}\"}}]")
}

/// What a visit does over its connection.
pub trait Visitor {
    /// Joins, and says something now and then. Returns how many messages that was.
    async fn join_and_say(&mut self, connect: &str, n: u64) -> u64;

    async fn goodbye(self);

    async fn end(&mut self, ending: Ending);

    /// One HTTP request and the body of its answer.
    async fn ask(&mut self, method: &str, path: &str, body: &str) -> String;
}

impl Visitor for BareConnection {
    async fn join_and_say(&mut self, connect: &str, n: u64) -> u64 {
        if !connect.is_empty() {
            self.send(connect).await;
            // As every client does: what comes before the answer is for nobody.
            self.until("40{\"sid\"").await;
        }
        let mut frames = frame(TEXT, join(n).as_bytes());
        let says = (n / 4).is_multiple_of(3);
        if says {
            let message = format!("42[\"send_message\",{{\"text\":\"I am number {n}.\"}}]");
            frames.extend(frame(TEXT, message.as_bytes()));
        }
        self.write(&frames).await;
        self.until("42[\"join_confirm\"").await;
        if says {
            self.until(&format!("\"text\":\"I am number {n}.\"")).await;
        }
        u64::from(says)
    }

    async fn goodbye(mut self) {
        self.end(Ending::Goodbye).await;
    }

    async fn end(&mut self, ending: Ending) {
        match ending {
            Ending::Goodbye | Ending::Closing => {
                let mut last = Vec::new();
                if matches!(ending, Ending::Goodbye) {
                    last = frame(TEXT, b"41");
                }
                last.extend(frame(CLOSE, b""));
                self.write(&last).await;
                // Until the server has closed; what it still says is nobody's.
                while matches!(self.stream.read_buf(&mut self.unread).await, Ok(1..)) {}
            }
            Ending::Finish => self.stream.shutdown().await.unwrap_or_default(),
            Ending::Reset => self.stream.set_zero_linger().expect("a socket option"),
        }
    }

    async fn ask(&mut self, method: &str, path: &str, body: &str) -> String {
        let length = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: soak\r\nContent-Length: {length}\r\n\r\n");
        self.write(format!("{head}{body}").as_bytes()).await;
        let head = self.until("\r\n\r\n").await.to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 200 "), "{method} {path}: {head}");
        let (_, length) = head.split_once("content-length: ").expect("a length");
        let length: usize = length
            .lines()
            .next()
            .expect("a length")
            .parse()
            .expect("a length");
        while self.unread.len() < length {
            self.read().await;
        }
        let body = self.unread.drain(..length).collect();
        String::from_utf8(body).expect("text")
    }
}
