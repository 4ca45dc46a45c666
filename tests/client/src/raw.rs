//! A connection over which any bytes can be sent: HTTP that no library would write, and WebSocket
//! frames that break the rules.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use super::EVENT_TIMEOUT;
use super::frames::{TEXT, frame, parse};
use super::server::TestServer;

/// One TCP connection.
pub struct Raw {
    stream: TcpStream,
    read: Vec<u8>,
}

/// A frame of the server's: its first byte and its payload.
pub type Frame = (u8, Vec<u8>);

impl Raw {
    /// Connects.
    pub async fn open(server: &TestServer) -> Self {
        let stream = TcpStream::connect(server.address()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(stream)
    }

    /// Connects from another address of this machine.
    #[cfg(target_os = "linux")]
    pub async fn from(address: &str, server: &TestServer) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket
            .bind((address.parse::<IpAddr>().unwrap(), 0).into())
            .unwrap();
        Self::over(socket.connect(server.address()).await.unwrap())
    }

    /// Over a connection made elsewhere.
    pub fn over(stream: TcpStream) -> Self {
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// Sends bytes; whether that was possible.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let sent = timeout(EVENT_TIMEOUT, self.stream.write_all(bytes.as_ref())).await;
        sent.expect("the server keeps reading or closes").is_ok()
    }

    /// Reads some; false at the end of the connection.
    async fn fill(&mut self) -> bool {
        let read = timeout(EVENT_TIMEOUT, self.stream.read_buf(&mut self.read)).await;
        let read = read.unwrap_or_else(|_| {
            panic!(
                "nothing comes after {:?}",
                String::from_utf8_lossy(&self.read)
            )
        });
        matches!(read, Ok(1..))
    }

    /// Whether an answer of status 200 begins to come. Reads no more of it than that.
    pub async fn begins(&mut self) -> bool {
        let mut start = [0; 12];
        let read = timeout(EVENT_TIMEOUT, self.stream.read_exact(&mut start)).await;
        read.is_ok_and(|read| read.is_ok()) && start.ends_with(b" 200")
    }

    /// Everything up to the end of the connection, which must come.
    pub async fn until_closed(&mut self) -> String {
        while self.fill().await {}
        String::from_utf8_lossy(&std::mem::take(&mut self.read)).into_owned()
    }

    /// The head of the next answer.
    pub async fn head(&mut self) -> String {
        loop {
            if let Some(end) = self.read.windows(4).position(|w| w == b"\r\n\r\n") {
                let head: Vec<u8> = self.read.drain(..end + 4).collect();
                return String::from_utf8(head).unwrap();
            }
            assert!(self.fill().await, "closed before an answer");
        }
    }

    /// The bytes of a whole answer with a `Content-Length`, head and body.
    pub async fn answer(&mut self) -> String {
        let head = self.head().await;
        let length = head.to_lowercase();
        let (_, length) = length.split_once("content-length: ").expect("a length");
        let length: usize = length[..length.find('\r').unwrap()].parse().unwrap();
        while self.read.len() < length {
            assert!(self.fill().await, "closed within an answer");
        }
        let body: Vec<u8> = self.read.drain(..length).collect();
        head + &String::from_utf8(body).unwrap()
    }

    /// Reads `length` bytes, half of them evenly over `time`. Returns how many came.
    pub async fn read_slowly(&mut self, length: usize, time: Duration) -> usize {
        const STEPS: u32 = 40;
        let step = length / 2 / STEPS as usize;
        let (mut taken, mut steps) = (0, 0);
        loop {
            taken += self.read.len();
            self.read.clear();
            if steps < STEPS && taken >= step * steps as usize {
                steps += 1;
                sleep(time / STEPS).await;
            }
            if taken >= length || !self.fill().await {
                return taken;
            }
        }
    }

    /// Opens a WebSocket with these further headers. Returns the head of the answer.
    pub async fn websocket(server: &TestServer, headers: &str) -> (Self, String) {
        let mut raw = Self::open(server).await;
        let request = upgrade_request("websocket", &format!("{WHOLE}{headers}"));
        assert!(raw.send(request).await);
        let head = raw.head().await;
        (raw, head)
    }

    /// A chat connection over a raw WebSocket, greeted.
    pub async fn chat(server: &TestServer) -> Self {
        let (mut raw, head) = Self::websocket(server, "").await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        assert!(raw.send(frame(TEXT, b"40")).await);
        raw.until_text("42[\"session\"").await;
        raw
    }

    /// The same where the server may turn it away, or close it soon; `None` then.
    pub async fn chat_if_let_in(server: &TestServer) -> Option<Self> {
        let mut raw = Self::open(server).await;
        let request = upgrade_request("websocket", WHOLE);
        let connect = frame(TEXT, b"40");
        if !raw.send(request).await {
            return None;
        }
        while !raw.read.windows(4).any(|w| w == b"\r\n\r\n") {
            if !raw.fill().await {
                return None;
            }
        }
        if !raw.head().await.starts_with("HTTP/1.1 101") || !raw.send(connect).await {
            return None;
        }
        while let Some((_, payload)) = raw.frame().await {
            if payload.starts_with(b"42[\"session\"") {
                return Some(raw);
            }
        }
        None
    }

    /// The next frame; `None` at the end of the connection.
    pub async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some((first, payload, length)) = parse(&self.read) {
                self.read.drain(..length);
                return Some((first, payload));
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// Reads past frames to a text that starts so.
    pub async fn until_text(&mut self, start: &str) -> String {
        loop {
            let (first, payload) = self.frame().await.expect("the connection is open");
            if first == TEXT && payload.starts_with(start.as_bytes()) {
                return String::from_utf8(payload).unwrap();
            }
        }
    }

    /// All frames up to the end of the connection, which must come.
    pub async fn frames_until_closed(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.frame().await {
            frames.push(frame);
        }
        frames
    }

    /// Sends bytes and reads past whole frames meanwhile; whether that was possible.
    pub async fn send_while_reading(&mut self, bytes: &[u8]) -> bool {
        let (mut from, mut to) = self.stream.split();
        let read = &mut self.read;
        let reading = async {
            while matches!(from.read_buf(read).await, Ok(1..)) {
                let mut past = 0;
                while let Some((.., length)) = parse(&read[past..]) {
                    past += length;
                }
                read.drain(..past);
            }
        };
        tokio::select! {
            written = timeout(EVENT_TIMEOUT, to.write_all(bytes)) => matches!(written, Ok(Ok(()))),
            () = reading => false,
        }
    }

    /// Reads and writes simultaneously: writes `piece` again and again until the server closes, for at
    /// most `patience`. Returns what the server said.
    pub async fn flood_until_closed(self, piece: &[u8], patience: Duration) -> String {
        let (mut from, mut to) = self.stream.into_split();
        let writing = async {
            while to.write_all(piece).await.is_ok() {}
            io::Result::Ok(())
        };
        let reading = async {
            let mut said = Vec::new();
            while matches!(from.read_buf(&mut said).await, Ok(1..)) {}
            said
        };
        let both = async { tokio::join!(writing, reading).1 };
        let said = timeout(patience, both).await.expect("the server closes");
        String::from_utf8_lossy(&said).into_owned()
    }
}

/// The headers of a whole WebSocket handshake.
pub const WHOLE: &str = "connection: upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

/// A request for a WebSocket with these headers.
pub fn upgrade_request(transport: &str, headers: &str) -> String {
    format!("GET /socket.io/?EIO=4&transport={transport} HTTP/1.1\r\nhost: x\r\n{headers}\r\n")
}
