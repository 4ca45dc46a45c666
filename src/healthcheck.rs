//! Asks a running server whether it lives, for containers that have no other program to ask with.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// A server that lives answers within this time.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks the server that listens on `host` and `port` on this machine.
///
/// # Errors
/// One line that says what it answered instead.
pub fn ask(host: &str, port: u16) -> Result<(), String> {
    // A server on "any address" is asked on the loopback one.
    let host = if matches!(host, "0.0.0.0" | "::") {
        "127.0.0.1"
    } else {
        host
    };
    match status_line(host, port) {
        Ok(line) if line.starts_with("HTTP/1.1 200 ") => Ok(()),
        Ok(line) => Err(format!("{host}:{port}/livez answered {line:?}")),
        Err(error) => Err(format!("{host}:{port}/livez: {error}")),
    }
}

fn status_line(host: &str, port: u16) -> io::Result<String> {
    let address = (host, port)
        .to_socket_addrs()?
        .next()
        .ok_or(io::ErrorKind::AddrNotAvailable)?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /livez HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.take(4096).read_to_string(&mut answer)?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}
