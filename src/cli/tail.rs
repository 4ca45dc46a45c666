//! `hubbub ctl tail`: a room's newest messages, then everything that happens there, in order. Across
//! lost connections nothing is missing and nothing is there twice: the position of the last event that
//! was written goes into `Last-Event-ID`.

use std::convert::Infallible;
use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::api::Api;
use super::error::CliError;
use super::output::{Output, plain};
use super::server_sent::{EventReader, ServerSentEvent};
use crate::domain::RoomName;
use crate::random;

/// Longest silence of a stream. Its comments come much more often (PING_INTERVAL, 25 s).
const SILENCE_MAX: Duration = Duration::from_secs(300);
/// The pause before the first new connection; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Where a room is followed, and how far.
struct Tail<'a> {
    api: &'a Api,
    output: Output,
    room: &'a RoomName,
    /// The position of the last event that was written.
    position: String,
}

/// Follows a room until Ctrl-C, or until no one reads standard output.
///
/// # Errors
/// The room cannot be read, or not any more: lost connections are made again.
pub async fn run(
    api: &Api,
    output: Output,
    room: &RoomName,
    lines: u64,
    after: Option<u64>,
) -> Result<(), CliError> {
    let mut tail = Tail {
        api,
        output,
        room,
        position: String::new(),
    };
    tokio::select! {
        ended = tail.follow(lines, after) => ended.map(|never| match never {}),
        () = output_closed() => Ok(()),
        pressed = tokio::signal::ctrl_c() => {
            pressed.map_err(|error| CliError::System(format!("Ctrl-C cannot be noticed: {error}")))
        }
    }
}

impl Tail<'_> {
    async fn follow(&mut self, lines: u64, after: Option<u64>) -> Result<Infallible, CliError> {
        self.begin(lines, after).await?;
        let path = ["rooms", self.room.as_str(), "events"];
        let mut pause = FIRST_PAUSE;
        // Without `after` the server has answered already.
        let (mut is_first, mut is_noted) = (after.is_some(), false);
        loop {
            let opened = self
                .api
                .open(&path, Some(&self.position), SILENCE_MAX)
                .await;
            match opened {
                Ok(stream) => {
                    if is_noted {
                        note("connected again");
                    }
                    (is_first, is_noted) = (false, false);
                    if self.write_all(stream).await? {
                        pause = FIRST_PAUSE;
                    }
                }
                Err(error @ (CliError::Unreachable { .. } | CliError::Unavailable { .. }))
                    if !is_first =>
                {
                    if !is_noted {
                        note(&format!("{error} (trying until Ctrl-C)"));
                    }
                    is_noted = true;
                }
                Err(error) => return Err(error),
            }
            let spread = random::up_to(u64::try_from(pause.as_millis()).unwrap_or(0) / 2);
            sleep(pause + Duration::from_millis(spread)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Writes the newest messages, and notes the position from which all others come.
    async fn begin(&mut self, lines: u64, after: Option<u64>) -> Result<(), CliError> {
        if let Some(after) = after {
            self.position = after.to_string();
            return Ok(());
        }
        let room = self.room.as_str();
        let info = self.api.get(&["rooms", room], &[]).await?;
        let epoch = |value: &Value| value["epoch"].as_str().unwrap_or_default().to_owned();
        self.position = format!("{}:{}", epoch(&info), info["last_id"]);
        if lines == 0 {
            return Ok(());
        }
        let query = [("limit", lines.to_string())];
        let page = self.api.get(&["rooms", room, "messages"], &query).await?;
        for message in page["messages"].as_array().into_iter().flatten() {
            self.position = format!("{}:{}", epoch(&page), message["id"]);
            let event = ServerSentEvent {
                event: "receive_message".to_owned(),
                id: self.position.clone(),
                data: message.to_string(),
            };
            self.write(&event)?;
        }
        Ok(())
    }

    /// Writes the events of a stream until it ends. Returns whether there were any.
    async fn write_all(&mut self, mut stream: reqwest::Response) -> Result<bool, CliError> {
        let mut reader = EventReader::default();
        let mut had_events = false;
        loop {
            let chunk = match timeout(SILENCE_MAX, stream.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                // The end, a lost connection, or silence: all are repaired by a new connection.
                Ok(Ok(None) | Err(_)) | Err(_) => return Ok(had_events),
            };
            let Ok(events) = reader.add(&chunk) else {
                return Ok(had_events);
            };
            for event in events {
                self.write(&event)?;
                if !event.id.is_empty() {
                    self.position = event.id;
                }
                had_events = true;
            }
        }
    }

    fn write(&self, event: &ServerSentEvent) -> Result<(), CliError> {
        let data: Value = serde_json::from_str(&event.data).unwrap_or(Value::Null);
        if self.output.is_json() {
            let line = json!({ "event": event.event, "id": event.id, "data": data });
            return self.output.line(&line.to_string());
        }
        match shown(&event.event, &data) {
            Some(line) => self.output.line(&line),
            None => Ok(()),
        }
    }
}

/// An event for people; `None` if it is not for them.
fn shown(event: &str, data: &Value) -> Option<String> {
    let text = |name: &str| plain(data[name].as_str().unwrap_or_default(), "\n    ");
    let (time, id) = (text("timestamp"), &data["id"]);
    Some(match event {
        "receive_message" if data["deleted"] == true => format!("{time} #{id} (deleted)"),
        "receive_message" => format!("{time} #{id} {}: {}", text("sender"), text("text")),
        "system_message" => format!("{time} #{id} * {}", text("text")),
        "message_changed" => {
            let (of, kind) = (&data["of"], text("kind"));
            let changed = format!("{time} #{id} * {} {kind} message #{of}", text("username"));
            match data["text"].is_string() {
                true => format!("{changed}: {}", text("text")),
                false => changed,
            }
        }
        "gap" => match (data["from"].as_u64(), data["to"].as_u64()) {
            (Some(from), Some(to)) if from <= to => {
                format!("-- gap: what had the ids {from} to {to} is no longer kept")
            }
            _ => "-- gap: the room's log has started again".to_owned(),
        },
        "shutdown" => "-- the server is shutting down".to_owned(),
        _ => return None,
    })
}

/// To standard error, beside what was asked for.
fn note(text: &str) {
    let _unread = writeln!(io::stderr(), "hubbub: {text}");
}

/// Returns when no one reads standard output any more, also while there is nothing to write.
#[cfg(unix)]
async fn output_closed() {
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;
    // Files cannot be watched, and are never closed.
    #[expect(
        deprecated,
        reason = "its replacement is unsafe, and standard output always is the same descriptor"
    )]
    let watched = AsyncFd::with_interest(io::stdout(), Interest::ERROR);
    let Ok(output) = watched else {
        return std::future::pending().await;
    };
    if output.ready(Interest::ERROR).await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(not(unix))]
async fn output_closed() {
    std::future::pending().await
}
