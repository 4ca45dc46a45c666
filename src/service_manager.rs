//! What a service manager like systemd and this process say to each other: a listening socket that it
//! passes ([`passed_listener`]), and notifications of readiness. Without one, nothing happens here.

use std::net::TcpListener;

/// Why a socket that was passed cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PassedSocketError {
    /// The descriptor is no listening TCP socket.
    #[error(
        "LISTEN_FDS: descriptor {FIRST_DESCRIPTOR}, which the service manager passed, is no \
         listening TCP socket ({reason}): give ListenStream= with a port in the .socket unit, or unset \
         LISTEN_FDS to bind HOST and PORT"
    )]
    NotListening {
        /// What it is instead.
        reason: String,
    },
    /// There are several.
    #[error(
        "LISTEN_FDS: the service manager passed {count} sockets, and only one can be used: leave one \
         ListenStream= in the .socket unit (one with a port alone serves IPv4 and IPv6)"
    )]
    Several {
        /// How many.
        count: usize,
    },
}

/// The first descriptor that is passed (`SD_LISTEN_FDS_START`).
const FIRST_DESCRIPTOR: u8 = 3;

/// Takes the listening socket that the service manager has passed by `LISTEN_FDS`, if it has. Must be
/// called before there are threads, because it removes variables from the environment.
///
/// # Errors
/// [`PassedSocketError`], whose text names the remedy.
#[cfg(unix)]
pub fn passed_listener() -> Result<Option<TcpListener>, PassedSocketError> {
    let not_listening = |reason: String| PassedSocketError::NotListening { reason };
    let mut passed = listenfd::ListenFd::from_env();
    if passed.len() > 1 {
        let count = passed.len();
        return Err(PassedSocketError::Several { count });
    }
    let listener = passed
        .take_tcp_listener(0)
        .map_err(|error| not_listening(error.to_string()))?;
    let Some(listener) = listener else {
        return Ok(None);
    };
    match socket2::SockRef::from(&listener).is_listener() {
        Ok(true) => {}
        Ok(false) => return Err(not_listening("it does not listen".to_owned())),
        Err(error) => return Err(not_listening(error.to_string())),
    }
    Ok(Some(listener))
}

/// Takes the listening socket that the service manager has passed: none, on this system.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub const fn passed_listener() -> Result<Option<TcpListener>, PassedSocketError> {
    Ok(None)
}

/// Notifies the service manager, if `NOTIFY_SOCKET` names one, that this process serves.
pub fn notify_ready() {
    #[cfg(unix)]
    notify(sd_notify::NotifyState::Ready);
}

/// Notifies the service manager that this process drains and will end.
pub fn notify_stopping() {
    #[cfg(unix)]
    notify(sd_notify::NotifyState::Stopping);
}

#[cfg(unix)]
fn notify(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "could not notify the service manager (NOTIFY_SOCKET)");
    }
}
