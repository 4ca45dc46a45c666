//! Logs: structured, to standard error.

use std::io;
use std::sync::Arc;

use tracing_subscriber::EnvFilter;

use crate::metrics::Metrics;

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Starts logging. `filter` is a `RUST_LOG` directive that [`check_filter`] has accepted.
///
/// # Errors
/// Where the process logs already.
pub fn start(
    format: LogFormat,
    filter: &str,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(filter)?)
        .with_writer(io::stderr)
        .with_target(false)
        // A line that cannot be written, on a full disk say, is lost. Told on the same standard error,
        // that would be a panic.
        .log_internal_errors(false);
    match format {
        LogFormat::Text => builder
            .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
            .try_init(),
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_ansi(false)
            .try_init(),
    }
}

/// From now on a panic is counted and logged as one line that says where. Its message is not
/// logged, because it may quote what a user sent.
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
/// What is wrong with it.
pub fn check_filter(filter: &str) -> Result<(), String> {
    EnvFilter::try_new(filter)
        .map(|_| ())
        .map_err(|error| error.to_string())
}
