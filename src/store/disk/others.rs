//! Other programs that write to the database: the tools, or an operator with `sqlite3`.

use rusqlite::Connection;

/// Notices that another connection has written.
#[derive(Debug)]
pub struct Others {
    version: i64,
}

impl Others {
    /// From now on.
    ///
    /// # Errors
    /// What SQLite answers.
    pub fn new(db: &Connection) -> rusqlite::Result<Self> {
        let version = version(db)?;
        Ok(Self { version })
    }

    /// Whether another connection has written since the last time this was true.
    ///
    /// # Errors
    /// What SQLite answers.
    pub fn have_written(&mut self, db: &Connection) -> rusqlite::Result<bool> {
        let version = version(db)?;
        let before = std::mem::replace(&mut self.version, version);
        Ok(version != before)
    }
}

/// Changes with what others commit, and not with what is committed here
/// (<https://www.sqlite.org/pragma.html#pragma_data_version>).
fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.prepare_cached("PRAGMA data_version")?
        .query_row([], |row| row.get(0))
}
