//! Pages of others, and requests that claim to come from elsewhere: rows 33 to 35.

use hubbub_test_client::http::{Answer, Line};
use hubbub_test_client::polling::connected_by_hand;
use hubbub_test_client::{Client, Dial, Transport, websocket};
use hyper::http::{Method, StatusCode};
use tokio_tungstenite::tungstenite;

use crate::watched_server::{WatchedServer, leave};

const SETTING: (&str, &str) = ("ALLOWED_ORIGINS", "https://good.example");
const GOOD: &str = "https://good.example";
/// Each looks a little like the good one.
const EVIL: [&str; 7] = [
    "https://evil.example",
    "http://good.example",
    "https://good.example.evil.example",
    "https://good.example:8443",
    "https://evil.example/https://good.example",
    "null",
    "",
];

async fn ask(watched: &WatchedServer, method: Method, query: &str, origin: &str) -> Answer {
    let preflight = ("access-control-request-method", "POST");
    let headers = [("origin", origin), preflight].map(|(n, v)| (n.to_owned(), v.to_owned()));
    let path = format!("/socket.io/?EIO=4&transport=polling{query}");
    let mut line = Line::new(watched.server().address());
    line.request(method, &path, &headers, "1".to_owned())
        .await
        .unwrap()
}

#[tokio::test]
async fn row_33_pages_of_other_origins_get_nothing() {
    let watched = WatchedServer::with(&[SETTING]).await;
    let (mut own, _) = connected_by_hand(watched.server().address()).await;
    let of_session = format!("&sid={}", own.sid());
    for origin in EVIL {
        for (method, query) in [
            (Method::GET, ""),
            (Method::POST, ""),
            (Method::OPTIONS, ""),
            (Method::GET, of_session.as_str()),
            (Method::POST, of_session.as_str()),
            (Method::OPTIONS, of_session.as_str()),
        ] {
            let answer = ask(&watched, method.clone(), query, origin).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {origin}");
            assert!(answer.body.contains("ALLOWED_ORIGINS"), "{answer:?}");
            assert!(!answer.headers.contains_key("access-control-allow-origin"));
        }
        let header = [("origin".to_owned(), origin.to_owned())];
        match websocket::open(watched.server().address(), None, &header).await {
            Err(tungstenite::Error::Http(answer)) => {
                assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{origin}");
            }
            other => panic!("{origin}: {other:?}"),
        }
        assert_eq!(watched.metric("hubbub_connections").await, 2, "{origin}");
    }
    // The session that was aimed at has not received it.
    assert_eq!(
        own.post("3".to_owned()).await.unwrap().status,
        StatusCode::OK
    );
    own.post("1".to_owned()).await.unwrap();
    // The good one is let in everywhere.
    let answer = ask(&watched, Method::OPTIONS, "", GOOD).await;
    assert_eq!(answer.headers["access-control-allow-origin"], GOOD);
    for transport in Transport::ALL {
        let dial = Dial::new(watched.server(), transport).header("origin", GOOD);
        leave(dial.connect().await).await;
    }
    watched.finish(&["origin"]).await;
}

#[tokio::test]
async fn row_33_without_the_setting_all_origins_are_welcome() {
    let watched = WatchedServer::start().await;
    for origin in ["https://evil.example", "null"] {
        assert_eq!(
            ask(&watched, Method::OPTIONS, "", origin).await.status,
            StatusCode::OK
        );
        let dial = Dial::new(watched.server(), Transport::WebSocket).header("origin", origin);
        leave(dial.connect().await).await;
    }
    watched.finish(&[]).await;
}

#[tokio::test]
async fn row_34_who_sends_no_origin_is_no_browser() {
    let watched = WatchedServer::with(&[SETTING]).await;
    for transport in Transport::ALL {
        leave(Client::connect(watched.server(), transport).await).await;
    }
    watched.finish(&[]).await;
}

#[tokio::test]
async fn row_35_nobody_is_believed_about_where_it_comes_from() {
    let watched = WatchedServer::with(&[("MAX_CONNECTIONS_PER_IP", "3")]).await;
    let two = [
        Client::connect(watched.server(), Transport::WebSocket).await,
        Client::connect(watched.server(), Transport::WebSocket).await,
    ];
    let hops = (0..100)
        .map(|n| format!("10.0.0.{n}"))
        .collect::<Vec<_>>()
        .join(", ");
    for (name, value) in [
        ("x-forwarded-for", "198.51.100.7"),
        ("x-forwarded-for", hops.as_str()),
        ("x-real-ip", "198.51.100.7"),
        (
            "forwarded",
            "for=198.51.100.7;host=good.example;proto=https",
        ),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "h0st1le.example"),
        ("x-forwarded-for", "127.0.0.1, h0st1le"),
    ] {
        let header = [(name.to_owned(), value.to_owned())];
        let mut line = Line::new(watched.server().address());
        let path = "/socket.io/?EIO=4&transport=polling";
        let answer = line
            .request(Method::GET, path, &header, String::new())
            .await
            .unwrap();
        assert_eq!(
            answer.status,
            StatusCode::TOO_MANY_REQUESTS,
            "{name}: {value}"
        );
        assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
    }
    drop(two);
    watched.finish(&["address_full"]).await;
}
