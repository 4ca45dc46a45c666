//! The standalone binary: configuration, logs, port, then serving until a signal.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use hubbub::config::{Config, ConfigError, Remote, Tool};
use hubbub::server::{self, Server};
use hubbub::{healthcheck, service_manager, shutdown, telemetry};

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
        let alive = healthcheck::ask(&config.listen.host, config.listen.port);
        return report(alive.map_err(Into::into));
    }
    if let Some(remote) = config.tool.as_ref().and_then(Tool::remote) {
        return run_remote(&config, remote);
    }
    if let Some(tool) = &config.tool {
        return report(server::run_tool(&config, tool).map_err(Into::into));
    }
    report(run(config))
}

/// Shown to the operator, so everything that can go wrong is one line.
type Outcome = Result<(), Box<dyn Error>>;

fn run(config: Config) -> Outcome {
    telemetry::start(config.log_format, &config.log_filter)?;
    let passed = service_manager::passed_listener()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot create threads (limit reached?): {error}"))?;
    runtime.block_on(async {
        let stop =
            shutdown::on_signals().map_err(|error| format!("cannot handle signals: {error}"))?;
        let listener = match passed {
            Some(listener) => {
                tracing::info!("serving the socket passed by LISTEN_FDS, not HOST and PORT");
                server::adopt(listener)?
            }
            None => server::bind(&config.listen).await?,
        };
        let address = listener.local_addr()?;
        let mut server = Server::new(&config)?;
        server.report_panics();
        if let Some(reload) = server.reloader() {
            shutdown::on_hangup(reload)
                .map_err(|error| format!("cannot handle signals: {error}"))?;
        }
        server.on_drain(service_manager::notify_stopping);
        if let Some(address) = config.metrics_addr {
            let listener = server::bind_metrics(address)?;
            let address = listener.local_addr()?;
            tracing::info!("metrics on http://{address}/metrics");
            server.serve_metrics(listener);
        }
        server.wait_for_start().await?;
        // The parent process may wait for this line, so it must not stay in a buffer. The server
        // serves even if standard output is closed.
        if writeln!(io::stdout(), "listening on http://{address}").is_err() {
            tracing::debug!("standard output is closed");
        }
        let ready = server.ready();
        tokio::spawn(async move {
            ready.await;
            service_manager::notify_ready();
        });
        Ok(server.serve(listener, stop).await?)
    })
}

#[cfg(feature = "cli")]
fn run_remote(config: &Config, remote: Remote<'_>) -> ExitCode {
    match hubbub::cli::run(config, remote) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("hubbub: {error}"));
            ExitCode::from(error.exit_code())
        }
    }
}

#[cfg(not(feature = "cli"))]
fn run_remote(_: &Config, _: Remote<'_>) -> ExitCode {
    report(Err(
        "this program was built without the feature `cli`; build it with that".into(),
    ))
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
        ConfigError::Settings(errors) => {
            say(&format!("{errors}\nhubbub --help lists all settings"))
        }
    }
    ExitCode::from(EXIT_USAGE)
}

fn report(result: Outcome) -> ExitCode {
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
