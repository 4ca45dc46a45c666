//! Upgrades from polling to a WebSocket that do not come off: row 39.

use futures_util::{SinkExt, StreamExt};
use hubbub_test_client::polling::{Endpoint, connected_by_hand};
use hubbub_test_client::websocket::{self, Socket};
use hubbub_test_client::{Client, Dial, EVENT_TIMEOUT, Transport};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::watched_server::{WatchedServer, leave};

/// A connected polling session, and a WebSocket that wants to take over.
async fn begun(watched: &WatchedServer) -> (Endpoint, Socket) {
    let (session, _) = connected_by_hand(watched.server().address()).await;
    let sid = session.sid();
    let socket = websocket::open(watched.server().address(), Some(&sid), &[]).await;
    (session, socket.unwrap())
}

/// Waits for the end of the WebSocket.
async fn until_closed(socket: &mut Socket) {
    let ended = timeout(EVENT_TIMEOUT, async {
        while let Some(Ok(message)) = socket.next().await {
            assert!(!matches!(message, Message::Binary(_)), "{message:?}");
        }
    });
    ended.await.expect("the upgrade is given up");
}

/// The session chats over polling as if there were no upgrade, and may be upgraded later.
async fn polls_on(watched: &WatchedServer, session: &mut Endpoint, round: &str) {
    let mut friend = Client::joined(watched.server(), "tech", &format!("Friend {round}")).await;
    let join = format!(r#"42["join_room",{{"room_name":"tech","username":"Poll {round}"}}]"#);
    assert!(session.post(join).await.is_ok());
    poll_for(session, "42[\"join_confirm\"").await;
    let said = format!("h0st1le {round}");
    friend.say(&said);
    poll_for_text(session, &said).await;
    assert!(
        session
            .post(format!(r#"42["send_message",{{"text":"me {round}"}}]"#))
            .await
            .is_ok()
    );
    friend.events_until_message(&format!("me {round}")).await;
    leave(friend).await;
}

async fn poll_for(session: &mut Endpoint, start: &str) {
    poll_until(session, |packet| packet.starts_with(start)).await;
}

async fn poll_for_text(session: &mut Endpoint, text: &str) {
    poll_until(session, |packet| packet.contains(text)).await;
}

async fn poll_until(session: &mut Endpoint, wanted: impl Fn(&str) -> bool) {
    let found = timeout(EVENT_TIMEOUT, async {
        loop {
            let answer = session.poll().await.unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
            if answer.body.split('\x1e').any(&wanted) {
                return;
            }
        }
    });
    found.await.expect("it is polled");
}

/// Upgrades the session and chats over the WebSocket.
async fn upgrades_at_last(watched: &WatchedServer, session: &Endpoint) {
    let sid = session.sid();
    let mut socket = websocket::open(watched.server().address(), Some(&sid), &[])
        .await
        .unwrap();
    websocket::probe(&mut socket).await;
    websocket::finish_upgrade(&mut socket).await.unwrap();
    let said = r#"42["send_message",{"text":"over the WebSocket"}]"#;
    socket.send(Message::text(said)).await.unwrap();
    let echo = timeout(EVENT_TIMEOUT, async {
        while let Some(Ok(message)) = socket.next().await {
            if message.to_text().unwrap().contains("over the WebSocket") {
                return true;
            }
        }
        false
    });
    assert!(echo.await.unwrap(), "the echo");
    socket.close(None).await.unwrap();
}

#[tokio::test]
async fn row_39_an_upgrade_with_the_wrong_words_leaves_the_session_polling() {
    let watched = WatchedServer::start().await;
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
    for (n, packets) in cases.iter().enumerate() {
        let (mut session, mut socket) = begun(&watched).await;
        for packet in *packets {
            // May fail: it is closed at the first wrong word.
            let _gone = socket.send(Message::text(*packet)).await.is_err();
        }
        until_closed(&mut socket).await;
        polls_on(&watched, &mut session, &n.to_string()).await;
        upgrades_at_last(&watched, &session).await;
        watched.until_metric("hubbub_connections", 1).await;
    }
    let (mut session, mut socket) = begun(&watched).await;
    socket.send(Message::binary(&b"2probe"[..])).await.unwrap();
    until_closed(&mut socket).await;
    polls_on(&watched, &mut session, "binary").await;
    assert!(session.post("1".to_owned()).await.is_ok());
    assert_eq!(watched.rejected("upgrade").await, cases.len() as u64 + 1);
    watched.finish(&["upgrade"]).await;
}

#[tokio::test]
async fn row_39_an_upgrade_that_breaks_off_leaves_the_session_polling() {
    let watched = WatchedServer::start().await;
    for (round, close) in [("dropped", false), ("closed", true)] {
        for probes in [false, true] {
            let (mut session, mut socket) = begun(&watched).await;
            if probes {
                websocket::probe(&mut socket).await;
            }
            if close {
                socket.close(None).await.unwrap();
            }
            drop(socket);
            let round = format!("{round} {probes}");
            polls_on(&watched, &mut session, &round).await;
            upgrades_at_last(&watched, &session).await;
        }
    }
    assert_eq!(watched.rejected("upgrade").await, 0);
    watched.finish(&[]).await;
}

/// Nothing is sent over the WebSocket, or half a frame, or the probe alone.
#[tokio::test]
async fn row_39_an_upgrade_that_never_ends_leaves_the_session_polling() {
    let watched = WatchedServer::start().await;
    let mut hanging = Vec::new();
    for step in ["silent", "half", "probed"] {
        let (mut session, mut socket) = begun(&watched).await;
        if step == "half" {
            use tokio::io::AsyncWriteExt;
            socket.get_mut().write_all(b"\x81\x86\0\0").await.unwrap();
        }
        if step == "probed" {
            websocket::probe(&mut socket).await;
        }
        polls_on(&watched, &mut session, step).await;
        // Another may take over while the first hangs.
        upgrades_at_last(&watched, &session).await;
        hanging.push(socket);
    }
    for socket in &mut hanging {
        until_closed(socket).await;
    }
    watched.finish(&[]).await;
}

/// Whatever the WebSocket does, polls are not answered with nothing in a loop.
#[tokio::test]
async fn row_39_polls_wait_while_an_upgrade_hangs() {
    let watched = WatchedServer::start().await;
    let (mut session, mut socket) = begun(&watched).await;
    websocket::probe(&mut socket).await;
    // The ping that came with the greeting.
    assert!(session.post("3".to_owned()).await.is_ok());
    let mut empty = 0;
    let polling = async {
        loop {
            let answer = session.poll().await.unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
            empty += usize::from(answer.body == "6");
        }
    };
    tokio::select! {
        () = until_closed(&mut socket) => {}
        () = polling => {}
    }
    assert!((1..10).contains(&empty), "{empty} empty answers");
    watched.finish(&["upgrade"]).await;
}

#[tokio::test]
async fn row_39_many_websockets_at_once_for_one_session_are_bounded() {
    let watched = WatchedServer::start().await;
    let (mut session, first) = begun(&watched).await;
    let mut open = vec![first];
    let mut refused = 0;
    for _ in 0..20 {
        let sid = session.sid();
        match websocket::open(watched.server().address(), Some(&sid), &[]).await {
            Ok(socket) => open.push(socket),
            Err(_) => refused += 1,
        }
    }
    assert!(open.len() <= 4 && refused > 0, "{} are open", open.len());
    polls_on(&watched, &mut session, "many").await;
    drop(open);
    upgrades_when_there_is_room(&watched, &session).await;
    watched.finish(&["bad_request"]).await;
}

async fn upgrades_when_there_is_room(watched: &WatchedServer, session: &Endpoint) {
    let sid = session.sid();
    let free = timeout(EVENT_TIMEOUT, async {
        while websocket::open(watched.server().address(), Some(&sid), &[])
            .await
            .is_err()
        {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    free.await.expect("the tries before have ended");
    upgrades_at_last(watched, session).await;
}

#[tokio::test]
async fn row_39_a_second_websocket_for_a_session_does_not_harm_the_first() {
    let watched = WatchedServer::start().await;
    let mut eve = Dial::new(watched.server(), Transport::Upgrade)
        .connect()
        .await;
    // The upgrade is over on both sides once something has come back over it.
    eve.join("tech", "Eve").await;
    let sid = eve.handshake()["sid"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        assert!(
            websocket::open(watched.server().address(), Some(&sid), &[])
                .await
                .is_err()
        );
    }
    eve.events_until_echo("unharmed").await;
    leave(eve).await;
    watched.finish(&["bad_request"]).await;
}
