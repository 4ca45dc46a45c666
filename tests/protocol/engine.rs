//! Engine.IO 4: handshake, messages, heartbeat, close.

use futures_util::SinkExt;
use hubbub_test_client::TestServer;
use hubbub_test_client::http::Line;
use hubbub_test_client::polling::{Endpoint, connected_by_hand};
use hubbub_test_client::shape::keys;
use hubbub_test_client::stepwise::{
    QUICK, chat, member, poll, poll_for, poll_in_vain, polling, post, send, text, text_but_pings,
    text_for, until_closed, websocket,
};
use hyper::http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::HUBBUB;

fn check_open(packet: &str, upgrades: &Value) {
    let raw = packet.strip_prefix('0').unwrap();
    let fields = [
        "sid",
        "upgrades",
        "pingInterval",
        "pingTimeout",
        "maxPayload",
    ];
    let mut found = keys(raw);
    found.sort();
    let mut wanted = fields.map(str::to_owned);
    wanted.sort();
    assert_eq!(found, wanted);
    let open: Value = serde_json::from_str(raw).unwrap();
    assert!(
        open["sid"].as_str().is_some_and(|sid| !sid.is_empty()),
        "{open}"
    );
    assert_eq!(&open["upgrades"], upgrades);
    assert_eq!(
        (&open["pingInterval"], &open["pingTimeout"]),
        (&json!(1000), &json!(1000))
    );
    assert!(
        open["maxPayload"]
            .as_u64()
            .is_some_and(|bytes| bytes >= 1_000_000),
        "{open}"
    );
}

async fn status(server: &TestServer, method: Method, query: &str) -> StatusCode {
    let mut line = Line::new(server.address());
    let path = format!("/socket.io/{query}");
    let answer = line.request(method, &path, &[], String::new()).await;
    answer.unwrap().status
}

/// How a WebSocket handshake with this query is answered.
async fn websocket_status(server: &TestServer, query: &str) -> StatusCode {
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let url = format!("ws://{}/socket.io/{query}", server.address());
    match tokio_tungstenite::client_async(url, stream).await {
        Err(tungstenite::Error::Http(answer)) => answer.status(),
        other => panic!("{query}: {other:?}"),
    }
}

#[tokio::test]
async fn polling_opens_a_session() {
    let server = HUBBUB.start_with(&QUICK).await;
    let open = poll(&mut Endpoint::new(server.address(), Vec::new())).await;
    check_open(&open, &json!(["websocket"]));
}

#[tokio::test]
async fn a_websocket_opens_a_session() {
    let server = HUBBUB.start_with(&QUICK).await;
    check_open(&websocket(&server).await.1, &json!([]));
}

#[tokio::test]
async fn other_versions_and_transports_are_refused() {
    let server = HUBBUB.start().await;
    for query in [
        "?transport=polling",
        "?EIO=abc&transport=polling",
        "?EIO=4",
        "?EIO=4&transport=abc",
    ] {
        let found = status(&server, Method::GET, query).await;
        assert_eq!(found, StatusCode::BAD_REQUEST, "{query}");
    }
    for query in [
        "?transport=websocket",
        "?EIO=abc&transport=websocket",
        "?EIO=4",
        "?EIO=4&transport=abc",
    ] {
        let found = websocket_status(&server, query).await;
        assert_eq!(found, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn other_methods_are_refused() {
    let server = HUBBUB.start().await;
    for method in [Method::POST, Method::PUT] {
        let found = status(&server, method, "?EIO=4&transport=polling").await;
        assert_eq!(found, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_post_of_one_packet_and_of_several() {
    let server = HUBBUB.start().await;
    let (mut session, _) = connected_by_hand(server.address()).await;
    post(&mut session, r#"421["join_room",{"room_name":"tech"}]"#).await;
    let ack = poll_for(&mut session, "431").await;
    assert!(ack.contains("\"ok\":true"), "{ack}");
    let say = |n: u32| format!("42[\"send_message\",{{\"text\":\"test{n}\"}}]");
    post(&mut session, &[say(1), say(2), say(3)].join("\x1e")).await;
    let mut heard = String::new();
    while !heard.contains("test3") {
        heard.push_str(&poll(&mut session).await);
    }
    let at = |n: u32| heard.find(&format!("test{n}")).unwrap();
    assert!(at(1) < at(2) && at(2) < at(3), "{heard}");
}

/// Binary is not for this chat: the session closes where the suites want an echo.
#[tokio::test]
async fn binary_packets_close_the_session() {
    let server = HUBBUB.start().await;
    let (mut session, _) = connected_by_hand(server.address()).await;
    session.post("bAQIDBA==".to_owned()).await.unwrap();
    while session.poll().await.unwrap().status == StatusCode::OK {}
    let mut socket = chat(&server).await;
    socket
        .send(Message::binary(&[1, 2, 3, 4][..]))
        .await
        .unwrap();
    until_closed(&mut socket).await;
}

#[tokio::test]
async fn a_packet_that_is_none_closes_the_session() {
    let server = HUBBUB.start().await;
    let mut session = polling(&server).await;
    let posted = session.post("abc".to_owned()).await.unwrap();
    assert_eq!(posted.status, StatusCode::BAD_REQUEST);
    poll_in_vain(&mut session).await;
    let (mut socket, _) = websocket(&server).await;
    send(&mut socket, "abc").await;
    until_closed(&mut socket).await;
}

#[tokio::test]
async fn two_polls_at_once_close_the_session() {
    let server = HUBBUB.start().await;
    let mut session = polling(&server).await;
    assert_eq!(
        poll(&mut session).await,
        "2",
        "the first ping comes at once"
    );
    let mut other = session.clone();
    let (one, other) = tokio::join!(session.poll(), other.poll());
    let (one, other) = (one.unwrap(), other.unwrap());
    // The first poll waits, and ends because the second one closes the session.
    let (waited, came_second) = if one.status == StatusCode::OK {
        (one, other)
    } else {
        (other, one)
    };
    assert_eq!((waited.status, waited.body.as_str()), (StatusCode::OK, "1"));
    assert_eq!(came_second.status, StatusCode::BAD_REQUEST);
    poll_in_vain(&mut session).await;
}

#[tokio::test]
async fn a_poll_that_is_broken_off_closes_the_session() {
    let server = HUBBUB.start().await;
    let mut session = polling(&server).await;
    assert_eq!(poll(&mut session).await, "2");
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let path = format!("/socket.io/?EIO=4&transport=polling&sid={}", session.sid());
    // The server has the poll in hand once it has answered what came with it, and before it.
    let requests = ["/livez", &path].map(|path| format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"));
    stream
        .write_all(requests.concat().as_bytes())
        .await
        .unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    drop(stream);
    // A poll that comes before the server has noticed waits, and the end lets it go.
    let next = session.poll().await.unwrap();
    if next.status == StatusCode::OK {
        assert!(["1", "6"].contains(&next.body.as_str()), "{next:?}");
        poll_in_vain(&mut session).await;
    } else {
        assert_eq!(next.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_websocket_carries_messages() {
    let server = HUBBUB.start().await;
    let mut socket = member(&server).await;
    send(&mut socket, r#"42["send_message",{"text":"hello"}]"#).await;
    let heard = text_for(&mut socket, "42[\"receive_message\"").await;
    assert!(heard.contains("hello"), "{heard}");
}

#[tokio::test]
async fn pings_come_and_are_answered() {
    let server = HUBBUB.start_with(&[("PING_INTERVAL", "1s")]).await;
    let mut session = polling(&server).await;
    let (mut socket, _) = websocket(&server).await;
    for _ in 0..3 {
        assert_eq!(poll(&mut session).await, "2");
        post(&mut session, "3").await;
        assert_eq!(text(&mut socket).await, "2");
        send(&mut socket, "3").await;
    }
}

#[tokio::test]
async fn a_ping_without_an_answer_closes_the_session() {
    let server = HUBBUB.start_with(&QUICK).await;
    let mut session = polling(&server).await;
    let (mut socket, _) = websocket(&server).await;
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    poll_in_vain(&mut session).await;
    until_closed(&mut socket).await;
}

#[tokio::test]
async fn a_client_closes_its_session() {
    let server = HUBBUB.start().await;
    let mut session = polling(&server).await;
    assert_eq!(poll(&mut session).await, "2");
    let mut waiting = session.clone();
    let waiting = tokio::spawn(async move { poll(&mut waiting).await });
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    post(&mut session, "1").await;
    assert_eq!(waiting.await.unwrap(), "6");
    poll_in_vain(&mut session).await;
    let (mut socket, _) = websocket(&server).await;
    send(&mut socket, "1").await;
    until_closed(&mut socket).await;
    // Nothing of either is left for the next session.
    let mut socket = chat(&server).await;
    send(&mut socket, "421[\"list_users\",{}]").await;
    assert!(text_but_pings(&mut socket).await.starts_with("431["));
}
