//! The search index: FTS5 with the tokenizer `trigram`, which needs no words and so works for every
//! script. It says which messages may have the words; the text itself decides. It cannot find fewer than
//! three letters: where all words are so short, the newest messages are read one after the other.

use std::sync::Arc;

use rusqlite::Connection;

use super::messages::{self, COLUMNS};
use super::reactions;
use super::schema::{ID_MAX, key};
use crate::domain::search_query::fold;
use crate::room::{Content, Finder, Found, Range, Record, Room, Search};

/// Letters in an entry of the index.
const LETTERS: usize = 3;
/// Entries that are looked up for one search: a few of them are rare enough.
const LOOKED_UP_MAX: usize = 16;

/// Adds messages of one transaction. In the order of their keys, because the index begins a new part
/// if a key is smaller than the one before.
///
/// # Errors
/// What SQLite answers.
pub fn insert(db: &Connection, mut written: Vec<(i64, Arc<str>)>) -> rusqlite::Result<()> {
    written.sort_unstable_by_key(|(key, _)| *key);
    let mut insert = db.prepare_cached("INSERT INTO search (rowid, text) VALUES (?, ?)")?;
    for (key, text) in written {
        insert.execute((key, fold(&text)))?;
    }
    Ok(())
}

/// Removes a message.
///
/// # Errors
/// What SQLite answers.
pub fn delete(db: &Connection, key: i64) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM search WHERE rowid = ?")?
        .execute([key])
        .map(drop)
}

/// Removes the messages of a room up to an id.
///
/// # Errors
/// What SQLite answers.
pub fn delete_until(db: &Connection, room: i64, id: u64) -> rusqlite::Result<()> {
    // The keys come from the messages, because the index has no ranges of its own to delete.
    db.prepare_cached(
        "DELETE FROM search WHERE rowid IN (SELECT key FROM messages WHERE key > ? AND key <= ?)",
    )?
    .execute((key(room, 0), key(room, id)))
    .map(drop)
}

/// Searches a room, whose number in the database is `number`.
///
/// # Errors
/// What SQLite answers.
pub fn search(
    db: &Connection,
    epoch: &Arc<str>,
    room: &Room,
    number: i64,
    search: &Search,
) -> rusqlite::Result<Found> {
    let mut finder = Finder::new(search);
    let mut look = |record: Record| {
        let Content::Message { text, .. } = &record.content else {
            return true;
        };
        finder.look(record.id, text, || room.entry_of(&record))
    };
    match expression(search) {
        None => {
            let range = Range::before(Some(search.before), 0);
            messages::read(db, epoch, number, range, &mut look)?;
        }
        Some(expression) => {
            let mut select = db.prepare_cached(
                // In this order of the tables, so that it ends with the last message that is looked at.
                &format!(
                    "SELECT {COLUMNS}
                 FROM search CROSS JOIN messages ON messages.key = search.rowid
                 WHERE search MATCH ? AND search.rowid > ? AND search.rowid < ?
                 ORDER BY search.rowid DESC"
                ),
            )?;
            let upto = key(number, search.before.min(ID_MAX));
            let mut rows = select.query((expression, key(number, 0), upto))?;
            while let Some(row) = rows.next()? {
                if let Some(record) = messages::record(row, epoch)?
                    && !look(record)
                {
                    break;
                }
            }
        }
    }
    let mut found = finder.finish();
    for entry in &found.entries {
        let reactions = reactions::read(db, number, entry.id, entry.id)?;
        found.reactions.extend(reactions);
    }
    Ok(found)
}

/// What the index is asked for; `None` if no word is long enough.
fn expression(search: &Search) -> Option<String> {
    let mut wanted: Vec<String> = Vec::new();
    for word in search.query.words() {
        let letters: Vec<char> = word.chars().collect();
        for part in letters.windows(LETTERS) {
            wanted.push(part.iter().collect());
        }
    }
    let step = wanted.len().div_ceil(LOOKED_UP_MAX).max(1);
    let quoted = |part: &String| format!("\"{}\"", part.replace('"', "\"\""));
    let parts: Vec<_> = wanted.iter().step_by(step).map(quoted).collect();
    (!parts.is_empty()).then(|| parts.join(" AND "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SearchQuery;

    fn expression_of(text: &str) -> Option<String> {
        let query = SearchQuery::parse(text).unwrap_or_else(|e| panic!("{e}"));
        expression(&Search {
            query,
            before: u64::MAX,
            max: 1,
        })
    }

    #[test]
    fn the_index_is_asked_for_three_letters_at_a_time_in_quotes() {
        let asked = |text| expression_of(text).unwrap_or_default();
        assert_eq!(asked("Four"), r#""fou" AND "our""#);
        assert_eq!(asked("a\"b"), r#""a""b""#);
        assert_eq!(asked("世界人 no"), r#""世界人""#);
        assert_eq!(expression_of("世界 no ok"), None);
    }

    #[test]
    fn a_long_query_asks_for_a_few_of_its_parts() {
        let long = expression_of(&"abcdefghij".repeat(40)).unwrap_or_default();
        assert!(long.matches(" AND ").count() < LOOKED_UP_MAX, "{long}");
    }
}
