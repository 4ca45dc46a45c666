//! Logs: structured, to standard error.

use std::io;
use std::sync::Arc;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use crate::metrics::Metrics;

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// A `RUST_LOG` directive cannot be understood.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct LogFilterError(#[from] ParseError);

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be used.
    #[error(transparent)]
    Filter(#[from] LogFilterError),
    /// The process logs already.
    #[error(transparent)]
    Started(Box<dyn std::error::Error + Send + Sync>),
}

/// Starts logging. `filter` is a `RUST_LOG` directive that [`check_filter`] has accepted.
///
/// # Errors
/// [`LogError`] if the filter cannot be used or the process logs already.
pub fn start(format: LogFormat, filter: &str) -> Result<(), LogError> {
    let filter = EnvFilter::try_new(filter).map_err(LogFilterError)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_target(false)
        // A line that cannot be written is lost, on a full disk for example. Reporting that on the same
        // standard error would panic.
        .log_internal_errors(false);
    let started = match format {
        LogFormat::Text => builder
            .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
            .try_init(),
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_ansi(false)
            .try_init(),
    };
    started.map_err(LogError::Started)
}

/// Replaces the process's panic hook by one that counts a panic and logs one line that says where.
/// Its message is not logged, because it may quote what a user sent. For the binaries, not for a
/// host that has a hook of its own.
pub fn report_panics(metrics: &Arc<Metrics>) {
    let metrics = Arc::clone(metrics);
    std::panic::set_hook(Box::new(move |panic| {
        metrics.panics.inc();
        let place = panic.location().map(ToString::to_string);
        tracing::error!(
            place = place.as_deref().unwrap_or("unknown"),
            "a task panicked: its connection ends, the others go on"
        );
    }));
}

/// Whether a `RUST_LOG` directive can be understood.
///
/// # Errors
/// [`LogFilterError`] if it cannot.
pub fn check_filter(filter: &str) -> Result<(), LogFilterError> {
    EnvFilter::try_new(filter)?;
    Ok(())
}
