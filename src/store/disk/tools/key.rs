//! The signing key that a server keeps with its rooms, for `hubbub token`.

use std::path::Path;

use super::{Database, ToolError};
use crate::store::disk::schema;

/// Reads the key in a folder, also while a server has it.
///
/// # Errors
/// [`ToolError::NoKey`] if there is none; others if the database cannot be read.
pub fn signing_key(folder: &Path) -> Result<Vec<u8>, ToolError> {
    let database = Database::read(folder)?;
    let key = schema::fact(&database.db, "secret_key").map_err(database.failed())?;
    key.ok_or(ToolError::NoKey(database.file))
}
