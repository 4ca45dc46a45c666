//! What must hold whatever is done to the server: a bystander keeps talking and receives
//! everything, the counts are exact afterwards, nothing panics, what was refused is counted, and
//! the log says so in few words, none of which are a user's.

use std::collections::HashMap;
use std::time::Duration;

use hubbub_test_client::http::get;
use hubbub_test_client::shape::default_rooms_json;
use hubbub_test_client::{Client, EVENT_TIMEOUT, Metrics, TestServer, Transport};
use hyper::http::StatusCode;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::HUBBUB;

/// Stands in what tests send; nothing of that may be in the log.
pub const MARK: &str = "h0st1le";

/// Where the bystander is. Whoever does harm is somewhere else.
const ROOM: &str = "general";
/// Between two messages of the bystander: below the rate that is allowed.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest the bystander may wait for its own message, on a busy machine.
const ECHO_MAX: Duration = Duration::from_secs(10);
/// One line a second for each reason. The times in the log are taken a little after the server's,
/// on a busy machine up to this much.
const LOG_EVERY: Duration = Duration::from_millis(800);

/// A server with a bystander who talks, and the checks that follow a hostile test.
pub struct WatchedServer {
    server: TestServer,
    metrics: Metrics,
    bystander: JoinHandle<Client>,
    stop: oneshot::Sender<()>,
}

impl WatchedServer {
    /// With the default settings.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With these settings.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let own = [
            ("METRICS_ADDR", "127.0.0.1:0"),
            ("LOG_FORMAT", "json"),
            // The bystander is new, and says more in a minute than people do.
            ("NEWCOMER_RATE", "0"),
        ];
        let server = HUBBUB.start_with(&[&own[..], settings].concat()).await;
        let metrics = Metrics::of(&server);
        let bystander = Client::joined(&server, ROOM, "Bystander").await;
        let (stop, stopped) = oneshot::channel();
        Self {
            server,
            metrics,
            bystander: tokio::spawn(talk_until(stopped, bystander)),
            stop,
        }
    }

    /// The server.
    pub fn server(&self) -> &TestServer {
        &self.server
    }

    /// A metric by its name and labels, 0 where there is none yet.
    pub async fn metric(&self, name: &str) -> u64 {
        self.metrics.value(name).await
    }

    /// How the metrics' listener answers another path.
    pub async fn beside_metrics(&self, path: &str) -> StatusCode {
        get(self.metrics.address(), path).await.unwrap().status
    }

    /// How often something was refused for that reason.
    pub async fn rejected(&self, reason: &str) -> u64 {
        self.metric(&rejections(reason)).await
    }

    /// Waits until a metric has that value.
    pub async fn until_metric(&self, name: &str, wanted: u64) {
        self.metrics.until(name, wanted).await;
    }

    /// Waits until a metric has at least that value.
    pub async fn until_metric_reaches(&self, name: &str, wanted: u64, patience: Duration) {
        let reached = timeout(patience, async {
            while self.metric(name).await < wanted {
                sleep(Duration::from_millis(50)).await;
            }
        });
        if reached.await.is_err() {
            let found = self.metric(name).await;
            panic!("{name} is {found} and did not reach {wanted}");
        }
    }

    /// Waits until something was refused at least so often for that reason.
    pub async fn until_rejected(&self, reason: &str, times: u64, patience: Duration) {
        let name = rejections(reason);
        self.until_metric_reaches(&name, times, patience).await;
    }

    /// Checks everything once all others have gone; `reasons` are those for which something must
    /// have been refused.
    pub async fn finish(self, reasons: &[&str]) {
        for reason in reasons {
            self.until_rejected(reason, 1, EVENT_TIMEOUT).await;
        }
        self.until_metric("hubbub_connections", 1).await;
        for (room, members) in [(ROOM, 1), ("tech", 0)] {
            self.until_metric(&format!("hubbub_members{{room=\"{room}\"}}"), members)
                .await;
        }
        assert!(self.stop.send(()).is_ok(), "the bystander is gone");
        let mut bystander = self.bystander.await.expect("the bystander notices nothing");
        bystander.events_until_echo("still here").await;
        let mut fresh = Client::connect(&self.server, Transport::WebSocket).await;
        let counts = fresh.expect("room_list").await.raw;
        assert_eq!(counts, default_rooms_json(&[(ROOM, 1)]));
        let metrics = self.metrics.text().await;
        assert!(
            metrics.lines().any(|line| line == "hubbub_panics_total 0"),
            "{metrics}"
        );
        check_log(&self.server.log(), reasons);
    }
}

/// Closes the connection and waits until the server has, too: a client that polls and vanishes
/// between two polls is missed only by the heartbeat.
pub async fn leave(mut client: Client) {
    client.hang_up();
    client.until_closed().await;
}

/// The metric that counts refusals for a reason.
fn rejections(reason: &str) -> String {
    format!("hubbub_rejected_total{{reason=\"{reason}\"}}")
}

/// Says something every now and then, and receives exactly that and the counts, soon.
async fn talk_until(mut stopped: oneshot::Receiver<()>, mut bystander: Client) -> Client {
    let mut said = 0;
    while stopped.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
        said += 1;
        let text = format!("message {said}");
        let since = Instant::now();
        bystander.say(&text);
        let echo = bystander.expect_but_counts("receive_message").await;
        assert_eq!(echo["text"], text.as_str());
        let waited = since.elapsed();
        assert!(waited < ECHO_MAX, "message {said} took {waited:?}");
        sleep(PAUSE).await;
    }
    bystander
}

/// Every line is one JSON object in printable characters without anything a user sent, and one
/// reason has at most one line a second.
fn check_log(log: &str, reasons: &[&str]) {
    let mut last: HashMap<String, jiff::Timestamp> = HashMap::new();
    assert!(!log.contains(MARK), "what was sent is in the log:\n{log}");
    for line in log.lines() {
        assert!(!line.contains(char::is_control), "{line:?}");
        let line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        let Some(reason) = line["reason"].as_str() else {
            continue;
        };
        let at: jiff::Timestamp = line["timestamp"].as_str().unwrap().parse().unwrap();
        if let Some(before) = last.insert(reason.to_owned(), at) {
            let pause = Duration::try_from(at.duration_since(before)).unwrap();
            assert!(pause >= LOG_EVERY, "{reason}: {pause:?} between two lines");
        }
    }
    for reason in reasons {
        assert!(last.contains_key(*reason), "no line about {reason}:\n{log}");
    }
}
