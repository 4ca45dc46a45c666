//! Reads all streams with one blocking call, and feeds the replicas in the order that Redis has.
//!
//! Nothing is missed without being noticed: a log's ids and the state's versions have no holes, and
//! every few seconds what Redis has is compared with what was read. If they differ, the whole log
//! or state is read again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{Cmd, Value};

use super::call::Context;
use super::connection::{Backoff, Connection, Redis, RedisError, RedisResult, read};
use super::entry::{self, Change, ChangeKind, Raw, StateEntry};
use super::opened::{Opened, opened};
use super::reactions;
use super::scripts::Script;
use super::status::{Status, Way};
use super::streams::{parse_entries, parse_streams};
use crate::decisions::Decision;
use crate::domain::RoomName;
use crate::room::{Applied, Member, MemberId, Room, Rooms, UserId};

/// Longest time that a read waits for something new.
const BLOCK: Duration = Duration::from_millis(500);
/// How long an answer may take beyond that. Shorter than what sessions wait for, so that readiness is
/// red before any request fails.
const ANSWER: Duration = Duration::from_millis(1500);
/// Entries of one stream in one read: more than all nodes together write while a reading
/// waits for its turn at a busy Redis, or readers would never catch up.
const COUNT: usize = 2000;
/// Time between two comparisons.
const CHECK: Duration = Duration::from_secs(2);
/// Entries that are applied before others may use the room.
const CHANGES_MAX: usize = 100;
/// Where a stream begins.
const START: &str = "0-0";

/// A room's stream.
struct Stream {
    room: Arc<Room>,
    key: String,
    /// The stream's last id that was read; `None` before the log was read as a whole.
    position: Option<String>,
}

/// Reads the streams of Redis and applies their entries to the rooms.
pub struct Tail {
    redis: Redis,
    context: Arc<Context>,
    rooms: Arc<Rooms>,
    status: Arc<Status>,
    streams: Vec<Stream>,
    state_key: String,
    state_position: Option<String>,
    state_version: u64,
    /// A user who has just left another node by joining at this one. The join is the next entry, and the
    /// user must not be missing in between.
    taken_over: Option<(RoomName, UserId)>,
}

impl Tail {
    /// A tail that has read nothing.
    pub fn new(
        redis: Redis,
        context: Arc<Context>,
        rooms: Arc<Rooms>,
        status: Arc<Status>,
    ) -> Self {
        let stream = |room: &Arc<Room>| Stream {
            room: Arc::clone(room),
            key: context.log_key(room.name().as_str()),
            position: None,
        };
        let streams = rooms.all().map(stream).collect();
        Self {
            redis,
            state_key: context.state_key(),
            context,
            rooms,
            status,
            streams,
            state_position: None,
            state_version: 0,
            taken_over: None,
        }
    }

    /// Reads for as long as it is polled.
    pub async fn run(mut self) {
        let mut backoff = Backoff::new();
        loop {
            let trouble = match self.redis.connect(BLOCK + ANSWER).await {
                Ok(mut connection) => {
                    backoff = Backoff::new();
                    self.follow(&mut connection).await
                }
                Err(trouble) => trouble,
            };
            self.status.set(Way::Tail, false);
            match trouble {
                RedisError::Unexpected(_) => tracing::error!("cannot read from Redis: {trouble}"),
                _ => tracing::debug!("reading from Redis ended: {trouble}"),
            }
            backoff.pause().await;
        }
    }

    async fn follow(&mut self, connection: &mut Connection) -> RedisError {
        let mut next_check = Instant::now();
        // Redis may be another than before, with an older state that has gone on since.
        self.state_position = None;
        loop {
            let result = async {
                if Instant::now() >= next_check {
                    next_check = Instant::now() + CHECK;
                    self.check(connection).await?;
                    self.status.set(Way::Tail, true);
                }
                self.read(connection, Some(BLOCK)).await
            };
            if let Err(trouble) = result.await {
                return trouble;
            }
        }
    }

    /// Compares what Redis has with what was read, and reads again what differs.
    async fn check(&mut self, connection: &mut Connection) -> RedisResult {
        let mut ask = redis::pipe();
        for stream in &self.streams {
            ask.add_command(self.call_open(connection, &stream.room));
        }
        ask.cmd("GET").arg(format!("{}:version", self.state_key));
        let mut answers = connection.all(&ask).await?.into_iter();
        let mut heads = Vec::new();
        for (stream, answer) in self.streams.iter().zip(&mut answers) {
            heads.push(opened(&stream.room, answer?)?);
        }
        let version = answers.next().transpose()?.map(read::<Option<u64>>);
        let version = version.transpose()?.flatten().unwrap_or_default();
        let has_gone_back = version < self.state_version;
        if self.state_position.is_some() {
            // What was written until now may just not have been read yet.
            while self.read(connection, None).await? {}
        }
        for (index, opened) in heads.iter().enumerate() {
            let stream = &self.streams[index];
            let known = stream.room.position();
            let fits = known.epoch == opened.epoch && known.head >= opened.head;
            if stream.position.is_none() || !fits {
                self.restore(connection, index).await?;
            }
        }
        if self.state_position.is_none() || has_gone_back || self.state_version < version {
            self.restore_state(connection).await?;
        }
        Ok(())
    }

    /// Reads what is new; with `block`, waits for it. False where there was nothing.
    async fn read(
        &mut self,
        connection: &mut Connection,
        block: Option<Duration>,
    ) -> RedisResult<bool> {
        let mut cmd = redis::cmd("XREAD");
        cmd.arg("COUNT").arg(COUNT);
        if let Some(block) = block {
            cmd.arg("BLOCK").arg(super::call::millis(block));
        }
        cmd.arg("STREAMS");
        for stream in &self.streams {
            cmd.arg(&stream.key);
        }
        cmd.arg(&self.state_key);
        let start = |position: &Option<String>| position.clone().unwrap_or_else(|| START.into());
        for stream in &self.streams {
            cmd.arg(start(&stream.position));
        }
        cmd.arg(start(&self.state_position));
        let news = parse_streams(connection.one(&cmd).await?)?;
        let any = !news.is_empty();
        for (key, entries) in news {
            if key == self.state_key {
                self.take_changes(connection, &entries).await?;
            } else if let Some(index) = self.streams.iter().position(|s| s.key == key) {
                self.take_entries(connection, index, &entries).await?;
            }
        }
        Ok(any)
    }

    async fn take_entries(
        &mut self,
        connection: &mut Connection,
        index: usize,
        entries: &[Raw],
    ) -> RedisResult {
        let metrics = &self.status.metrics;
        let stream = &mut self.streams[index];
        let mut out_of_sequence = false;
        if let Some((last, _)) = entries.last() {
            stream.position = Some(last.clone());
        }
        'all: for batch in entries.chunks(CHANGES_MAX) {
            let records = batch.iter().map(entry::parse_log).collect::<Vec<_>>();
            let mut changes = stream.room.changes();
            for record in records {
                match record.map(|record| changes.apply(&record)) {
                    Ok(Applied::Appended) => {}
                    Ok(Applied::Duplicate) => metrics.skip_entry("old"),
                    Ok(Applied::OutOfSequence) => {
                        out_of_sequence = true;
                        break 'all;
                    }
                    Err(error) => metrics.skip_entry(error.0),
                }
            }
        }
        if out_of_sequence {
            self.restore(connection, index).await?;
        }
        Ok(())
    }

    /// Reads the whole log again.
    async fn restore(&mut self, connection: &mut Connection, index: usize) -> RedisResult {
        let room = Arc::clone(&self.streams[index].room);
        let opened = self.open(connection, &room).await?;
        let metrics = &self.status.metrics;
        let mut restoring = room.restore(opened.epoch, opened.head, opened.floor);
        let mut records = Vec::new();
        // Messages that have changed: the stream has them with the change, further down.
        let mut originals = BTreeMap::new();
        let mut from = "-".to_owned();
        loop {
            let mut cmd = redis::cmd("XRANGE");
            cmd.arg(&self.streams[index].key)
                .arg(&from)
                .arg(&opened.position);
            cmd.arg("COUNT").arg(COUNT);
            let page = parse_entries(connection.one(&cmd).await?)?;
            let Some((last, _)) = page.last() else { break };
            from = format!("({last}");
            for raw in &page {
                match entry::parse_log(raw) {
                    Ok(record) => {
                        if let Some(original) = entry::parse_original(raw, &record) {
                            originals.insert(original.id, original);
                        }
                        records.push(record);
                    }
                    Err(error) => metrics.skip_entry(error.0),
                }
            }
        }
        let reactions = reactions::read(&self.context, connection, &room, &records).await?;
        for record in records {
            while let Some(original) = originals.first_entry()
                && *original.key() < record.id
            {
                let original = original.remove();
                if !restoring.add(&original) {
                    metrics.skip_entry("astray");
                }
            }
            if !restoring.add(&record) {
                metrics.skip_entry("astray");
            }
        }
        for (id, reactions) in reactions {
            restoring.set_reactions(id, reactions);
        }
        restoring.finish(opened.newest_message);
        metrics.cluster_reloads.inc();
        self.streams[index].position = Some(opened.position);
        Ok(())
    }

    async fn open(&self, connection: &mut Connection, room: &Room) -> RedisResult<Opened> {
        let answer = connection.one(&self.call_open(connection, room)).await?;
        opened(room, answer)
    }

    fn call_open(&self, connection: &Connection, room: &Room) -> Cmd {
        self.context
            .call_for(connection, Script::Open, &room.position())
    }

    async fn take_changes(&mut self, connection: &mut Connection, entries: &[Raw]) -> RedisResult {
        for raw in entries {
            self.state_position = Some(raw.0.clone());
            match entry::parse_state(raw) {
                Err(error) => self.status.metrics.skip_entry(error.0),
                Ok(entry) if entry.version().checked_sub(1) == Some(self.state_version) => {
                    self.state_version = entry.version();
                    match entry {
                        StateEntry::Member(change) => self.apply(change),
                        StateEntry::Decided { key, decision, .. } => {
                            self.rooms.decisions().apply(key, decision);
                        }
                    }
                }
                Ok(entry) if entry.version() <= self.state_version => {
                    self.status.metrics.skip_entry("old");
                }
                // Some were trimmed before they were read, or all was lost.
                Ok(_) => return self.restore_state(connection).await,
            }
        }
        Ok(())
    }

    fn apply(&mut self, change: Change) {
        let taken_over = self.taken_over.take();
        let Some(room) = self.rooms.get(&change.room) else {
            // A room that other nodes have and this one has not.
            return;
        };
        let by_this_node = *change.by == *self.context.node_name();
        if change.id.node != self.context.node {
            match change.kind {
                ChangeKind::Is(member) => room.changes().set_remote(change.id, member),
                ChangeKind::Left | ChangeKind::Reaped => {
                    let left = room.changes().end_membership(change.id);
                    let left = left.filter(|_| by_this_node);
                    self.taken_over = left.map(|member| (change.room, member.user_id));
                }
                ChangeKind::Typing(is_typing) => room.set_typing(change.id, is_typing),
            }
            return;
        }
        // Its rooms know what else this node did. If it was reaped, the next beat makes it known again.
        match change.kind {
            ChangeKind::Is(member)
                if taken_over == Some((change.room, Arc::clone(&member.user_id))) =>
            {
                room.changes().confirm_arrival(change.id, member);
            }
            ChangeKind::Left if !by_this_node => {
                let ended = room.changes().end_membership(change.id);
                if let Some(member) = ended {
                    self.rooms.taken_over(&member.user_id);
                }
            }
            _ => {}
        }
    }

    /// Reads the whole state again.
    async fn restore_state(&mut self, connection: &mut Connection) -> RedisResult {
        let cmd = self.context.call(connection, Script::State);
        let (position, version, nodes, decisions): (String, u64, Vec<Value>, Value) =
            connection.one(&cmd).await?;
        let mut rooms: HashMap<RoomName, Vec<(MemberId, Member)>> = HashMap::new();
        // A node's name and its members in turn.
        let members = nodes.into_iter().skip(1).step_by(2);
        for members in members {
            let members: HashMap<String, String> = read(members)?;
            for (id, record) in members {
                match (id.parse(), entry::parse_record(&record)) {
                    (Ok(id), Some((room, member))) => {
                        rooms.entry(room).or_default().push((id, member));
                    }
                    _ => self.status.metrics.skip_entry("record"),
                }
            }
        }
        for room in self.rooms.all() {
            let members = rooms.remove(room.name()).unwrap_or_default();
            room.changes().replace_remote(members);
        }
        self.restore_decisions(read(decisions)?);
        self.state_position = Some(position);
        self.state_version = version;
        self.status.metrics.cluster_reloads.inc();
        Ok(())
    }
}

impl Tail {
    fn restore_decisions(&self, decisions: HashMap<String, String>) {
        let mut all = Vec::new();
        for (key, json) in decisions {
            match (key.parse(), Decision::from_json(&json)) {
                (Ok(key), Some(decision)) => all.push((key, decision)),
                _ => self.status.metrics.skip_entry("decision"),
            }
        }
        self.rooms.decisions().restore(all);
    }
}
