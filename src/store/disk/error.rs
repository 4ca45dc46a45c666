//! Why a folder or its database cannot be used, in words for the operator.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the store on disk cannot be used. Nothing has been changed on disk then.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The folder cannot be made or used.
    #[error(
        "DATA_DIR: {} cannot be used ({source}); give a folder that this user may write to",
        folder.display()
    )]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// Another process has it.
    #[error(
        "DATA_DIR: another process is using {}; stop it, or give each process a folder of its own",
        folder.display()
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// A file in it cannot be used.
    #[error(
        "DATA_DIR: {} cannot be opened for writing ({source}); give this user the right to write it",
        file.display()
    )]
    File {
        /// The file.
        file: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The database is gone although there was one.
    #[error(
        "DATA_DIR: {} is gone or empty, although it was there before; restore it from a backup, or \
         start again with an empty folder",
        file.display()
    )]
    Missing {
        /// The file.
        file: PathBuf,
    },
    /// It is a database, but not one of hubbub's.
    #[error(
        "DATA_DIR: {} belongs to another program; give hubbub a folder of its own",
        file.display()
    )]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// It was written by a later version.
    #[error(
        "DATA_DIR: {} was written by a newer hubbub (format {found}; this one knows {known}); run \
         that version, or restore a backup that is older",
        file.display()
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format of this program.
        known: u32,
    },
    /// It was written by an earlier version, which a server migrates.
    #[error(
        "DATA_DIR: {} was written by an older hubbub (format {found}); start a server with it once",
        file.display()
    )]
    Older {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: u32,
    },
    /// It cannot be read.
    #[error(
        "DATA_DIR: {} is damaged ({source}); nothing was changed. `hubbub check` says \
         more; restore a backup",
        file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: Damage,
    },
    /// SQLite refuses for another reason.
    #[error("DATA_DIR: {} cannot be used ({source})", file.display())]
    Sqlite {
        /// The file.
        file: PathBuf,
        /// What SQLite answered.
        source: rusqlite::Error,
    },
    /// The system has no thread for the store.
    #[error("DATA_DIR: cannot create a thread (limit reached?): {0}")]
    Thread(io::Error),
    /// What was written may not have reached the disk.
    #[error(
        "DATA_DIR: {} cannot be synced ({source}), so nothing more is accepted; check the disk, then \
         start again: everything that was acknowledged before is there",
        file.display()
    )]
    Sync {
        /// The file.
        file: PathBuf,
        /// What SQLite answered.
        source: rusqlite::Error,
    },
}

/// What is wrong with a database.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// SQLite finds it.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A value is none that hubbub writes.
    #[error("{0} has a value that cannot be")]
    Value(&'static str),
}

impl DiskError {
    /// What SQLite answered about a file.
    pub fn of(file: &Path, source: rusqlite::Error) -> Self {
        let file = file.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged {
                file,
                source: source.into(),
            },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::File {
                    file,
                    source: io::Error::other(source),
                }
            }
            _ if is_wrong_value(&source) => Self::Damaged {
                file,
                source: source.into(),
            },
            _ => Self::Sqlite { file, source },
        }
    }

    /// What SQLite answered to a write.
    pub fn of_write(file: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::ffi::{SQLITE_IOERR_DIR_FSYNC, SQLITE_IOERR_FSYNC};
        let code = source.sqlite_error().map(|error| error.extended_code);
        // After a failed sync the system may have dropped what was to be written.
        if matches!(code, Some(SQLITE_IOERR_FSYNC | SQLITE_IOERR_DIR_FSYNC)) {
            let file = file.to_owned();
            return Self::Sync { file, source };
        }
        Self::of(file, source)
    }

    /// Whether nothing more can be promised. After other errors the next write may succeed.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Sync { .. } | Self::Damaged { .. })
    }

    /// A value that hubbub never writes.
    pub fn value(file: &Path, what: &'static str) -> Self {
        Self::Damaged {
            file: file.to_owned(),
            source: Damage::Value(what),
        }
    }
}

fn is_wrong_value(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
    )
}
