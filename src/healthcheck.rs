//! Asks a running server whether it lives, for containers that have no other program to ask with.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// A server that is alive answers within this time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

/// Why a server does not count as alive.
#[derive(Debug, thiserror::Error)]
pub enum HealthcheckError {
    /// It answered something else than 200.
    #[error("{server}/livez answered {line:?}")]
    Unhealthy {
        /// Its host and port.
        server: String,
        /// The first line of its answer.
        line: String,
    },
    /// It did not answer.
    #[error("{server}/livez: {source}")]
    Unreachable {
        /// Its host and port.
        server: String,
        /// What the system answered.
        source: io::Error,
    },
}

/// Asks the server that listens on `host` and `port` on this machine.
///
/// # Errors
/// [`HealthcheckError`], which says what it answered instead.
pub fn ask(host: &str, port: u16) -> Result<(), HealthcheckError> {
    // A server on "any address" is asked on the loopback one.
    let host = if matches!(host, "0.0.0.0" | "::") {
        "127.0.0.1"
    } else {
        host
    };
    match status_line(host, port) {
        Ok(line) if line.starts_with("HTTP/1.1 200 ") => Ok(()),
        Ok(line) => Err(HealthcheckError::Unhealthy {
            server: format!("{host}:{port}"),
            line,
        }),
        Err(source) => Err(HealthcheckError::Unreachable {
            server: format!("{host}:{port}"),
            source,
        }),
    }
}

fn status_line(host: &str, port: u16) -> io::Result<String> {
    let address = (host, port)
        .to_socket_addrs()?
        .next()
        .ok_or(io::ErrorKind::AddrNotAvailable)?;
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_TIMEOUT)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
    write!(
        stream,
        "GET /livez HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.take(4096).read_to_string(&mut answer)?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}
