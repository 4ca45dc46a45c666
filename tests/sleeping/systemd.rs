//! Systemd itself, where it is installed: `systemd-socket-activate`, and the units in deploy/systemd/.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use hubbub_test_client::http::get;
use hubbub_test_client::{Client, EVENT_TIMEOUT};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use super::manager::socket;
use crate::HUBBUB;

const BINARY: &str = env!("CARGO_BIN_EXE_hubbub");
const UNITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/systemd");

/// Whether a program of systemd is there. Says otherwise that a test is skipped, past the harness,
/// which shows nothing of tests that succeed.
fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(program).exists());
    if !found {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        let mut out = std::io::stdout();
        let why = format!("SKIPPED: {program} is missing, so {test} shows nothing");
        writeln!(out, "{why}").expect("stdout is open");
    }
    found
}

#[tokio::test]
async fn systemd_socket_activate_wakes_it_and_it_exits_when_idle() {
    const PROGRAM: &str = "systemd-socket-activate";
    if !has(PROGRAM) {
        return;
    }
    let address = socket().local_addr().unwrap();
    let child = Command::new(PROGRAM)
        .args(["--listen", &address.to_string()])
        .args(["-E", "EXIT_WHEN_IDLE=100ms", "-E", "PORT=1", BINARY])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    // Its own start takes a moment, too.
    let answered = async {
        loop {
            match get(address, "/").await {
                Ok(answer) => return answer,
                Err(_) => sleep(Duration::from_millis(10)).await,
            }
        }
    };
    let answer = timeout(EVENT_TIMEOUT, answered).await.expect("it is woken");
    assert_eq!(answer.status, 200);
    let output = timeout(EVENT_TIMEOUT, child.wait_with_output()).await;
    let output = output.expect("it exits when it is idle").unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{log}");
    let line = format!("listening on http://{address}\n");
    assert_eq!(String::from_utf8_lossy(&output.stdout), line);
}

fn unit(name: &str) -> String {
    std::fs::read_to_string(Path::new(UNITS).join(name)).unwrap()
}

/// Settings of a unit, in order.
fn entries(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('='))
}

#[tokio::test]
async fn the_units_are_valid() {
    const PROGRAM: &str = "systemd-analyze";
    if !has(PROGRAM) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["hubbub.socket", "hubbub.service"] {
        let text = unit(name).replace("/usr/local/bin/hubbub", BINARY);
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let checked = Command::new(PROGRAM)
        .args(["verify", "--man=no", "hubbub.socket", "hubbub.service"])
        .current_dir(folder.path())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success() && said.is_empty(), "{said}");
}

#[tokio::test]
async fn the_service_starts_with_the_settings_of_its_unit() {
    let text = unit("hubbub.service");
    let of_unit = entries(&text).filter(|(key, _)| *key == "Environment");
    let mut settings: Vec<_> = of_unit
        .map(|(_, pair)| pair.split_once('=').unwrap())
        .collect();
    let names: Vec<_> = settings.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["DATA_DIR", "EXIT_WHEN_IDLE"]);
    let folder = tempfile::tempdir().unwrap();
    settings[0].1 = folder.path().to_str().unwrap();
    // The folder needs the feature `disk`.
    let settings = &settings[usize::from(!cfg!(feature = "disk"))..];
    let server = HUBBUB.start_on(socket().into(), settings).await;
    Client::joined(&server, "tech", "Ada").await;
}

/// Its own drain, what follows that, and a moment for the disk.
#[test]
fn the_service_has_time_to_stop() {
    let drain = hubbub::config::Config::default().drain_timeout;
    let text = unit("hubbub.service");
    let (_, seconds) = entries(&text)
        .find(|(key, _)| *key == "TimeoutStopSec")
        .unwrap();
    let time = Duration::from_secs(seconds.parse().unwrap());
    assert!(time >= drain + Duration::from_secs(5), "{time:?}");
}
