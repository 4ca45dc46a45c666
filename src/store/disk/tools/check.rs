//! `hubbub check`: whether the file is whole, and what is in it.

use std::io::Write;
use std::path::Path;

use super::{Database, ToolError};
use crate::clock;
use crate::store::disk::schema::{self, key};

/// Checks every page and index of the database in a folder, and writes a table of its rooms.
///
/// # Errors
/// [`ToolError::Damaged`] with what was found; others if the file cannot be read.
pub fn check(folder: &Path, out: &mut dyn Write) -> Result<(), ToolError> {
    let database = Database::read(folder)?;
    let problems = problems(&database)?;
    if !problems.is_empty() {
        return Err(ToolError::Damaged {
            file: database.file,
            problems,
        });
    }
    let written = summary(&database).map_err(database.failed())?;
    out.write_all(written.as_bytes())
        .map_err(|source| ToolError::File {
            file: "standard output".into(),
            source,
        })
}

fn problems(database: &Database) -> Result<Vec<String>, ToolError> {
    let failed = database.failed();
    let mut check = database
        .db
        .prepare("PRAGMA integrity_check(10)")
        .map_err(&failed)?;
    let found = check.query_map([], |row| row.get(0)).map_err(&failed)?;
    let found: Vec<String> = found.collect::<Result<_, _>>().map_err(&failed)?;
    Ok(if found == ["ok"] { Vec::new() } else { found })
}

fn summary(database: &Database) -> rusqlite::Result<String> {
    let db = &database.db;
    let size = |suffix: &str| {
        let name = format!("{}{suffix}", database.file.display());
        std::fs::metadata(name).map_or(0, |metadata| metadata.len())
    };
    let format: u32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let epoch: Option<String> = schema::fact(db, "epoch")?;
    let mut text = format!(
        "{}: no fault found\nformat {format}, epoch {}, {} bytes, and {} bytes of changes beside it\n\n",
        database.file.display(),
        epoch.as_deref().unwrap_or("(none: a backup)"),
        size(""),
        size("-wal"),
    );
    text += &format!(
        "{:<24} {:>10} {:>14} {:>10} {:>9}  {:<24}  {}\n",
        "room", "messages", "bytes of text", "newest id", "members", "oldest", "newest"
    );
    let mut rooms = db.prepare("SELECT number, name, head, bytes FROM rooms ORDER BY name")?;
    let mut rows = rooms.query([])?;
    while let Some(row) = rows.next()? {
        let (number, name): (i64, String) = (row.get(0)?, row.get(1)?);
        let (head, bytes): (u64, i64) = (row.get(2)?, row.get(3)?);
        let range = (key(number, 0), key(number + 1, 0));
        let select = "SELECT count(*) FILTER (WHERE of IS NULL), min(at_ms), max(at_ms) FROM messages WHERE key > ? AND key < ?";
        let (count, oldest, newest): (u64, Option<i64>, Option<i64>) =
            db.query_row(select, range, |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
        let members: u64 = db.query_row(
            "SELECT count(*) FROM members WHERE room = ?",
            [number],
            |row| row.get(0),
        )?;
        let at = |ms: Option<i64>| ms.map_or_else(|| "-".to_owned(), clock::rfc3339);
        text += &format!(
            "{name:<24} {count:>10} {bytes:>14} {head:>10} {members:>9}  {:<24}  {}\n",
            at(oldest),
            at(newest)
        );
    }
    Ok(text)
}
