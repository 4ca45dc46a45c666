//! Which values a setting may have: the same for the command line and for a [`Config`] made in code.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use super::{Config, KeySource, SettingError, Tool, identity};
use crate::domain::{AllowedOrigins, RoomName};
use crate::telemetry;

/// Longest time any setting may have: timers of days are mistakes, and those of centuries overflow.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Shortest time of those that cannot be 0.
const SECOND: Duration = Duration::from_secs(1);
/// Smallest memory budget: below, a single large message or answer would be near it.
const MEMORY_BUDGET_MIN: usize = 16 * 1024 * 1024;
/// Characters of the longest prefix of keys.
const PREFIX_MAX: usize = 64;

/// The text given for each setting, as errors show it.
pub(super) type Given = HashMap<&'static str, String>;

/// The least value of a setting that is a number.
pub(super) fn least(setting: &str) -> u64 {
    u64::from(matches!(setting, "MESSAGE_BURST" | "MAILBOX"))
}

/// Everything that is wrong. `given` is what was written for a setting, where it was text.
pub(super) fn errors(config: &Config, given: &Given) -> Vec<SettingError> {
    let mut check = Check {
        errors: Vec::new(),
        given,
    };
    if config.listen.host.trim().is_empty() {
        check.error("HOST", "it is empty; give an address like 0.0.0.0");
    }
    check.rooms(&config.rooms);
    check.number("MESSAGE_BURST", u64::from(config.message_burst));
    check.number("MAILBOX", config.mailbox as u64);
    if (1..MEMORY_BUDGET_MIN).contains(&config.memory_budget) {
        let bytes = config.memory_budget;
        check.error(
            "MEMORY_BUDGET",
            format_args!(
                "{bytes} is too small; give at least {MEMORY_BUDGET_MIN} bytes, or 0 for no limit"
            ),
        );
    }
    check.origins(&config.allowed_origins);
    check.times(config);
    check.redis_prefix(&config.redis_prefix);
    if let Some(folder) = &config.web_dir {
        check.web_dir(folder);
    }
    if let Err(error) = telemetry::check_filter(&config.log_filter) {
        check.error("RUST_LOG", format_args!("{:?}: {error}", config.log_filter));
    }
    check.combinations(config);
    let has_key = config.secret_key.source() != KeySource::Random || config.data_dir.is_some();
    check.tool(config, has_key);
    check
        .errors
        .extend(identity::errors(&config.identity, has_key));
    check.errors
}

struct Check<'a> {
    errors: Vec<SettingError>,
    given: &'a Given,
}

impl Check<'_> {
    fn number(&mut self, setting: &'static str, value: u64) {
        let least = least(setting);
        if value < least {
            let shown = self.shown(setting, value);
            self.error(
                setting,
                format_args!("{shown:?} is too small; give at least {least}"),
            );
        }
    }

    fn times(&mut self, config: &Config) {
        let none = Duration::ZERO;
        for (setting, time, least) in [
            ("KEEP_ALIVE", config.keep_alive, none),
            ("PING_INTERVAL", config.ping_interval, SECOND),
            ("PING_TIMEOUT", config.ping_timeout, SECOND),
            ("CONNECT_TIMEOUT", config.connect_timeout, SECOND),
            ("COUNTS_INTERVAL", config.counts_interval, none),
            (
                "SLOW_TIMEOUT",
                config.slow_timeout.unwrap_or_default(),
                none,
            ),
            ("RESUME_GRACE", config.resume_grace, none),
            ("PARK_AFTER", config.park_after, none),
            ("AWAY_GRACE", config.away_grace, none),
            ("DRAIN_TIMEOUT", config.drain_timeout, none),
            ("WEBHOOK_RETRY_FOR", config.webhook_retry_for, none),
            (
                "EXIT_WHEN_IDLE",
                config.exit_when_idle.unwrap_or_default(),
                none,
            ),
        ] {
            let shown = || self.shown(setting, humantime::format_duration(time));
            if time > LONGEST {
                let problem = format!("{:?} is too long; give at most 24h", shown());
                self.error(setting, problem);
            } else if time < least {
                let shown = shown();
                let least = humantime::format_duration(least);
                self.error(
                    setting,
                    format_args!("{shown:?} is too short; give at least {least}"),
                );
            }
        }
        if config.slow_timeout == Some(none) {
            self.error(
                "SLOW_TIMEOUT",
                "0 would close every connection; give `None` for never",
            );
        }
        if config.exit_when_idle == Some(none) {
            self.error(
                "EXIT_WHEN_IDLE",
                "0 would end the service immediately; give `None` for never",
            );
        }
    }

    fn rooms(&mut self, rooms: &[RoomName]) {
        if rooms.is_empty() {
            self.error("ROOMS", "there must be at least one room, like general");
        }
        let mut seen = HashSet::new();
        for name in rooms.iter().map(RoomName::as_str) {
            if is_integer(name) {
                self.error(
                    "ROOMS",
                    format_args!(
                        "{name:?} is a number, and JavaScript lists numbers before all other \
                         names, so clients would show another order; add a letter, like room-{name}"
                    ),
                );
            } else if !seen.insert(name) {
                self.error(
                    "ROOMS",
                    format_args!("{name:?} is there twice; name each room once"),
                );
            }
        }
    }

    /// The list may have been made without [`AllowedOrigins::parse`]. What browsers do not send
    /// would allow nothing.
    fn origins(&mut self, allowed: &AllowedOrigins) {
        let AllowedOrigins::These(origins) = allowed else {
            return;
        };
        if let Err(errors) = AllowedOrigins::parse(&origins.join(",")) {
            for error in errors.iter() {
                self.error("ALLOWED_ORIGINS", error);
            }
        }
        for origin in origins {
            match AllowedOrigins::parse(origin) {
                Ok(AllowedOrigins::These(normal)) if normal != [origin.as_str()] => self.error(
                    "ALLOWED_ORIGINS",
                    format_args!("{origin:?} is written {:?} by browsers", normal.join(",")),
                ),
                Ok(AllowedOrigins::Any) => {
                    self.error("ALLOWED_ORIGINS", "`*` stands alone; give `Any`");
                }
                _ => {}
            }
        }
    }

    fn web_dir(&mut self, folder: &Path) {
        let shown = folder.display();
        if !folder.is_dir() {
            self.error(
                "WEB_DIR",
                format_args!(
                    "{shown} is no folder; give one with a built web client, or leave it out for \
                     the built-in one"
                ),
            );
        } else if !folder.join("index.html").is_file() {
            self.error(
                "WEB_DIR",
                format_args!(
                    "there is no index.html in {shown}; give the folder that a build of a web \
                     client made, like web/dist"
                ),
            );
        }
    }

    fn redis_prefix(&mut self, prefix: &str) {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        if prefix.is_empty() || prefix.len() > PREFIX_MAX || !prefix.chars().all(is_plain) {
            self.error(
                "REDIS_PREFIX",
                format_args!(
                    "{prefix:?} cannot be one; give 1 to {PREFIX_MAX} letters, digits, dashes, \
                     underscores, dots or colons"
                ),
            );
        }
    }

    fn combinations(&mut self, config: &Config) {
        if config.redis_url.is_some() && config.secret_key.source() == KeySource::Random {
            self.error(
                "SECRET_KEY",
                "with REDIS_URL it must be given, the same to all nodes, or they would not know \
                 each other's users; make one with `openssl rand -hex 32`",
            );
        }
        if config.data_dir.is_some() && config.redis_url.is_some() {
            self.error(
                "DATA_DIR and REDIS_URL",
                "rooms are kept in a folder by one process, or in Redis by several; give one of them",
            );
        }
        if config.data_dir.is_some() && !cfg!(feature = "disk") {
            self.error(
                "DATA_DIR",
                "this program was built without the feature `disk`; build it with that, or leave \
                 DATA_DIR out",
            );
        }
        let limits = [
            ("RETENTION", config.retention.is_some()),
            ("RETENTION_BYTES", config.retention_bytes > 0),
        ];
        for (setting, is_given) in limits {
            if is_given && config.data_dir.is_none() {
                self.error(
                    setting,
                    "it is for what is kept in DATA_DIR; give that too, or leave this out \
                     (HISTORY_MESSAGES and HISTORY_BYTES bound what is in memory)",
                );
            }
        }
        if config.history_messages == 0 && config.history_bytes == 0 {
            self.error(
                "HISTORY_MESSAGES and HISTORY_BYTES",
                "only one of them can be 0, or rooms would grow without bound",
            );
        }
    }

    fn tool(&mut self, config: &Config, has_key: bool) {
        match &config.tool {
            Some(Tool::Token(_)) if !has_key => self.error(
                "SECRET_KEY",
                "give the server's key in the environment, or DATA_DIR or --data-dir with the folder \
                 in which it keeps one",
            ),
            None | Some(Tool::Token(_) | Tool::Ctl(_) | Tool::Doctor(_)) => {}
            Some(_) if config.data_dir.is_none() => self.error(
                "DATA_DIR",
                "give the folder to work on, as DATA_DIR or with --data-dir",
            ),
            Some(_) => {}
        }
    }

    /// A value as it was written, or else as it would be.
    fn shown(&self, setting: &str, value: impl Display) -> String {
        let given = self.given.get(setting).cloned();
        given.unwrap_or_else(|| value.to_string())
    }

    fn error(&mut self, setting: &'static str, problem: impl Display) {
        let problem = problem.to_string();
        self.errors.push(SettingError { setting, problem });
    }
}

/// Whether JavaScript takes the name for an index: a property that an object lists first, whatever
/// order it was given in.
fn is_integer(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_digit()) && (name == "0" || !name.starts_with('0'))
}
