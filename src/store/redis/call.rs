//! How the scripts are called.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use redis::Cmd;

use super::connection::Connection;
use super::entry;
use super::message::{Joining, Message};
use super::scripts::Script;
use super::settings::Settings;
use crate::clock;
use crate::domain::{Skeleton, Username};
use crate::random;
use crate::room::reactions::{EMOJI_MAX, REACTIONS_MAX};
use crate::room::{LogPosition, NodeId, Reactor};

/// What the calls of one node have in common.
#[derive(Debug)]
pub struct Context {
    /// The node.
    pub node: NodeId,
    /// What all keys begin with.
    pub prefix: String,
    /// Members above which joins and leaves are not announced; 0 = always announced.
    pub notice_limit: u64,
    /// Whether a room refuses a name that is confusable with a member's.
    pub unique_names: bool,
    /// What the nodes must agree on, as they publish it.
    pub settings: Settings,
    /// By how much Redis's trusted time is ahead of this process's monotonic clock.
    pub trusted_offset_ms: AtomicI64,
}

impl Context {
    /// The node as keys and entries name it.
    pub fn node_name(&self) -> String {
        node_name(self.node)
    }

    /// The key of a room's log.
    pub fn log_key(&self, room: &str) -> String {
        format!("{}:room:{room}:log", self.prefix)
    }

    /// The key of the reactions to a message.
    pub fn reactions_key(&self, room: &str, id: u64) -> String {
        format!("{}:room:{room}:reactions:{id}", self.prefix)
    }

    /// The key of the stream of states.
    pub fn state_key(&self) -> String {
        format!("{}:state", self.prefix)
    }

    /// The key of the audit log.
    pub fn audit_key(&self) -> String {
        format!("{}:audit", self.prefix)
    }

    /// The key of a node's lease.
    pub fn lease_key(&self) -> String {
        format!("{}:lease:{}", self.prefix, self.node_name())
    }

    /// A call of a script.
    pub fn call(&self, connection: &Connection, script: Script) -> Cmd {
        connection.call(script, &format!("{}:", self.prefix))
    }

    /// A call of a script about a room: the first three arguments of most.
    pub fn call_for(&self, connection: &Connection, script: Script, position: &LogPosition) -> Cmd {
        let mut cmd = self.call(connection, script);
        cmd.arg(position.room.as_str())
            .arg(random::id())
            .arg(position.head);
        cmd
    }

    /// A call that makes a user a member at this node; `how` is as `join.lua` takes it.
    pub fn call_join(
        &self,
        connection: &Connection,
        joining: &Joining,
        deadline_ms: i64,
        how: &str,
    ) -> Cmd {
        let mut cmd = self.call_for(connection, Script::Join, &joining.position);
        cmd.arg(deadline_ms)
            .arg(self.node_name())
            .arg(joining.id.to_string())
            .arg(&*joining.member.user_id)
            .arg(joining.member.username.as_str())
            .arg(self.looks(&joining.member.username))
            .arg(how);
        self.add_caller(&mut cmd, Some(&joining.position));
        cmd
    }

    /// A call that changes the reactions to a message.
    pub fn call_react(&self, connection: &Connection, message: &Message, deadline_ms: i64) -> Cmd {
        let mut cmd = self.call_for(connection, Script::React, &message.position);
        let Some((of, reaction)) = message.reaction() else {
            return cmd;
        };
        cmd.arg(deadline_ms)
            .arg(of)
            .arg(reaction.emoji.as_str())
            .arg(EMOJI_MAX)
            .arg(REACTIONS_MAX);
        self.add_caller(&mut cmd, Some(&message.position));
        for Reactor { member, on } in &reaction.reactors {
            cmd.arg(&*member.user_id)
                .arg(member.username.as_str())
                .arg(u8::from(*on));
        }
        cmd
    }

    /// A call that notes that a message was pinned, or taken down.
    pub fn call_pin(&self, connection: &Connection, message: &Message, deadline_ms: i64) -> Cmd {
        let mut cmd = self.call_for(connection, Script::Pin, &message.position);
        if let Some((of, change)) = message.pin() {
            cmd.arg(deadline_ms)
                .arg(of)
                .arg(entry::kind_of(change))
                .arg(&*message.member.user_id)
                .arg(message.member.username.as_str());
            self.add_caller(&mut cmd, Some(&message.position));
        }
        cmd
    }

    /// The arguments that say what this node knows: the last ones of scripts that append. `position`
    /// is that of the room that the script's first argument names; `None` if it names none.
    pub fn add_caller(&self, cmd: &mut Cmd, position: Option<&LogPosition>) {
        let kept = position.map(|position| position.kept).unwrap_or_default();
        cmd.arg(position.map_or("", |position| &*position.epoch))
            .arg(kept.messages_from)
            .arg(kept.notices_from)
            .arg(self.node_name())
            .arg(self.notice_limit)
            .arg(clock::mono_ms().saturating_add(self.trusted_offset_ms.load(Ordering::Relaxed)));
    }

    /// What a name looks like, where names are unique: one a line.
    pub fn looks(&self, username: &Username) -> String {
        if !self.unique_names || *username == Username::anonymous() {
            return String::new();
        }
        let looks = Skeleton::of(username.as_str());
        looks.forms().join("\n")
    }
}

/// A node as keys and entries name it.
pub fn node_name(node: NodeId) -> String {
    format!("{node:x}")
}

/// Whole milliseconds, as scripts count time.
pub fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
