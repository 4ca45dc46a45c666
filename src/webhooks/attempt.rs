//! One attempt to deliver something, and what came of it.

use std::time::Duration;

use super::client::WebhookClient;
use super::payload::Outgoing;
use super::{schedule, signature, target};
use crate::clock;
use crate::decisions::Webhook;

/// What came of an attempt.
#[derive(Debug, Clone, Default)]
pub struct Attempt {
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why it failed; `None` if the receiver has accepted it.
    pub error: Option<String>,
    /// The beginning of the answer's body.
    pub body: String,
    /// How long the receiver asks to wait.
    pub retry_after: Option<Duration>,
}

impl Attempt {
    /// Sends a signed payload and waits for the answer.
    pub async fn make(client: &WebhookClient, webhook: &Webhook, outgoing: &Outgoing) -> Self {
        // Each time, because what is allowed may have changed with a restart.
        let url = match target::parse(&webhook.url.0, client.allowed()) {
            Ok(url) => url,
            Err(error) => return Self::failed(error.to_string()),
        };
        let now_ms = clock::unix_ms();
        let timestamp_s = now_ms.div_euclid(1000);
        let Outgoing { id, body } = outgoing;
        let Some(signature) = signature::sign(&webhook.secret.0, id, timestamp_s, body) else {
            return Self::failed("the secret cannot be used; make the webhook again".to_owned());
        };
        let headers = [
            ("webhook-id", id.clone()),
            ("webhook-timestamp", timestamp_s.to_string()),
            ("webhook-signature", signature),
        ];
        let reply = match client.post(url, headers, body.clone()).await {
            Ok(reply) => reply,
            Err(error) => return Self::failed(error.to_string()),
        };
        let asked = reply.retry_after.as_deref();
        Self {
            status: Some(reply.status.as_u16()),
            error: (!reply.status.is_success()).then(|| format!("it answered {}", reply.status)),
            body: reply.body,
            retry_after: asked.and_then(|text| schedule::asked_pause(text, now_ms)),
        }
    }

    fn failed(error: String) -> Self {
        Self {
            error: Some(error),
            ..Self::default()
        }
    }

    /// Whether the receiver wants nothing more, ever.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.status == Some(410)
    }
}
