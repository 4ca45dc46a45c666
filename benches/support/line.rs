//! A client's connection by hand, because they are many.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// A TCP connection, and what was read from it and not looked at.
pub struct Line {
    pub stream: TcpStream,
    pub unread: Vec<u8>,
}

impl Line {
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

    pub async fn handshake(&mut self) {
        self.handshake_for("").await;
    }

    /// For a new session, or for one that polls where the query says so: `&sid=…`.
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

    pub async fn send(&mut self, packet: &str) {
        self.write(&frame(1, packet)).await;
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        self.stream
            .write_all(bytes)
            .await
            .expect("a connection that takes bytes");
    }

    pub async fn read(&mut self) {
        let read = self.stream.read_buf(&mut self.unread).await;
        let read = read.expect("a connection that gives bytes");
        assert!(
            read > 0,
            "closed after {:?}",
            String::from_utf8_lossy(&self.unread)
        );
    }

    /// Everything up to a mark. Frames from the server are not masked, so
    /// its words can be looked for in its bytes.
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
}

/// A whole frame, masked with zeros.
pub fn frame(opcode: u8, text: &str) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match u8::try_from(text.len()) {
        Ok(length @ ..=125) => frame.push(0x80 | length),
        _ => {
            frame.push(0x80 | 126);
            frame.extend(
                u16::try_from(text.len())
                    .expect("a short text")
                    .to_be_bytes(),
            );
        }
    }
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}
