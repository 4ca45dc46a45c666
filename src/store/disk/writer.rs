//! The writer's thread: everything that waits becomes one transaction, and is applied to the rooms and
//! answered once that is on the disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::batch::{Answer, Batch};
use super::error::DiskError;
use super::ledger::{Ledger, LedgerSettings};
use super::opening::Restored;
use super::others::Others;
use super::queue::{Queued, Receiver, Reply, Request};
use super::retention::Retention;
use crate::decisions::Decisions;
use crate::domain::RequestError;
use crate::metrics::Metrics;
use crate::room::{LogBounds, Room};

/// Requests in one transaction at most: it must not take longer than an answer may.
const BATCH_MAX: usize = 4096;
/// Time between two looks at whether other programs have written, while nothing else is done.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The only one who writes.
#[derive(Debug)]
pub struct Writer {
    pub db: Connection,
    pub file: PathBuf,
    pub epoch: Arc<str>,
    /// In the order of the settings.
    pub rooms: Vec<Arc<Room>>,
    pub decisions: Arc<Decisions>,
    pub ledger: Ledger,
    pub settings: LedgerSettings,
    /// How much of each room's past is in memory.
    pub bounds: LogBounds,
    pub others: Others,
    pub retention: Retention,
    pub queue: Receiver,
    pub metrics: Arc<Metrics>,
    /// Where to say that nothing more can be promised.
    pub failed: Option<oneshot::Sender<DiskError>>,
    /// The file refuses what is written.
    pub is_failing: bool,
    /// Others have written what was not read yet.
    pub is_stale: bool,
    /// Memberships whose end could not be written yet.
    pub unwritten: Vec<Queued>,
}

impl Writer {
    /// Works until the service ends or the file can be trusted no longer.
    pub fn run(mut self) {
        let mut finishing = None;
        while finishing.is_none() {
            let Some(first) = self.next() else {
                break;
            };
            let mut batch = std::mem::take(&mut self.unwritten);
            for queued in first.into_iter().chain(self.queue.waiting()) {
                match queued.request {
                    Request::Finish => finishing = Some(queued.reply),
                    Request::Discard => self.retention.begin(),
                    _ => batch.push(queued),
                }
                if finishing.is_some() || batch.len() >= BATCH_MAX {
                    break;
                }
            }
            self.write(batch);
            if self.failed.is_none() {
                self.refuse_all(finishing);
                return;
            }
            self.discard();
        }
        self.close();
        if let Some(reply) = finishing {
            reply.finish();
        }
    }

    /// What comes next: a request, or nothing where it is time for something else. `None` at the end.
    fn next(&self) -> Option<Option<Queued>> {
        if self.retention.is_under_way() {
            return Some(self.queue.waiting().next());
        }
        self.queue.wait_for(LOOK_INTERVAL).ok()
    }

    /// Writes a batch, applies it and answers it.
    fn write(&mut self, queued: Vec<Queued>) {
        if queued.is_empty() && !self.must_reload() {
            return;
        }
        let now = Instant::now();
        let (mut requests, mut replies) = (Vec::new(), Vec::new());
        for queued in queued {
            if queued.deadline.is_some_and(|deadline| deadline < now) {
                queued.reply.refuse(RequestError::unavailable());
            } else {
                requests.push(queued.request);
                replies.push(queued.reply);
            }
        }
        match self.commit(&requests) {
            Ok(batch) => {
                self.note_success();
                batch.apply(&self.rooms);
                for request in requests {
                    if let Request::Decide(change) = request {
                        self.decisions.apply_all(change.set);
                    }
                }
                for (reply, answer) in replies.into_iter().zip(batch.answers) {
                    send(reply, answer);
                }
            }
            Err(error) => {
                for reply in replies {
                    reply.refuse(RequestError::unavailable());
                }
                self.note_failure(error);
                self.unwritten = requests.into_iter().filter_map(Queued::again).collect();
            }
        }
    }

    /// Decides what becomes of the requests, and writes it. The ledger is as the file if that fails.
    fn commit(&mut self, requests: &[Request]) -> Result<Batch, DiskError> {
        let failed = |source| DiskError::of_write(&self.file, source);
        let change = Transaction::new_unchecked(&self.db, TransactionBehavior::Immediate);
        let change = change.map_err(failed)?;
        if self.others.have_written(&change).map_err(failed)? || self.is_stale {
            self.is_stale = true;
            self.ledger = Restored::read(
                &change,
                &self.file,
                &self.epoch,
                &self.settings,
                self.bounds,
            )?
            .put_logs_into(&self.rooms, &self.decisions, &self.epoch);
            self.is_stale = false;
        } else if self.is_failing {
            self.ledger = Ledger::load(&self.db, &self.file, &self.settings)?;
        }
        let mut batch = Batch::new(&self.epoch, self.settings.node);
        let written = (|| {
            for request in requests {
                batch.decide(&change, &mut self.ledger, &self.rooms, request)?;
            }
            batch.finish(&change, &self.ledger)?;
            change.commit()
        })();
        match written {
            Ok(()) => Ok(batch),
            Err(error) => Err(DiskError::of_write(&self.file, error)),
        }
    }

    /// Whether others have written, so that what is in memory must be read again.
    fn must_reload(&mut self) -> bool {
        // An error shows in the next transaction.
        self.is_stale |= self.others.have_written(&self.db).unwrap_or(false);
        self.is_stale
    }

    fn note_success(&mut self) {
        self.metrics.disk_commits.inc();
        if std::mem::take(&mut self.is_failing) {
            tracing::info!("the disk takes messages again");
        }
    }

    fn note_failure(&mut self, error: DiskError) {
        self.metrics.disk_failures.inc();
        if error.is_final() {
            if let Some(failed) = self.failed.take() {
                tracing::error!("{error}");
                // The server may be ending anyway.
                drop(failed.send(error));
            }
            return;
        }
        if !std::mem::replace(&mut self.is_failing, true) {
            tracing::error!("messages are refused: {error}");
        }
    }

    /// Deletes a few of the messages that are not to be kept.
    fn discard(&mut self) {
        if self.is_failing || !self.retention.is_under_way() {
            return;
        }
        let step = self.retention.step(&self.db, &mut self.ledger, &self.rooms);
        if let Err(error) = step {
            self.retention.pause();
            self.note_failure(DiskError::of_write(&self.file, error));
        }
    }

    /// Answers all that is still asked, once nothing more can be written.
    fn refuse_all(&self, finishing: Option<Reply>) {
        if let Some(reply) = finishing {
            reply.finish();
        }
        while let Ok(next) = self.queue.wait_for(LOOK_INTERVAL) {
            if let Some(queued) = next {
                queued.reply.refuse(RequestError::unavailable());
            }
        }
    }

    fn close(self) {
        let checkpointed = self
            .db
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = checkpointed.and_then(|()| self.db.close().map_err(|(_, error)| error))
        {
            // All of it is in the log beside the file, which the next start reads.
            tracing::warn!("the database was not closed: {error}");
        }
    }
}

fn send(reply: Reply, answer: Answer) {
    match answer {
        Answer::Nothing => {}
        Answer::Message(answer) => reply.message(answer),
        Answer::Join(answer) => reply.join(answer),
        Answer::Done(answer) => reply.done(answer),
    }
}
