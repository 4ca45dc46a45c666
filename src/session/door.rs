//! Where the transport hands over what a client sent. A door never waits and never fails: it
//! checks the rate, decodes, and puts a request into the mailbox, in the order of calls.
//!
//! What is refused, and what is no request at all, is charged to the user. When that has gone on for
//! too long the door takes nothing any more, and the session ends the transport.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Shared;
use super::budget::{Account, Class, Flood};
use super::link::Link;
use super::mailbox::{Mailbox, Request};
use crate::domain::{Refusal, TextLimits};
use crate::metrics::Metrics;
use crate::protocol::{self, Command, EventName};
use crate::room::{Bell, News};

/// The door of one session. See the module's text.
#[derive(Debug)]
pub struct Door<A> {
    mailbox: Arc<Mailbox<A>>,
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
        link: &Arc<Link>,
    ) -> Self {
        let settings = &shared.settings;
        Self {
            mailbox: Arc::new(Mailbox::new(
                settings.mailbox,
                Arc::clone(&bell),
                Arc::clone(link),
            )),
            account,
            text: settings.text,
            bell,
            metrics: Arc::clone(&shared.metrics),
            flooded: AtomicBool::new(false),
        }
    }

    pub(super) const fn mailbox(&self) -> &Arc<Mailbox<A>> {
        &self.mailbox
    }

    pub(super) const fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// Takes one event. `payload` is its first argument as JSON text, `None` where there is none.
    pub fn receive(&self, event: EventName, payload: Option<&str>, ack: Option<A>) {
        if self.is_flooded() {
            return;
        }
        let body = self.admit(event, payload);
        if self.mailbox.push(Request { event, body, ack }) {
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
        if self.account.charge_refusal(bytes) == Err(Flood)
            && !self.flooded.swap(true, Ordering::Relaxed)
        {
            self.bell.ring(News::FLOODED);
        }
    }

    fn admit(&self, event: EventName, payload: Option<&str>) -> Result<Command, Refusal> {
        self.account.take(match event {
            EventName::SendMessage => Class::Message,
            EventName::JoinRoom | EventName::GetHistory => Class::History,
            EventName::LeaveRoom | EventName::ListUsers | EventName::Typing => Class::Request,
        })?;
        protocol::decode(event, payload, &self.text)
    }

    /// The connection is over: the session ends, whatever it is waiting for. `said_goodbye` where
    /// the client closed its Socket.IO session, rather than being lost.
    pub fn disconnected(&self, said_goodbye: bool) {
        self.bell
            .ring(if said_goodbye { News::LEFT } else { News::GONE });
    }
}
