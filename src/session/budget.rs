//! Budgets of each user: messages, requests, bytes of answers, and how many refused requests are
//! tolerated before the connection is closed.
//!
//! A budget belongs to the user and outlives their connections, so neither a reconnect nor a new
//! session refills it. If connections are limited by address, each address has a budget too, as large
//! as those of all the users who may connect from it. A connection draws on both, so new identities do
//! not refill the address's. A budget that is unused and full again is dropped, because a new one
//! would be the same.

mod registry;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use self::registry::Registry;
use crate::domain::RequestError;
use crate::rate::{Bucket, Rate};
use crate::room::UserId;

/// Bytes that one refused request costs in the abuse budget, beside its own.
const REFUSAL_BYTES: usize = 1024;
/// Bytes of refused requests that are tolerated a second, and in a burst: 48 requests a second on
/// average, some 16,000 in a burst. A client that pastes fifty messages, or sends again what it
/// buffered while offline, is nowhere near.
const ABUSE_RATE: (u32, u32) = (48 * 1024, 16 * 1024 * 1024);
/// Refused requests in one second above which that second is a bad one.
const BAD_SECOND: u32 = 50;
/// Bad seconds that are tolerated. Each better second between them takes one off.
const BAD_SECONDS_MAX: u32 = 8;
/// Bytes of answers a second, and in a burst: a dozen of the largest answers, or a hundred joins with
/// the history and the users of an ordinary room.
pub const ANSWERS: (u32, u32) = (256 * 1024, 4 * 1024 * 1024);

/// How long a user is new.
const NEW_FOR: Duration = Duration::from_secs(60);

/// When to try again if memory is short.
const MEMORY_RETRY: Duration = Duration::from_secs(1);

/// How fast one user may send requests.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// Messages.
    pub messages: Rate,
    /// Messages of a user who is new.
    pub newcomers: Rate,
    /// Joins and requests for history.
    pub history: Rate,
    /// Other requests.
    pub requests: Rate,
    /// Bytes of answers.
    pub answers: Rate,
    abuse: Rate,
}

/// Rate class of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A message.
    Message,
    /// A join or a request for history.
    History,
    /// Any other request.
    Request,
}

/// The client has sent refused requests for too long: its connection must be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client sends nothing but refused requests")]
pub struct FloodError;

impl Rates {
    /// Rates for messages, joins and history, and other requests; `None`, which limits nothing at
    /// all, if one of them is.
    #[must_use]
    pub fn new(
        messages: Option<Rate>,
        history: Option<Rate>,
        requests: Option<Rate>,
    ) -> Option<Self> {
        let messages = messages?;
        Some(Self {
            messages,
            newcomers: messages,
            history: history?,
            requests: requests?,
            answers: Rate::new(ANSWERS.0, ANSWERS.1)?,
            abuse: Rate::new(ABUSE_RATE.0, ABUSE_RATE.1)?,
        })
    }

    /// The same with so many messages a second for users who are new, or 0 for as many as for others.
    #[must_use]
    pub fn with_newcomers(self, per_second: u32) -> Self {
        let messages = self.messages;
        let per_second = NonZeroU32::new(per_second).unwrap_or(messages.per_second);
        Self {
            newcomers: Rate {
                per_second: per_second.min(messages.per_second),
                ..messages
            },
            ..self
        }
    }

    const fn times(self, users: NonZeroU32) -> Self {
        Self {
            messages: self.messages.times(users),
            newcomers: self.newcomers.times(users),
            history: self.history.times(users),
            requests: self.requests.times(users),
            answers: self.answers.times(users),
            abuse: self.abuse.times(users),
        }
    }

    const fn of(&self, class: Class) -> Rate {
        match class {
            Class::Message => self.messages,
            Class::History => self.history,
            Class::Request => self.requests,
        }
    }
}

/// One user's or one address's buckets.
#[derive(Debug)]
struct Buckets {
    /// Until when the user is new.
    new_until: Option<Instant>,
    messages: Bucket,
    history: Bucket,
    requests: Bucket,
    answers: Bucket,
    abuse: Bucket,
    bad: BadSeconds,
}

/// Counts the seconds in which too much was refused: a steady flood that is slow enough for the
/// bucket is found by them.
#[derive(Debug, Clone, Copy)]
struct BadSeconds {
    began: Instant,
    refused: u32,
    count: u32,
}

impl BadSeconds {
    /// Counts one more refusal. Returns whether there have been too many bad seconds.
    fn refuse(&mut self, now: Instant) -> bool {
        let seconds = now.saturating_duration_since(self.began).as_secs();
        if seconds > 0 {
            let better = u32::try_from(seconds - 1).unwrap_or(u32::MAX);
            let was_bad = self.refused >= BAD_SECOND;
            self.count = if was_bad {
                self.count + 1
            } else {
                self.count.saturating_sub(1)
            };
            self.count = self.count.saturating_sub(better);
            self.began = now;
            self.refused = 0;
        }
        self.refused = self.refused.saturating_add(1);
        self.count >= BAD_SECONDS_MAX
    }
}

impl Buckets {
    fn full(rates: &Rates, now: Instant) -> Self {
        Self {
            new_until: None,
            messages: Bucket::full(rates.messages, now),
            history: Bucket::full(rates.history, now),
            requests: Bucket::full(rates.requests, now),
            answers: Bucket::full(rates.answers, now),
            abuse: Bucket::full(rates.abuse, now),
            bad: BadSeconds {
                began: now,
                refused: 0,
                count: 0,
            },
        }
    }

    const fn of(&mut self, class: Class) -> &mut Bucket {
        match class {
            Class::Message => &mut self.messages,
            Class::History => &mut self.history,
            Class::Request => &mut self.requests,
        }
    }

    /// The time until all of them are full.
    fn time_until_full(&mut self, rates: &Rates, now: Instant) -> Duration {
        [
            (&mut self.messages, rates.messages),
            (&mut self.history, rates.history),
            (&mut self.requests, rates.requests),
            (&mut self.answers, rates.answers),
            (&mut self.abuse, rates.abuse),
        ]
        .into_iter()
        .map(|(bucket, rate)| bucket.time_until_full(rate, now))
        .chain(
            self.new_until
                .map(|until| until.saturating_duration_since(now)),
        )
        .max()
        .unwrap_or_default()
    }
}

/// One budget, shared by the connections that draw on it.
#[derive(Debug, Clone)]
struct Budget {
    rates: Arc<Rates>,
    buckets: Arc<Mutex<Buckets>>,
}

impl Budget {
    fn take(&self, class: Class) -> Result<(), RequestError> {
        let now = Instant::now();
        let mut buckets = self.buckets.lock();
        let is_new = buckets.new_until.is_some_and(|until| now < until);
        let rate = match class {
            Class::Message if is_new => self.rates.newcomers,
            class => self.rates.of(class),
        };
        let taken = buckets.of(class).take(rate, 1.0, now);
        taken.map_err(RequestError::rate_limited)
    }

    /// From now on the user is new.
    fn begin(&self) {
        self.buckets.lock().new_until = Some(Instant::now() + NEW_FOR);
    }

    fn give_back(&self, class: Class) {
        self.buckets.lock().of(class).give_back();
    }

    fn check_answers(&self) -> Result<(), RequestError> {
        let rate = self.rates.answers;
        let mut buckets = self.buckets.lock();
        if buckets.answers.tokens(rate, Instant::now()) > 0.0 {
            Ok(())
        } else {
            Err(RequestError::rate_limited(
                buckets.answers.time_until(rate, 1.0),
            ))
        }
    }

    fn charge_answer(&self, bytes: f64) {
        let rate = self.rates.answers;
        self.buckets
            .lock()
            .answers
            .spend(rate, bytes, Instant::now());
    }

    fn charge_refusal(&self, bytes: f64) -> Result<(), FloodError> {
        let (rate, now) = (self.rates.abuse, Instant::now());
        let mut buckets = self.buckets.lock();
        buckets.abuse.spend(rate, bytes, now);
        if buckets.bad.refuse(now) {
            buckets.abuse.empty();
        }
        if buckets.abuse.tokens(rate, now) > 0.0 {
            Ok(())
        } else {
            Err(FloodError)
        }
    }
}

/// The budgets that one connection draws on: its user's and, if there is one, its address's.
#[derive(Debug, Default)]
pub struct Account {
    user: Option<Budget>,
    address: Option<Budget>,
}

impl Account {
    fn both(&self) -> impl Iterator<Item = &Budget> {
        self.user.iter().chain(&self.address)
    }

    /// Draws one request of a class.
    ///
    /// # Errors
    /// `rate_limited` with the time until the next one.
    pub fn take(&self, class: Class) -> Result<(), RequestError> {
        if let Some(user) = &self.user {
            user.take(class)?;
        }
        if let Some(address) = &self.address {
            address.take(class).inspect_err(|_| {
                if let Some(user) = &self.user {
                    user.give_back(class);
                }
            })?;
        }
        Ok(())
    }

    /// Checks whether an answer may be built. An answer may overdraw the budget.
    ///
    /// # Errors
    /// `rate_limited` with the time until the budget is no longer overdrawn.
    pub fn check_answers(&self) -> Result<(), RequestError> {
        self.both().try_for_each(Budget::check_answers)
    }

    /// Charges an answer of this many bytes.
    pub fn charge_answer(&self, bytes: usize) {
        let bytes = as_f64(bytes);
        self.both().for_each(|budget| budget.charge_answer(bytes));
    }

    /// Charges a refused request or an unknown event of this many bytes. Only the user is charged, so
    /// that other users of the same address are not closed with them.
    ///
    /// # Errors
    /// [`FloodError`] if that has gone on for too long.
    pub fn charge_refusal(&self, bytes: usize) -> Result<(), FloodError> {
        match &self.user {
            Some(user) => user.charge_refusal(as_f64(bytes.saturating_add(REFUSAL_BYTES))),
            None => Ok(()),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sizes of packets and answers, far below 2^53"
)]
const fn as_f64(bytes: usize) -> f64 {
    bytes as f64
}

/// The budgets of all users and addresses.
#[derive(Debug)]
pub struct Budgets {
    users: Option<Registry<UserId>>,
    addresses: Option<Registry<IpAddr>>,
}

impl Budgets {
    /// Full budgets; no limits at all if `rates` is `None`. `users_per_address` is how many users may
    /// connect from one address, if that is limited.
    #[must_use]
    pub fn new(rates: Option<Rates>, users_per_address: Option<NonZeroU32>) -> Self {
        let of_addresses = rates.zip(users_per_address);
        Self {
            users: rates.map(Registry::new),
            addresses: of_addresses.map(|(rates, users)| Registry::new(rates.times(users))),
        }
    }

    /// The budgets of a connection of `user` from `address`. An unknown address is not limited.
    #[must_use]
    pub fn account(&self, user: &UserId, address: Option<IpAddr>) -> Account {
        let addresses = self.addresses.as_ref().zip(address);
        Account {
            user: self.users.as_ref().map(|users| users.get(user)),
            address: addresses.map(|(addresses, address)| addresses.get(&address)),
        }
    }

    /// The same for a user who was never here before.
    #[must_use]
    pub fn account_of_newcomer(&self, user: &UserId, address: Option<IpAddr>) -> Account {
        let account = self.account(user, address);
        if let Some(user) = &account.user {
            user.begin();
        }
        account
    }
}

/// The refusal of a request for which all connections together hold too much memory.
pub(super) fn short_of_memory() -> RequestError {
    RequestError {
        message: "The service is short of memory: send this again in a moment".into(),
        ..RequestError::busy().with_retry_after(MEMORY_RETRY)
    }
}

#[cfg(test)]
mod tests;
