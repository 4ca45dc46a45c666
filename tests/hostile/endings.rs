//! Connections that end while they connect, on every transport and in the middle of an upgrade:
//! each leaves nothing behind, so that the places never run out.

use std::time::Duration;

use futures_util::SinkExt;
use futures_util::future::join_all;
use hubbub_test_client::polling::opened;
use hubbub_test_client::websocket;
use hubbub_test_client::{Client, EVENT_TIMEOUT, Transport};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::HUBBUB;
use crate::watched_server::WatchedServer;

/// Few places, so that a leak shows; a long time to connect, so that waiting it out does not pass.
const FEW: [(&str, &str); 2] = [("MAX_CONNECTIONS", "50"), ("CONNECT_TIMEOUT", "60s")];
/// Twice as many as there are places: a way to end that leaves something behind fills them all, and
/// one that does so only now and then is seen in the count of connections, every 25 rounds.
const ROUNDS: usize = 100;

/// Ends many connections in the same way, and checks that all their places are free again: the
/// bystander has the only one.
async fn all_places_come_back<E: Future<Output = ()>>(end: impl Fn(std::net::SocketAddr) -> E) {
    let watched = WatchedServer::with(&FEW).await;
    for round in 0..ROUNDS {
        let ended = timeout(EVENT_TIMEOUT, end(watched.server().address())).await;
        assert!(ended.is_ok(), "round {round} goes on for ever");
        if round % 25 == 24 {
            watched.until_metric("hubbub_connections", 1).await;
        }
    }
    watched.until_metric("hubbub_connections", 1).await;
    for transport in Transport::ALL {
        let late = Client::connect(watched.server(), transport).await;
        crate::watched_server::leave(late).await;
    }
    watched.finish(&[]).await;
}

/// Posts one body; whatever is answered, the session is over or given up after it.
async fn posts(address: std::net::SocketAddr, body: &str) {
    let mut session = opened(address).await;
    let _answered = session.post(body.to_owned()).await.is_ok();
    // Where the session lives on, its client goes now.
    let _answered = session.post("1".to_owned()).await.is_ok();
}

#[tokio::test]
async fn row_65_a_connect_that_the_queue_has_no_room_to_answer_leaves_nothing() {
    let many = "40/x,\x1e".repeat(200) + "40";
    all_places_come_back(|address| {
        let many = many.clone();
        async move { posts(address, &many).await }
    })
    .await;
}

#[tokio::test]
async fn row_65_a_connect_and_a_goodbye_in_one_body_leave_nothing() {
    all_places_come_back(|address| posts(address, "40\x1e1")).await;
}

#[tokio::test]
async fn row_65_a_connect_and_a_disconnect_in_one_body_leave_nothing() {
    all_places_come_back(|address| posts(address, "40\x1e41")).await;
}

#[tokio::test]
async fn row_65_a_connect_with_a_bad_packet_behind_it_leaves_nothing() {
    all_places_come_back(|address| posts(address, "40\x1e42")).await;
    all_places_come_back(|address| posts(address, "40\x1ezzz")).await;
}

#[tokio::test]
async fn row_65_a_goodbye_instead_of_connect_leaves_nothing() {
    all_places_come_back(|address| posts(address, "1")).await;
}

/// Sends packets in one write over a WebSocket of its own and drops the line, as a closed tab does.
async fn drops_after(address: std::net::SocketAddr, packets: &[&str]) {
    let mut socket = websocket::open(address, None, &[]).await.unwrap();
    for packet in packets {
        socket.feed(Message::text(*packet)).await.unwrap();
    }
    socket.flush().await.unwrap();
}

#[tokio::test]
async fn row_65_a_websocket_dropped_while_it_connects_leaves_nothing() {
    let sent: [&[&str]; 4] = [
        &["40"],
        &["40", "41"],
        &["40", "1"],
        &["40", "42[\"join_room\",{\"room_name\":\"tech\"}]"],
    ];
    for packets in sent {
        all_places_come_back(|address| drops_after(address, packets)).await;
    }
}

/// Far sooner than its CONNECT_TIMEOUT.
#[tokio::test]
async fn row_65_a_websocket_dropped_before_connect_frees_its_place_immediately() {
    all_places_come_back(|address| drops_after(address, &[])).await;
}

#[tokio::test]
async fn row_65_a_websocket_dropped_in_the_middle_of_a_frame_frees_its_place_immediately() {
    use tokio::io::AsyncWriteExt;
    for bytes in [&b"\x81"[..], b"\x81\x84abc", b"\x81\x84\0\0\0\x0040"] {
        all_places_come_back(|address| async move {
            let socket = websocket::open(address, None, &[]).await.unwrap();
            let mut stream = socket.into_inner();
            stream.write_all(bytes).await.unwrap();
        })
        .await;
    }
}

#[tokio::test]
async fn row_65_an_upgrade_dropped_at_any_step_leaves_nothing_once_its_client_has_gone() {
    for steps in 0..4 {
        all_places_come_back(|address| async move {
            let mut session = opened(address).await;
            if steps % 2 == 1 {
                assert!(session.post("40".to_owned()).await.is_ok());
            }
            let sid = session.sid();
            let mut socket = websocket::open(address, Some(&sid), &[]).await.unwrap();
            if steps > 0 {
                websocket::probe(&mut socket).await;
            }
            if steps > 1 {
                websocket::finish_upgrade(&mut socket).await.unwrap();
            }
            if steps > 2 {
                socket.send(Message::text("40")).await.unwrap();
            }
            drop(socket);
            if steps < 2 {
                assert!(session.post("1".to_owned()).await.is_ok());
            }
        })
        .await;
    }
}

/// A server of few places, flooded with the worst of the above, lets everybody in afterwards.
#[tokio::test]
async fn row_65_fifty_posts_do_not_close_the_server() {
    let server = HUBBUB.start_with(&FEW).await;
    for _ in 0..50 {
        let mut session = opened(server.address()).await;
        let body = "40/x,\x1e".repeat(200) + "40";
        let _answered = session.post(body).await.is_ok();
    }
    let patience = Duration::from_secs(20);
    let mut ada = timeout(patience, async {
        loop {
            if websocket::open(server.address(), None, &[]).await.is_ok() {
                return Client::connect(&server, Transport::Polling).await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("somebody gets in");
    ada.join("tech", "Ada").await;
}

/// Its output is stuck and its input is not read, so neither side of the library notices by itself.
#[tokio::test]
async fn row_65_a_client_that_asks_without_end_reads_nothing_and_vanishes_is_gone() {
    let settings = [
        ("MAILBOX", "4"),
        ("MESSAGE_RATE", "0"),
        ("SLOW_TIMEOUT", "0"),
        ("PING_TIMEOUT", "5m"),
    ];
    let watched = WatchedServer::with(&settings).await;
    let mut flooding = Vec::new();
    for _ in 0..3 {
        let mut socket = websocket::open(watched.server().address(), None, &[])
            .await
            .unwrap();
        let join = r#"42["join_room",{"room_name":"tech","username":"Eve"}]"#;
        for packet in ["40", join] {
            socket.send(Message::text(packet)).await.unwrap();
        }
        flooding.push(socket);
    }
    watched
        .until_metric("hubbub_members{room=\"tech\"}", 3)
        .await;
    let stuck = flooding.into_iter().map(|mut socket| async move {
        let say = format!(r#"42["send_message",{{"text":"{}"}}]"#, "x".repeat(1900));
        let flood = async {
            for packet in [say.as_str(), "42[\"list_users\"]"].iter().cycle() {
                socket.send(Message::text(*packet)).await.unwrap();
            }
        };
        // Until the server reads no more of it.
        let stuck = timeout(Duration::from_secs(5), flood).await;
        assert!(stuck.is_err(), "it never stops");
    });
    join_all(stuck).await;
    watched.until_metric("hubbub_connections", 1).await;
    watched
        .until_metric("hubbub_members{room=\"tech\"}", 0)
        .await;
    watched.finish(&[]).await;
}
