//! The standalone binary: configuration, logs, port, then serving until a signal.

use std::io::{self, Write};
use std::process::ExitCode;

use hubbub::config::{Config, ConfigError};
use hubbub::server::{self, Server};
use hubbub::{healthcheck, shutdown, telemetry};

/// Gives memory that is free back to the system, within seconds and in threads of its own. The
/// system's allocator keeps what a burst of connections took.
#[cfg(all(feature = "jemalloc", not(target_env = "msvc")))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The configuration cannot be used (EX_USAGE of sysexits.h).
const EXIT_USAGE: u8 = 64;
/// The configuration is fine, but the server could not start or run.
const EXIT_FAILURE: u8 = 1;

fn main() -> ExitCode {
    let config = match Config::from_command_line() {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    if config.healthcheck {
        return report(healthcheck::ask(&config.listen.host, config.listen.port));
    }
    report(run(config))
}

fn run(config: Config) -> Result<(), String> {
    telemetry::start(config.log_format, &config.log_filter).map_err(|e| e.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the system gives no threads: {error}"))?;
    runtime.block_on(async {
        let stop = shutdown::on_signals()
            .map_err(|error| format!("the system gives no signals: {error}"))?;
        let listener = server::bind(&config.listen).await?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let mut server = Server::new(&config)?;
        if let Some(address) = config.metrics_addr {
            let listener = server::bind_metrics(address)?;
            let address = listener.local_addr().map_err(|error| error.to_string())?;
            tracing::info!("metrics on http://{address}/metrics");
            server.serve_metrics(listener);
        }
        server.wait_for_start().await?;
        // Whoever started us may wait for this line; it must not wait in a buffer. If nobody
        // reads it, that is no reason not to serve.
        if writeln!(io::stdout(), "listening on http://{address}").is_err() {
            tracing::debug!("standard output is closed");
        }
        server.serve(listener, stop).await;
        Ok(())
    })
}

fn refuse(error: &ConfigError) -> ExitCode {
    match error {
        ConfigError::Usage(usage) if !usage.use_stderr() => {
            // Help or version were asked for.
            return if usage.print().is_ok() {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(EXIT_FAILURE)
            };
        }
        ConfigError::Usage(usage) => say(&usage.to_string()),
        ConfigError::Mistakes(mistakes) => {
            say(&format!("{mistakes}\nhubbub --help lists all settings"))
        }
    }
    ExitCode::from(EXIT_USAGE)
}

fn report(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("hubbub: {error}"));
            ExitCode::from(EXIT_FAILURE)
        }
    }
}

/// To standard error. Where even that is closed, the exit code must do.
fn say(text: &str) {
    let _unheard = writeln!(io::stderr(), "{}", text.trim_end());
}
