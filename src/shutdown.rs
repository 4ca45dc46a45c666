//! Signals: SIGTERM and SIGINT ask to stop in order, a second one to stop immediately. SIGHUP asks to
//! read files again.

use std::io;

use tokio_util::sync::CancellationToken;

/// Cancels the returned token at SIGTERM or SIGINT. A second signal ends the process immediately, with
/// the exit code a shell gives to a process that died of it.
///
/// # Errors
/// Where the system does not let us listen for signals.
pub fn on_signals() -> io::Result<CancellationToken> {
    let mut signals = Signals::new()?;
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        let (name, _) = signals.next().await;
        tracing::info!(signal = name, "stopping; a second signal stops immediately");
        stop.cancel();
        let (name, exit_code) = signals.next().await;
        tracing::warn!(signal = name, "stopped immediately");
        std::process::exit(exit_code);
    });
    Ok(token)
}

/// Calls `reload` at each SIGHUP, which would end the process otherwise.
///
/// # Errors
/// Where the system does not let us listen for signals.
#[cfg(unix)]
pub fn on_hangup(reload: impl Fn() + Send + 'static) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangups = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            reload();
        }
    });
    Ok(())
}

/// There is no SIGHUP here.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn on_hangup(_reload: impl Fn() + Send + 'static) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self {
            terminate,
            interrupt,
        })
    }

    async fn next(&mut self) -> (&'static str, i32) {
        tokio::select! {
            _ = self.terminate.recv() => ("SIGTERM", 128 + 15),
            _ = self.interrupt.recv() => ("SIGINT", 128 + 2),
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> (&'static str, i32) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        ("Ctrl-C", 130)
    }
}
