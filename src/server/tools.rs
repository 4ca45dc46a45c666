//! What the program does instead of serving: `hubbub backup`, `export`, `import`, `erase`, `check` and
//! `token`.

use std::io::{self, Write};

use super::errors::RunToolError;
use super::token;
use crate::config::{Config, Tool};
#[cfg(feature = "disk")]
use crate::store::disk::tools;

/// Does the work that the command line asks for.
///
/// # Errors
/// [`RunToolError`].
pub fn run(config: &Config, tool: &Tool) -> Result<(), RunToolError> {
    let mut out = io::stdout().lock();
    match tool {
        Tool::Token(args) => match &args.request {
            Some(request) => token::make(config, request, &mut out),
            None => Err(RunToolError::Remote),
        },
        rooms => on_rooms(config, rooms, &mut out),
    }
}

#[cfg(feature = "disk")]
fn on_rooms(config: &Config, tool: &Tool, out: &mut dyn Write) -> Result<(), RunToolError> {
    // Without a folder the configuration is refused.
    let folder = config
        .data_dir
        .as_deref()
        .unwrap_or(std::path::Path::new("."));
    match tool {
        Tool::Backup { file } => tools::backup(folder, file)?,
        Tool::Export { room, log } => tools::export(folder, room, *log, out)?,
        Tool::Import { file } => tools::import(folder, file)?,
        Tool::Erase { user } => tools::erase(folder, user)?,
        Tool::Check => tools::check(folder, out)?,
        Tool::Token(_) | Tool::Ctl(_) | Tool::Doctor(_) => return Err(RunToolError::Remote),
    }
    Ok(())
}

#[cfg(not(feature = "disk"))]
fn on_rooms(_: &Config, _: &Tool, _: &mut dyn Write) -> Result<(), RunToolError> {
    Err(RunToolError::NotBuiltIn)
}
