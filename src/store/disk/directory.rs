//! The folder in DATA_DIR: one process has it at a time, and it holds one database.
//!
//! Beside the database there is a file with the epoch of its logs. Where the two disagree, the database
//! is a copy from another time (a restored backup), and ids that it assigns next may have been assigned
//! before. It gets a new epoch then, and clients learn by it that what they know is of another log.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::error::DiskError;

/// The database.
const DATABASE: &str = "hubbub.db";
/// Held by the process that has the folder.
const LOCK: &str = "lock";
/// The epoch of the database.
const EPOCH: &str = "epoch";
/// Bytes of that file that are read.
const EPOCH_BYTES_MAX: u64 = 128;

/// A folder that this process has for itself, until this is dropped.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Makes the folder if it is not there, and takes it.
    ///
    /// # Errors
    /// [`DiskError`] if it cannot be used, or another process has it.
    pub fn take(path: &Path) -> Result<Self, DiskError> {
        let unusable = |source| DiskError::Folder {
            folder: path.to_owned(),
            source,
        };
        private_folder()
            .recursive(true)
            .create(path)
            .map_err(unusable)?;
        let lock = private_file()
            .truncate(false)
            .open(path.join(LOCK))
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DiskError::InUse {
                    folder: path.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        let directory = Self {
            path: path.to_owned(),
            _lock: lock,
        };
        directory.prepare()?;
        Ok(directory)
    }

    /// Makes an empty database where there never was one.
    fn prepare(&self) -> Result<(), DiskError> {
        let file = self.database();
        let size = fs::metadata(&file).map_or(0, |metadata| metadata.len());
        if size == 0 && self.epoch().is_some() {
            return Err(DiskError::Missing { file });
        }
        private_file()
            .truncate(false)
            .open(&file)
            .map(drop)
            .map_err(|source| DiskError::File { file, source })
    }

    /// The database's file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        database_in(&self.path)
    }

    /// The epoch that was noted last.
    #[must_use]
    pub fn epoch(&self) -> Option<String> {
        let mut epoch = String::new();
        let file = File::open(self.path.join(EPOCH)).ok()?;
        file.take(EPOCH_BYTES_MAX).read_to_string(&mut epoch).ok()?;
        Some(epoch.trim().to_owned())
    }

    /// Notes the epoch of the database.
    ///
    /// # Errors
    /// [`DiskError::File`].
    pub fn note_epoch(&self, epoch: &str) -> Result<(), DiskError> {
        let file = self.path.join(EPOCH);
        let written = || {
            let next = self.path.join("epoch.next");
            let mut file = private_file().truncate(true).open(&next)?;
            file.write_all(epoch.as_bytes())?;
            file.sync_all()?;
            fs::rename(next, self.path.join(EPOCH))?;
            sync_folder(&self.path)
        };
        written().map_err(|source| DiskError::File { file, source })
    }
}

/// The database's file in a folder.
#[must_use]
pub fn database_in(folder: &Path) -> PathBuf {
    folder.join(DATABASE)
}

/// Only its owner may read it: it has the signing key and what people said.
fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn private_folder() -> DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there are no modes"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// So that a file's new name outlasts a loss of power.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(path)?.sync_all()?;
    }
    Ok(())
}
