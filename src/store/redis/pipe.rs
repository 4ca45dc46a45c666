//! Carries out the requests of sessions, in order, many of them in flight: no room waits for
//! another, and a round trip does not bound how much is said.
//!
//! When the connection is lost, what had no answer is asked again on the next one, as long as there
//! is time: scripts know a request that they have done before.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use redis::Value;
use tokio::sync::mpsc::UnboundedReceiver;

use super::ANSWER_TIMEOUT;
use super::call::Context;
use super::connection::{Backoff, Connection, Redis, RedisError};
use super::presence::Presence;
use super::request::Queued;
use super::status::{Status, Way};

/// Requests in one batch.
const BATCH: usize = 128;
/// Batches without an answer yet.
const DEPTH: usize = 8;

type Answers = Result<Vec<Result<Value, RedisError>>, RedisError>;
type InFlight = FuturesOrdered<Pin<Box<dyn Future<Output = Answers> + Send>>>;

/// Sends queued requests to Redis over one connection at a time, and answers them.
pub struct Pipe {
    redis: Redis,
    context: Arc<Context>,
    status: Arc<Status>,
    presence: Presence,
    queue: UnboundedReceiver<Queued>,
    /// To be sent, oldest first.
    waiting: VecDeque<Queued>,
}

impl Pipe {
    /// A pipe for this queue.
    pub const fn new(
        redis: Redis,
        context: Arc<Context>,
        status: Arc<Status>,
        presence: Presence,
        queue: UnboundedReceiver<Queued>,
    ) -> Self {
        Self {
            redis,
            context,
            status,
            presence,
            queue,
            waiting: VecDeque::new(),
        }
    }

    /// Runs until the last sender of the queue is dropped.
    pub async fn run(mut self) {
        while let Some(connection) = self.connect().await {
            self.status.set(Way::Pipe, true);
            let trouble = self.converse(connection).await;
            self.status.set(Way::Pipe, false);
            let Some(trouble) = trouble else { return };
            self.status.metrics.cluster_reconnects.inc();
            tracing::warn!("lost the connection to Redis at {}: {trouble}", self.redis);
        }
    }

    /// Connects, however long it takes; meanwhile, overdue requests fail. `None` if the last
    /// sender of the queue is dropped.
    async fn connect(&mut self) -> Option<Connection> {
        let Self {
            redis,
            presence,
            queue,
            waiting,
            ..
        } = self;
        waiting.retain(|queued| !queued.is_momentary());
        tokio::select! {
            connection = keep_connecting(redis, presence) => Some(connection),
            () = refuse_overdue(queue, waiting) => None,
        }
    }

    /// Sends and answers until the connection is lost; `None` if the last sender is dropped.
    async fn converse(&mut self, connection: Connection) -> Option<RedisError> {
        let mut in_flight: VecDeque<Vec<Queued>> = VecDeque::new();
        let mut answers = InFlight::new();
        let mut asked = Vec::new();
        let mut presence = std::pin::pin!(self.presence.live(connection.clone()));
        let trouble = loop {
            while in_flight.len() < DEPTH && !self.waiting.is_empty() {
                let size = self.waiting.len().min(BATCH);
                let batch: Vec<_> = self.waiting.drain(..size).collect();
                let ahead_ms = self.presence.ahead_ms();
                answers.push_back(send(&self.context, &connection, &batch, ahead_ms));
                in_flight.push_back(batch);
            }
            tokio::select! {
                biased;
                Some(answer) = answers.next() => {
                    let batch = in_flight.pop_front().unwrap_or_default();
                    if let Err((trouble, unanswered)) = settle(batch, answer, &self.status) {
                        in_flight.push_front(unanswered);
                        break Some(trouble);
                    }
                }
                trouble = presence.as_mut() => break Some(trouble),
                count = self.queue.recv_many(&mut asked, BATCH), if in_flight.len() < DEPTH => {
                    if count == 0 {
                        break None;
                    }
                    self.waiting.extend(asked.drain(..));
                }
            }
        };
        for batch in in_flight.into_iter().rev() {
            for queued in batch.into_iter().rev() {
                self.waiting.push_front(queued);
            }
        }
        trouble
    }
}

/// Sends a batch as soon as the returned future is first polled; they are in order.
fn send(
    context: &Context,
    connection: &Connection,
    batch: &[Queued],
    ahead_ms: i64,
) -> Pin<Box<dyn Future<Output = Answers> + Send>> {
    let mut pipeline = redis::Pipeline::with_capacity(batch.len());
    for queued in batch {
        pipeline.add_command(queued.call(context, connection, ahead_ms));
    }
    let mut connection = connection.clone();
    Box::pin(async move { connection.all(&pipeline).await })
}

/// Answers the requests of a batch. Returns those that must be sent again on another connection.
fn settle(
    batch: Vec<Queued>,
    answers: Answers,
    status: &Status,
) -> Result<(), (RedisError, Vec<Queued>)> {
    let answers = match answers {
        Ok(answers) => answers,
        Err(trouble) => return Err((trouble, batch)),
    };
    let mut again = Vec::new();
    let mut lost = None;
    for (queued, answer) in batch.into_iter().zip(answers) {
        match answer {
            Err(trouble) if trouble.ends_connection() => {
                again.push(queued);
                lost = Some(trouble);
            }
            answer => {
                if matches!(answer, Err(RedisError::Full)) {
                    status.set_full(true);
                }
                queued.settle(answer);
            }
        }
    }
    lost.map_or(Ok(()), |trouble| Err((trouble, again)))
}

async fn keep_connecting(redis: &Redis, presence: &Presence) -> Connection {
    let mut backoff = Backoff::new();
    let mut said = String::new();
    loop {
        let begun = async {
            let mut connection = redis.connect(ANSWER_TIMEOUT).await?;
            presence.begin(&mut connection).await?;
            Ok::<_, RedisError>(connection)
        };
        match begun.await {
            Ok(connection) => return connection,
            Err(trouble) => {
                let trouble = trouble.to_string();
                if trouble != said {
                    tracing::warn!("no connection to Redis at {redis}: {trouble}");
                    said = trouble;
                }
            }
        }
        backoff.pause().await;
    }
}

/// Receives requests and fails them when they are overdue. Ends when the last sender is dropped.
async fn refuse_overdue(queue: &mut UnboundedReceiver<Queued>, waiting: &mut VecDeque<Queued>) {
    loop {
        let now = Instant::now();
        while let Some(oldest) = waiting.pop_front_if(|queued| queued.deadline <= now) {
            oldest.give_up();
        }
        let next = waiting.front().map(|queued| queued.deadline);
        let overdue = async {
            match next {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = overdue => {}
            asked = queue.recv() => match asked {
                Some(queued) if queued.is_momentary() => {}
                Some(queued) => waiting.push_back(queued),
                None => return,
            },
        }
    }
}
