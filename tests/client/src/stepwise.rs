//! Sessions in single steps: one request or frame at a time, and no task that answers pings.

use futures_util::{SinkExt, StreamExt};
use hyper::http::StatusCode;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::EVENT_TIMEOUT;
use super::polling::{Endpoint, SEPARATOR, opened};
use super::server::TestServer;
use super::websocket::{self, Socket};

/// The shortest heartbeat there is: 1 s, and 1 s to answer.
pub const QUICK: [(&str, &str); 2] = [("PING_INTERVAL", "1s"), ("PING_TIMEOUT", "1s")];

/// Opens a session over polling and does not connect it.
pub async fn polling(server: &TestServer) -> Endpoint {
    opened(server.address()).await
}

/// A poll, which must be answered.
pub async fn poll(endpoint: &mut Endpoint) -> String {
    let answer = endpoint.poll().await.unwrap();
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.body
}

/// A poll, which must find no session.
pub async fn poll_in_vain(endpoint: &mut Endpoint) {
    let answer = endpoint.poll().await.unwrap();
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
}

/// A post, which must be taken.
pub async fn post(endpoint: &mut Endpoint, body: &str) {
    let answer = endpoint.post(body.to_owned()).await.unwrap();
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (StatusCode::OK, "ok")
    );
}

/// Polls until a packet that starts so has come.
pub async fn poll_for(endpoint: &mut Endpoint, start: &str) -> String {
    loop {
        let body = poll(endpoint).await;
        if let Some(packet) = body
            .split(SEPARATOR)
            .find(|packet| packet.starts_with(start))
        {
            return packet.to_owned();
        }
    }
}

/// Opens a WebSocket on its own, and returns the open packet with it.
pub async fn websocket(server: &TestServer) -> (Socket, String) {
    let mut socket = websocket::open(server.address(), None, &[]).await.unwrap();
    let open = text(&mut socket).await;
    (socket, open)
}

/// A connected chat session on a WebSocket, greeted.
pub async fn chat(server: &TestServer) -> Socket {
    let (mut socket, _) = websocket(server).await;
    send(&mut socket, "40").await;
    text_for(&mut socket, "42[\"session\"").await;
    socket
}

/// A member of a room on a WebSocket, that has received everything so far.
pub async fn member(server: &TestServer) -> Socket {
    let mut socket = chat(server).await;
    send(&mut socket, r#"42["join_room",{"room_name":"tech"}]"#).await;
    text_for(&mut socket, "42[\"system_message\"").await;
    socket
}

/// Sends a text.
pub async fn send(socket: &mut Socket, packet: &str) {
    socket.send(Message::text(packet)).await.unwrap();
}

/// The next text.
pub async fn text(socket: &mut Socket) -> String {
    let next = timeout(EVENT_TIMEOUT, socket.next())
        .await
        .expect("something comes");
    match next {
        Some(Ok(Message::Text(text))) => text.as_str().to_owned(),
        other => panic!("{other:?} is no text"),
    }
}

/// The next text that is no ping.
pub async fn text_but_pings(socket: &mut Socket) -> String {
    loop {
        let text = text(socket).await;
        if text != "2" {
            return text;
        }
    }
}

/// The next text that starts so, whatever comes before it.
pub async fn text_for(socket: &mut Socket, start: &str) -> String {
    loop {
        let text = text(socket).await;
        if text.starts_with(start) {
            return text;
        }
    }
}

/// Reads to the end of a WebSocket, which must come. Returns the texts before it.
pub async fn until_closed(socket: &mut Socket) -> Vec<String> {
    let mut texts = Vec::new();
    let end = timeout(EVENT_TIMEOUT, async {
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Text(text) => texts.push(text.as_str().to_owned()),
                Message::Close(_) => {}
                other => panic!("{other:?}"),
            }
        }
    });
    end.await.expect("the server closes");
    texts
}
