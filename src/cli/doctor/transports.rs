//! Socket.IO through whatever is in front: polling, one node for each session, WebSockets, upgrades,
//! the largest message, and heartbeats.

use std::time::Duration;

use serde_json::Value;

use super::engine::{self, Greeting, Open, Transport};
use super::polling::Polling;
use super::report::Finding;
use super::service::seconds;
use super::target::Target;
use super::websocket::WebSocket;
use crate::cli::connection_error::ConnectionError;

/// Requests of one session: if two nodes take turns, one of them meets the wrong one.
const REQUESTS: u32 = 8;
/// Bytes of the largest message that is tried.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// How much later than announced a heartbeat may come.
const HEARTBEAT_SLACK: Duration = Duration::from_secs(5);
/// The longest heartbeat that is waited for.
const HEARTBEAT_MAX: Duration = Duration::from_secs(120);
/// Many proxies cut what is quiet for this long.
const USUAL_PROXY_TIMEOUT: Duration = Duration::from_secs(60);

/// What the transports were found to be.
#[derive(Debug, Default)]
pub struct Seen {
    /// The handshake, if there was one.
    pub open: Option<Open>,
    /// The `session` event, if a session began.
    pub session: Option<Value>,
    /// The code of CONNECT_ERROR, if no session may begin.
    pub refused: Option<String>,
    /// Whether sessions that poll reach their node.
    polls: bool,
    /// Whether WebSockets work.
    has_websocket: bool,
}

/// The checks, in order, and what they have seen.
#[derive(Debug)]
pub struct Transports<'a> {
    target: &'a Target,
    /// The token of the sessions, if the server requires one.
    token: Option<&'a str>,
    /// What was seen.
    pub seen: Seen,
}

impl<'a> Transports<'a> {
    /// Nothing has been seen. ADMIN_TOKEN is not used for sessions: a session with it would end the
    /// administrator's own.
    #[must_use]
    pub fn new(target: &'a Target) -> Self {
        let own = target.token.as_ref().filter(|token| !token.is_admin_token);
        Self {
            target,
            token: own.map(|token| token.text()),
            seen: Seen::default(),
        }
    }

    /// Begins a session; one that may not be is enough of an answer.
    async fn begin<T: Transport>(&mut self, transport: &mut T) -> Result<bool, ConnectionError> {
        let token = match self.seen.refused {
            Some(_) => self.token,
            None => None,
        };
        let mut greeting = engine::connect(transport, token).await?;
        if let (Greeting::Refused(error), None) = (&greeting, &self.seen.refused) {
            let code = error["data"]["code"].as_str().unwrap_or("no code");
            self.seen.refused = Some(code.to_owned());
            if let Some(token) = self.token {
                greeting = engine::connect(transport, Some(token)).await?;
            }
        }
        match greeting {
            Greeting::Session(session) => {
                self.seen.session = Some(*session);
                Ok(true)
            }
            Greeting::Refused(_) => Ok(false),
        }
    }

    /// A handshake over polling, and all requests of one session at one node.
    pub async fn polling(&mut self) -> Vec<Finding> {
        const HANDSHAKE: &str = "polling";
        let (mut session, answer) = match Polling::open(self.target).await {
            Ok(opened) => opened,
            Err(failure) => return vec![Finding::fail(HANDSHAKE, failure)],
        };
        self.seen.open = Some(session.open.clone());
        let handshake = match answer.header("cache-control").contains("no-store") {
            true => Finding::ok(
                HANDSHAKE,
                format!("handshake in {} ms", answer.took.as_millis()),
            ),
            false => Finding::warn(
                HANDSHAKE,
                "its answers may be cached, because Cache-Control: no-store is missing",
                "let the proxy pass Cache-Control on, and cache nothing below /socket.io/",
            ),
        };
        let affinity = self.affinity(&mut session).await;
        session.close().await;
        self.seen.polls = affinity.is_ok();
        vec![handshake, Finding::of("affinity", affinity)]
    }

    async fn affinity(&mut self, session: &mut Polling<'_>) -> Result<String, ConnectionError> {
        let how = match session.cookies.split('=').next() {
            Some(name) if !name.is_empty() => format!(", by the cookie {name}"),
            _ => String::new(),
        };
        if !self.begin(session).await? {
            return Ok(format!(
                "the session reached its node{how}, and was refused as {}",
                self.seen.refused.as_deref().unwrap_or_default()
            ));
        }
        for id in 0..REQUESTS {
            engine::send_echo(session, id, 0).await?;
        }
        engine::await_echo(session, REQUESTS - 1).await?;
        Ok(format!(
            "{REQUESTS} requests over connections of their own reached their session{how}"
        ))
    }

    /// A WebSocket from the start.
    pub async fn websocket(&mut self) -> Finding {
        const CHECK: &str = "websocket";
        let result = self.direct().await;
        self.seen.has_websocket = result.is_ok();
        match result {
            Ok((seen, extensions)) if extensions.is_empty() => Finding::ok(CHECK, seen),
            Ok((_, extensions)) => Finding::fail(
                CHECK,
                ConnectionError::new(
                    format!("the proxy promises {extensions}, which the server does not speak"),
                    "let the proxy pass WebSockets on as they are, without compressing them",
                ),
            ),
            Err(failure) => Finding::fail(CHECK, failure),
        }
    }

    async fn direct(&mut self) -> Result<(String, String), ConnectionError> {
        let (mut socket, open) = WebSocket::open(self.target).await?;
        self.seen.open = Some(open);
        let extensions = socket.extensions.clone();
        let seen = if self.begin(&mut socket).await? {
            let took = engine::echo(&mut socket, 1, 0).await?;
            format!("an echo in {} ms", took.as_millis())
        } else {
            "frames come through; the session was refused".to_owned()
        };
        socket.close().await;
        Ok((seen, extensions))
    }

    /// A session that begins with polling and moves to a WebSocket, as those of browsers do.
    pub async fn upgrade(&mut self) -> Finding {
        const CHECK: &str = "upgrade";
        if !self.seen.has_websocket || !self.seen.polls {
            return Finding::skip(CHECK, "it needs polling and WebSockets, see above");
        }
        Finding::of(CHECK, self.moved().await)
    }

    async fn moved(&mut self) -> Result<String, ConnectionError> {
        let (mut session, _) = Polling::open(self.target).await?;
        let begun = self.begin(&mut session).await?;
        let mut socket = WebSocket::beside(self.target, &session).await?;
        socket.send("2probe".to_owned()).await?;
        let probed = socket.receive(engine::PACKET_TIMEOUT).await?;
        if probed != "3probe" {
            return Err(ConnectionError::new(
                format!("the probe was answered with {probed:?}"),
                "look into the server's log",
            ));
        }
        socket.send("5".to_owned()).await?;
        if begun {
            engine::echo(&mut socket, 1, 0).await?;
        }
        socket.close().await;
        Ok("from polling to a WebSocket, by a probe".to_owned())
    }

    /// What the server accepts, and whether its largest message gets through.
    pub async fn limits(&mut self) -> Finding {
        const CHECK: &str = "limits";
        let (Some(session), true) = (self.seen.session.clone(), self.seen.polls) else {
            return Finding::skip(CHECK, self.why_no_session());
        };
        let limits = &session["limits"];
        let number = |name: &str| limits[name].as_u64().unwrap_or(0);
        let bytes = number("message_max_bytes");
        let seen = format!(
            "messages of {} characters and {bytes} bytes, {}/s for each user, packets of {} bytes",
            number("message_max_chars"),
            number("message_rate"),
            self.seen.open.as_ref().map_or(0, |open| open.max_payload),
        );
        let bytes = usize::try_from(bytes)
            .unwrap_or(0)
            .clamp(1, MESSAGE_BYTES_MAX);
        match self.large(bytes).await {
            Ok(()) => Finding::ok(CHECK, format!("{seen}; the largest gets through")),
            Err(failure) => Finding::fail(CHECK, failure),
        }
    }

    async fn large(&mut self, bytes: usize) -> Result<(), ConnectionError> {
        let (mut session, _) = Polling::open(self.target).await?;
        if self.begin(&mut session).await? {
            engine::echo(&mut session, 1, bytes).await?;
        }
        session.close().await;
        Ok(())
    }

    /// Whether connections outlast the quiet time between two heartbeats.
    pub async fn heartbeat(&mut self, is_quick: bool) -> Vec<Finding> {
        const CHECK: &str = "heartbeat";
        let Some(interval) = self.seen.open.as_ref().map(Open::interval) else {
            return vec![Finding::skip(CHECK, "there is no session, see above")];
        };
        let shown = humantime::format_duration(interval);
        if interval >= USUAL_PROXY_TIMEOUT {
            let seen =
                format!("PING_INTERVAL is {shown}, and many proxies cut what is quiet for 60 s");
            let remedy = "set PING_INTERVAL=25s, or raise the timeouts of all proxies above it";
            return vec![Finding::warn(CHECK, seen, remedy)];
        }
        if is_quick {
            return vec![Finding::skip(CHECK, format!("--quick: it takes {shown}"))];
        }
        if self.seen.session.is_none() || interval > HEARTBEAT_MAX {
            return vec![Finding::skip(CHECK, self.why_no_session())];
        }
        // Two sessions of one user would replace each other.
        let has_token = self.seen.refused.is_some();
        let token = self.token.filter(|_| has_token);
        let websocket = async {
            match self.seen.has_websocket {
                true => Some(quiet_websocket(self.target, token).await),
                false => None,
            }
        };
        let polling = async {
            match self.seen.polls && !has_token {
                true => Some(quiet_poll(self.target).await),
                false => None,
            }
        };
        let (websocket, polling) = tokio::join!(websocket, polling);
        let results = [("heartbeat", websocket), ("long poll", polling)];
        let found = results.into_iter().filter_map(|(check, result)| {
            result.map(|result| {
                Finding::of(check, result.map_err(|why| explain(check, why, interval)))
            })
        });
        found.collect()
    }

    fn why_no_session(&self) -> String {
        match &self.seen.refused {
            Some(code) => format!(
                "the server begins no session without a token ({code}); give one of a user for this, in \
                 HUBBUB_TOKEN (`hubbub token --role moderator --name Doctor`)"
            ),
            None => "there is no session over polling, see above".to_owned(),
        }
    }
}

/// What went wrong with a quiet connection, and after which time.
struct Cut {
    failure: ConnectionError,
    after: Option<Duration>,
}

impl From<ConnectionError> for Cut {
    fn from(failure: ConnectionError) -> Self {
        Self {
            failure,
            after: None,
        }
    }
}

async fn quiet_websocket(target: &Target, token: Option<&str>) -> Result<String, Cut> {
    let (mut socket, open) = WebSocket::open(target).await?;
    engine::connect(&mut socket, token).await?;
    let took = await_ping(&mut socket, &open).await?;
    engine::echo(&mut socket, 1, 0).await?;
    socket.close().await;
    Ok(format!("a WebSocket lived on after {}", seconds(took)))
}

async fn quiet_poll(target: &Target) -> Result<String, Cut> {
    let (mut session, _) = Polling::open(target).await?;
    engine::connect(&mut session, None).await?;
    let open = session.open.clone();
    let took = await_ping(&mut session, &open).await?;
    engine::echo(&mut session, 1, 0).await?;
    session.close().await;
    Ok(format!("a long poll was answered after {}", seconds(took)))
}

async fn await_ping<T: Transport>(transport: &mut T, open: &Open) -> Result<Duration, Cut> {
    let began = std::time::Instant::now();
    let ping = engine::await_ping(transport, open.interval(), HEARTBEAT_SLACK).await;
    ping.map_err(|failure| Cut {
        failure,
        after: Some(began.elapsed()),
    })
}

/// A connection that ended before the heartbeat was cut by something in between.
fn explain(check: &str, cut: Cut, interval: Duration) -> ConnectionError {
    let Some(after) = cut.after else {
        return cut.failure;
    };
    let what = match check {
        "long poll" => "a long poll",
        _ => "a WebSocket",
    };
    let shown = humantime::format_duration(interval);
    if after >= interval {
        let seen = format!("no heartbeat came on {what} within {}", seconds(after));
        let remedy = "let the proxy pass small frames and answers on immediately (nginx: \
                      `proxy_buffering off;`)";
        return ConnectionError::new(seen, remedy);
    }
    ConnectionError::new(
        format!(
            "{what} was cut after {} of silence ({})",
            seconds(after),
            cut.failure.seen
        ),
        format!(
            "raise the proxy's timeouts above PING_INTERVAL, which is {shown} (nginx: `proxy_read_timeout \
             75s;`; HAProxy: `timeout server 75s` and `timeout tunnel 1h`; AWS: the idle timeout), or \
             set PING_INTERVAL below them"
        ),
    )
}
