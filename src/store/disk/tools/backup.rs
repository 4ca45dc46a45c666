//! `hubbub backup`: a copy of the database, consistent, compact and without what was deleted.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use rusqlite::Connection;

use super::progress::Progress;
use super::{Database, ToolError};
use crate::store::disk::error::DiskError;

/// Time between two looks at how far the copy is.
const INTERVAL: Duration = Duration::from_millis(100);

/// Copies the database in a folder into a new file. A server that is started with the copy has the same
/// history under a new epoch, because what it assigns next may have been assigned after the copy.
///
/// # Errors
/// [`ToolError`]; there is no new file then.
pub fn backup(folder: &Path, target: &Path) -> Result<(), ToolError> {
    if target.exists() {
        return Err(ToolError::Exists(target.to_owned()));
    }
    let source = Database::read(folder)?;
    // Whole or not at all.
    let partial = PathBuf::from(format!("{}.partial", target.display()));
    let bytes = copy(&source, &partial).and_then(|bytes| {
        fs::rename(&partial, target).map_err(|source| ToolError::File {
            file: target.to_owned(),
            source,
        })?;
        Ok(bytes)
    });
    match bytes {
        Ok(progress) => progress.finish(size(target), "copied"),
        Err(error) => {
            // It may not even have been begun.
            let _gone = fs::remove_file(&partial);
            return Err(error);
        }
    }
    Ok(())
}

fn copy(source: &Database, partial: &Path) -> Result<Progress, ToolError> {
    let unusable = |source| ToolError::File {
        file: partial.to_owned(),
        source,
    };
    let _earlier_attempt = fs::remove_file(partial);
    let progress = Progress::new("bytes", size(&source.file));
    private(partial).map_err(unusable)?;
    let (done, watched) = mpsc::channel::<()>();
    let shown = &progress;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while watched.recv_timeout(INTERVAL) == Err(mpsc::RecvTimeoutError::Timeout) {
                shown.set(size(partial));
            }
        });
        let name = partial.to_string_lossy();
        let copied = source.db.execute("VACUUM INTO ?", [&*name]);
        drop(done);
        copied.map(drop).map_err(source.failed())
    })?;
    let failed = |source| DiskError::of(partial, source);
    let db = Connection::open(partial).map_err(failed)?;
    db.execute("DELETE FROM facts WHERE name = 'epoch'", [])
        .map_err(failed)?;
    db.close().map_err(|(_, source)| failed(source))?;
    let file = fs::File::open(partial).map_err(unusable)?;
    file.sync_all().map_err(unusable)?;
    Ok(progress)
}

/// Makes an empty file that only its owner can read.
fn private(path: &Path) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |metadata| metadata.len())
}
