//! The end of the process: announced, in order, within its deadline.

use std::time::Duration;

use hubbub_test_client::http::Line;
use hubbub_test_client::polling::connected_by_hand;
use hubbub_test_client::{Client, EVENT_TIMEOUT, Packet, Transport};
use hyper::http::StatusCode;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::HUBBUB;

/// Checks that the connection is sent the shutdown and then loses its transport, without the
/// DISCONNECT after which clients would not come back.
async fn check_sent_away(client: &mut Client) {
    let packets = client.until_closed().await;
    let goodbye = packets
        .iter()
        .any(|packet| matches!(packet, Packet::Disconnected));
    assert!(!goodbye, "{packets:?}");
    let shutdowns: Vec<_> = packets
        .iter()
        .filter_map(|packet| match packet {
            Packet::Event(event) if event.name == "shutdown" => Some(event),
            _ => None,
        })
        .collect();
    assert_eq!(shutdowns.len(), 1, "{packets:?}");
    assert!(shutdowns[0]["reconnect_in_ms"].is_u64(), "{shutdowns:?}");
}

#[tokio::test]
async fn every_connection_is_told_and_then_loses_its_transport() {
    for signal in ["TERM", "INT"] {
        let mut server = HUBBUB.start().await;
        let mut clients = Vec::new();
        for transport in Transport::ALL {
            let mut member = Client::connect(&server, transport).await;
            member.join("tech", "Member").await;
            clients.push(member);
            let mut roomless = Client::connect(&server, transport).await;
            roomless.greeted().await;
            clients.push(roomless);
        }
        server.signal(signal).await;
        for client in &mut clients {
            check_sent_away(client).await;
        }
        assert_eq!(server.exit().await.code(), Some(0), "SIG{signal}");
    }
}

#[tokio::test]
async fn without_connections_it_ends_at_once() {
    let mut server = HUBBUB.start().await;
    server.signal("TERM").await;
    assert_eq!(server.exit().await.code(), Some(0));
    assert_eq!(
        server.rest_of_stdout().await,
        "",
        "one line on stdout, and no more"
    );
}

#[tokio::test]
async fn what_was_accepted_before_the_signal_is_delivered() {
    let mut server = HUBBUB.start_with(&[("MESSAGE_RATE", "0")]).await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    for n in 0..200 {
        ada.say(&format!("number {n}"));
    }
    let ack = ada
        .ask("send_message", &json!({ "text": "the last" }))
        .await;
    assert_eq!(ack["ok"], true, "{ack}");
    server.signal("TERM").await;
    let packets = bob.until_closed().await;
    let last = packets.iter().any(
        |packet| matches!(packet, Packet::Event(event) if event["text"] == "the last" && event["id"] == ack["id"]),
    );
    assert!(last, "{} packets without it", packets.len());
    assert_eq!(server.exit().await.code(), Some(0));
}

/// Asks until the answer is 503: a signal takes a moment.
async fn until_not_ready(monitor: &mut Line) {
    let turns_red = async {
        while monitor.get("/readyz").await.unwrap().status != StatusCode::SERVICE_UNAVAILABLE {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(EVENT_TIMEOUT, turns_red)
        .await
        .expect("readiness turns red");
}

#[tokio::test]
async fn while_it_drains_it_lives_is_not_ready_and_lets_nobody_new_in() {
    let mut server = HUBBUB
        .start_with(&[("DRAIN_TIMEOUT", "10m"), ("SLOW_TIMEOUT", "10m")])
        .await;
    let _holds_it_up = connected_by_hand(server.address()).await;
    let mut monitor = Line::new(server.address());
    assert_eq!(monitor.get("/readyz").await.unwrap().status, StatusCode::OK);
    server.signal("TERM").await;
    until_not_ready(&mut monitor).await;
    assert_eq!(monitor.get("/livez").await.unwrap().status, StatusCode::OK);
    // The port stays open for those who poll; new connections are refused until later.
    let mut newcomer = Line::new(server.address());
    let handshake = "/socket.io/?EIO=4&transport=polling";
    let refused = newcomer.get(handshake).await.unwrap();
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    server.signal("TERM").await;
    let status = server.exit().await;
    assert_ne!(
        status.code(),
        Some(0),
        "a second signal ends it at once: {status}"
    );
}

#[tokio::test]
async fn the_drain_ends_at_its_deadline_whoever_holds_it_up() {
    let mut server = HUBBUB
        .start_with(&[("DRAIN_TIMEOUT", "300ms"), ("SLOW_TIMEOUT", "10m")])
        .await;
    let _holds_it_up = connected_by_hand(server.address()).await;
    server.signal("TERM").await;
    assert_eq!(server.exit().await.code(), Some(0));
}
