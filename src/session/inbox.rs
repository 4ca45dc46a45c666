//! Requests that the session has not handled yet: in order, bounded by number and by bytes, and
//! charged to the connection.
//!
//! A request that does not fit is not dropped. It becomes a refusal (`busy`) that waits in the same
//! queue to be sent. Refusals are bounded too. When as many wait as requests may, the transport stops
//! reading until the session has caught up. (One polling request may carry a few more, which its size
//! bounds.)

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::budget::short_of_memory;
use super::commands::{Command, CommandSpec};
use super::flow_control::FlowControl;
use crate::domain::RequestError;
use crate::memory::{MemoryAccount, MemoryCharge};
use crate::room::{Notifier, Signals};

/// Bytes that may wait for each request that may wait.
const BYTES_PER_REQUEST: usize = 256;
/// A queue that held more than this gives its memory back when it is empty.
const KEEP_CAPACITY: usize = 16;

/// A request in the inbox: a command, or why it is refused.
#[derive(Debug)]
pub struct QueuedRequest<A> {
    /// The command, for the answer.
    pub spec: &'static CommandSpec,
    /// What to execute, or the refusal to send.
    pub body: Result<Command, RequestError>,
    /// Where the answer goes, if one was asked for.
    pub ack: Option<A>,
}

impl<A> QueuedRequest<A> {
    /// Bytes that it holds, in the queue and on the heap.
    fn held_bytes(&self) -> usize {
        let outside = match &self.body {
            Ok(command) => command.held_bytes(),
            Err(refusal) => match &refusal.message {
                Cow::Borrowed(_) => 0,
                Cow::Owned(message) => message.capacity(),
            },
        };
        size_of::<Self>() + outside
    }
}

/// Bounded queue of one connection's requests.
#[derive(Debug)]
pub struct Inbox<A> {
    requests_max: usize,
    queue: Mutex<Queue<A>>,
    notifier: Arc<Notifier>,
    flow: Arc<FlowControl>,
    account: Arc<MemoryAccount>,
}

#[derive(Debug)]
struct Queue<A> {
    requests: VecDeque<QueuedRequest<A>>,
    commands: usize,
    /// Held by commands.
    bytes: usize,
    /// Held by refusals.
    refusal_bytes: usize,
    charge: MemoryCharge,
}

impl<A> Queue<A> {
    fn refusals(&self) -> usize {
        self.requests.len() - self.commands
    }

    fn charge(&mut self) {
        self.charge.set(self.bytes + self.refusal_bytes);
    }
}

impl<A> Inbox<A> {
    /// An empty inbox for `requests_max` requests. It notifies `notifier` of [`Signals::MAIL`], pauses and
    /// resumes reading with `flow`, and charges what waits to `account`.
    #[must_use]
    pub fn new(
        requests_max: usize,
        notifier: Arc<Notifier>,
        flow: Arc<FlowControl>,
        account: &Arc<MemoryAccount>,
    ) -> Self {
        let queue = Queue {
            requests: VecDeque::new(),
            commands: 0,
            bytes: 0,
            refusal_bytes: 0,
            charge: account.charge(),
        };
        Self {
            requests_max,
            queue: Mutex::new(queue),
            notifier,
            flow,
            account: Arc::clone(account),
        }
    }

    /// Queues a request, or its refusal if it does not fit. Never waits. Returns whether a refusal
    /// was queued.
    pub fn push(&self, mut request: QueuedRequest<A>) -> bool {
        let mut queue = self.queue.lock();
        if request.body.is_ok()
            && let Err(refusal) = self.reserve(&mut queue, request.held_bytes())
        {
            request.body = Err(refusal);
        }
        let is_refused = request.body.is_err();
        if is_refused {
            queue.refusal_bytes += request.held_bytes();
        }
        queue.charge();
        queue.requests.push_back(request);
        if queue.refusals() >= self.requests_max {
            self.flow.pause_reading();
        }
        drop(queue);
        self.notifier.notify(Signals::MAIL);
        is_refused
    }

    /// Counts a command in, unless it does not fit.
    fn reserve(&self, queue: &mut Queue<A>, bytes: usize) -> Result<(), RequestError> {
        let bytes_max = self.requests_max.saturating_mul(BYTES_PER_REQUEST);
        if queue.commands >= self.requests_max || queue.bytes + bytes > bytes_max.max(bytes) {
            return Err(RequestError::busy());
        }
        if !self.account.has_room(bytes) {
            return Err(short_of_memory());
        }
        queue.commands += 1;
        queue.bytes += bytes;
        Ok(())
    }

    /// Takes the oldest request out.
    pub fn pop(&self) -> Option<QueuedRequest<A>> {
        let mut queue = self.queue.lock();
        let request = queue.requests.pop_front()?;
        if request.body.is_ok() {
            queue.commands -= 1;
            queue.bytes -= request.held_bytes();
        } else {
            queue.refusal_bytes -= request.held_bytes();
        }
        queue.charge();
        if queue.requests.is_empty() && queue.requests.capacity() > KEEP_CAPACITY {
            queue.requests = VecDeque::new();
        }
        if queue.refusals() <= self.requests_max / 2 {
            self.flow.resume_reading();
        }
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::domain::{RequestErrorCode, TextLimits};
    use crate::memory::{MemoryBudget, Owner};
    use crate::protocol::{JoinRequest, LeaveRequest};
    use crate::session::commands;

    fn spec(event: &str) -> &'static CommandSpec {
        commands::find(event).unwrap_or_else(|| panic!("no command is called {event}"))
    }

    fn request() -> QueuedRequest<u32> {
        QueuedRequest {
            spec: spec("leave_room"),
            body: Ok(Command::Leave(LeaveRequest {
                closing: false,
                away: false,
            })),
            ack: Some(7),
        }
    }

    fn inbox(requests_max: usize, flow: &Arc<FlowControl>) -> Inbox<u32> {
        Inbox::new(
            requests_max,
            Arc::default(),
            Arc::clone(flow),
            &MemoryAccount::unbounded(),
        )
    }

    fn reading(flow: &FlowControl) -> bool {
        flow.poll_may_read(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[test]
    fn a_request_that_does_not_fit_becomes_a_refusal_in_its_place() {
        let inbox = inbox(2, &Arc::default());
        let refused: Vec<bool> = (0..3).map(|_| inbox.push(request())).collect();
        assert_eq!(refused, [false, false, true]);
        let fates: Vec<bool> = std::iter::from_fn(|| inbox.pop())
            .map(|r| r.body.is_ok())
            .collect();
        assert_eq!(fates, [true, true, false]);
    }

    #[test]
    fn room_is_made_by_taking_out() {
        let inbox = inbox(1, &Arc::default());
        for _ in 0..3 {
            inbox.push(request());
            assert!(
                inbox
                    .pop()
                    .is_some_and(|r| r.body.is_ok() && r.ack == Some(7))
            );
        }
        assert!(inbox.pop().is_none());
    }

    #[test]
    fn reading_pauses_while_too_many_refusals_wait() {
        let flow = Arc::new(FlowControl::default());
        let inbox = inbox(4, &flow);
        assert!((0..7).filter(|_| inbox.push(request())).count() == 3);
        assert!(reading(&flow), "three refusals may wait");
        inbox.push(request());
        assert!(!reading(&flow), "the fourth stops the reader");
        while inbox.pop().is_some() {}
        assert!(reading(&flow), "an empty inbox lets it go on");
    }

    struct NoOwner;

    impl Owner for NoOwner {
        fn close_for_memory(&self) {}
    }

    fn join(epoch: usize) -> QueuedRequest<u32> {
        let limits = TextLimits {
            chars_max: 2000,
            bytes_max: 8000,
        };
        let epoch = "e".repeat(epoch);
        let payload = format!(
            r#"{{"room_name":"tech","after":{{"epoch":"{epoch}","id":1}},"username":"Eve"}}"#
        );
        let spec = spec("join_room");
        QueuedRequest {
            spec,
            body: spec.decode(Some(&payload), &limits),
            ack: None,
        }
    }

    #[test]
    fn what_waits_is_charged_with_all_it_holds_and_no_more_once_it_is_taken_out() {
        let budget = MemoryBudget::new(0);
        let account = budget.open(Weak::<NoOwner>::new());
        let inbox = Inbox::new(1024, Arc::default(), Arc::default(), &account);
        assert_eq!((0..100).filter(|_| inbox.push(join(24))).count(), 0);
        let small = account.held();
        assert!(small >= 100 * size_of::<JoinRequest>(), "{small}");
        while inbox.pop().is_some() {}
        assert_eq!(account.held(), 0);
        // An epoch that cannot be ours is not kept.
        let refused = (0..100).filter(|_| inbox.push(join(1_000_000))).count();
        assert_eq!(refused, 0);
        assert!(account.held() <= small, "{}", account.held());
        drop(inbox);
        assert_eq!(account.held(), 0);
    }

    #[test]
    fn without_room_in_the_budget_requests_are_refused_and_the_refusals_are_charged() {
        let budget = MemoryBudget::new(1024 * 1024);
        let account = budget.open(Weak::<NoOwner>::new());
        let inbox = Inbox::new(8, Arc::default(), Arc::default(), &account);
        let own = account.try_charge(900 * 1024);
        inbox.push(request());
        let mut rest = account.charge();
        rest.set(80 * 1024);
        inbox.push(request());
        drop((own, rest));
        inbox.push(request());
        let codes: Vec<_> = std::iter::from_fn(|| inbox.pop())
            .map(|request| request.body.err().map(|refusal| refusal.code))
            .collect();
        assert_eq!(codes, [None, Some(RequestErrorCode::Busy), None]);
    }
}
