//! WORD_FILTER: reading the file, and reading it again.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::FilterFileError;
use crate::domain::WordFilter;
use crate::moderation::Moderation;

/// Bytes of the largest file.
const FILE_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// Puts the filter in the file in force.
pub(super) fn load(path: &Path, moderation: &Moderation) -> Result<(), FilterFileError> {
    let filter = read(path)?;
    tracing::info!(path = %path.display(), rules = filter.count(), "word filter");
    moderation.set_filter(filter);
    Ok(())
}

fn read(path: &Path) -> Result<WordFilter, FilterFileError> {
    let shown = || path.display().to_string();
    let unreadable = |source| FilterFileError::Unreadable {
        path: shown(),
        source,
    };
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable)?;
    let bytes = file
        .take(FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if bytes as u64 > FILE_BYTES_MAX {
        return Err(FilterFileError::TooLarge {
            path: shown(),
            max: FILE_BYTES_MAX,
        });
    }
    WordFilter::parse(&text).map_err(|source| FilterFileError::Rule {
        path: shown(),
        source,
    })
}

/// Reads the file again whenever it is called. A file that cannot be used changes nothing.
pub(super) fn reloader(path: PathBuf, moderation: Arc<Moderation>) -> impl Fn() + Send + 'static {
    move || {
        if let Err(error) = load(&path, &moderation) {
            tracing::error!("WORD_FILTER: {error}; the filter before stays in force");
        }
    }
}
