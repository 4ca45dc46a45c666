//! Socket.IO 5: connect, disconnect, messages.

use futures_util::{SinkExt, StreamExt};
use hubbub_test_client::shape::keys;
use hubbub_test_client::stepwise::{
    chat, member, send, text, text_but_pings, text_for, until_closed, websocket,
};
use hubbub_test_client::{EVENT_TIMEOUT, TestServer};
use serde_json::Value;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::HUBBUB;

/// Sends a CONNECT as the first packet and returns the answer.
async fn connect(
    server: &TestServer,
    packet: &str,
) -> (hubbub_test_client::websocket::Socket, String) {
    let (mut socket, _) = websocket(server).await;
    send(&mut socket, packet).await;
    let answer = text_but_pings(&mut socket).await;
    (socket, answer)
}

#[tokio::test]
async fn the_main_namespace_is_connected_to() {
    let server = HUBBUB.start().await;
    let (mut socket, answer) = connect(&server, "40").await;
    assert_eq!(keys(answer.strip_prefix("40").unwrap()), ["sid"]);
    // The chat's greeting is where the suite's server shows what it was given.
    let greeting = text_but_pings(&mut socket).await;
    assert!(greeting.starts_with("42[\"room_list\","), "{greeting}");
}

#[tokio::test]
async fn a_payload_of_connect_arrives() {
    let server = HUBBUB.start().await;
    let (mut socket, answer) = connect(&server, r#"40{"token":"123"}"#).await;
    assert_eq!(keys(answer.strip_prefix("40").unwrap()), ["sid"]);
    let session = text_for(&mut socket, "42[\"session\",").await;
    let session: Value = serde_json::from_str(&session[2..]).unwrap();
    assert_eq!(
        session[1]["code"], "token_invalid",
        "it was read: {session}"
    );
}

/// There is one namespace, so all others are unknown.
#[tokio::test]
async fn other_namespaces_are_refused() {
    let server = HUBBUB.start().await;
    for (packet, name) in [
        ("40/random", "/random"),
        ("40/custom,", "/custom"),
        (r#"40/custom,{"token":"abc"}"#, "/custom"),
    ] {
        let (mut socket, answer) = connect(&server, packet).await;
        assert_eq!(
            answer,
            format!("44{name},{{\"message\":\"Invalid namespace\"}}")
        );
        // The connection is as good as before.
        send(&mut socket, "40").await;
        text_for(&mut socket, "42[\"room_list\",").await;
    }
}

#[tokio::test]
async fn a_first_packet_that_is_none_closes() {
    let server = HUBBUB.start().await;
    let (mut socket, _) = websocket(&server).await;
    send(&mut socket, "4abc").await;
    until_closed(&mut socket).await;
}

#[tokio::test]
async fn a_connection_without_connect_is_closed() {
    let server = HUBBUB.start_with(&[("CONNECT_TIMEOUT", "1s")]).await;
    let (mut socket, _) = websocket(&server).await;
    until_closed(&mut socket).await;
}

#[tokio::test]
async fn disconnecting_keeps_the_connection() {
    let server = HUBBUB.start_with(&[("PING_INTERVAL", "1s")]).await;
    let mut socket = chat(&server).await;
    send(&mut socket, "3").await;
    send(&mut socket, "41").await;
    while text(&mut socket).await != "2" {}
}

#[tokio::test]
async fn a_second_session_on_one_connection_is_refused_and_closes_it() {
    let server = HUBBUB.start_with(&[("PING_INTERVAL", "1s")]).await;
    let mut socket = chat(&server).await;
    send(&mut socket, "3").await;
    send(&mut socket, "41").await;
    // Until the library has done with the session before, it ignores a CONNECT: so one with each
    // ping, until the connection closes.
    let end = timeout(EVENT_TIMEOUT, async {
        while let Some(Ok(message)) = socket.next().await {
            match message.to_text().unwrap_or_default() {
                "2" => {
                    // May fail: it is closing.
                    let _gone = socket.send(Message::text("3")).await.is_err();
                    let _gone = socket.send(Message::text("40")).await.is_err();
                }
                text => assert!(text.is_empty() || text.starts_with("44"), "{text}"),
            }
        }
    });
    end.await.expect("it closes");
}

#[tokio::test]
async fn disconnecting_from_another_namespace_harms_nothing() {
    let server = HUBBUB.start().await;
    let mut socket = member(&server).await;
    send(&mut socket, "40/custom").await;
    let refused = text_for(&mut socket, "44").await;
    assert!(refused.starts_with("44/custom,"), "{refused}");
    send(&mut socket, "41/custom").await;
    send(
        &mut socket,
        r#"42["send_message",{"text":"message to main namespace"}]"#,
    )
    .await;
    let heard = text_for(&mut socket, "42[\"receive_message\"").await;
    assert!(heard.contains("message to main namespace"), "{heard}");
}

#[tokio::test]
async fn an_event_without_and_with_an_acknowledgement() {
    let server = HUBBUB.start().await;
    let mut socket = member(&server).await;
    // Further arguments are ignored.
    send(
        &mut socket,
        r#"42["send_message",{"text":"2"},1,{"3":[true]}]"#,
    )
    .await;
    let heard = text_for(&mut socket, "42[\"receive_message\"").await;
    assert!(heard.contains("\"text\":\"2\""), "{heard}");
    send(&mut socket, r#"42456["send_message",{"text":"with ack"}]"#).await;
    let ack = text_for(&mut socket, "43").await;
    assert!(ack.starts_with("43456[{\"ok\":true,"), "{ack}");
}

/// Binary attachments are refused by design: payloads in this chat are text.
#[tokio::test]
async fn binary_attachments_close() {
    let server = HUBBUB.start().await;
    for packet in [
        r#"452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
        r#"452-789["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
    ] {
        let mut socket = chat(&server).await;
        send(&mut socket, packet).await;
        let rest = until_closed(&mut socket).await;
        assert!(rest.iter().all(|text| !text.starts_with("46")), "{rest:?}");
    }
}

#[tokio::test]
async fn packets_of_an_invalid_format_close() {
    let server = HUBBUB.start().await;
    for packet in ["4abc", "42{}", r#"42abc["send_message",{"text":"2"}]"#] {
        let mut socket = chat(&server).await;
        send(&mut socket, packet).await;
        until_closed(&mut socket).await;
    }
    // Everybody else is served as before.
    let mut socket = chat(&server).await;
    send(&mut socket, "421[\"list_users\",{}]").await;
    assert!(!text(&mut socket).await.is_empty());
}
