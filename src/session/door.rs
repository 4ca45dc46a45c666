//! Where the transport hands over what a client sent. A door never waits and never fails: it
//! checks the rate, decodes, and puts a request into the mailbox, in the order of calls.
//!
//! What is refused, and what is no request at all, is charged to the user. When that has gone on for
//! too long the door takes nothing any more, and the session ends the transport.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use super::budget::{Account, FloodError};
use super::commands::{Command, CommandSpec};
use super::mailbox::{Mailbox, Request};
use super::shared::Shared;
use crate::domain::{Refusal, TextLimits};
use crate::metrics::Metrics;
use crate::room::{Bell, News};

/// The door of one session. See the module's text.
#[derive(Debug)]
pub struct Door<A> {
    // Weak: the mailbox holds acknowledgements, those hold the transport, and the transport holds
    // the door. The session owns the mailbox.
    mailbox: Weak<Mailbox<A>>,
    account: Arc<Account>,
    text: TextLimits,
    bell: Arc<Bell>,
    metrics: Arc<Metrics>,
    flooded: AtomicBool,
}

impl<A> Door<A> {
    pub(super) fn new(
        shared: &Shared,
        account: Arc<Account>,
        bell: Arc<Bell>,
        mailbox: &Arc<Mailbox<A>>,
    ) -> Self {
        Self {
            mailbox: Arc::downgrade(mailbox),
            account,
            text: shared.settings.text,
            bell,
            metrics: Arc::clone(&shared.metrics),
            flooded: AtomicBool::new(false),
        }
    }

    /// Takes one event of a command. `payload` is its first argument as JSON text, `None` where there is none.
    /// Once the session has ended, events are dropped.
    pub fn receive(&self, spec: &'static CommandSpec, payload: Option<&str>, ack: Option<A>) {
        if self.is_flooded() {
            return;
        }
        let Some(mailbox) = self.mailbox.upgrade() else {
            return;
        };
        let body = self.admit(spec, payload);
        if mailbox.push(Request { spec, body, ack }) {
            self.charge_refusal(payload.map_or(0, str::len));
        }
    }

    /// Takes an event of this many bytes that is not in the contract: it is ignored.
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
            self.bell.ring(News::FLOODED);
        }
    }

    /// Refuses an event that is too large to be looked at. It counts towards its rate.
    pub fn refuse_too_large(&self, spec: &'static CommandSpec, bytes: usize, ack: Option<A>) {
        if self.is_flooded() {
            return;
        }
        let Some(mailbox) = self.mailbox.upgrade() else {
            return;
        };
        let too_large = |()| {
            let (event, max) = (spec.event, spec.event_bytes_max);
            Err(Refusal::invalid_payload(format!(
                "{event}: a packet has at most {max} bytes"
            )))
        };
        let body = self.check_rate(spec).and_then(too_large);
        mailbox.push(Request { spec, body, ack });
        self.charge_refusal(bytes);
    }

    fn admit(&self, spec: &'static CommandSpec, payload: Option<&str>) -> Result<Command, Refusal> {
        self.check_rate(spec)?;
        spec.decode(payload, &self.text)
    }

    fn check_rate(&self, spec: &CommandSpec) -> Result<(), Refusal> {
        self.account.take(spec.class)
    }
}
