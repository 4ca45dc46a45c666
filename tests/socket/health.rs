//! What monitors and people with a browser get.

use hubbub_test_client::http::{Line, get};
use hyper::http::StatusCode;

use super::HUBBUB;

#[tokio::test]
async fn a_running_server_lives_and_is_ready() {
    let server = HUBBUB.start().await;
    for path in ["/livez", "/readyz"] {
        assert_eq!(
            get(server.address(), path).await.unwrap().status,
            StatusCode::OK,
            "{path}"
        );
    }
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let server = HUBBUB.start().await;
    let mut monitor = Line::new(server.address());
    for path in ["/livez", "/readyz", "/", "/livez"] {
        assert_eq!(
            monitor.get(path).await.unwrap().status,
            StatusCode::OK,
            "{path}"
        );
    }
    assert_eq!(monitor.opened(), 1);
}

#[tokio::test]
async fn the_page_says_what_this_is_and_how_to_connect() {
    let server = HUBBUB.start().await;
    let page = get(server.address(), "/").await.unwrap();
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.to_lowercase().contains("hubbub"), "{}", page.body);
    assert!(
        page.body.contains("Socket.IO") && page.body.contains("join_room"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn other_paths_are_not_found() {
    let server = HUBBUB.start().await;
    for path in [
        "/nothing",
        "/socket.io.js",
        "/metrics",
        "/administrator",
        "/../etc/passwd",
    ] {
        let answer = get(server.address(), path).await.unwrap();
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_admin_page_is_there_or_a_text_says_why_not() {
    let server = HUBBUB.start().await;
    let answer = get(server.address(), "/admin").await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    let kind = answer.headers["content-type"].to_str().unwrap();
    let has_page = cfg!(feature = "web");
    assert_eq!(kind.starts_with("text/html"), has_page, "{kind}");
    assert_eq!(answer.body.contains("without its web client"), !has_page);
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn the_address_printed_is_the_one_that_answers() {
    let server = HUBBUB.start().await;
    let line = format!("listening on http://{}", server.address());
    assert_eq!(server.banner(), [line]);
}
