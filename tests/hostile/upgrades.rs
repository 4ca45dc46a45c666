//! Upgrades from polling to a WebSocket that do not come off: row 39.

use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::support::polling::{Endpoint, connected_by_hand};
use crate::support::websocket::{self, Socket};
use crate::support::{Dial, PATIENCE, Transport};
use crate::ward::{Ward, leave};

/// A connected polling session, and a WebSocket that wants to take over.
async fn begun(ward: &Ward) -> (Endpoint, Socket) {
    let (session, _) = connected_by_hand(ward.server().address()).await;
    let sid = session.sid();
    let socket = websocket::open(ward.server().address(), Some(&sid), &[]).await;
    (session, socket.unwrap())
}

/// Waits for the end of the WebSocket.
async fn until_closed(socket: &mut Socket) {
    let ended = timeout(PATIENCE, async {
        while let Some(Ok(message)) = socket.next().await {
            assert!(!matches!(message, Message::Binary(_)), "{message:?}");
        }
    });
    ended.await.expect("the upgrade is given up");
}

#[tokio::test]
async fn row_39_an_upgrade_with_the_wrong_words_is_given_up() {
    let ward = Ward::start().await;
    let cases: [&[&str]; 8] = [
        &["2h0st1le"],
        &["3probe"],
        &["5"],
        &[""],
        &["42[\"send_message\",{\"text\":\"h0st1le\"}]"],
        &["2probe", "2probe"],
        &["2probe", "42[\"send_message\",{\"text\":\"h0st1le\"}]"],
        &["2probe", "6"],
    ];
    for packets in cases {
        let (_session, mut socket) = begun(&ward).await;
        for packet in packets {
            // May fail: it is closed at the first wrong word.
            let _gone = socket.send(Message::text(*packet)).await.is_err();
        }
        until_closed(&mut socket).await;
        ward.until_metric("hubbub_connections", 1).await;
    }
    let (_session, mut socket) = begun(&ward).await;
    socket.send(Message::binary(&b"2probe"[..])).await.unwrap();
    until_closed(&mut socket).await;
    ward.until_metric("hubbub_connections", 1).await;
    assert_eq!(ward.rejected("upgrade").await, cases.len() as u64 + 1);
    ward.finish(&["upgrade"]).await;
}

/// Whose WebSocket breaks off is lost, as whose polls do; nothing is refused.
#[tokio::test]
async fn row_39_an_upgrade_that_breaks_off_leaves_nothing_behind() {
    let ward = Ward::start().await;
    for probes in [false, true] {
        let (_session, mut socket) = begun(&ward).await;
        if probes {
            websocket::probe(&mut socket).await;
        }
        drop(socket);
        ward.until_metric("hubbub_connections", 1).await;
    }
    assert_eq!(ward.rejected("upgrade").await, 0);
    ward.finish(&[]).await;
}

#[tokio::test]
async fn row_39_an_upgrade_that_never_ends_is_given_up() {
    let ward = Ward::start().await;
    let (_silent, mut first) = begun(&ward).await;
    let (probing, mut second) = begun(&ward).await;
    websocket::probe(&mut second).await;
    // While it lasts, there is no other.
    assert!(
        websocket::open(ward.server().address(), Some(&probing.sid()), &[])
            .await
            .is_err()
    );
    tokio::join!(until_closed(&mut first), until_closed(&mut second));
    ward.until_metric("hubbub_connections", 1).await;
    ward.finish(&["transport"]).await;
}

#[tokio::test]
async fn row_39_a_second_websocket_for_a_session_does_not_harm_the_first() {
    let ward = Ward::start().await;
    let mut eve = Dial::new(ward.server(), Transport::Upgrade).connect().await;
    let sid = eve.handshake()["sid"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        assert!(
            websocket::open(ward.server().address(), Some(&sid), &[])
                .await
                .is_err()
        );
    }
    eve.join("tech", "Eve").await;
    eve.events_until_echo("unharmed").await;
    leave(eve).await;
    ward.finish(&["bad_request"]).await;
}
