//! A client's connection that may fail at any moment: every failure is a value, and a server that
//! falls silent counts as gone, as with stock clients.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::dial::Transport;
use super::http::Failure;
use super::packet::Packet;
use super::session::{Outgoing, Session};

/// How long opening a connection, or moving it to another transport, may take.
const OPENING: Duration = Duration::from_secs(5);
/// How long a farewell may take to reach the server.
const FAREWELL: Duration = Duration::from_secs(1);

/// One connection. Dropping it loses it without a word to the server.
pub struct Connection {
    session: Session,
    /// The server pings this often, give or take the time a pong may take.
    silence_max: Duration,
    heard: Instant,
}

impl Connection {
    /// Opens a session and sends CONNECT with this `auth`. `Transport::Upgrade` starts as polling,
    /// and is moved with [`Self::upgrade`].
    pub async fn open(
        address: SocketAddr,
        transport: Transport,
        auth: &str,
    ) -> Result<Self, Failure> {
        let session = Session::open(address, transport, Vec::new(), true);
        let session = timeout(OPENING, session).await??;
        let ms = |key: &str| session.handshake()[key].as_u64().unwrap_or_default();
        let silence_max = Duration::from_millis(ms("pingInterval") + ms("pingTimeout"));
        let connection = Self {
            session,
            silence_max,
            heard: Instant::now(),
        };
        connection.send(vec![format!("40{auth}")]);
        Ok(connection)
    }

    /// Whether the session polls, so that it could be moved.
    pub fn polls(&self) -> bool {
        self.session.polls()
    }

    /// Writes packets as one burst. On a connection that has ended this does nothing: its end is
    /// read.
    pub fn send(&self, packets: Vec<String>) {
        let _ended = self.session.send(Outgoing::Texts(packets));
    }

    /// The next packet; after too long a silence, the end. Cancel safe.
    pub async fn packet(&mut self) -> Packet {
        let packet = timeout_at(self.heard + self.silence_max, self.session.packet()).await;
        self.heard = Instant::now();
        match packet {
            Ok(Some(packet)) => packet,
            Ok(None) => Packet::TransportClosed("already".to_owned()),
            Err(_) => Packet::TransportClosed("silence".to_owned()),
        }
    }

    /// Takes nothing from the network for a while.
    pub async fn stop_reading_for(&mut self, time: Duration) {
        self.session.set_reading(false);
        sleep(time).await;
        self.session.set_reading(true);
        self.heard = Instant::now();
    }

    /// Moves a polling session to a WebSocket, as stock clients do.
    pub async fn upgrade(&mut self) -> Result<(), Failure> {
        timeout(OPENING, self.session.upgrade()).await??;
        self.heard = Instant::now();
        Ok(())
    }

    /// Says goodbye (if `politely`, in Socket.IO's words too) and waits until that has gone
    /// out. Returns what still came.
    pub async fn hang_up(mut self, politely: bool) -> Vec<Packet> {
        if politely {
            self.send(vec!["41".to_owned()]);
        }
        let _ended = self.session.send(Outgoing::HangUp);
        let mut packets = Vec::new();
        let deadline = Instant::now() + FAREWELL;
        while let Ok(packet) = timeout_at(deadline, self.packet()).await {
            if matches!(packet, Packet::TransportClosed(_)) {
                break;
            }
            packets.push(packet);
        }
        packets
    }
}
