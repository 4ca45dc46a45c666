//! What administrators do with outgoing webhooks.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::address::AllowedTargets;
use super::attempt::Attempt;
use super::client::{WebhookClient, resolve};
use super::parts::{Parts, decision, new_id, webhook_of};
use super::payload::{EVENTS, Outgoing};
use super::position::kept_progress;
use super::signature;
use super::supervisor::{self, first_key};
use super::target::{self, TargetError};
use crate::decisions::{
    AuditLine, Decision, DecisionKey, Integration, LogCursor, Secret, Webhook, WebhookProgress,
};
use crate::domain::{RequestError, RoomName};
use crate::idle::Occupancy;
use crate::memory::MemoryBudget;
use crate::metrics::Metrics;
use crate::moderation::{Author, Moderation};
use crate::room::{Room, Rooms, Store};

/// Outgoing webhooks that there may be.
pub const WEBHOOKS_MAX: usize = 50;
/// Rooms that one may name.
pub const ROOMS_MAX: usize = 50;

/// Why something is not done with a webhook.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// It may not point there.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// There are as many as there may be.
    #[error("there are {0} already: remove one first")]
    TooMany(usize),
    /// A name that is no kind of entries.
    #[error("events has {0:?}; there are message, message_changed and system_message")]
    UnknownEvent(String),
    /// There is none of this id.
    #[error("there is no such webhook")]
    NotFound,
    /// The store, or the role.
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// How webhooks are set.
#[derive(Debug, Clone, Default)]
pub struct WebhooksSettings {
    /// What they may reach besides public addresses.
    pub allowed: AllowedTargets,
    /// How long one delivery is tried before its webhook is paused.
    pub retry_for: Duration,
}

/// What a webhook is made of.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Where it points.
    pub url: String,
    /// The rooms; `None` = all.
    pub rooms: Option<Vec<RoomName>>,
    /// The kinds of entries; `None` = all.
    pub events: Option<Vec<String>>,
}

/// A webhook, and how its deliveries go.
#[derive(Debug, Clone)]
pub struct WebhookStatus {
    /// Its id.
    pub id: Arc<str>,
    /// When it was made, and by whom.
    pub decision: Arc<Decision>,
    /// Its settings.
    pub webhook: Webhook,
    /// How deliveries go.
    pub progress: WebhookProgress,
    /// Entries after its cursors.
    pub behind: u64,
}

/// All webhooks.
#[derive(Debug)]
pub struct Webhooks {
    pub(super) parts: Arc<Parts>,
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Webhooks {
    /// The webhooks of these rooms. Nothing is delivered before [`Self::start`].
    #[must_use]
    pub fn new(
        settings: WebhooksSettings,
        rooms: &Arc<Rooms>,
        store: &Arc<dyn Store>,
        moderation: &Arc<Moderation>,
        metrics: &Arc<Metrics>,
        budget: &Arc<MemoryBudget>,
        occupancy: &Arc<Occupancy>,
    ) -> Self {
        Self {
            parts: Arc::new(Parts {
                rooms: Arc::clone(rooms),
                store: Arc::clone(store),
                moderation: Arc::clone(moderation),
                metrics: Arc::clone(metrics),
                budget: Arc::clone(budget),
                occupancy: Arc::clone(occupancy),
                client: WebhookClient::new(settings.allowed),
                retry_for: settings.retry_for,
            }),
            stop: CancellationToken::new(),
            task: Mutex::default(),
        }
    }

    /// Starts delivering.
    pub fn start(&self) {
        let run = supervisor::run(Arc::clone(&self.parts), self.stop.clone());
        *self.task.lock() = Some(tokio::spawn(run));
    }

    /// Ends deliveries: keeps how far they are, and gives the claims up.
    pub async fn finish(&self) {
        self.stop.cancel();
        let task = self.task.lock().take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!("the webhooks' task did not end well: {error}");
        }
    }

    /// At most `max` webhooks after the one with the id `after`, oldest first.
    #[must_use]
    pub fn list(&self, after: Option<&str>, max: usize) -> Vec<WebhookStatus> {
        let after = after.map_or_else(first_key, |id| DecisionKey::Webhook(id.into()));
        let listed = self.parts.decisions().list(Some(&after), max, |key| {
            matches!(key, DecisionKey::Webhook(_))
        });
        let statuses = listed.into_iter().filter_map(|(key, decision)| match key {
            DecisionKey::Webhook(id) => self.status(id, decision),
            _ => None,
        });
        statuses.collect()
    }

    fn status(&self, id: Arc<str>, decision: Arc<Decision>) -> Option<WebhookStatus> {
        let webhook = webhook_of(&decision)?.clone();
        let behind = self.rooms_of(&webhook).map(|room| self.behind(&id, room));
        Some(WebhookStatus {
            behind: behind.sum(),
            progress: kept_progress(&self.parts, &id),
            webhook,
            decision,
            id,
        })
    }

    fn rooms_of<'a>(&'a self, webhook: &'a Webhook) -> impl Iterator<Item = &'a Arc<Room>> {
        self.parts.rooms.all().filter(|room| {
            let name = room.name().as_str();
            let rooms = webhook.rooms.as_ref();
            rooms.is_none_or(|rooms| rooms.iter().any(|wanted| wanted == name))
        })
    }

    fn behind(&self, id: &Arc<str>, room: &Room) -> u64 {
        let key = DecisionKey::WebhookCursor(Arc::clone(id), room.name().clone());
        let kept = self.parts.decisions().get(&key);
        match kept.as_ref().and_then(|kept| kept.integration.as_deref()) {
            Some(Integration::Cursor(cursor)) => room.head().saturating_sub(cursor.id),
            _ => 0,
        }
    }

    /// Makes a webhook, which begins with what comes from now on. The result has its secret.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn add(
        &self,
        author: Author<'_>,
        new: NewWebhook,
    ) -> Result<WebhookStatus, WebhookError> {
        let url = target::parse(&new.url, self.parts.client.allowed())?;
        let events = new
            .events
            .unwrap_or_else(|| EVENTS.map(str::to_owned).to_vec());
        if let Some(unknown) = events
            .iter()
            .find(|event| !EVENTS.contains(&event.as_str()))
        {
            return Err(WebhookError::UnknownEvent(unknown.clone()));
        }
        if let Some(url::Host::Domain(name)) = url.host() {
            resolve(name, self.parts.client.allowed()).await?;
        }
        if self.list(None, WEBHOOKS_MAX).len() >= WEBHOOKS_MAX {
            return Err(WebhookError::TooMany(WEBHOOKS_MAX));
        }
        let names =
            |rooms: Vec<RoomName>| rooms.iter().map(|room| room.as_str().to_owned()).collect();
        let webhook = Webhook {
            url: Secret(url.as_str().to_owned()),
            secret: Secret(signature::new_secret()),
            rooms: new.rooms.map(names),
            events,
            paused: None,
        };
        let id = new_id();
        let made = decision(author.user_id, Integration::Webhook(webhook.clone()));
        let key = DecisionKey::Webhook(Arc::clone(&id));
        let cursors = self.rooms_of(&webhook).map(|room| {
            let position = room.position();
            let cursor = Integration::Cursor(LogCursor {
                epoch: position.epoch.as_ref().to_owned(),
                id: position.head,
            });
            let key = DecisionKey::WebhookCursor(Arc::clone(&id), room.name().clone());
            (key, Some(decision(author.user_id, cursor)))
        });
        // The webhook first: without it nothing else is kept.
        let set = std::iter::once((key, Some(made.clone()))).chain(cursors);
        let line = line_of(&id, &webhook);
        let moderation = &self.parts.moderation;
        moderation
            .set_webhooks(author, "webhook_added", set.collect(), line)
            .await?;
        Ok(WebhookStatus {
            id,
            decision: Arc::new(made),
            webhook,
            progress: WebhookProgress::default(),
            behind: 0,
        })
    }

    fn find(&self, id: &str) -> Result<(Arc<str>, Arc<Decision>, Webhook), WebhookError> {
        let id: Arc<str> = id.into();
        let (decision, webhook) = self.parts.webhook(&id).ok_or(WebhookError::NotFound)?;
        Ok((id, decision, webhook))
    }

    /// Removes a webhook. What is on its way is the last that it sends.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn remove(&self, author: Author<'_>, id: &str) -> Result<(), WebhookError> {
        let (id, _, webhook) = self.find(id)?;
        let cursors = self.rooms_of(&webhook);
        let cursors =
            cursors.map(|room| DecisionKey::WebhookCursor(Arc::clone(&id), room.name().clone()));
        let mut keys = vec![DecisionKey::Webhook(Arc::clone(&id))];
        keys.extend(cursors);
        keys.push(DecisionKey::WebhookProgress(Arc::clone(&id)));
        let set = keys.into_iter().map(|key| (key, None)).collect();
        let line = line_of(&id, &webhook);
        let moderation = &self.parts.moderation;
        moderation
            .set_webhooks(author, "webhook_removed", set, line)
            .await?;
        Ok(())
    }

    /// Goes on with a webhook that is paused, from where it was. Does nothing to others.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn resume(&self, author: Author<'_>, id: &str) -> Result<(), WebhookError> {
        let (id, before, webhook) = self.find(id)?;
        if webhook.paused.is_none() {
            return Ok(());
        }
        let line = line_of(&id, &webhook);
        let resumed = Webhook {
            paused: None,
            ..webhook
        };
        let mut after = decision(&before.by, Integration::Webhook(resumed));
        after.at_ms = before.at_ms;
        // The time of trying begins again.
        let progress = WebhookProgress {
            delivered: kept_progress(&self.parts, &id).delivered,
            ..WebhookProgress::default()
        };
        let progress = decision(author.user_id, Integration::Progress(progress));
        let set = vec![
            (
                DecisionKey::WebhookProgress(Arc::clone(&id)),
                Some(progress),
            ),
            (DecisionKey::Webhook(id), Some(after)),
        ];
        let moderation = &self.parts.moderation;
        moderation
            .set_webhooks(author, "webhook_resumed", set, line)
            .await?;
        Ok(())
    }

    /// Sends a test to a webhook, paused or not, and returns what came of it.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn test(&self, id: &str) -> Result<Attempt, WebhookError> {
        let (id, _, webhook) = self.find(id)?;
        let ping = Outgoing::ping(&id);
        Ok(Attempt::make(&self.parts.client, &webhook, &ping).await)
    }
}

impl Drop for Webhooks {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What the audit log says of a webhook: where it points, without what may be a secret of the
/// receiver.
fn line_of(id: &str, webhook: &Webhook) -> AuditLine {
    let url = url::Url::parse(&webhook.url.0);
    let origin = url.map(|url| url.origin().ascii_serialization());
    AuditLine {
        value: Some(format!("{id} {}", origin.unwrap_or_default())),
        ..AuditLine::default()
    }
}
