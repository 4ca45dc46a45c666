//! `hubbub doctor`: checks a deployment from outside, as clients meet it. It begins sessions, but joins
//! no room and sends no message, so no user notices.
//!
//! In reading order: this file, [`report`] (what checks find), [`target`] (requests), `engine`,
//! `polling` and `websocket` (sessions), and the checks: `network`, `service`, `transports`, `access`.

mod access;
mod engine;
mod network;
mod polling;
pub mod report;
mod service;
pub mod target;
mod transports;
mod websocket;

use std::io::{self, IsTerminal, Write};

use self::report::{Finding, Report};
use self::target::Target;
use self::transports::{Seen, Transports};
use super::error::CliError;
use super::output::Output;
use crate::cli::connection_error::ConnectionError;
use crate::config::{Config, DoctorArgs};

/// Makes all checks, and writes a line about each.
///
/// # Errors
/// [`CliError::Checks`] if one has failed.
pub async fn run(config: &Config, args: &DoctorArgs) -> Result<(), CliError> {
    let target = Target::new(config, args)?;
    let mut report = Report::new(Output::new(args.access.json));
    // Without these nothing else can work, and the same failure need not be reported twenty times.
    match network::address(&target).await {
        Ok(finding) => report.add(&finding)?,
        Err(error) => return report.end_with(&Finding::fail(network::ADDRESS, error)),
    }
    match network::tls(&target).await {
        Ok(finding) => report.add(&finding)?,
        Err(error) => return report.end_with(&Finding::fail(network::TLS, error)),
    }
    report.add(&network::redirect(&target).await)?;
    let answer = match service::live(&target).await {
        Ok((finding, answer)) => {
            report.add(&finding)?;
            answer
        }
        Err(error) => return report.end_with(&Finding::fail(service::LIVE, error)),
    };
    report.add(&service::ready(&target).await)?;
    report.add(&service::clock(&answer))?;
    report.add_all(&service::page(&target).await)?;

    let mut transports = Transports::new(&target);
    report.add_all(&transports.polling().await)?;
    report.add(&transports.websocket().await)?;
    report.add(&transports.upgrade().await)?;
    report.add(&transports.limits().await)?;
    report.add(&version(&transports.seen))?;
    report.add(&access::origins(&target).await)?;
    report.add_all(&access::api(&target).await)?;
    report.add(&access::metrics(&target).await)?;
    if !args.quick {
        note_waiting(&transports.seen);
    }
    report.add_all(&transports.heartbeat(args.quick).await)?;
    report.end()
}

/// The server's version beside this program's.
fn version(seen: &Seen) -> Finding {
    const CHECK: &str = "version";
    const OWN: &str = env!("CARGO_PKG_VERSION");
    let Some(session) = &seen.session else {
        return Finding::skip(CHECK, "only a session names it");
    };
    let server = &session["server"];
    match (server["name"].as_str(), server["version"].as_str()) {
        (Some("hubbub"), Some(OWN)) => Finding::ok(CHECK, format!("hubbub {OWN}")),
        (Some("hubbub"), Some(other)) => Finding::ok(
            CHECK,
            format!("hubbub {other}; this program is {OWN}, and may expect something else"),
        ),
        _ => Finding::fail(
            CHECK,
            ConnectionError::new(
                "the server is no hubbub, although it speaks Socket.IO",
                "check the address and its path",
            ),
        ),
    }
}

/// To people who wait: what for, and for how long.
fn note_waiting(seen: &Seen) {
    let (Some(open), true) = (&seen.open, io::stderr().is_terminal()) else {
        return;
    };
    let time = humantime::format_duration(open.interval());
    let _unread = writeln!(
        io::stderr(),
        "waiting for a heartbeat, which takes {time} (--quick leaves that out)"
    );
}
