//! The metrics of a server that was started with METRICS_ADDR=127.0.0.1:0.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::http::get;
use super::{EVENT_TIMEOUT, TestServer};

/// Where a server serves its metrics.
#[derive(Debug, Clone, Copy)]
pub struct Metrics(SocketAddr);

impl Metrics {
    /// As the log says.
    pub fn of(server: &TestServer) -> Self {
        let log = server.log();
        let (_, rest) = log.split_once("metrics on http://").expect("the address");
        Self(rest[..rest.find("/metrics").unwrap()].parse().unwrap())
    }

    /// Where that is.
    pub fn address(self) -> SocketAddr {
        self.0
    }

    /// All of them, as they are served.
    pub async fn text(self) -> String {
        get(self.0, "/metrics").await.unwrap().body
    }

    /// One by its name and labels, 0 where there is none yet.
    pub async fn value(self, name: &str) -> u64 {
        let text = self.text().await;
        let mut values = text
            .lines()
            .filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        values.next().map_or(0, |value| value.parse().unwrap())
    }

    /// Waits until one has that value.
    pub async fn until(self, name: &str, wanted: u64) {
        let reached = timeout(EVENT_TIMEOUT, async {
            while self.value(name).await != wanted {
                sleep(Duration::from_millis(50)).await;
            }
        });
        if reached.await.is_err() {
            panic!("{name} is {} and not {wanted}", self.value(name).await);
        }
    }
}
