//! The end of a token while its session lasts: a warning in time, then the end.
//!
//! Only sessions whose token expires have a timer. It looks at the clock at least once a minute,
//! because the machine may have slept, or its clock may have been set.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;

use super::client::Client;
use super::connection::{CloseReason, Connection};
use super::identity::{Actor, now_s};
use crate::clock;
use crate::domain::RequestError;
use crate::json;
use crate::protocol::{TokenExpiring, event};
use crate::room::{Notifier, Signals};

/// Longest time between the warning and the end.
const WARNING_MAX_S: i64 = 60;
/// A token that does not live long is warned of in the last tenth of its life.
const WARNING_SHARE: i64 = 10;
/// Longest sleep.
const STEP_MS: i64 = 60_000;
/// Time for the last event of a connection to be taken by the network.
const LAST_EVENT_TIMEOUT: Duration = Duration::from_secs(1);

/// Notifies a session before its token expires, and then.
pub type ExpiryTimer = AbortOnDropHandle<()>;

/// Starts the timer of a session; `None` if its token never expires. Dropping it stops it.
pub fn start(actor: &Actor, notifier: &Arc<Notifier>) -> Option<ExpiryTimer> {
    let expires_s = actor.expires_s?;
    let warning_s = expires_s.saturating_sub(warning_time_s(actor, expires_s));
    let notifier = Arc::clone(notifier);
    Some(AbortOnDropHandle::new(tokio::spawn(async move {
        sleep_until(warning_s).await;
        notifier.notify(Signals::TOKEN_EXPIRING);
        sleep_until(expires_s).await;
        notifier.notify(Signals::TOKEN_EXPIRED);
    })))
}

impl<C: Connection + Debug> Client<C> {
    /// Warns that the token expires soon, in time for the client to get another.
    pub(super) async fn warn_of_expiry(&mut self) -> Result<(), CloseReason> {
        let claims = self.participant.identity.claims.as_ref();
        let Some(expires_s) = claims.and_then(|claims| claims.actor.expires_s) else {
            return Ok(());
        };
        let left_ms = expires_s.saturating_mul(1000) - clock::unix_ms();
        let warning = TokenExpiring {
            expires_in_ms: u64::try_from(left_ms).unwrap_or(0),
        };
        let warning = json::raw(&warning);
        self.out.emit(event::TOKEN_EXPIRING, &warning).await
    }

    /// Sends the reason why the connection ends, if the network takes it soon.
    pub(super) async fn end_expired(&mut self) {
        let said = async {
            self.refuse(event::SESSION, &RequestError::token_expired(), None)
                .await?;
            self.out.flush().await
        };
        match tokio::time::timeout(LAST_EVENT_TIMEOUT, said).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => {
                tracing::debug!("a client does not learn that its token expired")
            }
        }
    }
}

fn warning_time_s(actor: &Actor, expires_s: i64) -> i64 {
    // Not every JWT says when it was made.
    let begins_s = if actor.issued_s > 0 {
        actor.issued_s
    } else {
        now_s()
    };
    let lifetime_s = expires_s.saturating_sub(begins_s).max(0);
    (lifetime_s / WARNING_SHARE).min(WARNING_MAX_S)
}

async fn sleep_until(at_s: i64) {
    let at_ms = at_s.saturating_mul(1000);
    loop {
        let left_ms = at_ms.saturating_sub(clock::unix_ms());
        let Ok(step_ms @ 1..) = u64::try_from(left_ms.min(STEP_MS)) else {
            return;
        };
        tokio::time::sleep(Duration::from_millis(step_ms)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Identities;
    use crate::session::identity::Actor;

    fn actor(issued_s: i64, expires_s: i64) -> Actor {
        let identities = Identities::new(b"a key of this test, 32 bytes long");
        let token = identities.issue("u1");
        let actor = identities
            .actor_of(&token)
            .unwrap_or_else(|e| panic!("{e}"));
        Actor {
            issued_s,
            expires_s: Some(expires_s),
            ..actor
        }
    }

    #[test]
    fn the_warning_comes_a_minute_before_or_in_the_last_tenth() {
        for (lifetime_s, warning_s) in [(86_400, 60), (600, 60), (100, 10), (9, 0), (-5, 0)] {
            let now = now_s();
            let actor = actor(now, now + lifetime_s);
            assert_eq!(
                warning_time_s(&actor, now + lifetime_s),
                warning_s,
                "{lifetime_s}"
            );
        }
        let of_unknown_age = actor(0, now_s() + 100);
        assert!(warning_time_s(&of_unknown_age, now_s() + 100) <= 10);
    }
}
