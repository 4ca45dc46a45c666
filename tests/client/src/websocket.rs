//! The WebSocket transport: one task that writes, one that reads and answers pings.

use std::net::SocketAddr;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use hyper::http::{HeaderName, HeaderValue};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::packet::Packet;
use super::session::{Channels, Outgoing};

/// A WebSocket straight over TCP, so that dropping it is a connection lost.
pub type Socket = WebSocketStream<TcpStream>;

/// Opens a WebSocket: a new session, or the other end of an upgrade where `sid` names one.
pub async fn open(
    address: SocketAddr,
    sid: Option<&str>,
    headers: &[(String, String)],
) -> Result<Socket, Error> {
    let sid = sid.map(|sid| format!("&sid={sid}")).unwrap_or_default();
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket{sid}");
    let mut request = url.into_client_request()?;
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        request
            .headers_mut()
            .insert(name, HeaderValue::from_str(value).unwrap());
    }
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (socket, _response) = tokio_tungstenite::client_async(request, stream).await?;
    Ok(socket)
}

/// Starts the two tasks on an open WebSocket.
pub(crate) fn run(socket: Socket, outgoing: UnboundedReceiver<Outgoing>, channels: &mut Channels) {
    let (sink, stream) = socket.split();
    channels.tasks.spawn(write(sink, outgoing));
    let pongs = channels.answers_pings.then(|| channels.outgoing.clone());
    channels.tasks.spawn(read(
        stream,
        channels.incoming.clone(),
        pongs,
        channels.reading.subscribe(),
    ));
}

/// A failed write needs no report: the reading half sees the same end.
async fn write(mut sink: SplitSink<Socket, Message>, mut outgoing: UnboundedReceiver<Outgoing>) {
    while let Some(next) = outgoing.recv().await {
        let written = match next {
            Outgoing::Texts(texts) => write_all(&mut sink, texts).await,
            Outgoing::Binary(bytes) => sink.send(Message::Binary(bytes.into())).await,
            Outgoing::HangUp => sink.close().await,
            Outgoing::StopPolling => Ok(()),
        };
        if written.is_err() {
            return;
        }
    }
}

/// Flushed once at the end, so that a burst is one.
async fn write_all(sink: &mut SplitSink<Socket, Message>, texts: Vec<String>) -> Result<(), Error> {
    for text in texts {
        sink.feed(Message::Text(text.into())).await?;
    }
    sink.flush().await
}

async fn read(
    mut stream: SplitStream<Socket>,
    incoming: UnboundedSender<Packet>,
    pongs: Option<UnboundedSender<Outgoing>>,
    mut reading: watch::Receiver<bool>,
) {
    let end = loop {
        if reading.wait_for(|&reading| reading).await.is_err() {
            return;
        }
        let packet = match stream.next().await {
            Some(Ok(Message::Text(text))) => Packet::parse(&text),
            Some(Ok(Message::Binary(bytes))) => Packet::Unexpected(format!("binary {bytes:?}")),
            Some(Ok(Message::Close(frame))) => break format!("close frame {frame:?}"),
            Some(Ok(_)) => continue,
            Some(Err(error)) => break error.to_string(),
            None => break "end of stream".to_owned(),
        };
        if let (Packet::Ping, Some(pongs)) = (&packet, &pongs) {
            let _gone = pongs.send(Outgoing::Texts(vec!["3".to_owned()])).is_err();
        }
        if incoming.send(packet).is_err() {
            return;
        }
    };
    let _gone = incoming.send(Packet::TransportClosed(end)).is_err();
}

/// The first half of an upgrade: the server answers on the new transport.
pub async fn probe(socket: &mut Socket) {
    socket.send(Message::Text("2probe".into())).await.unwrap();
    let answer = socket.next().await.unwrap().unwrap();
    assert_eq!(answer.to_text().unwrap(), "3probe");
}

/// The second half of an upgrade: from here on everything goes over the new transport.
pub async fn finish_upgrade(socket: &mut Socket) -> Result<(), Error> {
    socket.send(Message::Text("5".into())).await
}
