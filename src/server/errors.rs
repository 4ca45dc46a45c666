//! Why a server cannot be built, or its port cannot be opened.

use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::config::ConfigErrors;
use crate::domain::WordFilterError;
use crate::http::assets::FolderError;
use crate::room::StoreError;

/// Why a server cannot be built or started.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Settings have values that cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The web client's folder cannot be served.
    #[error("WEB_DIR: {0}")]
    WebDir(#[from] FolderError),
    /// The word filter cannot be read.
    #[error("WORD_FILTER: {0}")]
    WordFilter(#[from] FilterFileError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a file with a word filter cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FilterFileError {
    /// It cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system answered.
        source: io::Error,
    },
    /// It is too large.
    #[error("{path} is larger than {max} bytes: use fewer words")]
    TooLarge {
        /// The file.
        path: String,
        /// The bytes it may have.
        max: u64,
    },
    /// A line of it is no rule.
    #[error("{path}, {source}")]
    Rule {
        /// The file.
        path: String,
        /// The line.
        source: WordFilterError,
    },
}

/// Why the program cannot do what it does instead of serving.
#[derive(Debug, thiserror::Error)]
pub enum RunToolError {
    /// The rooms in DATA_DIR cannot be worked on.
    #[cfg(feature = "disk")]
    #[error(transparent)]
    Disk(#[from] crate::store::disk::tools::ToolError),
    /// There can be no rooms in DATA_DIR.
    #[cfg(not(feature = "disk"))]
    #[error("this program was built without the feature `disk`; build it with that")]
    NotBuiltIn,
    /// It is asked of a running server, so it is not work for this one.
    #[error("this asks a running server: `hubbub::cli` does it")]
    Remote,
    /// The result cannot be written.
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
}

/// Why a port cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The host name is unknown.
    #[error("HOST: {host:?} is no address of this machine ({source}); try 0.0.0.0 or 127.0.0.1")]
    UnknownHost {
        /// The name.
        host: String,
        /// What the resolver answered.
        source: io::Error,
    },
    /// The host name has no address.
    #[error("HOST: {host:?} is no address of this machine (it has none); try 0.0.0.0 or 127.0.0.1")]
    NoAddress {
        /// The name.
        host: String,
    },
    /// Another program has the port.
    #[error(
        "port {port} on {host} is taken: stop the program that has it, or {remedy} (0 takes a free \
         one)"
    )]
    Taken {
        /// The address.
        host: IpAddr,
        /// The port.
        port: u16,
        /// The setting to change.
        remedy: &'static str,
    },
    /// The address belongs to another machine.
    #[error(
        "{host} is no address of this machine: choose another, like 0.0.0.0 or 127.0.0.1, with \
         HOST, --host or METRICS_ADDR"
    )]
    NotOurs {
        /// The address.
        host: IpAddr,
    },
    /// This user may not have the port.
    #[error("the system does not let this user have port {port}: {remedy}, one above 1023")]
    Denied {
        /// The port.
        port: u16,
        /// The setting to change.
        remedy: &'static str,
    },
    /// Something else failed.
    #[error("could not listen on {address}: {source}")]
    Other {
        /// The address and the port.
        address: SocketAddr,
        /// What the system answered.
        source: io::Error,
    },
}

impl BindError {
    pub(super) fn of(address: SocketAddr, source: io::Error, remedy: &'static str) -> Self {
        use io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied};
        let (host, port) = (address.ip(), address.port());
        match source.kind() {
            AddrInUse => Self::Taken { host, port, remedy },
            AddrNotAvailable => Self::NotOurs { host },
            PermissionDenied => Self::Denied { port, remedy },
            _ => Self::Other { address, source },
        }
    }
}
