//! Opens ports.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::BindError;
use crate::config::Listen;
use crate::listener;

/// Opens the port a configuration asks for, on the first of the host's addresses that can be used.
///
/// # Errors
/// [`BindError`], whose text names the remedy.
pub async fn bind(listen: &Listen) -> Result<TcpListener, BindError> {
    let addresses = resolve(listen).await?;
    let mut refused = None;
    for address in addresses {
        match listener::open(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => refused = Some((address, error)),
        }
    }
    Err(match refused {
        Some((address, error)) => {
            BindError::of(address, error, "choose another with PORT or --port")
        }
        None => BindError::NoAddress {
            host: listen.host.clone(),
        },
    })
}

/// Serves on a listening socket that was passed to this process, instead of opening a port.
///
/// # Errors
/// The system's.
pub fn adopt(listener: std::net::TcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Opens the port for metrics.
///
/// # Errors
/// [`BindError`], whose text names the remedy.
pub fn bind_metrics(address: SocketAddr) -> Result<TcpListener, BindError> {
    let remedy = "choose another with METRICS_ADDR or --metrics-addr";
    listener::open(address).map_err(|error| BindError::of(address, error, remedy))
}

/// The addresses the host name stands for.
async fn resolve(listen: &Listen) -> Result<Vec<SocketAddr>, BindError> {
    let Listen { host, port } = listen;
    match tokio::net::lookup_host((host.as_str(), *port)).await {
        Ok(addresses) => Ok(addresses.collect()),
        Err(source) => Err(BindError::UnknownHost {
            host: host.clone(),
            source,
        }),
    }
}
