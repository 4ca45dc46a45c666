//! Where the transport hands over what a client sent. A door never waits and never fails: it
//! checks the rate, decodes, and puts a request into the mailbox, in the order of calls.

use std::sync::{Arc, Weak};

use super::SessionSettings;
use super::mailbox::{Mailbox, Request};
use super::rate::Limiter;
use crate::domain::{Refusal, TextLimits};
use crate::protocol::{self, Command, EventName};

/// The door of one session. See the module's text.
#[derive(Debug)]
pub struct Door<A> {
    // Weak: the mailbox holds acknowledgements, those hold the transport, and the transport holds
    // the door. The session owns the mailbox.
    mailbox: Weak<Mailbox<A>>,
    messages: Limiter,
    history: Limiter,
    requests: Limiter,
    text: TextLimits,
}

impl<A> Door<A> {
    pub(super) fn new(settings: &SessionSettings, mailbox: &Arc<Mailbox<A>>) -> Self {
        Self {
            mailbox: Arc::downgrade(mailbox),
            messages: Limiter::new(settings.messages),
            history: Limiter::new(settings.history),
            requests: Limiter::new(settings.requests),
            text: settings.text,
        }
    }

    /// Takes one event. `payload` is its first argument as JSON text, `None` where there is none.
    /// Once the session has ended, events are dropped.
    pub fn receive(&self, event: EventName, payload: Option<&str>, ack: Option<A>) {
        let Some(mailbox) = self.mailbox.upgrade() else {
            return;
        };
        let body = self.admit(event, payload);
        mailbox.push(Request { event, body, ack });
    }

    /// Refuses an event that is too large to be looked at. It counts towards its rate.
    pub fn refuse_too_large(&self, event: EventName, ack: Option<A>) {
        let Some(mailbox) = self.mailbox.upgrade() else {
            return;
        };
        let too_large = |()| {
            let (event, max) = (event.as_str(), protocol::EVENT_BYTES_MAX);
            Err(Refusal::invalid_payload(format!(
                "{event}: a packet has at most {max} bytes"
            )))
        };
        let body = self.check_rate(event).and_then(too_large);
        mailbox.push(Request { event, body, ack });
    }

    fn admit(&self, event: EventName, payload: Option<&str>) -> Result<Command, Refusal> {
        self.check_rate(event)?;
        protocol::decode(event, payload, &self.text)
    }

    fn check_rate(&self, event: EventName) -> Result<(), Refusal> {
        match event {
            EventName::SendMessage => self.messages.check(),
            EventName::JoinRoom | EventName::GetHistory => self.history.check(),
            EventName::LeaveRoom | EventName::ListUsers | EventName::Typing => {
                self.requests.check()
            }
        }
    }
}
