//! Requests that open nothing: rows 29 to 32, 36.

use hubbub_test_client::Client;
use hubbub_test_client::Raw;
use hubbub_test_client::http::{Answer, Line};
use hubbub_test_client::polling::{Endpoint, connected_by_hand};
use hubbub_test_client::raw::{WHOLE, upgrade_request};
use hyper::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::watched_server::{MARK, WatchedServer};

/// Asks for a path of the endpoint.
async fn ask(watched: &WatchedServer, method: Method, query: &str) -> Answer {
    let mut line = Line::new(watched.server().address());
    let path = format!("/socket.io/{query}");
    line.request(method, &path, &[], String::new())
        .await
        .unwrap()
}

/// Checks that a request is refused with an Engine.IO code and that nothing came of it.
async fn is_refused(watched: &WatchedServer, method: Method, query: &str, code: u8) {
    is_refused_on(watched, method, query, code).await;
    assert_eq!(watched.metric("hubbub_connections").await, 1);
}

/// Checks that a request is refused with an Engine.IO code, a number as the official server's.
async fn is_refused_on(watched: &WatchedServer, method: Method, query: &str, code: u8) {
    let answer = ask(watched, method, query).await;
    assert_eq!(
        answer.status,
        StatusCode::BAD_REQUEST,
        "{query}: {answer:?}"
    );
    assert_eq!(answer.headers["content-type"], "application/json");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["code"], code, "{query}: {answer:?}");
    assert!(body["message"].is_string(), "{query}: {answer:?}");
    assert!(!answer.body.contains(MARK), "{answer:?}");
}

#[tokio::test]
async fn row_29_other_versions_of_the_protocol_are_refused() {
    let watched = WatchedServer::start().await;
    for version in [
        "EIO=3&",
        "",
        "EIO=999&",
        "EIO=&",
        "EIO=h0st1le&",
        "eio=4&",
        "EIO=4.0&",
    ] {
        for transport in ["polling", "websocket"] {
            let query = format!("?{version}transport={transport}");
            is_refused(&watched, Method::GET, &query, 5).await;
        }
    }
    watched.finish(&["unsupported_version"]).await;
}

/// What pages still send that were written for Socket.IO 2.
#[tokio::test]
async fn row_29_clients_of_an_older_version_are_told_so_and_counted_as_such() {
    let watched = WatchedServer::start().await;
    let old = json!({ "code": 5, "message": "Unsupported protocol version" });
    let opening = "/socket.io/?EIO=3&transport=polling&t=PZ1&b64=1";
    let of_session = "/socket.io/?EIO=3&transport=polling&sid=AAAAAAAAAAAAAAAAAAAAAA";
    let mut refused = 0;
    for (method, path) in [
        (Method::GET, opening),
        (Method::GET, of_session),
        (Method::POST, of_session),
    ] {
        let mut line = Line::new(watched.server().address());
        let body = "1:2".to_owned();
        let answer = line.request(method, path, &[], body).await.unwrap();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(serde_json::from_str::<Value>(&answer.body).unwrap(), old);
        refused += 1;
    }
    for target in ["websocket", "websocket&sid=AAAAAAAAAAAAAAAAAAAAAA"] {
        let mut raw = Raw::open(watched.server()).await;
        let request = upgrade_request(target, WHOLE).replace("EIO=4", "EIO=3");
        raw.send(request).await;
        let answer = raw.answer().await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert!(answer.contains("\"code\":5"), "{answer}");
        refused += 1;
    }
    assert_eq!(watched.rejected("unsupported_version").await, refused);
    assert_eq!(watched.rejected("bad_request").await, 0);
    assert_eq!(watched.rejected("unknown_session").await, 0);
    assert_eq!(watched.metric("hubbub_connections").await, 1);
    watched.finish(&["unsupported_version"]).await;
}

#[tokio::test]
async fn row_30_other_transports_are_refused() {
    let watched = WatchedServer::start().await;
    for transport in [
        "&transport=__proto__",
        "&transport=grpc",
        "&transport=webtransport",
        "&transport=",
        "",
        "&transport=h0st1le%00",
    ] {
        is_refused(&watched, Method::GET, &format!("?EIO=4{transport}"), 0).await;
    }
    is_refused(&watched, Method::GET, "", 0).await;
    watched.finish(&["bad_request"]).await;
}

#[tokio::test]
async fn row_31_sessions_that_are_not_ones_own_are_unknown() {
    let watched = WatchedServer::start().await;
    let mut ids: Vec<String> = [
        "h0st1le",
        "",
        "%00",
        "..%2f",
        "AAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAA",
    ]
    .map(str::to_owned)
    .into();
    ids.push("A".repeat(5000));
    let (mut ended, _) = connected_by_hand(watched.server().address()).await;
    let sid = ended.sid();
    ended.post("1".to_owned()).await.unwrap();
    watched.until_metric("hubbub_connections", 1).await;
    ids.push(sid);
    for sid in &ids {
        let query = format!("?EIO=4&transport=polling&sid={sid}");
        is_refused(&watched, Method::GET, &query, 1).await;
        is_refused(&watched, Method::POST, &query, 1).await;
    }
    // Over a WebSocket too, where the refusal is ours.
    for sid in &ids {
        let mut raw = Raw::open(watched.server()).await;
        let request = upgrade_request(&format!("websocket&sid={sid}"), WHOLE);
        raw.send(request).await;
        let answer = raw.answer().await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{sid}: {answer}");
        assert!(answer.contains("\"code\":1"), "{sid}: {answer}");
    }
    // Whoever learnt the id of a session on a WebSocket could not speak for it.
    let mut victim = Client::joined(watched.server(), "tech", "Victim").await;
    let victims = Endpoint::new(watched.server().address(), Vec::new());
    let mut victims = victims.of_session(victim.sid());
    assert_eq!(
        victims.poll().await.unwrap().status,
        StatusCode::BAD_REQUEST
    );
    for packet in ["1", "41", r#"42["leave_room",{}]"#] {
        let answer = victims.post(packet.to_owned()).await.unwrap();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    let heard = victim.events_until_echo("unharmed").await;
    assert_eq!(heard.len(), 1, "{heard:?}");
    drop(victim);
    watched.finish(&["unknown_session"]).await;
}

#[tokio::test]
async fn row_32_a_session_is_opened_by_get_only() {
    let watched = WatchedServer::start().await;
    let opening = "?EIO=4&transport=polling";
    for method in ["POST", "PUT", "DELETE", "PATCH", "H0ST1LE"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        is_refused(&watched, method, opening, 2).await;
    }
    // On a session that lives, other methods are refused too, and it goes on.
    let (mut alive, _) = connected_by_hand(watched.server().address()).await;
    let of_session = format!("{opening}&sid={}", alive.sid());
    for method in [Method::PUT, Method::DELETE] {
        is_refused_on(&watched, method, &of_session, 3).await;
    }
    assert_eq!(
        alive.post("3".to_owned()).await.unwrap().status,
        StatusCode::OK
    );
    alive.post("1".to_owned()).await.unwrap();
    // OPTIONS is the preflight's, and opens nothing either.
    let answer = ask(&watched, Method::OPTIONS, opening).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.body, "");
    watched.finish(&["bad_request"]).await;
}

#[tokio::test]
async fn row_36_handshakes_of_websocket_that_are_none_are_refused() {
    let watched = WatchedServer::start().await;
    let key = "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    let upgrade = "connection: upgrade\r\nupgrade: websocket\r\n";
    let version = "sec-websocket-version: 13\r\n";
    let cases = [
        (format!("{upgrade}{version}"), "400"),
        (format!("{upgrade}{key}sec-websocket-version: 8\r\n"), "426"),
        (format!("{upgrade}{key}"), "426"),
        (
            format!("{upgrade}{version}sec-websocket-key: h0st1le\r\n"),
            "400",
        ),
        (
            format!("{upgrade}{version}sec-websocket-key: AAAA!AAAAAAAAAAAAAAAAA==\r\n"),
            "400",
        ),
        (format!("{upgrade}{version}sec-websocket-key: \r\n"), "400"),
        (format!("connection: upgrade\r\n{version}{key}"), "400"),
        (format!("upgrade: websocket\r\n{version}{key}"), "400"),
        (
            format!("connection: upgrade\r\nupgrade: h2c\r\n{version}{key}"),
            "400",
        ),
        (String::new(), "400"),
    ];
    for (headers, status) in cases {
        let mut raw = Raw::open(watched.server()).await;
        raw.send(upgrade_request("websocket", &headers)).await;
        let answer = raw.answer().await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{headers}: {answer}"
        );
        assert!(answer.contains("\"code\":3"), "{headers}: {answer}");
        assert!(!answer.contains(MARK), "{answer}");
        assert_eq!(watched.metric("hubbub_connections").await, 1, "{headers}");
    }
    // Without a WebSocket's other half nothing is left behind either.
    let mut raw = Raw::open(watched.server()).await;
    raw.send(upgrade_request("websocket", WHOLE)).await;
    drop(raw);
    watched.finish(&["bad_request"]).await;
}
