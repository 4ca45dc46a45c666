//! Pages that send credentials, headers that every answer has, and headers that come twice: row 61.

use hubbub_test_client::Metrics;
use hubbub_test_client::Raw;
use hubbub_test_client::http::{Answer, Line};
use hubbub_test_client::polling::connected_by_hand;
use hubbub_test_client::raw::{WHOLE, upgrade_request};
use hyper::http::{HeaderMap, Method, StatusCode};

use crate::watched_server::WatchedServer;

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

async fn ask(
    watched: &WatchedServer,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let mut line = Line::new(watched.server().address());
    let answer = line.request(method, path, &headers, "3".to_owned()).await;
    answer.unwrap()
}

/// What every answer of Socket.IO's has, also a refusal.
fn is_private(headers: &HeaderMap, what: &str) {
    let vary = headers.get_all("vary").iter();
    let names: Vec<_> = vary.filter_map(|names| names.to_str().ok()).collect();
    assert!(
        names.join(",").to_lowercase().contains("origin"),
        "{what}: {headers:?}"
    );
    assert_eq!(headers["cache-control"], "no-store", "{what}");
    assert_eq!(headers["x-content-type-options"], "nosniff", "{what}");
}

/// As `io(url, { withCredentials: true })` needs it, on every request of a session.
#[tokio::test]
async fn row_55_a_page_that_sends_credentials_may_poll_from_an_allowed_origin() {
    let listed = "https://chat.example:443, http://localhost:3000, null";
    for (setting, origins) in [
        (
            "*",
            &["https://any.example", "http://127.0.0.1:8080", "null"][..],
        ),
        (
            listed,
            &["https://chat.example", "http://localhost:3000", "null"],
        ),
    ] {
        let watched =
            WatchedServer::with(&[("ALLOWED_ORIGINS", setting), ("CONNECT_TIMEOUT", "2s")]).await;
        for &origin in origins {
            let (mut own, _) = connected_by_hand(watched.server().address()).await;
            let of_session = format!("{POLLING}&sid={}", own.sid());
            let asks = [
                ("origin", origin),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "content-type,x-token"),
                ("cookie", "session=1"),
            ];
            for (method, path) in [
                (Method::OPTIONS, POLLING),
                (Method::OPTIONS, &of_session),
                (Method::POST, &of_session),
                (Method::GET, "/socket.io/?EIO=3&transport=polling"),
                (Method::GET, POLLING),
            ] {
                let what = format!("{method} {path} from {origin} with {setting}");
                let answer = ask(&watched, method.clone(), path, &asks).await;
                is_private(&answer.headers, &what);
                let header = |name| answer.headers.get(name).and_then(|v| v.to_str().ok());
                assert_eq!(
                    header("access-control-allow-origin"),
                    Some(origin),
                    "{what}"
                );
                assert_eq!(
                    header("access-control-allow-credentials"),
                    Some("true"),
                    "{what}"
                );
                if method == Method::OPTIONS {
                    assert_eq!(answer.status, StatusCode::OK, "{what}");
                    let allowed = header("access-control-allow-headers");
                    assert_eq!(allowed, Some("content-type,x-token"), "{what}");
                    let methods = header("access-control-allow-methods").unwrap_or_default();
                    assert!(
                        methods.contains("POST") && methods.contains("GET"),
                        "{methods}"
                    );
                }
            }
            own.post("1".to_owned()).await.unwrap();
        }
        // What was opened and not claimed goes with its timeout.
        watched.until_metric("hubbub_connections", 1).await;
        watched.finish(&[]).await;
    }
}

#[tokio::test]
async fn row_55_what_is_refused_and_what_has_no_origin_varies_by_it_too() {
    let settings = [
        ("ALLOWED_ORIGINS", "https://chat.example"),
        ("CONNECT_TIMEOUT", "2s"),
    ];
    let watched = WatchedServer::with(&settings).await;
    for (path, headers, status) in [
        (
            POLLING,
            &[("origin", "https://evil.example")][..],
            StatusCode::FORBIDDEN,
        ),
        (POLLING, &[("origin", "")], StatusCode::FORBIDDEN),
        ("/socket.io/?EIO=4", &[], StatusCode::BAD_REQUEST),
        ("/socket.io", &[], StatusCode::BAD_REQUEST),
        (POLLING, &[], StatusCode::OK),
    ] {
        let answer = ask(&watched, Method::GET, path, headers).await;
        assert_eq!(answer.status, status, "{path} {headers:?}: {answer:?}");
        is_private(&answer.headers, path);
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
    watched.until_metric("hubbub_connections", 1).await;
    watched.finish(&["origin", "bad_request"]).await;
}

#[tokio::test]
async fn row_55_every_answer_forbids_to_guess_its_type() {
    let watched = WatchedServer::start().await;
    for (method, path) in [
        (Method::GET, "/"),
        (Method::HEAD, "/"),
        (Method::POST, "/"),
        (Method::GET, "/nothing.txt"),
        (Method::GET, "/livez"),
        (Method::POST, "/livez"),
        (Method::GET, "/readyz"),
        (Method::OPTIONS, POLLING),
        (Method::GET, "/socket.io/"),
        (Method::GET, "/socket.io/nothing"),
        (Method::DELETE, POLLING),
    ] {
        let answer = ask(&watched, method.clone(), path, &[]).await;
        let nosniff = answer.headers.get("x-content-type-options");
        assert!(
            nosniff.is_some_and(|v| v == "nosniff"),
            "{method} {path}: {answer:?}"
        );
    }
    let mut metrics = Line::new(Metrics::of(watched.server()).address());
    for (method, path) in [
        (Method::GET, "/metrics"),
        (Method::POST, "/metrics"),
        (Method::GET, "/"),
    ] {
        let answer = metrics.request(method, path, &[], String::new()).await;
        assert_eq!(answer.unwrap().headers["x-content-type-options"], "nosniff");
    }
    let (raw, head) = Raw::websocket(watched.server(), "").await;
    assert!(head.contains("x-content-type-options: nosniff"), "{head}");
    assert!(head.contains("cache-control: no-store"), "{head}");
    drop(raw);
    watched.finish(&["bad_request"]).await;
}

/// Of two, a proxy may have judged by one and the server by the other.
#[tokio::test]
async fn row_55_a_header_that_decides_something_may_not_come_twice() {
    let watched = WatchedServer::with(&[("ALLOWED_ORIGINS", "https://good.example")]).await;
    let polling = format!("GET {POLLING} HTTP/1.1\r\nhost: x\r\n");
    let preflight = polling.replace("GET", "OPTIONS");
    let websocket = upgrade_request("websocket", WHOLE);
    let websocket = websocket.trim_end_matches("\r\n").to_owned() + "\r\n";
    let page = "GET / HTTP/1.1\r\nhost: x\r\n".to_owned();
    let health = page.replace("/ H", "/livez H");
    let good = "origin: https://good.example\r\n";
    let mut refused = 0;
    for (request, doubled) in [
        (&polling, format!("{good}origin: https://evil.example\r\n")),
        (&polling, format!("origin: https://evil.example\r\n{good}")),
        (&polling, format!("{good}Origin: https://good.example\r\n")),
        (
            &websocket,
            format!("{good}origin: https://evil.example\r\n"),
        ),
        (&preflight, format!("{good}{good}")),
        (
            &preflight,
            "access-control-request-method: GET\r\n".repeat(2),
        ),
        (
            &preflight,
            "access-control-request-headers: x\r\n".repeat(2),
        ),
        (&polling, "host: y\r\n".to_owned()),
        (&page, "host: x\r\n".to_owned()),
        (&health, "host: y\r\n".to_owned()),
        (&polling, "authorization: Bearer a\r\n".repeat(2)),
        (&page, "transfer-encoding: chunked\r\n".repeat(2)),
        (
            &websocket,
            "sec-websocket-key: BBBBBBBBBBBBBBBBBBBBBB==\r\n".to_owned(),
        ),
        (&websocket, "sec-websocket-version: 13\r\n".to_owned()),
        (&websocket, "sec-websocket-version: 8\r\n".to_owned()),
    ] {
        let mut raw = Raw::open(watched.server()).await;
        assert!(raw.send(format!("{request}{doubled}\r\n")).await);
        let answer = raw.head().await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{doubled}: {answer}");
        assert_eq!(watched.metric("hubbub_connections").await, 1, "{doubled}");
        refused += 1;
    }
    assert_eq!(watched.rejected("doubled_header").await, refused);
    // Lists may stand on several lines.
    for lists in [
        "x-forwarded-for: 1.2.3.4\r\nx-forwarded-for: 5.6.7.8\r\n",
        "accept: text/html\r\naccept: */*\r\n",
        "if-none-match: \"a\"\r\nif-none-match: \"b\"\r\n",
        "accept-encoding: br\r\naccept-encoding: gzip\r\n",
        "connection: keep-alive\r\nconnection: x-h0st1le\r\n",
        "x-h0st1le: a\r\nx-h0st1le: b\r\n",
    ] {
        let mut raw = Raw::open(watched.server()).await;
        assert!(raw.send(format!("{page}{lists}\r\n")).await);
        let answer = raw.head().await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{lists}: {answer}");
    }
    watched.finish(&["doubled_header"]).await;
}
