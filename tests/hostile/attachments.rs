//! Binary attachments, which this chat does not have: rows 19 to 23.

use std::time::Duration;

use hubbub_test_client::{Client, Packet, Transport};

use crate::watched_server::{MARK, WatchedServer};

/// Sends a text and then binary packets on a chat connection, which must close without an answer.
async fn closes(watched: &WatchedServer, transport: Transport, text: Option<&str>, parts: usize) {
    let mut eve = Client::connect(watched.server(), transport).await;
    eve.join("tech", MARK).await;
    if let Some(text) = text {
        eve.send_raw(text);
    }
    for _ in 0..parts {
        eve.send_binary(vec![0; 999]);
    }
    for answer in eve.until_closed().await {
        let told = matches!(&answer, Packet::Event(event) if event.name != "receive_message");
        let end = matches!(answer, Packet::Close);
        assert!(told || end, "{text:?}: {answer:?}");
    }
}

#[tokio::test]
async fn row_19_an_event_with_an_attachment_closes() {
    let watched = WatchedServer::start().await;
    for transport in [Transport::WebSocket, Transport::Polling] {
        let event = r#"451-["send_message",{"_placeholder":true,"num":0}]"#;
        closes(&watched, transport, Some(event), 1).await;
        let ack = r#"461-7[{"_placeholder":true,"num":0}]"#;
        closes(&watched, transport, Some(ack), 1).await;
    }
    watched.finish(&["packet"]).await;
}

#[tokio::test]
async fn row_20_many_attachments_close_when_they_are_announced() {
    let watched = WatchedServer::start().await;
    let announcement = r#"459999-["send_message",{"_placeholder":true,"num":0}]"#;
    // Nothing that follows is waited for.
    closes(&watched, Transport::WebSocket, Some(announcement), 0).await;
    closes(&watched, Transport::WebSocket, Some(announcement), 9000).await;
    watched.finish(&["packet"]).await;
}

#[tokio::test]
async fn row_21_numbers_of_attachments_that_are_none_close() {
    let watched = WatchedServer::start().await;
    for count in [
        "10001",
        "4599999999999999999999999",
        "18446744073709551616",
        "-1",
        "",
        "1e3",
        "0x1",
    ] {
        let text = format!("45{count}-[\"send_message\",{{\"_placeholder\":true,\"num\":0}}]");
        closes(&watched, Transport::WebSocket, Some(&text), 0).await;
    }
    watched.finish(&["packet"]).await;
}

#[tokio::test]
async fn row_22_text_where_an_attachment_was_announced_closes() {
    let watched = WatchedServer::start().await;
    let mut eve = Client::joined(watched.server(), "tech", MARK).await;
    eve.send_all(vec![
        r#"451-["send_message",{"_placeholder":true,"num":0}]"#.to_owned(),
        r#"42["send_message",{"text":"h0st1le"}]"#.to_owned(),
    ]);
    // The text may still be taken, as any that was sent before the end.
    eve.until_closed().await;
    watched.finish(&["packet"]).await;
}

#[tokio::test]
async fn row_23_binary_nobody_announced_closes() {
    let watched = WatchedServer::start().await;
    for transport in [Transport::WebSocket, Transport::Polling] {
        closes(&watched, transport, None, 1).await;
        for text in ["bAQID", "b!!!!", "b", "bh0st1le"] {
            closes(&watched, transport, Some(text), 0).await;
        }
    }
    watched
        .until_rejected("packet", 10, Duration::from_secs(5))
        .await;
    watched.finish(&["packet"]).await;
}
