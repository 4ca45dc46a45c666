//! HTTP that is none, or another: rows 42 to 44, and too many connections.

use hubbub_test_client::Raw;
use hubbub_test_client::http::{Line, get};
use hyper::http::{Method, StatusCode};

use crate::HUBBUB;
use crate::watched_server::WatchedServer;

/// What a smuggler hides behind another request; its answer would be a second one.
const HIDDEN: &str = "GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n";

/// Sends bytes on a connection of their own. Returns all that is said until it is closed.
async fn said(watched: &WatchedServer, bytes: &str) -> String {
    let mut raw = Raw::open(watched.server()).await;
    raw.send(bytes).await;
    raw.until_closed().await
}

fn answers(said: &str) -> usize {
    said.matches("HTTP/1.1 ").count()
}

#[tokio::test]
async fn row_42_requests_of_two_lengths_are_refused() {
    let watched = WatchedServer::start().await;
    let heads = [
        "content-length: 4\r\ncontent-length: 5\r\n",
        "content-length: 4, 5\r\n",
        "content-length: +5\r\n",
        "content-length: -5\r\n",
        "content-length: 0x5\r\n",
        "content-length: 5h0st1le\r\n",
        "content-length: 99999999999999999999999\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: identity\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding : chunked\r\n",
        "x-folded: one\r\n two\r\n",
        "x-h0st1le: a\0b\r\n",
        "x h0st1le: a\r\n",
        ": nameless\r\n",
    ];
    for head in heads {
        let request = format!("POST /livez HTTP/1.1\r\nhost: x\r\n{head}\r\n0\r\n\r\n{HIDDEN}");
        let said = said(&watched, &request).await;
        assert!(said.starts_with("HTTP/1.1 400"), "{head}: {said}");
        assert_eq!(answers(&said), 1, "{head}: {said}");
        assert!(!said.contains(crate::watched_server::MARK), "{said}");
    }
    watched
        .until_rejected(
            "bad_http",
            heads.len() as u64,
            hubbub_test_client::EVENT_TIMEOUT,
        )
        .await;
    watched.finish(&["bad_http"]).await;
}

/// A length beside `chunked` is not counted (RFC 9112, 6.3): the body is what its chunks say, the
/// answer is the only one, and the connection closes. So no two programs can differ about what
/// comes after.
#[tokio::test]
async fn row_42_a_length_beside_chunks_ends_the_connection() {
    let watched = WatchedServer::start().await;
    for head in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 0\r\n",
    ] {
        let request = format!("GET /livez HTTP/1.1\r\nhost: x\r\n{head}\r\n0\r\n\r\n{HIDDEN}");
        let said = said(&watched, &request).await;
        assert_eq!(answers(&said), 1, "{head}: {said}");
    }
    watched.finish(&[]).await;
}

/// A `GET` may have a body, which the server does not read. It is not taken for a request.
#[tokio::test]
async fn row_42_a_body_of_a_get_is_no_request() {
    let watched = WatchedServer::start().await;
    let length = HIDDEN.len();
    for path in ["/livez", "/socket.io/?EIO=4&transport=grpc", "/nothing"] {
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
        let request = format!("{head}content-length: {length}\r\n\r\n{HIDDEN}");
        assert_eq!(answers(&said(&watched, &request).await), 1, "{path}");
        let chunked =
            format!("{head}transfer-encoding: chunked\r\n\r\n{length:x}\r\n{HIDDEN}\r\n0\r\n\r\n");
        assert_eq!(answers(&said(&watched, &chunked).await), 1, "{path}");
    }
    watched.finish(&["bad_request"]).await;
}

/// Lines may end with a line feed alone (RFC 9112, 2.2 lets a server take it): what stands in
/// front of this one cannot disagree with it about where a request ends, because a head ends at
/// the first empty line in both readings.
#[tokio::test]
async fn row_42_bare_line_feeds_end_lines_and_nothing_else() {
    let watched = WatchedServer::start().await;
    let bare = "GET /livez HTTP/1.1\nhost: x\nconnection: close\n\n";
    assert_eq!(answers(&said(&watched, bare).await), 1);
    // In a chunk's size they are refused.
    let chunk = "POST /livez HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\nx\n0\n\n";
    assert!(answers(&said(&watched, chunk).await) <= 1);
    // A carriage return alone ends nothing.
    let returns = "GET /livez HTTP/1.1\rhost: x\r\r";
    assert!(
        said(&watched, &format!("{returns}\r\n\r\n"))
            .await
            .starts_with("HTTP/1.1 400")
    );
    watched.finish(&["bad_http"]).await;
}

#[tokio::test]
async fn row_42_heads_that_are_too_large_are_refused() {
    let watched = WatchedServer::start().await;
    let long = format!(
        "GET /livez HTTP/1.1\r\nx-h0st1le: {}\r\n\r\n",
        "x".repeat(20_000)
    );
    let many = format!("GET /livez HTTP/1.1\r\n{}\r\n", "x: h0st1le\r\n".repeat(65));
    let path = format!("GET /{} HTTP/1.1\r\n\r\n", "h0st1le".repeat(10_000));
    for request in [&long, &many, &path] {
        let said = said(&watched, request).await;
        let refused = said.is_empty() || said.starts_with("HTTP/1.1 4");
        assert!(refused && answers(&said) <= 1, "{said}");
    }
    watched
        .until_rejected("bad_http", 3, hubbub_test_client::EVENT_TIMEOUT)
        .await;
    watched.finish(&["bad_http"]).await;
}

#[tokio::test]
async fn row_43_http_2_is_not_spoken() {
    let watched = WatchedServer::start().await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    // HEADERS and RST_STREAM of one stream after the other; CONTINUATION; empty DATA.
    let mut reset = Vec::new();
    for stream in 0..1000_u32 {
        let id = (2 * stream + 1).to_be_bytes();
        reset.extend([0, 0, 1, 1, 4, id[0], id[1], id[2], id[3], 0x82]);
        reset.extend([0, 0, 4, 3, 0, id[0], id[1], id[2], id[3], 0, 0, 0, 8]);
    }
    let continued = [0, 0, 1, 9, 0, 0, 0, 0, 1, 0x82].repeat(10_000);
    let empty = [0, 0, 0, 0, 0, 0, 0, 0, 1].repeat(10_000);
    let floods = [&b""[..], &reset, &continued, &empty];
    for flood in floods {
        let mut raw = Raw::open(watched.server()).await;
        raw.send([&preface[..], &settings, flood].concat()).await;
        let said = raw.until_closed().await;
        assert!(!said.contains('\0'), "no frame comes back: {said:?}");
    }
    watched
        .until_rejected(
            "bad_http",
            floods.len() as u64,
            hubbub_test_client::EVENT_TIMEOUT,
        )
        .await;
    // Asked for politely, the answer is HTTP/1.1.
    let polite = "GET /livez HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings, close\r\n\
         upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n";
    assert!(said(&watched, polite).await.starts_with("HTTP/1.1 200"));
    watched.finish(&["bad_http"]).await;
}

#[tokio::test]
async fn row_44_the_operators_paths_are_not_there() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), "a page").unwrap();
    let page = ("WEB_DIR", folder.path().to_str().unwrap());
    let browser = [("accept".to_owned(), "text/html".to_owned())];
    for settings in [&[][..], &[page][..]] {
        let watched = WatchedServer::with(settings).await;
        for path in [
            "/metrics",
            "/administrator",
            "/debug",
            "/debug/pprof/",
            "/server-status",
            "/.env",
            "/.git/config",
            "/socket.io/admin",
            "/%2e%2e/%2e%2e/etc/passwd",
            "//metrics",
        ] {
            for method in [Method::GET, Method::POST] {
                let mut line = Line::new(watched.server().address());
                let answer = line
                    .request(method, path, &browser, String::new())
                    .await
                    .unwrap();
                // Where a slash is too many, to the address without it: which is not there either.
                let redirected = answer.status == StatusCode::PERMANENT_REDIRECT
                    && answer.headers["location"] == "../metrics";
                assert!(
                    answer.status == StatusCode::NOT_FOUND || redirected,
                    "{path}: {answer:?}"
                );
                assert!(!answer.body.contains("hubbub_"), "{path}");
            }
        }
        // The metrics have an address of their own, and nothing else has.
        watched.until_metric("hubbub_connections", 1).await;
        assert_eq!(watched.beside_metrics("/").await, StatusCode::NOT_FOUND);
        assert_eq!(
            watched.beside_metrics("/socket.io/").await,
            StatusCode::NOT_FOUND
        );
        watched.finish(&[]).await;
    }
    let server = HUBBUB.start().await;
    assert!(!server.log().contains("metrics on"), "off unless asked for");
    assert_eq!(
        get(server.address(), "/metrics").await.unwrap().status,
        StatusCode::NOT_FOUND
    );
}
