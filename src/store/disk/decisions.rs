//! Decisions and the audit log in the file.

use rusqlite::Connection;

use crate::decisions::{AuditLine, AuditPage, Decision, DecisionChange, DecisionKey};

/// Lines of the audit log that are deleted with one change at most.
const OLD_LINES: usize = 64;

/// Writes decisions and their line in the audit log.
///
/// # Errors
/// What SQLite answers.
pub fn write(db: &Connection, change: &DecisionChange) -> rusqlite::Result<()> {
    for (key, decision) in &change.set {
        let key = key.to_string();
        match decision {
            Some(decision) => db
                .prepare_cached("REPLACE INTO decisions (key, value) VALUES (?, ?)")?
                .execute((key, decision.to_json()))?,
            None => db
                .prepare_cached("DELETE FROM decisions WHERE key = ?")?
                .execute([key])?,
        };
    }
    let Some(line) = &change.line else {
        return Ok(());
    };
    db.prepare_cached("INSERT INTO audit (at_ms, line) VALUES (?, ?)")?
        .execute((line.at_ms, line.to_json()))?;
    db.prepare_cached(
        "DELETE FROM audit WHERE id IN (
             SELECT id FROM (SELECT id, at_ms FROM audit ORDER BY id LIMIT ?) WHERE at_ms < ?)",
    )?
    .execute((OLD_LINES, change.audit_from_ms))?;
    Ok(())
}

/// All decisions. One that this program does not know is left alone.
///
/// # Errors
/// What SQLite answers.
pub fn read(db: &Connection) -> rusqlite::Result<Vec<(DecisionKey, Decision)>> {
    let mut select = db.prepare_cached("SELECT key, value FROM decisions")?;
    let mut rows = select.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let (key, value): (String, String) = (row.get(0)?, row.get(1)?);
        match (key.parse(), Decision::from_json(&value)) {
            (Ok(key), Some(decision)) => all.push((key, decision)),
            _ => tracing::warn!(key, "a decision is not understood, and does not count"),
        }
    }
    Ok(all)
}

/// A page of the audit log.
///
/// # Errors
/// What SQLite answers.
pub fn read_audit(db: &Connection, before: Option<u64>, max: usize) -> rusqlite::Result<AuditPage> {
    let mut select =
        db.prepare_cached("SELECT id, line FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?")?;
    let before = before.map_or(i64::MAX, |id| i64::try_from(id).unwrap_or(i64::MAX));
    let mut rows = select.query((before, max + 1))?;
    let mut page = AuditPage::default();
    while let Some(row) = rows.next()? {
        if page.lines.len() == max {
            page.more = true;
            break;
        }
        let (id, line): (i64, String) = (row.get(0)?, row.get(1)?);
        page.lines
            .extend(AuditLine::from_json(&line, id.cast_unsigned()));
    }
    Ok(page)
}
