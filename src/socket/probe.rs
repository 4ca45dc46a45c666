//! A WebSocket that is about to replace polling (Engine.IO 4, "Upgrade").
//!
//! The library stops serving polls when such a WebSocket opens and ends the session when it fails. So
//! the exchange of `2probe`, `3probe` and `5` is done here. Once the upgrade is certain, the exchange
//! is replayed to the library (see [`REPLAYED`]).

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::context::ConnectionContext;

/// Longest time an upgrade takes.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);
/// A client finishes its poll before it sends `5`, so the poll that waits is answered when the probe
/// has been. A poll that begins just then is answered after this time, the next after twice that, and
/// so on. So a client that never sends `5` is not kept polling.
const RELEASE_AFTER: Duration = Duration::from_millis(100);
/// Bytes of a message in this exchange.
const MESSAGE_BYTES_MAX: usize = 1024;

/// What the library reads of the exchange: `2probe` and `5` as a client sends them (RFC 6455,
/// section 5.2), masked with zeros.
pub const REPLAYED: &[u8] = b"\x81\x86\0\0\0\x002probe\x81\x81\0\0\0\x005";
/// What the library answers, and the client has received already: `3probe` as a server sends it.
pub const ANSWERED: &[u8] = b"\x81\x063probe";

/// Why a WebSocket does not replace polling.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The client hung up.
    #[error("the client hung up")]
    HungUp,
    /// The client sent something that is not part of an upgrade.
    #[error("not part of an upgrade")]
    Unexpected,
    /// It took too long.
    #[error("the upgrade took too long")]
    TimedOut,
    /// The session is over, or another WebSocket has replaced polling.
    #[error("the session is over, or upgraded already")]
    TooLate,
}

/// Waits until the client has decided for this WebSocket. Polling continues meanwhile.
///
/// # Errors
/// [`ProbeError`]; the session continues to poll.
pub async fn probe<S>(stream: S, context: &Weak<ConnectionContext>) -> Result<S, ProbeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let over = {
        let context = context.upgrade().ok_or(ProbeError::TooLate)?;
        let polling = context.polling().ok_or(ProbeError::TooLate)?;
        polling.probes_over().clone()
    };
    tokio::select! {
        biased;
        () = over.cancelled() => Err(ProbeError::TooLate),
        probed = timeout(UPGRADE_TIMEOUT, exchange(stream, context)) => {
            probed.unwrap_or(Err(ProbeError::TimedOut))
        }
    }
}

async fn exchange<S>(stream: S, context: &Weak<ConnectionContext>) -> Result<S, ProbeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = WebSocketConfig::default()
        .read_buffer_size(MESSAGE_BYTES_MAX)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let stream = ByteWise { stream };
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
    expect(&mut socket, "2probe").await?;
    let answered = socket.send(Message::text("3probe")).await;
    answered.map_err(|_| ProbeError::HungUp)?;
    tokio::select! {
        biased;
        upgraded = expect(&mut socket, "5") => upgraded?,
        () = release_polls(context) => return Err(ProbeError::TooLate),
    }
    Ok(socket.into_inner().stream)
}

async fn expect<S>(socket: &mut WebSocketStream<S>, packet: &str) -> Result<(), ProbeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        return match socket.next().await {
            Some(Ok(Message::Text(text))) if text == packet => Ok(()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
            None | Some(Ok(Message::Close(_)) | Err(Error::Io(_) | Error::ConnectionClosed)) => {
                Err(ProbeError::HungUp)
            }
            // A connection that is cut counts as a fault of the protocol there.
            Some(Err(Error::Protocol(
                tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            ))) => Err(ProbeError::HungUp),
            Some(Ok(_) | Err(_)) => Err(ProbeError::Unexpected),
        };
    }
}

/// Answers the polls that a client has to finish first. Returns when the session is over.
async fn release_polls(context: &Weak<ConnectionContext>) {
    let mut pause = RELEASE_AFTER;
    loop {
        {
            let Some(context) = context.upgrade() else {
                return;
            };
            if let Some(polling) = context.polling() {
                polling.release_poll();
            }
        }
        sleep(pause).await;
        pause *= 2;
    }
}

pin_project! {
    /// A stream that is read byte by byte, so that bytes behind the exchange stay in it.
    struct ByteWise<S> {
        #[pin]
        stream: S,
    }
}

impl<S: AsyncRead> AsyncRead for ByteWise<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let mut byte = [0];
        let mut byte = ReadBuf::new(&mut byte);
        ready!(self.project().stream.poll_read(cx, &mut byte))?;
        buf.put_slice(byte.filled());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite> AsyncWrite for ByteWise<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.project().stream.poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_shutdown(cx)
    }
}

/// One of a session's upgrade tries; ends it when dropped.
pub struct ProbeSlot(Weak<ConnectionContext>);

impl ProbeSlot {
    /// For a try that [`super::polling_session::PollingSession::begin_probe`] allowed.
    pub fn new(context: &Arc<ConnectionContext>) -> Self {
        Self(Arc::downgrade(context))
    }
}

impl Drop for ProbeSlot {
    fn drop(&mut self) {
        if let Some(context) = self.0.upgrade()
            && let Some(polling) = context.polling()
        {
            polling.end_probe();
        }
    }
}
