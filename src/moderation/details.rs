//! Lines of the audit log about what moderators do.

use super::end_of;
use crate::decisions::AuditLine;
use crate::protocol::ModerateRequest as Action;

/// What the audit log says of an action beside who, whom and where.
pub(super) fn details(action: &Action, at_ms: i64, none: AuditLine) -> AuditLine {
    let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
    let on = |on: bool| Some(if on { "on" } else { "off" }.to_owned());
    match action {
        Action::Mute { time, reason, .. } => AuditLine {
            until_ms: end_of(at_ms, *time),
            reason: text(reason),
            ..none
        },
        Action::Ban {
            time,
            reason,
            with_network,
            ..
        } => AuditLine {
            until_ms: end_of(at_ms, *time),
            reason: text(reason),
            value: with_network.then(|| "with address".to_owned()),
            ..none
        },
        Action::Kick { reason, .. } => AuditLine {
            reason: text(reason),
            ..none
        },
        Action::SlowMode { seconds } => AuditLine {
            value: Some(seconds.to_string()),
            ..none
        },
        Action::Lock { locked } => AuditLine {
            value: on(*locked),
            ..none
        },
        Action::Topic { text: topic } => AuditLine {
            value: text(topic),
            ..none
        },
        Action::Pin { id, on: is_on } => AuditLine {
            message: Some(*id),
            value: on(*is_on),
            ..none
        },
        Action::Delete { id } => AuditLine {
            message: Some(*id),
            ..none
        },
        Action::Unmute { .. } | Action::Unban { .. } | Action::Clear { .. } => none,
    }
}
