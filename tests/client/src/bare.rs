//! A connection without tasks, timers or parsing, for benchmarks that open very many of them.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::frames::{TEXT, frame};

/// A TCP connection, and what was read from it and not taken.
pub struct BareConnection {
    /// The connection.
    pub stream: TcpStream,
    /// Read, and not taken.
    pub unread: Vec<u8>,
}

impl BareConnection {
    /// Connects from an address of this machine.
    pub async fn open(server: SocketAddr, from: [u8; 4]) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        let from = SocketAddr::from((Ipv4Addr::from(from), 0));
        socket.bind(from).expect("a port");
        let stream = socket.connect(server).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket option");
        Self {
            stream,
            unread: Vec::with_capacity(2048),
        }
    }

    /// Opens a WebSocket with a session of its own.
    pub async fn handshake(&mut self) {
        self.handshake_for("").await;
    }

    /// Opens a WebSocket for a new session, or for one that polls, if the query names it: `&sid=…`.
    pub async fn handshake_for(&mut self, query: &str) {
        let request = format!(
            "GET /socket.io/?EIO=4&transport=websocket{query} HTTP/1.1\r\nHost: bench\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        self.write(request.as_bytes()).await;
        let answer = self.until("\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    }

    /// Sends a packet.
    pub async fn send(&mut self, packet: &str) {
        self.write(&frame(TEXT, packet.as_bytes())).await;
    }

    /// Writes bytes.
    pub async fn write(&mut self, bytes: &[u8]) {
        self.stream
            .write_all(bytes)
            .await
            .expect("a connection that takes bytes");
    }

    /// Reads some bytes. Cancel safe.
    pub async fn read(&mut self) {
        let read = self.stream.read_buf(&mut self.unread).await;
        let read = read.expect("a connection that gives bytes");
        assert!(
            read > 0,
            "closed after {:?}",
            String::from_utf8_lossy(&self.unread)
        );
    }

    /// Everything up to a mark. Frames from the server are not masked, so its words can be looked for
    /// in its bytes.
    pub async fn until(&mut self, mark: &str) -> String {
        let mut from = 0;
        loop {
            let found = self.unread[from..]
                .windows(mark.len())
                .position(|w| w == mark.as_bytes());
            if let Some(at) = found {
                let taken: Vec<u8> = self.unread.drain(..from + at + mark.len()).collect();
                return String::from_utf8_lossy(&taken).into_owned();
            }
            from = self.unread.len().saturating_sub(mark.len());
            self.read().await;
        }
    }

    /// Reads up to a packet that begins like this.
    pub async fn packet(&mut self, start: &str) {
        loop {
            while let Some((packet, length)) = first_packet(&self.unread) {
                let found = packet.starts_with(start);
                self.unread.drain(..length);
                if found {
                    return;
                }
            }
            self.read().await;
        }
    }
}

/// The packet in the first frame, and the frame's length, if all of it is there.
pub fn first_packet(bytes: &[u8]) -> Option<(&str, usize)> {
    // Frames from the server are not masked.
    let (head, length) = match *bytes.get(1)? {
        126 => (
            4,
            usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])),
        ),
        127 => panic!("a frame of more than 64 KiB"),
        length => (2, usize::from(length)),
    };
    let packet = bytes.get(head..head + length)?;
    Some((std::str::from_utf8(packet).expect("text"), head + length))
}
