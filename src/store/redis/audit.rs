//! Reading the audit log. It is read rarely, so over a connection of its own.

use super::ANSWER_TIMEOUT;
use super::call::Context;
use super::connection::{Redis, RedisResult};
use super::entry::Raw;
use super::streams::parse_entries;
use crate::decisions::{AuditLine, AuditPage};
use crate::domain::RequestError;

/// A page of the audit log.
///
/// # Errors
/// `unavailable` if Redis does not answer in time.
pub async fn read(
    redis: &Redis,
    context: &Context,
    before: Option<u64>,
    max: usize,
) -> Result<AuditPage, RequestError> {
    match page(redis, context, before, max).await {
        Ok(page) => Ok(page),
        Err(trouble) => {
            tracing::warn!("the audit log cannot be read: {trouble}");
            Err(RequestError::unavailable())
        }
    }
}

async fn page(
    redis: &Redis,
    context: &Context,
    before: Option<u64>,
    max: usize,
) -> RedisResult<AuditPage> {
    let newest = before.map_or_else(|| "+".to_owned(), |before| format!("({before}-0"));
    let mut cmd = redis::cmd("XREVRANGE");
    cmd.arg(context.audit_key()).arg(newest).arg("-");
    cmd.arg("COUNT").arg(max + 1);
    let mut connection = redis.connect(ANSWER_TIMEOUT).await?;
    let entries = parse_entries(connection.one(&cmd).await?)?;
    Ok(AuditPage {
        more: entries.len() > max,
        lines: entries.iter().take(max).filter_map(line).collect(),
    })
}

/// A line; `None` if no node wrote it.
fn line((id, fields): &Raw) -> Option<AuditLine> {
    let id = id.split('-').next()?.parse().ok()?;
    let mut pairs = fields.chunks_exact(2);
    let text = pairs.find(|pair| pair[0] == b"t")?;
    AuditLine::from_json(std::str::from_utf8(&text[1]).ok()?, id)
}
