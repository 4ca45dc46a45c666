//! What a client sends in the same write as CONNECT, before it has the answer.

use futures_util::SinkExt;
use hubbub_test_client::packet::{Packet, event_frame};
use hubbub_test_client::polling::{SEPARATOR, opened};
use hubbub_test_client::shape::assert_refused;
use hubbub_test_client::{Client, Dial, TestServer, Transport, websocket};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::HUBBUB;

const ROUNDS: usize = 40;

fn join(name: &str, ack: u64) -> String {
    let payload = json!({"room_name": "tech", "username": name}).to_string();
    event_frame("join_room", Some(&payload), Some(ack))
}

fn say(text: &str) -> String {
    event_frame(
        "send_message",
        Some(&json!({ "text": text }).to_string()),
        None,
    )
}

/// Opens a connection and sends all of these in one burst, CONNECT among them.
async fn connect_with(server: &TestServer, transport: Transport, packets: Vec<String>) -> Client {
    let mut client = Dial::new(server, transport).open().await;
    client.send_all(packets);
    client.connected().await;
    client
}

async fn texts_until(client: &mut Client, last: &str) -> Vec<Value> {
    let events = client.events_until_message(last).await;
    let messages = events
        .iter()
        .filter(|event| event.name == "receive_message");
    messages.map(|event| event["text"].clone()).collect()
}

#[tokio::test]
async fn events_behind_connect_are_handled_in_order() {
    let server = HUBBUB.start_with(&[("MESSAGE_RATE", "0")]).await;
    for transport in Transport::ALL {
        for round in 0..ROUNDS {
            let mut packets = vec!["40".to_owned(), join(&format!("Ada {round}"), 1)];
            packets.extend((0..20).map(|n| say(&n.to_string())));
            let mut ada = connect_with(&server, transport, packets).await;
            let said = texts_until(&mut ada, "19").await;
            let expected: Vec<Value> = (0..20).map(|n| json!(n.to_string())).collect();
            assert_eq!(said, expected, "{transport:?}, round {round}");
        }
    }
}

#[tokio::test]
async fn each_spelling_of_connect_may_have_events_behind_it() {
    let server = HUBBUB.start().await;
    for transport in Transport::ALL {
        for connect in ["40", "40{}", "40/,", "40/,{}", "40{\"token\":null}"] {
            let packets = vec![connect.to_owned(), join("Ada", 1)];
            let mut ada = connect_with(&server, transport, packets).await;
            assert_eq!(
                ada.answer(1).await["ok"],
                true,
                "{connect} over {transport:?}"
            );
        }
    }
}

#[tokio::test]
async fn another_connect_in_the_same_write_changes_nothing() {
    let server = HUBBUB.start().await;
    for transport in Transport::ALL {
        let packets = ["40", "40", "40"].map(str::to_owned).to_vec();
        let mut ada =
            connect_with(&server, transport, [packets, vec![join("Ada", 1)]].concat()).await;
        assert_eq!(ada.answer(1).await["ok"], true, "{transport:?}");
    }
}

/// A refused CONNECT takes what came behind it along; the next one may be accepted.
#[tokio::test]
async fn a_refused_connect_does_not_block_the_connection() {
    let server = HUBBUB.start().await;
    for transport in [Transport::WebSocket, Transport::Polling] {
        let mut ada = Dial::new(&server, transport).open().await;
        ada.send_all(vec!["40[1]".to_owned()]);
        assert!(matches!(ada.packet().await, Packet::ConnectError(_)));
        ada.send_all(vec!["40".to_owned(), join("Ada", 1)]);
        ada.connected().await;
        assert_eq!(ada.answer(1).await["ok"], true, "{transport:?}");
    }
}

/// As much as a mailbox takes is handled, the rest is refused: the same as at any other time.
#[tokio::test]
async fn what_comes_behind_connect_is_bounded_like_any_other_request() {
    let server = HUBBUB
        .start_with(&[("MAILBOX", "4"), ("MESSAGE_RATE", "0")])
        .await;
    for transport in [Transport::WebSocket, Transport::Polling] {
        let mut packets = vec!["40".to_owned()];
        packets.extend((1..=100).map(|ack| event_frame("list_users", None, Some(ack))));
        let mut ada = connect_with(&server, transport, packets).await;
        let mut codes = Vec::new();
        for ack in 1..=100 {
            let answer = ada.answer(ack).await;
            assert_ne!(answer["ok"], true);
            codes.push(answer["error"]["code"].clone());
        }
        assert!(codes.contains(&json!("not_in_room")), "{codes:?}");
        assert_refused(&ada.ask("leave_room", &json!({})).await, "not_in_room");
    }
}

/// A CONNECT in fragments, with a ping between them, and events right behind it in one write.
#[tokio::test]
async fn a_connect_in_fragments_may_have_events_behind_it() {
    use tokio::io::AsyncWriteExt;
    let server = HUBBUB.start().await;
    for _ in 0..ROUNDS {
        let mut socket = websocket::open(server.address(), None, &[]).await.unwrap();
        let mut bytes = b"\x01\x81\0\0\0\x004\x89\x80\0\0\0\0\x80\x83\0\0\0\x000{}".to_vec();
        let event = "421[\"leave_room\"]";
        bytes.extend([0x81, 0x80 | u8::try_from(event.len()).unwrap(), 0, 0, 0, 0]);
        bytes.extend(event.as_bytes());
        socket.get_mut().write_all(&bytes).await.unwrap();
        websocket_until(&mut socket, "431[").await;
    }
}

async fn websocket_until(socket: &mut websocket::Socket, start: &str) {
    use futures_util::StreamExt;
    loop {
        let next = tokio::time::timeout(hubbub_test_client::EVENT_TIMEOUT, socket.next()).await;
        match next.expect("something comes") {
            Some(Ok(Message::Text(text))) if text.starts_with(start) => return,
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Posts that do not wait for one another keep their order behind CONNECT.
#[tokio::test]
async fn a_post_right_after_that_of_connect_waits_for_the_session() {
    let server = HUBBUB.start().await;
    for _ in 0..ROUNDS {
        let mut session = opened(server.address()).await;
        session.post("40".to_owned()).await.unwrap();
        let posted = session
            .post(event_frame("leave_room", None, Some(1)))
            .await
            .unwrap();
        assert_eq!(posted.status, 200);
        loop {
            let answer = session.poll().await.unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
            if answer
                .body
                .split(SEPARATOR)
                .any(|packet| packet.starts_with("431["))
            {
                break;
            }
        }
    }
}

/// As rust_socketio does: over a WebSocket that has just taken over from polling.
#[tokio::test]
async fn events_behind_connect_right_after_an_upgrade_are_handled() {
    let server = HUBBUB.start().await;
    for _ in 0..ROUNDS {
        let sid = opened(server.address()).await.sid();
        let mut socket = websocket::open(server.address(), Some(&sid), &[])
            .await
            .unwrap();
        websocket::probe(&mut socket).await;
        for packet in ["5", "40", "421[\"leave_room\"]"] {
            socket.feed(Message::text(packet)).await.unwrap();
        }
        socket.flush().await.unwrap();
        websocket_until(&mut socket, "431[").await;
    }
}
