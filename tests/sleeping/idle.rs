//! EXIT_WHEN_IDLE: what keeps the service awake, what does not, and how it ends.

use std::net::SocketAddr;
use std::time::Duration;

use hubbub_test_client::http::{Line, get};
use hubbub_test_client::{Client, EVENT_TIMEOUT, Metrics, TestServer, Transport};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::HUBBUB;

const IDLE: (&str, &str) = ("EXIT_WHEN_IDLE", "300ms");

/// Waits for longer than [`IDLE`]: until a server without connections that starts now has exited.
async fn longer_than_idle() {
    let mut unused = HUBBUB.start_with(&[IDLE]).await;
    assert_eq!(unused.exit().await.code(), Some(0));
}

#[tokio::test]
async fn an_unused_service_exits_in_order_and_logs_why() {
    let mut server = HUBBUB.start_with(&[IDLE]).await;
    assert_eq!(server.exit().await.code(), Some(0), "{}", server.log());
    let log = server.log();
    for line in ["stopping: no connections for 300ms", "draining", "stopped"] {
        let lines = log.lines().filter(|logged| logged.contains(line)).count();
        assert_eq!(lines, 1, "{line}: {log}");
    }
    assert!(log.contains("EXIT_WHEN_IDLE without DATA_DIR"), "{log}");
}

#[tokio::test]
async fn without_the_setting_it_never_exits() {
    let mut awake = Vec::new();
    for never in ["", "0"] {
        awake.push(HUBBUB.start_with(&[("EXIT_WHEN_IDLE", never)]).await);
    }
    awake.push(HUBBUB.start().await);
    longer_than_idle().await;
    for server in &mut awake {
        assert!(server.is_running(), "{}", server.log());
        assert_eq!(get(server.address(), "/livez").await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn a_connection_keeps_it_awake_and_its_end_lets_it_sleep() {
    for transport in Transport::ALL {
        let mut server = HUBBUB.start_with(&[IDLE]).await;
        let mut ada = Client::connect(&server, transport).await;
        ada.join("tech", "Ada").await;
        longer_than_idle().await;
        let answer = ada.ask("send_message", &json!({ "text": "awake" })).await;
        assert_eq!(answer["ok"], true, "{transport}: {answer}");
        ada.send_raw("41");
        ada.hang_up();
        ada.until_closed().await;
        drop(ada);
        assert_eq!(server.exit().await.code(), Some(0), "{transport}");
    }
}

#[tokio::test]
async fn requests_for_pages_keep_it_awake() {
    let mut server = HUBBUB.start_with(&[IDLE, ("KEEP_ALIVE", "0")]).await;
    let address = server.address();
    let visitor = tokio::spawn(async move {
        while get(address, "/").await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    });
    longer_than_idle().await;
    assert!(server.is_running(), "{}", server.log());
    assert!(!visitor.is_finished());
    visitor.abort();
    assert_eq!(server.exit().await.code(), Some(0));
}

#[tokio::test]
async fn a_browser_that_keeps_its_connection_keeps_it_awake() {
    let mut server = HUBBUB.start_with(&[IDLE]).await;
    let mut browser = Line::new(server.address());
    assert_eq!(browser.get("/").await.unwrap().status, 200);
    longer_than_idle().await;
    assert_eq!(browser.get("/livez").await.unwrap().status, 200);
    assert_eq!(browser.opened(), 1);
    drop(browser);
    assert_eq!(server.exit().await.code(), Some(0));
}

/// Does something again and again until the server has exited.
async fn exits_beside<F: Future<Output = ()>>(server: &mut TestServer, again: impl Fn() -> F) {
    let busy = async {
        loop {
            again().await;
            sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        status = server.exit() => assert_eq!(status.code(), Some(0)),
        () = busy => {}
    }
}

#[tokio::test]
async fn health_checks_do_not_keep_it_awake() {
    for path in ["/livez", "/readyz"] {
        let mut server = HUBBUB.start_with(&[IDLE]).await;
        let address = server.address();
        // It is refused once the server has exited.
        exits_beside(&mut server, || async move {
            let _refused = get(address, path).await.is_err();
        })
        .await;
    }
}

#[tokio::test]
async fn a_monitor_that_keeps_its_connection_does_not_keep_it_awake() {
    let mut server = HUBBUB.start_with(&[IDLE]).await;
    let mut monitor = Line::new(server.address());
    for path in ["/livez", "/readyz", "/livez"] {
        assert_eq!(monitor.get(path).await.unwrap().status, 200);
    }
    assert_eq!(monitor.opened(), 1);
    assert_eq!(server.exit().await.code(), Some(0), "{}", server.log());
}

#[tokio::test]
async fn scrapes_do_not_keep_it_awake() {
    let settings = [IDLE, ("METRICS_ADDR", "127.0.0.1:0")];
    let mut server = HUBBUB.start_with(&settings).await;
    let metrics = Metrics::of(&server).address();
    exits_beside(&mut server, || async move {
        let _refused = get(metrics, "/metrics").await.is_err();
    })
    .await;
}

#[tokio::test]
async fn connections_without_a_request_do_not_keep_it_awake() {
    let mut server = HUBBUB.start_with(&[IDLE]).await;
    let address = server.address();
    exits_beside(&mut server, || open_and_close(address)).await;
}

async fn open_and_close(address: SocketAddr) {
    drop(TcpStream::connect(address).await);
}

#[tokio::test]
async fn an_open_connection_without_a_request_is_waited_for() {
    let mut server = HUBBUB.start_with(&[IDLE]).await;
    let mut slow = Line::new(server.address());
    let stream = TcpStream::connect(server.address()).await.unwrap();
    longer_than_idle().await;
    // Its request may be on its way.
    assert_eq!(slow.get("/").await.unwrap().status, 200);
    drop((stream, slow));
    let status = timeout(EVENT_TIMEOUT, server.exit()).await.unwrap();
    assert_eq!(status.code(), Some(0));
}
