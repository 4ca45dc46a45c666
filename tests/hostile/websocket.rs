//! Frames that break the rules of WebSocket (RFC 6455): rows 24, 26, 27.
//!
//! The connection closes. The close frame has no code: the library sends it without one, and what
//! a broken client would do with 1002, 1007 or 1009 is not tested here.

use hubbub_test_client::EVENT_TIMEOUT;
use hubbub_test_client::Raw;
use hubbub_test_client::frames::{CLOSE, TEXT, frame, header};

use crate::watched_server::{MARK, WatchedServer};

/// Sends bytes on a chat connection, which must close without saying anything.
async fn closes(watched: &WatchedServer, what: &str, bytes: &[u8]) {
    let mut eve = Raw::chat(watched.server()).await;
    // May fail: the server closes while it is still being written to.
    eve.send(bytes).await;
    for (first, payload) in eve.frames_until_closed().await {
        let text = String::from_utf8_lossy(&payload).into_owned();
        let harmless = text == "2" || text == "1" || text.starts_with("42[\"room_update\"");
        assert!(
            first == CLOSE || first == TEXT && harmless,
            "{what}: {first:x} {text}"
        );
    }
}

#[tokio::test]
async fn row_24_a_packet_that_is_too_large_closes() {
    let watched = WatchedServer::start().await;
    let huge = 15 * 1024 * 1024;
    // At its header, before any of it has come.
    let mut announced = header(TEXT, huge, 0x80);
    announced.extend([0; 4]);
    closes(&watched, "announced", &announced).await;
    let text = format!("42[\"send_message\",{{\"text\":\"{}\"}}]", "x".repeat(huge));
    closes(&watched, "sent", &frame(TEXT, text.as_bytes())).await;
    // And in parts, none of which is too large.
    let part = vec![b'x'; 500_000];
    let mut parts = frame(0x01, &part);
    for _ in 0..20 {
        parts.extend(frame(0x00, &part));
    }
    closes(&watched, "in parts", &parts).await;
    // More than any number there is.
    let endless = [&[TEXT, 0xff][..], &[0xff; 8], &[0; 4]].concat();
    closes(&watched, "endless", &endless).await;
    watched.until_rejected("transport", 4, EVENT_TIMEOUT).await;
    assert_eq!(watched.rejected("transport").await, 4);
    watched.finish(&["transport"]).await;
}

#[tokio::test]
async fn row_26_frames_against_the_rules_close() {
    let watched = WatchedServer::start().await;
    let event = format!("42[\"send_message\",{{\"text\":\"{MARK}\"}}]");
    let event = event.as_bytes();
    let unmasked = [header(TEXT, event.len(), 0), event.to_vec()].concat();
    let cases = [
        ("unmasked", unmasked),
        ("RSV1", frame(TEXT | 0x40, event)),
        ("RSV2", frame(TEXT | 0x20, event)),
        ("RSV3", frame(TEXT | 0x10, event)),
        ("a reserved data opcode", frame(0x83, event)),
        ("a reserved control opcode", frame(0x8b, event)),
        (
            "no UTF-8",
            frame(TEXT, b"42[\"send_message\",\"\xff\xfe\"]"),
        ),
        ("a surrogate in UTF-8", frame(TEXT, b"42[\"\xed\xa0\x80\"]")),
        ("a long ping", frame(0x89, &[0; 126])),
        ("a ping in parts", frame(0x09, b"part")),
        ("a part of nothing", frame(0x80, event)),
        (
            "a text within a text",
            [frame(0x01, b"42["), frame(TEXT, event)].concat(),
        ),
    ];
    for (so_far, (what, bytes)) in cases.iter().enumerate() {
        closes(&watched, what, bytes).await;
        watched
            .until_rejected("transport", so_far as u64 + 1, EVENT_TIMEOUT)
            .await;
    }
    assert_eq!(watched.rejected("transport").await, cases.len() as u64);
    watched.finish(&["transport"]).await;
}

/// Whoever closes, however badly, has closed: there is nothing to refuse in that.
#[tokio::test]
async fn row_26_bad_close_frames_close() {
    let watched = WatchedServer::start().await;
    let codes = [0_u16, 999, 1004, 1005, 1006, 1015, 5000, 65535];
    let mut cases: Vec<Vec<u8>> = codes
        .iter()
        .map(|code| code.to_be_bytes().to_vec())
        .collect();
    cases.push(vec![3]);
    cases.push([&1000_u16.to_be_bytes()[..], b"\xff\xff h0st1le"].concat());
    for payload in cases {
        closes(&watched, &format!("{payload:?}"), &frame(CLOSE, &payload)).await;
    }
    watched.finish(&[]).await;
}

#[tokio::test]
async fn row_27_compression_is_not_negotiated() {
    let watched = WatchedServer::start().await;
    let offer = "sec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n";
    let (mut eve, head) = Raw::websocket(watched.server(), offer).await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert!(!head.to_lowercase().contains("extensions"), "{head}");
    assert!(eve.send(frame(TEXT, b"40")).await);
    eve.until_text("42[\"session\"").await;
    // What would be a bomb is a frame with a reserved bit.
    let deflated_zeros = [0xec, 0xc1, 0x01, 0x01, 0x00, 0x00, 0x00, 0x80, 0x90, 0xfe];
    assert!(eve.send(frame(TEXT | 0x40, &deflated_zeros)).await);
    eve.frames_until_closed().await;
    watched.finish(&["transport"]).await;
}
