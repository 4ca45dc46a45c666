//! The limit of open files. Every connection is one.

/// Raises the limit as far as this process may, and returns it; `None` if none is known.
///
/// Systems start processes with as few as 1,024, for the sake of programs that cannot take more.
#[cfg(unix)]
#[must_use]
pub fn raise_limit() -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
    let current = getrlimit(Resource::Nofile).current?;
    Some(usize::try_from(current).unwrap_or(usize::MAX))
}

/// Raises the limit as far as this process may, and returns it; `None` if none is known.
#[cfg(not(unix))]
#[must_use]
pub const fn raise_limit() -> Option<usize> {
    None
}
