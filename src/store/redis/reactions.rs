//! Who has reacted to messages, read for a log as a whole. What changes meanwhile comes again with the
//! entries after it, and changes nothing then.

use std::collections::{BTreeSet, HashMap};

use super::call::Context;
use super::connection::{Connection, RedisResult, read as read_value};
use super::entry;
use crate::room::{Content, Reactions, Record, Room};

/// Messages whose reactions are read in one call.
const MESSAGES: usize = 100;

/// The reactions to the messages of a log, which has an entry for each of them. Read it after the log.
///
/// # Errors
/// [`RedisError`](super::connection::RedisError).
pub async fn read(
    context: &Context,
    connection: &mut Connection,
    room: &Room,
    log: &[Record],
) -> RedisResult<Vec<(u64, Reactions)>> {
    let messages: BTreeSet<u64> = log.iter().filter_map(message_of).collect();
    let messages: Vec<u64> = messages.into_iter().collect();
    let mut found = Vec::new();
    for some in messages.chunks(MESSAGES) {
        let mut ask = redis::pipe();
        for id in some {
            let key = context.reactions_key(room.name().as_str(), *id);
            ask.cmd("HGETALL").arg(key);
        }
        let answers = connection.all(&ask).await?;
        for (id, answer) in some.iter().zip(answers) {
            let hash: HashMap<String, String> = read_value(answer?)?;
            found.push((*id, entry::parse_reactions(&hash)));
        }
    }
    Ok(found)
}

/// The message that a record is a reaction to.
fn message_of(record: &Record) -> Option<u64> {
    match &record.content {
        Content::Changed { of, change } => change.reaction().map(|_| *of),
        _ => None,
    }
}
