//! `hubbub doctor`: nothing to complain about if all is well, and a line with its remedy for each fault
//! of a proxy.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hubbub_test_client::EVENT_TIMEOUT;
use hubbub_test_client::tokens::{KEY, made};
use serde_json::{Value, json};

use super::proxies::{Authority, Fault, Proxy};
use super::{ADMIN, HUBBUB, done, run};

/// Heartbeats come soon, so that tests need not wait for long.
const HEARTBEAT: (&str, &str) = ("PING_INTERVAL", "1s");

/// What the doctor finds at an address: its exit code and its findings.
async fn findings(
    settings: &[(&str, &str)],
    url: &str,
    arguments: &[&str],
) -> (Option<i32>, Vec<Value>) {
    let all = [&["doctor", url, "--json"], arguments].concat();
    let finished = HUBBUB.run_to_end(settings, &all).await;
    let lines = finished.stdout.lines();
    let found = lines.map(|line| serde_json::from_str(line).unwrap());
    (finished.code, found.collect())
}

/// All findings of these kinds.
fn complaints(findings: &[Value]) -> Vec<&Value> {
    let is_complaint =
        |finding: &&Value| finding["status"] == "warn" || finding["status"] == "fail";
    findings.iter().filter(is_complaint).collect()
}

fn statuses(findings: &[Value], check: &str) -> Vec<Value> {
    let of_check = findings.iter().filter(|finding| finding["check"] == check);
    of_check.map(|finding| finding["status"].clone()).collect()
}

#[tokio::test]
async fn a_plain_server_and_a_good_proxy_are_all_well_and_notice_nothing() {
    let server = HUBBUB.start_with(&[ADMIN, HEARTBEAT]).await;
    let text = done(&server, &["doctor"]).await;
    for line in text.lines() {
        assert!(
            line.starts_with("ok    ") || line.starts_with("skip  "),
            "{text}"
        );
    }
    for check in [
        "address",
        "live",
        "ready",
        "clock",
        "polling",
        "affinity",
        "websocket",
        "upgrade",
        "limits",
        "version",
        "origins",
        "api",
        "token",
        "client address",
        "event stream",
        "metrics",
        "heartbeat",
        "long poll",
    ] {
        let begin = format!("ok    {check}: ");
        assert!(
            text.lines().any(|line| line.starts_with(&begin)),
            "{check}: {text}"
        );
    }
    let proxy = Proxy::start(&[server.address()], Fault::Below).await;
    let url = format!("{}/chat", proxy.url());
    let (code, found) = findings(&[ADMIN], &url, &["--quick"]).await;
    assert_eq!((code, complaints(&found)), (Some(0), vec![]), "{found:?}");
    #[cfg(feature = "web")]
    for check in ["page", "sub-path", "headers", "compression"] {
        assert_eq!(statuses(&found, check), ["ok"], "{found:?}");
    }
    // Nothing is left behind: no message, no notice, no member, no line of the audit log.
    let rooms = done(&server, &["ctl", "rooms", "--json"]).await;
    for room in rooms.lines() {
        let room: Value = serde_json::from_str(room).unwrap();
        assert_eq!((&room["last_id"], &room["members"]), (&json!(0), &json!(0)));
    }
    assert_eq!(done(&server, &["ctl", "audit", "--json"]).await, "");
    let began = Instant::now();
    loop {
        let stats = done(&server, &["ctl", "stats", "--json"]).await;
        let stats: Value = serde_json::from_str(&stats).unwrap();
        assert_eq!(stats["panics"], 0);
        if stats["connections"] == 0 {
            break;
        }
        assert!(
            began.elapsed() < EVENT_TIMEOUT,
            "sessions are left: {stats}"
        );
    }
}

#[tokio::test]
async fn each_fault_of_a_proxy_has_its_line_and_its_remedy() {
    let settings = [ADMIN, ("PING_INTERVAL", "5s")];
    let server = HUBBUB.start_with(&settings).await;
    let other = HUBBUB.start_with(&settings).await;
    // Longer than anything but the wait for a heartbeat takes, also on a busy machine.
    let quiet = Duration::from_secs(2);
    let faults = [
        (Fault::KeepsPrefix, "live", "proxy_pass"),
        (
            Fault::StripsUpgrade,
            "websocket",
            "proxy_set_header Upgrade",
        ),
        (Fault::TakesTurns, "affinity", "consistent"),
        (Fault::CutsQuiet(quiet), "heartbeat", "proxy_read_timeout"),
        (Fault::CutsQuiet(quiet), "long poll", "proxy_read_timeout"),
        (Fault::Buffers, "event stream", "proxy_buffering off"),
        (Fault::RefusesBodies(4000), "limits", "client_max_body_size"),
        (
            Fault::Adds("sec-websocket-extensions: permessage-deflate"),
            "websocket",
            "without compressing",
        ),
        (
            Fault::Adds("access-control-allow-origin: *"),
            "origins",
            "add_header",
        ),
        #[cfg(feature = "web")]
        (
            Fault::Hides("content-security-policy"),
            "headers",
            "proxy_hide_header",
        ),
        #[cfg(feature = "web")]
        (
            Fault::Hides("content-encoding"),
            "compression",
            "Accept-Encoding",
        ),
    ];
    let servers = [server.address(), other.address()];
    join_all(faults.map(async |(fault, check, remedy)| {
        let proxy = Proxy::start(&servers, fault).await;
        let waits = matches!(fault, Fault::CutsQuiet(_));
        let arguments = if waits { &[][..] } else { &["--quick"] };
        let (code, found) = findings(&[ADMIN], &proxy.url(), arguments).await;
        let complaints = complaints(&found);
        let found_it = complaints.iter().any(|finding| {
            finding["check"] == check && finding["remedy"].as_str().unwrap().contains(remedy)
        });
        assert!(found_it, "{fault:?}: {complaints:#?}");
        let has_failed = complaints.iter().any(|finding| finding["status"] == "fail");
        assert_eq!(
            code,
            Some(i32::from(has_failed)),
            "{fault:?}: {complaints:#?}"
        );
        // On a busy machine other connections may be as quiet.
        assert!(waits || complaints.len() == 1, "one fault: {complaints:#?}");
    }))
    .await;
}

#[tokio::test]
async fn tls_is_checked_against_the_systems_authorities_or_an_own_one() {
    let server = HUBBUB.start_with(&[ADMIN]).await;
    let authority = Authority::new(5);
    let proxy = Proxy::with_tls(&[server.address()], &authority).await;
    let url = format!("https://localhost:{}", proxy.port());
    let (code, found) = findings(&[ADMIN], &url, &["--quick"]).await;
    assert_eq!(
        (code, statuses(&found, "tls")),
        (Some(1), vec![json!("fail")])
    );
    assert!(
        found.last().unwrap()["remedy"]
            .as_str()
            .unwrap()
            .contains("--ca"),
        "{found:?}"
    );

    let own = authority.file();
    let (code, found) = findings(&[ADMIN], &url, &["--quick", "--ca", &own]).await;
    assert_eq!(code, Some(0), "{found:?}");
    assert_eq!(statuses(&found, "tls"), ["ok"]);
    assert_eq!(statuses(&found, "websocket"), ["ok"]);
    let tls = found
        .iter()
        .find(|finding| finding["check"] == "tls")
        .unwrap();
    let seen = tls["seen"].as_str().unwrap();
    assert!(
        seen.contains("4 more days") || seen.contains("5 more days"),
        "{tls}"
    );

    let settings = [ADMIN, ("HUBBUB_URL", &*url), ("HUBBUB_CA", &own)];
    let rooms = HUBBUB.run_to_end(&settings, &["ctl", "rooms"]).await;
    assert_eq!(rooms.code, Some(0), "{rooms:?}");
    let wrong = url.replace("localhost", "127.0.0.1");
    let settings = [ADMIN, ("HUBBUB_URL", &*wrong), ("HUBBUB_CA", &own)];
    let refused = HUBBUB.run_to_end(&settings, &["ctl", "rooms"]).await;
    assert_eq!(refused.code, Some(69), "{refused:?}");
    assert!(refused.stderr.contains("for another name"), "{refused:?}");
}

#[tokio::test]
async fn settings_of_the_server_are_seen_from_outside() {
    let settings = [
        ADMIN,
        KEY,
        ("AUTH", "required"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("ALLOWED_ORIGINS", "https://chat.example"),
    ];
    let server = HUBBUB.start_with(&settings).await;
    let refused = run(&server, &["doctor", "--quick"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let text = &refused.stdout;
    for line in [
        // The doctor is no proxy, and yet may name its own address.
        "fail  client address: clients choose their own",
        "fail  origins: the service's own page",
        "skip  limits: the server begins no session without a token (unauthorized)",
        "fail  websocket: ",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(refused.stderr.contains("3 of "), "{refused:?}");
    let own = made(HUBBUB, &["--role", "moderator", "--name", "Doctor"]).await;
    let token = ("HUBBUB_TOKEN", own["token"].as_str().unwrap());
    let url = format!("http://{}", server.address());
    let (_, found) = findings(&[token], &url, &["--quick"]).await;
    assert_eq!(statuses(&found, "limits"), ["ok"], "{found:?}");

    let (code, found) = findings(&[], "http://127.0.0.1:1", &[]).await;
    assert_eq!((code, found.len()), (Some(1), 1), "{found:?}");
    assert_eq!(statuses(&found, "address"), ["fail"]);
}
