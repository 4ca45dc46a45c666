//! The transport's end of an inbox. It never waits and never fails: it checks the rate, decodes, and
//! queues a request in the inbox, in the order of calls.
//!
//! Refused requests and unknown events are charged to the user. A user who sends too many for too long
//! is cut off: the sender drops everything, and the session ends the transport.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use super::budget::{Account, FloodError};
use super::commands::{Command, CommandSpec};
use super::inbox::{Inbox, QueuedRequest};
use super::shared::Shared;
use crate::domain::{RequestError, TextLimits};
use crate::metrics::Metrics;
use crate::room::{Notifier, Signals};

/// Puts a client's requests into the inbox of its session.
#[derive(Debug)]
pub struct InboxSender<A> {
    // Weak: the inbox holds acknowledgements, those hold the transport, and the transport holds
    // the sender. The session owns the inbox.
    inbox: Weak<Inbox<A>>,
    account: Arc<Account>,
    text: TextLimits,
    notifier: Arc<Notifier>,
    metrics: Arc<Metrics>,
    flooded: AtomicBool,
}

impl<A> InboxSender<A> {
    pub(super) fn new(
        shared: &Shared,
        account: Arc<Account>,
        notifier: Arc<Notifier>,
        inbox: &Arc<Inbox<A>>,
    ) -> Self {
        Self {
            inbox: Arc::downgrade(inbox),
            account,
            text: shared.settings.text,
            notifier,
            metrics: Arc::clone(&shared.metrics),
            flooded: AtomicBool::new(false),
        }
    }

    /// Queues an event of a command. `payload` is its first argument as JSON text, `None` if there is
    /// none. Once the session has ended, events are dropped.
    pub fn receive(&self, spec: &'static CommandSpec, payload: Option<&str>, ack: Option<A>) {
        if self.is_flooded() {
            return;
        }
        let Some(inbox) = self.inbox.upgrade() else {
            return;
        };
        let body = self.decode(spec, payload);
        if inbox.push(QueuedRequest { spec, body, ack }) {
            self.charge_refusal(payload.map_or(0, str::len));
        }
    }

    /// Ignores an event of this many bytes that is not in the contract, and charges it to the user.
    pub fn receive_unknown(&self, bytes: usize) {
        if self.is_flooded() {
            return;
        }
        self.metrics.reject("unknown_event");
        self.charge_refusal(bytes);
    }

    fn is_flooded(&self) -> bool {
        self.flooded.load(Ordering::Relaxed)
    }

    fn charge_refusal(&self, bytes: usize) {
        if self.account.charge_refusal(bytes) == Err(FloodError)
            && !self.flooded.swap(true, Ordering::Relaxed)
        {
            self.notifier.notify(Signals::FLOODED);
        }
    }

    /// Refuses an event that is too large to be decoded. It counts towards the rate of its command.
    pub fn refuse_too_large(&self, spec: &'static CommandSpec, bytes: usize, ack: Option<A>) {
        if self.is_flooded() {
            return;
        }
        let Some(inbox) = self.inbox.upgrade() else {
            return;
        };
        let too_large = |()| {
            let (event, max) = (spec.event, spec.event_bytes_max);
            Err(RequestError::invalid_payload(format!(
                "{event}: a packet has at most {max} bytes"
            )))
        };
        let body = self.check_rate(spec).and_then(too_large);
        inbox.push(QueuedRequest { spec, body, ack });
        self.charge_refusal(bytes);
    }

    fn decode(&self, spec: &CommandSpec, payload: Option<&str>) -> Result<Command, RequestError> {
        self.check_rate(spec)?;
        spec.decode(payload, &self.text)
    }

    fn check_rate(&self, spec: &CommandSpec) -> Result<(), RequestError> {
        self.account.take(spec.class)
    }
}
