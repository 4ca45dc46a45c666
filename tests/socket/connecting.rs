//! What a connection gets before it has asked for anything, and which ones are refused.

use hubbub_test_client::polling::Endpoint;
use hubbub_test_client::shape::{assert_accepted, default_rooms_json, keys};
use hubbub_test_client::{Client, Dial, Packet, Transport};
use serde_json::json;

use super::HUBBUB;

#[tokio::test]
async fn the_room_list_comes_before_anything_else() {
    for transport in Transport::ALL {
        let server = HUBBUB.start().await;
        let mut client = Client::connect(&server, transport).await;
        let list = client.expect("room_list").await;
        assert_eq!(list.raw, default_rooms_json(&[]), "{transport}");
    }
}

#[tokio::test]
async fn the_room_list_has_the_counts_of_now() {
    let server = HUBBUB.start().await;
    let _ada = Client::joined(&server, "gaming", "Ada").await;
    let _bob = Client::joined(&server, "tech", "Bob").await;
    let mut client = Client::connect(&server, Transport::WebSocket).await;
    let list = client.expect("room_list").await;
    assert_eq!(list.raw, default_rooms_json(&[("tech", 1), ("gaming", 1)]));
}

#[tokio::test]
async fn the_room_list_comes_once() {
    let server = HUBBUB.start().await;
    let mut client = Client::connect(&server, Transport::WebSocket).await;
    client.greeted().await;
    client.join("tech", "Ada").await;
    let events = client.events_until_echo("a fence").await;
    assert!(
        events.iter().all(|event| event.name != "room_list"),
        "{events:?}"
    );
}

#[tokio::test]
async fn the_session_follows_with_the_limits_and_the_server() {
    for transport in Transport::ALL {
        let server = HUBBUB.start().await;
        let mut client = Client::connect(&server, transport).await;
        client.expect("room_list").await;
        let session = client.expect("session").await;
        assert_eq!(
            keys(&session.raw),
            ["token", "user_id", "limits", "server", "role", "auth"]
        );
        assert!(
            session["user_id"].as_str().is_some_and(|id| !id.is_empty()),
            "{session:?}"
        );
        let features = ["replies", "reactions"];
        let server =
            json!({ "name": "hubbub", "version": env!("CARGO_PKG_VERSION"), "features": features });
        assert_eq!(session["server"], server);
        for (limit, value) in [
            ("message_max_chars", 2000),
            ("message_rate", 5),
            ("message_burst", 50),
            ("answer_bytes_rate", 262_144),
            ("answer_bytes_burst", 4_194_304),
            ("username_max_bytes", 128),
            ("users_page_max", 1000),
            ("mailbox", 1024),
        ] {
            assert_eq!(session["limits"][limit], value, "{limit}: {session:?}");
        }
    }
}

#[tokio::test]
async fn the_limits_of_the_session_are_those_in_force() {
    let settings = [
        ("MESSAGE_MAX_CHARS", "17"),
        ("MESSAGE_RATE", "3"),
        ("MESSAGE_BURST", "4"),
    ];
    let server = HUBBUB.start_with(&settings).await;
    let mut client = Client::connect(&server, Transport::WebSocket).await;
    let limits = client.greeted().await["limits"].clone();
    assert_eq!(limits["message_max_chars"], 17, "{limits}");
    assert_eq!(limits["message_rate"], 3, "{limits}");
    assert_eq!(limits["message_burst"], 4, "{limits}");
}

#[tokio::test]
async fn the_handshake_is_that_of_the_original() {
    let server = HUBBUB.start().await;
    for (transport, upgrades) in [
        (Transport::Polling, json!(["websocket"])),
        (Transport::WebSocket, json!([])),
    ] {
        let client = Client::connect(&server, transport).await;
        let handshake = client.handshake();
        assert_eq!(handshake["pingInterval"], 25_000, "{handshake}");
        assert_eq!(handshake["pingTimeout"], 20_000, "{handshake}");
        assert_eq!(handshake["upgrades"], upgrades, "{handshake}");
        assert!(
            handshake["maxPayload"]
                .as_u64()
                .is_some_and(|bytes| bytes >= 16_384),
            "{handshake}"
        );
    }
}

#[tokio::test]
async fn every_connection_is_somebody_else() {
    let server = HUBBUB.start().await;
    let mut first = Client::connect(&server, Transport::WebSocket).await;
    let mut second = Client::connect(&server, Transport::WebSocket).await;
    assert_ne!(
        first.greeted().await["user_id"],
        second.greeted().await["user_id"]
    );
}

#[tokio::test]
async fn any_auth_or_none_may_connect() {
    let server = HUBBUB.start().await;
    for auth in [
        "",
        "{}",
        r#"{"token":null}"#,
        r#"{"token":"not one of ours"}"#,
        r#"{"other":1}"#,
    ] {
        for transport in Transport::ALL {
            let mut client = Dial::new(&server, transport).auth(auth).connect().await;
            client.greeted().await;
        }
    }
}

#[tokio::test]
async fn any_origin_may_connect() {
    let server = HUBBUB.start().await;
    for origin in ["null", "https://elsewhere.example"] {
        for transport in Transport::ALL {
            let dial = Dial::new(&server, transport).header("origin", origin);
            dial.connect().await.greeted().await;
        }
    }
}

/// Without the header a browser would throw the answer away.
#[tokio::test]
async fn a_page_opened_from_a_file_may_read_the_answers() {
    let server = HUBBUB.start().await;
    let origin = vec![("origin".to_owned(), "null".to_owned())];
    let answer = Endpoint::new(server.address(), origin).poll().await;
    let headers = answer.unwrap().headers;
    let allowed = headers
        .get("access-control-allow-origin")
        .map(|value| value.to_str().unwrap());
    assert!(matches!(allowed, Some("*" | "null")), "{headers:?}");
}

#[tokio::test]
async fn another_namespace_is_refused_and_the_connection_goes_on() {
    let server = HUBBUB.start().await;
    let mut client = Client::connect(&server, Transport::WebSocket).await;
    client.greeted().await;
    client.send_raw("40/admin,");
    let refused = client.packet().await;
    assert!(
        matches!(&refused, Packet::ConnectError(text) if text.starts_with("/admin,")),
        "{refused:?}"
    );
    assert_accepted(
        &client
            .ask("join_room", &json!({ "room_name": "tech" }))
            .await,
    );
}

#[tokio::test]
async fn an_event_before_connect_closes_the_connection() {
    let server = HUBBUB.start().await;
    for transport in [Transport::WebSocket, Transport::Polling] {
        let mut client = Dial::new(&server, transport).open().await;
        client.send_raw(r#"42["join_room",{"room_name":"tech"}]"#);
        let before = client.until_closed().await;
        assert!(
            !before
                .iter()
                .any(|packet| matches!(packet, Packet::Event(_))),
            "{before:?}"
        );
    }
}

#[tokio::test]
async fn a_session_that_never_connects_is_closed() {
    let server = HUBBUB.start_with(&[("CONNECT_TIMEOUT", "1s")]).await;
    for transport in [Transport::WebSocket, Transport::Polling] {
        let mut client = Dial::new(&server, transport).open().await;
        client.until_closed().await;
    }
}

#[tokio::test]
async fn the_rooms_are_those_of_the_setting_in_its_order() {
    let server = HUBBUB.start_with(&[("ROOMS", "zebra,alpha-2,m")]).await;
    let mut client = Client::connect(&server, Transport::WebSocket).await;
    let list = client.expect("room_list").await;
    assert_eq!(keys(&list.raw), ["zebra", "alpha-2", "m"]);
    client.join("alpha-2", "Ada").await;
    let ack = client
        .ask("join_room", &json!({ "room_name": "general" }))
        .await;
    assert_eq!(ack["error"]["code"], "unknown_room", "{ack}");
}
