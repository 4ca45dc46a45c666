//! Where the transport hands over what a client sent. A door never waits and never fails: it
//! checks the rate, decodes, and puts a request into the mailbox, in the order of calls.

use std::sync::Arc;

use super::SessionSettings;
use super::link::Link;
use super::mailbox::{Mailbox, Request};
use super::rate::Limiter;
use crate::domain::{Refusal, TextLimits};
use crate::protocol::{self, Command, EventName};
use crate::room::{Bell, News};

/// The door of one session. See the module's text.
#[derive(Debug)]
pub struct Door<A> {
    mailbox: Arc<Mailbox<A>>,
    messages: Limiter,
    history: Limiter,
    requests: Limiter,
    text: TextLimits,
    bell: Arc<Bell>,
}

impl<A> Door<A> {
    pub(super) fn new(settings: &SessionSettings, bell: Arc<Bell>, link: &Arc<Link>) -> Self {
        Self {
            mailbox: Arc::new(Mailbox::new(
                settings.mailbox,
                Arc::clone(&bell),
                Arc::clone(link),
            )),
            messages: Limiter::new(settings.messages),
            history: Limiter::new(settings.history),
            requests: Limiter::new(settings.requests),
            text: settings.text,
            bell,
        }
    }

    pub(super) const fn mailbox(&self) -> &Arc<Mailbox<A>> {
        &self.mailbox
    }

    /// Takes one event. `payload` is its first argument as JSON text, `None` where there is none.
    pub fn receive(&self, event: EventName, payload: Option<&str>, ack: Option<A>) {
        let body = self.admit(event, payload);
        self.mailbox.push(Request { event, body, ack });
    }

    fn admit(&self, event: EventName, payload: Option<&str>) -> Result<Command, Refusal> {
        match event {
            EventName::SendMessage => self.messages.check()?,
            EventName::JoinRoom | EventName::GetHistory => self.history.check()?,
            EventName::LeaveRoom | EventName::ListUsers | EventName::Typing => {
                self.requests.check()?;
            }
        }
        protocol::decode(event, payload, &self.text)
    }

    /// The connection is over: the session ends, whatever it is waiting for. `said_goodbye` where
    /// the client closed its Socket.IO session, rather than being lost.
    pub fn disconnected(&self, said_goodbye: bool) {
        self.bell
            .ring(if said_goodbye { News::LEFT } else { News::GONE });
    }
}
