//! Ordinary requests: health, the clock, the page and its headers.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::StatusCode;

use super::report::Finding;
use super::target::{Answer, Target};
use crate::cli::connection_error::ConnectionError;

/// The name of the check of [`live`].
pub const LIVE: &str = "live";
/// How far two clocks may be apart: less than what tokens of other services allow.
const CLOCK_SECONDS_MAX: i64 = 30;
/// Files of the page that are requested.
const FILES_MAX: usize = 20;
/// Bytes of a page that is worth compressing.
const WORTH_COMPRESSING: usize = 1024;
/// What helps if a path does not lead to hubbub.
const PASS_PATHS: &str = "check the address; the proxy must pass all paths on, without its own prefix \
                          (nginx: `location / { proxy_pass http://hubbub; }`; below a path: `location \
                          /chat/ { proxy_pass http://hubbub/; }`, with the slashes)";

/// Whether the process lives.
///
/// # Errors
/// What answers is no hubbub, so that nothing else can be checked.
pub async fn live(target: &Target) -> Result<(Finding, Answer), ConnectionError> {
    let answer = target.get("livez", &[]).await?;
    if answer.status == StatusCode::OK && answer.body.trim() == "alive" {
        let seen = format!("/livez in {} ms", answer.took.as_millis());
        return Ok((Finding::ok(LIVE, seen), answer));
    }
    let location = answer.header("location");
    let remedy = match answer.status {
        status if status.is_redirection() => {
            format!("give the address that it leads to: {location}")
        }
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            "start the server, and check its address in the proxy (nginx: `proxy_pass`)".to_owned()
        }
        _ => PASS_PATHS.to_owned(),
    };
    let seen = format!("/livez answered {}, as hubbub does not", answer.shown());
    Err(ConnectionError::new(seen, remedy))
}

/// Whether new connections are accepted.
pub async fn ready(target: &Target) -> Finding {
    const CHECK: &str = "ready";
    match target.get("readyz", &[]).await {
        Ok(answer) if answer.status == StatusCode::OK => {
            Finding::ok(CHECK, "new connections are accepted")
        }
        Ok(answer) => Finding::fail(
            CHECK,
            ConnectionError::new(
                format!("/readyz answered {}", answer.shown()),
                "full: raise MAX_CONNECTIONS or add a node; waiting for Redis: check REDIS_URL; \
                 shutting down: wait",
            ),
        ),
        Err(failure) => Finding::fail(CHECK, failure),
    }
}

/// The server's clock beside this machine's.
pub fn clock(answer: &Answer) -> Finding {
    const CHECK: &str = "clock";
    let date = answer.header("date");
    let Ok(theirs) = rfc2822::parse(date) else {
        return Finding::skip(CHECK, "the answer has no date");
    };
    // The date has whole seconds, and was written before the answer came.
    let ahead = theirs.timestamp().as_second() - Timestamp::now().as_second();
    match ahead.abs() {
        0..=2 => Finding::ok(CHECK, "it is this machine's to the second"),
        seconds @ 3..=CLOCK_SECONDS_MAX => Finding::ok(CHECK, format!("{seconds} s off")),
        seconds => {
            let side = if ahead > 0 { "ahead of" } else { "behind" };
            Finding::warn(
                CHECK,
                format!("the server, or its proxy, is {seconds} s {side} this machine"),
                "let both follow NTP (`timedatectl set-ntp true`): tokens are valid by the clock",
            )
        }
    }
}

/// The page, its files, its headers and its compression.
pub async fn page(target: &Target) -> Vec<Finding> {
    const CHECK: &str = "page";
    let accept = ("accept", "text/html,*/*;q=0.8");
    let answer = match target.get("", &[accept]).await {
        Ok(answer) => answer,
        Err(failure) => return vec![Finding::fail(CHECK, failure)],
    };
    if answer.body.contains("built without its web client") {
        return vec![Finding::skip(CHECK, "the server has no web client")];
    }
    let is_html = answer.header("content-type").starts_with("text/html");
    if answer.status != StatusCode::OK || !is_html {
        let seen = format!("{} answered {}", target.base, answer.shown());
        return vec![Finding::fail(CHECK, ConnectionError::new(seen, PASS_PATHS))];
    }
    let mut findings = vec![Finding::of(CHECK, files(target, &answer.body).await)];
    findings.extend(without_slash(target).await);
    findings.push(security_headers(target, &answer));
    findings.push(compression(target, answer.body.len()).await);
    findings
}

/// Requests the files that the page names, as a browser finds them.
async fn files(target: &Target, html: &str) -> Result<String, ConnectionError> {
    let mut names: Vec<&str> = ["src=\"", "href=\""]
        .iter()
        .flat_map(|attribute| html.split(attribute).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .filter(|name| !name.contains(':') && !name.starts_with('#') && !name.is_empty())
        .take(FILES_MAX)
        .collect();
    names.dedup();
    for name in &names {
        let answer = target.get(name, &[]).await?;
        let is_page = answer.header("content-type").starts_with("text/html");
        if answer.status != StatusCode::OK || is_page {
            let seen = format!("the page's file {name} answered {}", answer.status);
            return Err(ConnectionError::new(seen, PASS_PATHS));
        }
    }
    Ok(format!("the page and {} files", names.len()))
}

/// Below a path, the address without the slash at its end.
async fn without_slash(target: &Target) -> Option<Finding> {
    const CHECK: &str = "sub-path";
    let path = target.base.path();
    if path == "/" {
        return None;
    }
    let bare = path.trim_end_matches('/');
    Some(match target.get(bare, &[("accept", "text/html")]).await {
        Ok(answer)
            if answer.status.is_redirection() && answer.header("location").ends_with('/') =>
        {
            Finding::ok(CHECK, format!("{bare} leads to {path}"))
        }
        Ok(answer) => Finding::warn(
            CHECK,
            format!(
                "{bare} answered {} instead of leading to {path}",
                answer.status
            ),
            format!("redirect it (nginx: `location = {bare} {{ return 308 {path}; }}`)"),
        ),
        Err(failure) => Finding::warn(CHECK, failure.seen, failure.remedy),
    })
}

fn security_headers(target: &Target, page: &Answer) -> Finding {
    const CHECK: &str = "headers";
    let mut missing = Vec::new();
    for (name, part) in [
        ("content-security-policy", "default-src 'none'"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("permissions-policy", "camera=()"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        if !page.header(name).contains(part) {
            missing.push(name);
        }
    }
    if page
        .headers
        .get_all("content-security-policy")
        .iter()
        .count()
        > 1
    {
        return Finding::warn(
            CHECK,
            "there are two policies in Content-Security-Policy, and both hold",
            "let the proxy set none for the chat",
        );
    }
    if !missing.is_empty() {
        return Finding::warn(
            CHECK,
            format!("the page has lost {}", missing.join(", ")),
            "let the proxy pass the server's headers on (nginx: no `proxy_hide_header`; Apache: no \
             `Header unset`)",
        );
    }
    if target.is_https() && page.header("strict-transport-security").is_empty() {
        return Finding::warn(
            CHECK,
            "browsers may still try http:// first, because Strict-Transport-Security is missing",
            "nginx: `add_header Strict-Transport-Security \"max-age=31536000\" always;`",
        );
    }
    Finding::ok(CHECK, "the page's policies arrive as the server sends them")
}

async fn compression(target: &Target, plain: usize) -> Finding {
    const CHECK: &str = "compression";
    match target.get("", &[("accept-encoding", "gzip, br")]).await {
        Ok(answer) if !answer.header("content-encoding").is_empty() => {
            Finding::ok(CHECK, answer.header("content-encoding"))
        }
        Ok(_) if plain < WORTH_COMPRESSING => Finding::ok(CHECK, "the page is too small for it"),
        Ok(_) => Finding::warn(
            CHECK,
            "the page comes without it, although it was offered",
            "let the proxy pass Accept-Encoding on (nginx: no `proxy_set_header Accept-Encoding \"\"`)",
        ),
        Err(failure) => Finding::fail(CHECK, failure),
    }
}

/// How long something took, for people.
#[must_use]
pub fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
