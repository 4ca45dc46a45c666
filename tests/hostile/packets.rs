//! Packets that are none, and packets where they do not belong: rows 1 to 4, 11, 13 to 15, 17.

use hubbub_test_client::{Client, Dial, Packet, Transport};

use crate::watched_server::{MARK, WatchedServer, leave};

/// Sends each on a chat connection of its own, which must close without any answer.
async fn each_closes(watched: &WatchedServer, packets: &[&str]) {
    for packet in packets {
        let mut eve = Client::joined(watched.server(), "tech", MARK).await;
        eve.send_raw(packet);
        for answer in eve.until_closed().await {
            let told = matches!(&answer, Packet::Event(event) if event.name != "receive_message");
            assert!(
                told || matches!(answer, Packet::Close),
                "{packet:?}: {answer:?}"
            );
        }
    }
}

#[tokio::test]
async fn row_01_an_empty_frame_closes() {
    let watched = WatchedServer::start().await;
    each_closes(&watched, &[""]).await;
    watched.finish(&["packet"]).await;
}

#[tokio::test]
async fn row_02_packets_of_no_type_close() {
    let watched = WatchedServer::start().await;
    each_closes(&watched, &["9", "zzz", "\0", "h0st1le", "é", "\u{1b}[2J"]).await;
    watched.finish(&["packet"]).await;
}

#[tokio::test]
async fn row_03_messages_of_no_type_close() {
    let watched = WatchedServer::start().await;
    each_closes(&watched, &["4", "47", r#"48["h0st1le"]"#, "44", "4abc"]).await;
    watched
        .until_rejected("packet", 5, hubbub_test_client::EVENT_TIMEOUT)
        .await;
    assert_eq!(watched.rejected("packet").await, 5);
    watched.finish(&["packet"]).await;
}

#[tokio::test]
async fn row_04_events_without_a_name_close() {
    let watched = WatchedServer::start().await;
    let packets = [
        "42",
        "42[]",
        "42{}",
        "42[1,2]",
        "42[null]",
        r#"42["echo""#,
        "42[[]]",
    ];
    each_closes(&watched, &packets).await;
    watched.finish(&["packet"]).await;
}

#[tokio::test]
async fn row_11_an_acknowledgement_id_that_is_none_closes() {
    let watched = WatchedServer::start().await;
    let packets = [
        r#"42-1["send_message",{"text":"h0st1le"}]"#,
        r#"42abc["send_message",{"text":"h0st1le"}]"#,
        r#"421.5["send_message",{"text":"h0st1le"}]"#,
    ];
    each_closes(&watched, &packets).await;
    watched.finish(&["packet"]).await;
}

#[tokio::test]
async fn row_13_connecting_twice_is_connecting_once() {
    let watched = WatchedServer::start().await;
    for transport in [Transport::WebSocket, Transport::Polling] {
        let mut eve = Dial::new(watched.server(), transport).open().await;
        eve.send_all(vec!["40".to_owned(); 10]);
        eve.connected().await;
        eve.greeted().await;
        eve.send_all(vec!["40".to_owned(); 10]);
        eve.join("tech", MARK).await;
        let events = eve.events_until_echo("once").await;
        let again = |event: &&hubbub_test_client::Event| {
            matches!(
                event.name.as_str(),
                "room_list" | "session" | "join_confirm"
            )
        };
        assert_eq!(events.iter().filter(again).count(), 0, "{events:?}");
        assert_eq!(watched.metric("hubbub_members{room=\"tech\"}").await, 1);
        assert_eq!(watched.metric("hubbub_connections").await, 2);
        leave(eve).await;
        watched.until_metric("hubbub_connections", 1).await;
    }
    // Nothing is refused: a second CONNECT is ignored.
    watched.finish(&[]).await;
}

#[tokio::test]
async fn row_14_auth_that_is_no_object_is_refused() {
    let watched = WatchedServer::start().await;
    for transport in [Transport::WebSocket, Transport::Polling] {
        for auth in [
            r#"{"h0st1le":"#,
            "[1]",
            "\"h0st1le\"",
            "[",
            "nul",
            "{\"token\":7}",
        ] {
            let mut eve = Dial::new(watched.server(), transport).open().await;
            eve.send_raw(&format!("40{auth}"));
            match eve.packet().await {
                Packet::ConnectError(text) => {
                    assert!(
                        text.contains("\"message\"") && !text.contains(MARK),
                        "{text}"
                    );
                }
                other => panic!("{auth}: {other:?}"),
            }
            leave(eve).await;
        }
    }
    watched.finish(&["auth"]).await;
}

#[tokio::test]
async fn row_15_an_event_before_connect_closes() {
    let watched = WatchedServer::start().await;
    for packet in [
        r#"42["send_message",{"text":"h0st1le"}]"#,
        "41",
        r#"43["x"]"#,
        "zzz",
    ] {
        let mut eve = Dial::new(watched.server(), Transport::WebSocket)
            .open()
            .await;
        eve.send_raw(packet);
        eve.until_closed().await;
    }
    let mut eve = Dial::new(watched.server(), Transport::Polling).open().await;
    eve.send_raw(r#"42["send_message",{"text":"h0st1le"}]"#);
    eve.until_closed().await;
    watched.finish(&["packet"]).await;
}

#[tokio::test]
async fn row_17_engine_packets_of_another_transport_close() {
    let watched = WatchedServer::start().await;
    // `1` is a client's goodbye, so it closes and nothing is refused.
    each_closes(&watched, &["1"]).await;
    assert_eq!(watched.rejected("packet").await, 0);
    each_closes(&watched, &["0", "5", "6", "2probe", "3probe"]).await;
    watched.finish(&["packet"]).await;
}
