//! What a client has asked for and the session has not handled yet: in order, bounded by number
//! and by bytes.
//!
//! A request that does not fit is not dropped: it is turned into a refusal (`busy`) that waits in
//! the same queue to be told. Refusals are bounded too: when as many wait as requests may, the
//! transport stops reading until the session has caught up. (One polling request may carry a
//! few more, which its size bounds.)

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::link::Link;
use crate::domain::Refusal;
use crate::protocol::{Command, EventName};
use crate::room::{Bell, News};

/// What a request costs beside its content, in bytes, towards the byte bound.
const REQUEST_COST: usize = 64;
/// Bytes of content that may wait for each request that may wait.
const BYTES_PER_REQUEST: usize = 256;
/// A queue that held more than this gives its memory back when it is empty.
const KEEP_CAPACITY: usize = 64;

/// One thing a client asked for: a command, or why it is refused.
#[derive(Debug)]
pub struct Request<A> {
    /// The event's name, for the answer.
    pub event: EventName,
    /// What to do, or what to tell.
    pub body: Result<Command, Refusal>,
    /// Where the answer goes, if one was asked for.
    pub ack: Option<A>,
}

/// The requests of one connection. See the module's text.
#[derive(Debug)]
pub struct Mailbox<A> {
    requests_max: usize,
    queue: Mutex<Queue<A>>,
    bell: Arc<Bell>,
    link: Arc<Link>,
}

#[derive(Debug)]
struct Queue<A> {
    requests: VecDeque<Request<A>>,
    commands: usize,
    bytes: usize,
}

impl<A> Queue<A> {
    fn refusals(&self) -> usize {
        self.requests.len() - self.commands
    }
}

impl<A> Mailbox<A> {
    /// Room for `requests_max` requests. `bell` rings for [`News::MAIL`]; `link` is told to pause
    /// and resume reading.
    #[must_use]
    pub fn new(requests_max: usize, bell: Arc<Bell>, link: Arc<Link>) -> Self {
        let queue = Queue {
            requests: VecDeque::new(),
            commands: 0,
            bytes: 0,
        };
        Self {
            requests_max,
            queue: Mutex::new(queue),
            bell,
            link,
        }
    }

    /// Puts a request in. Never waits, never loses one: see the module's text. Returns whether it
    /// waits as a refusal.
    pub fn push(&self, mut request: Request<A>) -> bool {
        let mut queue = self.queue.lock();
        if let Ok(command) = &request.body {
            let cost = REQUEST_COST + command.content_bytes();
            let bytes_max = self.requests_max.saturating_mul(BYTES_PER_REQUEST);
            if queue.commands >= self.requests_max || queue.bytes + cost > bytes_max.max(cost) {
                request.body = Err(Refusal::busy());
            } else {
                queue.commands += 1;
                queue.bytes += cost;
            }
        }
        let is_refused = request.body.is_err();
        queue.requests.push_back(request);
        if queue.refusals() >= self.requests_max {
            self.link.pause_reading();
        }
        drop(queue);
        self.bell.ring(News::MAIL);
        is_refused
    }

    /// Takes the oldest request out.
    pub fn pop(&self) -> Option<Request<A>> {
        let mut queue = self.queue.lock();
        let request = queue.requests.pop_front()?;
        if let Ok(command) = &request.body {
            queue.commands -= 1;
            queue.bytes -= REQUEST_COST + command.content_bytes();
        }
        if queue.requests.is_empty() && queue.requests.capacity() > KEEP_CAPACITY {
            queue.requests = VecDeque::new();
        }
        if queue.refusals() <= self.requests_max / 2 {
            self.link.resume_reading();
        }
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn request() -> Request<u32> {
        Request {
            event: EventName::ListUsers,
            body: Ok(Command::Leave { closing: false }),
            ack: Some(7),
        }
    }

    fn reading(link: &Link) -> bool {
        link.poll_may_read(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[test]
    fn a_request_that_does_not_fit_becomes_a_refusal_in_its_place() {
        let mailbox = Mailbox::new(2, Arc::default(), Arc::default());
        let refused: Vec<bool> = (0..3).map(|_| mailbox.push(request())).collect();
        assert_eq!(refused, [false, false, true]);
        let fates: Vec<bool> = std::iter::from_fn(|| mailbox.pop())
            .map(|r| r.body.is_ok())
            .collect();
        assert_eq!(fates, [true, true, false]);
    }

    #[test]
    fn room_is_made_by_taking_out() {
        let mailbox = Mailbox::new(1, Arc::default(), Arc::default());
        for _ in 0..3 {
            mailbox.push(request());
            assert!(
                mailbox
                    .pop()
                    .is_some_and(|r| r.body.is_ok() && r.ack == Some(7))
            );
        }
        assert!(mailbox.pop().is_none());
    }

    #[test]
    fn reading_pauses_while_too_many_refusals_wait() {
        let link = Arc::new(Link::default());
        let mailbox = Mailbox::new(4, Arc::default(), Arc::clone(&link));
        assert!((0..7).filter(|_| mailbox.push(request())).count() == 3);
        assert!(reading(&link), "three refusals may wait");
        mailbox.push(request());
        assert!(!reading(&link), "the fourth stops the reader");
        while mailbox.pop().is_some() {}
        assert!(reading(&link), "an empty mailbox lets it go on");
    }
}
