//! What the program does as a client of a running server: `hubbub ctl`, `hubbub doctor` and `hubbub
//! token revoke`.
//!
//! In reading order: this file, [`error`] and [`connection_error`] (what goes wrong, and what to do),
//! `tls` and `access` (where the server is, and as whom), [`api`] (its calls), `output`, `users` (whom
//! a name means), the commands `ctl` with `moderation`, `tail` with `server_sent`, and `revoke`, then
//! [`doctor`].

pub mod access;
pub mod api;
pub mod connection_error;
mod ctl;
pub mod doctor;
pub mod error;
mod moderation;
pub mod output;
mod revoke;
mod server_sent;
mod tail;
pub mod tls;
mod users;

use tokio::runtime::Builder;

use self::error::CliError;
use crate::config::{Config, Remote};

/// Does what is asked of a running server.
///
/// # Errors
/// [`CliError`], which says what to do and which exit code fits.
pub fn run(config: &Config, remote: Remote<'_>) -> Result<(), CliError> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CliError::System(error.to_string()))?;
    let done = runtime.block_on(async {
        match remote {
            Remote::Ctl(args) => ctl::run(config, args).await,
            Remote::Doctor(args) => doctor::run(config, args).await,
            Remote::Revoke(args) => revoke::run(config, args).await,
        }
    });
    match done {
        Err(error) if error.is_closed_output() => Ok(()),
        done => done,
    }
}
