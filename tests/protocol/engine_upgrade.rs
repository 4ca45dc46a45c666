//! Engine.IO 4: the upgrade from polling to a WebSocket.

use futures_util::SinkExt;
use hubbub_test_client::TestServer;
use hubbub_test_client::polling::Endpoint;
use hubbub_test_client::stepwise::{poll, poll_in_vain, polling, send, text, text_for};
use hubbub_test_client::websocket::{self, Socket};
use hyper::http::StatusCode;
use tokio_tungstenite::tungstenite::Message;

use crate::HUBBUB;

/// A polling session, and a WebSocket that has probed for it.
async fn probed(server: &TestServer) -> (Endpoint, Socket) {
    let session = polling(server).await;
    let socket = websocket::open(server.address(), Some(&session.sid()), &[]).await;
    let mut socket = socket.unwrap();
    send(&mut socket, "2probe").await;
    assert_eq!(text(&mut socket).await, "3probe");
    (session, socket)
}

/// Finishes the upgrade and connects, so that the server has surely taken note.
async fn finish(socket: &mut Socket) {
    send(socket, "5").await;
    send(socket, "40").await;
    text_for(socket, "40{").await;
}

#[tokio::test]
async fn polling_hands_over_to_a_websocket() {
    let server = HUBBUB.start().await;
    let (mut session, mut socket) = probed(&server).await;
    // The first ping comes as ever; the poll that waits after that is ended.
    while poll(&mut session).await != "6" {}
    finish(&mut socket).await;
    text_for(&mut socket, "42[\"room_list\"").await;
}

#[tokio::test]
async fn the_poll_that_waits_is_ended_when_the_probe_is_answered() {
    let server = HUBBUB.start().await;
    let mut session = polling(&server).await;
    assert_eq!(poll(&mut session).await, "2", "the first ping");
    let mut waiting = session.clone();
    let waiting = tokio::spawn(async move { poll(&mut waiting).await });
    let mut socket = websocket::open(server.address(), Some(&session.sid()), &[])
        .await
        .unwrap();
    websocket::probe(&mut socket).await;
    assert_eq!(waiting.await.unwrap(), "6");
    finish(&mut socket).await;
}

#[tokio::test]
async fn what_follows_the_upgrade_in_one_write_arrives_in_order() {
    let server = HUBBUB.start().await;
    let (_session, mut socket) = probed(&server).await;
    for packet in [
        "5",
        "40",
        "421[\"join_room\",{\"room_name\":\"tech\"}]",
        "422[\"leave_room\"]",
    ] {
        socket.feed(Message::text(packet)).await.unwrap();
    }
    socket.flush().await.unwrap();
    text_for(&mut socket, "431[{\"ok\":true").await;
    text_for(&mut socket, "432[{\"ok\":true").await;
}

#[tokio::test]
async fn requests_for_an_upgraded_session_are_refused_and_it_goes_on() {
    let server = HUBBUB.start().await;
    let (mut session, mut socket) = probed(&server).await;
    finish(&mut socket).await;
    poll_in_vain(&mut session).await;
    let posted = session.post("41".to_owned()).await.unwrap();
    assert_eq!(posted.status, StatusCode::BAD_REQUEST);
    send(&mut socket, "421[\"list_users\",{}]").await;
    text_for(&mut socket, "431[").await;
}

#[tokio::test]
async fn another_websocket_for_an_upgraded_session_is_refused_and_it_goes_on() {
    let server = HUBBUB.start().await;
    let (session, mut socket) = probed(&server).await;
    finish(&mut socket).await;
    let second = websocket::open(server.address(), Some(&session.sid()), &[]).await;
    assert!(second.is_err(), "refused in the handshake");
    send(&mut socket, "421[\"list_users\",{}]").await;
    text_for(&mut socket, "431[").await;
}
