//! Streams in Redis's answers.

use redis::Value;

use super::connection::{RedisResult, read};
use super::entry::Raw;

/// An answer of XREAD: streams by key, each with its entries.
///
/// # Errors
/// [`RedisError`](super::connection::RedisError).
pub fn parse_streams(value: Value) -> RedisResult<Vec<(String, Vec<Raw>)>> {
    let stream = |(key, entries): (Value, Value)| Ok((read(key)?, parse_entries(entries)?));
    match value {
        Value::Nil => Ok(Vec::new()),
        Value::Map(streams) => streams.into_iter().map(stream).collect(),
        streams => {
            let streams: Vec<Value> = read(streams)?;
            streams.into_iter().map(|s| stream(read(s)?)).collect()
        }
    }
}

/// Entries of one stream.
///
/// # Errors
/// [`RedisError`](super::connection::RedisError).
pub fn parse_entries(value: Value) -> RedisResult<Vec<Raw>> {
    let entries: Vec<Value> = read(value)?;
    let parse = |entry| {
        let (id, fields): (String, Value) = read(entry)?;
        Ok((id, read(fields)?))
    };
    entries.into_iter().map(parse).collect()
}
