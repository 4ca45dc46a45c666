//! `hubbub ctl tail`: a room's messages as they come, without loss or repetition across lost
//! connections, until its reader goes.

use std::process::Stdio;

use hubbub_test_client::{Client, EVENT_TIMEOUT};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use super::proxies::{Fault, Proxy};
use super::{ADMIN, HUBBUB};

/// A `tail` that runs.
struct Tail {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Tail {
    fn start(url: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hubbub"))
            .args(["ctl", "tail", "tech"])
            .args(arguments)
            .env_clear()
            .envs([ADMIN, ("HUBBUB_URL", url)])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    async fn line(&mut self) -> String {
        let line = timeout(EVENT_TIMEOUT, self.lines.next_line()).await;
        line.expect("a line comes").unwrap().expect("it runs")
    }

    async fn exit_code(&mut self) -> Option<i32> {
        let ended = timeout(EVENT_TIMEOUT, self.child.wait()).await;
        ended.expect("it ends").unwrap().code()
    }
}

#[tokio::test]
async fn a_tail_misses_nothing_and_repeats_nothing_when_its_connection_is_cut() {
    let server = HUBBUB.start_with(&[ADMIN, ("MESSAGE_RATE", "0")]).await;
    let proxy = Proxy::start(&[server.address()], Fault::None).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    for n in 0..5 {
        ada.events_until_echo(&n.to_string()).await;
    }
    let mut tail = Tail::start(&proxy.url(), &["--json", "-n", "3"]);
    let mut expected = 2;
    for _ in 0..3 {
        while expected < 5 || expected % 5 != 0 {
            let line: Value = serde_json::from_str(&tail.line().await).unwrap();
            assert_eq!(line["event"], "receive_message", "{line}");
            assert_eq!(line["data"]["text"], expected.to_string());
            expected += 1;
        }
        proxy.cut();
        for n in expected..expected + 5 {
            ada.events_until_echo(&n.to_string()).await;
        }
        let line: Value = serde_json::from_str(&tail.line().await).unwrap();
        assert_eq!(line["data"]["text"], expected.to_string());
        expected += 1;
    }
}

#[tokio::test]
async fn a_tail_is_readable_and_ends_with_its_reader_or_at_ctrl_c() {
    let server = HUBBUB.start_with(&[ADMIN]).await;
    let url = format!("http://{}", server.address());
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let (mut tail, mut idle) = (
        Tail::start(&url, &["--after", "0"]),
        Tail::start(&url, &["--after", "0"]),
    );
    for tail in [&mut tail, &mut idle] {
        assert!(tail.line().await.ends_with("#1 * Ada has joined the room"));
    }
    ada.events_until_echo("two\nlines").await;
    assert!(tail.line().await.ends_with("#2 Ada: two"), "a message");
    assert_eq!(tail.line().await, "    lines");
    // Without anything to write, too.
    drop(tail.lines);
    let ended = timeout(EVENT_TIMEOUT, tail.child.wait()).await;
    assert_eq!(ended.expect("it ends").unwrap().code(), Some(0));

    let pid = idle.child.id().unwrap().to_string();
    let sent = Command::new("kill")
        .args(["-s", "INT", &pid])
        .status()
        .await;
    assert!(sent.unwrap().success());
    assert_eq!(idle.exit_code().await, Some(0));

    let mut unknown = Tail::start("http://127.0.0.1:1", &[]);
    assert_eq!(unknown.exit_code().await, Some(69));
}
