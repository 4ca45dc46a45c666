//! The program's work on the rooms in DATA_DIR: `hubbub backup`, `export`, `import`, `erase`, `check`.

use std::io;

use crate::config::{Config, Tool};
use crate::store::disk::tools::{self, ToolError};

/// Does the work that the command line asks for.
///
/// # Errors
/// [`ToolError`].
pub fn run(config: &Config, tool: &Tool) -> Result<(), ToolError> {
    // Without a folder the configuration is refused.
    let folder = config
        .data_dir
        .as_deref()
        .unwrap_or(std::path::Path::new("."));
    let mut out = io::stdout().lock();
    match tool {
        Tool::Backup { file } => tools::backup(folder, file),
        Tool::Export { room } => tools::export(folder, room, &mut out),
        Tool::Import { file } => tools::import(folder, file),
        Tool::Erase { user } => tools::erase(folder, user),
        Tool::Check => tools::check(folder, &mut out),
    }
}
