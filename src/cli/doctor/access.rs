//! Who may do what: pages of other origins, the HTTP API, the addresses of clients, and metrics.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use super::polling::{HANDSHAKE, Polling};
use super::report::Finding;
use super::target::{Answer, Target};
use crate::cli::access::Token;
use crate::cli::connection_error::ConnectionError;

/// An origin that no page has (RFC 2606).
const FOREIGN: &str = "https://doctor.invalid";
/// An address for documentation (RFC 5737), which no client has.
const FORGED: &str = "192.0.2.1";
/// How long the first bytes of a stream may take.
const FIRST_BYTES: Duration = Duration::from_secs(5);
/// How long a port may take on which metrics might be.
const PORT_TIMEOUT: Duration = Duration::from_secs(3);
/// The port of METRICS_ADDR in the documentation.
const METRICS_PORT: u16 = 9090;

/// Whose pages may connect.
pub async fn origins(target: &Target) -> Finding {
    const CHECK: &str = "origins";
    let own = target.origin();
    let mut answers = Vec::new();
    for origin in [&*own, FOREIGN] {
        match target.get(HANDSHAKE, &[("origin", origin)]).await {
            Ok(answer) => {
                if let Some(session) = Polling::of(target, &answer) {
                    session.close().await;
                }
                answers.push(answer);
            }
            Err(failure) => return Finding::fail(CHECK, failure),
        }
    }
    let [of_own, of_foreign] = &*answers else {
        return Finding::skip(CHECK, "there was no answer");
    };
    if of_own.status == StatusCode::FORBIDDEN {
        let seen = format!("the service's own page, of {own}, may not connect");
        let remedy = format!("add {own} to ALLOWED_ORIGINS");
        return Finding::fail(CHECK, ConnectionError::new(seen, remedy));
    }
    let allowed = of_own.headers.get_all("access-control-allow-origin");
    if allowed.iter().count() > 1 {
        let seen = "the proxy adds a second Access-Control-Allow-Origin, so browsers accept none";
        let remedy = "let the server alone answer that (nginx: no `add_header` for it)";
        return Finding::fail(CHECK, ConnectionError::new(seen, remedy));
    }
    match of_foreign.status {
        StatusCode::FORBIDDEN => Finding::ok(CHECK, "pages of other origins are refused"),
        StatusCode::OK => Finding::ok(
            CHECK,
            "pages of any origin may connect (ALLOWED_ORIGINS names those that may)",
        ),
        _ => Finding::skip(
            CHECK,
            format!("a handshake answered {}", of_foreign.shown()),
        ),
    }
}

/// The HTTP API: closed without a token, and open with it.
pub async fn api(target: &Target) -> Vec<Finding> {
    const CHECK: &str = "api";
    let closed = match target.get("api/v1/rooms", &[]).await {
        Ok(answer) if answer.status == StatusCode::UNAUTHORIZED => {
            Finding::ok(CHECK, "nothing without a token")
        }
        Ok(answer) if answer.status == StatusCode::OK => Finding::fail(
            CHECK,
            ConnectionError::new(
                "anyone may use it",
                "the proxy adds a token to every request: let it pass Authorization on as it is",
            ),
        ),
        Ok(answer) => Finding::ok(
            CHECK,
            format!("not reachable from here ({})", answer.status),
        ),
        Err(failure) => Finding::fail(CHECK, failure),
    };
    let mut findings = vec![closed];
    match &target.token {
        None => {
            let why = "they need a moderator's token, in HUBBUB_TOKEN or ADMIN_TOKEN";
            for check in ["client address", "event stream"] {
                findings.push(Finding::skip(check, why));
            }
        }
        Some(token) => findings.extend(with_token(target, token).await),
    }
    findings
}

async fn with_token(target: &Target, token: &Token) -> Vec<Finding> {
    const CHECK: &str = "token";
    let whoami = match target.get_as(token, "api/v1/me", &[]).await {
        Ok(answer) => answer,
        Err(failure) => return vec![Finding::fail(CHECK, failure)],
    };
    let who: Value = serde_json::from_str(&whoami.body).unwrap_or(Value::Null);
    let Some(role) = who["role"].as_str() else {
        let remedy = "use this server's ADMIN_TOKEN, or one that `hubbub token --role moderator --name \
                      NAME` makes; the proxy must pass Authorization on";
        let seen = format!("it was answered with {}", whoami.shown());
        return vec![Finding::fail(CHECK, ConnectionError::new(seen, remedy))];
    };
    let mut findings = vec![Finding::ok(CHECK, format!("role {role}"))];
    let seen = who["address"].as_str().and_then(|text| text.parse().ok());
    findings.push(client_address(target, token, seen).await);
    findings.push(event_stream(target, token).await);
    findings
}

/// Which address clients have for the server, and whether they can choose it.
async fn client_address(target: &Target, token: &Token, seen: Option<IpAddr>) -> Finding {
    const CHECK: &str = "client address";
    let Some(seen) = seen else {
        return Finding::skip(CHECK, "the server does not know the addresses of clients");
    };
    let forged = [("x-forwarded-for", FORGED)];
    let answer = target.get_as(token, "api/v1/me", &forged).await;
    let who = answer.map(|answer| serde_json::from_str(&answer.body).unwrap_or(Value::Null));
    if who.is_ok_and(|who: Value| who["address"] == FORGED) {
        let seen = "clients choose their own: a forged X-Forwarded-For is believed";
        let remedy = "let the proxy append to the header (nginx: `proxy_set_header X-Forwarded-For \
                      $proxy_add_x_forwarded_for;`), and name only proxies in TRUSTED_PROXIES";
        return Finding::fail(CHECK, ConnectionError::new(seen, remedy));
    }
    let addresses = target.addresses().await.unwrap_or_default();
    let is_remote = addresses.iter().any(|address| !is_private(address.ip()));
    if is_remote && is_private(seen) {
        return Finding::warn(
            CHECK,
            format!("all clients are {seen} for the server"),
            "name the proxy in TRUSTED_PROXIES, and let it send X-Forwarded-For; until then leave limits \
             and bans of addresses off",
        );
    }
    Finding::ok(CHECK, format!("{seen}, and a forged one is ignored"))
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

const fn is_private_v4(address: Ipv4Addr) -> bool {
    address.is_loopback() || address.is_private() || address.is_link_local()
}

/// Whether a stream of the API arrives while it goes on.
async fn event_stream(target: &Target, token: &Token) -> Finding {
    const CHECK: &str = "event stream";
    let rooms = target.get_as(token, "api/v1/rooms?limit=1", &[]).await;
    let rooms: Value = rooms
        .ok()
        .and_then(|answer| serde_json::from_str(&answer.body).ok())
        .unwrap_or(Value::Null);
    let Some(room) = rooms["rooms"][0]["name"].as_str() else {
        return Finding::skip(CHECK, "the token's role may not list the rooms");
    };
    let path = format!("api/v1/rooms/{room}/events");
    let buffered = ConnectionError::new(
        "nothing of a stream arrives while it goes on",
        "let the proxy pass answers on as they come (nginx: `proxy_buffering off;`; no compression of \
         text/event-stream)",
    );
    let first = timeout(FIRST_BYTES, async {
        let mut stream = target.open(&path, token).await?;
        if stream.status() != StatusCode::OK {
            let seen = format!("it was answered with {}", stream.status());
            return Err(ConnectionError::new(seen, "look into the server's log"));
        }
        match stream.chunk().await {
            Ok(Some(_)) => Ok(()),
            Ok(None) | Err(_) => Err(buffered.clone()),
        }
    });
    match first.await {
        Ok(Ok(())) => Finding::ok(CHECK, "its first event arrives while it goes on"),
        Ok(Err(failure)) => Finding::fail(CHECK, failure),
        Err(_) => Finding::fail(CHECK, buffered),
    }
}

/// Whether metrics can be read from here.
pub async fn metrics(target: &Target) -> Finding {
    const CHECK: &str = "metrics";
    let mut beside = target.base.clone();
    beside.set_path("/metrics");
    let mut elsewhere = beside.clone();
    let has_port =
        elsewhere.set_scheme("http").is_ok() && elsewhere.set_port(Some(METRICS_PORT)).is_ok();
    let mut places = vec![target.url("metrics"), beside];
    places.extend(Some(elsewhere).filter(|_| has_port));
    places.dedup();
    for place in places {
        if !are_metrics(target, place.clone()).await {
            continue;
        }
        return match target.is_local() {
            true => Finding::ok(CHECK, format!("at {place}, on this machine")),
            false => Finding::warn(
                CHECK,
                format!("anyone who reaches {place} reads them"),
                "bind METRICS_ADDR to an address of the machine or its private network, and do not \
                 pass /metrics on",
            ),
        };
    }
    Finding::ok(CHECK, "not to be read from here")
}

async fn are_metrics(target: &Target, place: Url) -> bool {
    let answer = target.request(Method::GET, place, &[], None, PORT_TIMEOUT);
    let is_ours = |answer: Answer| answer.body.contains("hubbub_");
    answer.await.is_ok_and(is_ours)
}
