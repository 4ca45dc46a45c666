//! Work on a database beside the server that has it: each tool writes in small transactions, so that
//! the server's own come between them. The server notices what has changed.

mod backup;
mod check;
mod erase;
mod export;
mod import;
mod key;
mod progress;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

pub use self::backup::backup;
pub use self::check::check;
pub use self::erase::erase;
pub use self::export::export;
pub use self::import::import;
pub use self::key::signing_key;
use super::directory::{Directory, database_in};
use super::error::DiskError;
use super::opening::Opened;
use super::schema;
use crate::domain::RoomName;

/// Messages that a tool writes or deletes in one transaction: a few milliseconds' work.
const STEP: usize = 500;

/// Why a tool could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The folder or the database cannot be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// There is no database.
    #[error("DATA_DIR: there is no {}; give the folder that a server was started with", .0.display())]
    NoDatabase(PathBuf),
    /// There is no signing key in the database.
    #[error("{} has no signing key; give SECRET_KEY in the environment", .0.display())]
    NoKey(PathBuf),
    /// There is no such room.
    #[error("there is no room {0} in the database; `hubbub check` shows the rooms")]
    NoRoom(RoomName),
    /// There is no such user.
    #[error("no message is from the user {0}; give the `user_id` that messages have")]
    NoUser(String),
    /// The file exists.
    #[error("{} exists already; give the name of a new file", .0.display())]
    Exists(PathBuf),
    /// Another file cannot be read or written.
    #[error("{}: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// A line cannot be imported. Those before it have been.
    #[error(
        "line {number}: {problem}; mend it and import the file again: what is there is left out"
    )]
    Line {
        /// Its number, from 1.
        number: u64,
        /// What is wrong.
        problem: String,
    },
    /// The check has found something.
    #[error("{} is damaged: {}; restore a backup", file.display(), problems.join("; "))]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What SQLite found.
        problems: Vec<String>,
    },
}

/// A database that a tool works on.
#[derive(Debug)]
struct Database {
    db: Connection,
    file: PathBuf,
    /// Unless a server has the folder.
    directory: Option<Directory>,
}

impl Database {
    /// Opens the database in a folder for reading.
    fn read(folder: &Path) -> Result<Self, ToolError> {
        let file = existing(folder)?;
        let db = schema::open_for_reading(&file).map_err(|source| DiskError::of(&file, source))?;
        schema::check_format(&db, &file)?;
        Ok(Self {
            db,
            file,
            directory: None,
        })
    }

    /// Opens it for writing.
    fn write(folder: &Path) -> Result<Self, ToolError> {
        let file = existing(folder)?;
        Self::open(folder, file)
    }

    /// Opens it for writing, and makes it if there is none.
    fn write_or_make(folder: &Path) -> Result<Self, ToolError> {
        Self::open(folder, database_in(folder))
    }

    fn open(folder: &Path, file: PathBuf) -> Result<Self, ToolError> {
        let directory = match Directory::take(folder) {
            Ok(directory) => Some(directory),
            Err(DiskError::InUse { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let db = match &directory {
            // A server's first start makes the same.
            Some(directory) => Opened::open(directory, &[])?.db,
            None => schema::open(&file)?,
        };
        Ok(Self {
            db,
            file,
            directory,
        })
    }

    fn failed(&self) -> impl Fn(rusqlite::Error) -> ToolError {
        let file = self.file.clone();
        move |source| DiskError::of(&file, source).into()
    }
}

fn existing(folder: &Path) -> Result<PathBuf, ToolError> {
    let file = database_in(folder);
    match fs::metadata(&file) {
        Ok(metadata) if metadata.len() > 0 => Ok(file),
        _ => Err(ToolError::NoDatabase(file)),
    }
}
