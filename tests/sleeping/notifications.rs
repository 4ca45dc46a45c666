//! What a service manager is notified of through NOTIFY_SOCKET.

use std::path::PathBuf;

use hubbub_test_client::http::get;
use hubbub_test_client::polling::connected_by_hand;
use hubbub_test_client::{EVENT_TIMEOUT, TestServer};
use tempfile::TempDir;
use tokio::net::UnixDatagram;
use tokio::time::timeout;

use crate::HUBBUB;

/// The end of a service manager.
struct Notified {
    folder: TempDir,
    socket: UnixDatagram,
}

impl Notified {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        Self { folder, socket }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("notify")
    }

    async fn server(&self, settings: &[(&str, &str)]) -> TestServer {
        let path = self.path();
        let notify = ("NOTIFY_SOCKET", path.to_str().unwrap());
        HUBBUB.start_with(&[&[notify], settings].concat()).await
    }

    async fn next(&self) -> String {
        let mut buffer = [0; 256];
        let received = timeout(EVENT_TIMEOUT, self.socket.recv(&mut buffer)).await;
        let bytes = received.expect("a notification").unwrap();
        String::from_utf8(buffer[..bytes].to_vec()).unwrap()
    }
}

#[tokio::test]
async fn it_is_ready_once_it_serves_and_stopping_before_it_drains() {
    let notified = Notified::new();
    let mut server = notified.server(&[("DRAIN_TIMEOUT", "10m")]).await;
    assert_eq!(notified.next().await, "READY=1\n");
    assert_eq!(get(server.address(), "/readyz").await.unwrap().status, 200);
    let holds_it_up = connected_by_hand(server.address()).await;
    server.signal("TERM").await;
    assert_eq!(notified.next().await, "STOPPING=1\n");
    assert!(server.is_running());
    drop(holds_it_up);
    server.signal("TERM").await;
    server.exit().await;
}

#[tokio::test]
async fn it_is_stopping_when_it_exits_because_it_is_idle() {
    let notified = Notified::new();
    let mut server = notified.server(&[("EXIT_WHEN_IDLE", "100ms")]).await;
    assert_eq!(notified.next().await, "READY=1\n");
    assert_eq!(notified.next().await, "STOPPING=1\n");
    assert_eq!(server.exit().await.code(), Some(0));
}

#[cfg(feature = "cluster")]
#[tokio::test]
async fn it_is_not_ready_while_its_store_cannot_be_used() {
    let nothing_there = super::manager::socket().local_addr().unwrap();
    let notified = Notified::new();
    let url = format!("redis://{nothing_there}");
    let key = ("SECRET_KEY", "a key of this test, 32 bytes long");
    let mut server = notified.server(&[("REDIS_URL", &url), key]).await;
    assert_eq!(get(server.address(), "/readyz").await.unwrap().status, 503);
    server.signal("TERM").await;
    assert_eq!(notified.next().await, "STOPPING=1\n");
    server.exit().await;
}

#[tokio::test]
async fn a_socket_that_is_gone_is_no_reason_to_end() {
    let gone = ("NOTIFY_SOCKET", "/no/such/socket");
    let mut server = HUBBUB.start_with(&[gone]).await;
    assert_eq!(get(server.address(), "/livez").await.unwrap().status, 200);
    server.signal("TERM").await;
    assert_eq!(server.exit().await.code(), Some(0));
    assert!(server.log().contains("NOTIFY_SOCKET"), "{}", server.log());
}
