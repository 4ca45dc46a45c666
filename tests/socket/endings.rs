//! How the server ends a connection: by closing its transport. The Engine.IO packet `1` makes
//! python-socketio stay away for good, and every client comes back after a transport that closed.

use futures_util::{SinkExt, StreamExt};
use hubbub_test_client::packet::event_frame;
use hubbub_test_client::polling::{SEPARATOR, connected_by_hand};
use hubbub_test_client::{Client, EVENT_TIMEOUT, websocket};
use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::HUBBUB;

const QUICK: [(&str, &str); 4] = [
    ("PING_INTERVAL", "1s"),
    ("PING_TIMEOUT", "1s"),
    ("CONNECT_TIMEOUT", "1s"),
    ("MESSAGE_RATE", "0"),
];

/// All texts up to the end of a WebSocket, which must come.
async fn texts_to_the_end(socket: &mut websocket::Socket) -> Vec<String> {
    let mut texts = Vec::new();
    let end = timeout(EVENT_TIMEOUT, async {
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Text(text) = message {
                texts.push(text.as_str().to_owned());
            }
        }
    });
    end.await.expect("the server closes");
    texts
}

#[tokio::test]
async fn no_close_packet_is_sent_over_a_websocket_whatever_ends_it() {
    let server = HUBBUB.start_with(&QUICK).await;
    let causes: [(&str, &[&str]); 9] = [
        ("no CONNECT", &[]),
        ("no CONNECT, with pongs", &["3"]),
        ("no pong", &["40"]),
        (
            "no pong, a member",
            &["40", "42[\"join_room\",{\"room_name\":\"tech\"}]"],
        ),
        ("a bad packet", &["40", "zzz"]),
        ("a bad event", &["40", "42["]),
        ("an event before CONNECT", &["42[\"leave_room\"]"]),
        ("a bad first packet", &["47"]),
        ("its session is over", &["40", "41"]),
    ];
    for upgraded in [false, true] {
        for (cause, packets) in causes {
            let mut socket = if upgraded {
                let (session, _) = connected_by_hand(server.address()).await;
                let sid = session.sid();
                let mut socket = websocket::open(server.address(), Some(&sid), &[])
                    .await
                    .unwrap();
                websocket::probe(&mut socket).await;
                websocket::finish_upgrade(&mut socket).await.unwrap();
                socket
            } else {
                websocket::open(server.address(), None, &[]).await.unwrap()
            };
            for packet in packets {
                // May fail: the first may be enough.
                let _gone = socket.send(Message::text(*packet)).await.is_err();
            }
            let texts = texts_to_the_end(&mut socket).await;
            assert!(!texts.contains(&"1".to_owned()), "{cause}: {texts:?}");
        }
    }
}

#[tokio::test]
async fn no_close_packet_ends_a_poll_where_the_heartbeat_is_missed() {
    let server = HUBBUB.start_with(&QUICK).await;
    let (mut session, _) = connected_by_hand(server.address()).await;
    loop {
        let answer = session.poll().await.unwrap();
        if answer.status != 200 {
            break;
        }
        let packets: Vec<&str> = answer.body.split(SEPARATOR).collect();
        assert!(!packets.contains(&"1"), "{packets:?}");
    }
}

/// python-engineio rejects an answer with more than 16 packets.
#[tokio::test]
async fn a_burst_comes_in_polls_of_few_packets_and_whole() {
    let server = HUBBUB.start_with(&[("MESSAGE_RATE", "0")]).await;
    let (mut session, _) = connected_by_hand(server.address()).await;
    let join = json!({"room_name": "tech", "username": "Bot"}).to_string();
    session
        .post(event_frame("join_room", Some(&join), None))
        .await
        .unwrap();
    let bob = Client::joined(&server, "tech", "Bob").await;
    let frames = (0..200).map(|n| {
        event_frame(
            "send_message",
            Some(&json!({"text": format!("m{n}")}).to_string()),
            None,
        )
    });
    bob.send_all(frames.collect());
    let mut said = Vec::new();
    while said.len() < 200 {
        let answer = session.poll().await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        let packets: Vec<&str> = answer.body.split(SEPARATOR).collect();
        let of_session = packets
            .iter()
            .filter(|packet| packet.starts_with("42"))
            .count();
        assert!(of_session <= 12 && packets.len() <= 16, "{packets:?}");
        if packets.contains(&"2") {
            session.post("3".to_owned()).await.unwrap();
        }
        said.extend(
            packets
                .iter()
                .filter(|packet| packet.starts_with("42[\"receive_message\""))
                .map(|packet| {
                    packet
                        .split_once("\"text\":\"")
                        .unwrap()
                        .1
                        .split('"')
                        .next()
                        .unwrap()
                        .to_owned()
                }),
        );
    }
    let expected: Vec<String> = (0..200).map(|n| format!("m{n}")).collect();
    assert_eq!(said, expected);
}
