//! Binary attachments, which this chat does not have: rows 19 to 23.

use std::time::Duration;

use crate::support::{Client, Packet, Transport};
use crate::ward::{MARK, Ward};

/// Sends a text and then binary packets on a chat connection, which must close without an answer.
async fn closes(ward: &Ward, transport: Transport, text: Option<&str>, parts: usize) {
    let mut eve = Client::connect(ward.server(), transport).await;
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
    let ward = Ward::start().await;
    for transport in [Transport::WebSocket, Transport::Polling] {
        let event = r#"451-["send_message",{"_placeholder":true,"num":0}]"#;
        closes(&ward, transport, Some(event), 1).await;
        let ack = r#"461-7[{"_placeholder":true,"num":0}]"#;
        closes(&ward, transport, Some(ack), 1).await;
    }
    ward.finish(&["packet"]).await;
}

#[tokio::test]
async fn row_20_many_attachments_close_when_they_are_announced() {
    let ward = Ward::start().await;
    let announcement = r#"459999-["send_message",{"_placeholder":true,"num":0}]"#;
    // Nothing that follows is waited for.
    closes(&ward, Transport::WebSocket, Some(announcement), 0).await;
    closes(&ward, Transport::WebSocket, Some(announcement), 9000).await;
    ward.finish(&["packet"]).await;
}

#[tokio::test]
async fn row_21_numbers_of_attachments_that_are_none_close() {
    let ward = Ward::start().await;
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
        closes(&ward, Transport::WebSocket, Some(&text), 0).await;
    }
    ward.finish(&["packet"]).await;
}

#[tokio::test]
async fn row_22_text_where_an_attachment_was_announced_closes() {
    let ward = Ward::start().await;
    let mut eve = Client::joined(ward.server(), "tech", MARK).await;
    eve.send_all(vec![
        r#"451-["send_message",{"_placeholder":true,"num":0}]"#.to_owned(),
        r#"42["send_message",{"text":"h0st1le"}]"#.to_owned(),
    ]);
    // The text may still be taken, as any that was sent before the end.
    eve.until_closed().await;
    ward.finish(&["packet"]).await;
}

#[tokio::test]
async fn row_23_binary_nobody_announced_closes() {
    let ward = Ward::start().await;
    for transport in [Transport::WebSocket, Transport::Polling] {
        closes(&ward, transport, None, 1).await;
        for text in ["bAQID", "b!!!!", "b", "bh0st1le"] {
            closes(&ward, transport, Some(text), 0).await;
        }
    }
    ward.until_rejected("packet", 10, Duration::from_secs(5))
        .await;
    ward.finish(&["packet"]).await;
}
